//! Events go in, the same numbers come out everywhere, and the recount of the log agrees.

use crate::cluster::{Installation, sent};
use crate::proof::{Log, check};
use crate::run::{House, text};
use cx_gateway::{Lineage, Partition};
use cx_kafka::Producer;
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::limits::Limits;
use cx_model::time::{MINUTE, Timestamp};
use cx_sim::{Company, Config, Faults};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

#[expect(
    clippy::disallowed_methods,
    reason = "the broker's clock is the machine's"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.expect("after 1970").as_millis();
    Timestamp(i64::try_from(ms).expect("small"))
}

/// Records of a company from `minutes` ago until now: events one a line, and what is none.
pub(crate) fn events(minutes: i64) -> (Vec<u8>, Vec<Vec<u8>>) {
    let end = now();
    let mut company = Company::new(Config {
        seed: 5,
        customers: 60,
        rate_per_s: 4.0,
        start: end.plus(-minutes * MINUTE),
        incident_at: Some(end.plus(-minutes * MINUTE / 2)),
        faults: Faults::usual(),
        diurnal: false,
    });
    let (mut lines, mut broken) = (Vec::new(), Vec::new());
    while company.peek_at() < end {
        let value = company.next_emission().value;
        if decode(&value, &SlotTable::default(), &Limits::default()).is_ok() {
            lines.extend_from_slice(&value);
            lines.push(b'\n');
        } else {
            broken.push(value);
        }
    }
    (lines, broken)
}

pub(crate) fn log(at: &Installation) -> Log<'_> {
    Log {
        settings: at.settings(),
        topic: at.interactions().leak(),
        partitions: at.partitions,
    }
}

/// A number names records of this log, and every partition's account adds up to its offset.
fn tells_why(house: &House) {
    let told = house.get("/v1/kpis/active_customers/why?window=15m");
    let told: Lineage = serde_json::from_value(told).expect("a lineage");
    assert!(told.value.is_some_and(|v| v > 0), "{told:?}");
    let holds = |p: &Partition| p.account.as_ref().is_some_and(|a| a.holds);
    assert!(told.partitions.iter().all(holds), "{told:?}");
    let samples = &told.samples.numerator;
    assert!(!samples.is_empty(), "{}", told.samples.note);
    for sample in samples {
        let next = told.partitions[sample.partition as usize].next_offset;
        assert!(
            sample.offset < next && sample.customer.is_some(),
            "{sample:?}"
        );
    }
}

#[test]
fn what_is_sent_is_what_every_door_and_the_recount_say() {
    let at = Installation::new(6);
    let (lines, broken) = events(4);
    let house = at.serve();
    assert_eq!(house.get("/healthz")["broker"], "kafka");
    let told = sent(&at, &lines);
    let count = lines.iter().filter(|b| **b == b'\n').count();
    assert_eq!(told["sent"], count, "{told}");
    let producer = Producer::open(&at.settings()).expect("a producer");
    for bytes in broken.iter().map(Vec::as_slice).chain([&b"no event"[..]]) {
        let put = producer.send(&at.interactions(), Some(1), None, bytes, &[], None);
        put.expect("room");
    }
    producer.flush(Duration::from_secs(10)).expect("delivered");
    check(&house, &log(&at));
    tells_why(&house);
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
    let figure = |name: &str| last["figures"][name].as_u64().expect("a number");
    let all = figure("applied") + figure("duplicates") + figure("late");
    assert_eq!(all, count as u64, "{last}");
    assert!(figure("dead_lettered") > 0, "{last}");
}

#[test]
fn a_history_keeps_its_times_and_is_read_again_after_a_restart() {
    let mut at = Installation::bare(3);
    at.good(&["topics", "create", "--history"]);
    at.more
        .push(("WATCHFLOOR_KAFKA_HISTORY", "true".to_owned()));
    let (lines, _) = events(3);
    sent(&at, &lines);
    for _ in 0..2 {
        let house = at.serve();
        check(&house, &log(&at));
        let (last, good) = house.stop();
        assert!(good && last["ok"] == true, "{last}");
    }
}

#[test]
fn lines_that_are_no_events_are_told_with_their_number_and_the_rest_is_sent() {
    let at = Installation::new(2);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let good = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"c"}"#;
    write!(file, "{good}\n\nnot json\n{good}").expect("written");
    let path = file.path().to_str().expect("text");
    let output = at.done(&["send", path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 3: invalid_json"));
    assert!(
        text(&output.stdout).contains("2 events sent"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn the_demo_runs_on_a_cluster_and_leaves_nothing_there() {
    let at = Installation::bare(1);
    let line = [
        "demo",
        "--kafka",
        &at.bootstrap,
        "--history",
        "5",
        "--for",
        "5s",
        "--json",
    ];
    let demo = House::start(&mut at.command(&line));
    assert_eq!(demo.get("/healthz")["broker"], "kafka");
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}
