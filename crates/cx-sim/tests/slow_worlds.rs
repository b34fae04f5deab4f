//! The worlds are as bad as they say, and the slow model keeps its books in all of them.

mod worlds;

use cx_model::limits::Limits;
use cx_sim::slow::SlowModel;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use worlds::{World, any_world};

fn recount(world: &World) -> SlowModel {
    let mut model = SlowModel::new(&[], &[], &[], Limits::default(), world.partitions);
    model.feed(world.records.clone());
    model
}

#[test]
fn worlds_hold_every_outcome_and_every_reason_of_order() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let world = any_world()
            .new_tree(&mut runner)
            .expect("a world")
            .current();
        let model = recount(&world);
        for partition in 0..world.partitions {
            let names = model.names(partition).into_iter();
            seen.extend(names.flat_map(|(_, name, reason)| [name, reason]));
        }
    }
    for name in [
        "applied",
        "duplicate",
        "late",
        "control",
        "jump",
        "future",
        "misplaced",
        "empty",
        "invalid_json",
        "invalid_attribute",
        "missing_attribute",
        "control_forged",
        "control_replayed",
        "control_invalid",
    ] {
        assert!(seen.contains(name), "no {name} in 300 worlds");
    }
}

proptest! {
    #![proptest_config(Config::with_cases(64))]

    #[test]
    fn every_offset_of_every_world_is_accounted_for(world in any_world()) {
        let model = recount(&world);
        for partition in 0..world.partitions {
            let a = model.accounting(partition);
            let named = a.applied + a.duplicates + a.late + a.dead_lettered + a.control + a.gaps;
            prop_assert_eq!(a.next - a.start, named);
        }
    }

    #[test]
    fn log_time_never_goes_back_in_any_world(world in any_world()) {
        let model = recount(&world);
        for partition in 0..world.partitions {
            let (first, last) = model.span(partition).expect("no partition is empty");
            prop_assert!(first <= last);
            let mut passing = -1;
            for s in (first..=last).step_by(61) {
                let offset = model.passed_by(partition, s).expect("up to its last second");
                prop_assert!(offset >= passing);
                passing = offset;
            }
        }
    }
}
