//! Windows, panes, values, states.

use crate::kit::{
    HOUR, Log, MINUTE, SECOND, cell, event, kpi, measure, simple, value, with, without,
};
use cx_catalog::definition::{Agg, Formula, Kpi};
use cx_model::value::{RESTATED, WARMING};
use cx_model::window::Window;
use serde_json::{Value, json};

const WINDOWS: [Window; 4] = [Window::M1, Window::M5, Window::M15, Window::H1];

fn viewed(id: &str, time: i64) -> Value {
    event(id, time, "v", json!({"channel": "web"}))
}

fn counts() -> Kpi {
    simple(Agg::Count, None, &WINDOWS)
}

#[test]
fn the_record_that_passes_a_second_is_not_in_its_values() {
    let log = Log::default()
        .event(5 * SECOND, &viewed("1", 5 * SECOND))
        .event(9 * SECOND, &viewed("2", 5 * SECOND))
        .event(10 * SECOND, &viewed("3", 5 * SECOND));
    let model = log.model(&[counts()]);
    assert_eq!(value(&model, 9 * SECOND, Window::M1), Some(1));
    assert_eq!(value(&model, 10 * SECOND, Window::M1), Some(2));
    assert_eq!(value(&model, 11 * SECOND, Window::M1), Some(3));
}

#[test]
fn a_window_covers_whole_panes_up_to_the_one_just_before_the_instant() {
    let log = Log::default().event(7 * SECOND, &viewed("1", 7 * SECOND));
    let model = log.clock(2 * HOUR, 1).model(&[counts()]);
    // The event's pane is 5..10 s; at 65 s the newest pane is 60..65 and the oldest 5..10.
    assert_eq!(value(&model, 65 * SECOND, Window::M1), Some(1));
    assert_eq!(value(&model, 66 * SECOND, Window::M1), Some(0));
    assert_eq!(value(&model, 305 * SECOND, Window::M5), Some(1));
    assert_eq!(value(&model, 306 * SECOND, Window::M5), Some(0));
    assert_eq!(value(&model, 15 * MINUTE, Window::M15), Some(1));
    assert_eq!(value(&model, 15 * MINUTE + SECOND, Window::M15), Some(0));
    assert_eq!(value(&model, HOUR, Window::H1), Some(1));
    assert_eq!(value(&model, HOUR + SECOND, Window::H1), Some(0));
}

#[test]
fn a_stamp_ahead_waits_for_its_pane_and_one_far_ahead_counts_at_log_time() {
    let log = Log::default()
        .event(0, &viewed("1", 5 * MINUTE))
        .event(0, &viewed("2", 5 * MINUTE + 1));
    let model = log.clock(HOUR, 1).model(&[counts()]);
    assert_eq!(
        value(&model, MINUTE, Window::M15),
        Some(1),
        "only the clamped one"
    );
    assert_eq!(value(&model, 6 * MINUTE, Window::M15), Some(2));
}

#[test]
fn an_event_without_time_counts_at_log_time() {
    let log = Log::default()
        .clock(7 * MINUTE, 1)
        .event(0, &without(viewed("1", 0), "time"));
    let model = log.clock(HOUR, 2).model(&[counts()]);
    assert_eq!(value(&model, 8 * MINUTE, Window::M1), Some(1));
    assert_eq!(value(&model, 7 * MINUTE, Window::M1), Some(0));
}

#[test]
fn sums_and_averages_rest_on_events_that_have_the_integer() {
    let of = || "amount_minor".to_owned();
    let mut sum = simple(
        Agg::Sum { of: of() },
        Some(r#"event.type == "o""#),
        &[Window::M15],
    );
    sum.unit = "EUR".to_owned();
    let mut average = simple(Agg::Average { of: of() }, None, &[Window::M1]);
    (average.unit, average.decimals) = ("EUR".to_owned(), 2);
    let log = Log::default()
        .event(0, &event("1", 0, "o", json!({"amount_minor": 1001})))
        .event(0, &event("2", 0, "o", json!({"amount_minor": 2000})))
        .event(0, &event("3", 0, "o", json!({"amount_minor": "3000"})))
        .event(0, &event("4", 0, "o", json!({})));
    let model = log.model(&[sum, average]);
    let total = cell(&model, MINUTE, Window::M15, &[]);
    assert_eq!(
        (total.value, total.numerator, total.denominator, total.n),
        (Some(30), 3_001, None, 2)
    );
    let mean = cell(&model, MINUTE, Window::M1, &[]);
    // 30.01 / 2 = 15.005, and half goes to the even 15.00.
    assert_eq!(
        (mean.value, mean.numerator, mean.denominator, mean.n),
        (Some(1_500), 3_001, Some(2), 2)
    );
}

#[test]
fn a_ratio_without_a_denominator_says_nothing() {
    let numerator = measure(Agg::Count, Some("data.wait_ms <= 20000"));
    let denominator = measure(Agg::Count, Some("has(data.wait_ms)"));
    let ratio = Formula::Ratio {
        numerator,
        denominator,
    };
    let mut share = kpi(ratio, &[], &[Window::M1]);
    (share.unit, share.decimals) = ("percent".to_owned(), 1);
    let log = Log::default()
        .event(0, &event("1", 0, "a", json!({"wait_ms": 20_000})))
        .event(0, &event("2", 0, "a", json!({"wait_ms": 20_001})))
        .event(0, &event("3", 0, "a", json!({"wait_ms": 1, "wait_m": 1})))
        .event(0, &event("4", 0, "a", json!({})));
    let model = log.clock(HOUR, 1).model(&[share]);
    let got = cell(&model, MINUTE, Window::M1, &[]);
    assert_eq!(
        (got.value, got.numerator, got.denominator, got.n),
        (Some(667), 2, Some(3), 3)
    );
    let empty = cell(&model, 30 * MINUTE, Window::M1, &[]);
    assert_eq!(
        (empty.value, empty.denominator, empty.n),
        (None, Some(0), 0)
    );
}

#[test]
fn an_error_in_a_condition_is_false_even_negated() {
    let refused = simple(Agg::Count, Some(r#"!(data.queue == "q")"#), &[Window::M1]);
    let log = Log::default()
        .event(0, &event("1", 0, "a", json!({})))
        .event(0, &event("2", 0, "a", json!({"queue": 7})))
        .event(0, &event("3", 0, "a", json!({"queue": "r"})));
    assert_eq!(value(&log.model(&[refused]), MINUTE, Window::M1), Some(1));
}

#[test]
fn dimensions_have_all_other_and_the_declared_values() {
    let dims: &[(&str, &[&str])] = &[("channel", &["web"]), ("queue", &["q"])];
    let count = Formula::Simple {
        measure: measure(Agg::Count, None),
    };
    let log = Log::default()
        .event(
            0,
            &event("1", 0, "a", json!({"channel": "web", "queue": "q"})),
        )
        .event(0, &event("2", 0, "a", json!({"channel": "fax"})))
        .event(
            0,
            &event("3", 0, "a", json!({"channel": "web", "queue": 1})),
        );
    let model = log.model(&[kpi(count, dims, &[Window::M1])]);
    let get = |channel, queue| {
        cell(
            &model,
            MINUTE,
            Window::M1,
            &[("channel", channel), ("queue", queue)],
        )
        .value
    };
    assert_eq!(get("all", "all"), Some(3));
    assert_eq!(get("web", "all"), Some(2));
    assert_eq!(get("other", "all"), Some(1));
    assert_eq!(get("all", "other"), Some(2));
    assert_eq!(get("web", "q"), Some(1));
    assert_eq!(get("other", "q"), Some(0));
    assert_eq!(model.at((crate::kit::T + MINUTE) / SECOND).len(), 9);
}

#[test]
fn distinct_customers_stay_at_minutes_and_nobody_is_no_customer() {
    let who = simple(Agg::CountDistinct, None, &[Window::M5]);
    let log = Log::default()
        .event(0, &viewed("1", 0))
        .event(0, &viewed("2", 59 * SECOND))
        .event(0, &with(viewed("3", 0), "subject", "d"))
        .event(0, &without(viewed("4", 0), "subject"));
    let model = log.clock(HOUR, 1).model(&[who]);
    assert_eq!(value(&model, MINUTE, Window::M5), Some(2));
    assert_eq!(value(&model, 5 * MINUTE, Window::M5), Some(2));
    assert_eq!(value(&model, 5 * MINUTE + SECOND, Window::M5), Some(0));
}

#[test]
fn records_count_at_log_time_by_what_became_of_them() {
    let names = ["applied", "duplicate", "late", "dead_lettered", "control"];
    let dims: &[(&str, &[&str])] = &[("outcome", &names)];
    let records = Formula::Simple {
        measure: measure(Agg::CountRecords, None),
    };
    let log = Log::default()
        .event(0, &viewed("1", 0))
        .event(40 * MINUTE, &viewed("2", 0))
        .event(40 * MINUTE, &viewed("2", 0))
        .put(0, 40 * MINUTE, b"{")
        .event(3 * HOUR, &viewed("3", 3 * HOUR))
        .clock(2 * HOUR, 1)
        .create();
    let model = log.model(&[kpi(records, dims, &[Window::M1])]);
    let get = |outcome| {
        cell(
            &model,
            40 * MINUTE + 5 * SECOND,
            Window::M1,
            &[("outcome", outcome)],
        )
        .value
    };
    assert_eq!(
        names.map(get),
        [Some(0), Some(1), Some(1), Some(2), Some(0)]
    );
    assert_eq!(
        get("all"),
        Some(4),
        "the jump stands at the log time it did not move"
    );
}

#[test]
fn a_late_event_is_in_no_window() {
    let log = Log::default()
        .clock(31 * MINUTE, 1)
        .event(31 * MINUTE, &viewed("1", 30 * MINUTE))
        .event(31 * MINUTE, &viewed("2", 0));
    assert_eq!(
        value(&log.model(&[counts()]), 32 * MINUTE, Window::H1),
        Some(1)
    );
}

#[test]
fn a_window_that_reaches_before_the_latest_start_is_warming() {
    let elsewhere = without(viewed("2", MINUTE), "subject").to_string();
    let log = Log::default()
        .event(0, &viewed("1", 0))
        .put(1, MINUTE, elsewhere.as_bytes());
    let who = simple(Agg::Count, None, &[Window::M1, Window::M5]);
    let model = log.model_of(&[who], 2);
    let state = |s, window| cell(&model, s, window, &[]).state & WARMING;
    assert_eq!(state(2 * MINUTE - SECOND, Window::M1), WARMING);
    assert_eq!(state(2 * MINUTE, Window::M1), 0);
    assert_eq!(state(6 * MINUTE - SECOND, Window::M5), WARMING);
    assert_eq!(state(6 * MINUTE, Window::M5), 0);
}

#[test]
fn an_event_for_a_pane_already_final_restates_its_windows() {
    let log = Log::default()
        .event(0, &viewed("1", 0))
        .event(2 * MINUTE + 5 * SECOND, &viewed("2", 0));
    let model = log.clock(HOUR, 1).model(&[counts()]);
    let state = |s, window| cell(&model, s, window, &[]).state & RESTATED;
    // Its 5-second pane ended at 5 s and was final at 2:05; its minute pane is final at 3:00 only.
    assert_eq!(state(3 * MINUTE, Window::M5), RESTATED);
    assert_eq!(state(3 * MINUTE, Window::M15), 0);
    assert_eq!(state(6 * MINUTE, Window::M5), 0, "the pane left the window");
    let early = Log::default().event(2 * MINUTE + 5 * SECOND - 1, &viewed("2", 0));
    let model = early.clock(HOUR, 1).model(&[counts()]);
    assert_eq!(
        cell(&model, 3 * MINUTE, Window::M5, &[]).state & RESTATED,
        0
    );
}
