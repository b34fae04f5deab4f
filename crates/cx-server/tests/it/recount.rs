//! `watchfloor recount` as its user meets it: over the embedded broker and over files.

use crate::doors::done;
use crate::run::{House, copy, root, text, watchfloor};
use serde_json::Value;
use std::path::Path;

/// Runs it; exit code, and all that it said.
pub(crate) fn recount(more: &[&str]) -> (Option<i32>, String) {
    let line: Vec<&str> = ["recount"].iter().chain(more).copied().collect();
    let output = done(&line);
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

fn json(more: &[&str]) -> Value {
    let line: Vec<&str> = more.iter().chain(&["--json"]).copied().collect();
    let (code, said) = recount(&line);
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).expect("one line of JSON")
}

/// The shipped definitions, one of which is changed.
pub(crate) fn changed(folder: &Path) -> &str {
    copy(&root().join("deploy/catalog"), folder);
    let file = folder.join("kpis/late_records.yaml");
    let kept = std::fs::read_to_string(&file).expect("shipped");
    let changed = kept.replace(r#""late""#, r#""applied""#);
    assert_ne!(kept, changed, "there is such a condition");
    std::fs::write(file, changed).expect("written");
    folder.to_str().expect("text")
}

#[test]
fn a_demo_agrees_with_its_log_and_a_copy_of_the_log_says_the_same() {
    let demo = House::demo(&["--history", "3", "--rate", "8", "--customers", "60"]);
    let folder = tempfile::tempdir().expect("a folder");
    let dump = folder.path().join("log.ndjson");
    let dump = dump.to_str().expect("text");
    let at = ["--from", &demo.bootstrap, "--against", &demo.url];
    let first = json(&[&at[..], &["--dump", dump]].concat());
    assert_eq!(first["equal"], first["numbers"], "{first}");
    assert!(first["numbers"].as_u64() > Some(400), "{first}");
    assert!(first["records"].as_u64() > Some(500), "{first}");
    assert_eq!(first["signatures"], "on trust");
    let outside = serde_json::json!(["consumer_lag", "event_to_screen_age"]);
    assert_eq!(first["outside"], outside);
    let s = first["s"].to_string();
    let offsets: Vec<i64> = serde_json::from_value(first["offsets"].clone()).expect("offsets");
    let vector = |offsets: &[i64]| {
        let pairs = offsets.iter().enumerate().map(|(p, o)| format!("{p}:{o}"));
        pairs.collect::<Vec<_>>().join(",")
    };
    let right = vector(&offsets);
    let again = json(&["--from", dump, "--s", &s, "--offsets", &right]);
    assert_eq!(again["cells"], first["cells"]);
    let mut wrong = offsets.clone();
    wrong[0] -= 1;
    let (code, said) = recount(&["--from", dump, "--s", &s, "--offsets", &vector(&wrong)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not on those that were given"), "{said}");
    let other = tempfile::tempdir().expect("a folder");
    let line = [&at[..], &["--catalog", changed(other.path())]].concat();
    let (code, said) = recount(&line);
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "DIFFERS: late_records: ",
        "DIFFERS: late_records 15m",
        "numerator",
        "offsets 0:",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn what_cannot_be_said_is_told_from_a_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let dump = folder.path().join("log.ndjson");
    std::fs::write(&dump, "{\"partitions\": 2}\n").expect("written");
    let dump = dump.to_str().expect("text");
    let data = folder.path().to_str().expect("text");
    for (line, words) in [
        (&["--from", "/no/such.ndjson"][..], "no such file"),
        (&["--from", dump], "partition 0 has no record"),
        (&["--from", dump, "--catalog", "/no/such"], "/no/such"),
        (
            &["--from", dump, "--s", "5", "--offsets", "0:1"],
            "all 2 partitions",
        ),
        (
            &["--from", dump, "--s", "5", "--offsets", "x"],
            "partition:offset",
        ),
        (&["--from", dump, "--data", data], "--data"),
        (
            &["--from", dump, "--against", "http://127.0.0.1:1"],
            "127.0.0.1:1",
        ),
        (&["--from", dump, "--offsets", "0:1,1:1"], "--s"),
        (&[], "--from"),
    ] {
        let (code, said) = recount(line);
        assert_eq!(code, Some(2), "{line:?}: {said}");
        assert!(said.contains(words), "{line:?}: {words}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_second_is_asked_for_by_its_number() {
    let demo = House::demo(&["--history", "1", "--rate", "8", "--customers", "60"]);
    let s = demo.get("/v1/kpis/orders")["s"].to_string();
    let line = ["get", "kpi", "orders", "--json", "--url", &demo.url, "--s"];
    let asked = |s: &str| {
        watchfloor(&[&line[..], &[s]].concat())
            .output()
            .expect("runs")
    };
    let told: Value = serde_json::from_slice(&asked(&s).stdout).expect("JSON");
    assert_eq!(told["s"].to_string(), s);
    let of_board = demo.get(&format!("/v1/boards/care?s={s}"));
    assert_eq!(told["offsets"], of_board["offsets"]);
    let gone = asked("5");
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("second 5 is not kept"));
    assert_eq!(demo.get("/v1/kpis/orders?x=1")["title"], "unknown query");
}
