//! In: what happened. Kept: counts per minute of event time. Out: the truth a fold must find.
//! Never knows: how anybody counts.

use cx_model::time::Timestamp;
use std::collections::BTreeMap;

/// One channel's queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// Contacts that entered a queue; a transfer counts again.
    pub queued: i64,
    /// Contacts answered.
    pub answered: i64,
    /// Of them, answered within 20 s.
    pub answered_in_20_s: i64,
    /// Waiting time of the answered ones, ms.
    pub wait_ms: i64,
    /// Contacts whose customer gave up before an answer and said so.
    pub abandoned: i64,
    /// Contacts that left the queue for a call-back.
    pub called_back: i64,
}

/// First replies of people to customers' first messages, by minute of the reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replies {
    /// How many.
    pub count: i64,
    /// Time from the first message to the reply, together, ms.
    pub ms: i64,
}

/// Answers to one kind of survey.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// How many.
    pub count: i64,
    /// Their scores together.
    pub score: i64,
}

/// What happened in one minute of event time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// Valid events said, copies and collisions not counted.
    pub events: i64,
    /// Visits of shop and app that began.
    pub sessions: i64,
    /// Orders.
    pub orders: i64,
    /// Their value in minor units.
    pub revenue_minor: i64,
    /// Money given back, minor units, positive.
    pub refunded_minor: i64,
    /// Payment steps tried.
    pub payments: i64,
    /// Payment steps that failed.
    pub payments_failed: i64,
    /// Cases opened.
    pub cases_opened: i64,
    /// Promises made, kept, broken.
    pub promises: [i64; 3],
    /// Queues by channel.
    pub queues: BTreeMap<&'static str, Queued>,
    /// First replies by channel.
    pub first_replies: BTreeMap<&'static str, Replies>,
    /// Surveys by kind.
    pub surveys: BTreeMap<&'static str, Answers>,
}

/// The company's own books. Minutes that lie ahead of the newest emission are not complete yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// By minute since the epoch.
    pub minutes: BTreeMap<i64, Minute>,
    /// Distinct events said that are valid.
    pub events: i64,
    /// Copies of events already said.
    pub duplicates: i64,
    /// Other events under an id that was taken.
    pub collisions: i64,
    /// Events held back for more than 30 minutes.
    pub late: i64,
    /// Events stamped hours ahead or behind.
    pub clocks_off: i64,
    /// Records that are no valid events.
    pub malformed: i64,
    /// Records that a stopped source had no room or time for; they are never appended.
    pub lost: i64,
}

impl Truth {
    pub(crate) fn minute(&mut self, at: Timestamp) -> &mut Minute {
        self.minutes.entry(at.minute()).or_default()
    }

    pub(crate) fn queue(&mut self, at: Timestamp, channel: &'static str) -> &mut Queued {
        self.minute(at).queues.entry(channel).or_default()
    }

    pub(crate) fn replied(&mut self, at: Timestamp, channel: &'static str, ms: i64) {
        let replies = self.minute(at).first_replies.entry(channel).or_default();
        replies.count += 1;
        replies.ms += ms;
    }
}
