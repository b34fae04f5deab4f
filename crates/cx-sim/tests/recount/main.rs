//! The independent recount: a program in another language, written from the documents, counts the
//! logs of these worlds again and must say exactly what engine and roll-up say.

#[path = "../laws/changing.rs"]
mod changing;
#[path = "../laws/definitions.rs"]
mod definitions;
mod differ;
mod expected;
mod later;
mod log;
mod python;
mod slow;
#[path = "../laws/world.rs"]
mod world;

use differ::{Difference, differences};
use expected::{Fold, KEY, fold};
use log::Log;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use world::SEEDS;

/// The shipped catalogue.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog")
}

/// What both say of a log at `seconds` of its sealed seconds, and how they differ.
fn recounted(name: &str, catalog: &Path, log: &Log, seconds: usize) -> (Value, Vec<Difference>) {
    held_against((name, catalog), log.dump(), fold(catalog, log, seconds))
}

/// What the recount says of a dump, and how that differs from what is expected.
fn held_against(
    (name, catalog): (&str, &Path),
    text: String,
    fold: Fold,
) -> (Value, Vec<Difference>) {
    let Fold { chosen, expected } = fold;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("target can be written");
    let dump = folder.join("log.ndjson");
    std::fs::write(&dump, text).expect("target can be written");
    let text = serde_json::to_vec(&expected).expect("plain data");
    std::fs::write(folder.join("expected.json"), text).expect("target can be written");
    let got = got(catalog, &dump, &chosen);
    let found = differences(&expected["seconds"], &got["seconds"]);
    (got, found)
}

/// What the recount says.
fn got(catalog: &Path, dump: &Path, seconds: &[i64]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let seconds: Vec<String> = seconds.iter().map(ToString::to_string).collect();
    let (seconds, key) = (seconds.join(","), format!("{},{}", KEY.0, KEY.1));
    let dump = dump.to_str().expect("text");
    let line = ["--json", "--hash-key", &key, "--log", dump, "--s", &seconds];
    let done = python::recount(&root, catalog, &line);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "the recount failed:\n{said}");
    serde_json::from_slice(&done.stdout).expect("the recount prints JSON")
}

fn equal(name: &str, catalog: &Path, log: &Log, seconds: usize) -> Value {
    same(name, recounted(name, catalog, log, seconds))
}

/// What was got, without a difference.
fn same(name: &str, (got, found): (Value, Vec<Difference>)) -> Value {
    let first: Vec<_> = found.iter().take(10).map(ToString::to_string).collect();
    let many = found.len();
    assert!(
        found.is_empty(),
        "{name}: {many} differences:\n{}",
        first.join("\n")
    );
    got
}

/// How many entries of a kind all seconds have together.
fn count(got: &Value, what: &str) -> usize {
    let seconds = got["seconds"].as_array().expect("seconds");
    let of = |s: &Value| s[what].as_array().map_or(0, Vec::len);
    seconds.iter().map(of).sum()
}

#[test]
fn random_worlds_are_recounted_to_the_last_bit_over_the_shipped_catalogue() {
    let mut cells = 0;
    for seed in SEEDS {
        let log = log::of_world(seed);
        let got = equal(&format!("world-{seed}"), &shipped(), &log, 5);
        cells += count(&got, "cells");
        let notes = got["notes"].to_string();
        assert!(
            notes.contains("control records taken on trust"),
            "it says what it could not check: {notes}"
        );
    }
    assert!(cells > 30_000, "{cells} cells");
}

#[test]
fn worlds_with_quick_replies_are_recounted_with_every_decision() {
    let catalog = log::quick_catalog(&shipped());
    let mut decisions = 0;
    for seed in 0..6 {
        let log = log::of_world(seed);
        let got = equal(&format!("quick-{seed}"), &catalog, &log, 4);
        decisions += count(&got, "decisions");
    }
    assert!(decisions > 30, "{decisions} decisions");
}

#[test]
fn random_definitions_are_recounted_over_weeks_and_turned_clocks() {
    let mut days = 0;
    for seed in 0..3 {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kinds-{seed}-catalog"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an old run's");
        }
        std::fs::create_dir_all(&folder).expect("target can be written");
        let mut rng = StdRng::seed_from_u64(seed);
        definitions::write(&folder, &mut rng, true);
        let log = log::of_stretched_world(seed, &mut rng);
        let got = equal(&format!("kinds-{seed}"), &folder, &log, 6);
        let told = got["seconds"].as_array().expect("seconds").iter();
        let cells = told.flat_map(|s| s["cells"].as_array().expect("cells"));
        let counted = |c: &&Value| c["window"] == "day" && c["n"] != 0;
        days += cells.filter(counted).count();
    }
    assert!(days > 30, "{days} numbers of business days");
}

#[test]
fn a_company_with_every_fault_is_recounted_to_the_last_bit() {
    let log = log::of_company();
    let got = equal("company", &shipped(), &log, 6);
    assert!(count(&got, "customers") > 200, "customers came");
    assert!(count(&got, "decisions") > 0, "replies were missed");
    let seconds = got["seconds"].as_array().expect("seconds").iter();
    let cells = seconds.flat_map(|s| s["cells"].as_array().expect("cells"));
    let (mut all, mut counted) = (BTreeSet::new(), BTreeSet::new());
    for cell in cells {
        all.insert(cell["kpi"].as_str());
        counted.extend((cell["n"] != 0).then_some(cell["kpi"].as_str()));
    }
    // Whose attempts are decided after more than the log is long.
    for kpi in ["first_contact_resolution", "containment_rate"] {
        assert!(
            all.remove(&Some(kpi)) && !counted.contains(&Some(kpi)),
            "{kpi}"
        );
    }
    assert_eq!(all, counted, "every KPI of the catalogue counted something");
}

#[test]
fn times_that_meet_and_more_messages_than_are_kept_are_recounted_alike() {
    let mut seen = BTreeSet::new();
    for seed in 0..4 {
        let got = equal(&format!("grid-{seed}"), &shipped(), &log::of_grid(seed), 40);
        let seconds = got["seconds"].as_array().expect("seconds");
        let account = &seconds[seconds.len() - 1]["accounts"][0];
        for (place, name) in [
            ("/limited/unanswered", "unanswered"),
            ("/limited/deadlines", "deadlines"),
            ("/breached", "breached"),
            ("/met", "met"),
        ] {
            let many = account.pointer(place).and_then(Value::as_i64);
            seen.extend((many > Some(0)).then_some(name));
        }
    }
    assert_eq!(seen.len(), 4, "only {seen:?}");
}

#[test]
fn a_log_that_lost_its_beginning_says_data_gap_until_somebody_knows() {
    let log = log::of_world(3).beginning_lost(40);
    let got = equal("gap", &shipped(), &log, 8);
    let seconds = got["seconds"].as_array().expect("seconds");
    let marked = |s: &&Value| {
        let cells = s["cells"].as_array().expect("cells");
        cells[0]["state"].as_u64().expect("bits") & 4 != 0
    };
    let many = seconds.iter().filter(marked).count();
    assert!(
        0 < many && many < seconds.len(),
        "{many} of {} marked",
        seconds.len()
    );
}

#[test]
fn where_gaps_are_losses_every_one_of_them_is_a_data_gap() {
    let mut log = log::of_world(2);
    log.gaps_are_losses = true;
    let got = equal("losses", &shipped(), &log, 20);
    let states = |at: &str| got.pointer(at).and_then(Value::as_u64).expect("bits");
    assert_eq!(states("/seconds/0/cells/0/state") & 4, 0, "not yet");
    let last = got["seconds"].as_array().expect("seconds").len() - 1;
    assert_eq!(states(&format!("/seconds/{last}/cells/0/state")) & 4, 4);
}

#[test]
fn a_cell_that_is_missing_or_different_on_either_side_is_found() {
    let log = log::of_world(1);
    let Fold { expected, .. } = fold(&shipped(), &log, 2);
    let whole = &expected["seconds"];
    assert!(differences(whole, whole).is_empty());
    for (change, what) in [
        ("/0/cells/0/value", Some(Value::from(-77))),
        ("/0/cells/0/state", Some(Value::from(64))),
        ("/0/cells/3", None),
        ("/1/accounts/0/applied", Some(Value::from(-1))),
        ("/1/customers/0", None),
        ("/1/customers/0/digest", Some(Value::from("x"))),
        ("/1/offsets/0", Some(Value::from(-1))),
        ("/1", None),
    ] {
        let mut other = whole.clone();
        let (parent, last) = change.rsplit_once('/').expect("a path");
        match (what, other.pointer_mut(parent).expect("there")) {
            (Some(value), Value::Array(list)) => {
                list[last.parse::<usize>().expect("index")] = value
            }
            (Some(value), place) => place[last] = value,
            (None, Value::Array(list)) => drop(list.remove(last.parse().expect("index"))),
            (None, _) => unreachable!("only entries of lists are removed"),
        }
        assert!(!differences(whole, &other).is_empty(), "{change}");
        assert!(!differences(&other, whole).is_empty(), "{change}, swapped");
    }
}
