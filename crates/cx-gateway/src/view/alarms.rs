//! In: all alerts that are not at rest. Kept: those of one board, when each changed, their digest. Out: what frames
//! say of them. Never knows: who raised or took one.
//!
//! Alerts are cells in the same sequence as the numbers, with a digest of their own by the same rule: the
//! numbers' digest stays a function of the log alone.

use super::{wire_id, wire_info};
use crate::hub::AlertStates;
use crate::shared::Kind;
use cx_model::frame::{WireAlerts, WireCell, WireValue};
use cx_model::value::{CellInfo, cell_hash_of, digest_text};

/// The second raised, or nothing; state bits.
type State = (Option<i64>, u8);

/// The alerts of one board.
#[derive(Default)]
pub(super) struct Alarms {
    cells: Vec<WireCell>,
    prefixes: Vec<String>,
    states: Vec<State>,
    hashes: Vec<u64>,
    changed: Vec<u64>,
}

impl Alarms {
    /// Those of all alerts whose KPI is on the board; ids go on after its numbers.
    pub(super) fn new(all: &[CellInfo], of_board: impl Fn(&str) -> bool, numbers: usize) -> Self {
        let own = all.iter().filter(|c| of_board(&c.key.kpi));
        let own: Vec<&CellInfo> = own.collect();
        let cell = |(i, cell): (usize, &&CellInfo)| {
            let key = &cell.key;
            let (kpi, window) = (key.kpi.to_string(), key.window.name().to_owned());
            let (id, dims) = (wire_id(numbers + i), key.dims.clone());
            (id, kpi, window, dims, wire_info(cell))
        };
        let prefixes: Vec<String> = own.iter().map(|c| c.key.digest_prefix()).collect();
        Self {
            cells: own.iter().enumerate().map(cell).collect(),
            hashes: prefixes.iter().map(|p| cell_hash_of(p, None, 0)).collect(),
            states: vec![(None, 0); own.len()],
            changed: vec![0; own.len()],
            prefixes,
        }
    }

    pub(super) fn differ(&self, open: &AlertStates) -> bool {
        let mut own = self.prefixes.iter().zip(&self.states);
        own.any(|(prefix, state)| now(open, prefix) != *state)
    }

    pub(super) fn take(&mut self, open: &AlertStates, seq: u64) {
        for (i, prefix) in self.prefixes.iter().enumerate() {
            let new = now(open, prefix);
            if new != self.states[i] {
                self.states[i] = new;
                self.hashes[i] = cell_hash_of(prefix, new.0, new.1);
                self.changed[i] = seq;
            }
        }
    }

    /// For a view: all, or those that changed since a cursor of a reader who knows the cells.
    pub(super) fn whole(&self, kind: Kind, cursor: u64) -> Option<WireAlerts> {
        if self.cells.is_empty() {
            return None;
        }
        match kind {
            Kind::Snapshot => Some((self.cells.clone(), self.values(None), self.digest())),
            Kind::Diff | Kind::Delta => {
                Some((Vec::new(), self.values(Some(cursor)), self.digest()))
            }
        }
    }

    /// For a delta: those that changed, if any.
    pub(super) fn changed(&self, cursor: u64) -> Option<WireAlerts> {
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
