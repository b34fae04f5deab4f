//! In: the book, a second. Kept: nothing. Out: alerts as HTTP and metrics show them.
//! Never knows: topics.

use super::book::{Alert, Book};
use crate::cast::Person;
use cx_engine::judge::Ruling;
use cx_gateway::alerts::{AlertPage, AlertView, Notified, Person as Shown};
use std::collections::BTreeMap;

const PRIORITIES: [&str; 3] = ["P1", "P2", "P3"];
const STATES: [&str; 5] = ["untaken", "taken", "shelved", "muted", "cleared"];

/// What `/v1/alerts` says.
pub(super) fn page(
    book: &Book,
    s: i64,
    all: bool,
    cast: &[Person],
    reaches: impl Fn(&str) -> bool,
) -> AlertPage {
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
        alerts: alerts
            .into_iter()
            .map(|a| AlertView {
                notify: notified(a, &reaches),
                ..view(book, a, s)
            })
            .collect(),
        maintenance: book.maintenance(s).cloned().collect(),
        cast: cast.collect(),
        you: None,
    }
}

/// Whom the definition lets know, and whether anybody said where they are.
fn notified(alert: &Alert, reaches: impl Fn(&str) -> bool) -> Vec<Notified> {
    let all = alert.meaning.notify.iter();
    all.map(|notify| Notified {
        to: notify.to.clone(),
        untaken_after_s: notify.untaken_after_s,
        address: reaches(&notify.to),
    })
    .collect()
}

/// As receivers are told it.
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
        notify: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::book::tests::raised_with;
    use cx_catalog::definition::Notify;

    #[test]
    fn a_page_says_whom_an_alert_lets_know_and_who_has_no_address() {
        let to = |name: &str, untaken_after_s| Notify {
            to: name.to_owned(),
            untaken_after_s,
        };
        let book = raised_with(vec![to("care_oncall", None), to("lead", Some(300))]);
        let page = page(&book, 101, false, &[], |name| name == "lead");
        let told = serde_json::to_value(&page.alerts[0].notify).expect("JSON");
        let expected = serde_json::json!([
            {"to": "care_oncall", "address": false},
            {"to": "lead", "untaken_after_s": 300, "address": true},
        ]);
        assert_eq!(told, expected);
        let alert = book.alerts().next().expect("one");
        let body = serde_json::to_value(view(&book, alert, 101)).expect("JSON");
        assert_eq!(
            body.get("notify"),
            None,
            "receivers are not told of each other"
        );
    }
}
