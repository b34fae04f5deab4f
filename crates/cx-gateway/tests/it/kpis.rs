//! The glossary and the lineage of numbers, over HTTP.

use crate::rig::{Reply, Rig};
use cx_gateway::Lineage;
use serde_json::{Value, json};

fn names(reply: &Reply) -> Vec<String> {
    let all = reply.json()["kpis"].as_array().unwrap().clone();
    all.iter()
        .map(|k| k["kpi"].as_str().unwrap().to_owned())
        .collect()
}

fn fault(problem: &Value) -> (&str, &str, &str) {
    let fault = &problem["errors"][0];
    let word = |name: &str| fault[name].as_str().unwrap();
    (word("field"), word("place"), word("fix"))
}

#[tokio::test]
async fn a_kpi_tells_its_values_once_a_second_is_sealed() {
    let rig = Rig::start(2);
    rig.seal(1_000, &[7, 8]);
    let kpi = rig.get("/v1/kpis/waiting").await.json();
    assert_eq!(kpi["s"], 1_000);
    let second = json!({
        "window": "now", "dims": {"queue": "q1"}, "value": 8, "state": 0,
        "numerator": 8, "denominator": null, "n": 8,
    });
    assert_eq!(kpi["values"][1], second);
}

#[tokio::test]
async fn the_glossary_is_searched_by_every_word_in_names_and_meaning() {
    let rig = Rig::start(1);
    let check = async |query: &str, expected: &[&str]| {
        let reply = rig.get(&format!("/v1/kpis{query}")).await;
        assert_eq!(names(&reply), expected, "{query}");
        assert_eq!(reply.json()["total"], expected.len(), "{query}");
    };
    check("", &["lag", "orders", "waiting"]).await;
    check("?q=", &["lag", "orders", "waiting"]).await;
    check("?q=ORDERS", &["orders"]).await;
    check("?q=that+contacts", &["waiting"]).await;
    check("?q=customers%20placed", &["orders"]).await;
    check("?q=that", &["orders", "waiting"]).await;
    check("?q=weather", &[]).await;
}

#[tokio::test]
async fn the_glossary_comes_in_pages_of_a_stable_order() {
    let rig = Rig::start(1);
    let first = rig.get("/v1/kpis?limit=2").await;
    assert_eq!(names(&first), ["lag", "orders"]);
    let told = first.json();
    assert_eq!(
        (&told["total"], &told["next"]),
        (&json!(3), &json!("orders"))
    );
    let second = rig.get("/v1/kpis?limit=2&after=orders").await;
    assert_eq!(names(&second), ["waiting"]);
    assert_eq!(second.json()["next"], Value::Null);
}

#[tokio::test]
async fn a_search_that_cannot_be_made_says_what_to_write() {
    let rig = Rig::start(1);
    let long = format!("?q={}", "x".repeat(201));
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=many", "limit"),
        ("?limit=501", "limit"),
        ("?query=x", "query"),
        ("?q=a&q=b", "query"),
        (long.as_str(), "q"),
    ] {
        let problem = rig.get(&format!("/v1/kpis{query}")).await.problem(400);
        let (at, place, fix) = fault(&problem);
        assert_eq!((at, place), (field, "query"), "{query}");
        assert!(fix.starts_with("write "), "{fix}");
    }
}

#[tokio::test]
async fn a_definition_comes_as_its_file_where_yaml_is_asked_for() {
    let rig = Rig::start(1);
    let yaml = [("accept", "application/yaml")];
    let reply = rig.ask("GET", "/v1/kpis/waiting", &yaml, b"").await;
    assert!(
        reply.head.contains("content-type: application/yaml"),
        "{}",
        reply.head
    );
    assert_eq!(reply.text, "# to the letter\nkpi: waiting\n");
    let missing = rig.ask("GET", "/v1/kpis/weather", &yaml, b"").await;
    missing.problem(404);
}

#[tokio::test]
async fn a_number_tells_its_lineage_at_the_newest_second_or_at_one_that_is_kept() {
    let rig = Rig::start(2);
    rig.seal(1_000, &[7, 8]);
    rig.seal(1_001, &[9, 8]);
    let lineage = async |query: &str| -> Lineage {
        let path = format!("/v1/kpis/waiting/why{query}");
        serde_json::from_value(rig.get(&path).await.json()).unwrap()
    };
    let newest = lineage("?queue=q0").await;
    assert_eq!(
        (newest.s, newest.value, newest.window.as_str()),
        (1_001, Some(9), "now")
    );
    assert_eq!(newest.partitions[1].next_offset, 20);
    let before = lineage("?window=now&queue=q0&s=1000").await;
    assert_eq!((before.s, before.value), (1_000, Some(7)));
    assert_eq!(lineage("?queue=q1").await.value, Some(8));
}

#[tokio::test]
async fn a_wrong_question_names_field_place_and_what_to_write() {
    let rig = Rig::start(2);
    let ask = async |path: &str| rig.get(&format!("/v1/kpis/{path}")).await;
    let early = ask("waiting/why?queue=q0").await.problem(503);
    assert_eq!(early["title"], "nothing is sealed yet");
    rig.seal(1_000, &[7, 8]);
    let check = async |path: &str, status: u16, expected: (&str, &str, &str)| {
        let problem = ask(path).await.problem(status);
        assert_eq!(fault(&problem), expected, "{path}: {problem}");
    };
    let kpis = "not wating but lag or orders or waiting";
    check("wating/why", 404, ("kpi", "path", kpis)).await;
    let windows = ("window", "query", "windows are: now");
    check("waiting/why?window=15m&queue=q0", 400, windows).await;
    let values = ("queue", "query", "not q7 but q0 or q1");
    check("waiting/why?queue=q7", 400, values).await;
    let dims = ("chanel", "query", "not chanel but window or s or queue");
    check("waiting/why?chanel=chat", 400, dims).await;
    let second = ("s", "query", "write s=1763805731 or leave it out");
    check("waiting/why?queue=q0&s=soon", 400, second).await;
    let fix = "ask for a sealed second from 1000 to 1000, or leave s out";
    let kept = ("s", "query", fix);
    check("waiting/why?queue=q0&s=5", 404, kept).await;
    let observed = ("kpi", "path", "read its value at /v1/kpis/lag");
    check("lag/why", 404, observed).await;
    ask("waiting/why?queue=%ff").await.problem(400);
    ask("waiting/why?queue=q0&queue=q1").await.problem(400);
}
