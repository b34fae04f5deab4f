//! In: hashed keys. Kept: a value each, in many small tables. Out: entries by key.
//! Never knows: what a key stands for.
//!
//! One large table would be copied whole whenever it grows, into memory that the system must clear
//! first; small ones grow one by one into what others left. Never iterated: order is the hasher's.

use cx_model::ids::Key128;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

const SHARDS: u128 = 128;

/// A map in shards.
pub(crate) struct Shards<V> {
    maps: Vec<HashMap<Key128, V, FixedState>>,
    len: usize,
}

impl<V> Shards<V> {
    pub(crate) fn new(seed: u64) -> Self {
        let map = |_| HashMap::with_hasher(FixedState::with_seed(seed));
        Self {
            maps: (0..SHARDS).map(map).collect(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: Key128) -> Option<&V> {
        self.maps[shard(key)].get(&key)
    }

    pub(crate) fn remove(&mut self, key: Key128) {
        let gone = self.maps[shard(key)].remove(&key);
        self.len -= usize::from(gone.is_some());
    }

    /// The value of a key; a new one is made where there is `room` for it. Whether it is new.
    pub(crate) fn enter(
        &mut self,
        key: Key128,
        room: bool,
        fresh: impl FnOnce() -> V,
    ) -> Option<(&mut V, bool)> {
        match self.maps[shard(key)].entry(key) {
            Entry::Occupied(known) => Some((known.into_mut(), false)),
            Entry::Vacant(_) if !room => None,
            Entry::Vacant(place) => {
                self.len += 1;
                Some((place.insert(fresh()), true))
            }
        }
    }
}

/// Keys are hashes already: their lowest bits are as good as any.
fn shard(key: Key128) -> usize {
    usize::try_from(key.0 % SHARDS).expect("few shards")
}
