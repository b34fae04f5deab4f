//! In: all alerts that are not at rest. Kept: those of one board, when each changed, their digest. Out: what frames
//! say of them. Never knows: who raised or took one.
//!
//! Alerts are cells in the same sequence as the numbers, with a digest of their own by the same rule: the
//! numbers' digest stays a function of the log alone.

use crate::hub::AlertStates;
use crate::view::wire_cell;
use cx_model::frame::{WireAlerts, WireCell, WireValue};
use cx_model::value::{CellInfo, cell_hash_of, digest_text};

/// The second raised, or nothing; state bits.
type State = (Option<i64>, u8);

/// The alerts of one view.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    /// The last id given out: they are numbered apart from the numbers' cells, and none twice.
    last: u32,
    cells: Vec<WireCell>,
    prefixes: Vec<String>,
    states: Vec<State>,
    hashes: Vec<u64>,
    changed: Vec<u64>,
}

impl Alarms {
    /// Whether it has these.
    pub(crate) fn are(&self, own: &[&CellInfo]) -> bool {
        let prefixes = own.iter().map(|cell| cell.key.digest_prefix());
        prefixes.eq(self.prefixes.iter().cloned())
    }

    /// Has these from now on, all of them at rest, under new ids.
    pub(crate) fn renew(&mut self, own: &[&CellInfo]) {
        let cells = (self.last + 1..).zip(own);
        let cells = cells.map(|(id, cell)| wire_cell(id, cell));
        let prefixes: Vec<String> = own.iter().map(|c| c.key.digest_prefix()).collect();
        let cells: Vec<WireCell> = cells.collect();
        *self = Self {
            last: cells.last().map_or(self.last, |cell| cell.0),
            cells,
            hashes: prefixes
                .iter()
                .map(|p| cell_hash_of(p, None, 0, None))
                .collect(),
            states: vec![(None, 0); own.len()],
            changed: vec![0; own.len()],
            prefixes,
        };
    }

    pub(crate) fn differ(&self, open: &AlertStates) -> bool {
        let mut own = self.prefixes.iter().zip(&self.states);
        own.any(|(prefix, state)| now(open, prefix) != *state)
    }

    pub(crate) fn take(&mut self, open: &AlertStates, seq: u64) {
        for (i, prefix) in self.prefixes.iter().enumerate() {
            let new = now(open, prefix);
            if new != self.states[i] {
                self.states[i] = new;
                self.hashes[i] = cell_hash_of(prefix, new.0, new.1, None);
                self.changed[i] = seq;
            }
        }
    }

    /// For a view: all, or those that changed since a cursor of a reader who knows the cells.
    pub(crate) fn whole(&self, cursor: Option<u64>) -> Option<WireAlerts> {
        let cells = match cursor {
            None => self.cells.clone(),
            Some(_) => Vec::new(),
        };
        (!self.cells.is_empty()).then(|| (cells, self.values(cursor), self.digest()))
    }

    /// For a delta: those that changed, if any.
    pub(crate) fn changed(&self, cursor: u64) -> Option<WireAlerts> {
        let values = self.values(Some(cursor));
        (!values.is_empty()).then(|| (Vec::new(), values, self.digest()))
    }

    fn values(&self, since: Option<u64>) -> Vec<WireValue> {
        let changed = |i: &usize| since.is_none_or(|since| self.changed[*i] > since);
        let cells = (0..self.cells.len()).filter(changed);
        cells
            .map(|i| (self.cells[i].0, self.states[i].0, self.states[i].1))
            .collect()
    }

    fn digest(&self) -> String {
        let sum = self.hashes.iter();
        digest_text(sum.fold(0_u64, |sum, hash| sum.wrapping_add(*hash)))
    }
}

fn now(open: &AlertStates, prefix: &str) -> State {
    open.get(prefix)
        .map_or((None, 0), |(raised, bits)| (Some(*raised), *bits))
}
