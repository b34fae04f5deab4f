//! In: steps of cases, in any order. Kept: each case's marks until it is forgotten. Out: what changed in its
//! being open. Never knows: KPIs; it carries their marks unseen.
//!
//! A case is open if it was opened or reopened after the newest time it was resolved or merged.

use super::shards::{Shards, Table};
use super::waiting::{Change, Lives, Marks, Moves, Waiting, moved};
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is kept of one case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Case {
    opened_at: Option<Timestamp>,
    settled_at: Option<Timestamp>,
    due: Timestamp,
    marks: Marks,
}

impl Case {
    fn open(&self) -> Option<Waiting> {
        let start = self.opened_at?;
        let settled = self.settled_at.is_some_and(|at| at >= start);
        (!settled).then(|| Waiting {
            start,
            overdue: false,
            marks: Arc::clone(&self.marks),
        })
    }
}

/// All cases of one partition.
pub(crate) struct Cases {
    map: Shards<Case>,
    dues: BTreeSet<(Timestamp, Key128)>,
    most: usize,
    lives: Lives,
}

impl Cases {
    pub(crate) fn new(most: usize, lives: Lives) -> Self {
        Self {
            map: Shards::new(),
            dues: BTreeSet::new(),
            most,
            lives,
        }
    }

    /// Takes a step at log time `now`: opened with these marks, or settled. `None` where the limit refused
    /// a new case.
    pub(crate) fn step(
        &mut self,
        key: Key128,
        (time, now): (Timestamp, Timestamp),
        opened: Option<Marks>,
    ) -> Option<Change> {
        let case = self.map.enter(key, self.most)?;
        let before = case.open();
        self.dues.remove(&(case.due, key));
        match opened {
            Some(marks) if case.opened_at.is_none_or(|at| time >= at) => {
                case.opened_at = Some(time);
                case.marks = marks;
            }
            Some(_) => {}
            None => case.settled_at = case.settled_at.max(Some(time)),
        }
        let after = case.open();
        case.due = now.plus(if after.is_some() {
            self.lives.open_ms
        } else {
            self.lives.closed_ms
        });
        self.dues.insert((case.due, key));
        Some(Change { before, after })
    }

    /// The next time a case is forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, _)| *due)
    }

    /// Forgets the first case due at or before `log_time`.
    pub(crate) fn forget(&mut self, log_time: Timestamp) -> Option<(Key128, Change)> {
        let (due, key) = *self.dues.first()?;
        if due > log_time {
            return None;
        }
        self.dues.pop_first();
        let before = self.map.remove(key).and_then(|case| case.open());
        let after = None;
        Some((key, Change { before, after }))
    }

    /// Another set counts them.
    pub(crate) fn remark(&mut self, moves: &Moves) {
        self.map.each(|c| c.marks = moved(&c.marks, moves));
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// All of them as they are now.
    pub(crate) fn cut(&mut self) -> Vec<Arc<Table<Case>>> {
        self.map.cut()
    }

    /// Takes one from a cut; what is open.
    pub(crate) fn restore(&mut self, key: Key128, case: Case) -> Change {
        let after = case.open();
        self.dues.insert((case.due, key));
        if let Some(place) = self.map.enter(key, usize::MAX) {
            *place = case;
        }
        let before = None;
        Change { before, after }
    }
}
