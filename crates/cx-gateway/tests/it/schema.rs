//! The JSON Schemas of the board protocol: files in `schemas/`, made from the types.

use cx_gateway::{Entry, Lineage};
use cx_model::frame::{ClientFrame, ServerFrame};
use jsonschema::Validator;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

static SERVER: LazyLock<Validator> = LazyLock::new(validator::<ServerFrame>);
static CLIENT: LazyLock<Validator> = LazyLock::new(validator::<ClientFrame>);

fn path(name: &str) -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    root.join(format!("{name}.schema.json"))
}

fn validator<T: JsonSchema>() -> Validator {
    jsonschema::validator_for(&serde_json::to_value(schema_for!(T)).unwrap()).unwrap()
}

/// Panics where a frame of the server is not what the schema says.
pub(crate) fn check_server(text: &str) {
    let frame: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = SERVER.iter_errors(&frame).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {text}");
}

fn check_file<T: JsonSchema>(name: &str) {
    let made = serde_json::to_string_pretty(&schema_for!(T)).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path(name), &made).unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    let fix = "run with UPDATE_SCHEMAS=1 and read the difference: others build on these files";
    assert!(made == kept, "{name} differs from the types: {fix}");
}

#[test]
fn files_are_what_the_types_say() {
    check_file::<ClientFrame>("client-frame");
    check_file::<ServerFrame>("server-frame");
    check_file::<Entry>("kpi-entry");
    check_file::<Lineage>("kpi-why");
}

#[test]
fn frames_of_clients_are_told_from_garbage() {
    let check = |text: &str, valid: bool| {
        let frame: Value = serde_json::from_str(text).unwrap();
        assert_eq!(CLIENT.is_valid(&frame), valid, "schema: {text}");
        let parsed = serde_json::from_str::<ClientFrame>(text).is_ok();
        assert_eq!(parsed, valid, "parser: {text}");
    };
    check(r#"{"op":"sub","id":1,"board":"care"}"#, true);
    check(
        r#"{"op":"sub","id":1,"board":"care","cadence":"sealed","ack":true,"since":{"epoch":"7f3a91","seq":4812}}"#,
        true,
    );
    check(r#"{"op":"unsub","id":1}"#, true);
    check(r#"{"op":"ack","seq":4813,"g":"9c0e51aa17d2be04"}"#, true);
    check(r#"{"op":"sub","id":"1","board":"care"}"#, false);
    check(r#"{"op":"sub","id":1,"bord":"care"}"#, false);
    check(r#"{"op":"why","id":1,"cell":1}"#, true);
    check(r#"{"op":"why","id":1}"#, false);
    check(r#"{"op":"ack","id":1,"seq":-1,"g":""}"#, false);
}
