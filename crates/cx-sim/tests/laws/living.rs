//! The laws while definitions change: random changes in mid-stream, activated at different offsets of
//! each partition.

use crate::changing::{Manner, STAY, activated, sets};
use crate::fold::{Sets, deliver, fold_sets};
use crate::world::Logs;
use cx_catalog::Catalog;
use cx_engine::{Block, Effect, Engine, Step};
use cx_model::value::{CellValue, Sealed};
use cx_sim::slow::{Cell, Reading, SlowModel};
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: std::ops::Range<u64> = 0..3;

pub(crate) fn slow<'m>(catalogs: &'m [Catalog], logs: &Logs) -> SlowModel<'m> {
    let first = &catalogs[0];
    let hashes: Vec<String> = catalogs.iter().map(|c| c.hash.clone()).collect();
    let partitions = u32::try_from(logs.len()).expect("few");
    let slots = Sets::of(catalogs).last().slots.clone();
    let mut reading = Reading::new(first.limits, slots, partitions).among(&hashes);
    for (partition, log) in (0..).zip(logs) {
        log.iter().for_each(|r| reading.plain(partition, r));
    }
    let kpis = catalogs.iter().map(|c| c.kpis.as_slice()).collect();
    SlowModel::under(kpis, &first.reply_targets, reading)
}

/// The cells of a sealed second by name.
fn told(sets: &Sets, (number, sealed): &(u32, Sealed)) -> BTreeMap<Cell, CellValue> {
    let cells = &sets.plan(*number).set().cells;
    assert_eq!(cells.len(), sealed.values.len(), "the set's cells");
    let key =
        |c: &cx_model::value::CellInfo| (c.key.kpi.to_string(), c.key.window, c.key.dims.clone());
    cells
        .iter()
        .map(key)
        .zip(sealed.values.iter().copied())
        .collect()
}

#[test]
fn law_1_and_10_hold_while_definitions_change_at_any_place_of_the_log() {
    let mut seen = BTreeSet::new();
    let mut mixed = 0;
    for seed in 0..9 {
        let catalogs = sets(seed);
        let all = Sets::of(&catalogs);
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let (logs, _) = activated(seed, partitions, (Manner::Careless, &catalogs));
        let (sealed, engines) = fold_sets(&all, &logs, Step::Second);
        let slow = slow(&catalogs, &logs);
        let chosen: Vec<i64> = sealed.keys().copied().collect();
        for s in chosen.iter().rev().step_by(chosen.len() / 8) {
            let got = told(&all, &sealed[s]);
            assert_eq!(sealed[s].0, slow.set_at(*s), "seed {seed}, second {s}");
            let expected = slow.at(*s);
            for (cell, value) in &got {
                assert_eq!(*value, expected[cell], "seed {seed}, second {s}, {cell:?}");
            }
            assert_eq!(got.len(), expected.len(), "seed {seed}, second {s}");
            seen.insert(sealed[s].0);
            let ahead = engines.iter().map(Engine::in_force).max();
            mixed += usize::from(ahead != Some(sealed[s].0));
        }
        for (p, engine) in engines.iter().enumerate() {
            let a = engine.account();
            assert!(a.holds(), "seed {seed}: {a:?}");
            let of = slow.outcomes(p);
            let n = |name: &str| of.get(name).copied().unwrap_or(0);
            let got = [a.applied, a.duplicates, a.late, a.dead_lettered, a.control];
            let names = ["applied", "duplicate", "late", "dead_lettered", "control"];
            assert_eq!(got, names.map(n), "seed {seed}, partition {p}");
        }
    }
    assert_eq!(seen, BTreeSet::from([1, 2, 3]), "all sets came into force");
    assert!(
        mixed > 5,
        "partitions changed apart from one another: {mixed}"
    );
}

#[test]
fn a_definition_that_stays_never_notices_that_others_change() {
    let mut compared = 0;
    for seed in SEEDS {
        let catalogs = sets(seed);
        let all = Sets::of(&catalogs);
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let (with, without) = activated(seed, partitions, (Manner::Careless, &catalogs));
        let (changed, _) = fold_sets(&all, &with, Step::Second);
        let (same, _) = fold_sets(&all, &without, Step::Second);
        assert_eq!(changed.len(), same.len(), "seed {seed}");
        for (s, one) in &changed {
            let (one, other) = (told(&all, one), told(&all, &same[s]));
            for (cell, value) in one.iter().filter(|(c, _)| STAY.contains(&c.0.as_str())) {
                assert_eq!(*value, other[cell], "seed {seed}, second {s}, {cell:?}");
                compared += usize::from(value.n > 0 && changed[s].0 > 1);
            }
        }
    }
    assert!(
        compared > 5_000,
        "there was something to compare: {compared}"
    );
}

#[test]
fn a_kpi_with_another_target_keeps_what_it_counted_and_one_with_another_condition_warms_up() {
    let catalogs = sets(0);
    let mut later = sets(0).remove(0);
    later.hash = "later".to_owned();
    for kpi in &mut later.kpis {
        if kpi.kpi == "stays_count" {
            kpi.target = Some(77);
            kpi.hash = "another target".to_owned();
        }
        if kpi.kpi == "k00" {
            kpi.filter = Some("data.wait_ms > 5".to_owned());
            kpi.hash = "another condition".to_owned();
        }
    }
    let catalogs = [catalogs.into_iter().next().expect("three"), later];
    let all = Sets::of(&catalogs);
    let (logs, without) = activated(0, 2, (Manner::Orderly, &catalogs));
    let (sealed, _) = fold_sets(&all, &logs, Step::Second);
    let (same, _) = fold_sets(&all, &without, Step::Second);
    let (mut kept, mut warm) = (0, 0);
    for (s, one) in sealed.iter().filter(|(_, (number, _))| *number == 2) {
        let (got, before) = (told(&all, one), told(&all, &same[s]));
        for (cell, value) in &got {
            if cell.0 == "stays_count" {
                assert_eq!(*value, before[cell], "second {s}, {cell:?}");
                kept += 1;
            }
            if cell.0 == "k00" && value.state & cx_model::value::WARMING != 0 {
                warm += 1;
            }
        }
    }
    assert!(kept > 100 && warm > 100, "{kept} kept, {warm} warming");
}

#[test]
fn law_2_and_5_replay_is_exact_and_one_partition_equals_many_while_definitions_change() {
    for seed in SEEDS {
        let catalogs = sets(seed);
        let all = Sets::of(&catalogs);
        let values = |partitions| {
            let (logs, _) = activated(seed, partitions, (Manner::Orderly, &catalogs));
            let (sealed, engines) = fold_sets(&all, &logs, Step::Second);
            let (again, _) = fold_sets(&all, &logs, Step::Second);
            let told = |all_sealed: &BTreeMap<i64, (u32, Sealed)>| -> BTreeMap<i64, _> {
                let one = |(s, one): (&i64, _)| (*s, told(&all, one));
                all_sealed.iter().map(one).collect()
            };
            assert_eq!(told(&sealed), told(&again), "seed {seed}: a replay");
            assert!(engines.iter().all(|e| e.in_force() == 3), "seed {seed}");
            told(&sealed)
        };
        let (one, many) = (values(1), values(3));
        // Each partition has its own control records, and they are counted.
        let counts_records = |kpi: &str| kpi == "k09";
        for (s, cells) in &many {
            let Some(whole) = one.get(s) else {
                continue;
            };
            for (cell, value) in cells.iter().filter(|(c, _)| !counts_records(&c.0)) {
                let whole = &whole[cell];
                let (whole, many) = ((whole.value, whole.n), (value.value, value.n));
                assert_eq!(whole, many, "seed {seed}, second {s}, {cell:?}");
            }
        }
    }
}

#[test]
fn law_6_a_snapshot_at_any_offset_goes_on_through_activations() {
    let mut coming = 0;
    for seed in SEEDS {
        let catalogs = sets(seed);
        let all = Sets::of(&catalogs);
        let (logs, _) = activated(seed, 1, (Manner::Careless, &catalogs));
        let log = &logs[0];
        let run = |engine: &mut Engine, from: usize, to: usize| {
            let mut effects = Vec::new();
            for (offset, record) in (0..).zip(log).skip(from).take(to - from) {
                deliver(engine, all.last(), offset, record);
                effects.extend(std::iter::from_fn(|| engine.next_effect()));
            }
            effects
        };
        for at in (1..log.len()).step_by(7) {
            let mut engine = all.engine(0, 1);
            run(&mut engine, 0, at);
            let blocks: Vec<Vec<u8>> = engine.cut().blocks().map(|b| bytes(&b)).collect();
            let blocks = blocks
                .iter()
                .map(|b| postcard::from_bytes(b).expect("our own bytes"));
            let restored = Engine::restore(all.config(0, 1), all.plans(), blocks);
            let mut restored = restored.unwrap_or_else(|unfit| panic!("seed {seed}: {unfit}"));
            all.teach(&mut restored);
            coming += usize::from(engine.set_number() > engine.in_force());
            let expected: Vec<Effect> = run(&mut engine, at, log.len());
            let got = run(&mut restored, at, log.len());
            assert_eq!(got, expected, "seed {seed}, cut at {at}");
            assert_eq!(
                restored.account(),
                engine.account(),
                "seed {seed}, cut at {at}"
            );
        }
    }
    assert!(
        coming > 0,
        "some were cut while a set was to come: {coming}"
    );
}

fn bytes(block: &Block) -> Vec<u8> {
    postcard::to_stdvec(block).expect("plain data")
}
