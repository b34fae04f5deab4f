//! In: what was sent and acknowledged. Kept: one cursor. Out: whether more may be sent.
//! Never knows: sockets.

use crate::counts::Counted;
use crate::view::{Due, Next, View};
use cx_model::frame::Mode;
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
    /// The board's name.
    pub(crate) board: String,
    pub(crate) view: Arc<View>,
    pub(crate) cursor: u64,
    /// The newest second told.
    pub(crate) s: Option<i64>,
    pub(crate) proven: bool,
    /// It was found to owe too many acknowledgements, and is counted.
    pub(crate) owes: Option<Counted>,
    /// How many numbers its view had taken at the cursor.
    pub(crate) turn: u64,
    /// It acknowledges.
    pub(crate) ack: bool,
    /// Up to which number it has heard of changed definitions.
    pub(crate) redefined: u64,
    mode: Mode,
    /// It wanted every number and lost some: one diff comes next.
    lagged: bool,
    unacked: VecDeque<Unacked>,
    sent_at: Instant,
}

struct Unacked {
    seq: u64,
    bytes: usize,
    at: Instant,
}

impl Subscription {
    pub(crate) fn new(id: u32, view: Arc<View>, mode: Mode, ack: bool) -> Self {
        let view_seq = view.seq();
        Self {
            id,
            board: String::new(),
            view,
            cursor: 0,
            s: None,
            proven: false,
            owes: None,
            turn: 0,
            ack,
            redefined: view_seq,
            mode,
            lagged: false,
            unacked: VecDeque::new(),
            sent_at: Instant::now(),
        }
    }

    /// The first frame, for a cursor of this life or none.
    pub(crate) fn first(&self, since: Option<u64>) -> Next {
        match self.mode {
            Mode::Latest => self.view.first(self.id, since),
            Mode::Every => {
                self.view.keep_every();
                self.view.first_of_every(self.id, since)
            }
        }
    }

    /// What it gets now.
    pub(crate) fn due(&self) -> Due {
        match self.mode {
            Mode::Every if !self.lagged => {
                self.view
                    .next_of_every(self.id, self.cursor, self.s, self.redefined)
            }
            Mode::Every | Mode::Latest => {
                self.view.due(self.id, self.cursor, self.s, self.redefined)
            }
        }
    }

    /// It was told that it lost some.
    pub(crate) fn lags(&mut self) {
        self.lagged = true;
        self.sent_at = Instant::now();
    }

    /// Notes a frame that goes out.
    pub(crate) fn sent(&mut self, next: &Next) {
        self.cursor = next.seq;
        self.s = next.s.or(self.s);
        self.lagged = false;
        self.turn = next.turn;
        self.sent_at = Instant::now();
        if !self.ack {
            return;
        }
        let (seq, bytes, at) = (next.seq, next.payload.len(), self.sent_at);
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
    use crate::listing::Roster;
    use crate::payload::Payload;
    use crate::shape::Shape;
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
        let listing = Arc::new(Roster::default().list(&Arc::new(board)));
        let view = View::new(Shape::default(), "e", &listing, 0);
        Subscription::new(1, Arc::new(view), Mode::Latest, ack)
    }

    fn frame(seq: u64, bytes: usize) -> Next {
        Next {
            seq,
            s: Some(1),
            turn: seq,
            payload: Payload::text_of(&[&"x".repeat(bytes)]),
            encoded: true,
            published: None,
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
