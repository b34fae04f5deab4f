//! One table of cases, run by our closures and by the crate's interpreter.

use cel::{Context, Program};
use cx_catalog::cel::compile;
use cx_catalog::compiled::View;
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::limits::Limits;

/// Expression, `data` of the event, expected (None: an error).
const CASES: &[(&str, &str, Option<bool>)] = &[
    (
        r#"data.channel == "chat""#,
        r#"{"channel":"chat"}"#,
        Some(true),
    ),
    (
        r#"data.channel == "chat""#,
        r#"{"channel":"voice"}"#,
        Some(false),
    ),
    (
        r#"data.channel != "chat""#,
        r#"{"channel":"voice"}"#,
        Some(true),
    ),
    (r#"data.channel == "chat""#, "{}", None),
    (r#"data.channel < "d""#, r#"{"channel":"chat"}"#, Some(true)),
    (
        r#"data.channel in ["web", "chat"]"#,
        r#"{"channel":"chat"}"#,
        Some(true),
    ),
    (
        r#"data.channel in ["web"]"#,
        r#"{"channel":"chat"}"#,
        Some(false),
    ),
    (r#"data.channel in ["web"]"#, "{}", None),
    ("data.wait_ms <= 20000", r#"{"wait_ms":20000}"#, Some(true)),
    ("data.wait_ms < 20000", r#"{"wait_ms":20000}"#, Some(false)),
    ("data.wait_ms > 20000", r#"{"wait_ms":20001}"#, Some(true)),
    ("data.wait_ms >= 20000", r#"{"wait_ms":19999}"#, Some(false)),
    ("data.wait_ms > 1.5", r#"{"wait_ms":2}"#, Some(true)),
    ("data.wait_ms < 1.5", r#"{"wait_ms":2}"#, Some(false)),
    ("data.wait_ms == 2.0", r#"{"wait_ms":2}"#, Some(true)),
    ("data.wait_ms + 1 == 3", r#"{"wait_ms":2}"#, Some(true)),
    ("data.wait_ms - 1 == 1", r#"{"wait_ms":2}"#, Some(true)),
    ("data.wait_ms * 3 == 6", r#"{"wait_ms":2}"#, Some(true)),
    (
        "data.wait_ms * 2 > 0",
        r#"{"wait_ms":9223372036854775807}"#,
        None,
    ),
    ("-data.wait_ms < 0", r#"{"wait_ms":2}"#, Some(true)),
    (
        "data.sentiment < -0.5",
        r#"{"sentiment":-0.75}"#,
        Some(true),
    ),
    ("data.sentiment < 0", r#"{"sentiment":-0.75}"#, Some(true)),
    ("data.automated", r#"{"automated":true}"#, Some(true)),
    ("!data.automated", r#"{"automated":true}"#, Some(false)),
    ("!data.automated", "{}", None),
    ("has(data.wait_ms)", r#"{"wait_ms":2}"#, Some(true)),
    ("has(data.wait_ms)", "{}", Some(false)),
    ("!has(data.wait_ms) || data.wait_ms > 1", "{}", Some(true)),
    (r#"true || data.channel == "x""#, "{}", Some(true)),
    (r#"data.channel == "x" || true"#, "{}", Some(true)),
    (r#"data.channel == "x" || false"#, "{}", None),
    (r#"false && data.channel == "x""#, "{}", Some(false)),
    (r#"data.channel == "x" && false"#, "{}", Some(false)),
    (r#"data.channel == "x" && true"#, "{}", None),
    (r#"!(data.channel == "x" && true)"#, "{}", None),
    (
        r#"event.type == "t.v1" && data.wait_ms == 1"#,
        r#"{"wait_ms":1}"#,
        Some(true),
    ),
    (r#"event.source == "/s""#, "{}", Some(true)),
    (r#"event.subject == "c-1""#, "{}", Some(true)),
    (
        r#"event.type in ["a", "t.v1"] && !(data.wait_ms > 5)"#,
        r#"{"wait_ms":1}"#,
        Some(true),
    ),
    (
        r#"data.channel == "ż" || data.queue == "q""#,
        r#"{"channel":"ż","queue":"z"}"#,
        Some(true),
    ),
    (
        r#"(data.wait_ms > 1 && data.wait_ms < 3) || data.queue == "q""#,
        r#"{"wait_ms":2}"#,
        Some(true),
    ),
    (
        r#"(data.wait_ms > 5 || data.queue == "q") && data.channel == "c""#,
        r#"{"wait_ms":2,"queue":"q","channel":"c"}"#,
        Some(true),
    ),
];

#[test]
fn closures_and_the_crates_interpreter_agree_on_every_case() {
    for (source, data, expected) in CASES {
        let json = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t.v1","subject":"c-1","data":{data}}}"#
        );
        let mut slots = SlotTable::default();
        let ours = compile(source, &mut slots, false).unwrap_or_else(|f| panic!("{source}: {f:?}"));
        let event = decode(json.as_bytes(), &slots, &Limits::default()).expect("valid");
        let got = (ours.test)(View {
            event: Some(&event),
            outcome: "applied",
            reason: "",
        });
        assert_eq!(got, *expected, "ours: {source} over {data}");

        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let mut context = Context::default();
        context.add_variable_from_value("data", to_cel(&value["data"]));
        context.add_variable_from_value("event", to_cel(&value));
        let oracle = Program::compile(source).expect("parses").execute(&context);
        if let (Err(e), Some(_)) = (&oracle, expected) {
            panic!("crate: {source} over {data}: {e:?}");
        }
        let oracle = oracle.ok().and_then(|v| {
            if let cel::Value::Bool(b) = v {
                Some(b)
            } else {
                None
            }
        });
        assert_eq!(oracle, *expected, "crate: {source} over {data}");
    }
}

#[test]
fn event_types_are_found_conservatively() {
    let types = |source: &str| {
        compile(source, &mut SlotTable::default(), false)
            .expect(source)
            .types
    };
    let list = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        types(r#"event.type == "a" && data.wait_ms > 1"#),
        list(&["a"])
    );
    assert_eq!(
        types(r#"event.type == "b" || event.type == "a""#),
        list(&["a", "b"])
    );
    assert_eq!(types(r#"event.type in ["a", "b"]"#), list(&["a", "b"]));
    assert_eq!(types(r#"event.type == "a" || data.wait_ms > 1"#), None);
    assert_eq!(types(r#"event.type != "a""#), None);
}

/// JSON as CEL sees it: whole numbers are ints (serde alone would make them uints).
fn to_cel(json: &serde_json::Value) -> cel::Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(b) => cel::Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(
            || cel::Value::Float(n.as_f64().expect("a number")),
            cel::Value::Int,
        ),
        Json::String(s) => cel::Value::from(s.as_str()),
        Json::Array(a) => cel::Value::from(a.iter().map(to_cel).collect::<Vec<_>>()),
        Json::Object(o) => {
            let map: std::collections::HashMap<String, cel::Value> =
                o.iter().map(|(k, v)| (k.clone(), to_cel(v))).collect();
            cel::Value::from(map)
        }
    }
}
