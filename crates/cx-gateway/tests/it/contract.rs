//! The contract: what is checked in is what is served, and every route and answer stands in it.

use crate::rig::{Reply, Rig};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

static OPENAPI: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&checked_in("openapi.json")).unwrap());

fn checked_in(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    std::fs::read_to_string(root.join(name)).unwrap()
}

/// The path of the contract that a request's address is one of.
fn documented(address: &str) -> Option<&'static str> {
    let path = address.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (mut a, mut b) = (template.split('/'), path.split('/'));
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some(t), Some(p)) if t == p || (t.starts_with('{') && !p.is_empty()) => {}
                (Some(_) | None, _) => return false,
            }
        }
    };
    let all = OPENAPI["paths"].as_object().unwrap().keys();
    let mut found: Vec<&'static str> = all.map(String::as_str).filter(|t| fits(t)).collect();
    found.sort_by_key(|template| template.matches('{').count());
    found.first().copied()
}

/// Panics where an answer is not what the contract says of its route. What the door itself refuses,
/// before it looks where a request goes, is the same everywhere: 403, 405, 421.
pub(crate) fn check(method: &str, address: &str, reply: &Reply) {
    let Some(template) = documented(address) else {
        return;
    };
    let operation = &OPENAPI["paths"][template][method.to_ascii_lowercase()];
    if operation.is_null() || [403, 405, 421].contains(&reply.status) {
        return;
    }
    let status = reply.status.to_string();
    let told = &operation["responses"][&status];
    assert!(
        told.is_object(),
        "schemas/openapi.json: {method} {template} may not answer {status}: {reply:?}"
    );
    let kind = "content-type: application/json";
    let schema = &told["content"]["application/json"]["schema"];
    if schema.is_object() && reply.head.contains(kind) {
        let whole = json!({"allOf": [schema], "components": OPENAPI["components"]});
        let validator: Validator = jsonschema::validator_for(&whole).unwrap();
        let answer = reply.json();
        let faults: Vec<String> = validator
            .iter_errors(&answer)
            .map(|e| e.to_string())
            .collect();
        assert!(
            faults.is_empty(),
            "schemas/openapi.json: {method} {template}: {faults:?}"
        );
    }
}

/// Paths and methods as `serve.rs` routes them.
fn routed() -> BTreeMap<String, BTreeSet<&'static str>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let mut routes = BTreeMap::new();
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).expect("a path in quotes");
        let rest = route.split(".route(").next().unwrap_or_default();
        let rest = rest.split("\n        .").next().unwrap_or_default();
        let has = |word: &str| rest.contains(&format!("{word}("));
        let methods = ["get", "post", "put", "delete"]
            .into_iter()
            .filter(|m| has(m));
        let mut methods: BTreeSet<&'static str> = methods.collect();
        if has("any") {
            methods.insert("get");
        }
        routes.insert(path.to_owned(), methods);
    }
    routes
}

#[test]
fn every_route_stands_in_the_contract_with_its_methods() {
    let told = OPENAPI["paths"].as_object().unwrap();
    let routed = routed();
    assert!(
        routed.len() > 15,
        "routes are found in serve.rs: {routed:?}"
    );
    let fix = "describe it in schemas/openapi.json, or take it out there";
    for (path, methods) in &routed {
        let path_told = told.get(path).and_then(Value::as_object);
        let path_told = path_told.unwrap_or_else(|| panic!("{path} is missing: {fix}"));
        let of: BTreeSet<&str> = path_told.keys().map(String::as_str).collect();
        assert_eq!(*methods, of, "methods of {path} differ: {fix}");
    }
    for path in told.keys() {
        assert!(routed.contains_key(path), "{path} is not served: {fix}");
    }
}

#[tokio::test]
async fn the_contract_is_served_as_it_is_checked_in() {
    let rig = Rig::start(1);
    for (path, kind) in [
        ("/openapi.json", "application/json"),
        ("/asyncapi.yaml", "application/yaml"),
        ("/client-frame.schema.json", "application/schema+json"),
        ("/server-frame.schema.json", "application/schema+json"),
    ] {
        let reply = rig.get(path).await;
        assert_eq!(reply.text, checked_in(&path[1..]), "{path}");
        assert!(
            reply.head.contains(&format!("content-type: {kind}")),
            "{}",
            reply.head
        );
    }
}

#[tokio::test]
async fn screens_are_counted_with_those_that_are_proven() {
    let rig = Rig::start(1);
    rig.seal(100, &[1]);
    let sub = r#"{"op":"sub","id":1,"board":"care","ack":true}"#;
    let mut wire = crate::wire::Wire::watching(&rig, sub).await;
    let other = crate::wire::Wire::watching(&rig, sub).await;
    let (seq, g) = (wire.held().seq, wire.held().digest.clone());
    wire.say(&format!(r#"{{"op":"ack","seq":{seq},"g":"{g}"}}"#))
        .await;
    wire.hear().await;
    let counted = rig.get("/v1/screens").await.json();
    assert_eq!(counted, json!({"screens": 2, "proven": 1}));
    drop(other);
}
