//! What a subscription may wish for: rhythm, fields, cells, form.

use crate::rig::{EPOCH, Rig};
use crate::wire::Wire;
use cx_client::{BoardStream, Wish};
use cx_model::frame::{Encoding, Fields, Filter, ServerFrame};
use std::collections::{BTreeMap, BTreeSet};

fn sub(rest: &str) -> String {
    format!(r#"{{"op":"sub","id":1,"board":"care"{rest}}}"#)
}

fn code(frame: &ServerFrame) -> &str {
    let ServerFrame::Error { code, .. } = frame else {
        panic!("{frame:?}");
    };
    code
}

#[tokio::test]
async fn a_live_view_takes_one_frame_in_each_stretch_of_its_rhythm_and_names_no_second() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    assert_eq!(rig.hub.fastest(), None);
    let mut wire = Wire::watching(&rig, &sub(r#","cadence":"live250""#)).await;
    assert_eq!((wire.held().s, wire.held().sealed), (None, false));
    assert_eq!(wire.held().value(1), Some((Some(1), 0)));
    assert_eq!(rig.hub.fastest(), Some(250));
    let mut told = Vec::new();
    for (ms, value) in [(260, 5), (510, 6), (700, 7), (760, 8)] {
        rig.moment(100, ms, &[value, 2]);
        if ms != 700 {
            let frame = wire.hear_values().await;
            let ServerFrame::D { s, sealed, v, .. } = frame else {
                panic!("{frame:?}");
            };
            assert_eq!((s, sealed), (None, None));
            told.push(v[0].1);
        }
    }
    assert_eq!(told, [Some(5), Some(6), Some(8)]);
    assert_eq!(wire.held().value(1), Some((Some(8), 0)));
}

#[tokio::test]
async fn sealed_and_live_views_of_one_board_stand_side_by_side() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut sealed = Wire::watching(&rig, &sub("")).await;
    let mut live = Wire::watching(&rig, &sub(r#","cadence":"live50""#)).await;
    rig.moment(101, 300, &[9, 2]);
    live.hear_values().await;
    assert_eq!(live.held().value(1), Some((Some(9), 0)));
    rig.seal(101, &[4, 2]);
    sealed.hear_values().await;
    assert_eq!(sealed.held().value(1), Some((Some(4), 0)));
    // The second is older than the moment: it does not turn the live view back.
    assert_eq!(live.held().value(1), Some((Some(9), 0)));
    assert!(matches!(live.hear().await, ServerFrame::Hb { s: None, .. }));
}

#[tokio::test]
async fn parts_travel_beside_values_and_are_part_of_the_digest() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, &sub(r#","fields":"parts""#)).await;
    assert_eq!(wire.held().parts(2), Some((2, None, 2)));
    rig.seal(101, &[1, 7]);
    let frame = wire.hear_values().await;
    let ServerFrame::D { v, parts, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((v, parts), (vec![(2, Some(7), 0)], vec![(7, None, 7)]));
    let usual = Wire::watching(&rig, &sub("")).await;
    assert_ne!(usual.held().digest, wire.held().digest);
}

#[tokio::test]
async fn a_filter_takes_the_cells_it_names_under_the_same_ids() {
    let rig = Rig::start(5);
    rig.seal(100, &[1, 2, 3, 4, 5]);
    let filter = r#","filter":{"kpis":["waiting"],"dims":{"queue":["q1","q3"]}}"#;
    let mut wire = Wire::watching(&rig, &sub(filter)).await;
    let held: Vec<u32> = wire.held().values().keys().copied().collect();
    assert_eq!(held, [2, 4]);
    rig.seal(101, &[9, 2, 9, 8, 9]);
    let frame = wire.hear_values().await;
    let ServerFrame::D { v, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!(v, vec![(4, Some(8), 0)]);
    wire.say(&sub(r#","filter":{"kpis":["weather"]}"#)).await;
    assert_eq!(code(&wire.hear_values().await), "empty_filter");
    wire.say(&sub(r#","filter":{"kpi":["waiting"]}"#)).await;
    assert_eq!(code(&wire.hear_values().await), "invalid_frame");
}

#[tokio::test]
async fn a_cursor_of_a_view_that_nobody_kept_gets_a_snapshot() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let filter = r#","filter":{"dims":{"queue":["q0"]}}"#;
    let mut wire = Wire::watching(&rig, &sub(filter)).await;
    let seq = wire.held().seq;
    wire.say(r#"{"op":"unsub","id":1}"#).await;
    wire.hear_values().await;
    let other = r#","filter":{"dims":{"queue":["q1"]}}"#;
    wire.say(&sub(other)).await;
    wire.views.clear();
    wire.hear_values().await;
    rig.seal(101, &[5, 2, 3]);
    let since = format!(r#","since":{{"epoch":"{EPOCH}","seq":{seq}}}{filter}"#);
    let mut again = Wire::open(&rig).await;
    again.say(&sub(&since)).await;
    let frame = again.hear().await;
    let ServerFrame::View { mode, values, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((mode.as_str(), values), ("snapshot", vec![(1, Some(5), 0)]));
}

#[tokio::test]
async fn a_board_has_64_views_and_gives_the_place_of_one_that_nobody_looks_at() {
    let rig = Rig::start(70);
    rig.seal(100, &[1; 70]);
    let filter = |i: usize| sub(&format!(r#","filter":{{"dims":{{"queue":["q{i}"]}}}}"#));
    let mut wires = Vec::new();
    for i in 0..63 {
        wires.push(Wire::watching(&rig, &filter(i)).await);
    }
    let mut late = Wire::open(&rig).await;
    late.say(&filter(63)).await;
    assert_eq!(code(&late.hear().await), "too_many_views");
    wires.push(Wire::watching(&rig, &filter(7)).await);
    let mut first = wires.swap_remove(0);
    first.say(r#"{"op":"unsub","id":1}"#).await;
    first.hear_values().await;
    late.say(&filter(63)).await;
    assert!(matches!(late.hear().await, ServerFrame::View { .. }));
}

#[tokio::test]
async fn binary_frames_say_what_json_says_and_pass_the_same_proof() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, -2, 300_000]);
    for fields in [Fields::Value, Fields::Parts] {
        let url = format!("ws://{}/v1/stream", rig.address);
        let wish = |enc| Wish {
            enc,
            fields,
            ..Wish::default()
        };
        let json = BoardStream::connect_for(&url, "care", wish(Encoding::Json));
        let binary = BoardStream::connect_for(&url, "care", wish(Encoding::Binary));
        let (mut json, mut binary) = (json.await.unwrap(), binary.await.unwrap());
        for stream in [&mut json, &mut binary] {
            stream.next().await.unwrap();
        }
        let begun = rig.house.seconds();
        for s in begun + 1..begun + 5 {
            rig.seal(s, &[s, -s * 1_000, 7]);
            for stream in [&mut json, &mut binary] {
                while stream.view().s != Some(s) {
                    stream.next().await.unwrap();
                }
            }
            assert_eq!(json.view().values(), binary.view().values());
            assert_eq!(json.view().digest, binary.view().digest);
            assert_eq!(json.view().parts(2), binary.view().parts(2));
        }
        rig.live(begun + 9, &[5, 6, 7]);
        while binary.view().sealed {
            binary.next().await.unwrap();
        }
    }
}

#[tokio::test]
async fn five_changed_values_take_130_bytes_of_json_and_56_of_binary_digest_included() {
    let rig = Rig::start(99);
    rig.hub
        .publish(&crate::rig::sealed(1_763_805_731, &[784; 99]), 0);
    let mut json = Wire::watching(&rig, &sub("")).await;
    let mut binary = Wire::watching(&rig, &sub(r#","enc":"binary""#)).await;
    let changed = |s: i64| {
        let mut values = [784; 99];
        (90..95).for_each(|i| values[i] = 780 + s % 10);
        crate::rig::sealed(s, &values)
    };
    for s in 1_763_805_732..1_763_805_739 {
        rig.hub.publish(&changed(s), 0);
        for (wire, most) in [(&mut json, 130), (&mut binary, 56)] {
            let frame = wire.hear_values().await;
            let ServerFrame::D { v, .. } = frame else {
                panic!("{frame:?}");
            };
            assert_eq!(v.len(), 5);
            assert!(wire.bytes <= most, "{} bytes, {most} at most", wire.bytes);
        }
    }
}

#[tokio::test]
async fn a_client_wishes_for_a_filtered_live_view() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let url = format!("ws://{}/v1/stream", rig.address);
    let queue = BTreeMap::from([("queue".to_owned(), BTreeSet::from(["q2".to_owned()]))]);
    let wish = Wish {
        cadence: "live100".to_owned(),
        filter: Filter {
            dims: queue,
            ..Filter::default()
        },
        ..Wish::default()
    };
    let mut board = BoardStream::connect_for(&url, "care", wish).await.unwrap();
    board.next().await.unwrap();
    rig.moment(101, 0, &[4, 5, 6]);
    let update = board.next().await.unwrap();
    assert_eq!(
        (update.cells, update.sealed, update.s),
        (vec![3], false, None)
    );
}
