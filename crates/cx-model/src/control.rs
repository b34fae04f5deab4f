//! In: nothing. Kept: nothing. Out: [`Control`], what a control record says.
//! Never knows: who writes and signs them, or what an engine does with them.

use crate::time::Timestamp;

/// What a valid control record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Rises with every control record of a partition.
    pub counter: u64,
    /// What it asks for.
    pub act: Act,
}

/// What control records can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Move log time, nothing else.
    Clock,
    /// Judge by set `number` from here on.
    Activate {
        /// Last set number + 1.
        number: u32,
        /// Hash of the set, 64 hex digits.
        hash: String,
        /// Event time from which on it holds; of no meaning for set 1.
        effective_from: Timestamp,
    },
    /// The set of that number and hash is the active one: said again for who starts late.
    Restate(u32, String),
    /// Somebody knows that records below offset `through` are missing.
    Acknowledge {
        /// The offset after the last one missed.
        through: i64,
    },
}
