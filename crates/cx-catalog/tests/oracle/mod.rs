//! One condition over one event, by our closures and by the interpreter of the `cel` crate.

use cel::{Context, Program, Value};
use cx_catalog::cel::{About, Condition, compile};
use cx_catalog::compiled::View;
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::limits::Limits;

fn event(data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t.v1","subject":"c-1","data":{data}}}"#
    )
}

/// Our closure over an event decoded with these slots.
pub(crate) fn evaluate(condition: &Condition, data: &str, slots: &SlotTable) -> Option<bool> {
    let json = event(data);
    let event = decode(json.as_bytes(), slots, &Limits::default()).expect("valid");
    (condition.test)(View {
        event: Some(&event),
        outcome: "applied",
        reason: "",
        facts: &cx_catalog::fact::Facts::NONE,
    })
}

/// What our closure says.
pub(crate) fn ours(condition: &str, data: &str) -> Option<bool> {
    let mut slots = SlotTable::default();
    let compiled = compile(condition, &mut slots, About::Events);
    let compiled = compiled.unwrap_or_else(|f| panic!("{condition}: {f:?}"));
    evaluate(&compiled, data, &slots)
}

/// What our closure and the interpreter say.
pub(crate) fn both(condition: &str, data: &str) -> (Option<bool>, Option<bool>) {
    let value: serde_json::Value = serde_json::from_str(&event(data)).expect("JSON");
    let mut context = Context::default();
    context.add_variable_from_value("data", to_cel(&value["data"]));
    context.add_variable_from_value("event", to_cel(&value));
    let program = Program::compile(condition).expect("parses");
    let theirs = program.execute(&context).ok().and_then(|v| {
        if let Value::Bool(b) = v {
            Some(b)
        } else {
            None
        }
    });
    (ours(condition, data), theirs)
}

/// JSON as CEL sees it: whole numbers are ints; null counts as absent, as the decoder says.
fn to_cel(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n
            .as_i64()
            .map_or_else(|| Value::Float(n.as_f64().expect("a number")), Value::Int),
        Json::String(s) => Value::from(s.as_str()),
        Json::Array(a) => Value::from(a.iter().map(to_cel).collect::<Vec<_>>()),
        Json::Object(o) => {
            let there = o.iter().filter(|(_, v)| !v.is_null());
            let map: std::collections::HashMap<String, Value> =
                there.map(|(k, v)| (k.clone(), to_cel(v))).collect();
            Value::from(map)
        }
    }
}
