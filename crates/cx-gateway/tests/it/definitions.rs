//! Definitions that change under open streams, and what people say of definitions.

use crate::rig::{Reply, Rig, board};
use cx_client::BoardStream;

#[tokio::test]
async fn every_subscription_begins_again_with_a_snapshot_when_definitions_change() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let url = format!("ws://{}/v1/stream", rig.address);
    let mut care = BoardStream::connect(&url, "care").await.unwrap();
    let first = care.next().await.unwrap();
    assert_eq!(first.mode.as_deref(), Some("snapshot"));
    let before = rig.get("/v1/boards/care").await.json();

    rig.hub.change(vec![board("care", 3)], Vec::new());
    rig.seal(101, &[1, 2, 9]);
    let again = care.next().await.unwrap();
    assert_eq!(again.mode.as_deref(), Some("snapshot"));
    assert_eq!((again.cells, again.s), (vec![1, 2, 3], Some(101)));
    assert_eq!(care.view().value(3), Some((Some(9), 0)));
    let after = rig.get("/v1/boards/care").await.json();
    assert_ne!(before["epoch"], after["epoch"], "ids are counted anew");

    rig.seal(102, &[1, 5, 9]);
    let next = care.next().await.unwrap();
    assert_eq!((next.mode, next.cells), (None, vec![2]));
    care.drop_connection();
    rig.seal(103, &[1, 6, 9]);
    let resumed = care.next().await.unwrap();
    assert_eq!(
        resumed.mode.as_deref(),
        Some("diff"),
        "the new epoch resumes"
    );
    assert_eq!(rig.get("/v1/boards/sales").await.status, 404, "it is gone");
}

async fn post(rig: &Rig, body: &str) -> Reply {
    rig.ask("POST", "/v1/definitions", &[], body.as_bytes())
        .await
}

#[tokio::test]
async fn a_word_that_is_none_is_refused_with_its_field_and_what_to_write() {
    let rig = Rig::start(1);
    let right =
        r#"{"word": "sign", "kpi": "k", "definition": "d", "role": "business", "by": "Ada"}"#;
    for (body, field) in [
        ("", "body"),
        ("[]", "body"),
        (&*right.replace("business", "president"), "body"),
        (&*right.replace("\"sign\"", "\"shout\""), "body"),
        (&*right.replace("\"kpi\"", "\"kpy\""), "body"),
        (&*right.replace("Ada", " "), "by"),
        (&*right.replace("Ada", &"x".repeat(65)), "by"),
    ] {
        let reply = post(&rig, body).await;
        let problem = reply.json();
        assert_eq!(reply.status, 400, "{body}: {problem}");
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        let fix = problem["errors"][0]["fix"].as_str().unwrap_or_default();
        assert!(fix.contains("roll_back"), "{problem}");
    }
    assert_eq!(post(&rig, right).await.status, 409, "this house keeps none");
}
