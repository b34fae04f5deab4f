//! Contacts that wait, sources that speak.

use crate::kit::{
    HOUR, Log, MINUTE, SECOND, cell, event, gauge, kpi, measure, simple, value, with,
};
use cx_catalog::definition::{Agg, Formula, Kpi, Object};
use cx_model::window::Window;
use serde_json::{Value, json};

fn step(id: &str, time: i64, step: &str) -> Value {
    let data = json!({"contact_id": "a", "channel": "chat"});
    event(id, time, &format!("cx.contact.{step}.v1"), data)
}

fn oldest() -> Kpi {
    let of = Object::ContactWaiting;
    let mut kpi = simple(Agg::Oldest { of }, None, &[Window::Now]);
    kpi.unit = "seconds".to_owned();
    kpi
}

fn ages() -> Kpi {
    let of = Object::SourceLastEvent;
    let measure = measure(Agg::Oldest { of }, Some(r#"event.type == "v""#));
    let formula = Formula::Simple { measure };
    let mut kpi = kpi(formula, &[("source", &["shop", "voice"])], &[Window::Now]);
    kpi.unit = "seconds".to_owned();
    kpi
}

/// Waiting contacts after these steps of one contact, all read one second after the start.
fn waiting_after(steps: &[(i64, &str)]) -> Option<i64> {
    let mut log = Log::default();
    for (n, (time, name)) in steps.iter().enumerate() {
        log = log.event(0, &step(&n.to_string(), *time, name));
    }
    value(&log.model(&[gauge()]), SECOND, Window::Now)
}

#[test]
fn a_contact_waits_from_queued_until_it_is_answered_dequeued_or_ended() {
    assert_eq!(waiting_after(&[(0, "queued")]), Some(1));
    for how in ["answered", "dequeued", "ended"] {
        assert_eq!(waiting_after(&[(0, "queued"), (5, how)]), Some(0), "{how}");
    }
    assert_eq!(waiting_after(&[(5, "answered")]), Some(0));
}

#[test]
fn event_time_decides_whether_it_waits_again() {
    assert_eq!(waiting_after(&[(5, "answered"), (0, "queued")]), Some(0));
    assert_eq!(waiting_after(&[(5, "answered"), (5, "queued")]), Some(0));
    assert_eq!(waiting_after(&[(5, "answered"), (6, "queued")]), Some(1));
    assert_eq!(waiting_after(&[(9, "queued"), (3, "answered")]), Some(1));
    assert_eq!(
        waiting_after(&[(5, "ended"), (6, "queued")]),
        Some(0),
        "ended stays ended"
    );
}

#[test]
fn the_newest_queued_step_says_since_when_and_where() {
    let dims: &[(&str, &[&str])] = &[("queue", &["p", "q"])];
    let of = Object::ContactWaiting;
    let measure = measure(Agg::Gauge { of }, None);
    let by_queue = kpi(Formula::Simple { measure }, dims, &[Window::Now]);
    let queued = |id: &str, time: i64, queue: &str| {
        let data = json!({"contact_id": "a", "queue": queue});
        event(id, time, "cx.contact.queued.v1", data)
    };
    let log = Log::default()
        .event(20 * SECOND, &queued("1", 9 * SECOND, "p"))
        .event(20 * SECOND, &queued("2", 9 * SECOND, "q"))
        .event(20 * SECOND, &queued("3", 8 * SECOND, "p"));
    let model = log.model(&[by_queue]);
    let get = |queue| cell(&model, 21 * SECOND, Window::Now, &[("queue", queue)]).value;
    assert_eq!(
        (get("q"), get("p"), get("all")),
        (Some(1), Some(0), Some(1))
    );
}

#[test]
fn the_oldest_wait_is_never_negative_and_null_when_nobody_waits() {
    let log = Log::default()
        .event(0, &step("1", 3 * SECOND, "queued"))
        .event(10 * SECOND, &step("2", 10 * SECOND, "ended"));
    let model = log.model(&[oldest()]);
    let at = |s| cell(&model, s, Window::Now, &[]);
    assert_eq!((at(SECOND).value, at(SECOND).n), (Some(0), 1));
    assert_eq!(
        (at(8 * SECOND).value, at(8 * SECOND).numerator),
        (Some(5), 5_000)
    );
    assert_eq!((at(11 * SECOND).value, at(11 * SECOND).n), (None, 0));
}

#[test]
fn a_contact_that_never_ended_is_forgotten_a_day_after_its_last_step() {
    let log = Log::default()
        .event(0, &step("1", 0, "queued"))
        .event(HOUR, &step("2", HOUR, "queued"));
    let model = log.clock(30 * HOUR, 1).model(&[gauge()]);
    assert_eq!(value(&model, 25 * HOUR - SECOND, Window::Now), Some(1));
    assert_eq!(value(&model, 25 * HOUR, Window::Now), Some(0));
}

#[test]
fn a_step_at_its_due_time_finds_the_contact_forgotten() {
    let until = 35 * MINUTE;
    for (at, waits) in [(until - 1, 0), (until, 1)] {
        let log = Log::default()
            .event(0, &step("1", 0, "ended"))
            .event(at, &step("2", at, "queued"));
        let model = log.model(&[gauge()]);
        assert_eq!(
            value(&model, HOUR, Window::Now),
            Some(waits),
            "queued at {at}"
        );
    }
}

#[test]
fn late_steps_move_contacts_and_repeated_ones_do_not() {
    let log = Log::default()
        .clock(HOUR, 1)
        .event(HOUR, &step("1", 0, "queued"));
    let model = log.model(&[gauge(), oldest()]);
    assert_eq!(model.names(0)[1].1, "late");
    let at = (crate::kit::T + HOUR + SECOND) / SECOND;
    let values: Vec<_> = model.at(at).into_iter().map(|c| c.3.value).collect();
    assert_eq!(values, [Some(1), Some(3_601)]);
}

#[test]
fn a_sources_age_is_that_of_its_newest_matching_event() {
    let viewed =
        |id: &str, time: i64, source: &str| with(event(id, time, "v", json!({})), "source", source);
    let log = Log::default()
        .event(10 * SECOND, &viewed("1", 9 * SECOND, "shop"))
        .event(10 * SECOND, &viewed("2", 4 * SECOND, "shop"))
        .event(
            10 * SECOND,
            &with(event("3", 10 * SECOND, "w", json!({})), "source", "shop"),
        )
        .event(10 * SECOND, &viewed("4", 0, "unknown"))
        .event(14 * SECOND, &viewed("5", 2 * SECOND, "voice"));
    let model = log.model(&[ages()]);
    let get = |s, source| cell(&model, s, Window::Now, &[("source", source)]).value;
    assert_eq!(get(12 * SECOND, "shop"), Some(3));
    assert_eq!(get(12 * SECOND, "voice"), None);
    assert_eq!(get(12 * SECOND, "all"), Some(3), "the unseen do not count");
    assert_eq!(get(15 * SECOND, "all"), Some(13), "the most silent one");
    assert_eq!(get(15 * SECOND, "other"), None);
}
