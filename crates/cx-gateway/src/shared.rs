//! In: frames of one view at one sequence number. Kept: their bytes, a bounded number of them.
//! Out: the same bytes for all cursors alike. Never knows: values.

use axum::extract::ws::Utf8Bytes;
use cx_model::frame::ServerFrame;
use std::collections::BTreeMap;

/// Cursors of one kind for which a frame is encoded; further ones are rounded down to these.
const CURSORS: usize = 16;
/// Whole texts kept; beyond them the id is written in front of the shared tail each time.
const TEXTS: usize = 64;

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
    tails: BTreeMap<(Kind, u64), String>,
    texts: BTreeMap<(Kind, u64, u32), Utf8Bytes>,
}

impl Kind {
    fn op(self) -> &'static str {
        match self {
            Self::Snapshot | Self::Diff => "view",
            Self::Delta => "d",
        }
    }
}

impl Shared {
    pub(crate) fn clear(&mut self) {
        self.tails.clear();
        self.texts.clear();
    }

    /// The cursor to encode for. Values are whole, so a frame from an older cursor is also right;
    /// the last free place is kept for the oldest cursor of all.
    pub(crate) fn round_down(&self, kind: Kind, cursor: u64) -> u64 {
        let of_kind = || self.tails.range((kind, 0)..=(kind, u64::MAX));
        if self.has(kind, cursor) || of_kind().count() < CURSORS - 1 {
            return cursor;
        }
        let older = self.tails.range((kind, 0)..=(kind, cursor)).next_back();
        older.map_or(0, |((_, at), _)| *at)
    }

    pub(crate) fn has(&self, kind: Kind, cursor: u64) -> bool {
        self.tails.contains_key(&(kind, cursor))
    }

    /// Keeps a frame that was made for id 0.
    pub(crate) fn put(&mut self, kind: Kind, cursor: u64, frame: &ServerFrame) {
        let text = serde_json::to_string(frame).expect("frames are plain JSON");
        let head = head(kind, 0);
        let tail = text
            .strip_prefix(&head)
            .expect("op and id are a frame's first fields");
        self.tails.insert((kind, cursor), tail.to_owned());
    }

    /// The frame for one id.
    pub(crate) fn text(&mut self, kind: Kind, cursor: u64, id: u32) -> Utf8Bytes {
        if let Some(text) = self.texts.get(&(kind, cursor, id)) {
            return text.clone();
        }
        let tail = self.tails.get(&(kind, cursor)).map_or("}", String::as_str);
        let text = Utf8Bytes::from(head(kind, id) + tail);
        if self.texts.len() < TEXTS {
            self.texts.insert((kind, cursor, id), text.clone());
        }
        text
    }
}

fn head(kind: Kind, id: u32) -> String {
    format!("{{\"op\":\"{}\",\"id\":{id}", kind.op())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_cursors_down_once_the_places_are_taken() {
        let mut shared = Shared::default();
        for cursor in (0..100_u64).map(|c| 1_000 - c) {
            let at = shared.round_down(Kind::Delta, cursor);
            assert!(at <= cursor, "{at} is newer than {cursor}");
            if !shared.has(Kind::Delta, at) {
                shared.put(Kind::Delta, at, &frame(at));
            }
        }
        assert_eq!(shared.tails.len(), CURSORS);
        assert_eq!(shared.round_down(Kind::Delta, 990), 990);
        assert_eq!(shared.round_down(Kind::Delta, 950), 0);
        assert_eq!(shared.round_down(Kind::Diff, 950), 950);
    }

    #[test]
    fn writes_the_id_before_shared_bytes() {
        let mut shared = Shared::default();
        shared.put(Kind::Delta, 3, &frame(3));
        let text = shared.text(Kind::Delta, 3, 42);
        let read: ServerFrame = serde_json::from_str(&text).unwrap();
        assert!(matches!(read, ServerFrame::D { id: 42, seq: 3, .. }));
    }

    fn frame(seq: u64) -> ServerFrame {
        ServerFrame::D {
            id: 0,
            seq,
            s: None,
            sealed: Some(false),
            now: Some(1),
            waiting_for: vec![2],
            v: vec![(1, None, 0)],
            g: String::new(),
            alerts: None,
        }
    }
}
