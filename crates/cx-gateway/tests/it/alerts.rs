//! Alerts in the frames of their board, verified by a client.

use crate::rig::{Rig, board};
use crate::wire::Wire;
use cx_gateway::AlertStates;
use cx_gateway::alerts::{RAISED, TAKEN};
use cx_model::frame::ServerFrame;
use cx_model::value::CellInfo;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care","ack":true}"#;

/// An alert of the board's own KPI, and one of a KPI that it does not show.
fn alerts() -> Vec<CellInfo> {
    let mut own = board("care", 1).cells[0].clone();
    own.key.dims.insert("alert".to_owned(), "0".to_owned());
    own.unit = "alert".into();
    own.target = None;
    let mut other = own.clone();
    other.key.kpi = "elsewhere".into();
    vec![other, own]
}

/// The board's own alert, and always the other one.
fn publish(rig: &Rig, own: Option<(i64, u8)>) {
    let [other, mine] = alerts().try_into().expect("two");
    let prefix = |cell: CellInfo| cell.key.digest_prefix();
    let mut open = AlertStates::from([(prefix(other), (7, RAISED))]);
    open.extend(own.map(|state| (prefix(mine), state)));
    rig.hub.publish_alerts(&open);
}

fn open(wire: &Wire) -> Vec<(i64, u8)> {
    wire.held()
        .alerts()
        .map(|(_, raised, state)| (raised, state))
        .collect()
}

#[tokio::test]
async fn an_alert_is_a_cell_of_its_board_in_the_same_sequence_with_its_own_digest() {
    let rig = Rig::start(1);
    rig.hub.watch(&alerts());
    rig.seal(1_000, &[5]);
    let mut wire = Wire::watching(&rig, SUB).await;
    assert!(open(&wire).is_empty());
    let (seq, digest) = (wire.held().seq, wire.held().digest.clone());
    publish(&rig, Some((999, RAISED)));
    let frame = wire.hear_values().await;
    let ServerFrame::D {
        s,
        v,
        alerts: Some(said),
        ..
    } = &frame
    else {
        panic!("{frame:?}");
    };
    assert_eq!(
        (*s, v.len(), said.1.len()),
        (Some(1_000), 0, 1),
        "at once, no number again"
    );
    assert_eq!(open(&wire), [(999, RAISED)]);
    assert!(wire.held().seq > seq);
    assert_eq!(wire.held().digest, digest, "the numbers are what they were");
    publish(&rig, Some((999, RAISED)));
    rig.seal(1_001, &[6]);
    let frame = wire.hear_values().await;
    assert!(
        matches!(
            &frame,
            ServerFrame::D {
                s: Some(1_001),
                alerts: None,
                ..
            }
        ),
        "of another board, and nothing of its own changed: {frame:?}"
    );
    publish(&rig, Some((999, RAISED | TAKEN)));
    wire.hear_values().await;
    assert_eq!(open(&wire), [(999, RAISED | TAKEN)]);
    let late = Wire::watching(&rig, SUB).await;
    assert_eq!(open(&late), open(&wire), "a newcomer holds the same");
    publish(&rig, None);
    wire.hear_values().await;
    assert!(open(&wire).is_empty());
}

#[tokio::test]
async fn other_alerts_that_come_with_other_definitions_bring_a_snapshot_under_new_ids() {
    let rig = Rig::start(2);
    rig.hub.watch(&alerts());
    rig.seal(1_000, &[5, 6]);
    let mut wire = Wire::watching(&rig, SUB).await;
    publish(&rig, Some((999, RAISED)));
    wire.hear_values().await;
    let mut another = alerts()[1].clone();
    another.key.dims.insert("alert".to_owned(), "1".to_owned());
    let mut all = alerts();
    all.push(another);
    rig.hub.change(vec![board("care", 2)], all);
    rig.seal(1_001, &[5, 7]);
    let frame = wire.hear_values().await;
    let ServerFrame::View {
        mode,
        alerts: Some((cells, ..)),
        ..
    } = &frame
    else {
        panic!("{frame:?}");
    };
    let ids: Vec<u32> = cells.iter().map(|cell| cell.0).collect();
    assert_eq!((mode.as_str(), ids), ("snapshot", vec![2, 3]));
    assert_eq!(open(&wire), [(999, RAISED)], "what was raised still is");
    publish(&rig, None);
    wire.hear_values().await;
    assert!(open(&wire).is_empty());
}

#[tokio::test]
async fn alerts_are_asked_for_with_a_query_that_is_one() {
    let rig = Rig::start(1);
    let page = rig.get("/v1/alerts").await.json();
    assert!(page["alerts"].as_array().unwrap().is_empty());
    assert_eq!(rig.get("/v1/alerts?all=true").await.status, 200);
    let problem = rig.get("/v1/alerts?open=1").await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "all");
}
