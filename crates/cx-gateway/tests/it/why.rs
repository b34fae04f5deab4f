//! `why` over the board protocol.

use crate::rig::Rig;
use crate::wire::Wire;
use cx_gateway::Lineage;
use cx_model::frame::ServerFrame;
use std::sync::atomic::Ordering;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

fn ask(id: u32, cell: u32) -> String {
    format!(r#"{{"op":"why","id":{id},"cell":{cell}}}"#)
}

fn answer(frame: ServerFrame) -> (u32, u32, Lineage) {
    let ServerFrame::Why { id, cell, lineage } = frame else {
        panic!("{frame:?}");
    };
    (id, cell, serde_json::from_value(lineage).unwrap())
}

fn code(frame: &ServerFrame) -> &str {
    let ServerFrame::Error { code, .. } = frame else {
        panic!("{frame:?}");
    };
    code
}

#[tokio::test]
async fn a_screen_asks_why_a_cell_says_what_it_says_and_hears_the_same_as_over_http() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, SUB).await;
    wire.say(&ask(1, 2)).await;
    let (id, cell, lineage) = answer(wire.hear_values().await);
    assert_eq!((id, cell, lineage.s, lineage.value), (1, 2, 100, Some(2)));
    let same = rig.get("/v1/kpis/waiting/why?queue=q1&s=100").await.json();
    assert_eq!(serde_json::to_value(lineage).unwrap(), same);
}

#[tokio::test]
async fn a_cell_is_told_by_its_board_not_by_its_place_among_all() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, r#"{"op":"sub","id":4,"board":"sales"}"#).await;
    wire.say(&ask(4, 1)).await;
    let (id, _, lineage) = answer(wire.hear_values().await);
    assert_eq!((id, lineage.value), (4, Some(1)));
    wire.say(&ask(4, 2)).await;
    assert_eq!(code(&wire.hear_values().await), "unknown_cell");
}

#[tokio::test]
async fn frames_go_on_while_a_question_is_open_and_a_second_question_waits() {
    let rig = Rig::start(2);
    rig.house.slow.store(true, Ordering::Relaxed);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB).await;
    wire.say(&ask(1, 1)).await;
    wire.say(&ask(1, 2)).await;
    assert_eq!(code(&wire.hear_values().await), "still_asking");
    rig.seal(101, &[5, 2]);
    let frame = wire.hear_values().await;
    assert!(
        matches!(frame, ServerFrame::D { s: Some(101), .. }),
        "{frame:?}"
    );
    rig.house.told.notify_one();
    let (_, cell, lineage) = answer(wire.hear_values().await);
    assert_eq!(
        (cell, lineage.s, lineage.value),
        (1, 100, Some(1)),
        "as it was when it was asked"
    );
    rig.house.slow.store(false, Ordering::Relaxed);
    wire.say(&ask(1, 2)).await;
    assert_eq!(answer(wire.hear_values().await).2.s, 101);
}

#[tokio::test]
async fn a_question_that_means_no_number_is_refused_and_five_in_a_row_close_the_stream() {
    let rig = Rig::start(2);
    let mut wire = Wire::watching(&rig, SUB).await;
    wire.say(&ask(1, 1)).await;
    assert_eq!(code(&wire.hear_values().await), "not_sealed");
    rig.seal(100, &[1, 2]);
    for (id, cell, expected) in [
        (7, 1, "unknown_subscription"),
        (1, 0, "unknown_cell"),
        (1, 3, "unknown_cell"),
        (1, u32::MAX, "unknown_cell"),
    ] {
        wire.say(&ask(id, cell)).await;
        loop {
            let frame = wire.hear_values().await;
            if !matches!(frame, ServerFrame::D { .. }) {
                assert_eq!(code(&frame), expected, "{id} {cell}");
                break;
            }
        }
    }
    assert_eq!(
        wire.closing().await.reason.as_str(),
        "too_many_invalid_frames"
    );
}
