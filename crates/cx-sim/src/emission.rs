//! In: what happened. Kept: nothing. Out: a record ready for the log.
//! Never knows: who emits.

use cx_model::time::Timestamp;

/// One record of the company, at the moment it is appended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Emission {
    /// When it is appended: the record's timestamp.
    pub at: Timestamp,
    /// The system that sends it.
    pub source: &'static str,
    /// Record key: the customer id.
    pub key: String,
    /// Record value: a structured CloudEvent, or something that is none.
    pub value: Vec<u8>,
}
