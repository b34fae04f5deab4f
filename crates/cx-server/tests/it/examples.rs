//! Every file of `schemas/examples` at the doors of a real demo.

use crate::hostile::until;
use crate::run::{House, root};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cx_kafka::{ClientSettings, Producer};
use cx_model::ids::partition_of;
use cx_model::reject::Reason;
use cx_model::vocabulary::TOPIC_INTERACTIONS;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// All files of one folder, by name; a folder without files is a fault.
fn examples(folder: &str) -> BTreeMap<String, Value> {
    let entries = std::fs::read_dir(root().join("schemas/examples").join(folder));
    let paths = entries.expect("the folder").map(|e| e.expect("one").path());
    let json = paths.filter(|p| p.extension().is_some_and(|e| e == "json"));
    let read = |p: std::path::PathBuf| {
        let bytes = std::fs::read(&p).expect("readable");
        let value = serde_json::from_slice(&bytes).expect("JSON");
        (p.display().to_string(), value)
    };
    let all: BTreeMap<String, Value> = json.map(read).collect();
    assert!(all.len() > 5, "{folder} has {} examples", all.len());
    all
}

/// The bytes that a wrapper stands for.
fn bytes(wrapper: &Value, field: &str) -> Option<Vec<u8>> {
    if let Some(event) = wrapper.get(field) {
        return Some(event.to_string().into_bytes());
    }
    if let Some(coded) = wrapper["base64"].as_str() {
        return Some(STANDARD.decode(coded).expect("base64"));
    }
    let text = wrapper["text"].as_str()?;
    let times = wrapper["repeat"]["times"].as_u64().unwrap_or(0);
    let long = wrapper["repeat"]["text"].as_str().unwrap_or_default();
    let long = long.repeat(usize::try_from(times).expect("small"));
    let whole = if long.is_empty() {
        text.to_owned()
    } else {
        text.replacen("{}", &long, 1)
    };
    Some(whole.into_bytes())
}

/// What a refusal must say: a status of the 400s, the reason, the place, what to write.
fn refused(name: &str, wrapper: &Value, status: u16, problem: &Value) -> Vec<String> {
    let error = &problem["errors"][0];
    let right = (400..500).contains(&status)
        && error["field"] == wrapper["reason"]
        && error["place"] == wrapper["place"]
        && error["fix"].as_str().is_some_and(|f| !f.is_empty());
    let wrong = (!right).then(|| format!("{name}: {status} {problem}"));
    wrong.into_iter().collect()
}

#[test]
fn every_example_is_taken_or_refused_at_the_http_door_as_it_says() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    let mut wrong = Vec::new();
    let mut batch = Vec::new();
    let good = ["valid", "published"].into_iter().flat_map(examples);
    for (name, event) in good {
        let body = event.to_string();
        let (status, answer) = demo.post("/v1/events", STRUCTURED, body.as_bytes());
        if (status, &answer["accepted"]) != (200, &json!(1)) {
            wrong.push(format!("{name}: {status} {answer}"));
        }
        batch.push(event);
    }
    let accepted = batch.len();
    let mut reasons = Vec::new();
    for (name, wrapper) in examples("invalid") {
        let body = bytes(&wrapper, "event").expect("an event");
        let (status, problem) = demo.post("/v1/events", STRUCTURED, &body);
        wrong.extend(refused(&name, &wrapper, status, &problem));
        if let Some(event) = wrapper.get("event") {
            batch.push(event.clone());
            reasons.push(wrapper["reason"].clone());
        }
    }
    let body = Value::Array(batch).to_string();
    let (status, report) = demo.post("/v1/events", BATCH, body.as_bytes());
    assert_eq!((status, &report["accepted"]), (200, &json!(accepted)));
    let list = report["refused"].as_array().expect("a list");
    let said: Vec<&Value> = list.iter().map(|r| &r["reason"]).collect();
    assert_eq!(said, reasons.iter().collect::<Vec<_>>());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

/// One request of the folder `http`.
fn ask(demo: &House, wrapper: &Value) -> (u16, Value) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.build());
    let mut request = agent.post(format!("{}/v1/events", demo.url));
    for (name, value) in wrapper["headers"].as_object().expect("headers") {
        request = request.header(name, value.as_str().expect("text"));
    }
    let body = bytes(wrapper, "body").expect("a body");
    let answer = request.send(&body[..]).expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.into_body().read_to_string().expect("text");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn requests_of_published_libraries_and_of_the_binding_are_answered_as_they_say() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    let mut wrong = Vec::new();
    for (name, wrapper) in examples("http") {
        let (status, answer) = ask(&demo, &wrapper);
        let error = &answer["errors"][0];
        let right = if let Some(accepted) = wrapper.get("accepted") {
            status == 200 && answer["accepted"] == *accepted && answer["refused"] == json!([])
        } else {
            let same = |part: &str, of: &Value| wrapper.get(part).is_none_or(|w| w == of);
            wrapper["status"] == status
                && same("reason", &error["field"])
                && same("place", &error["place"])
                && error["fix"].is_string()
        };
        if !right {
            wrong.push(format!("{name}: {status} {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

/// The record that a wrapper of `kafka-binary` describes: its partition, value and headers.
fn produce(producer: &Producer, wrapper: &Value) {
    let all = wrapper["headers"].as_object().expect("headers");
    let owned: Vec<(&str, Vec<u8>)> = all
        .iter()
        .map(|(name, value)| match value["base64"].as_str() {
            Some(coded) => (name.as_str(), STANDARD.decode(coded).expect("base64")),
            None => (
                name.as_str(),
                value.as_str().expect("text").as_bytes().to_vec(),
            ),
        })
        .collect();
    let headers: Vec<(&str, &[u8])> = owned.iter().map(|(n, v)| (*n, v.as_slice())).collect();
    let subject = wrapper["value"]["subject"].as_str();
    let subject = subject.or(wrapper["headers"]["ce_subject"].as_str());
    let partition = subject.map_or(3, |s| partition_of(s, 8));
    let value = bytes(wrapper, "value").unwrap_or_default();
    let sent = producer.send(
        TOPIC_INTERACTIONS,
        Some(partition),
        None,
        &value,
        &headers,
        None,
    );
    sent.expect("room in the queue");
}

#[test]
fn every_example_in_the_log_is_counted_by_its_reason_and_no_valid_one_is_put_aside() {
    let demo = House::demo(&["--history", "2", "--customers", "20"]);
    let producer = Producer::open(&ClientSettings::embedded(&demo.bootstrap)).expect("a producer");
    let before = demo.get("/healthz")["dead_letters"].clone();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for (_, wrapper) in examples("kafka-binary") {
        produce(&producer, &wrapper);
        if let Some(reason) = wrapper["reason"].as_str() {
            *expected.entry(reason.to_owned()).or_default() += 1;
        }
    }
    // The last of each partition: where it is counted, all before it are.
    for partition in 0..8 {
        let sent = producer.send(TOPIC_INTERACTIONS, Some(partition), None, b"", &[], None);
        sent.expect("room in the queue");
        *expected.entry("empty".to_owned()).or_default() += 1;
    }
    producer.flush(Duration::from_secs(20)).expect("delivered");
    let count = |health: &Value, reason: &str| {
        let now = health["dead_letters"][reason].as_i64().unwrap_or(0);
        now - before[reason].as_i64().unwrap_or(0)
    };
    let health = until(&demo, "dead letters by reason", |health| {
        expected
            .iter()
            .all(|(reason, n)| count(health, reason) >= *n)
    });
    // The demo's own company sends broken text and clocks ahead of time now and then.
    let own = [Reason::Future, Reason::InvalidJson];
    let told = Reason::ALL.into_iter().filter(|r| !own.contains(r));
    for reason in told {
        let n = expected.get(reason.name()).copied().unwrap_or(0);
        assert_eq!(count(&health, reason.name()), n, "{reason:?}: {health}");
    }
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}
