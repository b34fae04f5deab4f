//! In: a second's values. Kept: one view's state. Out: shared frames from any cursor.
//! Never knows: who reads them.
//!
//! A frame is encoded once for all cursors alike; only its subscription id differs.

use crate::counts::Age;
use crate::hub::AlertStates;
use crate::listing::Listing;
use crate::payload::{Blank, Payload};
use crate::ring::{After, Published, Ring};
use crate::shape::{Cadence, Shape};
use crate::shared::Kind;
use crate::state::{Change, State};
use cx_model::frame::{ServerFrame, WireAlerts, WireCell, WireInfo};
use cx_model::value::{CellInfo, Sealed, digest_text};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// One view of a board, shared by all who ask for the same.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) shape: Shape,
    epoch: String,
    ended: AtomicBool,
    state: Mutex<State>,
}

/// A frame and where a subscription stands after it.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) seq: u64,
    pub(crate) s: Option<i64>,
    /// How many numbers this view has taken; the counter itself is shared by all boards.
    pub(crate) turn: u64,
    pub(crate) payload: Payload,
    /// False: the bytes were there already.
    pub(crate) encoded: bool,
    /// When its values were published; `None` for what carries none.
    pub(crate) published: Option<Age>,
}

/// What a subscription gets now.
pub(crate) enum Due {
    /// It has everything.
    Nothing,
    /// No value changed, but a newer second is sealed.
    Second,
    /// First: KPIs whose definition changed, up to this number.
    Redefined(u64, Vec<String>),
    /// Values.
    Frame(Next),
    /// Of the numbers that it wanted one by one some are gone, up to this one.
    Lagged(u64),
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

pub(crate) fn wire_cell(id: u32, cell: &CellInfo) -> WireCell {
    let key = &cell.key;
    let window = key.window.name().to_owned();
    let dims = key.dims.clone();
    (id, key.kpi.to_string(), window, dims, wire_info(cell))
}

impl View {
    /// A view that begins after `seq`.
    pub(crate) fn new(shape: Shape, epoch: &str, listing: &Arc<Listing>, seq: u64) -> Self {
        let state = State::new(&shape, listing, seq);
        Self {
            shape,
            epoch: epoch.to_owned(),
            ended: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// No cell passes its filter.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().is_empty()
    }

    pub(crate) fn listing(&self) -> Arc<Listing> {
        Arc::clone(self.state().listing())
    }

    /// Takes a second in. A sealed second, or a live moment, that changes nothing takes no number.
    pub(crate) fn take(
        &self,
        (listing, second): (&Arc<Listing>, &Sealed),
        counter: &AtomicU64,
        now: i64,
    ) {
        let mut state = self.state();
        let Sealed {
            sealed,
            s,
            waiting_for,
            ..
        } = second;
        if let Some(ms) = self.shape.cadence.live_ms() {
            // At most one in each stretch of that length.
            if now.div_euclid(ms) == state.now.div_euclid(ms) {
                return;
            }
        }
        let live = self.shape.cadence != Cadence::Sealed;
        let is_sealed = *sealed && !live;
        let quiet = live || (is_sealed && state.sealed);
        if is_sealed {
            state.s = Some(*s);
        }
        state.now = now;
        state.waiting_for.clone_from(waiting_for);
        state.sealed = is_sealed;
        state.shared.clear();
        let same = state.is_of(listing);
        let fields = self.shape.fields;
        if quiet && same && !state.differs(fields, second) {
            return;
        }
        let (before, seq) = (state.seq, counter.fetch_add(1, Ordering::Relaxed) + 1);
        if !same {
            state.renew(&self.shape, listing, seq);
        }
        state.set(fields, second, seq);
        self.keep(&mut state, before);
    }

    /// Gives the view those of all alerts that are its own. Where they are others than before, everybody
    /// gets a snapshot.
    pub(crate) fn watch(&self, alerts: &[CellInfo], counter: &AtomicU64) {
        let mut state = self.state();
        let own = alerts.iter().filter(|cell| state.has(&cell.key.kpi));
        let own: Vec<&CellInfo> = own.collect();
        if state.alarms.are(&own) {
            return;
        }
        state.alarms.renew(&own);
        let seq = counter.fetch_add(1, Ordering::Relaxed) + 1;
        state.note(seq);
        state.floor = seq;
        state.shared.clear();
        state.ring = state.ring.take().map(|_| Ring::from(seq, state.digest));
    }

    /// Takes the alerts that are not at rest; true where one of its own changed.
    pub(crate) fn take_alerts(&self, open: &AlertStates, counter: &AtomicU64) -> bool {
        let mut state = self.state();
        if !state.alarms.differ(open) {
            return false;
        }
        let (before, seq) = (state.seq, counter.fetch_add(1, Ordering::Relaxed) + 1);
        state.alarms.take(open, seq);
        state.note(seq);
        state.shared.clear();
        self.keep(&mut state, before);
        true
    }

    /// Keeps the newest number for those who want every one.
    fn keep(&self, state: &mut State, before: u64) {
        let Some(mut ring) = state.ring.take() else {
            return;
        };
        let frame = self.compose(state, Kind::Delta, before);
        ring.push(Published {
            seq: state.seq,
            s: state.s,
            turn: state.turn,
            digest: state.digest,
            blank: Blank::of(&frame, self.shape.enc),
            at_ms: state.now,
        });
        state.ring = Some(ring);
    }

    /// From now on each number is kept for a minute.
    pub(crate) fn keep_every(&self) {
        let mut state = self.state();
        if state.ring.is_none() {
            state.ring = Some(Ring::from(state.seq, state.digest));
        }
    }

    /// The digest of values as they were at a sealed second, without cells that were not counted then.
    pub(crate) fn digest_of(&self, sealed: &Sealed, unknown: &[usize]) -> String {
        digest_text(self.state().digest_of(sealed, unknown))
    }

    /// Its board is no more.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn seq(&self) -> u64 {
        self.state().seq
    }

    /// The first frame of a subscription: a diff for a cursor of this life, else a snapshot.
    pub(crate) fn first(&self, id: u32, since: Option<u64>) -> Next {
        let mut state = self.state();
        match since.filter(|since| (state.floor..=state.seq).contains(since)) {
            Some(since) => self.frame(&mut state, Kind::Diff, since, id),
            None => self.frame(&mut state, Kind::Snapshot, 0, id),
        }
    }

    /// The first frame of a subscription to every number: where all since its cursor are kept, only
    /// what was held there; they follow one by one.
    pub(crate) fn first_of_every(&self, id: u32, since: Option<u64>) -> Next {
        self.keep_every();
        let state = self.state();
        let since = since.filter(|since| *since <= state.seq);
        let held = since.zip(state.ring.as_ref());
        let held = held.and_then(|(since, ring)| Some((since, ring.digest_at(since)?)));
        let Some((seq, digest)) = held else {
            drop(state);
            return self.first(id, since);
        };
        let mut frame = self.view("delta", &state, Change::default(), None);
        if let ServerFrame::View { seq: at, g, s, .. } = &mut frame {
            (*at, *g, *s) = (seq, digest_text(digest), None);
        }
        let turn = state.turn;
        let payload = Blank::of(&frame, self.shape.enc).with(id);
        Next {
            seq,
            s: None,
            turn,
            payload,
            encoded: true,
            published: None,
        }
    }

    /// What brings a subscription at `cursor`, that was told second `s` and definitions changed up to
    /// `redefined`, to now.
    pub(crate) fn due(&self, id: u32, cursor: u64, s: Option<i64>, redefined: u64) -> Due {
        let mut state = self.state();
        if let Some((seq, kpis)) = state.redefined_after(redefined) {
            return Due::Redefined(seq, kpis);
        }
        if cursor < state.floor {
            return Due::Frame(self.frame(&mut state, Kind::Snapshot, 0, id));
        }
        if cursor < state.seq {
            return Due::Frame(self.frame(&mut state, Kind::Delta, cursor, id));
        }
        if state.sealed && s < state.s {
            return Due::Second;
        }
        Due::Nothing
    }

    /// The next number after `cursor`, for those who want every one.
    pub(crate) fn next_of_every(
        &self,
        id: u32,
        cursor: u64,
        s: Option<i64>,
        redefined: u64,
    ) -> Due {
        let state = self.state();
        if let Some((seq, kpis)) = state.redefined_after(redefined) {
            return Due::Redefined(seq, kpis);
        }
        match state.ring.as_ref().map(|ring| ring.after(cursor)) {
            Some(After::Frame(published)) => Due::Frame(Next {
                seq: published.seq,
                s: published.s,
                turn: published.turn,
                payload: published.blank.with(id),
                encoded: false,
                published: (published.seq == state.seq).then_some(state.published),
            }),
            Some(After::Nothing) if state.sealed && s < state.s => Due::Second,
            Some(After::Nothing) => Due::Nothing,
            Some(After::Lost) | None => Due::Lagged(state.seq),
        }
    }

    fn frame(&self, state: &mut State, kind: Kind, cursor: u64, id: u32) -> Next {
        let (seq, s, turn) = (state.seq, state.s, state.turn);
        let cursor = state.shared.round_down(kind, cursor, state.floor);
        let encoded = !state.shared.has(kind, cursor);
        if encoded {
            let blank = Blank::of(&self.compose(state, kind, cursor), self.shape.enc);
            state.shared.put(kind, cursor, blank);
        }
        let payload = state.shared.payload(kind, cursor, id);
        Next {
            seq,
            s,
            turn,
            payload,
            encoded,
            published: (kind == Kind::Delta).then_some(state.published),
        }
    }

    /// A frame for nobody in particular: id 0.
    fn compose(&self, state: &State, kind: Kind, cursor: u64) -> ServerFrame {
        let Change {
            cells,
            gone,
            values,
            parts,
        } = match kind {
            Kind::Snapshot => {
                let (all, alerts) = (state.since(None), state.alarms.whole(None));
                return self.view("snapshot", state, all, alerts);
            }
            Kind::Diff => {
                let (newer, alerts) = (state.since(Some(cursor)), state.alarms.whole(Some(cursor)));
                return self.view("diff", state, newer, alerts);
            }
            Kind::Delta => state.since(Some(cursor)),
        };
        // What is live by choice says so once, in its first frame.
        let unsealed = self.shape.cadence == Cadence::Sealed && !state.sealed;
        ServerFrame::D {
            id: 0,
            seq: state.seq,
            s: state.s.filter(|_| state.sealed),
            sealed: unsealed.then_some(false),
            now: unsealed.then_some(state.now),
            waiting_for: if unsealed {
                state.waiting_for.clone()
            } else {
                Vec::new()
            },
            cells,
            gone,
            v: values,
            parts,
            g: digest_text(state.digest),
            alerts: state.alarms.changed(cursor),
        }
    }

    /// A frame that begins a subscription.
    fn view(
        &self,
        mode: &str,
        state: &State,
        change: Change,
        alerts: Option<WireAlerts>,
    ) -> ServerFrame {
        ServerFrame::View {
            id: 0,
            mode: mode.to_owned(),
            epoch: self.epoch.clone(),
            seq: state.seq,
            s: state.s.filter(|_| state.sealed),
            sealed: state.sealed,
            cells: change.cells,
            gone: change.gone,
            values: change.values,
            parts: change.parts,
            g: digest_text(state.digest),
            alerts,
        }
    }

    /// A heartbeat for a cursor that has everything; `now` is the machine's clock in ms. Live values
    /// name no second.
    pub(crate) fn heartbeat(&self, id: u32, cursor: u64, now: i64) -> Option<Next> {
        let state = self.state();
        if cursor != state.seq {
            return None;
        }
        let frame = ServerFrame::Hb {
            id: 0,
            seq: state.seq,
            s: state.s.filter(|_| state.sealed),
            now,
            g: digest_text(state.digest),
        };
        Some(Next {
            seq: state.seq,
            s: state.s,
            turn: state.turn,
            payload: Blank::of(&frame, self.shape.enc).with(id),
            encoded: true,
            published: None,
        })
    }

    /// Whether the digest is the one of that sequence number; `None` where it is too old to know.
    pub(crate) fn proves(&self, seq: u64, digest: &str) -> Option<bool> {
        let known = self.state().digest_at(seq)?;
        Some(digest_text(known) == digest)
    }
}
