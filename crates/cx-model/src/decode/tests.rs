//! Every file of `schemas/examples` through the decoder, and what is too large for a file.

use super::{decode, of_record};
use crate::attribute::{ATTRIBUTES, Kind, SlotTable};
use crate::event::{Event, Slot};
use crate::limits::Limits;
use crate::record::{Record, TimestampKind};
use crate::reject::{Reason, Rejected};
use crate::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::Path;

const HEAD: &str = r#""specversion":"1.0","id":"1","source":"/shop","type":"cx.x.y.v1""#;

/// All files of one folder, by name; a folder without files is a fault.
fn examples(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples");
    let entries = std::fs::read_dir(root.join(folder)).expect("the folder is there");
    let paths = entries.map(|e| e.expect("readable").path());
    let paths = paths.filter(|p| p.extension().is_some_and(|e| e == "json"));
    let mut all: Vec<(String, Vec<u8>)> = paths
        .map(|p| (p.display().to_string(), std::fs::read(p).expect("readable")))
        .collect();
    assert!(all.len() > 5, "{folder} has {} examples", all.len());
    all.sort();
    all
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("an example is JSON")
}

/// The bytes that a wrapper stands for.
fn body(wrapper: &Value, field: &str) -> Option<Vec<u8>> {
    if let Some(event) = wrapper.get(field) {
        return Some(event.to_string().into_bytes());
    }
    if let Some(coded) = wrapper["base64"].as_str() {
        return Some(STANDARD.decode(coded).expect("base64"));
    }
    let text = wrapper["text"].as_str()?;
    let Some(repeat) = wrapper.get("repeat") else {
        return Some(text.as_bytes().to_vec());
    };
    let times = usize::try_from(repeat["times"].as_u64().expect("a number")).expect("small");
    let long = repeat["text"].as_str().expect("text").repeat(times);
    let (before, after) = text.split_once("{}").expect("where it stands");
    Some(format!("{before}{long}{after}").into_bytes())
}

/// A table of every declared attribute.
fn every_slot() -> SlotTable {
    let mut slots = SlotTable::default();
    for attribute in ATTRIBUTES {
        slots.add(attribute.name).expect("room for all");
    }
    slots
}

/// What a slot must hold for a field of `data`.
fn expected(field: &Value, kind: Kind) -> Slot<'static> {
    let typed = match (kind, field) {
        (_, Value::Null) => return Slot::Missing,
        (Kind::Bool, Value::Bool(b)) => Some(Slot::Bool(*b)),
        (Kind::Text, Value::String(s)) => Some(Slot::Text(s.clone().into())),
        (Kind::Int | Kind::Double, Value::Number(n)) if n.is_i64() => n.as_i64().map(Slot::Int),
        (Kind::Double, Value::Number(n)) => n.as_f64().map(Slot::Double),
        (Kind::Bool | Kind::Int | Kind::Double | Kind::Text, _) => None,
    };
    typed.unwrap_or(Slot::Mistyped)
}

/// Nothing was lost or changed on the way from the JSON into the event.
fn same(name: &str, event: &Event<'_>, json: &Value, slots: &SlotTable) {
    assert_eq!(event.id, json["id"].as_str().expect("id"), "{name}");
    assert_eq!(
        event.source,
        json["source"].as_str().expect("source"),
        "{name}"
    );
    assert_eq!(event.kind, json["type"].as_str().expect("type"), "{name}");
    assert_eq!(event.subject.as_deref(), json["subject"].as_str(), "{name}");
    let time = json["time"].as_str().map(|t| {
        let instant: jiff::Timestamp = t.parse().expect("a time");
        let ms = instant.as_nanosecond().div_euclid(1_000_000);
        Timestamp(i64::try_from(ms).expect("in range"))
    });
    assert_eq!(event.time, time, "{name}");
    let sequence = event.sequence.as_deref();
    assert_eq!(sequence, json["sequence"].as_str(), "{name}");
    for attribute in ATTRIBUTES {
        let slot = slots.slot(attribute.name).expect("declared");
        let field = &json["data"][attribute.name];
        let wanted = expected(field, attribute.kind);
        assert_eq!(event.slot(slot), &wanted, "{name}: {}", attribute.name);
    }
}

#[test]
fn every_valid_and_published_example_is_read_to_its_last_attribute() {
    let slots = every_slot();
    for (name, bytes) in ["valid", "published"].into_iter().flat_map(examples) {
        let event = decode(&bytes, &slots, &Limits::default());
        let event = event.unwrap_or_else(|rejected| panic!("{name}: {rejected}"));
        same(&name, &event, &parsed(&bytes), &slots);
    }
}

/// What a wrapper says of its refusal, against what happened.
fn differs(name: &str, wrapper: &Value, got: &Rejected) -> Option<String> {
    let (reason, place) = (got.reason.name(), got.place.as_str());
    let right = wrapper["reason"] == reason && wrapper["place"] == place;
    assert!(!got.detail.is_empty(), "{name} has no detail");
    (!right).then(|| format!("{name}: {got}"))
}

#[test]
fn every_invalid_example_is_refused_for_its_reason_at_its_place() {
    let (slots, mut wrong) = (every_slot(), Vec::new());
    let mut reasons = Vec::new();
    for (name, bytes) in examples("invalid") {
        let wrapper = parsed(&bytes);
        let bytes = body(&wrapper, "event").expect("an event");
        match decode(&bytes, &slots, &Limits::default()) {
            Ok(event) => wrong.push(format!("{name} was taken: {event:?}")),
            Err(rejected) => {
                reasons.push(rejected.reason);
                wrong.extend(differs(&name, &wrapper, &rejected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for reason in [
        Reason::TooLarge,
        Reason::Empty,
        Reason::InvalidJson,
        Reason::TooDeep,
        Reason::MissingAttribute,
        Reason::InvalidAttribute,
        Reason::TooLong,
    ] {
        assert!(reasons.contains(&reason), "no example for {reason:?}");
    }
}

/// Headers of a wrapper as bytes.
fn headers(wrapper: &Value) -> Vec<(String, Vec<u8>)> {
    let all = wrapper["headers"].as_object().expect("headers");
    let bytes = |value: &Value| match value["base64"].as_str() {
        Some(coded) => STANDARD.decode(coded).expect("base64"),
        None => value.as_str().expect("text").as_bytes().to_vec(),
    };
    all.iter().map(|(n, v)| (n.clone(), bytes(v))).collect()
}

#[test]
fn every_kafka_record_of_the_examples_is_taken_or_refused_as_it_says() {
    let (slots, mut wrong) = (every_slot(), Vec::new());
    for (name, bytes) in examples("kafka-binary") {
        let wrapper = parsed(&bytes);
        let (headers, value) = (headers(&wrapper), body(&wrapper, "value"));
        let attributes: Vec<(&str, &[u8])> = headers
            .iter()
            .filter_map(|(n, v)| Some((n.strip_prefix("ce_")?, v.as_slice())))
            .collect();
        let kind = headers.iter().find(|(n, _)| n == "content-type");
        let record = Record {
            partition: 0,
            offset: 0,
            timestamp: Timestamp(0),
            timestamp_kind: TimestampKind::LogAppend,
            key: None,
            value: value.as_deref(),
            control: None,
            content_type: kind.map(|(_, v)| v.as_slice()),
            attributes: &attributes,
        };
        let got = of_record(&record, &slots, &Limits::default());
        match (wrapper["valid"].as_bool().expect("valid"), got) {
            (true, Ok(event)) => taken(&name, &wrapper, &event, &slots),
            (false, Err(rejected)) => wrong.extend(differs(&name, &wrapper, &rejected)),
            (_, got) => wrong.push(format!("{name}: {got:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A record in binary mode equals the structured event that its headers and value would make.
fn taken(name: &str, wrapper: &Value, event: &Event<'_>, slots: &SlotTable) {
    let value = wrapper.get("value").cloned().unwrap_or_default();
    let mut json = value.clone();
    if value.get("specversion").is_none() {
        json = serde_json::json!({"data": value});
        for (header, value) in wrapper["headers"].as_object().expect("headers") {
            if let Some(attribute) = header.strip_prefix("ce_") {
                json[attribute] = value.clone();
            }
        }
    }
    same(name, event, &json, slots);
}

#[test]
fn refuses_ten_thousand_levels_and_five_megabytes() {
    let refusal = |json: String| {
        let got = decode(json.as_bytes(), &SlotTable::default(), &Limits::default());
        got.expect_err("refused").reason
    };
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(r#"{{{HEAD},"data":{{"x":{open}{close}}}}}"#);
    assert_eq!(refusal(deep), Reason::TooDeep);
    let large = format!(r#"{{{HEAD},"data":"{}"}}"#, "x".repeat(5_000_000));
    assert_eq!(refusal(large), Reason::TooLarge);
}

#[test]
fn escapes_in_names_and_values_are_read() {
    let json = format!(r#"{{{HEAD},"data":{{"ch\u0061nnel":"ch\u0061t","queue":"a\nb"}}}}"#);
    let event = decode(json.as_bytes(), &SlotTable::default(), &Limits::default()).expect("valid");
    assert_eq!(event.slot(0), &Slot::Text("chat".into()));
    assert_eq!(event.slot(2), &Slot::Text("a\nb".into()));
}
