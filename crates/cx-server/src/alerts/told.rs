//! In: the book, a second. Kept: nothing. Out: alerts as HTTP and metrics show them.
//! Never knows: topics.

use super::book::{Alert, Book};
use crate::cast::Person;
use cx_engine::judge::Ruling;
use cx_gateway::alerts::{AlertPage, AlertView, Person as Shown};
use std::collections::BTreeMap;

const PRIORITIES: [&str; 3] = ["P1", "P2", "P3"];
const STATES: [&str; 5] = ["untaken", "taken", "shelved", "muted", "cleared"];

/// What `/v1/alerts` says.
pub(super) fn page(book: &Book, s: i64, all: bool, cast: &[Person]) -> AlertPage {
    let mut alerts: Vec<&Alert> = book.alerts().filter(|a| all || a.open(s)).collect();
    if all {
        alerts.reverse();
    } else {
        alerts.sort_by_key(|a| (a.meaning.priority, a.taken.is_some(), a.raised));
    }
    let cast = cast
        .iter()
        .map(|person| Shown::of(person.name, person.roles[0]));
    AlertPage {
        s: (s > 0).then_some(s),
        alerts: alerts.into_iter().map(|a| view(book, a, s)).collect(),
        maintenance: book.maintenance(s).cloned().collect(),
        cast: cast.collect(),
        you: None,
    }
}

pub(super) fn view(book: &Book, alert: &Alert, s: i64) -> AlertView {
    let (place, meaning) = (&alert.place, &alert.meaning);
    AlertView {
        alert: alert.id.clone(),
        state: match alert.over {
            None => "raised",
            Some((_, Ruling::Withdrawn)) => "withdrawn",
            Some((_, Ruling::Raised | Ruling::Cleared)) => "cleared",
        },
        priority: meaning.priority.name().to_owned(),
        title: meaning.title.clone(),
        kpi: place.kpi.clone(),
        definition: place.definition.clone(),
        window: place.window.clone(),
        dims: place.dims.clone(),
        index: place.alert,
        when: meaning.when.clone(),
        clear: meaning.clear.clone(),
        unit: meaning.unit.clone(),
        scale: meaning.scale,
        raised: alert.raised,
        value: alert.shown.and_then(|v| v.value),
        n: alert.shown.map_or(0, |v| v.n),
        cleared: alert.over.map(|(s, _)| s),
        owner: meaning.owner.clone(),
        cause: meaning.cause.clone(),
        next_step: meaning.next_step.clone(),
        taken: alert.taken.clone(),
        shelved: alert.shelved.clone().filter(|_| alert.aside(s)),
        resolved: alert.resolved.clone(),
        muted: book.muted(alert, s).map(|m| format!("{}: {}", m.by, m.why)),
        acts: alert.acts.clone(),
    }
}

/// Open alerts by priority and state.
pub(super) fn counts(book: &Book, s: i64) -> BTreeMap<(&'static str, &'static str), u64> {
    let pairs = PRIORITIES.iter().flat_map(|p| STATES.map(|s| (*p, s)));
    let mut counts: BTreeMap<_, _> = pairs.map(|pair| (pair, 0)).collect();
    for alert in book.alerts().filter(|a| a.open(s)) {
        let state = if alert.over.is_some() {
            "cleared"
        } else if book.muted(alert, s).is_some() {
            "muted"
        } else if alert.aside(s) {
            "shelved"
        } else if alert.taken.is_some() {
            "taken"
        } else {
            "untaken"
        };
        *counts
            .entry((alert.meaning.priority.name(), state))
            .or_default() += 1;
    }
    counts
}
