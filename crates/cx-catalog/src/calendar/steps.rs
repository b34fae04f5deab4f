//! In: a calendar, a start and a duration. Kept: nothing. Out: how the due time comes about, step by
//! step. Never knows: how the due time itself is found, which must be the same.

use super::zone::Zone;
use super::{Calendar, YEARS};
use cx_model::time::{MINUTE, Timestamp};

/// A stretch of time on the way to a due time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Both as the clock on the wall shows them, e.g. `Thu 2026-12-24 08:00`.
    pub wall: [String; 2],
    /// Business time or not.
    pub open: bool,
    /// Business time still to go at its end, ms.
    pub left_ms: i64,
}

/// Most steps that anybody would read.
const MOST: usize = 400;

impl Calendar {
    /// From the start to the due time, open and closed in turn. It ends without a due time where that is
    /// after the last year; at most 400 steps.
    #[must_use]
    pub fn explain(&self, start: Timestamp, ms: i64) -> Vec<Step> {
        let zone = Zone::find(&self.zone);
        let wall = |at: Timestamp| match &zone {
            Some(zone) => zone.wall(at).strftime("%a %Y-%m-%d %H:%M:%S").to_string(),
            None => at.to_rfc3339(),
        };
        let (mut at, mut left) = (start, ms);
        let mut steps = Vec::new();
        let mut step = |from, to, open, left_ms| {
            steps.push(Step {
                from,
                to,
                wall: [wall(from), wall(to)],
                open,
                left_ms,
            });
            steps.len() < MOST
        };
        for open in self.table.open.iter().filter(|o| o.to > start) {
            if open.from > at {
                if !step(at, open.from, false, left) {
                    break;
                }
                at = open.from;
            }
            let to = open.to.min(at.plus(left));
            left -= to.since(at);
            if !step(at, to, true, left) || left == 0 {
                break;
            }
            at = to;
        }
        steps
    }

    /// The hours of a week, holidays and zone in a line each.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let clock = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
        let hours = |all: &[(u16, u16)]| {
            let each = all
                .iter()
                .map(|(a, b)| format!("{}-{}", clock(*a), clock(*b)));
            let text = each.collect::<Vec<_>>().join(", ");
            if text.is_empty() {
                "closed".to_owned()
            } else {
                text
            }
        };
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let head = format!(
            "{}: {}, zone data {}, days begin at {}, known from {} to {}",
            self.calendar,
            self.zone,
            self.zone_data,
            clock(self.day_start),
            YEARS.0,
            YEARS.1 - 1,
        );
        let week = days.iter().zip(&self.week);
        let week = week.map(|(day, open)| format!("  {day} {}", hours(open)));
        let special = self.holidays.iter();
        let special = special.map(|(date, open)| format!("  {date} {}", hours(open)));
        [head].into_iter().chain(week).chain(special).collect()
    }
}

/// A duration as people say it: `2 h 30 min`.
#[must_use]
pub fn duration(ms: i64) -> String {
    let (hours, minutes) = (ms / (60 * MINUTE), ms / MINUTE % 60);
    let seconds = ms / 1_000 % 60;
    let parts = [(hours, "h"), (minutes, "min"), (seconds, "s")];
    let some = parts.iter().filter(|(n, _)| *n > 0);
    let text: Vec<String> = some.map(|(n, unit)| format!("{n} {unit}")).collect();
    if text.is_empty() {
        "0 s".to_owned()
    } else {
        text.join(" ")
    }
}
