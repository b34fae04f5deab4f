//! Laws 3, 4 and 5: what may differ between two logs, and what must not.

use crate::fold::{catalog, fold, values};
use crate::world::{SEEDS, logs, world};
use cx_engine::Step;
use cx_model::value::Sealed;
use std::collections::BTreeMap;

#[test]
fn law_3_a_repeated_event_changes_nothing() {
    let catalog = catalog();
    for seed in SEEDS {
        let world = world(seed);
        let doubled: Vec<_> = world.iter().flat_map(|r| [r.clone(), r.clone()]).collect();
        // Refused records have no id to be repeated by; they are counted as records twice.
        let counted = |sealed: &BTreeMap<i64, Sealed>| {
            let set = catalog.compile(1);
            let records = [
                "dead_letters",
                "duplicate_records",
                "duplicate_rate",
                "late_records",
                "late_rate",
            ];
            let keep: Vec<bool> = set
                .cells
                .iter()
                .map(|c| !records.contains(&&*c.key.kpi))
                .collect();
            values(sealed)
                .into_iter()
                .map(|(s, v)| {
                    (
                        s,
                        v.into_iter()
                            .zip(&keep)
                            .filter(|(_, k)| **k)
                            .map(|(v, _)| v)
                            .collect::<Vec<_>>(),
                    )
                })
                .collect::<Vec<_>>()
        };
        let once = fold(&catalog, &logs(&world, 2, 0), Step::Second).0;
        let twice = fold(&catalog, &logs(&doubled, 2, 0), Step::Second).0;
        assert_eq!(counted(&once), counted(&twice), "seed {seed}");
    }
}

#[test]
fn law_4_more_or_fewer_clock_records_change_no_value() {
    let catalog = catalog();
    for seed in SEEDS {
        let mut world = world(seed);
        world.sort_by_key(|r| r.0);
        let few = values(&fold(&catalog, &logs(&world, 1, 0), Step::Second).0);
        let many = values(&fold(&catalog, &logs(&world, 1, 2), Step::Second).0);
        let mut compared = 0;
        for (s, value) in &few {
            if let Some(other) = many.get(s) {
                compared += 1;
                assert_eq!(value, other, "seed {seed}, second {s}");
            }
        }
        assert!(compared > 60, "seed {seed}");
    }
}

#[test]
fn law_5_one_partition_equals_many() {
    let catalog = catalog();
    for seed in SEEDS {
        let mut world = world(seed);
        world.sort_by_key(|r| r.0);
        // Without misplaced or unowned events the worlds are the same.
        world.retain(|r| r.1.is_some());
        let one = values(&fold(&catalog, &logs(&world, 1, 1), Step::Second).0);
        let many = values(&fold(&catalog, &logs(&world, 4, 1), Step::Second).0);
        let mut compared = 0;
        for (s, value) in &one {
            if let Some(other) = many.get(s) {
                compared += 1;
                assert_eq!(value, other, "seed {seed}, second {s}");
            }
        }
        assert!(compared > 60, "seed {seed}");
    }
}

#[test]
fn whole_minutes_have_the_same_values_when_only_they_are_emitted() {
    let catalog = catalog();
    for seed in SEEDS {
        let logs = logs(&world(seed), 2, 3);
        let seconds = values(&fold(&catalog, &logs, Step::Second).0);
        for (s, value) in values(&fold(&catalog, &logs, Step::Minute).0) {
            if let Some(other) = seconds.get(&s) {
                assert_eq!(&value, other, "seed {seed}, minute {s}");
            }
        }
    }
}
