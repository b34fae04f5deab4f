//! A house that is killed, and what it finds when it is started again: its snapshots, corrupt ones,
//! a log that lost its beginning, another log under the same name.

use crate::cluster::{Installation, bootstrap, sent};
use crate::proof::check;
use crate::round_trip::{events, log};
use crate::run::{House, now, watchfloor};
use cx_kafka::{Ear, Topics};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(40);
/// State bit: records that the number needs are missing.
const DATA_GAP: u64 = 4;

/// An installation that saves every second.
pub(crate) fn installed(partitions: u32) -> Installation {
    let mut at = Installation::new(partitions);
    at.more
        .push(("WATCHFLOOR_SNAPSHOTS_EVERY_S", "1".to_owned()));
    at
}

pub(crate) fn until(
    house: &House,
    path: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    let begun = now();
    loop {
        let answer = house.get(path);
        if holds(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: {answer}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The offsets of the newest snapshots.
fn saved(health: &Value) -> Vec<i64> {
    let all = health["snapshots"]["partitions"]
        .as_array()
        .expect("a list");
    let offset = |p: &Value| p["next_offset"].as_i64().expect("an offset");
    all.iter().map(offset).collect()
}

/// Waits until every partition has a snapshot that holds all that is in its log before now.
pub(crate) fn until_saved(house: &House, at: &Installation) -> Vec<i64> {
    let partitions: Vec<u32> = (0..at.partitions).collect();
    let ear = Ear::connect(&at.settings(), &at.interactions(), &partitions).expect("the broker");
    let end = |partition: &u32| ear.bounds(*partition).expect("a log").1;
    let ends: Vec<i64> = partitions.iter().map(end).collect();
    let health = until(house, "/healthz", "saved", |health| {
        let offsets = saved(health);
        offsets.len() == ends.len() && offsets.iter().zip(&ends).all(|(saved, end)| saved >= end)
    });
    assert_eq!(health["snapshots"]["failures"], 0, "{health}");
    saved(&health)
}

fn accounts(health: &Value, field: &str) -> Vec<i64> {
    let all = health["partitions"].as_array().expect("a list");
    let one = |p: &Value| p[field].as_i64().expect("a number");
    all.iter().map(one).collect()
}

/// The files of a partition's snapshots, oldest first.
pub(crate) fn files(at: &Installation, partition: u32) -> Vec<PathBuf> {
    let folder = at.data.path().join("snapshots").join(at.interactions());
    let entries = std::fs::read_dir(folder).expect("a folder");
    let begins = format!("{partition:05}-");
    let mut all: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    all.retain(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with(&begins) && name.ends_with(".snap")
    });
    all.sort();
    all
}

pub(crate) fn trim(at: &Installation, to: &[(u32, i64)]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let topics = Topics::open(&at.settings()).expect("a client");
    let topic = at.interactions();
    let trimmed = topics.trim(&topic, to);
    runtime.block_on(trimmed).expect("trimmed");
}

/// States of all cells of the board.
fn states(house: &House) -> Vec<u64> {
    let board = house.get("/v1/boards/care");
    let values = board["values"].as_array().expect("values");
    let state = |v: &Value| v[2].as_u64().expect("a state");
    values.iter().map(state).collect()
}

#[test]
fn a_house_that_is_killed_goes_on_from_its_snapshots_and_every_number_is_right() {
    let at = installed(3);
    let (lines, _) = events(4);
    let house = at.serve();
    sent(&at, &lines);
    let before = until_saved(&house, &at);
    sent(&at, &events(1).0);
    drop(house);
    sent(&at, &events(1).0);
    let house = at.serve();
    let began = accounts(&house.get("/healthz"), "began");
    let all = began.iter().zip(&before);
    assert!(all.clone().all(|(began, saved)| began >= saved), "{all:?}");
    check(&house, &log(&at));
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn a_corrupt_snapshot_is_set_aside_by_name_and_an_older_one_takes_over() {
    let at = installed(2);
    let house = at.serve();
    sent(&at, &events(3).0);
    until_saved(&house, &at);
    until(&house, "/healthz", "three are kept", |_| {
        files(&at, 0).len() >= 2
    });
    drop(house);
    let newest = files(&at, 0).pop().expect("a snapshot");
    let mut bytes = std::fs::read(&newest).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).expect("written");
    let house = at.serve();
    let ready = house.get("/readyz");
    let alarm = ready["alarms"][0].as_str().unwrap_or_default();
    let name = newest.file_name().expect("a name").to_string_lossy();
    assert!(
        alarm.contains(&*name) && alarm.contains("set aside"),
        "{ready}"
    );
    assert!(!newest.exists());
    assert!(accounts(&house.get("/healthz"), "began")[0] > 0);
    check(&house, &log(&at));
}

#[test]
fn without_snapshot_and_beginning_every_number_says_so_until_somebody_acknowledges_it() {
    let at = installed(2);
    sent(&at, &events(3).0);
    let house = at.serve();
    let ends = accounts(&house.get("/healthz"), "next");
    drop(house);
    for file in files(&at, 0).iter().chain(&files(&at, 1)) {
        std::fs::remove_file(file).expect("there");
    }
    trim(&at, &[(0, ends[0] / 2)]);
    let house = at.serve();
    let gap = json!([{"partition": 0, "from": 0, "to": ends[0] / 2}]);
    assert_eq!(house.get("/readyz")["data_gaps"], gap);
    assert!(states(&house).iter().all(|s| s & DATA_GAP != 0));
    missing(&house, "raised");
    let acknowledge = |through: i64| {
        let act = json!({
            "action": "acknowledge_data_gap", "partition": 0, "through": through, "by": "Ada",
            "why": "a test",
        });
        let body = act.to_string();
        house.post("/v1/actions", "application/json", body.as_bytes())
    };
    let (status, problem) = acknowledge(ends[0] / 2 - 1);
    assert_eq!(status, 409, "{problem}");
    let (status, written) = acknowledge(ends[0] / 2);
    assert_eq!((status, &written["offset"]), (202, &json!(0)), "{written}");
    let known = |ready: &Value| ready["data_gaps"] == json!([]);
    until(&house, "/readyz", "acknowledged", known);
    until(&house, "/v1/boards/care", "no mark is left", |_| {
        states(&house).iter().all(|s| s & DATA_GAP == 0)
    });
    missing(&house, "cleared");
    until_saved(&house, &at);
    drop(house);
    let house = at.serve();
    assert_eq!(house.get("/readyz")["data_gaps"], json!([]));
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

/// The alert that records are missing is in this state.
fn missing(house: &House, state: &str) {
    until(house, "/v1/alerts", state, |page| {
        let mut all = page["alerts"].as_array().into_iter().flatten();
        all.any(|a| a["cause"] == "records_missing" && a["priority"] == "P1" && a["state"] == state)
    });
}

#[test]
fn a_log_that_ran_past_the_snapshots_is_a_gap_from_where_they_end() {
    let at = installed(2);
    sent(&at, &events(3).0);
    let house = at.serve();
    let kept = until_saved(&house, &at);
    drop(house);
    sent(&at, &events(2).0);
    let ear = Ear::connect(&at.settings(), &at.interactions(), &[1]).expect("the broker");
    let (_, end) = ear.bounds(1).expect("a log");
    trim(&at, &[(1, end)]);
    let house = at.serve();
    let ready = house.get("/readyz");
    let gap = &ready["data_gaps"][0];
    assert_eq!(gap["partition"], 1, "{ready}");
    let from = gap["from"].as_i64().expect("an offset");
    assert!(from >= kept[1], "{gap} after {kept:?}");
    let health = house.get("/healthz");
    let lost = accounts(&health, "lost");
    assert_eq!(lost[0], 0);
    assert_eq!(gap["to"].as_i64(), Some(from + lost[1]), "{health}");
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn another_log_under_the_same_name_is_recognised_and_refused_with_the_fix() {
    let at = installed(1);
    let house = at.serve();
    sent(&at, &events(2).0);
    until_saved(&house, &at);
    drop(house);
    let remade = |lines: &[u8]| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let topics = Topics::open(&at.settings()).expect("a client");
        let topic = at.interactions();
        runtime.block_on(topics.delete(&[&topic])).expect("removed");
        let begun = now();
        // The broker removes it a moment later.
        while !at.done(&["topics", "create"]).status.success() {
            assert!(begun.elapsed() < PATIENCE);
        }
        sent(&at, lines);
    };
    remade(&events(1).0);
    at.refused(
        &["serve"],
        &["the log ends at", "made again", "move the snapshots away"],
    );
    remade(&events(9).0);
    at.refused(
        &["serve"],
        &[
            "another record stands at",
            "made again",
            "move the snapshots away",
        ],
    );
}

#[test]
fn a_folder_that_takes_no_snapshot_is_an_alarm_and_the_work_goes_on() {
    let at = installed(2);
    let house = at.serve();
    sent(&at, &events(2).0);
    until_saved(&house, &at);
    let folder = at.data.path().join("snapshots").join(at.interactions());
    let away = at.data.path().join("away");
    std::fs::rename(&folder, &away).expect("moved");
    std::fs::write(&folder, "no folder").expect("written");
    let failing = until(&house, "/readyz", "an alarm", |r| r["alarms"] != json!([]));
    let alarm = failing["alarms"][0].as_str().expect("words");
    assert!(alarm.contains("older snapshots are kept"), "{alarm}");
    assert_eq!(failing["ready"], true);
    sent(&at, &events(1).0);
    check(&house, &log(&at));
    std::fs::remove_file(&folder).expect("there");
    std::fs::rename(&away, &folder).expect("moved");
    until(&house, "/readyz", "it ends", |r| r["alarms"] == json!([]));
    drop(house);
    check(&at.serve(), &log(&at));
}

#[test]
fn the_engine_of_a_demo_comes_back_from_its_snapshots_and_the_whole_log_counted_anew_agrees() {
    let cluster = bootstrap();
    let mut demo = watchfloor(&[
        "demo",
        "--history",
        "20",
        "--json",
        "--address",
        "127.0.0.1:0",
    ]);
    let demo = House::start(demo.args(["--kafka", &cluster]));
    for _ in 0..2 {
        let (status, told) = demo.post("/v1/demo/kill_engine", "application/json", b"{}");
        assert_eq!(status, 200, "{told}");
        let over = |told: &Value| {
            ["agrees", "differs"].contains(&told["engine"]["state"].as_str().unwrap_or(""))
        };
        let told = until(&demo, "/v1/demo", "the engine is back", over);
        let words = told["engine"]["words"].as_str().expect("a sentence");
        assert_eq!(told["engine"]["state"], "agrees", "{words}");
        let (counted, _) = words.split_once(" numbers are equal").expect("how many");
        let mut counted = counted
            .rsplit(' ')
            .filter_map(|word| word.parse::<u32>().ok());
        let (all, equal) = (counted.next(), counted.next());
        assert!(all == equal && all > Some(508), "{words}");
    }
    let (last, good) = demo.stop();
    assert!(good && last["ok"] == true, "{last}");
}

#[test]
fn a_house_without_memory_stops_reading_and_says_so_and_one_with_more_goes_on() {
    let mut at = installed(2);
    sent(&at, &events(2).0);
    // A process of any kind uses more.
    at.more.push(("WATCHFLOOR_MEMORY_MIB", "10".to_owned()));
    let house = House::started(&mut at.command(&["serve", "--json"]), "progress at");
    let full = |r: &Value| r["alarms"] != json!([]) && r["ready"] == false;
    let full = until(&house, "/readyz", "reading stops", full);
    let alarm = full["alarms"][0].as_str().expect("words");
    assert!(alarm.contains("of 10 MiB of memory are used"), "{alarm}");
    // What was on its way already is read.
    let before = RefCell::new(None);
    let still = |health: &Value| {
        let now = accounts(health, "next");
        now.len() == 2 && before.replace(Some(now.clone())) == Some(now)
    };
    let read = accounts(&until(&house, "/healthz", "reading stands", still), "next");
    sent(&at, &events(1).0);
    assert_eq!(accounts(&house.get("/healthz"), "next"), read);
    drop(house);
    at.more.pop();
    check(&at.serve(), &log(&at));
}
