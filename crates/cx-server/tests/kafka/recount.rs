//! A running house against the independent recount: another program in another language, which reads
//! the log from Kafka and checks signatures and opaque ids with the house's own keys.

use crate::cluster::{Installation, sent};
use crate::round_trip::events;
use crate::run::{House, copy, now, root, text};
use cx_kafka::Producer;
use std::path::Path;
use std::time::Duration;

#[path = "../../../cx-sim/tests/recount/python.rs"]
mod python;

/// Runs the recount over this installation's log; exit code, and what it said.
fn recount(at: &Installation, catalog: &Path, more: &[&str]) -> (Option<i32>, String) {
    let topic = at.interactions();
    let line = ["--kafka", &at.bootstrap, "--topic", &topic];
    let line: Vec<&str> = line.iter().chain(more).copied().collect();
    let done = python::recount(&root().canonicalize().expect("there"), catalog, &line);
    let said = text(&done.stdout) + &text(&done.stderr);
    (done.status.code(), said)
}

/// All that was sent is read, and seconds are sealed.
fn until_ready(house: &House) {
    let begun = now();
    while house.get("/readyz")["ready"] != true {
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "it reads the log"
        );
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// The recount agrees with all that the house says, with its keys and without.
fn agrees(at: &Installation, house: &House) {
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let data = at.data.path().to_str().expect("text");
    let (code, said) = recount(at, &shipped, &["--against", &house.url, "--data", data]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 differences: equal"), "{said}");
    assert!(said.contains(" customer"), "customers are compared: {said}");
    assert!(!said.contains("trust"), "signatures are checked: {said}");
    let (code, said) = recount(at, &shipped, &["--against", &house.url]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("control records taken on trust"), "{said}");
    assert!(said.contains("the server was asked"), "{said}");
}

/// A recount of other definitions, or with other keys, must not agree.
fn differs(at: &Installation, house: &House) {
    let other = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), other.path());
    let file = other.path().join("kpis/late_records.yaml");
    let kept = std::fs::read_to_string(&file).expect("shipped");
    let changed = kept.replace(
        r#"record.outcome == "late""#,
        r#"record.outcome == "applied""#,
    );
    assert_ne!(kept, changed, "there is such a condition");
    std::fs::write(file, changed).expect("written");
    let (code, said) = recount(at, other.path(), &["--against", &house.url]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("late_records"), "{said}");
    let keys = tempfile::tempdir().expect("a folder");
    copy(at.data.path(), keys.path());
    let file = keys.path().join("secrets/control/k1.key");
    std::fs::write(file, "0".repeat(64)).expect("written");
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let data = keys.path().to_str().expect("text");
    let (code, said) = recount(at, &shipped, &["--against", &house.url, "--data", data]);
    assert_ne!(
        code,
        Some(0),
        "no control record is signed with that key: {said}"
    );
}

#[test]
fn a_house_over_a_live_topic_says_what_the_independent_recount_says() {
    let at = Installation::new(4);
    let house = at.serve();
    sent(&at, &events(4).0);
    let producer = Producer::open(&at.settings()).expect("a producer");
    let put = producer.send(&at.interactions(), Some(1), None, b"no event", &[], None);
    put.expect("room");
    producer.flush(Duration::from_secs(10)).expect("delivered");
    until_ready(&house);
    agrees(&at, &house);
    differs(&at, &house);
}

#[test]
fn a_history_and_its_decisions_are_what_the_independent_recount_says() {
    let mut at = Installation::bare(3);
    at.good(&["topics", "create", "--history"]);
    at.more
        .push(("WATCHFLOOR_KAFKA_HISTORY", "true".to_owned()));
    sent(&at, &events(20).0);
    let house = at.serve();
    until_ready(&house);
    agrees(&at, &house);
    let decisions = format!("{}cx.decisions", at.prefix);
    let data = at.data.path().to_str().expect("text");
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let line = ["--data", data, "--no-customers", "--decisions", &decisions];
    let (code, said) = recount(&at, &shipped, &line);
    assert_eq!(code, Some(0), "{said}");
    let told = said.lines().find(|l| l.contains("decisions compared"));
    let told = told.expect("it says how many");
    assert!(told.ends_with(" 0 differences"), "{told}");
    assert!(
        !told.contains(": 0 decisions"),
        "the history has some: {told}"
    );
}
