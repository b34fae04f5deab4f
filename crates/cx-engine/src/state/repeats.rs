//! In: (source, id) of events. Kept: their hashes for 35 minutes of log time, by minute. Out: seen
//! before? Never knows: what the event said.
//!
//! The keys of a minute lie in rows that only grow at their end; an index of half their size leads
//! to them, so that the look every event takes stays in the processor's caches.

use super::kept::Kept;
use cx_model::ids::Key128;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys of one chunk: small, for each minute holds one that is not full.
const CHUNK: usize = 128;
/// Tables of the index: each grows by itself, so that growing copies little at once.
const SHARDS: u128 = 64;

/// The repeat window.
pub(crate) struct Repeats {
    /// By minute its chunks; only the last of them may have room.
    filed: BTreeMap<i64, Vec<u32>>,
    chunks: Vec<Kept<Vec<Key128>>>,
    free: Vec<u32>,
    index: Vec<HashTable<Place>>,
    len: usize,
    keep_minutes: i64,
    most: usize,
    /// The log minute up to which all was forgotten.
    forgotten: i64,
}

/// Where a key lies, and bits of it that tell most others apart.
#[derive(Clone, Copy)]
struct Place {
    bits: u32,
    row: u32,
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
            filed: BTreeMap::new(),
            chunks: Vec::new(),
            free: Vec::new(),
            index: (0..SHARDS).map(|_| HashTable::new()).collect(),
            len: 0,
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
            let chunks = entry.remove();
            chunks.iter().for_each(|chunk| self.unfile(*chunk));
            self.free.extend(chunks);
        }
    }

    fn unfile(&mut self, chunk: u32) {
        let keys = self.chunks[chunk as usize].own();
        for (row, key) in (first_row(chunk)..).zip(keys.drain(..)) {
            let (shard, bits) = place(key);
            let found = self.index[shard].find_entry(spread(bits), |p| p.row == row);
            if let Ok(entry) = found {
                entry.remove();
                self.len -= 1;
            }
        }
    }

    /// Keys kept.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Looks for a key; one that is new is filed under `minute`.
    pub(crate) fn note(&mut self, key: Key128, minute: i64) -> Seen {
        let (shard, bits) = place(key);
        let chunks = &self.chunks;
        let same = |p: &Place| {
            p.bits == bits && chunks[p.row as usize / CHUNK].get()[p.row as usize % CHUNK] == key
        };
        if self.index[shard].find(spread(bits), same).is_some() {
            return Seen::Before;
        }
        if self.len >= self.most {
            return Seen::Unfiled;
        }
        self.enter(key, minute);
        Seen::Never
    }

    /// Files a key that is not known.
    pub(crate) fn enter(&mut self, key: Key128, minute: i64) {
        let (shard, bits) = place(key);
        let row = self.file(key, minute);
        self.index[shard].insert_unique(spread(bits), Place { bits, row }, |p| spread(p.bits));
        self.len += 1;
    }

    /// The keys of every minute as they are now.
    pub(crate) fn cut(&mut self) -> Vec<(i64, Arc<Vec<Key128>>)> {
        let mut all = Vec::new();
        for (minute, chunks) in &self.filed {
            for chunk in chunks {
                all.push((*minute, self.chunks[*chunk as usize].share()));
            }
        }
        all
    }

    /// Writes a key behind the others of its minute: its row.
    fn file(&mut self, key: Key128, minute: i64) -> u32 {
        let filed = self.filed.entry(minute).or_default();
        let chunk = match filed.last() {
            Some(last) if self.chunks[*last as usize].get().len() < CHUNK => *last,
            _ => {
                let fresh = self.free.pop().unwrap_or_else(|| {
                    self.chunks.push(Kept::Own(Vec::with_capacity(CHUNK)));
                    small(self.chunks.len() - 1)
                });
                filed.push(fresh);
                fresh
            }
        };
        let keys = self.chunks[chunk as usize].own();
        keys.push(key);
        first_row(chunk) + small(keys.len() - 1)
    }
}

fn first_row(chunk: u32) -> u32 {
    chunk * small(CHUNK)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("a limit keeps the rows below 2^32")
}

/// The index's table of a key, and the bits it is found by there. Keys are hashes already.
fn place(key: Key128) -> (usize, u32) {
    let shard = usize::try_from(key.0 % SHARDS).expect("few shards");
    (shard, low(key.0 >> 64))
}

/// Bits for a table that looks at the highest and at the lowest ones.
fn spread(bits: u32) -> u64 {
    u64::from(bits) << 32 | u64::from(bits)
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest bits are meant")]
fn low(bits: u128) -> u32 {
    bits as u32
}
