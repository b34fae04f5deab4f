//! What people say and do on a command line, to a house that runs.

use crate::doors::done;
use crate::run::{House, now, text};
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The exit code, and all that was said.
fn told(house: &House, line: &[&str]) -> (Option<i32>, String) {
    let mut all = line.to_vec();
    all.extend(["--url", &house.url]);
    let output = done(&all);
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn maintenance_is_declared_listed_and_ended() {
    let house = House::demo(&["--history", "5", "--story", "calm"]);
    let line = [
        "maintenance",
        "declare",
        "--source",
        "crm",
        "--for",
        "30m",
        "--as",
        "Ada Nowak",
    ];
    let (code, said) = told(&house, &line);
    assert!(
        code == Some(1) && said.contains("why"),
        "a reason is asked for: {said}"
    );
    let mut right = line.to_vec();
    right.extend(["--why", "it moves", "--json"]);
    let (code, said) = told(&house, &right);
    let written: Value = serde_json::from_str(&said).expect("JSON");
    let id = written["id"].as_str().expect("an id").to_owned();
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = told(&house, &["get", "alerts"]);
    assert!(code == Some(0) && said.contains("source crm"), "{said}");
    assert!(
        said.contains("Ada Nowak: it moves") && said.contains(&id),
        "{said}"
    );
    let (code, said) = told(&house, &["maintenance", "end", &id, "--as", "Ben Ito"]);
    assert!(code == Some(0) && said.starts_with("done"), "{said}");
    // It is over with the sealed second of that act.
    let begun = now();
    while told(&house, &["get", "alerts"]).1.contains("source crm") {
        assert!(begun.elapsed() < PATIENCE);
    }
    let (code, said) = told(&house, &["maintenance", "end", &id, "--as", "Ben Ito"]);
    assert!(
        code == Some(1) && said.contains("get alerts lists it"),
        "{said}"
    );
}

#[test]
fn a_refusal_of_the_house_is_exit_code_1_and_a_wrong_line_is_2() {
    let house = House::demo(&["--history", "5", "--story", "calm"]);
    let (code, said) = told(&house, &["sign", "orders", "--as", "Eve"]);
    let words =
        "Eve is neither its business owner (commerce.lead) nor its technical one (web.platform)";
    assert!(code == Some(1) && said.contains(words), "{said}");
    let (code, said) = told(&house, &["sign", "orders", "--as", "Cleo Martin"]);
    assert!(
        code == Some(1) && said.contains("has signed this definition already"),
        "{said}"
    );
    let (code, said) = told(&house, &["retire", "nothing", "--as", "Cleo Martin"]);
    assert!(code == Some(1) && said.contains("no such KPI"), "{said}");
    let (code, said) = told(&house, &["activate", "abc", "--as", "Cleo Martin"]);
    assert!(
        code == Some(1) && said.contains("read what they propose again"),
        "{said}"
    );
    let (code, said) = told(&house, &["alert", "take", "abc", "--as", "Cleo Martin"]);
    assert!(
        code == Some(1) && said.contains("get alerts lists them"),
        "{said}"
    );
    let (code, said) = told(&house, &["get", "definitions"]);
    assert!(
        code == Some(0) && said.contains("the files say what is in force"),
        "{said}"
    );
    assert!(
        said.contains("proposals") || said.contains("who did what"),
        "{said}"
    );
    let (_, said) = told(&house, &["get", "definitions", "--json"]);
    let all: Value = serde_json::from_str(&said).expect("JSON");
    let mut listed = all["definitions"].as_array().expect("a list").iter();
    let orders = listed.find(|d| d["kpi"] == "orders").expect("in force");
    let hash = orders["definition"].as_str().map(str::len);
    assert_eq!(
        (&orders["state"], &orders["owners"]["business"], hash),
        (&"agreed".into(), &"commerce.lead".into(), Some(64)),
        "{orders}"
    );
    let home = orders["home"].as_str().expect("a file");
    assert!(home.ends_with("orders.yaml"), "{home}");
    for wrong in [
        &["sign", "orders"][..],
        &["alert", "shelve", "abc", "--as", "Ada Nowak"],
        &["alert", "hand-over", "abc", "--as", "Ada Nowak"],
        &[
            "maintenance",
            "declare",
            "--for",
            "30m",
            "--as",
            "Ada Nowak",
        ],
        &["roll-back", "one", "--as", "Ada Nowak"],
    ] {
        let (code, said) = told(&house, wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
    }
}
