//! What people do, over HTTP.

use crate::rig::{Reply, Rig};
use cx_gateway::{Action, Deed};
use serde_json::json;
use std::sync::atomic::Ordering;

async fn post(rig: &Rig, body: &str) -> Reply {
    rig.ask("POST", "/v1/actions", &[], body.as_bytes()).await
}

const RIGHT: &str = r#"{"action": "acknowledge_data_gap", "partition": 3, "through": 120, "by": " Ada ", "why": "restored from backup"}"#;

#[tokio::test]
async fn an_act_reaches_the_house_as_it_was_meant_and_its_place_is_told() {
    let rig = Rig::start(1);
    let reply = post(&rig, RIGHT).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json(), json!({"id": "act-1", "offset": 7}));
    let acts = rig.house.acts.lock().unwrap().clone();
    let expected = Action {
        deed: Deed::AcknowledgeDataGap {
            partition: 3,
            through: 120,
        },
        by: "Ada".to_owned(),
        why: "restored from backup".to_owned(),
    };
    assert_eq!(acts, [expected]);
}

#[tokio::test]
async fn an_act_that_is_none_is_refused_with_its_field_and_what_to_write() {
    let rig = Rig::start(1);
    let long = "x".repeat(65);
    for (body, field) in [
        ("", "body"),
        ("[]", "body"),
        (&*RIGHT.replace("120", "\"120\""), "body"),
        (&*RIGHT.replace("\"why\"", "\"reason\""), "body"),
        (&*RIGHT.replace("acknowledge_data_gap", "forget"), "action"),
        (&*RIGHT.replace(" Ada ", "  "), "by"),
        (&*RIGHT.replace(" Ada ", &long), "by"),
        (&*RIGHT.replace("from backup", "\\u0007"), "why"),
    ] {
        let problem = post(&rig, body).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        let fix = problem["errors"][0]["fix"].as_str().unwrap();
        assert!(fix.contains("acknowledge_data_gap"), "{fix}");
    }
    assert!(rig.house.acts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_act_without_an_object_conflicts_and_a_broker_that_is_away_is_told() {
    let rig = Rig::start(1);
    let unfit = post(&rig, &RIGHT.replace("120", "121")).await;
    let problem = unfit.problem(409);
    assert_eq!(problem["detail"], "there is no such gap");
    rig.house.away.store(true, Ordering::Relaxed);
    post(&rig, RIGHT).await.problem(503);
}
