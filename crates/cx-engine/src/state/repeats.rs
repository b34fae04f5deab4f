//! In: (source, id) of events. Kept: their hashes for 35 minutes of log time. Out: seen before?
//! Never knows: what the event said.

use super::shards::Shards;
use cx_model::ids::Key128;
use std::collections::BTreeMap;

/// The repeat window: one set, and one list per minute for forgetting.
pub(crate) struct Repeats {
    known: Shards<()>,
    filed: BTreeMap<i64, Vec<Key128>>,
    keep_minutes: i64,
    most: usize,
    /// The log minute up to which all was forgotten.
    forgotten: i64,
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
            known: Shards::new(1),
            filed: BTreeMap::new(),
            keep_minutes,
            most,
            forgotten: i64::MIN,
        }
    }

    /// Forgets what was filed more than the kept minutes before `log_minute`.
    pub(crate) fn forget(&mut self, log_minute: i64) {
        if log_minute == self.forgotten {
            return;
        }
        self.forgotten = log_minute;
        while let Some(entry) = self.filed.first_entry() {
            if log_minute - *entry.key() <= self.keep_minutes {
                break;
            }
            for key in entry.remove() {
                self.known.remove(key);
            }
        }
    }

    /// Keys kept.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Looks for a key; one that is new is filed under `minute`.
    pub(crate) fn note(&mut self, key: Key128, minute: i64) -> Seen {
        let room = self.known.len() < self.most;
        match self.known.enter(key, room, || ()) {
            None => return Seen::Unfiled,
            Some((_, false)) => return Seen::Before,
            Some((_, true)) => {}
        }
        self.filed.entry(minute).or_default().push(key);
        Seen::Never
    }
}
