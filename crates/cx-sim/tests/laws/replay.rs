//! Law 2: the same log gives the same effects in the same order, however it is fed.

use crate::fold::{catalog, deliver, engine, lean};
use crate::talks::talks;
use crate::world::{Logs, SEEDS, logs, world};
use cx_catalog::compiled::Compiled;
use cx_engine::{Account, Effect, Part, Step};
use cx_model::limits::Limits;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a run feeds one partition; nothing of it may be seen in the effects.
#[derive(Debug, Clone)]
struct Feed {
    /// The step changes after so many records, in turn.
    steps: Vec<usize>,
    /// Effects are taken after so many records.
    chunk: usize,
    /// The log time of each record is announced before it.
    announced: bool,
}

/// The effects of law 2 in order, the parts by second, and the account of every partition.
type Run = (Vec<Vec<Effect>>, Vec<BTreeMap<i64, Part>>, Vec<Account>);

fn run(set: &Arc<Compiled>, logs: &Logs, feed: &Feed) -> Run {
    let partitions = u32::try_from(logs.len()).expect("few");
    let mut run = (Vec::new(), Vec::new(), Vec::new());
    for (p, log) in (0_u32..).zip(logs) {
        let mut engine = engine(set, p, partitions);
        let (mut effects, mut parts) = (Vec::new(), BTreeMap::new());
        for (i, (offset, record)) in (0_i64..).zip(log).enumerate() {
            let turn = i / feed.steps[i % feed.steps.len()].max(1);
            engine.set_step(if turn.is_multiple_of(2) {
                Step::Second
            } else {
                Step::Minute
            });
            // Only log times that the record will truly move to may be announced.
            let moves = engine.log_time().is_none_or(|t| t <= record.timestamp);
            if feed.announced && record.control.is_some() && moves {
                engine.handle_timeout(record.timestamp);
            }
            deliver(&mut engine, set, offset, record);
            if (i + 1) % feed.chunk == 0 || i + 1 == log.len() {
                while let Some(effect) = engine.next_effect() {
                    match effect {
                        Effect::Part(part) => {
                            parts.insert(part.s, part);
                        }
                        other @ (Effect::DeadLetter { .. }
                        | Effect::Decision(_)
                        | Effect::Final(_)) => effects.push(other),
                    }
                }
            }
        }
        run.0.push(effects);
        run.1.push(parts);
        run.2.push(engine.account().clone());
    }
    run
}

fn feeds() -> impl Strategy<Value = Feed> {
    let steps = prop::collection::vec(1_usize..40, 1..4);
    (steps, 1_usize..20, any::<bool>()).prop_map(|(steps, chunk, announced)| Feed {
        steps,
        chunk,
        announced,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_2_a_replay_has_the_same_effects_in_the_same_order(
        seed in SEEDS,
        partitions in 1_u32..4,
        clocks in 0_usize..6,
        (one, two) in (feeds(), feeds()),
    ) {
        let logs = logs(&world(seed), partitions, clocks);
        let set = Arc::new(catalog().compile(1));
        let (first, second) = (run(&set, &logs, &one), run(&set, &logs, &two));
        prop_assert!(first.0.iter().any(|e| !e.is_empty()), "something is dead-lettered");
        prop_assert_eq!(&first.0, &second.0);
        prop_assert_eq!(&first.2, &second.2);
        let mut both = 0;
        for (a, b) in first.1.iter().zip(&second.1) {
            for (s, part) in a {
                if let Some(other) = b.get(s) {
                    both += 1;
                    prop_assert_eq!(part, other);
                }
            }
        }
        prop_assert!(both > 0, "whole minutes are in every run");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_2_a_replay_has_the_same_decisions_at_the_same_places(
        seed in any::<u64>(),
        clocks in 0_usize..6,
        (one, two) in (feeds(), feeds()),
    ) {
        let set = lean(&catalog(), Limits::default());
        let logs = logs(&talks(seed), 2, clocks);
        let (first, second) = (run(&set, &logs, &one), run(&set, &logs, &two));
        prop_assert_eq!(&first.0, &second.0);
        prop_assert_eq!(&first.2, &second.2);
    }
}

#[test]
fn law_2_two_runs_of_one_feed_are_one() {
    let feed = Feed {
        steps: vec![7],
        chunk: 3,
        announced: false,
    };
    let set = Arc::new(catalog().compile(1));
    for seed in SEEDS {
        let logs = logs(&world(seed), 2, 5);
        let (first, second) = (run(&set, &logs, &feed), run(&set, &logs, &feed));
        assert_eq!(first, second, "seed {seed}");
    }
}
