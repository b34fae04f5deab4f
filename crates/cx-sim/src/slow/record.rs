//! In: nothing. Kept: nothing. Out: a record as the slow model is fed with it, and its accounting.
//! Never knows: Kafka, signatures.

use super::fact::{Fact, Outcome};
use cx_model::control::Control;
use cx_model::record::TimestampKind;
use cx_model::reject::Rejected;
use cx_model::time::Timestamp;

/// One record of one partition's log.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Partition.
    pub partition: u32,
    /// Offset there; rises from record to record.
    pub offset: i64,
    /// The record's timestamp as the log keeps it.
    pub timestamp: Timestamp,
    /// Who set it.
    pub timestamp_kind: TimestampKind,
    /// Value; empty for a tombstone. Not looked at where `control` is given.
    pub value: Vec<u8>,
    /// For records with a control header: what checking the signature gave.
    pub control: Option<Result<Control, Rejected>>,
}

/// Where the offsets of one partition went (law 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accounting {
    /// Events that counted.
    pub applied: i64,
    /// Events already seen.
    pub duplicates: i64,
    /// Events older than the horizon.
    pub late: i64,
    /// Refused records.
    pub dead_lettered: i64,
    /// Control records.
    pub control: i64,
    /// Offsets between records that hold none.
    pub gaps: i64,
    /// Offset of the first record, 0 when there is none.
    pub start: i64,
    /// Offset after the last record, 0 when there is none.
    pub next: i64,
    /// Applied or late events whose `data.channel` is not registered.
    pub unregistered_channel: i64,
}

impl Accounting {
    pub(super) fn of(facts: &[Fact], channels: &[String]) -> Self {
        let count = |outcome| {
            let n = facts.iter().filter(|f| f.outcome == outcome).count();
            i64::try_from(n).expect("a log in memory is countable")
        };
        let start = facts.first().map_or(0, |f| f.offset);
        let next = facts.last().map_or(0, |f| f.offset + 1);
        let records = i64::try_from(facts.len()).expect("a log in memory is countable");
        let strange = facts.iter().filter(|f| f.taken()).filter(|f| {
            let channel = f.event.as_ref().and_then(|e| e.text("channel"));
            channel.is_some_and(|c| !channels.iter().any(|known| known == c))
        });
        Self {
            applied: count(Outcome::Applied),
            duplicates: count(Outcome::Duplicate),
            late: count(Outcome::Late),
            dead_lettered: count(Outcome::DeadLettered),
            control: count(Outcome::Control),
            gaps: next - start - records,
            start,
            next,
            unregistered_channel: i64::try_from(strange.count()).expect("countable"),
        }
    }
}
