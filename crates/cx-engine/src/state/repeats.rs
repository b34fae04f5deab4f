//! In: (source, id) of events. Kept: their hashes for 35 minutes of log time. Out: seen before?
//! Never knows: what the event said.

use cx_model::ids::Key128;
use dashmap::DashMap;
use foldhash::fast::FixedState;
use std::collections::BTreeMap;

/// The repeat window: one set, and one list per minute for forgetting.
pub(crate) struct Repeats {
    known: DashMap<Key128, (), FixedState>,
    filed: BTreeMap<i64, Vec<Key128>>,
    keep_minutes: i64,
    most: usize,
}

impl Repeats {
    pub(crate) fn new(keep_minutes: i64, most: usize) -> Self {
        let known = DashMap::with_hasher_and_shard_amount(FixedState::with_seed(1), 64);
        Self {
            known,
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

    pub(crate) fn contains(&self, key: Key128) -> bool {
        self.known.contains_key(&key)
    }

    /// Files a key; false where the limit refused it.
    pub(crate) fn file(&mut self, key: Key128, minute: i64) -> bool {
        if self.known.len() >= self.most {
            return false;
        }
        self.known.insert(key, ());
        self.filed.entry(minute).or_default().push(key);
        true
    }
}
