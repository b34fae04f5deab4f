//! In: events of known customers. Kept: one small record each. Out: reads.
//! Never knows: the customer's name; only a keyed hash.

use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use dashmap::DashMap;
use foldhash::fast::FixedState;

/// What is kept of a customer who is idle: a fixed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    /// Least event time seen.
    pub first_seen: Timestamp,
    /// Greatest event time seen.
    pub last_seen: Timestamp,
    /// Events applied or late.
    pub events: u32,
    /// Contacts that entered a queue.
    pub contacts: u32,
}

/// All customers of one partition: one writer, any number of readers.
pub(crate) struct Customers {
    map: DashMap<Key128, Customer, FixedState>,
    most: usize,
}

impl Customers {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            map: DashMap::with_hasher_and_shard_amount(FixedState::with_seed(2), 256),
            most,
        }
    }

    /// Takes note of an event; false where the limit refused a new customer.
    pub(crate) fn note(&self, key: Key128, time: Timestamp, contact: bool) -> bool {
        if let Some(mut customer) = self.map.get_mut(&key) {
            customer.first_seen = customer.first_seen.min(time);
            customer.last_seen = customer.last_seen.max(time);
            customer.events = customer.events.saturating_add(1);
            customer.contacts = customer.contacts.saturating_add(u32::from(contact));
            return true;
        }
        if self.map.len() >= self.most {
            return false;
        }
        let fresh = Customer {
            first_seen: time,
            last_seen: time,
            events: 1,
            contacts: u32::from(contact),
        };
        self.map.insert(key, fresh);
        true
    }

    pub(crate) fn get(&self, key: Key128) -> Option<Customer> {
        self.map.get(&key).map(|c| *c)
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}
