//! What people do, over HTTP.

use crate::rig::{Reply, Rig};
use cx_gateway::{Action, AlertAct, Deed, Scope};
use cx_model::time::Timestamp;
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
        role: String::new(),
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
async fn acts_about_alerts_are_in_the_same_envelope_with_their_own_form() {
    let rig = Rig::start(1);
    let take = r#"{"action": "take_alert", "alert": "a1", "by": "Ada", "role": "care.lead"}"#;
    assert_eq!(post(&rig, take).await.status, 202);
    let shelve =
        r#"{"action": "shelve_alert", "alert": "a1", "minutes": 30, "by": "Ada", "why": "known"}"#;
    assert_eq!(post(&rig, shelve).await.status, 202);
    let declare = r#"{"action": "declare_maintenance", "scope": {"source": "payments"}, "by": "Ada", "why": "move",
        "from": "2026-12-01T22:00:00Z", "until": "2026-12-02T02:00:00Z"}"#;
    assert_eq!(post(&rig, declare).await.status, 202);
    let acts = rig.house.acts.lock().unwrap().clone();
    let deeds: Vec<Deed> = acts.iter().map(|a| a.deed.clone()).collect();
    let alert = || "a1".to_owned();
    let expected = [
        Deed::Alert(AlertAct::Take { alert: alert() }),
        Deed::Alert(AlertAct::Shelve {
            alert: alert(),
            minutes: 30,
        }),
        Deed::Alert(AlertAct::DeclareMaintenance {
            scope: Scope::Source("payments".to_owned()),
            from: Timestamp(1_796_162_400_000),
            until: Timestamp(1_796_176_800_000),
        }),
    ];
    assert_eq!(deeds, expected);
    assert_eq!(acts[0].role, "care.lead");
    for (body, field) in [
        (&*take.replace("\"alert\"", "\"id\""), "body"),
        (&*shelve.replace("30", "4"), "minutes"),
        (&*shelve.replace("30", "481"), "minutes"),
        (&*shelve.replace("known", " "), "why"),
        (&*shelve.replace("minutes", "hours"), "body"),
        (&*declare.replace("2026-12-02", "2026-12-01"), "until"),
        (&*declare.replace("2026-12-02", "2027-12-02"), "until"),
        (&*declare.replace("2026-12-02T02", "soon"), "until"),
        (&*declare.replace("source", "queue"), "body"),
        (&*take.replace("take_alert", "hand_over_alert"), "body"),
    ] {
        let problem = post(&rig, body).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
    assert_eq!(rig.house.acts.lock().unwrap().len(), 3);
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
