//! In: what became of each record. Kept: counters. Out: law 10.
//! Never knows: contents.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where every offset of a partition went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// First offset expected.
    pub start: i64,
    /// The offset after the last record taken.
    pub next: i64,
    /// Records whose event counted.
    pub applied: i64,
    /// Repeats within the repeat window.
    pub duplicates: i64,
    /// Events older than the horizon.
    pub late: i64,
    /// Refused records.
    pub dead_lettered: i64,
    /// Valid control records.
    pub control: i64,
    /// Offsets that held no record.
    pub gaps: i64,
    /// Records that were gone from the log before they were read.
    pub lost: i64,
    /// Which records the values lack, until somebody acknowledges it.
    pub data_gap: Option<Gap>,
    /// Records below `next` that were handed in again and refused; no part of the identity.
    pub stale: i64,
    /// Conditions that ended in a CEL error (false, counted); no part of the identity.
    pub cel_errors: i64,
    /// Breaches of reply deadlines decided; no part of the identity.
    pub breached: i64,
    /// Breaches restated as met; no part of the identity.
    pub met: i64,
    /// Customers who were not seen for long and gave way to new ones; no part of the identity.
    pub forgotten: i64,
    /// What a declared limit refused, by limit.
    pub limited: BTreeMap<Cow<'static, str>, i64>,
    /// Unregistered names by kind (`type`, `channel`, `source`) and name; bounded, the rest in `""`.
    pub unregistered: BTreeMap<Cow<'static, str>, BTreeMap<String, i64>>,
}

/// Law 10 of one partition at the second of a part: what became of the records below its offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// First offset expected.
    pub start: i64,
    /// The offset after the last record taken.
    pub next: i64,
    /// Records whose event counted.
    pub applied: i64,
    /// Repeats within the repeat window.
    pub duplicates: i64,
    /// Events older than the horizon.
    pub late: i64,
    /// Refused records.
    pub dead_lettered: i64,
    /// Valid control records.
    pub control: i64,
    /// Offsets that held no record.
    pub gaps: i64,
    /// Records that were gone from the log before they were read.
    pub lost: i64,
    /// Which records the values lack, until somebody acknowledges it.
    pub data_gap: Option<Gap>,
}

impl Counts {
    /// Law 10: `next − start = applied + duplicates + late + dead-lettered + control + gaps`, and
    /// what was lost.
    #[must_use]
    pub fn holds(&self) -> bool {
        let named = self.applied + self.duplicates + self.late + self.dead_lettered;
        self.next - self.start == named + self.control + self.gaps + self.lost
    }
}

/// Offsets whose records the values lack: from the first one to before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first offset missed.
    pub from: i64,
    /// The offset after the last one missed.
    pub to: i64,
}

impl Account {
    /// As [`Counts::holds`].
    #[must_use]
    pub fn holds(&self) -> bool {
        self.counts().holds()
    }

    /// The identity's terms as they are now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            start: self.start,
            next: self.next,
            applied: self.applied,
            duplicates: self.duplicates,
            late: self.late,
            dead_lettered: self.dead_lettered,
            control: self.control,
            gaps: self.gaps,
            lost: self.lost,
            data_gap: self.data_gap,
        }
    }

    /// Records from the next offset to `to` are missing.
    pub(crate) fn miss(&mut self, to: i64) {
        let from = self.data_gap.map_or(self.next, |gap| gap.from);
        self.data_gap = Some(Gap { from, to });
    }

    /// Somebody knows of all that is missing before `through`.
    pub(crate) fn acknowledge(&mut self, through: i64) {
        self.data_gap = self.data_gap.filter(|gap| gap.to > through);
    }

    pub(crate) fn limit(&mut self, name: &'static str) {
        *self.limited.entry(name.into()).or_default() += 1;
    }

    pub(crate) fn unregistered(&mut self, kind: &'static str, name: &str, most: usize) {
        let names = self.unregistered.entry(kind.into()).or_default();
        if let Some(count) = names.get_mut(name) {
            *count += 1;
        } else if names.len() < most {
            names.insert(name.to_owned(), 1);
        } else {
            *names.entry(String::new()).or_default() += 1;
        }
    }
}
