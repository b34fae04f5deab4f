//! Readers that do not read.

use crate::rig::Rig;
use crate::wire::Wire;
use cx_model::frame::ServerFrame;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

#[tokio::test]
async fn a_reader_that_sleeps_costs_nothing_and_is_right_when_it_wakes() {
    const CELLS: usize = 400;
    const SECONDS: i64 = 300;
    let rig = Rig::start(CELLS);
    let mut slow = Wire::with_receive_buffer(&rig, 4_096).await;
    slow.say(SUB).await;
    let mut fast = Wire::watching(&rig, SUB).await;
    for s in 1..=SECONDS {
        rig.seal(s, &[s; CELLS]);
        // The fast one gets each second, whatever the slow one does.
        let frame = fast.hear_values().await;
        let ServerFrame::D { s: told, v, .. } = frame else {
            panic!("{frame:?}");
        };
        assert_eq!((told, v.len()), (Some(s), CELLS));
    }
    let metrics = rig.get("/metrics").await.text;
    let waits = "watchfloor_streams_would_block 1\n";
    assert!(metrics.contains(waits), "{metrics}");
    let mut frames = 0_u64;
    while slow.views.get(&1).and_then(|v| v.s) != Some(SECONDS) {
        slow.hear_values().await;
        frames += 1;
    }
    assert!(
        frames < 30,
        "{frames} frames were queued for a reader that slept"
    );
    assert_eq!(slow.held().values(), fast.held().values());
    let metrics = rig.get("/metrics").await.text;
    let waits = "watchfloor_streams_would_block 0\n";
    assert!(metrics.contains(waits), "{metrics}");
    let conflated = metrics
        .lines()
        .find_map(|l| l.strip_prefix("watchfloor_updates_conflated_total "))
        .and_then(|n| n.parse::<u64>().ok());
    // Frames and numbers merged into them are all there were; the snapshot is one of the frames.
    assert_eq!(
        conflated.map(|n| n + frames - 1),
        Some(SECONDS.unsigned_abs())
    );
}

#[tokio::test]
async fn pings_are_answered_between_frames_and_never_inside_one() {
    const CELLS: usize = 400;
    const PINGS: u8 = 100;
    let rig = Rig::start(CELLS);
    // So narrow that most frames go out in pieces.
    let mut wire = Wire::with_receive_buffer(&rig, 4_096).await;
    wire.say(SUB).await;
    let mut s = 0;
    let mut pongs = Vec::new();
    for ping in 0..PINGS {
        let ping = Message::Ping(vec![ping].into());
        wire.socket.send(ping).await.unwrap();
        for _ in 0..3 {
            s += 1;
            rig.seal(s, &[s; CELLS]);
            tokio::task::yield_now().await;
        }
    }
    while pongs.len() < usize::from(PINGS) || wire.views.get(&1).and_then(|v| v.s) != Some(s) {
        let next = timeout(Duration::from_secs(5), wire.socket.next()).await;
        let message = next.expect("a message within 5 s").unwrap().unwrap();
        if let Message::Pong(pong) = message {
            pongs.push(pong[0]);
            continue;
        }
        let frame: ServerFrame = serde_json::from_str(message.to_text().unwrap()).unwrap();
        let view = wire.views.entry(1).or_default();
        view.apply(&frame).unwrap();
    }
    assert_eq!(pongs, (0..PINGS).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_readers_of_one_board_share_the_bytes() {
    let rig = Rig::start(50);
    let mut all = Vec::new();
    for _ in 0..40 {
        all.push(Wire::watching(&rig, SUB).await);
    }
    for s in 1..=10 {
        rig.seal(s, &[s; 50]);
        for wire in &mut all {
            wire.hear_values().await;
        }
    }
    let metrics = rig.get("/metrics").await.text;
    let line = metrics
        .lines()
        .find(|l| l.starts_with("watchfloor_frames_encoded_total"));
    // One snapshot and ten deltas, and a few heartbeats at most where the machine is slow.
    let encoded: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(encoded, 11, "{metrics}");
}
