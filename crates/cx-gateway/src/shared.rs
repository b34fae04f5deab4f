//! In: frames of one view at one sequence number. Kept: their bytes, a bounded number of them.
//! Out: the same bytes for all cursors alike. Never knows: values.

use crate::payload::{Blank, Payload};
use std::collections::BTreeMap;

/// Cursors of one kind for which a frame is encoded; further ones are rounded down to these.
const CURSORS: usize = 16;
/// Whole payloads kept; beyond them the id is written into the shared blank each time.
const WHOLE: usize = 64;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// First frame with everything.
    Snapshot,
    /// First frame from a cursor.
    Diff,
    /// Later frame from a cursor.
    Delta,
}

/// Encoded frames of one view, good until its next second.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    blanks: BTreeMap<(Kind, u64), Blank>,
    whole: BTreeMap<(Kind, u64, u32), Payload>,
}

impl Shared {
    pub(crate) fn clear(&mut self) {
        self.blanks.clear();
        self.whole.clear();
    }

    /// The cursor to encode for. Values are whole, so a frame from an older cursor is also right;
    /// the last free place is kept for the oldest cursor of all, `floor`.
    pub(crate) fn round_down(&self, kind: Kind, cursor: u64, floor: u64) -> u64 {
        let of_kind = || self.blanks.range((kind, 0)..=(kind, u64::MAX));
        if self.has(kind, cursor) || of_kind().count() < CURSORS - 1 {
            return cursor;
        }
        let older = self.blanks.range((kind, 0)..=(kind, cursor)).next_back();
        older.map_or(floor, |((_, at), _)| *at)
    }

    pub(crate) fn has(&self, kind: Kind, cursor: u64) -> bool {
        self.blanks.contains_key(&(kind, cursor))
    }

    /// Keeps a frame that was made for id 0.
    pub(crate) fn put(&mut self, kind: Kind, cursor: u64, frame: Blank) {
        self.blanks.insert((kind, cursor), frame);
    }

    /// The frame for one id; [`Shared::put`] came before.
    pub(crate) fn payload(&mut self, kind: Kind, cursor: u64, id: u32) -> Payload {
        if let Some(payload) = self.whole.get(&(kind, cursor, id)) {
            return payload.clone();
        }
        let payload = self.blanks[&(kind, cursor)].with(id);
        if self.whole.len() < WHOLE {
            self.whole.insert((kind, cursor, id), payload.clone());
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::frame::{Encoding, ServerFrame};

    #[test]
    fn rounds_cursors_down_once_the_places_are_taken() {
        let mut shared = Shared::default();
        for cursor in (0..100_u64).map(|c| 1_000 - c) {
            let at = shared.round_down(Kind::Delta, cursor, 0);
            assert!(at <= cursor, "{at} is newer than {cursor}");
            if !shared.has(Kind::Delta, at) {
                shared.put(Kind::Delta, at, blank(at));
            }
        }
        assert_eq!(shared.blanks.len(), CURSORS);
        assert_eq!(shared.round_down(Kind::Delta, 990, 0), 990);
        assert_eq!(shared.round_down(Kind::Delta, 950, 0), 0);
        assert_eq!(shared.round_down(Kind::Diff, 950, 0), 950);
    }

    #[test]
    fn writes_the_id_before_shared_bytes() {
        let mut shared = Shared::default();
        shared.put(Kind::Delta, 3, blank(3));
        let payload = shared.payload(Kind::Delta, 3, 42);
        let read: ServerFrame = serde_json::from_str(payload.text()).unwrap();
        assert!(matches!(read, ServerFrame::D { id: 42, seq: 3, .. }));
    }

    fn blank(seq: u64) -> Blank {
        let frame = ServerFrame::D {
            id: 0,
            seq,
            s: None,
            sealed: Some(false),
            now: Some(1),
            waiting_for: vec![2],
            cells: Vec::new(),
            gone: Vec::new(),
            v: vec![(1, None, 0)],
            parts: Vec::new(),
            g: String::new(),
            alerts: None,
        };
        Blank::of(&frame, Encoding::Json)
    }
}
