//! In: nothing. Kept: nothing. Out: every reason for which a record is dead-lettered. Never knows: where dead letters go.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a record was dead-lettered. The names are stable: tools filter by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The value is larger than the limit.
    TooLarge,
    /// No value at all (a tombstone).
    Empty,
    /// Not JSON, or not UTF-8, or a key twice.
    InvalidJson,
    /// Nested deeper than the limit.
    TooDeep,
    /// A required CloudEvents attribute is missing.
    MissingAttribute,
    /// An attribute is there, but not of the form that CloudEvents 1.0 asks for.
    InvalidAttribute,
    /// Text longer than its limit.
    TooLong,
    /// Event time more than an hour ahead of log time.
    Future,
    /// Record time more than an hour ahead of log time, and not a control record.
    Jump,
    /// The customer does not live in this partition.
    Misplaced,
    /// A control record without a right signature.
    ControlForged,
    /// A control record whose counter is not higher than the last one.
    ControlReplayed,
    /// A control record with a right signature and a content that cannot be obeyed.
    ControlInvalid,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 13] = [
        Self::TooLarge,
        Self::Empty,
        Self::InvalidJson,
        Self::TooDeep,
        Self::MissingAttribute,
        Self::InvalidAttribute,
        Self::TooLong,
        Self::Future,
        Self::Jump,
        Self::Misplaced,
        Self::ControlForged,
        Self::ControlReplayed,
        Self::ControlInvalid,
    ];

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Empty => "empty",
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::MissingAttribute => "missing_attribute",
            Self::InvalidAttribute => "invalid_attribute",
            Self::TooLong => "too_long",
            Self::Future => "future",
            Self::Jump => "jump",
            Self::Misplaced => "misplaced",
            Self::ControlForged => "control_forged",
            Self::ControlReplayed => "control_replayed",
            Self::ControlInvalid => "control_invalid",
        }
    }
}

/// A record that did not enter, and everything its sender needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// Where: a JSON path such as `time` or `data.wait_ms`, or `line 1 column 7`, or `record`.
    pub place: String,
    /// What is wrong and what to write instead.
    pub detail: String,
}

impl Rejected {
    /// A rejection with its place and the fix.
    #[must_use]
    pub fn new(reason: Reason, place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            reason,
            place: place.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}: {}",
            self.reason.name(),
            self.place,
            self.detail
        )
    }
}
