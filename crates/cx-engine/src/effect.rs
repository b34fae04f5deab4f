//! Everything the engine can cause, on one page. In: nothing. Kept: nothing. Out: [`Effect`].
//! Never knows: who carries it out.

use cx_model::reject::Rejected;
use cx_model::time::Timestamp;

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Hand the values of a passed second to the roll-up. (No effect in the sense of law 2: which
    /// seconds are emitted depends on the step.)
    Part(Part),
    /// Put the record at this offset aside, with its original bytes.
    DeadLetter {
        /// Offset of the record.
        offset: i64,
        /// Why, where, and what to do.
        rejected: Rejected,
    },
}

/// What one partition contributes to one second. Values are laid out by the compiled set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Partition.
    pub partition: u32,
    /// The second that was passed.
    pub s: i64,
    /// The values hold exactly the records below this offset.
    pub next_offset: i64,
    /// First log time of the partition; windows that reach before it are warming.
    pub start: Timestamp,
    /// Records that the values need are missing.
    pub data_gap: bool,
    /// Components of all measures.
    pub values: Box<[i64]>,
}
