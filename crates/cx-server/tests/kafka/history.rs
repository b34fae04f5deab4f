//! The past, as it was sealed: what a house that is killed has kept, its next life shows at once.

use crate::cluster::{Installation, sent};
use crate::proof::{names, recounted};
use crate::restart::{until, until_saved};
use crate::round_trip::{events, log};
use crate::run::House;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a house says of its past: the trend, and the board at each of its minutes.
struct Said {
    trend: BTreeMap<i64, Vec<Value>>,
    /// Final parts of the same minutes, where there are any.
    parts: BTreeMap<i64, Vec<Value>>,
    boards: BTreeMap<i64, Value>,
}

/// Twenty-five minutes of history, in a topic that keeps its writers' times.
fn installed() -> Installation {
    let mut at = Installation::bare(3);
    at.good(&["topics", "create", "--history"]);
    at.more
        .push(("WATCHFLOOR_KAFKA_HISTORY", "true".to_owned()));
    at.more
        .push(("WATCHFLOOR_SNAPSHOTS_EVERY_S", "1".to_owned()));
    sent(&at, &events(25).0);
    at
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn trend(house: &House, query: &str) -> BTreeMap<i64, Vec<Value>> {
    lines(house, query, "values")
}

fn lines(house: &House, query: &str, of: &str) -> BTreeMap<i64, Vec<Value>> {
    let trend = house.get(&format!("/v1/boards/care/trend{query}"));
    let minutes = trend["s"].as_array().expect("minutes");
    let lines = trend[of].as_object().expect("lines");
    let at = |i: usize| lines.values().map(|line| line[i].clone()).collect();
    let all = minutes.iter().enumerate();
    all.map(|(i, s)| (number(s), at(i))).collect()
}

fn said(house: &House) -> Said {
    let trend = trend(house, "");
    let mut parts = lines(house, "?parts=final", "parts");
    parts.retain(|_, parts| parts.iter().any(|parts| !parts.is_null()));
    let board = |s: &i64| house.get(&format!("/v1/boards/care?s={s}"));
    Said {
        boards: trend.keys().map(|s| (*s, board(s))).collect(),
        trend,
        parts,
    }
}

/// All that an earlier life said, it says again.
fn same(before: &Said, house: &House) {
    let now = said(house);
    for (s, values) in &before.trend {
        assert_eq!(now.trend.get(s), Some(values), "the trend at {s}");
        for field in [
            "s",
            "g",
            "values",
            "parts",
            "offsets",
            "final_through",
            "cells",
        ] {
            let (before, now) = (&before.boards[s][field], &now.boards[s][field]);
            assert_eq!(before, now, "{field} at {s}");
        }
    }
    for (s, parts) in &before.parts {
        assert_eq!(now.parts.get(s), Some(parts), "final parts before {s}");
    }
    let history = &house.get("/healthz")["history"];
    for field in ["differences", "missed", "unread", "failures"] {
        assert_eq!(history[field], 0, "{history}");
    }
}

#[test]
fn a_house_that_is_killed_shows_the_same_past_at_once_and_a_recount_agrees_with_it() {
    let at = installed();
    let house = at.serve();
    let kept = |health: &Value| health["history"]["minutes"].as_i64() >= Some(24);
    until(&house, "/healthz", "minutes are kept", kept);
    until_saved(&house, &at);
    let before = said(&house);
    assert!(before.trend.len() >= 24, "{:?}", before.trend.keys());
    assert!(before.parts.len() >= 20, "{:?}", before.parts.keys());
    drop(house);

    // From its snapshots: it does not seal those minutes again.
    let house = at.serve();
    same(&before, &house);
    let (first, last) = before
        .trend
        .iter()
        .next()
        .zip(before.trend.iter().next_back())
        .expect("some");
    let span = trend(&house, &format!("?from={}&to={}&step=900", first.0, last.0));
    let quarters = before.trend.iter().filter(|(s, _)| *s % 900 == 0);
    assert!(quarters.clone().count() > 0);
    assert!(span.iter().eq(quarters), "the quarters of an hour");
    let gone = house.get(&format!("/v1/boards/care?s={}", first.0 - 7));
    assert_eq!(gone["nearest"], *first.0, "{gone}");
    assert_eq!(gone["kept"]["durable"], true, "{gone}");
    let compared = recounted(&log(&at), |slow| {
        let mut compared = 0;
        for s in before.boards.keys().rev().step_by(8) {
            let recounted = slow.at(*s);
            let board = &before.boards[s];
            let names = names(board);
            for value in board["values"].as_array().expect("values") {
                let (id, value, state): (u32, Option<i64>, u8) =
                    serde_json::from_value(value.clone()).expect("a value");
                if let Some(cell) = recounted.get(&names[&id]) {
                    assert_eq!(
                        (value, state),
                        (cell.value, cell.state),
                        "{s} {:?}",
                        names[&id]
                    );
                    compared += i64::from(cell.n > 0);
                }
            }
        }
        compared
    });
    assert!(compared > 100, "only {compared} cells had anything in them");
    drop(house);

    // From the log's beginning: it seals them all again, and says the same.
    std::fs::remove_dir_all(at.data.path().join("snapshots")).expect("there");
    let house = at.serve();
    same(&before, &house);
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn minutes_that_are_sealed_again_with_other_numbers_are_told_and_the_first_ones_stay() {
    let at = installed();
    let house = at.serve();
    let kept = |health: &Value| health["history"]["minutes"].as_i64() >= Some(24);
    until(&house, "/healthz", "minutes are kept", kept);
    let before = said(&house);
    drop(house);
    // Another log under the same name, and no snapshot that would know.
    std::fs::remove_dir_all(at.data.path().join("snapshots")).expect("there");
    let mut other = installed();
    std::mem::swap(&mut other.data, &mut { at }.data);
    let folder = other.data.path().join("history");
    let entry = std::fs::read_dir(&folder).expect("a folder").next();
    let entry = entry.expect("one topic").expect("readable");
    std::fs::rename(entry.path(), folder.join(other.interactions())).expect("moved");
    let house = other.serve();
    let differs = |health: &Value| health["history"]["differences"].as_i64() > Some(0);
    until(&house, "/healthz", "it is told", differs);
    let alarms = house.get("/readyz")["alarms"].to_string();
    assert!(
        alarms.contains("sealed again with other numbers"),
        "{alarms}"
    );
    let now = said(&house);
    for (s, values) in &before.trend {
        assert_eq!(now.trend.get(s), Some(values), "the trend at {s}");
    }
    let text = ureq::get(format!("{}/metrics", house.url)).call();
    let text = text.expect("an answer").into_body().read_to_string();
    let text = text.expect("text");
    for name in [
        "history_bytes",
        "history_minutes",
        "history_oldest_timestamp_seconds",
    ] {
        let line = text
            .lines()
            .find(|l| l.starts_with(&format!("watchfloor_{name} ")));
        let value = line.and_then(|l| l.rsplit(' ').next()?.parse::<i64>().ok());
        assert!(value > Some(0), "{name}: {line:?}");
    }
    assert!(!text.contains("watchfloor_history_differences_total 0"));
}
