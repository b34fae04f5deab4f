//! In: steps of contacts, in any order. Kept: each contact's marks until it is forgotten.
//! Out: what changed in its waiting. Never knows: KPIs; it carries their marks unseen.
//!
//! A contact waits if it was queued, has not ended, and was neither answered nor dequeued at or
//! after the newest time it was queued. Marks are maxima of event times, so order does not matter.

use super::shards::{Shards, Table};
use super::waiting::{Change, Lives, Marks, Moves, Waiting, moved};
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is kept of one contact.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Contact {
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
            overdue: false,
            marks: self.marks.clone(),
        })
    }

    /// How long it had been in the queue when it was answered, if that was the first answer since.
    fn waited(&self, answered: Timestamp) -> Option<i64> {
        let queued = self.queued_at.filter(|at| *at <= answered)?;
        let left = self.left_at.is_some_and(|left| left >= queued);
        (!left).then(|| answered.since(queued))
    }
}

/// The steps that matter to waiting.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Queued(Marks),
    Answered,
    Dequeued,
    Ended,
}

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) change: Change,
    /// From the newest time it was queued to the answer.
    pub(crate) wait_ms: Option<i64>,
}

/// All contacts of one partition.
pub(crate) struct Contacts {
    map: Shards<Contact>,
    dues: BTreeSet<(Timestamp, Key128)>,
    most: usize,
    lives: Lives,
}

impl Contacts {
    pub(crate) fn new(most: usize, lives: Lives) -> Self {
        Self {
            map: Shards::new(),
            dues: BTreeSet::new(),
            most,
            lives,
        }
    }

    /// Takes a step at log time `now`; `None` where the limit refused a new contact.
    pub(crate) fn step(
        &mut self,
        key: Key128,
        (time, now): (Timestamp, Timestamp),
        what: Move,
    ) -> Option<Taken> {
        let contact = self.map.enter(key, self.most)?;
        let mut taken = Taken::default();
        taken.change.before = contact.waiting();
        self.dues.remove(&(contact.due, key));
        match what {
            Move::Queued(marks) => {
                if contact.queued_at.is_none_or(|at| time >= at) {
                    contact.queued_at = Some(time);
                    contact.marks = marks;
                }
            }
            Move::Answered => {
                taken.wait_ms = contact.waited(time);
                contact.left_at = contact.left_at.max(Some(time));
            }
            Move::Dequeued => contact.left_at = contact.left_at.max(Some(time)),
            Move::Ended => contact.ended = true,
        }
        contact.due = now.plus(if contact.ended {
            self.lives.closed_ms
        } else {
            self.lives.open_ms
        });
        self.dues.insert((contact.due, key));
        taken.change.after = contact.waiting();
        Some(taken)
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
        let before = self.map.remove(key).and_then(|contact| contact.waiting());
        Some((
            key,
            Change {
                before,
                after: None,
            },
        ))
    }

    /// Another set counts them.
    pub(crate) fn remark(&mut self, moves: &Moves) {
        self.map.each(|c| c.marks = moved(&c.marks, moves));
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// All of them as they are now.
    pub(crate) fn cut(&mut self) -> Vec<Arc<Table<Contact>>> {
        self.map.cut()
    }

    /// Takes one from a cut; what it waits for.
    pub(crate) fn restore(&mut self, key: Key128, contact: Contact) -> Change {
        let after = contact.waiting();
        self.dues.insert((contact.due, key));
        if let Some(place) = self.map.enter(key, usize::MAX) {
            *place = contact;
        }
        Change {
            before: None,
            after,
        }
    }
}
