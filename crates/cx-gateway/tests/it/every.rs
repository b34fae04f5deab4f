//! Readers who want every published number.

use crate::rig::{EPOCH, Rig};
use crate::wire::Wire;
use cx_model::frame::ServerFrame;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care","mode":"every"}"#;

fn seconds(frames: &[ServerFrame]) -> Vec<i64> {
    let second = |frame: &ServerFrame| {
        let ServerFrame::D { s, .. } = frame else {
            return None;
        };
        *s
    };
    frames.iter().filter_map(second).collect()
}

async fn values(wire: &mut Wire, n: usize) -> Vec<ServerFrame> {
    let mut frames = Vec::new();
    while frames.len() < n {
        frames.push(wire.hear_values().await);
    }
    frames
}

#[tokio::test]
async fn a_reader_of_every_number_gets_those_that_came_while_it_did_not_read() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB).await;
    let mut usual = Wire::watching(&rig, &SUB.replace("every", "latest")).await;
    for s in 101..131 {
        rig.seal(s, &[s, 2]);
    }
    let frames = values(&mut wire, 30).await;
    assert_eq!(seconds(&frames), (101..131).collect::<Vec<_>>());
    let latest = usual.hear_values().await;
    assert!(seconds(&[latest])[0] > 101, "others get the newest only");
}

#[tokio::test]
async fn a_reader_of_every_number_resumes_without_a_hole() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wire = Wire::watching(&rig, SUB).await;
    rig.seal(101, &[5, 2]);
    wire.hear_values().await;
    let (seq, held) = (wire.held().seq, wire.views.clone());
    drop(wire);
    for s in 102..106 {
        rig.seal(s, &[s, 2]);
    }
    let mut again = Wire::open(&rig).await;
    again.views = held;
    let since = format!(r#","since":{{"epoch":"{EPOCH}","seq":{seq}}}}}"#);
    again.say(&SUB.replace('}', &since)).await;
    let frame = again.hear().await;
    let ServerFrame::View { mode, seq: at, .. } = frame else {
        panic!("{frame:?}");
    };
    assert_eq!((mode.as_str(), at), ("delta", seq));
    let frames = values(&mut again, 4).await;
    assert_eq!(seconds(&frames), [102, 103, 104, 105]);
}

#[tokio::test]
async fn a_reader_of_every_number_is_told_what_it_lost_and_gets_one_diff() {
    const CELLS: usize = 400;
    let rig = Rig::start(CELLS);
    rig.seal(100, &[1; CELLS]);
    let mut wire = Wire::with_receive_buffer(&rig, 4_096).await;
    wire.say(SUB).await;
    wire.hear().await;
    let begun = wire.held().seq;
    // Two minutes by the machine's clock: the first of them are kept no more.
    for s in 101..221 {
        rig.seal(s, &[s; CELLS]);
    }
    let mut lagged = None;
    let mut at = begun;
    while wire.held().s != Some(220) {
        let frame = wire.hear_values().await;
        if let ServerFrame::Lagged { from, to, .. } = frame {
            assert_eq!(from, at + 1, "what was told stands before the hole");
            lagged = Some(to);
            continue;
        }
        let ServerFrame::D { seq, .. } = frame else {
            panic!("{frame:?}");
        };
        let expected = lagged.take().unwrap_or(at + 1);
        assert_eq!(seq, expected, "no hole without a word");
        at = seq;
    }
    let metrics = rig.get("/metrics").await.text;
    assert!(
        metrics.contains("watchfloor_readers_lagged_total 1"),
        "{metrics}"
    );
}
