//! Definitions that change in mid-stream, held against the independent recount: at any place of the log, in
//! some partitions never, twice or too early; and back to what they were.

use crate::changing::{Manner, STAY, activated, sets};
use crate::definitions;
use crate::expected::fold_under;
use crate::log::{Log, careless, control, event};
use crate::world::Logs;
use crate::{held_against, same};
use cx_catalog::{Catalog, load_texts};
use cx_model::record::TimestampKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Sealed seconds that are looked at.
const SECONDS: usize = 14;

/// A log as Kafka holds it, with gaps and careless senders.
fn log(logs: Logs) -> Log {
    let all = logs.into_iter().map(|log| {
        let all = log.into_iter().enumerate().map(|(i, r)| {
            let mut entry = match r.control {
                Some(said) => control(r.timestamp, said.counter, said.act),
                None => event(r.timestamp, TimestampKind::LogAppend, r.value),
            };
            if i % 11 == 4 && entry.steer.is_none() {
                entry = careless(i, entry);
            }
            entry.offset = i64::try_from(i + i / 29 * 2).expect("short");
            entry
        });
        all.collect::<Vec<_>>()
    });
    let partitions: Vec<_> = all.collect();
    Log {
        lows: vec![0; partitions.len()],
        gaps_are_losses: false,
        partitions,
    }
}

/// The log's dump with its definitions in the first line, as `watchfloor recount --dump` writes it.
fn dump(log: &Log, sets: &[Catalog]) -> String {
    let text = log.dump();
    let (head, records) = text.split_once('\n').expect("a head");
    let mut head: Value = serde_json::from_str(head).expect("JSON");
    let written = (1..).zip(sets);
    let written = written.map(
        |(number, set): (u32, _)| json!({"set": number, "hash": set.hash, "files": set.texts}),
    );
    head["definitions"] = written.collect();
    format!("{head}\n{records}")
}

/// The files of a set in a folder.
fn folder(name: &str, texts: &BTreeMap<String, String>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (name, text) in texts {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().expect("below")).expect("target can be written");
        std::fs::write(file, text).expect("target can be written");
    }
    folder
}

/// What the recount says of a log under these sets, the same as engine and roll-up.
fn equal(name: &str, sets: &[Catalog], log: &Log) -> Value {
    let expected = fold_under(sets, log, SECONDS);
    let catalog = folder(&format!("{name}-catalog"), &sets[0].texts);
    same(
        name,
        held_against((name, &catalog), dump(log, sets), expected),
    )
}

/// Numbers of the sets in force at the seconds that were looked at.
fn in_force(got: &Value) -> BTreeSet<u64> {
    let seconds = got["seconds"].as_array().expect("seconds").iter();
    seconds.filter_map(|s| s["set_number"].as_u64()).collect()
}

fn cells(got: &Value, s: usize) -> impl Iterator<Item = &Value> {
    got["seconds"][s]["cells"].as_array().expect("cells").iter()
}

#[test]
fn sets_that_are_activated_at_any_place_are_recounted_to_the_last_bit() {
    let (mut seen, mut kept) = (BTreeSet::new(), 0);
    for seed in 0..6 {
        let all = sets(seed);
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let manner = if seed < 4 {
            Manner::Careless
        } else {
            Manner::Orderly
        };
        let (with, without) = activated(seed, partitions, (manner, &all));
        let got = equal(&format!("later-{seed}"), &all, &log(with));
        let plain = equal(&format!("never-{seed}"), &all[..1], &log(without));
        seen.extend(in_force(&got));
        // What no change touches says what it would have said.
        for s in 0..got["seconds"].as_array().expect("seconds").len() {
            let stays = |c: &&Value| STAY.iter().any(|name| c["kpi"] == *name);
            let own: Vec<&Value> = cells(&got, s).filter(stays).collect();
            let theirs: Vec<&Value> = cells(&plain, s).filter(stays).collect();
            assert_eq!(
                got["seconds"][s]["s"], plain["seconds"][s]["s"],
                "seed {seed}"
            );
            assert_eq!(own, theirs, "seed {seed}");
            kept += own.iter().filter(|c| c["n"] != 0).count();
        }
    }
    assert_eq!(seen, BTreeSet::from([1, 2, 3]), "all came into force");
    assert!(kept > 500, "{kept} numbers that stay");
}

/// Definitions of every kind, which are changed for others of their kind, and then are as they were.
fn every_kind(name: &str, rng: &mut StdRng) -> Vec<Catalog> {
    let [first, other] = ["first", "other"].map(|which| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{which}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("an old run's");
        }
        std::fs::create_dir_all(&folder).expect("target can be written");
        definitions::write(&folder, rng, true);
        cx_catalog::load(&folder).unwrap_or_else(|f| panic!("{}", f[0]))
    });
    let mut texts = first.texts.clone();
    for (name, text) in &first.texts {
        let kinds = ["kpis/conv", "kpis/day", "kpis/now", "kpis/replies"];
        let other = &other
            .texts
            .get(name)
            .filter(|_| kinds.iter().any(|kind| name.starts_with(kind)));
        // What others are derived from stays a thing of its kind.
        let changed = match (rng.random_range(0..5), other) {
            (0, Some(other)) => (*other).clone(),
            (1, Some(_)) => {
                texts.remove(name);
                continue;
            }
            (2, _) if name.starts_with("kpis/m") && !text.contains("derived") => {
                format!("{text}\nfilter: data.channel == \"web\"")
            }
            (3, _) if name.starts_with("kpis/") => {
                text.replace("direction: none", "direction: none\ntarget: 3")
            }
            _ => continue,
        };
        texts.insert(name.clone(), changed);
    }
    let second = load_texts(&texts).unwrap_or_else(|f| panic!("{}", f[0]));
    assert_ne!(first.hash, second.hash);
    let again = load_texts(&first.texts).expect("as before");
    vec![first, second, again]
}

#[test]
fn definitions_of_every_kind_change_and_change_back_as_the_recount_says() {
    let mut seen = BTreeSet::new();
    // In the last one attempts of before a change are still under way when the definition is back.
    for seed in [0, 1, 2, 3, 114] {
        let name = format!("kinds-later-{seed}");
        let all = every_kind(&name, &mut StdRng::seed_from_u64(seed));
        let partitions = 1 + u32::try_from(seed % 2).expect("small");
        let (logs, _) = activated(seed, partitions, (Manner::Orderly, &all));
        seen.extend(in_force(&equal(&name, &all, &log(logs))));
    }
    assert_eq!(seen, BTreeSet::from([1, 2, 3]), "all came into force");
}
