//! In: (source, id) of events. Kept: their hashes for 35 minutes of log time. Out: seen before?
//! Never knows: what the event said.

use cx_model::ids::Key128;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use std::collections::BTreeMap;

/// The repeat window: one set, and one list per minute for forgetting.
pub(crate) struct Repeats {
    known: HashSet<Key128, FixedState>,
    filed: BTreeMap<i64, Vec<Key128>>,
    keep_minutes: i64,
    most: usize,
}

/// What a look into the repeat window says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Within the window.
    Before,
    /// Not; now it is filed.
    Never,
    /// Not, and a limit keeps it from being filed: a repeat of it would count.
    Unfiled,
}

impl Repeats {
    pub(crate) fn new(keep_minutes: i64, most: usize) -> Self {
        Self {
            known: HashSet::with_hasher(FixedState::with_seed(1)),
            filed: BTreeMap::new(),
            keep_minutes,
            most,
        }
    }

    /// Forgets what was filed more than the kept minutes before `log_minute`.
    pub(crate) fn forget(&mut self, log_minute: i64) {
        while let Some(entry) = self.filed.first_entry() {
            if log_minute - *entry.key() <= self.keep_minutes {
                break;
            }
            for key in entry.remove() {
                self.known.remove(&key);
            }
        }
    }

    /// Keys kept.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Looks for a key; one that is new is filed under `minute`.
    pub(crate) fn note(&mut self, key: Key128, minute: i64) -> Seen {
        if self.known.len() >= self.most {
            let known = self.known.contains(&key);
            return if known { Seen::Before } else { Seen::Unfiled };
        }
        if !self.known.insert(key) {
            return Seen::Before;
        }
        self.filed.entry(minute).or_default().push(key);
        Seen::Never
    }
}
