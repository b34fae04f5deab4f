//! In: sealed seconds. Kept: one board's newest values, when each changed, their digest.
//! Out: shared frames from any cursor. Never knows: who reads them.
//!
//! A frame is encoded once for all cursors alike; only its subscription id differs.

mod alarms;

use crate::hub::AlertStates;
use crate::shared::{Kind, Shared};
use alarms::Alarms;
use axum::extract::ws::Utf8Bytes;
use cx_model::frame::{ServerFrame, WireCell, WireInfo, WireValue};
use cx_model::value::{Board, CellInfo, Sealed, cell_hash_of, digest_text};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Digests kept for acknowledgements.
const DIGESTS: usize = 120;

/// One board, shared by all who watch it.
pub(crate) struct View {
    pub(crate) board: Arc<Board>,
    epoch: String,
    cells: Vec<WireCell>,
    prefixes: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    turn: u64,
    s: Option<i64>,
    sealed: bool,
    now: i64,
    waiting_for: Vec<u32>,
    values: Vec<(Option<i64>, u8)>,
    hashes: Vec<u64>,
    changed: Vec<u64>,
    digest: u64,
    digests: VecDeque<(u64, u64)>,
    alarms: Alarms,
    shared: Shared,
}

/// A frame and where a subscription stands after it.
pub(crate) struct Next {
    pub(crate) seq: u64,
    pub(crate) s: Option<i64>,
    /// How many numbers this view has taken; the counter itself is shared by all boards.
    pub(crate) turn: u64,
    pub(crate) text: Utf8Bytes,
    /// False: the bytes were there already.
    pub(crate) encoded: bool,
}

/// What a subscription gets now.
pub(crate) enum Due {
    /// It has everything.
    Nothing,
    /// No value changed, but a newer second is sealed.
    Second,
    /// Values.
    Frame(Next),
}

/// The id of a cell on the wire: its index + 1.
pub(crate) fn wire_id(index: usize) -> u32 {
    u32::try_from(index + 1).expect("a board has at most 2,000 cells")
}

/// What a reader needs to understand a cell's integers.
pub(crate) fn wire_info(cell: &CellInfo) -> WireInfo {
    WireInfo {
        unit: cell.unit.to_string(),
        scale: cell.scale,
        target: cell.target,
        direction: cell.direction.to_owned(),
        definition: cell.key.definition.to_string(),
    }
}

fn wire_cell((index, cell): (usize, &CellInfo)) -> WireCell {
    let key = &cell.key;
    let window = key.window.name().to_owned();
    let (id, dims) = (wire_id(index), key.dims.clone());
    (id, key.kpi.to_string(), window, dims, wire_info(cell))
}

impl State {
    fn next(&self, counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Everything of a sequence number is in.
    fn note(&mut self, seq: u64) {
        self.seq = seq;
        self.turn += 1;
        self.digests.push_back((seq, self.digest));
        if self.digests.len() > DIGESTS {
            self.digests.pop_front();
        }
    }
}

impl View {
    pub(crate) fn new(board: Arc<Board>, epoch: &str) -> Self {
        let prefixes: Vec<String> = board.cells.iter().map(|c| c.key.digest_prefix()).collect();
        let hashes: Vec<u64> = prefixes.iter().map(|p| cell_hash_of(p, None, 0)).collect();
        let digest = hashes.iter().fold(0_u64, |sum, h| sum.wrapping_add(*h));
        let state = State {
            digest,
            digests: VecDeque::from([(0, digest)]),
            values: vec![(None, 0); hashes.len()],
            changed: vec![0; hashes.len()],
            hashes,
            ..State::default()
        };
        Self {
            cells: board.cells.iter().enumerate().map(wire_cell).collect(),
            epoch: epoch.to_owned(),
            board,
            prefixes,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// Takes a second in. A sealed second that changes no value takes no sequence number.
    pub(crate) fn take(&self, sealed: &Sealed, counter: &AtomicU64, now: i64) {
        let mut state = self.state();
        let quiet = sealed.sealed && state.sealed;
        let changes: Vec<(usize, (Option<i64>, u8))> = self.changes(&state, sealed).collect();
        if sealed.sealed {
            state.s = Some(sealed.s);
        }
        state.now = now;
        state.waiting_for.clone_from(&sealed.waiting_for);
        state.sealed = sealed.sealed;
        state.shared.clear();
        if quiet && changes.is_empty() {
            return;
        }
        let seq = state.next(counter);
        for (i, value) in changes {
            let hash = cell_hash_of(&self.prefixes[i], value.0, value.1);
            let without = state.digest.wrapping_sub(state.hashes[i]);
            state.digest = without.wrapping_add(hash);
            state.hashes[i] = hash;
            state.values[i] = value;
            state.changed[i] = seq;
        }
        state.note(seq);
    }

    /// Gives the view those of all alerts that are its own.
    pub(crate) fn watch(&self, alerts: &[CellInfo]) {
        let of_board = |kpi: &str| self.board.cells.iter().any(|c| *c.key.kpi == *kpi);
        self.state().alarms = Alarms::new(alerts, of_board, self.cells.len());
    }

    /// Takes the alerts that are not at rest; true where one of its own changed.
    pub(crate) fn take_alerts(&self, open: &AlertStates, counter: &AtomicU64) -> bool {
        let mut state = self.state();
        if !state.alarms.differ(open) {
            return false;
        }
        let seq = state.next(counter);
        state.alarms.take(open, seq);
        state.note(seq);
        state.shared.clear();
        true
    }

    fn changes<'a>(
        &'a self,
        state: &'a State,
        sealed: &'a Sealed,
    ) -> impl Iterator<Item = (usize, (Option<i64>, u8))> + 'a {
        let source = self.board.source_index.iter().enumerate();
        let new = source.map(|(i, at)| {
            let value = sealed.values.get(*at).copied().unwrap_or_default();
            (i, (value.value, value.state))
        });
        new.filter(|(i, value)| state.values[*i] != *value)
    }

    /// The digest of values as they were at a sealed second, without cells that were not counted then.
    pub(crate) fn digest_of(&self, sealed: &Sealed, unknown: &[usize]) -> String {
        let cells = self.board.source_index.iter().zip(&self.prefixes);
        let cells = cells.filter(|(at, _)| !unknown.contains(at));
        let sum = cells.fold(0_u64, |sum, (at, prefix)| {
            let v = sealed.values.get(*at).copied().unwrap_or_default();
            sum.wrapping_add(cell_hash_of(prefix, v.value, v.state))
        });
        digest_text(sum)
    }

    /// Names the process's life and, where definitions changed in it, how often.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(crate) fn seq(&self) -> u64 {
        self.state().seq
    }

    /// The first frame of a subscription: a diff for a cursor of this life, else a snapshot.
    pub(crate) fn first(&self, id: u32, since: Option<u64>) -> Next {
        let mut state = self.state();
        match since.filter(|since| *since <= state.seq) {
            Some(since) => self.frame(&mut state, Kind::Diff, since, id),
            None => self.frame(&mut state, Kind::Snapshot, 0, id),
        }
    }

    /// What brings a subscription at `cursor`, that was told second `s`, to now.
    pub(crate) fn due(&self, id: u32, cursor: u64, s: Option<i64>) -> Due {
        let mut state = self.state();
        if cursor < state.seq {
            return Due::Frame(self.frame(&mut state, Kind::Delta, cursor, id));
        }
        if state.sealed && s < state.s {
            return Due::Second;
        }
        Due::Nothing
    }

    fn frame(&self, state: &mut State, kind: Kind, cursor: u64, id: u32) -> Next {
        let (seq, s, turn) = (state.seq, state.s, state.turn);
        let cursor = state.shared.round_down(kind, cursor);
        let encoded = !state.shared.has(kind, cursor);
        if encoded {
            let frame = self.compose(state, kind, cursor);
            state.shared.put(kind, cursor, &frame);
        }
        let text = state.shared.text(kind, cursor, id);
        Next {
            seq,
            s,
            turn,
            text,
            encoded,
        }
    }

    /// A frame for nobody in particular: id 0.
    fn compose(&self, state: &State, kind: Kind, cursor: u64) -> ServerFrame {
        let (seq, sealed, g) = (state.seq, state.sealed, digest_text(state.digest));
        let s = state.s.filter(|_| sealed);
        let view = |mode: &str, cells, values, g| ServerFrame::View {
            id: 0,
            mode: mode.to_owned(),
            epoch: self.epoch.clone(),
            seq,
            s,
            sealed,
            cells,
            values,
            g,
            alerts: state.alarms.whole(kind, cursor),
        };
        match kind {
            Kind::Snapshot => view("snapshot", self.cells.clone(), values(state, None), g),
            Kind::Diff => view("diff", Vec::new(), values(state, Some(cursor)), g),
            Kind::Delta => ServerFrame::D {
                id: 0,
                seq,
                s,
                sealed: (!sealed).then_some(false),
                now: (!sealed).then_some(state.now),
                waiting_for: if sealed {
                    Vec::new()
                } else {
                    state.waiting_for.clone()
                },
                v: values(state, Some(cursor)),
                g,
                alerts: state.alarms.changed(cursor),
            },
        }
    }

    /// A heartbeat; `now` is the machine's clock in ms. Live values name no second.
    pub(crate) fn heartbeat(&self, id: u32, now: i64) -> Next {
        let state = self.state();
        let frame = ServerFrame::Hb {
            id,
            seq: state.seq,
            s: state.s.filter(|_| state.sealed),
            now,
            g: digest_text(state.digest),
        };
        Next {
            seq: state.seq,
            s: state.s,
            turn: state.turn,
            text: encode(&frame),
            encoded: true,
        }
    }

    /// Whether the digest is the one of that sequence number; `None` where it is too old to know.
    pub(crate) fn proves(&self, seq: u64, digest: &str) -> Option<bool> {
        let state = self.state();
        let known = state.digests.iter().find(|(s, _)| *s == seq)?;
        Some(digest_text(known.1) == digest)
    }
}

fn values(state: &State, since: Option<u64>) -> Vec<WireValue> {
    let changed = |i: &usize| since.is_none_or(|since| state.changed[*i] > since);
    let cells = (0..state.values.len()).filter(changed);
    cells
        .map(|i| (wire_id(i), state.values[i].0, state.values[i].1))
        .collect()
}

pub(crate) fn encode(frame: &ServerFrame) -> Utf8Bytes {
    serde_json::to_string(frame)
        .expect("frames are plain JSON")
        .into()
}
