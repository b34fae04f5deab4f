//! In: events of known customers. Kept: one small record each. Out: reads.
//! Never knows: the customer's name; only a keyed hash.

use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use dashmap::DashMap;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What is kept of a customer who is idle: a fixed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Least event time seen.
    pub first_seen: Timestamp,
    /// Greatest event time seen.
    pub last_seen: Timestamp,
    /// Events applied or late.
    pub events: u32,
    /// Contacts that entered a queue.
    pub contacts: u32,
    /// A bit for each registered channel used, in the set's order; the first 32 of them.
    channels: u32,
    /// The channel of the newest event, [`NO_CHANNEL`] where it is not registered.
    last_channel: u8,
    /// One more than where the meter keeps its minutes, 0 for nowhere; three bytes of a number.
    row: [u8; 3],
}

const NO_CHANNEL: u8 = u8::MAX;

impl Customer {
    fn new(time: Timestamp) -> Self {
        Self {
            first_seen: time,
            last_seen: time,
            events: 0,
            contacts: 0,
            channels: 0,
            last_channel: NO_CHANNEL,
            row: [0; 3],
        }
    }

    fn row(&self) -> Option<u32> {
        let [a, b, c] = self.row;
        u32::from_le_bytes([a, b, c, 0]).checked_sub(1)
    }

    fn keep_row(&mut self, row: Option<u32>) {
        let [a, b, c, _] = row.map_or(0, |row| row + 1).to_le_bytes();
        self.row = [a, b, c];
    }

    fn note(&mut self, seen: Seen) {
        self.first_seen = self.first_seen.min(seen.time);
        self.events = self.events.saturating_add(1);
        self.contacts = self.contacts.saturating_add(u32::from(seen.contact));
        let channel = seen.channel.and_then(|c| u8::try_from(c).ok());
        if let Some(bit) = channel.and_then(|c| 1_u32.checked_shl(u32::from(c))) {
            self.channels |= bit;
        }
        if seen.time >= self.last_seen {
            self.last_seen = seen.time;
            self.last_channel = channel.unwrap_or(NO_CHANNEL);
        }
    }

    /// Whether the set's channel of this index was used.
    #[must_use]
    pub fn used_channel(&self, index: usize) -> bool {
        index < 32 && self.channels & (1 << index) != 0
    }

    /// The set's index of the channel of the newest event, if it is registered.
    #[must_use]
    pub fn last_channel(&self) -> Option<usize> {
        (self.last_channel != NO_CHANNEL).then_some(usize::from(self.last_channel))
    }
}

/// What an event says of its customer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) time: Timestamp,
    /// It put a contact into a queue.
    pub(crate) contact: bool,
    /// Index of its channel in the set, if registered.
    pub(crate) channel: Option<usize>,
}

/// There is no room for a new customer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused;

type Map = DashMap<Key128, Customer, FixedState>;

/// Maps of one partition: a cut reads them one after the other.
const MAPS: u128 = 32;

/// All customers of one partition: one writer, any number of readers.
pub(crate) struct Customers {
    maps: Arc<Vec<Map>>,
    /// The cut that may still need maps as they were.
    cut: Option<Arc<Copies>>,
    len: usize,
    room: Room,
    /// No customer is idle before this log time; follows from the others.
    none_idle_before: Timestamp,
}

/// How many customers are kept, and who gives way when there are more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) most: usize,
    /// Who was not seen for this long is idle, ms of log time.
    pub(crate) idle_ms: i64,
}

/// Reads one partition's customers from any thread.
#[derive(Debug, Clone)]
pub struct CustomerReader(Arc<Vec<Map>>);

impl CustomerReader {
    /// What is kept of a customer.
    #[must_use]
    pub fn get(&self, key: Key128) -> Option<Customer> {
        self.0[map(key)].get(&key).map(|c| *c)
    }
}

impl Customers {
    pub(crate) fn new(room: Room) -> Self {
        let empty = |_| DashMap::with_hasher_and_shard_amount(FixedState::with_seed(2), 2);
        Self {
            maps: Arc::new((0..MAPS).map(empty).collect()),
            cut: None,
            len: 0,
            room,
            none_idle_before: Timestamp(i64::MIN),
        }
    }

    /// Takes note of an event; the customer's row, which `row` chooses when told the one before.
    ///
    /// # Errors
    /// There is no room for a new customer; [`Self::make_room`] may help.
    pub(crate) fn note(
        &mut self,
        key: Key128,
        seen: Seen,
        row: impl FnOnce(Option<u32>) -> Option<u32>,
    ) -> Result<Option<u32>, Refused> {
        let map = map(key);
        self.keep(map, key);
        let map = &self.maps[map];
        if let Some(mut customer) = map.get_mut(&key) {
            customer.note(seen);
            let (old, new) = (customer.row(), row(customer.row()));
            if old != new {
                customer.keep_row(new);
            }
            return Ok(new);
        }
        if self.len >= self.room.most {
            return Err(Refused);
        }
        let mut fresh = Customer::new(seen.time);
        fresh.note(seen);
        let row = row(None);
        fresh.keep_row(row);
        map.insert(key, fresh);
        self.len += 1;
        Ok(row)
    }

    /// Forgets those who are idle longest: a sixteenth of the limit, and whoever was last seen in the
    /// same minute as they. How many; one walk through all pays for many who come.
    pub(crate) fn make_room(&mut self, now: Timestamp) -> usize {
        if now < self.none_idle_before {
            return 0;
        }
        let mut last_seen: BTreeMap<i64, usize> = BTreeMap::new();
        for customer in self.maps.iter().flat_map(DashMap::iter) {
            *last_seen.entry(customer.last_seen.minute()).or_default() += 1;
        }
        let idle = now.plus(-self.room.idle_ms).minute();
        let (mut forgotten, mut through) = (0, None);
        for (minute, customers) in last_seen.range(..idle) {
            forgotten += customers;
            through = Some(*minute);
            if forgotten >= self.room.most.div_ceil(16) {
                break;
            }
        }
        if let Some(through) = through {
            self.forget(through);
        } else if let Some(oldest) = last_seen.keys().next() {
            let next = Timestamp::from_second((oldest + 1) * 60);
            self.none_idle_before = next.plus(self.room.idle_ms);
        }
        forgotten
    }

    /// Forgets whoever was last seen in this minute or before.
    fn forget(&mut self, through: i64) {
        if let Some(cut) = self.cut.take() {
            (0..self.maps.len()).for_each(|map| cut.keep_all(&self.maps[map], map));
        }
        for map in self.maps.iter() {
            map.retain(|_, customer| customer.last_seen.minute() > through);
        }
        self.len = self.maps.iter().map(DashMap::len).sum();
        self.none_idle_before = Timestamp(i64::MIN);
    }

    pub(crate) fn reader(&self) -> CustomerReader {
        CustomerReader(Arc::clone(&self.maps))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Before a customer changes: keeps what it was, if somebody still reads the cut.
    fn keep(&mut self, map: usize, key: Key128) {
        match &self.cut {
            Some(cut) if Arc::strong_count(cut) > 1 => cut.keep(&self.maps[map], map, key),
            Some(_) => self.cut = None,
            None => {}
        }
    }

    /// All customers as they are now; what an older cut still needs is copied first.
    pub(crate) fn cut(&mut self) -> CustomersCut {
        if let Some(old) = self.cut.take() {
            (0..self.maps.len()).for_each(|map| old.keep_all(&self.maps[map], map));
        }
        let copies = Arc::new(Copies((0..MAPS).map(|_| Mutex::default()).collect()));
        self.cut = Some(Arc::clone(&copies));
        CustomersCut {
            maps: Arc::clone(&self.maps),
            copies,
        }
    }

    /// Takes one from a cut.
    pub(crate) fn restore(&mut self, key: Key128, customer: Customer) {
        let fresh = self.maps[map(key)].insert(key, customer).is_none();
        self.len += usize::from(fresh);
    }
}

fn map(key: Key128) -> usize {
    usize::try_from(key.0 % MAPS).expect("few maps")
}

/// One map as it was.
type Copied = Vec<(Key128, Customer)>;

/// What became of each map since the cut: the writer notes whom it changes, until the reader took it.
struct Copies(Vec<Mutex<Copy>>);

enum Copy {
    /// Who changed since, as they were; `None` for who was not there.
    Changed(HashMap<Key128, Option<Customer>, FixedState>),
    Made(Copied),
    Taken,
}

impl Default for Copy {
    fn default() -> Self {
        Self::Changed(HashMap::default())
    }
}

impl Copies {
    fn of(&self, map: usize) -> MutexGuard<'_, Copy> {
        self.0[map].lock().expect("no holder panics")
    }

    /// Before the first change of a customer in a map that nobody has taken.
    fn keep(&self, map: &Map, index: usize, key: Key128) {
        if let Copy::Changed(before) = &mut *self.of(index) {
            let entry = before.entry(key);
            entry.or_insert_with(|| map.get(&key).map(|customer| *customer));
        }
    }

    /// Before everybody in a map may change.
    fn keep_all(&self, map: &Map, index: usize) {
        let mut copy = self.of(index);
        if let Copy::Changed(before) = &*copy {
            *copy = Copy::Made(copied(map, before));
        }
    }
}

/// A map as it was before those changed.
fn copied(map: &Map, before: &HashMap<Key128, Option<Customer>, FixedState>) -> Copied {
    let now = map.iter().map(|c| (*c.key(), *c.value()));
    let same = now.filter(|(key, _)| !before.contains_key(key));
    let changed = before.iter();
    let changed = changed.filter_map(|(key, was)| was.map(|was| (*key, was)));
    same.chain(changed).collect()
}

/// All customers at one cut, for another thread.
pub(crate) struct CustomersCut {
    maps: Arc<Vec<Map>>,
    copies: Arc<Copies>,
}

impl CustomersCut {
    /// Map by map; each is copied under its lock, so the writer waits for one map at most. Once only.
    pub(crate) fn take(self) -> impl Iterator<Item = Copied> {
        (0..self.maps.len()).map(move |map| {
            let mut copy = self.copies.of(map);
            match std::mem::replace(&mut *copy, Copy::Taken) {
                Copy::Made(copied) => copied,
                Copy::Changed(before) => copied(&self.maps[map], &before),
                Copy::Taken => Vec::new(),
            }
        })
    }
}
