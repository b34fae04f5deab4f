//! In: what the company knows to be true. Kept: counts per minute of event time. Out: the truth a
//! fold must find. Never knows: how anybody counts.

use std::collections::BTreeMap;

/// What happened in one minute of event time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// Contacts that entered a queue.
    pub queued: i64,
    /// Contacts answered.
    pub answered: i64,
    /// Contacts abandoned.
    pub abandoned: i64,
    /// Orders.
    pub orders: i64,
    /// Their value in minor units.
    pub revenue_minor: i64,
    /// Payment steps tried.
    pub payments: i64,
    /// Payment steps that failed.
    pub payments_failed: i64,
}

/// The company's own books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// By minute since the epoch.
    pub minutes: BTreeMap<i64, Minute>,
    /// Distinct events emitted that are valid.
    pub events: i64,
    /// Copies emitted of events already emitted.
    pub duplicates: i64,
    /// Records emitted that are no valid events.
    pub malformed: i64,
}

impl Truth {
    pub(crate) fn minute(&mut self, minute: i64) -> &mut Minute {
        self.minutes.entry(minute).or_default()
    }
}
