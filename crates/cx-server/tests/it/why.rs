//! The glossary and the lineage of numbers, from outside.

use crate::doors::done;
use crate::run::{House, copy, root, text, watchfloor};
use cx_gateway::{Entry, Lineage, Sample};
use cx_kafka::{ClientSettings, Ear, Heard};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

const DEMO: [&str; 6] = ["--history", "10", "--rate", "20", "--customers", "200"];

fn lineage(house: &House, question: &str) -> Lineage {
    let answer = house.get(&format!("/v1/kpis/{question}"));
    serde_json::from_value(answer.clone()).unwrap_or_else(|e| panic!("{e}: {answer}"))
}

/// The event at a place of the log: source and id.
fn written(house: &House, sample: &Sample) -> (String, String) {
    let settings = ClientSettings::embedded(&house.bootstrap);
    let starts = [(sample.partition, sample.offset)];
    let mut ear = Ear::open(&settings, "cx.interactions", &starts).expect("the broker");
    let mut found = None;
    while found.is_none() {
        let heard = ear.poll(Duration::from_millis(100), &mut |heard| {
            if let (None, Heard::Record(record)) = (&found, heard) {
                let event: Value =
                    serde_json::from_slice(record.value.expect("a value")).expect("JSON");
                let word = |name: &str| event[name].as_str().expect("text").to_owned();
                found = Some((word("source"), word("id")));
            }
        });
        heard.expect("the log");
    }
    found.expect("looked until it was found")
}

/// Asks over the board protocol; the answer to the first `why`.
fn asked(house: &House, cell: u64) -> Lineage {
    let url = format!("{}/v1/stream", house.url.replacen("http", "ws", 1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (mut socket, _) = tokio_tungstenite::connect_async(url)
            .await
            .expect("a stream");
        for frame in [
            json!({"op": "sub", "id": 1, "board": "care"}),
            json!({"op": "why", "id": 1, "cell": cell}),
        ] {
            let sent = socket.send(Message::text(frame.to_string())).await;
            sent.expect("sent");
        }
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), socket.next());
            let message = next
                .await
                .expect("in time")
                .expect("open")
                .expect("a frame");
            let frame = message.into_text().expect("text");
            let mut frame: Value = serde_json::from_str(&frame).expect("JSON");
            if frame["op"] == "why" {
                return serde_json::from_value(frame["lineage"].take()).expect("a lineage");
            }
        }
    })
}

#[test]
fn every_tile_of_a_wall_tells_why_to_the_last_record() {
    let house = House::demo(&DEMO);
    let board = house.get("/v1/boards/care");
    let s = &board["s"];
    let values = board["values"].as_array().expect("values");
    let mut sampled = 0;
    for tile in board["layout"]["tiles"].as_array().expect("tiles") {
        let cell = &tile["cell"];
        let of = |all: &Value| {
            let all = all.as_array().expect("a list");
            let own = all.iter().find(|row| row[0] == *cell);
            own.expect("the tile's").clone()
        };
        let (info, value) = (of(&board["cells"]), of(&board["values"]));
        let dims = info[3].as_object().expect("dimensions");
        let dims = dims
            .iter()
            .map(|(n, v)| format!("&{n}={}", v.as_str().expect("text")));
        let question = format!(
            "{}/why?window={}&s={s}{}",
            info[1].as_str().expect("a name"),
            info[2].as_str().expect("a window"),
            dims.collect::<String>()
        );
        let told = lineage(&house, &question);
        let same = json!([cell, told.value, told.state]);
        assert_eq!(same, value, "{question}");
        let offsets: Vec<Value> = told
            .partitions
            .iter()
            .map(|p| json!([p.partition, p.next_offset]))
            .collect();
        assert_eq!(Value::from(offsets), board["offsets"], "{question}");
        assert!(
            told.partitions
                .iter()
                .all(|p| p.account.as_ref().is_some_and(|a| a.holds))
        );
        assert!(
            !told.worked.is_empty() && !told.samples.note.is_empty(),
            "{told:?}"
        );
        for sample in &told.samples.numerator {
            let next = told.partitions[sample.partition as usize].next_offset;
            assert!(sample.offset < next, "{sample:?} is not in the number");
        }
        let newest = told.samples.numerator.first();
        let named = newest.filter(|sample| sample.outcome == "applied");
        if let Some(sample) = named {
            let (source, id) = written(&house, sample);
            assert_eq!(
                (Some(source), Some(id)),
                (sample.source.clone(), sample.id.clone())
            );
            sampled += 1;
        }
    }
    assert!(
        values.len() > 9 && sampled >= 3,
        "{sampled} tiles named records"
    );
}

#[test]
fn a_stream_tells_why_and_what_is_rare_is_looked_for_further_back() {
    let house = House::demo(&DEMO);
    let board = house.get("/v1/boards/care");
    let first = board["layout"]["tiles"][0]["cell"].as_u64().expect("an id");
    let told = asked(&house, first);
    assert_eq!(
        told.kpi,
        board["cells"][usize::try_from(first - 1).expect("small")][1]
    );
    assert!(told.s >= board["s"].as_i64().expect("a second"));

    // Too rare for a short look: a long one follows it.
    let rare = lineage(&house, "late_rate/why?window=15m");
    let read: i64 = rare.samples.looked.iter().map(|l| l.to - l.from).sum();
    let all: i64 = rare.partitions.iter().map(|p| p.next_offset).sum();
    assert_eq!(read, all.min(40_000), "{}", rare.samples.note);
    assert!(
        rare.samples.note.contains("older ones"),
        "{}",
        rare.samples.note
    );
}

#[test]
fn a_glossary_entry_has_the_agreed_form_and_its_file_loads_to_the_same_hash() {
    let house = House::demo(&DEMO);
    let all = house.get("/v1/kpis");
    let all = all["kpis"].as_array().expect("a list");
    let mut tiles = 0;
    for entry in all {
        let read: Entry =
            serde_json::from_value(entry.clone()).unwrap_or_else(|e| panic!("{e}: {entry}"));
        assert_eq!(
            &serde_json::to_value(&read).expect("plain"),
            entry,
            "nothing else"
        );
        assert!(read.said.sentence.ends_with('.'), "{}", read.said.sentence);
        assert!(!read.file.contains('/'), "{}", read.file);
        tiles += read.used.iter().map(|u| u.tiles.len()).sum::<usize>();
    }
    let boards = house.get("/v1/boards");
    let boards = boards["boards"].as_array().expect("a list").iter();
    let hung = boards.map(|b| {
        let name = b["board"].as_str().expect("a name");
        let board = house.get(&format!("/v1/boards/{name}"));
        board["layout"]["tiles"].as_array().expect("tiles").len()
    });
    assert_eq!(tiles, hung.sum::<usize>(), "every tile is told once");

    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), folder.path());
    for name in [
        "service_level_voice",
        "nps",
        "first_response_in_60s",
        "consumer_lag",
    ] {
        let out = done(&["get", "kpi", name, "--yaml", "--url", &house.url]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let file = folder.path().join(format!("kpis/{name}.yaml"));
        std::fs::write(file, &out.stdout).expect("written");
    }
    let read = cx_catalog::load(folder.path()).expect("what was exported is right");
    for kpi in read.kpis.iter().chain(&read.observed) {
        let entry = all.iter().find(|e| e["kpi"] == *kpi.kpi);
        assert_eq!(
            entry.expect("an entry")["definition"],
            *kpi.hash,
            "{}",
            kpi.kpi
        );
    }
}

#[test]
fn the_terminal_tells_why_and_what_to_write_instead() {
    let house = House::demo(&DEMO);
    let get = |more: &[&str]| {
        let mut command = watchfloor(&["get", "kpi", "checkout_errors", "--url", &house.url]);
        command.args(more).output().expect("it runs")
    };
    let out = get(&["--why", "--window", "15m", "--dim", "channel=web"]);
    let told = text(&out.stdout);
    assert!(out.status.success(), "{}", text(&out.stderr));
    for words in [
        "checkout_errors), 15m, channel=web",
        "of ",
        "next_offset",
        "sum",
        "newest records",
        "records below the offsets",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let out = get(&["--why", "--json"]);
    let told: Lineage = serde_json::from_slice(&out.stdout).expect("a lineage");
    assert_eq!(
        (told.kpi.as_str(), told.window.as_str()),
        ("checkout_errors", "5m")
    );
    let check = |more: &[&str], code: i32, words: &str| {
        let out = get(more);
        assert_eq!(out.status.code(), Some(code), "{more:?}");
        let told = text(&out.stderr);
        assert!(told.contains(words), "{words} in {told}");
    };
    check(&["--why", "--window", "15"], 1, "windows are: 5m, 15m, 1h");
    check(
        &["--why", "--dim", "channel=wep"],
        1,
        "did you mean \"web\"?",
    );
    check(
        &["--why", "--dim", "chanel=web"],
        1,
        "did you mean \"channel\"?",
    );
    check(&["--why", "--dim", "channel"], 1, "--dim queue=sales");
    check(&["--window", "15m"], 2, "--why");
    let wrong = ["get", "kpi", "checkout_error", "--why", "--url", &house.url];
    let told = text(&done(&wrong).stderr);
    assert!(told.contains("did you mean \"checkout_errors\"?"), "{told}");
}

#[test]
fn a_derived_number_leads_to_the_numbers_it_is_calculated_from() {
    let house = House::demo(&DEMO);
    let told = lineage(&house, "nps/why?window=1h");
    let names: Vec<(&str, &str)> = told.made_of.iter().map(|i| (&*i.name, &*i.kpi)).collect();
    let expected = [
        ("promoters", "nps_promoters"),
        ("detractors", "nps_detractors"),
        ("answers", "nps_answers"),
    ];
    assert_eq!(names, expected);
    for part in &told.made_of {
        let question = format!("{}/why?window={}&s={}", part.kpi, part.window, told.s);
        let own = lineage(&house, &question);
        assert_eq!(own.shown, part.shown, "{question}");
        assert!(told.worked.contains(&part.shown), "{}", told.worked);
    }
    assert!(
        told.samples.note.contains("ask why of each"),
        "{}",
        told.samples.note
    );
}
