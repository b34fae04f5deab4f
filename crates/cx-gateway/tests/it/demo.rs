//! The demo's gestures over HTTP.

use crate::rig::{Reply, Rig};
use crate::theatre::Theatre;
use serde_json::{Value, json};
use std::sync::Arc;

fn demo() -> Rig {
    let rig = Rig::start(1);
    *rig.house.theatre.lock().unwrap() = Some(Arc::new(Theatre::default()));
    rig
}

async fn play(rig: &Rig, gesture: &str, body: &str) -> Reply {
    let path = format!("/v1/demo/{gesture}");
    rig.ask("POST", &path, &[], body.as_bytes()).await
}

fn scene(failing: bool, stopped: [bool; 2]) -> Value {
    json!({"payments_failing": failing, "sources": [
        {"source": "payments", "stopped": stopped[0]},
        {"source": "web-shop", "stopped": stopped[1]},
    ], "engine": {"state": "running", "words": "so it is"}})
}

#[tokio::test]
async fn a_house_that_is_no_demo_has_no_gestures() {
    let rig = Rig::start(1);
    let problem = rig.get("/v1/demo").await.problem(404);
    assert_eq!(problem["title"], "not a demo");
    play(&rig, "break_payments", "{}").await.problem(404);
}

#[tokio::test]
async fn each_gesture_answers_with_what_holds_then() {
    let rig = demo();
    let calm = scene(false, [false, false]);
    assert_eq!(rig.get("/v1/demo").await.json(), calm);
    for (gesture, body, then) in [
        ("break_payments", "", scene(true, [false, false])),
        (
            "stop_source",
            r#"{"source": "web-shop"}"#,
            scene(true, [false, true]),
        ),
        ("mend_payments", "{}", scene(false, [false, true])),
        ("start_source", r#"{"source": "web-shop"}"#, calm.clone()),
    ] {
        assert_eq!(play(&rig, gesture, body).await.json(), then, "{gesture}");
        assert_eq!(rig.get("/v1/demo").await.json(), then, "{gesture}");
    }
    let killed = play(&rig, "kill_engine", "").await.json();
    assert_eq!(killed["engine"]["state"], "reviving");
}

#[tokio::test]
async fn a_wrong_gesture_is_told_what_is_allowed() {
    let rig = demo();
    let problem = play(&rig, "break_everything", "{}").await.problem(404);
    let fix = "gestures are: break_payments, mend_payments, stop_source, start_source, kill_engine";
    assert_eq!(problem["errors"][0]["fix"], fix);
    let sources = r#"write {"source": ...} with one of: payments, web-shop"#;
    for body in [
        "",
        "{}",
        r#"{"source": "fax"}"#,
        r#"{"source": 7}"#,
        "[",
        r#"{"sauce": "web-shop"}"#,
    ] {
        let problem = play(&rig, "stop_source", body).await.problem(400);
        assert_eq!(problem["errors"][0]["fix"], sources, "{body}");
    }
    let chosen = play(&rig, "mend_payments", r#"{"source": "web-shop"}"#).await;
    assert_eq!(chosen.problem(400)["errors"][0]["field"], "source");
    rig.ask("GET", "/v1/demo/break_payments", &[], b"")
        .await
        .problem(405);
    assert_eq!(
        rig.get("/v1/demo").await.json(),
        scene(false, [false, false])
    );
}

#[tokio::test]
async fn what_cannot_be_played_now_says_why() {
    let rig = demo();
    play(&rig, "stop_source", r#"{"source": "payments"}"#).await;
    let problem = play(&rig, "stop_source", r#"{"source": "web-shop"}"#)
        .await
        .problem(409);
    assert_eq!(problem["detail"], "it is the last one that sends");
}

#[tokio::test]
async fn a_foreign_page_cannot_play() {
    let rig = demo();
    let foreign = [
        ("origin", "http://evil.example"),
        ("content-type", "text/plain"),
    ];
    rig.ask("POST", "/v1/demo/break_payments", &foreign, b"{}")
        .await
        .problem(403);
    assert_eq!(rig.get("/v1/demo").await.json()["payments_failing"], false);
}
