//! The board protocol over WebSocket.

use crate::rig::{EPOCH, Rig};
use crate::wire::Wire;
use cx_client::{BoardStream, Error};
use cx_model::frame::ServerFrame;
use std::time::Duration;
use tokio::time::Instant;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;
const SUB_ACK: &str = r#"{"op":"sub","id":1,"board":"care","ack":true}"#;

fn since(epoch: &str, seq: u64) -> String {
    format!(r#"{{"op":"sub","id":1,"board":"care","since":{{"epoch":"{epoch}","seq":{seq}}}}}"#)
}

fn error_code(frame: &ServerFrame) -> &str {
    let ServerFrame::Error { code, .. } = frame else {
        panic!("{frame:?}");
    };
    code
}

#[tokio::test]
async fn sends_a_snapshot_then_what_changes() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, SUB).await;
    assert_eq!((wire.held().s, wire.held().sealed), (Some(100), true));
    assert_eq!(wire.held().value(2), Some((Some(2), 0)));
    for s in 101..120 {
        rig.seal(s, &[1, s, 3]);
        let frame = wire.hear().await;
        let ServerFrame::D { s: told, v, .. } = frame else {
            panic!("{frame:?}");
        };
        assert_eq!((told, v), (Some(s), vec![(2, Some(s), 0)]));
    }
}

#[tokio::test]
async fn says_nothing_is_known_before_the_first_second() {
    let rig = Rig::start(2);
    let wire = Wire::watching(&rig, SUB).await;
    assert_eq!((wire.held().s, wire.held().sealed), (None, false));
    assert_eq!(wire.held().value(1), Some((None, 0)));
}

#[tokio::test]
async fn beats_where_nothing_changes_and_names_the_new_second() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB).await;
    let (before, seq) = (Instant::now(), wire.held().seq);
    rig.seal(101, &[1, 2]);
    let frame = wire.hear().await;
    let ServerFrame::Hb { seq: at, s, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((at, s), (seq, Some(101)));
    assert!(
        before.elapsed() >= Duration::from_millis(800),
        "not before a second is quiet"
    );
    assert!(matches!(
        wire.hear().await,
        ServerFrame::Hb { s: Some(101), .. }
    ));
}

#[tokio::test]
async fn resumes_with_a_diff_of_what_changed_since() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, SUB).await;
    let seq = wire.held().seq;
    for s in 101..400 {
        rig.seal(s, &[1, 2, s]);
    }
    wire.say(&since(EPOCH, seq)).await;
    let mut frame = wire.hear().await;
    while matches!(frame, ServerFrame::D { .. }) {
        frame = wire.hear().await;
    }
    let ServerFrame::View {
        mode,
        cells,
        values,
        ..
    } = frame
    else {
        panic!("{frame:?}");
    };
    assert_eq!((mode.as_str(), cells.len()), ("diff", 0));
    assert_eq!(values, vec![(3, Some(399), 0)]);
}

#[tokio::test]
async fn starts_from_a_snapshot_where_the_cursor_is_not_of_this_life() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    for sub in [since("000000", 1), since(EPOCH, 4_812)] {
        let mut wire = Wire::open(&rig).await;
        wire.say(&sub).await;
        let frame = wire.hear().await;
        let ServerFrame::View { mode, cells, .. } = frame else {
            panic!("{frame:?}");
        };
        assert_eq!((mode.as_str(), cells.len()), ("snapshot", 3));
    }
}

#[tokio::test]
async fn live_values_name_no_second_and_the_next_seal_sends_what_differs() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let mut wire = Wire::watching(&rig, SUB).await;
    rig.live(104, &[5, 2, 3]);
    let frame = wire.hear().await;
    let ServerFrame::D {
        s,
        sealed,
        now,
        waiting_for,
        ..
    } = frame
    else {
        panic!("{frame:?}");
    };
    assert_eq!((s, sealed, now), (None, Some(false), Some(104_500)));
    assert_eq!(waiting_for, vec![3]);
    let fresh = Wire::watching(&rig, SUB).await;
    assert_eq!((fresh.held().s, fresh.held().sealed), (None, false));
    rig.seal(101, &[1, 2, 4]);
    let frame = wire.hear().await;
    let ServerFrame::D { s, sealed, v, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((s, sealed), (Some(101), None));
    assert_eq!(v, vec![(1, Some(1), 0), (3, Some(4), 0)]);
}

#[tokio::test]
async fn serves_two_boards_on_one_stream() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB).await;
    wire.say(r#"{"op":"sub","id":7,"board":"sales"}"#).await;
    assert!(matches!(wire.hear().await, ServerFrame::View { id: 7, .. }));
    rig.seal(101, &[9, 2]);
    let (first, second) = (wire.hear().await, wire.hear().await);
    assert!(matches!(first, ServerFrame::D { id: 1, .. }), "{first:?}");
    assert!(matches!(second, ServerFrame::D { id: 7, .. }), "{second:?}");
    wire.say(r#"{"op":"unsub","id":1}"#).await;
    assert_eq!(wire.hear().await, ServerFrame::End { id: 1 });
    rig.seal(102, &[8, 2]);
    assert!(matches!(wire.hear().await, ServerFrame::D { id: 7, .. }));
}

#[tokio::test]
async fn names_the_boards_that_are_there() {
    let rig = Rig::start(1);
    let mut wire = Wire::open(&rig).await;
    wire.say(r#"{"op":"sub","id":3,"board":"car"}"#).await;
    let expected = ServerFrame::Error {
        id: Some(3),
        code: "unknown_board".to_owned(),
        detail: "there is no board \"car\"".to_owned(),
        fix: "boards are: care, sales".to_owned(),
    };
    assert_eq!(wire.hear().await, expected);
    wire.say(r#"{"op":"sub","id":3,"board":"care","cadence":"50ms"}"#)
        .await;
    assert_eq!(error_code(&wire.hear().await), "unknown_cadence");
}

#[tokio::test]
async fn answers_garbage_and_closes_after_the_fifth() {
    let rig = Rig::start(1);
    let mut wire = Wire::watching(&rig, SUB).await;
    for garbage in ["", "{", "[]", r#"{"op":"sub"}"#, "\u{0}"] {
        wire.say(garbage).await;
        assert_eq!(error_code(&wire.hear_values().await), "invalid_frame");
    }
    let close = wire.closing().await;
    assert_eq!(u16::from(close.code), 4_400);
    assert_eq!(close.reason.as_str(), "too_many_invalid_frames");
    let metrics = rig.get("/metrics").await.text;
    let line = "watchfloor_refusals_total{reason=\"invalid_frame\"} 5";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn refuses_the_seventeenth_subscription_and_keeps_the_others() {
    let rig = Rig::start(1);
    let mut wire = Wire::open(&rig).await;
    for id in 1..=17 {
        wire.say(&format!(r#"{{"op":"sub","id":{id},"board":"care"}}"#))
            .await;
        let frame = wire.hear_values().await;
        if id == 17 {
            assert_eq!(error_code(&frame), "too_many_subscriptions");
        }
    }
    rig.seal(100, &[4]);
    for _ in 0..16 {
        assert!(matches!(wire.hear_values().await, ServerFrame::D { .. }));
    }
    assert!(
        wire.views
            .values()
            .all(|v| v.value(1) == Some((Some(4), 0)))
    );
}

#[tokio::test]
async fn closes_a_stream_that_sends_more_than_64_kib() {
    let rig = Rig::start(1);
    let mut wire = Wire::open(&rig).await;
    wire.say(&"x".repeat(70_000)).await;
    assert_eq!(u16::from(wire.closing().await.code), 1_009);
}

#[tokio::test]
async fn sends_nothing_past_64_kib_until_the_screen_says_what_it_holds() {
    let rig = Rig::start(1_000);
    rig.seal(100, &vec![1; 1_000]);
    let mut wire = Wire::watching(&rig, SUB_ACK).await;
    for s in 101..111 {
        rig.seal(s, &vec![s; 1_000]);
    }
    assert!(
        wire.silent_for(1_300).await,
        "the snapshot alone is over 64 KiB"
    );
    let (seq, g) = (wire.held().seq, wire.held().digest.clone());
    wire.say(&format!(r#"{{"op":"ack","seq":{seq},"g":"{g}"}}"#))
        .await;
    assert!(matches!(
        wire.hear().await,
        ServerFrame::D { s: Some(110), .. }
    ));
    assert!(wire.silent_for(300).await, "one diff, not ten");
}

#[tokio::test]
async fn counts_the_screens_that_prove_what_they_show() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB_ACK).await;
    let (seq, g) = (wire.held().seq, wire.held().digest.clone());
    wire.say(&format!(r#"{{"op":"ack","id":1,"seq":{seq},"g":"{g}"}}"#))
        .await;
    wire.say(r#"{"op":"unsub","id":2}"#).await;
    assert_eq!(
        error_code(&wire.hear_values().await),
        "unknown_subscription"
    );
    assert_eq!(rig.hub.proven(), 1);
    wire.say(&format!(
        r#"{{"op":"ack","id":1,"seq":{seq},"g":"0000000000000000"}}"#
    ))
    .await;
    assert_eq!(error_code(&wire.hear_values().await), "digest_mismatch");
    assert_eq!(rig.hub.proven(), 0);
    wire.say(&format!(
        r#"{{"op":"ack","id":1,"seq":{},"g":"{g}"}}"#,
        seq + 1
    ))
    .await;
    assert_eq!(error_code(&wire.hear_values().await), "unknown_seq");
}

#[tokio::test]
async fn a_client_resumes_where_it_was_after_its_connection_broke() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let url = format!("ws://{}/v1/stream", rig.address);
    let mut board = BoardStream::connect(&url, "care").await.unwrap();
    let first = board.next().await.unwrap();
    assert_eq!(first.mode.as_deref(), Some("snapshot"));
    board.drop_connection();
    rig.seal(101, &[1, 7, 3]);
    let again = board.next().await.unwrap();
    assert_eq!(again.mode.as_deref(), Some("diff"));
    assert_eq!((again.cells, again.s), (vec![2], Some(101)));
    assert_eq!(board.view().value(2), Some((Some(7), 0)));
    assert_eq!(board.reconnects(), 1);
}

#[tokio::test]
async fn a_client_proves_its_board_without_being_asked() {
    let rig = Rig::start(3);
    rig.seal(100, &[1, 2, 3]);
    let url = format!("ws://{}/v1/stream", rig.address);
    let mut board = BoardStream::connect(&url, "care").await.unwrap();
    let proving = async {
        while rig.hub.proven() != 1 {
            board.next().await.unwrap();
        }
    };
    let proved = tokio::time::timeout(Duration::from_secs(10), proving).await;
    assert!(proved.is_ok(), "no proof within 10 s");
}

#[tokio::test]
async fn a_client_says_why_it_gets_no_board() {
    let rig = Rig::start(1);
    let url = format!("ws://{}/v1/stream", rig.address);
    let mut board = BoardStream::connect(&url, "nope").await.unwrap();
    let error = board.next().await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    let text = "unknown_board: there is no board \"nope\"; boards are: care, sales";
    assert_eq!(error.to_string(), text);
}
