//! A running house against the independent recount: another program in another language, which reads
//! the log from Kafka and checks signatures and opaque ids with the house's own keys.

use crate::cluster::{Installation, sent};
use crate::living::{activate, catalogue, edit, in_force};
use crate::restart::installed;
use crate::round_trip::events;
use crate::run::{House, copy, now, root, text};
use cx_kafka::Producer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

#[path = "../../../cx-sim/tests/recount/python.rs"]
mod python;

/// Runs the recount over this installation's log; exit code, and what it said.
pub(crate) fn recount(at: &Installation, catalog: &Path, more: &[&str]) -> (Option<i32>, String) {
    let topic = at.interactions();
    let line = ["--kafka", &at.bootstrap, "--topic", &topic];
    let line: Vec<&str> = line.iter().chain(more).copied().collect();
    let done = python::recount(&root().canonicalize().expect("there"), catalog, &line);
    let said = text(&done.stdout) + &text(&done.stderr);
    (done.status.code(), said)
}

/// All that was sent is read, and seconds are sealed.
pub(crate) fn until_ready(house: &House) {
    let begun = now();
    while house.get("/readyz")["ready"] != true {
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "it reads the log"
        );
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// The recount agrees with all that the house says, with its keys and without.
fn agrees(at: &Installation, house: &House) {
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let data = at.data.path().to_str().expect("text");
    let (code, said) = recount(at, &shipped, &["--against", &house.url, "--data", data]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 differences: equal"), "{said}");
    assert!(said.contains(" customer"), "customers are compared: {said}");
    assert!(!said.contains("trust"), "signatures are checked: {said}");
    let (code, said) = recount(at, &shipped, &["--against", &house.url]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("control records taken on trust"), "{said}");
    assert!(said.contains("the server was asked"), "{said}");
}

/// The parts of every cell by its name.
fn named(cells: &Value) -> BTreeMap<String, [Value; 5]> {
    let all = cells.as_array().expect("cells").iter();
    let named = all.map(|c| {
        let name = format!("{} {} {}", c["kpi"], c["window"], c["dims"]);
        let parts = ["value", "state", "numerator", "denominator", "n"];
        (name, parts.map(|part| c[part].clone()))
    });
    named.collect()
}

/// `watchfloor recount` agrees too, and each of the two programs reads what the other wrote.
fn agrees_with_ours(at: &Installation, house: &House) {
    let data = at.data.path().to_str().expect("text");
    let line = ["recount", "--from", &at.bootstrap, "--against", &house.url];
    let said = at.good(&[&line[..], &["--data", data]].concat());
    assert!(
        said.contains("signatures of control records checked"),
        "{said}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
    let [ours, theirs] = [&ours, &theirs].map(|path| path.to_str().expect("text"));
    let read = |said: &str| -> Value {
        serde_json::from_str(said.lines().next().expect("a line")).expect("JSON")
    };
    let line = ["recount", "--json", "--from"];
    let said = at.good(&[&line[..], &[&at.bootstrap, "--dump", ours]].concat());
    let first = read(&said);
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let s = first["s"].to_string();
    let python = ["--json", "--no-customers", "--s", &s, "--log", ours];
    let done = python::recount(&root().canonicalize().expect("there"), &shipped, &python);
    let other = read(&text(&done.stdout));
    let same = |one: &Value, other: &Value| {
        assert_eq!(named(&one["cells"]), named(&other["cells"]));
        assert_eq!(one["offsets"], other["offsets"]);
    };
    same(&first, &other["seconds"][0]);
    let (code, said) = recount(
        at,
        &shipped,
        &["--dump", theirs, "--s", &s, "--no-customers"],
    );
    assert_eq!(code, Some(0), "{said}");
    let said = at.good(&[&line[..], &[theirs, "--s", &s]].concat());
    same(&read(&said), &first);
}

/// Pressing the seal recounts on the server, one time after the other.
fn seal_agrees(house: &House) {
    assert_eq!(house.get("/v1/recount")["state"], "none");
    let (status, begun) = house.post("/v1/recount", "application/json", b"");
    assert_eq!(
        (status, &begun["state"]),
        (202, &"reading".into()),
        "{begun}"
    );
    let told = pressed(house);
    assert_eq!(told["state"], "agrees", "{told}");
    assert_eq!(told["s"], begun["s"]);
    assert_eq!(told["score"]["equal"], told["score"]["numbers"], "{told}");
    let words = told["words"].as_str().expect("words");
    assert!(words.contains("records from offset 0: "), "{words}");
}

/// How the recount of a pressed seal ends.
pub(crate) fn pressed(house: &House) -> Value {
    let begun = now();
    loop {
        let told = house.get("/v1/recount");
        if !matches!(told["state"].as_str(), Some("reading" | "counting")) {
            return told;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{told}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Without the first records of some partitions: what rests on them is not called different.
fn beginning_lost(at: &Installation, house: &House) {
    let topics = cx_kafka::Topics::open(&at.settings()).expect("a client");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let topic = at.interactions();
    let trimmed = topics.trim(&topic, &[(0, 3)]);
    runtime.block_on(trimmed).expect("trimmed");
    let line = [
        "recount",
        "--from",
        &at.bootstrap,
        "--against",
        &house.url,
        "--json",
    ];
    let unsaid = |line: &[&str]| {
        let done = at.done(line);
        assert_eq!(done.status.code(), Some(2), "{}", text(&done.stderr));
        text(&done.stdout)
    };
    let said = unsaid(&line);
    let told: Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    assert_eq!(told["from"][0], 3, "{told}");
    assert_eq!(told["not_provable"], told["numbers"], "{told}");
    assert!(told["holds_from"]["records"].is_string(), "{told}");
    let said = unsaid(&line[..5]);
    assert!(said.contains("the log's beginning is gone"), "{said}");
    let (status, _) = house.post("/v1/recount", "application/json", b"");
    assert_eq!(status, 202);
    let told = pressed(house);
    assert_eq!(told["state"], "unsaid", "{told}");
    let words = told["words"].as_str().expect("words");
    assert!(
        words.contains("beginning is gone: windows can be proven that begin after"),
        "{words}"
    );
}

/// A recount of other definitions, or with other keys, must not agree.
fn differs(at: &Installation, house: &House) {
    let other = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), other.path());
    let file = other.path().join("kpis/late_records.yaml");
    let kept = std::fs::read_to_string(&file).expect("shipped");
    let changed = kept.replace(
        r#"record.outcome == "late""#,
        r#"record.outcome == "applied""#,
    );
    assert_ne!(kept, changed, "there is such a condition");
    std::fs::write(file, changed).expect("written");
    let (code, said) = recount(at, other.path(), &["--against", &house.url]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("late_records"), "{said}");
    let keys = tempfile::tempdir().expect("a folder");
    copy(at.data.path(), keys.path());
    let file = keys.path().join("secrets/control/k1.key");
    std::fs::write(file, "0".repeat(64)).expect("written");
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let data = keys.path().to_str().expect("text");
    let (code, said) = recount(at, &shipped, &["--against", &house.url, "--data", data]);
    assert_ne!(
        code,
        Some(0),
        "no control record is signed with that key: {said}"
    );
    let line = ["recount", "--from", &at.bootstrap, "--against", &house.url];
    let ours = at.done(&[&line[..], &["--data", data]].concat());
    assert_ne!(ours.status.code(), Some(0), "{}", text(&ours.stdout));
}

#[test]
fn a_house_over_a_live_topic_says_what_the_independent_recount_says() {
    let at = Installation::new(4);
    let house = at.serve();
    sent(&at, &events(4).0);
    let producer = Producer::open(&at.settings()).expect("a producer");
    let put = producer.send(&at.interactions(), Some(1), None, b"no event", &[], None);
    put.expect("room");
    producer.flush(Duration::from_secs(10)).expect("delivered");
    until_ready(&house);
    agrees(&at, &house);
    agrees_with_ours(&at, &house);
    seal_agrees(&house);
    differs(&at, &house);
    beginning_lost(&at, &house);
}

#[test]
fn a_history_and_its_decisions_are_what_the_independent_recount_says() {
    let mut at = Installation::bare(3);
    at.good(&["topics", "create", "--history"]);
    at.more
        .push(("WATCHFLOOR_KAFKA_HISTORY", "true".to_owned()));
    sent(&at, &events(20).0);
    let house = at.serve();
    until_ready(&house);
    agrees(&at, &house);
    agrees_with_ours(&at, &house);
    let decisions = format!("{}cx.decisions", at.prefix);
    let data = at.data.path().to_str().expect("text");
    let shipped = root().join("deploy/catalog").canonicalize().expect("there");
    let line = ["--data", data, "--no-customers", "--decisions", &decisions];
    let (code, said) = recount(&at, &shipped, &line);
    assert_eq!(code, Some(0), "{said}");
    let told = said.lines().find(|l| l.contains("decisions compared"));
    let told = told.expect("it says how many");
    assert!(told.ends_with(" 0 differences"), "{told}");
    assert!(
        !told.contains(": 0 decisions"),
        "the history has some: {told}"
    );
}

/// A threshold is another one, one KPI is gone and one is new.
fn changed(catalog: &Path) {
    for (from, to) in [("<= 20000", "<= 25000"), ("> 20000", "> 25000")] {
        edit(catalog, "service_level_voice", from, to);
    }
    let kpis = catalog.join("kpis");
    std::fs::remove_file(kpis.join("survey_response_rate.yaml")).expect("shipped");
    let orders = std::fs::read_to_string(kpis.join("orders.yaml")).expect("shipped");
    let new = orders.replace("kpi: orders", "kpi: orders_once_more");
    let name = new.lines().find(|l| l.starts_with("business_name: "));
    let new = new.replace(name.expect("named"), "business_name: Orders, once more");
    std::fs::write(kpis.join("orders_once_more.yaml"), new).expect("written");
}

/// `watchfloor recount --json` that ends well.
fn recounted(at: &Installation, more: &[&str]) -> Value {
    let said = at.good(&[&["recount", "--json", "--from"], more].concat());
    serde_json::from_str(said.lines().last().expect("a line")).expect("JSON")
}

/// A copy of the log that carries no definitions proves what comes before the later set, and says so.
fn proves_no_more_than_it_knows(at: &Installation, first: &Path, dump: &Path) {
    let lines = std::fs::read_to_string(dump).expect("written");
    let (head, records) = lines.split_once('\n').expect("a head");
    let mut head: Value = serde_json::from_str(head).expect("JSON");
    assert_eq!(head["definitions"].as_array().map(Vec::len), Some(2));
    head["definitions"] = Value::Array(Vec::new());
    let bare = at.data.path().join("bare.ndjson");
    std::fs::write(&bare, format!("{head}\n{records}")).expect("written");
    let [bare, first] = [&bare, first].map(|path| path.to_str().expect("text"));
    let line = ["recount", "--from", bare, "--catalog", first];
    let done = at.done(&line);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    for words in ["set 2 (hash ", " 0:", "no number can be proven"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let last = said
        .split_once("(--s ")
        .and_then(|(_, s)| s.split_once(')'));
    let (last, _) = last.expect("it says which second is the last one");
    let told = recounted(at, &[bare, "--catalog", first, "--s", last]);
    assert_eq!(
        (&told["s"].to_string()[..], &told["set_number"]),
        (last, &1.into())
    );
    let next = (last.parse::<i64>().expect("a second") + 1).to_string();
    let done = at.done(&[&line[..], &["--s", &next]].concat());
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stdout));
}

/// The recount in Python agrees under the later set, by the files of either; and says no more than it knows.
fn python_takes_them_too(at: &Installation, house: &House, folders: [&Path; 2], dump: &Path) {
    let [data, dump] = [at.data.path(), dump].map(|path| path.to_str().expect("text"));
    for folder in folders {
        let (code, said) = recount(at, folder, &["--against", &house.url, "--data", data]);
        assert_eq!(code, Some(0), "{said}");
        for words in [" 0 differences: equal", " customer", "under set 2 of 2"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    // A dump carries the sets from one to the other: all cells at its last second, which is under the later one.
    let last = recounted(at, &[dump, "--catalog", folders[0].to_str().expect("text")]);
    let s = last["s"].to_string();
    let line = ["--log", dump, "--json", "--no-customers", "--s", &s];
    let done = python::recount(&root().canonicalize().expect("there"), folders[0], &line);
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let python = &told["seconds"][0];
    assert_eq!(
        (&python["set_number"], &python["offsets"]),
        (&2.into(), &last["offsets"])
    );
    assert_eq!(named(&python["cells"]), named(&last["cells"]));
    let bare = at.data.path().join("bare.ndjson");
    let line = ["--log", bare.to_str().expect("text"), "--no-customers"];
    let done = python::recount(&root().canonicalize().expect("there"), folders[1], &line);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    for words in [
        "set 2 (hash ",
        "offsets 0:",
        "of later ones no number can be",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_recount_takes_later_sets_from_their_topic_and_says_what_it_cannot_prove_without() {
    let mut at = installed(3);
    let catalog = catalogue(&mut at);
    let first = tempfile::tempdir().expect("a folder");
    copy(catalog.path(), first.path());
    let house = at.serve();
    sent(&at, &events(12).0);
    until_ready(&house);
    changed(catalog.path());
    let before = house.get("/v1/kpis/orders")["s"].to_string();
    let (status, said) = activate(&house);
    assert_eq!(status, 202, "{said}");
    in_force(&house, 2);
    sent(&at, &events(2).0);
    until_ready(&house);
    let data = at.data.path().to_str().expect("text");
    let from = [&at.bootstrap, "--against", &house.url, "--data", data];
    let dump = at.data.path().join("log.ndjson");
    let dump_ = dump.to_str().expect("text");
    // By the files of either set: both stand in the topic.
    for folder in [catalog.path(), first.path()] {
        let folder = folder.to_str().expect("text");
        let told = recounted(
            &at,
            &[&from[..], &["--catalog", folder, "--dump", dump_]].concat(),
        );
        assert_eq!(
            (&told["equal"], &told["not_provable"]),
            (&told["numbers"], &0.into())
        );
        assert_eq!(
            (&told["set_number"], &told["differences"]),
            (&2.into(), &serde_json::json!([]))
        );
        let has = |kpi: &str| {
            told["cells"]
                .as_array()
                .expect("cells")
                .iter()
                .any(|c| c["kpi"] == kpi)
        };
        assert!(has("orders_once_more") && !has("survey_response_rate"));
    }
    let other = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), other.path());
    let folder = other.path().to_str().expect("text");
    let done = at.done(&[&["recount", "--from"], &from[..], &["--catalog", folder]].concat());
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("none of the 2 sets in cx.definitions"),
        "{said}"
    );
    let line = [&["recount", "--from"], &from[..], &["--s", &before]].concat();
    let done = at.done(&line);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("was judged by set 1"), "{said}");
    proves_no_more_than_it_knows(&at, first.path(), &dump);
    python_takes_them_too(&at, &house, [catalog.path(), first.path()], &dump);
}
