//! In: hashed keys. Kept: a value each, in many small tables. Out: entries by key; all of them as they
//! are at a cut. Never knows: what a key stands for.
//!
//! Small tables grow one by one, and one by one are copied when they change after a cut.

use super::kept::Kept;
use cx_model::ids::Key128;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::sync::Arc;

/// How many tables there are.
pub(crate) const SHARDS: u128 = 256;

/// One shard.
pub(crate) type Table<V> = HashMap<Key128, V, FixedState>;

/// A map in shards.
pub(crate) struct Shards<V> {
    tables: Vec<Kept<Table<V>>>,
    len: usize,
}

impl<V: Clone + Default> Shards<V> {
    pub(crate) fn new() -> Self {
        Self {
            tables: (0..SHARDS).map(|_| Kept::Own(Table::default())).collect(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a key has a value: a look that copies nothing after a cut.
    pub(crate) fn has(&self, key: Key128) -> bool {
        self.tables[shard(key)].get().contains_key(&key)
    }

    pub(crate) fn get_mut(&mut self, key: Key128) -> Option<&mut V> {
        self.tables[shard(key)].own().get_mut(&key)
    }

    /// The value of a key, a fresh one where it has none; `None` where there are `most` others.
    pub(crate) fn enter(&mut self, key: Key128, most: usize) -> Option<&mut V> {
        match self.tables[shard(key)].own().entry(key) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(_) if self.len >= most => None,
            Entry::Vacant(fresh) => {
                self.len += 1;
                Some(fresh.insert(V::default()))
            }
        }
    }

    pub(crate) fn remove(&mut self, key: Key128) -> Option<V> {
        let gone = self.tables[shard(key)].own().remove(&key);
        self.len -= usize::from(gone.is_some());
        gone
    }

    /// Changes every value, in no order that anything may depend on.
    pub(crate) fn each(&mut self, change: impl Fn(&mut V)) {
        for table in self.tables.iter_mut().filter(|t| !t.get().is_empty()) {
            table.own().values_mut().for_each(&change);
        }
    }

    /// Keeps of one shard, which this number chooses, only those values.
    pub(crate) fn retain(&mut self, number: i64, keep: impl Fn(&V) -> bool) {
        let shard = usize::try_from(i128::from(number).rem_euclid(256)).expect("few shards");
        let table = &mut self.tables[shard];
        if table.get().values().all(&keep) {
            return;
        }
        let table = table.own();
        let before = table.len();
        table.retain(|_, value| keep(value));
        self.len -= before - table.len();
    }

    /// All tables as they are now.
    pub(crate) fn cut(&mut self) -> Vec<Arc<Table<V>>> {
        self.tables.iter_mut().map(Kept::share).collect()
    }
}

/// Keys are hashes already: their lowest bits are as good as any.
fn shard(key: Key128) -> usize {
    usize::try_from(key.0 % SHARDS).expect("few shards")
}
