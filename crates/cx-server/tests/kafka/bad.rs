//! What can be wrong with a cluster, its topics and its records: a clear error that names the fix,
//! or a counted refusal.

use crate::cluster::Installation;
use crate::run::{House, now};
use cx_kafka::{Producer, Topics};
use cx_model::ids::partition_of;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn topics_that_are_missing_are_named_with_the_command_that_makes_them() {
    let at = Installation::bare(2);
    for command in ["serve", "topics"] {
        let line: &[&str] = if command == "topics" {
            &["topics", "check"]
        } else {
            &["serve"]
        };
        at.refused(
            line,
            &[&at.interactions(), "missing", "watchfloor topics create"],
        );
    }
    let said = at.good(&["topics", "create"]);
    assert!(said.contains("made"), "{said}");
    let again = at.good(&["topics", "create"]);
    assert!(again.contains("was there"), "{again}");
    at.good(&["topics", "check"]);
}

#[test]
fn a_wrong_partition_count_is_refused_everywhere() {
    let mut at = Installation::new(3);
    at.partitions = 4;
    for line in [
        &["serve"][..],
        &["topics", "check"],
        &["topics", "create"],
        &["send", "/dev/null"],
    ] {
        at.refused(line, &["partitions is 3, must be 4", "can never change"]);
    }
}

#[test]
fn wrong_timestamps_are_refused_in_both_directions() {
    let mut at = Installation::new(2);
    at.refused(
        &["topics", "check", "--history"],
        &["LogAppendTime, must be CreateTime"],
    );
    at.more
        .push(("WATCHFLOOR_KAFKA_HISTORY", "true".to_owned()));
    at.refused(
        &["serve"],
        &["message.timestamp.type", "must be CreateTime"],
    );
    let history = Installation::bare(2);
    history.good(&["topics", "create", "--history"]);
    history.refused(
        &["serve"],
        &["CreateTime, must be LogAppendTime", "kafka.history"],
    );
}

#[test]
fn definitions_that_changed_are_a_proposal_that_changes_nothing() {
    let at = Installation::new(2);
    let house = at.serve();
    assert!(house.stop().1);
    let catalog = tempfile::tempdir().expect("a folder");
    crate::run::copy(&crate::run::root().join("deploy/catalog"), catalog.path());
    let file = catalog.path().join("kpis/orders.yaml");
    let text = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, text.replace("meaning: ", "meaning: Once more, ")).expect("written");
    let mut changed = at.command(&["serve", "--json"]);
    let house = House::start(changed.env("WATCHFLOOR_CATALOG", catalog.path()));
    let told = house.get("/v1/definitions");
    let changes = told["files"]["changes"].to_string();
    assert!(changes.contains("orders: meaning"), "{told}");
    assert_eq!(told["sets"].as_array().map(Vec::len), Some(1), "{told}");
    let orders = house.get("/v1/kpis/orders");
    assert!(
        !orders["meaning"].to_string().contains("Once more"),
        "{orders}"
    );
}

#[test]
fn a_topic_that_is_removed_under_a_running_house_stops_it_with_its_name() {
    let at = Installation::new(2);
    let mut house = at.serve();
    let topic = at.interactions();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let topics = Topics::open(&at.settings()).expect("a client");
    runtime.block_on(topics.delete(&[&topic])).expect("removed");
    let (status, error) = house.wait();
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(
        error.contains(&topic) && error.contains("does not exist"),
        "{error}"
    );
}

fn until(house: &House, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = now();
    loop {
        let health = house.get("/healthz");
        if holds(&health) {
            return health;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{what}: {health}"
        );
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn a_record_in_the_wrong_partition_is_put_aside_as_misplaced_whatever_its_key() {
    let at = Installation::new(4);
    let house = at.serve();
    let home = partition_of("customer:1", 4);
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "web-shop", "subject": "customer:1",
        "type": "cx.commerce.order_placed.v1", "data": {"channel": "web"},
    });
    let value = event.to_string();
    let producer = Producer::open(&at.settings()).expect("a producer");
    let key = Some(&b"customer:1"[..]);
    let topic = at.interactions();
    let wrong = Some((home + 1) % 4);
    let put = producer.send(&topic, wrong, key, value.as_bytes(), &[], None);
    put.expect("room");
    producer.flush(Duration::from_secs(10)).expect("delivered");
    until(&house, "one misplaced", |h| {
        h["dead_letters"]["misplaced"] == 1
    });
    let (last, good) = house.stop();
    assert!(good && last["figures"]["dead_lettered"] == 1, "{last}");
}
