//! Laws 1 and 10: against the slow model, which recounts whole logs.

use crate::fold::{catalog, fold};
use crate::world::{SEEDS, logs, world};
use cx_engine::Step;
use cx_sim::slow::SlowModel;
use std::collections::BTreeSet;

#[test]
fn law_1_and_10_incremental_equals_from_scratch_and_every_offset_is_accounted_for() {
    let catalog = catalog();
    let set = catalog.compile(1);
    let mut seen = BTreeSet::new();
    for seed in SEEDS {
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let logs = logs(&world(seed), partitions, 7);
        let (sealed, engines) = fold(&catalog, &logs, Step::Second);
        let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
        assert!(sealed.len() > 60, "seed {seed} seals something");
        let chosen: Vec<i64> = sealed.keys().copied().collect();
        for s in chosen.iter().rev().step_by(chosen.len() / 4) {
            let expected = slow.at(*s);
            for (cell, got) in set.cells.iter().zip(sealed[s].values.iter()) {
                let key = (
                    cell.key.kpi.to_string(),
                    cell.key.window,
                    cell.key.dims.clone(),
                );
                assert_eq!(*got, expected[&key], "seed {seed}, second {s}, {key:?}");
                if got.n > 0 {
                    seen.insert(key.0);
                }
            }
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
    for kpi in [
        "first_response_time",
        "response_time",
        "replies_waiting",
        "replies_overdue",
        "queue_wait",
        "first_response_in_60s",
        "oldest_reply_waiting",
    ] {
        assert!(seen.contains(kpi), "no world has any {kpi}: {seen:?}");
    }
}
