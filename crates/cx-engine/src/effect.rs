//! Everything the engine can cause, on one page. In: nothing. Kept: nothing. Out: [`Effect`].
//! Never knows: who carries it out.

use crate::account::Counts;
use crate::kpi::tally::Tally;
use cx_model::ids::Key128;
use cx_model::reject::Rejected;
use cx_model::time::Timestamp;
use std::sync::Arc;

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Hand the values of a passed second to the roll-up. (No effect in the sense of law 2: which
    /// seconds are emitted depends on the step.)
    Part(Part),
    /// A minute of event time is final: hand over what it holds. Once a minute, before the part of the
    /// same second.
    Final(Final),
    /// Put the record at this offset aside, with its original bytes.
    DeadLetter {
        /// Offset of the record.
        offset: i64,
        /// Why, where, and what to do.
        rejected: Rejected,
    },
    /// Write down what was decided, once.
    Decision(Decision),
}

/// What was decided of one reply deadline (`schemas/decisions.md`). Everything but `offset` and
/// `index` is the same however many clock records the log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Keyed hash of ruling, conversation and the message's time; the same in every replay.
    pub id: Key128,
    /// Offset of the record whose handling caused it.
    pub offset: i64,
    /// Its number among the decisions of that record, from 0.
    pub index: u32,
    /// What was decided.
    pub ruling: Ruling,
    /// Event time of the message that is owed a reply.
    pub asked_at: Timestamp,
    /// Until when the reply had to be stamped.
    pub due: Timestamp,
    /// Log time of the decision.
    pub decided_at: Timestamp,
    /// Keyed hash of the conversation's id.
    pub conversation: Key128,
    /// The message's customer; `None` where it belongs to none.
    pub customer: Option<Key128>,
    /// The message's channel.
    pub channel: String,
}

/// What can be decided of a reply deadline: first a breach, then perhaps that it was met after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruling {
    /// No reply in time was seen until the due time + lateness.
    ReplyBreached,
    /// The breach is taken back: a reply stamped in time came inside the horizon.
    ReplyMet,
}

impl Ruling {
    /// Its stable name, which the id is made of.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReplyBreached => "reply_breached",
            Self::ReplyMet => "reply_met",
        }
    }
}

/// What one partition contributes to one second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Partition.
    pub partition: u32,
    /// The second that was passed.
    pub s: i64,
    /// The values hold exactly the records below this offset.
    pub next_offset: i64,
    /// Number of the set that the values are laid out by.
    pub set: u32,
    /// By number of later sets the second from which they hold in this partition, ascending; a set that
    /// no window can tell from its predecessor any more is not named.
    pub since: Arc<[(u32, i64)]>,
    /// First log time of the partition; windows that reach before it are warming.
    pub start: Timestamp,
    /// What became of the records below that offset.
    pub counts: Counts,
    /// Components of all measures.
    pub values: Box<[i64]>,
    /// What percentiles are taken from, by measure, window and combination.
    pub tallies: Box<[Tally]>,
}

/// What one partition counted in one minute of event time, as it stood when log time reached the minute's
/// end + lateness: all that comes to it later restates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Final {
    /// Partition.
    pub partition: u32,
    /// The second at which the minute ended, a multiple of 60.
    pub end: i64,
    /// Number of the set that the values are laid out by.
    pub set: u32,
    /// As [`Part::since`].
    pub since: Arc<[(u32, i64)]>,
    /// Sums of the measures that are added up by panes of a minute or finer.
    pub values: Box<[i64]>,
}
