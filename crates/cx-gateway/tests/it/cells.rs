//! Cells that come and go within one life of the process.

use crate::rig::{EPOCH, Rig, board, sealed};
use crate::wire::Wire;
use cx_gateway::{DataGap, Recovering};
use cx_model::frame::{ServerFrame, WireValue};
use cx_model::value::Board;
use std::sync::Arc;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

/// The board without its first cell, with another definition of the second, and with a new one.
fn changed() -> Arc<Board> {
    let mut changed = Board::clone(&board("care", 4));
    changed.cells.remove(0);
    changed.source_index = vec![0, 1, 2];
    changed.cells[0].key.definition = "c".repeat(64).into();
    changed.layout.tiles[0].cell = 2;
    Arc::new(changed)
}

/// The board with one cell more.
fn with(name: &str) -> Arc<Board> {
    let mut more = Board::clone(&board("care", 3));
    more.cells[2].key.kpi = name.into();
    Arc::new(more)
}

fn d(frame: ServerFrame) -> (Vec<u32>, Vec<u32>, Vec<WireValue>) {
    let ServerFrame::D { cells, gone, v, .. } = frame else {
        panic!("{frame:?}");
    };
    (cells.iter().map(|c| c.0).collect(), gone, v)
}

#[tokio::test]
async fn cells_are_announced_before_use_and_removed_ones_are_told() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, SUB).await;
    rig.hub.change(vec![changed()], Vec::new());
    rig.hub.publish(&sealed(101, &[7, 3, 9]), 101_000);
    let note = wire.hear_values().await;
    let ServerFrame::Note {
        id,
        kind,
        on,
        detail,
    } = note
    else {
        panic!("{note:?}");
    };
    assert_eq!(
        (id, kind.as_str(), on),
        (Some(1), "definition_changed", true)
    );
    assert!(detail.contains("waiting"), "{detail}");
    let (cells, gone, v) = d(wire.hear_values().await);
    // The third cell stays what it was; ids of those that are gone are not given again.
    assert_eq!((cells, gone), (vec![4, 5], vec![1, 2]));
    assert_eq!(v, [(4, Some(7), 0), (5, Some(9), 0)]);
    let held: Vec<u32> = wire.held().values().keys().copied().collect();
    assert_eq!(held, [3, 4, 5]);
    let fresh = Wire::watching(&rig, SUB).await;
    assert_eq!(fresh.held().values(), wire.held().values());
    assert_eq!(fresh.held().digest, wire.held().digest);
}

#[tokio::test]
async fn http_says_the_ids_of_the_stream_in_cells_values_and_layout() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    rig.hub.change(vec![changed()], Vec::new());
    rig.hub.publish(&sealed(101, &[7, 3, 9]), 101_000);
    let now = rig.get("/v1/boards/care").await.json();
    let ids: Vec<u64> = now["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c[0].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [4, 3, 5]);
    assert_eq!(now["layout"]["tiles"][0]["cell"], 3);
    assert_eq!(now["values"][1][0], 3);
}

#[tokio::test]
async fn a_cursor_from_before_a_removal_is_told_of_it_until_the_tombstones_are_too_many() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let wire = Wire::watching(&rig, SUB).await;
    let seq = wire.held().seq;
    let since = format!(
        r#"{},"since":{{"epoch":"{EPOCH}","seq":{seq}}}}}"#,
        SUB.trim_end_matches('}')
    );
    let come_and_go = |name: &str| {
        for board in [with(name), board("care", 2)] {
            rig.hub.change(vec![board], Vec::new());
            rig.seal(100, &[1, 2, 3]);
        }
    };
    come_and_go("first");
    let mut late = Wire::open(&rig).await;
    late.views = wire.views.clone();
    late.say(&since).await;
    let frame = late.hear().await;
    let ServerFrame::View { mode, gone, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((mode.as_str(), gone), ("diff", vec![3]));
    for i in 0..256 {
        come_and_go(&format!("a{i}"));
    }
    let mut later = Wire::open(&rig).await;
    later.say(&since).await;
    let frame = later.hear().await;
    assert!(
        matches!(&frame, ServerFrame::View { mode, .. } if mode == "snapshot"),
        "{frame:?}"
    );
}

#[tokio::test]
async fn what_stands_beside_the_numbers_is_told_when_it_begins_and_when_it_is_over() {
    let rig = Rig::start(1);
    rig.seal(100, &[1]);
    let mut wire = Wire::watching(&rig, SUB).await;
    let told = |frame: ServerFrame| {
        let ServerFrame::Note {
            id,
            kind,
            on,
            detail,
        } = frame
        else {
            panic!("{frame:?}");
        };
        assert_eq!(id, None);
        (kind, on, detail)
    };
    let recovering = Recovering {
        read: 40,
        of: 100,
        percent: 40,
        left_s: None,
        partitions: vec![3],
    };
    *rig.house.recovering.lock().unwrap() = Some(recovering);
    let (kind, on, detail) = told(wire.hear_values().await);
    assert_eq!((kind.as_str(), on), ("recovering", true));
    assert!(detail.contains("40 of 100 records"), "{detail}");
    *rig.house.recovering.lock().unwrap() = None;
    let (kind, on, _) = told(wire.hear_values().await);
    assert_eq!((kind.as_str(), on), ("recovering", false));
    let (partition, from, to) = (3, 10, 30);
    let gap = DataGap {
        partition,
        from,
        to,
    };
    rig.house.gaps.lock().unwrap().push(gap);
    let (kind, on, detail) = told(wire.hear_values().await);
    assert_eq!((kind.as_str(), on), ("data_gap", true));
    assert!(detail.contains("partition 3 lacks 10 to 30"), "{detail}");
    let mut late = Wire::watching(&rig, SUB).await;
    let (kind, on, _) = told(late.hear_values().await);
    assert_eq!((kind.as_str(), on), ("data_gap", true));
}

#[tokio::test]
async fn a_board_that_is_no_more_ends_its_subscriptions_and_a_new_one_is_there() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, r#"{"op":"sub","id":7,"board":"sales"}"#).await;
    rig.hub
        .change(vec![changed(), board("nights", 2)], Vec::new());
    rig.hub.publish(&sealed(101, &[7, 3, 9]), 101_000);
    assert_eq!(wire.hear_values().await, ServerFrame::End { id: 7 });
    wire.say(r#"{"op":"sub","id":8,"board":"nights"}"#).await;
    assert!(matches!(wire.hear().await, ServerFrame::View { .. }));
    assert_eq!(wire.views[&8].value(2), Some((Some(3), 0)));
}
