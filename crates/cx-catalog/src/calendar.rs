//! In: a checked calendar. Kept: its hours as moments, made once. Out: open or closed, business time
//! between two moments, due times, business days. Never knows: files; the machine's clock and zone.
//!
//! A moment is open exactly where the clock on the wall of the zone shows a time inside the hours of
//! its date. So an hour that a clock skips is no business time, and one that it shows twice is it twice.

mod check;
mod raw;
mod steps;
mod zone;

pub(crate) use check::{Calendars, named, read};
pub(crate) use raw::FORM;
pub use steps::{Step, duration};

use cx_model::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Years that calendars know, the first and the one after the last; nothing is open outside.
pub const YEARS: (i16, i16) = (2000, 2060);
/// Seconds of the panes that business days are counted in.
pub const QUARTER: i64 = 900;
/// Most panes of one business day: 28 hours.
pub const LONGEST_DAY: i64 = 112;

/// Minutes of a day, from and to.
pub type Hours = (u16, u16);

/// Business hours and business days of one zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calendar {
    /// Name: lower-case letters, digits and `_`, at most 48.
    pub calendar: String,
    /// IANA zone.
    pub zone: String,
    /// When a business day begins, minutes after midnight; a multiple of 15.
    pub day_start: u16,
    /// Open hours from Monday to Sunday, ascending, apart.
    pub week: [Vec<Hours>; 7],
    /// Dates with hours of their own (none: closed), as `2026-12-24`.
    pub holidays: BTreeMap<String, Vec<Hours>>,
    /// Version of the zone data, so that a change of it is a change of the calendar.
    pub zone_data: String,
    #[serde(skip)]
    table: Table,
}

/// What follows from a calendar and the zone's data.
#[derive(Clone, Default, PartialEq, Eq)]
struct Table {
    open: Vec<Open>,
    /// Beginnings of business days, seconds.
    days: Vec<i64>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, days) = (self.open.len(), self.days.len());
        write!(f, "{open} open times, {days} days")
    }
}

/// Time that is open without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    from: Timestamp,
    to: Timestamp,
    /// Open ms of the table before it.
    before: i64,
}

impl Calendar {
    /// Business time before a moment, since the first year.
    fn before(&self, at: Timestamp) -> i64 {
        let after = self.table.open.partition_point(|o| o.from < at);
        let last = after.checked_sub(1).map(|i| self.table.open[i]);
        last.map_or(0, |o| o.before + o.to.min(at).since(o.from))
    }

    /// Whether a moment is business time.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let after = self.table.open.partition_point(|o| o.from <= at);
        let last = after.checked_sub(1).map(|i| self.table.open[i]);
        last.is_some_and(|o| at < o.to)
    }

    /// Business time from one moment to a later one, ms; 0 where they stand the other way round.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> i64 {
        (self.before(to) - self.before(from)).max(0)
    }

    /// The moment at which so much business time (ms, > 0) has passed since the start; `None` where
    /// that is after the last year.
    #[must_use]
    pub fn due(&self, start: Timestamp, ms: i64) -> Option<Timestamp> {
        let wanted = self.before(start).saturating_add(ms);
        let open = &self.table.open;
        let at = open.partition_point(|o| o.before + o.to.since(o.from) < wanted);
        open.get(at).map(|o| o.from.plus(wanted - o.before))
    }

    /// The first second of the business day that a second lies in: that of the zone's midnight, or of
    /// the day's declared beginning. Outside the calendar's years days are UTC's.
    #[must_use]
    pub fn day_start(&self, second: i64) -> i64 {
        day_start(&self.table.days, second)
    }
}

/// The last of the beginnings at or before a second, where it is no more than the longest day ago;
/// else midnight UTC.
#[must_use]
pub fn day_start(days: &[i64], second: i64) -> i64 {
    let after = days.partition_point(|start| *start <= second);
    let last = after.checked_sub(1).map(|i| days[i]);
    let near = last.filter(|start| second - start < LONGEST_DAY * QUARTER);
    near.unwrap_or_else(|| second.div_euclid(86_400) * 86_400)
}

/// How soon something is due on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyTarget {
    /// Seconds, of business time where there is a calendar.
    pub seconds: u32,
    /// Whose business time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<std::sync::Arc<Calendar>>,
}

impl ReplyTarget {
    /// When a message of this moment should be answered; `None`: never.
    #[must_use]
    pub fn due(&self, asked: Timestamp) -> Option<Timestamp> {
        let ms = i64::from(self.seconds) * 1_000;
        match &self.calendar {
            Some(calendar) => calendar.due(asked, ms),
            None => Some(asked.plus(ms)),
        }
    }
}

impl From<u32> for ReplyTarget {
    fn from(seconds: u32) -> Self {
        Self {
            seconds,
            calendar: None,
        }
    }
}
