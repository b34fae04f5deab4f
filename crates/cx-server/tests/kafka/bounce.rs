//! A broker that goes away and comes back.

use crate::cluster::{Installation, sent};
use crate::nemesis::{kafka, xtask};
use crate::proof::check;
use crate::round_trip::{events, log};
use crate::run::{House, now, root};
use std::process::Command;
use std::time::Duration;

/// Nobody else's, and below those that systems give to clients.
const PORT: &str = "29592";
const PATIENCE: Duration = Duration::from_secs(90);

/// A broker of this test's own, which may therefore be ended.
struct Own;

impl Own {
    /// Forgets what an earlier run left.
    fn begin() -> Self {
        kafka(&["up", "--fresh", "--port", PORT]);
        Self
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(xtask(&["down", "--port", PORT]).status());
    }
}

/// The broker's process.
fn broker() -> String {
    let pid = root().join(format!("target/kafka/{PORT}/broker-1/pid"));
    std::fs::read_to_string(pid).expect("it was started")
}

fn signal(process: &str, name: &str) {
    let line = format!("kill -{name} {process}");
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.expect("a shell").success(), "{line}");
}

fn until_ready(house: &House, ready: bool) {
    let begun = now();
    while house.get("/readyz")["ready"] != ready {
        let why = house.get("/readyz");
        assert!(begun.elapsed() < PATIENCE, "{why}");
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

/// The first of the lines through the HTTP door; its status.
fn put(house: &House, lines: &[u8]) -> u16 {
    let line = lines.split(|b| *b == b'\n').next().expect("a line");
    house
        .post("/v1/events", "application/cloudevents+json", line)
        .0
}

#[test]
fn a_broker_that_dies_and_returns_is_heard_again_and_nothing_is_lost() {
    let own = Own::begin();
    let mut at = Installation::bare(3);
    at.bootstrap = format!("127.0.0.1:{PORT}");
    at.good(&["topics", "create"]);
    let house = at.serve();
    let (before, _) = events(2);
    sent(&at, &before);
    kafka(&["down", "--port", PORT]);
    until_ready(&house, false);
    let why = house.get("/readyz");
    assert!(
        why["why"].as_str().is_some_and(|w| w.contains("old")),
        "{why}"
    );
    assert_eq!(put(&house, &before), 503);
    kafka(&["up", "--port", PORT]);
    until_ready(&house, true);
    let (after, _) = events(1);
    sent(&at, &after);
    check(&house, &log(&at));
    // One that is there and says nothing: the end comes all the same.
    let (mut house, broker) = (house, broker());
    signal(&broker, "STOP");
    let begun = now();
    house.signal("INT");
    let (status, errors) = house.wait();
    let took = begun.elapsed();
    signal(&broker, "CONT");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(
        status.success() || errors.contains("no orderly end within 20 s"),
        "{status}: {errors}"
    );
    let house = at.serve();
    check(&house, &log(&at));
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
    drop(own);
}
