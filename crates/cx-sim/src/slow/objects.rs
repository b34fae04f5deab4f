//! In: records with their names. Kept: nothing. Out: since when each contact waits.
//! Never knows: how an engine keeps contacts.

use super::{Named, Outcome};
use cx_model::limits::Limits;
use cx_model::time::Timestamp;
use cx_model::vocabulary::{CONTACT_ANSWERED, CONTACT_DEQUEUED, CONTACT_ENDED, CONTACT_QUEUED};
use std::collections::BTreeMap;

const STEPS: [&str; 4] = [
    CONTACT_QUEUED,
    CONTACT_ANSWERED,
    CONTACT_DEQUEUED,
    CONTACT_ENDED,
];

#[derive(Default)]
struct Contact<'r> {
    queued: Option<(Timestamp, &'r Named)>,
    left: Option<Timestamp>,
    ended: bool,
    due: Timestamp,
}

/// The contacts of one log by id, and how long those waited that its records answered, by position.
fn walk<'r>(
    log: &'r [Named],
    limits: &Limits,
) -> (BTreeMap<&'r str, Contact<'r>>, Vec<(usize, i64)>) {
    let mut contacts: BTreeMap<&str, Contact<'_>> = BTreeMap::new();
    let mut waits = Vec::new();
    for (i, r) in log.iter().enumerate() {
        let Some(id) = r.event["data"]["contact_id"].as_str() else {
            continue;
        };
        let kind = r.event["type"].as_str().unwrap_or_default();
        let taken = matches!(r.outcome, Outcome::Applied | Outcome::Late);
        if !taken || !STEPS.contains(&kind) {
            continue;
        }
        let contact = contacts.entry(id).or_default();
        if contact.due != Timestamp(0) && contact.due <= r.log_time {
            *contact = Contact::default();
        }
        if kind == CONTACT_QUEUED {
            if contact.queued.is_none_or(|(at, _)| r.time >= at) {
                contact.queued = Some((r.time, r));
            }
        } else if kind == CONTACT_ENDED {
            contact.ended = true;
        } else {
            if let Some((queued, _)) = contact.queued
                && kind == CONTACT_ANSWERED
                && queued <= r.time
                && contact.left.is_none_or(|left| left < queued)
            {
                waits.push((i, r.time.since(queued)));
            }
            contact.left = contact.left.max(Some(r.time));
        }
        let life = if contact.ended {
            limits.contact_closed_ms
        } else {
            limits.contact_open_ms
        };
        contact.due = r.log_time.plus(life);
    }
    (contacts, waits)
}

/// How long those waited that the records of one log answered, by position.
pub(super) fn waits(log: &[Named], limits: &Limits) -> Vec<(usize, i64)> {
    walk(log, limits).1
}

/// Starts of the contacts that wait at second `s` and whose newest queued step matches.
pub(super) fn waiting(
    before: &[&[Named]],
    s: i64,
    limits: &Limits,
    matches: impl Fn(&Named, Timestamp) -> bool,
) -> Vec<Timestamp> {
    let mut starts = Vec::new();
    for log in before {
        let (contacts, _) = walk(log, limits);
        for contact in contacts
            .values()
            .filter(|c| c.due > Timestamp::from_second(s))
        {
            let Some((start, r)) = contact.queued else {
                continue;
            };
            if !contact.ended && contact.left.is_none_or(|left| start > left) && matches(r, start) {
                starts.push(start);
            }
        }
    }
    starts
}

/// How long an open case is kept after its last step: 90 days.
const CASE_OPEN_MS: i64 = 90 * 24 * 60 * 60_000;

/// One case: when it was opened and by what, when it was settled, until when it is kept.
type Case<'r> = (Option<(Timestamp, &'r Named)>, Option<Timestamp>, Timestamp);

/// Starts of the cases that are open at second `s`.
pub(super) fn open_cases(
    before: &[&[Named]],
    s: i64,
    limits: &Limits,
    matches: impl Fn(&Named, Timestamp) -> bool,
) -> Vec<Timestamp> {
    let mut starts = Vec::new();
    for log in before {
        let mut cases: BTreeMap<&str, Case<'_>> = BTreeMap::new();
        let taken = |r: &&Named| matches!(r.outcome, Outcome::Applied | Outcome::Late);
        for r in log.iter().filter(taken) {
            let kind = r.event["type"].as_str().unwrap_or_default();
            let opens = ["cx.case.opened.v1", "cx.case.reopened.v1"].contains(&kind);
            let settles = ["cx.case.resolved.v1", "cx.case.merged.v1"].contains(&kind);
            let Some(id) = r.event["data"]["case_id"]
                .as_str()
                .filter(|_| opens || settles)
            else {
                continue;
            };
            let case = cases.entry(id).or_insert((None, None, r.log_time));
            if case.2 <= r.log_time {
                (case.0, case.1) = (None, None);
            }
            if settles {
                case.1 = case.1.max(Some(r.time));
            } else if case.0.is_none_or(|(at, _)| r.time >= at) {
                case.0 = Some((r.time, r));
            }
            let open = case
                .0
                .is_some_and(|(at, _)| case.1.is_none_or(|settled| settled < at));
            case.2 = r.log_time.plus(if open {
                CASE_OPEN_MS
            } else {
                limits.contact_closed_ms
            });
        }
        for (opened, settled, kept) in cases.into_values() {
            if let Some((at, r)) = opened
                && settled.is_none_or(|settled| settled < at)
                && kept > Timestamp::from_second(s)
                && matches(r, at)
            {
                starts.push(at);
            }
        }
    }
    starts
}

/// The newest event time of one source; of `all` declared ones that sent anything, of the one
/// that has been silent longest.
pub(super) fn newest(
    before: &[&[Named]],
    declared: &[String],
    source: &str,
    judged: impl Fn(&Named) -> bool,
) -> Option<Timestamp> {
    let of = |name: &String| {
        let records = before.iter().flat_map(|log| log.iter());
        let taken = records.filter(|r| {
            matches!(r.outcome, Outcome::Applied | Outcome::Late)
                && r.source.as_deref() == Some(name)
                && judged(r)
        });
        taken.map(|r| r.time).max()
    };
    let wanted = |name: &&String| source == "all" || *name == source;
    declared.iter().filter(wanted).filter_map(of).min()
}
