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
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: std::ops::Range<u64> = 0..16;

/// Definitions of a seed, read as those of an installation are.
fn catalog(rng: &mut StdRng, rich: bool) -> Catalog {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), rng, rich);
    load(dir.path()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// What counted something, of kinds that few definitions have.
#[derive(Debug, Default)]
struct Seen {
    numbered: BTreeSet<(Key, i64)>,
    across: BTreeSet<(Key, i64)>,
    combined: BTreeSet<String>,
}

type Key = (String, Window, BTreeMap<String, String>);

impl Seen {
    fn note(&mut self, key: &Key, n: i64) {
        if n == 0 {
            return;
        }
        let both = || (key.clone(), n);
        if key.0.starts_with("numbers") {
            self.numbered.insert(both());
        } else if key.0.starts_with("across") {
            self.across.insert(both());
        } else if key.0.starts_with("combined") {
            self.combined.extend(key.2.values().cloned());
        }
    }

    fn is_enough(&self) {
        let Self {
            numbered,
            across,
            combined,
        } = self;
        assert!(numbered.len() > 100, "{numbered:?}");
        assert!(across.len() > 20, "{across:?}");
        let told = ["true", "3", "web/sales", "chat/vip", "web/true/1", "other"];
        assert!(told.iter().all(|t| combined.contains(*t)), "{combined:?}");
    }
}

#[test]
fn law_1_percentiles_days_and_arithmetic_equal_a_recount_of_the_log() {
    let (mut derived, mut percentiles, mut days, mut decided) = (0, 0, 0, 0);
    let mut seen = Seen::default();
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
                days += told * u32::from(cell.key.window == Window::Day);
                derived += told * u32::from(cell.kind == "derived");
                percentiles += told * u32::from(cell.kind == "simple" && got.numerator != got.n);
                seen.note(&key, got.n);
            }
        }
    }
    assert!(
        derived > 500 && percentiles > 500 && days > 500 && decided > 200,
        "{derived}, {percentiles}, {days}, {decided}"
    );
    seen.is_enough();
}
