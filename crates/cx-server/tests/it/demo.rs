//! The demo as its user meets it.

use crate::doors::done;
use crate::run::{House, now, text};
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_bounded_demo_keeps_its_accounting_and_says_so_to_programs() {
    let line = [
        "demo",
        "--address",
        "127.0.0.1:0",
        "--history",
        "5",
        "--for",
        "2s",
        "--json",
    ];
    let output = done(&line);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));
    let last = out.lines().last().expect("a last line");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&last["name"], &last["ok"]), (&"demo".into(), &true.into()));
    assert!(last["figures"]["applied"].as_i64() > Some(5_000), "{last}");
    assert!(last["figures"]["duplicates"].as_i64() > Some(0), "{last}");
    assert!(out.contains("in memory"), "{out}");
}

#[test]
fn ctrl_c_ends_a_demo_in_order() {
    let demo = House::demo(&["--history", "5"]);
    assert_eq!(demo.get("/healthz")["broker"], "embedded");
    assert_eq!(demo.get("/readyz")["ready"], true);
    let (status, told) = demo.post("/v1/demo/kill_engine", "application/json", b"");
    assert_eq!(status, 409, "{told}");
    let detail = told["detail"].as_str().expect("words");
    assert!(detail.contains("keeps nothing"), "{detail}");
    assert_eq!(demo.get("/v1/demo")["engine"]["state"], "kept_nowhere");
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

#[test]
fn the_past_of_a_demo_is_in_memory_and_says_so() {
    let demo = House::demo(&["--history", "9"]);
    let trend = demo.get("/v1/boards/care/trend");
    let first = &trend["s"][0];
    let board = demo.get(&format!("/v1/boards/care?s={first}"));
    assert_eq!((&board["s"], &board["sealed"]), (first, &true.into()));
    for (cell, line) in trend["values"].as_object().expect("lines") {
        let values = board["values"].as_array().expect("values");
        let value = values.iter().find(|v| v[0].as_u64() == cell.parse().ok());
        assert_eq!(value.expect("a value")[1], line[0], "cell {cell}");
    }
    assert_eq!(trend["kept"]["durable"], false);
    let history = &demo.get("/healthz")["history"];
    assert_eq!(history["kept"], "in memory, until the process ends");
    assert!(history["minutes"].as_i64() >= Some(8), "{history}");
    // What is kept up to a minute holds what was final by then.
    let query = format!("?parts=final&from={first}&to={}", number(first) + 240);
    let early = demo.get(&format!("/v1/boards/care/trend{query}"));
    let lines = early["parts"].as_object().expect("lines");
    let (some, none): (Vec<_>, Vec<_>) = lines.values().partition(|l| l[0].is_array());
    assert!(some.len() >= 4 && none.len() >= 3, "{early}");
    for line in some {
        let line = line.as_array().expect("a line");
        assert_eq!(line.len(), 5, "{early}");
        assert!(line.iter().all(|parts| parts[2].is_i64()), "{early}");
    }
    let null = |line: &Value| line.as_array().expect("a line").iter().all(Value::is_null);
    assert!(none.into_iter().all(null), "{early}");
    let newest = demo.get("/v1/boards/care/trend?parts=final");
    let last = newest["s"].as_array().expect("minutes").len() - 1;
    for line in newest["parts"].as_object().expect("lines").values() {
        assert_eq!(line[last], Value::Null, "nothing of it is final");
    }
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn a_busy_port_is_named_with_the_next_free_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = done(&["demo", "--address", &address]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&format!("{address} is in use")) && error.contains("--address"),
        "{error}"
    );
}

#[test]
fn an_address_for_others_is_refused() {
    let output = done(&["demo", "--address", "0.0.0.0:0"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("not a loopback address"), "{error}");
}

#[test]
fn a_wrong_command_line_is_told_from_a_failure() {
    for line in [
        &["demo", "--for", "soon"][..],
        &["demo", "--rate", "0"],
        &["nothing"],
    ] {
        assert_eq!(done(line).status.code(), Some(2), "{line:?}");
    }
}

#[test]
fn pressing_the_seal_of_a_demo_recounts_its_log_and_agrees() {
    let demo = House::demo(&["--history", "8", "--rate", "20", "--customers", "200"]);
    let (status, begun) = demo.post("/v1/recount", "application/json", b"");
    assert_eq!(status, 202, "{begun}");
    let (status, problem) = demo.post("/v1/recount", "application/json", b"");
    assert_eq!(status, 409, "one at a time: {problem}");
    let begun = now();
    let mut told = demo.get("/v1/recount");
    while matches!(told["state"].as_str(), Some("reading" | "counting")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{told}");
        std::thread::park_timeout(Duration::from_millis(50));
        told = demo.get("/v1/recount");
    }
    assert_eq!(told["state"], "agrees", "{told}");
    assert!(told["records"].as_u64() > Some(5_000), "{told}");
    assert_eq!(told["score"]["equal"], told["score"]["numbers"]);
    let (last, good) = demo.stop();
    assert!(good, "{last}");
}
