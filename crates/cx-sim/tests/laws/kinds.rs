//! Law 1 for definitions nobody has written: random percentiles, business days of random
//! calendars, and random arithmetic over random KPIs.

use crate::definitions::write;
use crate::fold::fold;
use crate::world::{logs, stretched, world};
use cx_catalog::{Catalog, load};
use cx_engine::Step;
use cx_model::record::TimestampKind;
use cx_model::window::Window;
use cx_sim::slow::SlowModel;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

const SEEDS: std::ops::Range<u64> = 0..16;

/// Definitions of a seed, read as those of an installation are.
fn catalog(rng: &mut StdRng, rich: bool) -> Catalog {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), rng, rich);
    load(dir.path()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

#[test]
fn law_1_percentiles_days_and_arithmetic_equal_a_recount_of_the_log() {
    let (mut derived, mut percentiles, mut days, mut decided) = (0, 0, 0, 0);
    let (mut numbered, mut across) = (BTreeSet::new(), BTreeSet::new());
    for seed in SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let catalog = catalog(&mut rng, seed % 3 == 0);
        let set = catalog.compile(1);
        let mut world = world(seed + 100);
        if seed % 2 == 1 {
            world = stretched(world, &mut rng);
        }
        let mut logs = logs(&world, 1 + u32::try_from(seed % 3).expect("small"), 7);
        for record in logs.iter_mut().flatten() {
            record.timestamp_kind = TimestampKind::LogAppend;
        }
        let (sealed, _) = fold(&catalog, &logs, Step::Second);
        let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
        let chosen: Vec<i64> = sealed.keys().copied().collect();
        for s in chosen.iter().rev().step_by(chosen.len() / 8) {
            let expected = slow.at(*s);
            for (cell, got) in set.cells.iter().zip(sealed[s].values.iter()) {
                let key = (
                    cell.key.kpi.to_string(),
                    cell.key.window,
                    cell.key.dims.clone(),
                );
                assert_eq!(*got, expected[&key], "seed {seed}, second {s}, {key:?}");
                let told = u32::from(got.value.is_some());
                let kept = ["conv", "replies"].iter().any(|n| key.0.starts_with(n));
                decided += u32::from(kept && got.n != 0);
                if key.0.starts_with("numbers") && got.n != 0 {
                    numbered.insert((key.0.clone(), key.1, key.2.get("source").cloned(), got.n));
                }
                if key.0.starts_with("across") && got.n != 0 {
                    across.insert((key.0, key.1, got.n));
                }
                days += told * u32::from(cell.key.window == Window::Day);
                derived += told * u32::from(cell.kind == "derived");
                percentiles += told * u32::from(cell.kind == "simple" && got.numerator != got.n);
            }
        }
    }
    assert!(
        derived > 500 && percentiles > 500 && days > 500 && decided > 200,
        "{derived}, {percentiles}, {days}, {decided}"
    );
    assert!(numbered.len() > 100, "{numbered:?}");
    assert!(across.len() > 20, "{across:?}");
}
