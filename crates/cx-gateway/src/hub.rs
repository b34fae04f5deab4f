//! In: sealed seconds. Kept: per board the newest values, when each changed, and encoded frames.
//! Out: shared frames from any cursor. Never knows: sockets.

use axum::extract::ws::Utf8Bytes;
use cx_model::frame::{ServerFrame, WireCell, WireInfo, WireValue};
use cx_model::value::{Board, CellInfo, Sealed, cell_hash_of, digest_text};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Encoded frames kept per view and sequence number; a cursor beyond them is encoded for itself.
const SHARED_FRAMES: usize = 16;
/// Digests kept for acknowledgements.
const DIGESTS: usize = 120;

/// All boards of one process life.
pub struct Hub {
    epoch: String,
    seq: AtomicU64,
    views: BTreeMap<String, Arc<View>>,
    tick: watch::Sender<u64>,
    pub(crate) counts: Counts,
}

/// What the gateway counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) encoded: AtomicU64,
    pub(crate) conflated: AtomicU64,
    pub(crate) proven: AtomicU64,
    pub(crate) disproven: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// One board, shared by all who watch it.
pub(crate) struct View {
    pub(crate) board: Arc<Board>,
    cells: Vec<WireCell>,
    prefixes: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    s: Option<i64>,
    sealed: bool,
    now: i64,
    waiting_for: Vec<u32>,
    values: Vec<(Option<i64>, u8)>,
    hashes: Vec<u64>,
    changed: Vec<u64>,
    digest: u64,
    digests: VecDeque<(u64, u64)>,
    frames: BTreeMap<(u64, u32), Utf8Bytes>,
}

/// A frame and the cursor after it.
pub(crate) struct Next {
    pub(crate) seq: u64,
    pub(crate) text: Utf8Bytes,
}

impl Hub {
    /// A hub for these boards; `epoch` names the process's life.
    #[must_use]
    pub fn new(epoch: String, boards: Vec<Arc<Board>>) -> Self {
        let views = boards
            .into_iter()
            .map(|b| (b.name.clone(), Arc::new(View::new(b))))
            .collect();
        let (tick, _) = watch::channel(0);
        Self {
            epoch,
            seq: AtomicU64::new(0),
            views,
            tick,
            counts: Counts::default(),
        }
    }

    /// Takes a second's values (sealed, or live where none could be sealed) to every view.
    pub fn publish(&self, sealed: &Sealed, now_ms: i64) {
        for view in self.views.values() {
            let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
            view.take(sealed, seq, now_ms);
        }
        self.tick.send_replace(self.seq.load(Ordering::Relaxed));
    }

    /// Frames sent so far, over all connections.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.counts.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(crate) fn view(&self, board: &str) -> Option<Arc<View>> {
        self.views.get(board).cloned()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.views.keys().map(String::as_str).collect()
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.tick.subscribe()
    }
}

fn wire(id: usize, cell: &CellInfo) -> WireCell {
    let info = WireInfo {
        unit: cell.unit.to_string(),
        scale: cell.scale,
        target: cell.target,
        direction: cell.direction.to_owned(),
        definition: cell.key.definition.to_string(),
    };
    let window = cell.key.window.name().to_owned();
    (
        wire_id(id),
        cell.key.kpi.to_string(),
        window,
        cell.key.dims.clone(),
        info,
    )
}

fn wire_id(index: usize) -> u32 {
    u32::try_from(index + 1).expect("a board has at most 2,000 cells")
}

impl View {
    fn new(board: Arc<Board>) -> Self {
        let cells = board
            .cells
            .iter()
            .enumerate()
            .map(|(i, c)| wire(i, c))
            .collect();
        let prefixes: Vec<String> = board.cells.iter().map(|c| c.key.digest_prefix()).collect();
        let n = prefixes.len();
        let hashes: Vec<u64> = prefixes.iter().map(|p| cell_hash_of(p, None, 0)).collect();
        let state = State {
            digest: hashes.iter().fold(0, |sum, h| sum.wrapping_add(*h)),
            hashes,
            values: vec![(None, 0); n],
            changed: vec![0; n],
            ..State::default()
        };
        Self {
            board,
            cells,
            prefixes,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn take(&self, sealed: &Sealed, seq: u64, now: i64) {
        let mut state = self.state();
        for (i, source) in self.board.source_index.iter().enumerate() {
            let value = sealed
                .values
                .get(*source)
                .map_or((None, 0), |v| (v.value, v.state));
            if state.values[i] != value {
                let hash = cell_hash_of(&self.prefixes[i], value.0, value.1);
                state.digest = state
                    .digest
                    .wrapping_sub(state.hashes[i])
                    .wrapping_add(hash);
                state.hashes[i] = hash;
                state.values[i] = value;
                state.changed[i] = seq;
            }
        }
        state.seq = seq;
        state.sealed = sealed.sealed;
        if sealed.sealed {
            state.s = Some(sealed.s);
        }
        state.now = now;
        state.waiting_for.clone_from(&sealed.waiting_for);
        state.frames.clear();
        let digest = state.digest;
        state.digests.push_back((seq, digest));
        if state.digests.len() > DIGESTS {
            state.digests.pop_front();
        }
    }

    /// The digest of values as they would be at a sealed second.
    pub(crate) fn digest_of(&self, sealed: &Sealed) -> String {
        let sum = self
            .board
            .source_index
            .iter()
            .zip(&self.prefixes)
            .fold(0_u64, |sum, (i, p)| {
                let v = sealed.values.get(*i).copied().unwrap_or_default();
                sum.wrapping_add(cell_hash_of(p, v.value, v.state))
            });
        digest_text(sum)
    }

    pub(crate) fn seq(&self) -> u64 {
        self.state().seq
    }

    /// The first frame of a subscription: a diff for a cursor of this life, else a snapshot.
    pub(crate) fn first(&self, id: u32, epoch: &str, since: Option<u64>) -> Next {
        let state = self.state();
        let since = since.filter(|s| *s <= state.seq);
        let frame = ServerFrame::View {
            id,
            mode: if since.is_some() { "diff" } else { "snapshot" }.to_owned(),
            epoch: epoch.to_owned(),
            seq: state.seq,
            s: state.s,
            sealed: state.sealed,
            cells: if since.is_some() {
                Vec::new()
            } else {
                self.cells.clone()
            },
            values: values(&state, since),
            g: digest_text(state.digest),
        };
        Next {
            seq: state.seq,
            text: encode(&frame),
        }
    }

    /// The frame that brings a cursor to now; `None` where it is there. Shared among all cursors
    /// alike; true where it had to be encoded.
    pub(crate) fn next(&self, id: u32, cursor: u64) -> Option<(Next, bool)> {
        let mut state = self.state();
        if cursor >= state.seq {
            return None;
        }
        let seq = state.seq;
        if let Some(text) = state.frames.get(&(cursor, id)) {
            return Some((
                Next {
                    seq,
                    text: text.clone(),
                },
                false,
            ));
        }
        let frame = ServerFrame::D {
            id,
            seq,
            s: state.s.filter(|_| state.sealed),
            sealed: (!state.sealed).then_some(false),
            now: (!state.sealed).then_some(state.now),
            waiting_for: state.waiting_for.clone(),
            v: values(&state, Some(cursor)),
            g: digest_text(state.digest),
        };
        let text = encode(&frame);
        if state.frames.len() < SHARED_FRAMES {
            state.frames.insert((cursor, id), text.clone());
        }
        Some((Next { seq, text }, true))
    }

    pub(crate) fn heartbeat(&self, id: u32, now: i64) -> Utf8Bytes {
        let state = self.state();
        let g = digest_text(state.digest);
        encode(&ServerFrame::Hb {
            id,
            seq: state.seq,
            s: state.s,
            now,
            g,
        })
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
    let all = (0..state.values.len()).filter(changed);
    all.map(|i| (wire_id(i), state.values[i].0, state.values[i].1))
        .collect()
}

pub(crate) fn encode(frame: &ServerFrame) -> Utf8Bytes {
    serde_json::to_string(frame)
        .expect("frames are plain JSON")
        .into()
}
