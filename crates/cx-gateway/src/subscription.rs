//! In: what was sent and acknowledged. Kept: one cursor. Out: whether more may be sent.
//! Never knows: sockets.

use crate::view::{Next, View};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes that may be unacknowledged before a client that acknowledges gets nothing more.
const UNACKED_BYTES: usize = 64 * 1024;
/// Age of the oldest unacknowledged frame after which such a client gets nothing more.
const UNACKED_TIME: Duration = Duration::from_secs(10);
/// Unacknowledged frames told apart; beyond them they are counted with the newest.
const UNACKED_FRAMES: usize = 16;
/// A heartbeat goes where nothing else went for this long.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// A subscription of one connection.
pub(crate) struct Subscription {
    pub(crate) id: u32,
    pub(crate) view: Arc<View>,
    pub(crate) cursor: u64,
    /// The newest second told.
    pub(crate) s: Option<i64>,
    pub(crate) proven: bool,
    /// How many numbers its view had taken at the cursor.
    pub(crate) turn: u64,
    /// The change of definitions that its view is of.
    pub(crate) changes: u64,
    ack: bool,
    unacked: VecDeque<Unacked>,
    sent_at: Instant,
}

struct Unacked {
    seq: u64,
    bytes: usize,
    at: Instant,
}

impl Subscription {
    pub(crate) fn new(id: u32, view: Arc<View>, ack: bool) -> Self {
        Self {
            id,
            view,
            cursor: 0,
            s: None,
            proven: false,
            turn: 0,
            changes: 0,
            ack,
            unacked: VecDeque::new(),
            sent_at: Instant::now(),
        }
    }

    /// Notes a frame that goes out.
    pub(crate) fn sent(&mut self, next: &Next) {
        self.cursor = next.seq;
        self.s = next.s;
        self.turn = next.turn;
        self.sent_at = Instant::now();
        if !self.ack {
            return;
        }
        let (seq, bytes, at) = (next.seq, next.text.len(), self.sent_at);
        let full = self.unacked.len() >= UNACKED_FRAMES;
        match self.unacked.back_mut() {
            Some(last) if full || last.seq == seq => {
                last.seq = seq;
                last.bytes += bytes;
            }
            Some(_) | None => self.unacked.push_back(Unacked { seq, bytes, at }),
        }
    }

    /// Forgets what an acknowledgement covers; false where that number was never sent.
    pub(crate) fn acknowledged(&mut self, seq: u64) -> bool {
        while self.unacked.front().is_some_and(|u| u.seq <= seq) {
            self.unacked.pop_front();
        }
        seq <= self.cursor
    }

    /// True while a client that acknowledges owes too much.
    pub(crate) fn blocked(&self) -> bool {
        let bytes: usize = self.unacked.iter().map(|u| u.bytes).sum();
        bytes > UNACKED_BYTES || self.overdue()
    }

    /// True where the oldest frame is unacknowledged for too long.
    pub(crate) fn overdue(&self) -> bool {
        let oldest = self.unacked.front();
        oldest.is_some_and(|u| u.at.elapsed() > UNACKED_TIME)
    }

    /// When it has to hear something.
    pub(crate) fn quiet_until(&self) -> Instant {
        self.sent_at + QUIET
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::value::{Board, Layout, Rail};

    fn subscription(ack: bool) -> Subscription {
        let board = Board {
            name: "care".to_owned(),
            title: String::new(),
            zone: String::new(),
            cells: Vec::new(),
            source_index: Vec::new(),
            layout: Layout {
                tiles: Vec::new(),
                rail: Rail::default(),
            },
        };
        Subscription::new(1, Arc::new(View::new(Arc::new(board), "e")), ack)
    }

    fn frame(seq: u64, bytes: usize) -> Next {
        Next {
            seq,
            s: Some(1),
            turn: seq,
            text: "x".repeat(bytes).into(),
            encoded: true,
        }
    }

    #[test]
    fn blocks_past_64_kib_until_the_frame_is_acknowledged() {
        let mut s = subscription(true);
        s.sent(&frame(1, 60_000));
        assert!(!s.blocked());
        s.sent(&frame(2, 6_000));
        assert!(s.blocked());
        assert!(s.acknowledged(1), "6,000 bytes are still on their way");
        assert!(!s.blocked());
    }

    #[test]
    fn counts_many_small_frames_in_bounded_memory() {
        let mut s = subscription(true);
        for seq in 1..=1_000 {
            s.sent(&frame(seq, 70));
        }
        assert!(s.unacked.len() <= UNACKED_FRAMES && s.blocked());
        assert!(s.acknowledged(1_000));
        assert!(!s.blocked() && s.unacked.is_empty());
    }

    #[test]
    fn tells_an_acknowledgement_of_what_was_never_sent() {
        let mut s = subscription(true);
        s.sent(&frame(5, 10));
        assert!(!s.acknowledged(6));
    }

    #[test]
    fn never_blocks_a_client_that_does_not_acknowledge() {
        let mut s = subscription(false);
        s.sent(&frame(1, 1_000_000));
        assert!(!s.blocked());
    }
}
