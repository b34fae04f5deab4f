//! In: steps of conversations, in order of the log. Kept: each conversation's messages that nobody
//! answered, and its deadlines, until it is forgotten. Out: facts of replies; what changed in its
//! waiting; what was decided of deadlines. Never knows: KPIs, whose marks it carries unseen.
//!
//! A message is unanswered until a reply or an end stamped at or after it has been seen; the
//! conversation waits since the oldest such message. `schemas/facts.md` has the rules in full,
//! `schemas/decisions.md` those of deadlines.

use super::deadlines::{Deadlines, Promise, Ruled, Terms};
use super::shards::{Shards, Table};
use super::waiting::{Change, Lives, Marks, Moves, Waiting, moved};
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
    promise: Option<Promise>,
    /// It was the oldest unanswered one: its promise, if there is one, has been made.
    promised: bool,
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
    deadlines: Deadlines,
    forget_at: Timestamp,
}

/// The steps that matter.
#[derive(Debug, Clone)]
pub(crate) enum Talk {
    /// The customer wrote.
    Asked {
        promise: Option<Promise>,
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
    /// A deadline found no room.
    pub(crate) unkept: bool,
    /// Breaches that it restates.
    pub(crate) ruled: Vec<Ruled>,
    /// Promises that it kept.
    pub(crate) kept: Vec<Promise>,
}

/// What fell due.
#[derive(Debug)]
pub(crate) struct Fired {
    pub(crate) key: Key128,
    pub(crate) change: Change,
    pub(crate) ruled: Option<Ruled>,
}

/// What falls due, in the order in which it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Reply,
    Breach,
    Forget,
}

type Dues = BTreeSet<(Timestamp, Due, Key128)>;

/// All conversations of one partition.
pub(crate) struct Conversations {
    map: Shards<Conversation>,
    dues: Dues,
    most: usize,
    lives: Lives,
    terms: Terms,
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
        let promise = self.unanswered.first()?.promise.as_ref();
        promise.map(|p| p.due)
    }

    /// The oldest unanswered message has a deadline of its own from the first time it is that.
    /// False where a deadline found no room.
    fn promise(&mut self, now: Timestamp, terms: Terms) -> bool {
        let oldest = self.unanswered.first_mut().filter(|m| !m.promised);
        let Some(oldest) = oldest else {
            return true;
        };
        oldest.promised = true;
        let (at, promise) = (oldest.at, oldest.promise.clone());
        promise.is_none_or(|promise| self.deadlines.open((at, now), promise, terms))
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

    fn kept_until(&self, now: Timestamp, lives: Lives, terms: Terms) -> Timestamp {
        let quiet = if self.closed && self.unanswered.is_empty() {
            now.plus(lives.closed_ms)
        } else {
            let from = self.reply_due().map_or(now, |due| now.max(due));
            from.plus(lives.open_ms)
        };
        let open = self.deadlines.open_until(terms);
        open.map_or(quiet, |until| quiet.max(until))
    }
}

impl Conversations {
    pub(crate) fn new(most: usize, lives: Lives, terms: Terms) -> Self {
        Self {
            map: Shards::new(),
            dues: BTreeSet::new(),
            most,
            lives,
            terms,
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
        conversation.deadlines.forget(now, self.terms);
        match what {
            Talk::Asked { promise, marks } => {
                let message = Message {
                    at: time,
                    promise,
                    promised: false,
                    marks,
                };
                taken.lost = !conversation.ask(message);
            }
            Talk::Replied => {
                (taken.first_reply_ms, taken.reply_ms) = conversation.reply(time);
                (taken.ruled, taken.kept) = conversation.deadlines.answer((time, now), self.terms);
            }
            Talk::Closed => {
                conversation.closed = true;
                conversation.answer(time);
                (taken.ruled, taken.kept) = conversation.deadlines.answer((time, now), self.terms);
            }
        }
        taken.unkept = !conversation.promise(now, self.terms);
        conversation.overdue = conversation.reply_due().is_some_and(|due| due <= now);
        conversation.forget_at = conversation.kept_until(now, self.lives, self.terms);
        note_dues(&mut self.dues, key, conversation);
        taken.change.after = conversation.waiting();
        Some(taken)
    }

    /// The next time a reply is due, a deadline is decided or a conversation is forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, ..)| *due)
    }

    /// Fires the first thing due at or before `log_time`.
    pub(crate) fn fire(&mut self, log_time: Timestamp) -> Option<Fired> {
        let (due, what, key) = *self.dues.first()?;
        if due > log_time {
            return None;
        }
        self.dues.pop_first();
        let mut fired = Fired {
            key,
            change: Change::default(),
            ruled: None,
        };
        match what {
            Due::Reply => {
                if let Some(conversation) = self.map.get_mut(key) {
                    fired.change.before = conversation.waiting();
                    conversation.overdue = true;
                    fired.change.after = conversation.waiting();
                }
            }
            Due::Breach => {
                if let Some(conversation) = self.map.get_mut(key) {
                    fired.ruled = conversation.deadlines.breach();
                    note_dues(&mut self.dues, key, conversation);
                }
            }
            Due::Forget => {
                if let Some(conversation) = self.map.remove(key) {
                    fired.change.before = conversation.waiting();
                    forget_dues(&mut self.dues, key, &conversation);
                }
            }
        }
        Some(fired)
    }

    /// Another set counts them.
    pub(crate) fn remark(&mut self, moves: &Moves) {
        self.map.each(|c| {
            let messages = c.unanswered.iter_mut();
            messages.for_each(|m| m.marks = moved(&m.marks, moves));
        });
    }

    /// Another set counts promised replies.
    pub(crate) fn repromise(&mut self, moves: &Moves) {
        self.map.each(|c| {
            let promises = c.unanswered.iter_mut().filter_map(|m| m.promise.as_mut());
            promises.for_each(|p| p.marks = moved(&p.marks, moves));
            c.deadlines.repromise(moves);
        });
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
        note_dues(&mut self.dues, key, &conversation);
        if let Some(place) = self.map.enter(key, usize::MAX) {
            *place = conversation;
        }
        Change {
            before: None,
            after,
        }
    }
}

/// Sets the timers of a conversation; those that are set stay as they are.
fn note_dues(dues: &mut Dues, key: Key128, conversation: &Conversation) {
    if let (Some(due), false) = (conversation.reply_due(), conversation.overdue) {
        dues.insert((due, Due::Reply, key));
    }
    if let Some(next) = conversation.deadlines.next() {
        dues.insert((next, Due::Breach, key));
    }
    dues.insert((conversation.forget_at, Due::Forget, key));
}

fn forget_dues(dues: &mut Dues, key: Key128, conversation: &Conversation) {
    dues.remove(&(conversation.forget_at, Due::Forget, key));
    if let Some(next) = conversation.deadlines.next() {
        dues.remove(&(next, Due::Breach, key));
    }
    if let Some(due) = conversation.reply_due() {
        dues.remove(&(due, Due::Reply, key));
    }
}

#[cfg(test)]
mod tests;
