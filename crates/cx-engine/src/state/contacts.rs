//! In: steps of contacts, in any order. Kept: each contact's marks until it is forgotten.
//! Out: what changed in its waiting. Never knows: KPIs; it carries their marks unseen.
//!
//! A contact waits if it was queued, has not ended, and was neither answered nor dequeued at or
//! after the newest time it was queued. Marks are maxima of event times, so order does not matter.

use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use dashmap::DashMap;
use foldhash::fast::FixedState;
use std::collections::BTreeSet;

/// Per contact measure the leaf combination it counts in, or `None` where it does not match.
pub(crate) type Marks = Box<[Option<[u16; 2]>]>;

#[derive(Debug, Clone, Default)]
struct Contact {
    queued_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    ended: bool,
    due: Timestamp,
    marks: Marks,
}

impl Contact {
    fn waiting(&self) -> Option<Waiting> {
        let start = self.queued_at?;
        let left = self.left_at.is_some_and(|left| left >= start);
        (!self.ended && !left).then(|| Waiting {
            start,
            marks: self.marks.clone(),
        })
    }
}

/// A contact in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) start: Timestamp,
    pub(crate) marks: Marks,
}

/// What a step did to a contact's waiting.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) before: Option<Waiting>,
    pub(crate) after: Option<Waiting>,
}

/// The steps that matter to waiting.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Queued(Marks),
    Left,
    Ended,
}

/// All contacts of one partition.
pub(crate) struct Contacts {
    map: DashMap<Key128, Contact, FixedState>,
    dues: BTreeSet<(Timestamp, Key128)>,
    most: usize,
}

impl Contacts {
    pub(crate) fn new(most: usize) -> Self {
        let map = DashMap::with_hasher_and_shard_amount(FixedState::with_seed(3), 64);
        Self {
            map,
            dues: BTreeSet::new(),
            most,
        }
    }

    /// Takes a step; `None` where the limit refused a new contact.
    pub(crate) fn step(
        &mut self,
        key: Key128,
        time: Timestamp,
        what: Move,
        due: impl Fn(bool) -> Timestamp,
    ) -> Option<Change> {
        if !self.map.contains_key(&key) && self.map.len() >= self.most {
            return None;
        }
        let mut contact = self.map.entry(key).or_default();
        let before = contact.waiting();
        self.dues.remove(&(contact.due, key));
        match what {
            Move::Queued(marks) => {
                if contact.queued_at.is_none_or(|at| time >= at) {
                    contact.queued_at = Some(time);
                    contact.marks = marks;
                }
            }
            Move::Left => contact.left_at = contact.left_at.max(Some(time)),
            Move::Ended => contact.ended = true,
        }
        contact.due = due(contact.ended);
        self.dues.insert((contact.due, key));
        Some(Change {
            before,
            after: contact.waiting(),
        })
    }

    /// The next time a contact is forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, _)| *due)
    }

    /// Forgets the first contact due at or before `log_time`.
    pub(crate) fn forget(&mut self, log_time: Timestamp) -> Option<(Key128, Change)> {
        let (due, key) = *self.dues.first()?;
        if due > log_time {
            return None;
        }
        self.dues.pop_first();
        let before = self
            .map
            .remove(&key)
            .and_then(|(_, contact)| contact.waiting());
        Some((
            key,
            Change {
                before,
                after: None,
            },
        ))
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}
