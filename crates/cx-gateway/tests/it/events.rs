//! `POST /v1/events`.

use crate::rig::{Reply, Rig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const EVENT: &str =
    r#"{"specversion":"1.0","id":"a-1","source":"web-shop","type":"cx.page.viewed.v1"}"#;
const NO_ID: &str = r#"{"specversion":"1.0","source":"web-shop","type":"cx.page.viewed.v1"}"#;

async fn post(rig: &Rig, kind: &str, body: &str) -> Reply {
    let headers = [("content-type", kind)];
    rig.ask("POST", "/v1/events", &headers, body.as_bytes())
        .await
}

#[tokio::test]
async fn takes_single_events_and_batches() {
    let rig = Rig::start(1);
    let batch = format!("[{EVENT},{EVENT}]");
    let cases = [
        ("application/cloudevents+json", EVENT, 1),
        ("application/cloudevents+json; charset=UTF-8", EVENT, 1),
        ("application/json", EVENT, 1),
        ("application/json;charset=\"utf-8\"", batch.as_str(), 2),
        ("application/cloudevents-batch+json", batch.as_str(), 2),
        ("application/cloudevents-batch+json; charset=utf-8", "[]", 0),
    ];
    for (kind, body, accepted) in cases {
        let reply = post(&rig, kind, body).await;
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
        assert_eq!(
            reply.json(),
            json!({"accepted": accepted, "refused": []}),
            "{kind}"
        );
    }
    let taken = rig.house.taken.lock().unwrap();
    assert!(
        taken.iter().all(|e| e == EVENT),
        "bytes reach the house as sent"
    );
}

#[tokio::test]
async fn one_bad_event_does_not_stop_its_batch() {
    let rig = Rig::start(1);
    let body = format!("[{EVENT},{NO_ID},{EVENT},7]");
    let reply = post(&rig, "application/cloudevents-batch+json", &body).await;
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!(answer["accepted"], 2);
    let refused = json!({
        "index": 1, "id": null, "reason": "missing_attribute", "place": "id", "detail": "add an id",
    });
    assert_eq!(answer["refused"][0], refused);
    assert_eq!(answer["refused"][1]["index"], 3);
}

#[tokio::test]
async fn a_refused_single_event_is_a_problem() {
    let rig = Rig::start(1);
    let problem = post(&rig, "application/json", NO_ID).await.problem(400);
    assert_eq!(problem["errors"][0]["place"], "id");
    assert_eq!(problem["errors"][0]["fix"], "add an id");
}

#[tokio::test]
async fn assembles_an_event_from_headers() {
    let rig = Rig::start(1);
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "a-1"),
        ("ce-source", "web-shop"),
        ("ce-type", "cx.page.viewed.v1"),
        ("ce-subject", "Euro%20%E2%82%AC"),
        ("content-type", "application/json"),
    ];
    let reply = rig
        .ask("POST", "/v1/events", &headers, b"{\"wait_ms\":5}")
        .await;
    assert_eq!(
        (reply.status, reply.json()["accepted"].as_u64()),
        (200, Some(1))
    );
    let taken = rig.house.taken.lock().unwrap();
    let event: Value = serde_json::from_slice(&taken[0]).unwrap();
    let expected = json!({
        "specversion": "1.0", "id": "a-1", "source": "web-shop", "type": "cx.page.viewed.v1",
        "subject": "Euro €", "datacontenttype": "application/json", "data": {"wait_ms": 5},
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn an_event_without_content_type_is_known_by_its_content() {
    let rig = Rig::start(1);
    let batch = format!("\n[{EVENT},{EVENT}]");
    for (body, accepted) in [(EVENT, 1), (batch.as_str(), 2), ("[]", 0)] {
        let reply = rig.ask("POST", "/v1/events", &[], body.as_bytes()).await;
        assert_eq!(reply.json()["accepted"], accepted, "{body}");
    }
    let taken = rig.house.taken.lock().unwrap();
    assert!(taken.iter().all(|e| e == EVENT), "{taken:?}");
}

/// Requests of `schemas/examples/http` that are taken: each reaches the house as one event of the
/// structured form, with data as it was sent. Those refused are the house's own test.
#[tokio::test]
async fn requests_of_the_examples_reach_the_house_as_structured_events() {
    let rig = Rig::start(1);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/examples/http");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let wrapper: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(accepted) = wrapper["accepted"].as_u64() else {
            continue;
        };
        let headers = wrapper["headers"].as_object().unwrap();
        let headers = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str().unwrap()));
        let headers: Vec<(&str, &str)> = headers.collect();
        let coded = wrapper["base64"].as_str().unwrap_or_default();
        let body = match wrapper["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => STANDARD.decode(coded).unwrap(),
        };
        let reply = rig.ask("POST", "/v1/events", &headers, &body).await;
        let name = path.display();
        assert_eq!(reply.json()["accepted"], accepted, "{name}: {reply:?}");
        let taken: Vec<_> = rig.house.taken.lock().unwrap().drain(..).collect();
        assert_eq!(u64::try_from(taken.len()).unwrap(), accepted, "{name}");
        for event in taken {
            let event: Value = serde_json::from_slice(&event).unwrap();
            assert_eq!(event["specversion"], "1.0", "{name}");
            let sent = coded.is_empty() || event["data_base64"] == coded;
            assert!(sent, "{name}: {event}");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen} requests");
}

#[tokio::test]
async fn says_what_it_understands() {
    let rig = Rig::start(1);
    let problem = post(&rig, "text/csv", "a,b").await.problem(415);
    let fix = problem["errors"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("application/cloudevents+json"), "{fix}");
    post(&rig, "application/json; charset=utf-16", EVENT)
        .await
        .problem(415);
    rig.ask("POST", "/v1/events", &[], b"a,b")
        .await
        .problem(415);
    let problem = post(&rig, "application/cloudevents-batch+json", "[{]")
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["place"], "line 1 column 3");
}

#[tokio::test]
async fn refuses_large_bodies_and_long_batches() {
    let rig = Rig::start(1);
    let large = "x".repeat(5_000_000);
    let problem = post(&rig, "application/json", &large).await.problem(413);
    assert!(
        problem["detail"].as_str().unwrap().contains("1 MiB"),
        "{problem}"
    );
    let long = format!("[{}]", vec!["{}"; 1_001].join(","));
    post(&rig, "application/json", &long).await.problem(413);
    assert!(rig.house.taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn says_when_the_log_cannot_be_written() {
    let rig = Rig::start(1);
    rig.house.away.store(true, Ordering::Relaxed);
    let problem = post(&rig, "application/json", EVENT).await.problem(503);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("the broker is away"),
        "{problem}"
    );
}
