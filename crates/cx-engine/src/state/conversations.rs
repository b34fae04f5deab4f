//! In: steps of conversations, in order of the log. Kept: each conversation's messages that nobody
//! answered, until it is forgotten. Out: facts of replies; what changed in its waiting.
//! Never knows: channels; KPIs, whose marks it carries unseen.
//!
//! A message is unanswered until a reply or an end stamped at or after it has been seen; the
//! conversation waits since the oldest such message. `schemas/facts.md` has the rules in full.

use super::shards::{Shards, Table};
use super::waiting::{Change, Lives, Marks, Waiting};
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most unanswered messages kept of one conversation.
const UNANSWERED: usize = 8;

/// A message of the customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Message {
    at: Timestamp,
    reply_due: Option<Timestamp>,
    marks: Marks,
}

/// What is kept of one conversation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Conversation {
    first_message_at: Option<Timestamp>,
    first_reply_told: bool,
    /// The newest reply or end.
    answered_until: Option<Timestamp>,
    closed: bool,
    /// Oldest first, all after `answered_until`.
    unanswered: Vec<Message>,
    overdue: bool,
    forget_at: Timestamp,
}

/// The steps that matter.
#[derive(Debug, Clone)]
pub(crate) enum Talk {
    /// The customer wrote.
    Asked {
        reply_due: Option<Timestamp>,
        marks: Marks,
    },
    /// A person of the company wrote.
    Replied,
    Closed,
}

/// What a step did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) change: Change,
    pub(crate) first_reply_ms: Option<i64>,
    pub(crate) reply_ms: Option<i64>,
    /// An unanswered message found no room.
    pub(crate) lost: bool,
}

/// What falls due, in the order in which it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Reply,
    Forget,
}

/// All conversations of one partition.
pub(crate) struct Conversations {
    map: Shards<Conversation>,
    dues: BTreeSet<(Timestamp, Due, Key128)>,
    most: usize,
    lives: Lives,
}

impl Conversation {
    fn waiting(&self) -> Option<Waiting> {
        let oldest = self.unanswered.first()?;
        Some(Waiting {
            start: oldest.at,
            overdue: self.overdue,
            marks: oldest.marks.clone(),
        })
    }

    fn reply_due(&self) -> Option<Timestamp> {
        self.unanswered.first()?.reply_due
    }

    /// False where the oldest but the newest found no room.
    fn ask(&mut self, message: Message) -> bool {
        let first = self
            .first_message_at
            .map_or(message.at, |t| t.min(message.at));
        self.first_message_at = Some(first);
        if self.answered_until.is_some_and(|t| t >= message.at) {
            return true;
        }
        let place = self.unanswered.partition_point(|m| m.at <= message.at);
        self.unanswered.insert(place, message);
        let full = self.unanswered.len() > UNANSWERED;
        if full {
            self.unanswered.remove(UNANSWERED - 1);
        }
        !full
    }

    fn answer(&mut self, time: Timestamp) {
        self.answered_until = self.answered_until.max(Some(time));
        self.unanswered.retain(|m| m.at > time);
    }

    fn reply(&mut self, time: Timestamp) -> (Option<i64>, Option<i64>) {
        let first = self.first_message_at;
        let first = first.filter(|t| !self.first_reply_told && *t <= time);
        self.first_reply_told |= first.is_some();
        let oldest = self.unanswered.first().map(|m| m.at);
        let oldest = oldest.filter(|t| *t <= time);
        self.answer(time);
        (first.map(|t| time.since(t)), oldest.map(|t| time.since(t)))
    }

    fn kept_until(&self, now: Timestamp, lives: Lives) -> Timestamp {
        if self.closed && self.unanswered.is_empty() {
            return now.plus(lives.closed_ms);
        }
        let from = self.reply_due().map_or(now, |due| now.max(due));
        from.plus(lives.open_ms)
    }
}

impl Conversations {
    pub(crate) fn new(most: usize, lives: Lives) -> Self {
        Self {
            map: Shards::new(),
            dues: BTreeSet::new(),
            most,
            lives,
        }
    }

    /// Takes a step at log time `now`; `None` where the limit refused a new conversation.
    pub(crate) fn step(
        &mut self,
        key: Key128,
        (time, now): (Timestamp, Timestamp),
        what: Talk,
    ) -> Option<Taken> {
        let conversation = self.map.enter(key, self.most)?;
        let mut taken = Taken::default();
        taken.change.before = conversation.waiting();
        forget_dues(&mut self.dues, key, conversation);
        match what {
            Talk::Asked { reply_due, marks } => {
                let message = Message {
                    at: time,
                    reply_due,
                    marks,
                };
                taken.lost = !conversation.ask(message);
            }
            Talk::Replied => (taken.first_reply_ms, taken.reply_ms) = conversation.reply(time),
            Talk::Closed => {
                conversation.closed = true;
                conversation.answer(time);
            }
        }
        let due = conversation.reply_due();
        conversation.overdue = due.is_some_and(|due| due <= now);
        if let (Some(due), false) = (due, conversation.overdue) {
            self.dues.insert((due, Due::Reply, key));
        }
        conversation.forget_at = conversation.kept_until(now, self.lives);
        self.dues.insert((conversation.forget_at, Due::Forget, key));
        taken.change.after = conversation.waiting();
        Some(taken)
    }

    /// The next time a reply is due or a conversation is forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, ..)| *due)
    }

    /// Fires the first thing due at or before `log_time`.
    pub(crate) fn fire(&mut self, log_time: Timestamp) -> Option<(Key128, Change)> {
        let (due, what, key) = *self.dues.first()?;
        if due > log_time {
            return None;
        }
        self.dues.pop_first();
        let mut change = Change::default();
        match what {
            Due::Reply => {
                if let Some(conversation) = self.map.get_mut(key) {
                    change.before = conversation.waiting();
                    conversation.overdue = true;
                    change.after = conversation.waiting();
                }
            }
            Due::Forget => {
                if let Some(conversation) = self.map.remove(key) {
                    change.before = conversation.waiting();
                    forget_dues(&mut self.dues, key, &conversation);
                }
            }
        }
        Some((key, change))
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// All of them as they are now.
    pub(crate) fn cut(&mut self) -> Vec<Arc<Table<Conversation>>> {
        self.map.cut()
    }

    /// Takes one from a cut; what it waits for.
    pub(crate) fn restore(&mut self, key: Key128, conversation: Conversation) -> Change {
        let after = conversation.waiting();
        if let (Some(due), false) = (conversation.reply_due(), conversation.overdue) {
            self.dues.insert((due, Due::Reply, key));
        }
        self.dues.insert((conversation.forget_at, Due::Forget, key));
        if let Some(place) = self.map.enter(key, usize::MAX) {
            *place = conversation;
        }
        Change {
            before: None,
            after,
        }
    }
}

fn forget_dues(
    dues: &mut BTreeSet<(Timestamp, Due, Key128)>,
    key: Key128,
    conversation: &Conversation,
) {
    dues.remove(&(conversation.forget_at, Due::Forget, key));
    if let Some(due) = conversation.reply_due() {
        dues.remove(&(due, Due::Reply, key));
    }
}

#[cfg(test)]
mod tests;
