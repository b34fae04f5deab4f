//! In: a second's values. Kept: the cells of one view, their newest values, when each changed, what
//! is gone, their digest. Out: what changed since a cursor. Never knows: frames' bytes.

use crate::alarms::Alarms;
use crate::counts::Age;
use crate::listing::{Listed, Listing, value_at};
use crate::ring::Ring;
use crate::shape::Shape;
use crate::shared::Shared;
use cx_model::frame::{Fields, WireCell, WireParts, WireValue};
use cx_model::value::{CellValue, Sealed, cell_hash_of};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Digests kept for acknowledgements: more than the 10 s that a client may take at the fastest rhythm.
const DIGESTS: usize = 256;
/// Removals kept; who was there before them gets a snapshot.
const TOMBSTONES: usize = 256;
/// Changed definitions kept for those who have not heard of them.
const REDEFINED: usize = 32;

/// One cell of a view.
#[derive(Debug)]
struct Slot {
    id: u32,
    wire: WireCell,
    prefix: String,
    place: usize,
    value: Told,
    hash: u64,
    born: u64,
    changed: u64,
}

/// What is told of a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    value: Option<i64>,
    state: u8,
    parts: Option<WireParts>,
}

impl Told {
    fn of(value: CellValue, fields: Fields) -> Self {
        let parts = (value.numerator, value.denominator, value.n);
        Self {
            value: value.value,
            state: value.state,
            parts: (fields == Fields::Parts).then_some(parts),
        }
    }

    fn hash(self, prefix: &str) -> u64 {
        cell_hash_of(prefix, self.value, self.state, self.parts)
    }
}

/// What brings a cursor to now.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) cells: Vec<WireCell>,
    pub(crate) gone: Vec<u32>,
    pub(crate) values: Vec<WireValue>,
    pub(crate) parts: Vec<WireParts>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) seq: u64,
    /// Below it one gets a snapshot.
    pub(crate) floor: u64,
    /// How many sequence numbers this view has taken.
    pub(crate) turn: u64,
    pub(crate) s: Option<i64>,
    pub(crate) sealed: bool,
    pub(crate) now: i64,
    pub(crate) waiting_for: Vec<u32>,
    pub(crate) digest: u64,
    pub(crate) published: Age,
    pub(crate) shared: Shared,
    /// Kept once somebody wants every number.
    pub(crate) ring: Option<Ring>,
    pub(crate) redefined: VecDeque<(u64, String)>,
    listing: Arc<Listing>,
    slots: Vec<Slot>,
    gone: VecDeque<(u64, u32)>,
    digests: VecDeque<(u64, u64)>,
    pub(crate) alarms: Alarms,
}

impl State {
    pub(crate) fn new(shape: &Shape, listing: &Arc<Listing>, seq: u64) -> Self {
        let mut state = Self {
            seq,
            floor: seq,
            turn: 0,
            s: None,
            sealed: false,
            now: 0,
            waiting_for: Vec::new(),
            digest: 0,
            published: Age::now(None),
            shared: Shared::default(),
            ring: None,
            redefined: VecDeque::new(),
            listing: Arc::clone(listing),
            slots: Vec::new(),
            gone: VecDeque::new(),
            digests: VecDeque::new(),
            alarms: Alarms::default(),
        };
        state.renew(shape, listing, seq);
        state.digests.push_back((seq, state.digest));
        state
    }

    /// Whether cells came or went since.
    pub(crate) fn is_of(&self, listing: &Arc<Listing>) -> bool {
        Arc::ptr_eq(&self.listing, listing)
    }

    pub(crate) fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// KPIs whose definition changed after a number, with the newest such number.
    pub(crate) fn redefined_after(&self, number: u64) -> Option<(u64, Vec<String>)> {
        let newest = self.redefined.back().map(|(seq, _)| *seq);
        let newest = newest.filter(|newest| *newest > number)?;
        let newer = self.redefined.iter().filter(|(seq, _)| *seq > number);
        Some((newest, newer.map(|(_, kpi)| kpi.clone()).collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Cells that came are announced, those that went leave a tombstone.
    pub(crate) fn renew(&mut self, shape: &Shape, listing: &Arc<Listing>, seq: u64) {
        let taken = listing.cells.iter().filter(|cell| shape.takes(&cell.key));
        let taken: Vec<&Listed> = taken.collect();
        let ids: BTreeSet<u32> = taken.iter().map(|cell| cell.id).collect();
        let (kept, gone) = std::mem::take(&mut self.slots)
            .into_iter()
            .partition(|slot| ids.contains(&slot.id));
        let gone: Vec<Slot> = gone;
        self.slots = kept;
        for slot in gone {
            self.digest = self.digest.wrapping_sub(slot.hash);
            self.gone.push_back((seq, slot.id));
        }
        while self.gone.len() > TOMBSTONES {
            let (at, _) = self.gone.pop_front().expect("there are too many");
            self.floor = self.floor.max(at);
        }
        for cell in taken {
            let known = self.slots.iter_mut().find(|slot| slot.id == cell.id);
            match known {
                Some(slot) => slot.place = cell.place,
                None => self.born(cell, shape.fields, seq),
            }
        }
        self.slots.sort_by_key(|slot| slot.id);
        if seq > self.seq {
            let names = listing.redefined.iter();
            self.redefined.extend(names.map(|kpi| (seq, kpi.clone())));
            let most = self.redefined.len().saturating_sub(REDEFINED);
            self.redefined.drain(..most);
        }
        self.listing = Arc::clone(listing);
    }

    fn born(&mut self, cell: &Listed, fields: Fields, seq: u64) {
        let prefix = cell.key.digest_prefix();
        let value = Told::of(CellValue::default(), fields);
        let hash = value.hash(&prefix);
        self.digest = self.digest.wrapping_add(hash);
        self.slots.push(Slot {
            id: cell.id,
            wire: cell.wire.clone(),
            prefix,
            place: cell.place,
            value,
            hash,
            born: seq,
            changed: seq,
        });
    }

    /// Whether a second says anything else than what is held.
    pub(crate) fn differs(&self, fields: Fields, second: &Sealed) -> bool {
        let new = |slot: &Slot| Told::of(value_at(second, slot.place), fields);
        self.slots.iter().any(|slot| new(slot) != slot.value)
    }

    /// Takes the values over under this number.
    pub(crate) fn set(&mut self, fields: Fields, second: &Sealed, seq: u64) {
        for slot in &mut self.slots {
            let value = Told::of(value_at(second, slot.place), fields);
            if value == slot.value {
                continue;
            }
            let hash = value.hash(&slot.prefix);
            self.digest = self.digest.wrapping_sub(slot.hash).wrapping_add(hash);
            (slot.hash, slot.value, slot.changed) = (hash, value, seq);
        }
        self.note(seq);
        let whole = self.s.filter(|_| self.sealed);
        self.published.age_ms = whole.map(|s| self.now - s * 1_000);
    }

    /// Whether a KPI has a cell here.
    pub(crate) fn has(&self, kpi: &str) -> bool {
        self.slots.iter().any(|slot| slot.wire.1 == kpi)
    }

    /// Everything of a number is in.
    pub(crate) fn note(&mut self, seq: u64) {
        (self.seq, self.turn) = (seq, self.turn + 1);
        self.published = Age::now(None);
        self.digests.push_back((seq, self.digest));
        if self.digests.len() > DIGESTS {
            self.digests.pop_front();
        }
    }

    /// What somebody at `cursor` lacks; everything for `None`.
    pub(crate) fn since(&self, cursor: Option<u64>) -> Change {
        let newer = |at: u64| cursor.is_none_or(|cursor| at > cursor);
        let mut change = Change::default();
        for slot in &self.slots {
            if newer(slot.born) {
                change.cells.push(slot.wire.clone());
            }
            if newer(slot.changed) {
                let Told {
                    value,
                    state,
                    parts,
                } = slot.value;
                change.values.push((slot.id, value, state));
                change.parts.extend(parts);
            }
        }
        if let Some(cursor) = cursor {
            let gone = self.gone.iter().filter(|(at, _)| *at > cursor);
            change.gone = gone.map(|(_, id)| *id).collect();
        }
        change
    }

    /// The digest at some second, without cells that were not counted then.
    pub(crate) fn digest_of(&self, second: &Sealed, unknown: &[usize]) -> u64 {
        let known = self.slots.iter().filter(|s| !unknown.contains(&s.place));
        known.fold(0, |sum: u64, slot| {
            let told = Told::of(value_at(second, slot.place), Fields::Value);
            sum.wrapping_add(told.hash(&slot.prefix))
        })
    }

    /// The digest at a number; `None` where it is too old to know.
    pub(crate) fn digest_at(&self, seq: u64) -> Option<u64> {
        let known = self.digests.iter().find(|(s, _)| *s == seq)?;
        Some(known.1)
    }
}
