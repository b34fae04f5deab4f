//! In: each frame of one view, in order. Kept: those of the last 60 s, 8 MiB at most. Out: the one
//! after a cursor. Never knows: who reads them.

use crate::payload::Blank;
use std::collections::VecDeque;

/// How long a frame is kept, ms.
const AGE_MS: i64 = 60_000;
/// Bytes of frames kept.
const BYTES: usize = 8 * 1024 * 1024;

/// One published sequence number.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) seq: u64,
    pub(crate) s: Option<i64>,
    pub(crate) turn: u64,
    pub(crate) digest: u64,
    pub(crate) blank: Blank,
    pub(crate) at_ms: i64,
}

/// What comes after a cursor.
pub(crate) enum After<'r> {
    Nothing,
    Frame(&'r Published),
    /// Some of what comes after the cursor is gone.
    Lost,
}

/// The last frames of a view; `(seq, digest)` of what stood before the first of them.
#[derive(Debug)]
pub(crate) struct Ring {
    before: (u64, u64),
    kept: VecDeque<Published>,
    bytes: usize,
}

impl Ring {
    pub(crate) fn from(seq: u64, digest: u64) -> Self {
        Self {
            before: (seq, digest),
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, published: Published) {
        let now = published.at_ms;
        self.bytes += published.blank.len();
        self.kept.push_back(published);
        while self.kept.len() > 1 {
            let old = self.kept.front().is_some_and(|p| now - p.at_ms > AGE_MS);
            if !old && self.bytes <= BYTES {
                break;
            }
            let gone = self.kept.pop_front().expect("there is more than one");
            self.bytes -= gone.blank.len();
            self.before = (gone.seq, gone.digest);
        }
    }

    pub(crate) fn after(&self, cursor: u64) -> After<'_> {
        if cursor < self.before.0 {
            return After::Lost;
        }
        let next = self.kept.partition_point(|p| p.seq <= cursor);
        self.kept.get(next).map_or(After::Nothing, After::Frame)
    }

    /// What was held at a cursor; `None` where that is forgotten.
    pub(crate) fn digest_at(&self, cursor: u64) -> Option<u64> {
        let next = self.kept.partition_point(|p| p.seq <= cursor);
        match next.checked_sub(1) {
            Some(last) => Some(self.kept[last].digest),
            None => (cursor >= self.before.0).then_some(self.before.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(seq: u64, bytes: usize, at_ms: i64) -> Published {
        Published {
            seq,
            s: None,
            turn: seq,
            digest: seq * 10,
            blank: Blank::Text {
                head: "",
                tail: "x".repeat(bytes),
            },
            at_ms,
        }
    }

    fn next(ring: &Ring, cursor: u64) -> Option<u64> {
        match ring.after(cursor) {
            After::Frame(published) => Some(published.seq),
            After::Nothing => None,
            After::Lost => Some(0),
        }
    }

    #[test]
    fn gives_one_number_after_the_other() {
        let mut ring = Ring::from(4, 40);
        ring.push(published(7, 10, 0));
        ring.push(published(9, 10, 1));
        assert_eq!(next(&ring, 3), Some(0), "what came before 4 was never here");
        assert_eq!((next(&ring, 4), next(&ring, 7)), (Some(7), Some(9)));
        assert_eq!(next(&ring, 9), None);
        assert_eq!(ring.digest_at(8), Some(70));
        assert_eq!((ring.digest_at(4), ring.digest_at(3)), (Some(40), None));
    }

    #[test]
    fn keeps_a_minute_and_8_mib() {
        let mut ring = Ring::from(0, 0);
        for second in 0..100_u64 {
            ring.push(published(second + 1, 10, second.cast_signed() * 1_000));
        }
        assert_eq!(ring.kept.len(), 61);
        assert_eq!((next(&ring, 38), next(&ring, 39)), (Some(0), Some(40)));
        for seq in 101..200_u64 {
            ring.push(published(seq, 1024 * 1024, 100_000));
        }
        assert!(ring.bytes <= BYTES && ring.kept.len() == 8);
    }
}
