//! Log time, and the first name that fits.

use crate::kit::{HOUR, Log, MINUTE, SECOND, T, event, with, without};
use cx_model::control::Act;
use cx_model::ids::partition_of;
use cx_model::reject::{Reason, Rejected};
use serde_json::json;

fn seen(id: &str, time: i64) -> serde_json::Value {
    event(
        id,
        time,
        "cx.view.page_viewed.v1",
        json!({"channel": "web"}),
    )
}

fn activate(number: u32) -> Act {
    Act::Activate {
        number,
        hash: "ab".to_owned(),
    }
}

#[test]
fn log_time_never_goes_back_and_refused_records_move_it() {
    let log = Log::default()
        .event(10 * SECOND, &seen("1", 0))
        .event(5 * SECOND, &seen("2", 0))
        .put(0, 40 * SECOND, b"{");
    let model = log.model(&[]);
    let s = T / SECOND;
    assert_eq!(model.span(0), Some((s + 10, s + 40)));
    assert_eq!(model.passed_by(0, s + 10), Some(0));
    assert_eq!(
        model.passed_by(0, s + 11),
        Some(2),
        "the refused record passes it"
    );
    assert_eq!(model.passed_by(0, s + 41), None);
    assert!(model.sealed(s + 40) && !model.sealed(s + 41));
}

#[test]
fn a_producers_stamp_more_than_an_hour_ahead_is_a_jump_and_moves_nothing() {
    let log = Log::default()
        .event(0, &seen("1", 0))
        .event(HOUR + 1, &seen("2", 0))
        .event(HOUR, &seen("3", HOUR))
        .clock(9 * HOUR, 1)
        .create();
    let model = log.model(&[]);
    let names: Vec<&str> = model.names(0).iter().map(|n| n.1).collect();
    assert_eq!(names, ["applied", "dead_lettered", "applied", "control"]);
    assert_eq!(model.names(0)[1].2, "jump");
    let s = T / SECOND;
    assert_eq!(
        model.passed_by(0, s + 3_600),
        Some(2),
        "the jump passed nothing"
    );
    assert_eq!(model.passed_by(0, s + 9 * 3_600), Some(3));
}

#[test]
fn a_brokers_stamp_may_move_log_time_any_distance() {
    let log = Log::default().event(0, &seen("1", 0));
    let names = log.event(9 * HOUR, &seen("2", 9 * HOUR)).names();
    assert_eq!(names, ["applied", "applied"]);
}

#[test]
fn control_records_that_cannot_be_obeyed_may_not_jump() {
    let log = Log::default()
        .clock(0, 5)
        .clock(2 * HOUR, 5)
        .control(2 * HOUR, 6, activate(2));
    assert_eq!(log.create().names(), ["control", "jump", "jump"]);
}

#[test]
fn counters_rise_and_sets_follow_one_another() {
    let log = Log::default()
        .control(0, 7, activate(2))
        .control(0, 1, activate(1))
        .clock(0, 1)
        .control(0, 2, activate(1))
        .control(0, 3, activate(2));
    let expected = [
        "control_invalid",
        "control",
        "control_replayed",
        "control_invalid",
        "control",
    ];
    assert_eq!(log.names(), expected);
}

#[test]
fn a_forged_control_record_is_refused_for_its_own_reason() {
    let mut log = Log::default().clock(0, 1);
    let forged = Rejected::new(Reason::ControlForged, "header cx-control", "");
    log.0[0].control = Some(Err(forged));
    assert_eq!(log.names(), ["control_forged"]);
}

#[test]
fn bytes_that_are_no_event_are_refused_before_anything_else() {
    let log = Log::default()
        .put(0, 0, b"")
        .put(0, 0, b"{")
        .event(0, &without(seen("1", 9 * HOUR), "type"));
    assert_eq!(log.names(), ["empty", "invalid_json", "missing_attribute"]);
}

#[test]
fn an_event_from_the_future_is_refused_before_a_misplaced_one() {
    let stranger = (0..)
        .map(|n| format!("c-{n}"))
        .find(|c| partition_of(c, 2) == 1)
        .expect("some customer lives in partition 1");
    let log = Log::default()
        .event(0, &with(seen("1", HOUR + 1), "subject", stranger.clone()))
        .event(0, &with(seen("2", HOUR), "subject", stranger.clone()))
        .event(0, &without(seen("3", 0), "subject"))
        .put(
            1,
            0,
            with(seen("4", 0), "subject", stranger)
                .to_string()
                .as_bytes(),
        );
    let model = log.model_of(&[], 2);
    let reasons: Vec<&str> = model.names(0).iter().map(|n| n.2).collect();
    assert_eq!(reasons, ["future", "misplaced", ""]);
    assert_eq!(model.names(1)[0].1, "applied");
}

#[test]
fn a_refused_event_does_not_make_its_id_known() {
    let log = Log::default()
        .event(0, &seen("1", HOUR + 1))
        .event(0, &seen("1", 0))
        .event(0, &seen("1", 0));
    assert_eq!(log.names(), ["future", "applied", "duplicate"]);
}

#[test]
fn an_id_is_known_for_35_minutes_and_a_repeat_does_not_renew_it() {
    let log = Log::default()
        .event(0, &seen("1", 0))
        .event(35 * MINUTE + 59 * SECOND, &seen("1", 35 * MINUTE))
        .event(36 * MINUTE, &seen("1", 36 * MINUTE));
    assert_eq!(log.names(), ["applied", "duplicate", "applied"]);
}

#[test]
fn an_id_of_a_stamp_ahead_is_filed_under_its_stated_minute() {
    let log = Log::default()
        .event(0, &seen("1", 50 * MINUTE))
        .event(60 * MINUTE, &seen("1", 60 * MINUTE))
        .event(85 * MINUTE, &seen("1", 85 * MINUTE))
        .event(86 * MINUTE, &seen("1", 86 * MINUTE));
    assert_eq!(
        log.names(),
        ["applied", "duplicate", "duplicate", "applied"]
    );
}

#[test]
fn the_same_id_of_another_source_is_another_event() {
    let other = with(seen("1", 0), "source", "voice");
    let log = Log::default().event(0, &seen("1", 0)).event(0, &other);
    assert_eq!(log.names(), ["applied", "applied"]);
}

#[test]
fn later_than_the_horizon_is_late_and_its_repeat_is_a_repeat() {
    let log = Log::default()
        .event(30 * MINUTE, &seen("1", 0))
        .event(30 * MINUTE + 1, &seen("2", 0))
        .event(30 * MINUTE + 1, &seen("2", 0));
    assert_eq!(log.names(), ["applied", "late", "duplicate"]);
}

#[test]
fn every_offset_is_accounted_for() {
    let log = Log::default()
        .event(0, &seen("1", 0))
        .event(0, &seen("1", 0))
        .put(0, 0, b"{")
        .clock(HOUR, 1)
        .event(HOUR, &seen("2", 0))
        .event(HOUR, &event("3", HOUR, "t", json!({"channel": "pigeon"})));
    let a = log.model(&[]).accounting(0);
    let named = (a.applied, a.duplicates, a.late, a.dead_lettered, a.control);
    assert_eq!(named, (2, 1, 1, 1, 1));
    assert_eq!(
        (a.start, a.next, a.gaps, a.unregistered_channel),
        (0, 6, 0, 1)
    );
}
