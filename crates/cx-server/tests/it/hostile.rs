//! Bad input of every kind: refused with a reason, counted, kept; nobody else notices.

use crate::run::{House, now};
use cx_kafka::{ClientSettings, Ear, Heard, Producer};
use cx_model::vocabulary::{HEADER_CONTROL, TOPIC_DEAD_LETTERS, TOPIC_INTERACTIONS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const STRUCTURED: &str = "application/cloudevents+json";

fn event(id: &str, more: &Value) -> Vec<u8> {
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "web-shop", "subject": "c-1",
        "type": "cx.commerce.order_placed.v1", "data": {"channel": "web"},
    });
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    event.to_string().into_bytes()
}

/// Bad records with the reason each must be refused for.
fn poison() -> Vec<(&'static str, Vec<u8>)> {
    let deep = format!(r#"{{"data":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let long = "x".repeat(5 * 1_024 * 1_024);
    vec![
        ("too_large", event("long", &json!({"data": {"note": long}}))),
        ("too_deep", deep.into_bytes()),
        ("invalid_json", b"{\"id\": \"\xff\xfe\"}".to_vec()),
        ("invalid_json", b"{\"id\": ".to_vec()),
        ("empty", Vec::new()),
        (
            "invalid_attribute",
            event("late", &json!({"time": "9999-12-31T23:59:59Z"})),
        ),
        (
            "future",
            event("ahead", &json!({"time": "2199-12-31T23:59:59Z"})),
        ),
    ]
}

/// Reads `cx.dead-letters` until all of these bytes were found there.
fn put_aside(demo: &House, mut wanted: Vec<Vec<u8>>) {
    let settings = ClientSettings::embedded(&demo.bootstrap);
    let mut ear = Ear::open(&settings, TOPIC_DEAD_LETTERS, &[(0, 0)]).expect("the broker");
    let begun = now();
    while !wanted.is_empty() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} are not put aside",
            wanted.len()
        );
        let heard = ear.poll(Duration::from_millis(100), &mut |heard| {
            if let Heard::Record(r) = heard {
                wanted.retain(|w| w != r.value.unwrap_or_default());
            }
        });
        heard.expect("the topic");
    }
}

pub(crate) fn until(demo: &House, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = now();
    loop {
        let health = demo.get("/healthz");
        if holds(&health) {
            return health;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: {health}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn poison_in_the_log_is_counted_by_reason_and_put_aside_with_its_bytes() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    let settings = ClientSettings::embedded(&demo.bootstrap)
        .with("message.max.bytes", "8000000")
        .expect("allowed");
    let producer = Producer::open(&settings).expect("a producer");
    let before = demo.get("/healthz")["dead_letters"].clone();
    let poison = poison();
    for (_, bytes) in &poison {
        let sent = producer.send(TOPIC_INTERACTIONS, Some(3), None, bytes, &[], None);
        sent.expect("room in the queue");
    }
    let forged = [(HEADER_CONTROL, &b"99;demo;00ff"[..])];
    let sent = producer.send(TOPIC_INTERACTIONS, Some(3), None, b"{}", &forged, None);
    sent.expect("room in the queue");
    let misplaced = event("elsewhere", &json!({}));
    for partition in 0..8 {
        let sent = producer.send(
            TOPIC_INTERACTIONS,
            Some(partition),
            None,
            &misplaced,
            &[],
            None,
        );
        sent.expect("room in the queue");
    }
    producer.flush(PATIENCE).expect("delivered");
    assert_eq!(producer.failed(), 0, "of {}", producer.delivered());
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    for (reason, _) in &poison {
        *expected.entry(reason).or_default() += 1;
    }
    expected.insert("control_forged", 1);
    expected.insert("misplaced", 7);
    until(&demo, "dead letters by reason", |health| {
        expected.iter().all(|(reason, n)| {
            let now = health["dead_letters"][reason].as_i64().unwrap_or(0);
            now - before[reason].as_i64().unwrap_or(0) >= *n
        })
    });
    // The largest is kept as far as the broker takes it; this one's limit is a megabyte.
    let small = poison.into_iter().map(|(_, bytes)| bytes);
    put_aside(&demo, small.filter(|b| b.len() < 1_000_000).collect());
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn poison_at_the_http_door_is_refused_with_reason_place_and_fix() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    for (reason, bytes) in poison() {
        let (status, problem) = demo.post("/v1/events", STRUCTURED, &bytes);
        assert!((400..500).contains(&status), "{reason}: {status}");
        assert!(
            problem["errors"][0]["fix"].is_string(),
            "{reason}: {problem}"
        );
    }
    let (status, _) = demo.post("/v1/events", STRUCTURED, &event("good", &json!({})));
    assert!(
        (200..300).contains(&status),
        "a good event after all that: {status}"
    );
    put_aside(&demo, vec![b"{\"id\": ".to_vec()]);
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}

#[test]
fn an_event_without_key_or_subject_counts_where_it_stands() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    let producer = Producer::open(&ClientSettings::embedded(&demo.bootstrap)).expect("a producer");
    let unregistered = |health: &Value| health["unregistered"]["source"]["nobody"].as_i64();
    for id in 0..10 {
        let mut event = json!({
            "specversion": "1.0", "id": format!("n-{id}"), "source": "nobody",
            "type": "cx.session.started.v1", "data": {"channel": "web"},
        });
        if id % 2 == 1 {
            event["subject"] = Value::Null;
        }
        let value = event.to_string();
        let sent = producer.send(TOPIC_INTERACTIONS, None, None, value.as_bytes(), &[], None);
        sent.expect("room in the queue");
    }
    until(&demo, "ten events of nobody", |h| {
        unregistered(h) == Some(10)
    });
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}

#[test]
fn a_stream_that_says_garbage_is_told_so_and_the_wall_goes_on() {
    let demo = House::demo(&["--history", "2"]);
    let url = format!("{}/v1/stream", demo.url.replacen("http", "ws", 1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let said = runtime.block_on(async {
        use futures_util::{SinkExt as _, StreamExt as _};
        use tokio_tungstenite::tungstenite::Message;
        let stream = tokio_tungstenite::connect_async(&url).await;
        let (mut socket, _) = stream.expect("a stream");
        let garbage = Message::text("}{ garbage");
        socket.send(garbage).await.expect("sent");
        let answer = tokio::time::timeout(PATIENCE, socket.next()).await;
        let answer = answer.expect("in time").expect("an answer");
        answer.expect("a frame").to_string()
    });
    let frame: Value = serde_json::from_str(&said).expect("JSON");
    assert!(
        frame["op"] == "error" && frame["fix"].is_string(),
        "{frame}"
    );
    assert_eq!(demo.get("/readyz")["ready"], true);
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}
