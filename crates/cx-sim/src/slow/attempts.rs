//! In: records with their names, one journey. Kept: nothing. Out: every attempt of one log and what becomes
//! of it, walked through from the first record. Never knows: how an engine keeps attempts; timers.

use super::meaning::{Named, Outcome};
use cx_catalog::journey::{Attempts, Journey, Repeat};
use cx_model::time::{SECOND, Timestamp};
use std::collections::BTreeMap;

/// Something that adds to a count, or takes from it, at a time of its own.
pub(super) struct Change<'r> {
    /// The event whose breakdowns count.
    pub(super) by: &'r Named,
    pub(super) count: i64,
    /// Where it counts.
    pub(super) time: Timestamp,
    /// When that became known.
    pub(super) log_time: Timestamp,
}

/// One attempt.
struct Attempt<'r> {
    by: &'r Named,
    due: Timestamp,
    began: Timestamp,
    converted: Option<Timestamp>,
    said: Vec<&'r str>,
}

fn text<'r>(r: &'r Named, name: &str) -> &'r str {
    r.event["data"][name].as_str().unwrap_or_default()
}

fn entity<'r>(r: &'r Named, journey: &Journey) -> Option<Vec<&'r str>> {
    let id = match journey.entity.attribute() {
        None => r.event["subject"].as_str(),
        Some(name) => r.event["data"][name].as_str(),
    };
    let constant = journey.constant.iter().map(|name| text(r, name));
    Some([id?].into_iter().chain(constant).collect())
}

fn covers(a: &Attempt<'_>, time: Timestamp) -> bool {
    a.by.time <= time && time <= a.due
}

/// All attempts of one log; `holds`: base and conversion of a record.
fn walk<'r>(
    log: &'r [Named],
    journey: &Journey,
    holds: impl Fn(&Named) -> [bool; 2],
) -> Vec<Attempt<'r>> {
    let within = i64::from(journey.within_s) * SECOND;
    let mut all: BTreeMap<Vec<&str>, Vec<Attempt<'_>>> = BTreeMap::new();
    let taken = |r: &&Named| matches!(r.outcome, Outcome::Applied | Outcome::Late);
    for r in log.iter().filter(taken) {
        let [base, conversion] = holds(r);
        let late = r.outcome == Outcome::Late;
        let Some(key) = entity(r, journey) else {
            continue;
        };
        let own = all.entry(key).or_default();
        let said: Vec<&str> = journey.changed.iter().map(|name| text(r, name)).collect();
        for a in own.iter_mut().filter(|_| conversion) {
            let other = said.is_empty() || a.said != said;
            let settled = late && a.due <= r.log_time;
            if a.converted.is_none() && covers(a, r.time) && other && !settled {
                a.converted = Some(r.log_time);
            }
        }
        if !base || late {
            continue;
        }
        let fresh = Attempt {
            by: r,
            due: r.time.plus(within),
            began: r.log_time,
            converted: None,
            said,
        };
        let open = |a: &&mut Attempt<'_>| a.converted.is_none() && a.due > r.log_time;
        match journey.attempts {
            Repeat::First if own.iter().any(|a| covers(a, r.time)) => {}
            Repeat::Last => match own.iter_mut().find(open) {
                Some(standing) if standing.by.time > r.time => {}
                Some(standing) => *standing = fresh,
                None => own.push(fresh),
            },
            Repeat::First | Repeat::Every => own.push(fresh),
        }
    }
    all.into_values().flatten().collect()
}

/// What is counted of the attempts of one log at second `s`.
pub(super) fn changes<'r>(
    log: &'r [Named],
    s: i64,
    (journey, of): (&Journey, Attempts),
    holds: impl Fn(&Named) -> [bool; 2],
) -> Vec<Change<'r>> {
    let mut changes = Vec::new();
    for a in walk(log, journey, holds) {
        let decided = a.due.max(a.began);
        let mut change = |count, log_time| {
            changes.push(Change {
                by: a.by,
                count,
                time: a.due,
                log_time,
            });
        };
        let over = decided <= Timestamp::from_second(s);
        let before = a.converted.is_some_and(|c| c < decided);
        let after = a.converted.filter(|_| !before);
        match of {
            Attempts::Undecided if !over && a.converted.is_none() => change(1, a.began),
            Attempts::Decided if over => change(1, decided),
            Attempts::Converted if over && before => change(1, decided),
            Attempts::Dropped if over && !before => change(1, decided),
            Attempts::Undecided | Attempts::Decided | Attempts::Converted | Attempts::Dropped => {}
        }
        match (of, after) {
            (Attempts::Converted, Some(at)) if over => change(1, at),
            (Attempts::Dropped, Some(at)) if over => change(-1, at),
            _ => {}
        }
    }
    changes
}
