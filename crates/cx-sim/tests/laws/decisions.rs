//! Laws 1 to 5 of decisions: against the slow model, and between logs that must decide the same.

use crate::fold::{KEY, catalog, decisions, lean};
use crate::talks::{backwards, talks};
use crate::world::{Logs, World, logs, world};
use cx_catalog::Catalog;
use cx_catalog::compiled::Compiled;
use cx_engine::{Decision, Ruling, Step};
use cx_model::ids::Key128;
use cx_model::limits::Limits;
use cx_model::time::{HOUR, MINUTE, SECOND, Timestamp};
use cx_sim::slow::{self, SlowModel};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Worlds that told an engine with one fault from a right one, with what it had wrong.
const FOUND: [(Which, &str); 10] = [
    (
        Which::Talks(6_282_158_981_789_365_387),
        "the edge at the due time",
    ),
    (
        Which::Talks(9_815_474_556_282_099_892),
        "the edge at the message",
    ),
    (
        Which::Talks(17_729_073_223_366_531_769),
        "the edge at the horizon",
    ),
    (
        Which::Talks(5_457_324_540_165_891_751),
        "the order of one moment in a conversation",
    ),
    (
        Which::Talks(15_323_265_374_816_340_935),
        "a timer left behind by an answer",
    ),
    (Which::Talks(606_584_200_763_554_058), "an end that answers"),
    (
        Which::All(480_979_686_050_969_581),
        "a message that comes after its due time",
    ),
    (Which::All(0), "forgotten in the moment of the decision"),
    (
        Which::Talks(4_179_216_909_663_202_088),
        "forgotten in the last moment of the horizon",
    ),
    (
        Which::All(416_823_209_996_413_571),
        "forgotten before the decision",
    ),
];

static CATALOG: LazyLock<Catalog> = LazyLock::new(catalog);

/// What must not depend on clock records, in the order in which decisions are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    id: Key128,
    ruling: Ruling,
    times: [Timestamp; 3],
    conversation: Key128,
    customer: Option<Key128>,
    channel: String,
}

fn said(d: &Decision) -> Said {
    Said {
        id: d.id,
        ruling: d.ruling,
        times: [d.asked_at, d.due, d.decided_at],
        conversation: d.conversation,
        customer: d.customer,
        channel: d.channel.clone(),
    }
}

/// The slow model's words for it, with the offset.
fn recounted(d: &slow::Decision) -> (i64, Said) {
    let conversation = KEY.hash(&["conversation", &d.conversation]);
    let hex = conversation.hex();
    let asked_at = d.asked_at.0.to_string();
    let said = Said {
        id: KEY.hash(&["decision", d.ruling, &hex, &asked_at]),
        ruling: match d.ruling {
            "reply_breached" => Ruling::ReplyBreached,
            "reply_met" => Ruling::ReplyMet,
            other => panic!("no ruling {other}"),
        },
        times: [d.asked_at, d.due, d.decided_at],
        conversation,
        customer: d.customer.as_deref().map(|c| KEY.hash(&[c])),
        channel: d.channel.clone(),
    };
    (i64::try_from(d.offset).expect("few"), said)
}

/// A small world of everything, or one of talks; short where a failure prints it.
#[derive(Debug, Clone, Copy)]
enum Which {
    All(u64),
    Talks(u64),
}

impl Which {
    fn world(self) -> World {
        match self {
            Self::All(seed) => world(seed),
            Self::Talks(seed) => talks(seed),
        }
    }
}

fn any_world() -> impl Strategy<Value = Which> {
    let all = any::<u64>().prop_map(Which::All);
    prop_oneof![1 => all, 3 => any::<u64>().prop_map(Which::Talks)]
}

fn sorted(mut world: World) -> World {
    world.sort_by_key(|r| r.0);
    world
}

fn limits() -> impl Strategy<Value = Limits> {
    let lateness = prop::sample::select(vec![0, 30 * SECOND, 2 * MINUTE, 40 * MINUTE]);
    let horizon = prop::sample::select(vec![MINUTE, 10 * MINUTE, 30 * MINUTE]);
    let closed = prop::sample::select(vec![SECOND, 35 * MINUTE]);
    let open = prop::sample::select(vec![2 * MINUTE, 24 * HOUR]);
    (lateness, horizon, closed, open).prop_map(|(lateness, horizon, closed, open)| Limits {
        lateness_ms: lateness,
        horizon_ms: horizon,
        contact_closed_ms: closed,
        contact_open_ms: open,
        ..Limits::default()
    })
}

/// Decisions of a log equal the slow model's; how many breaches and restatements.
fn check(set: &Arc<Compiled>, logs: &Logs, step: Step) -> Result<[usize; 2], TestCaseError> {
    let slow = SlowModel::new(&[], set.limits, &CATALOG.reply_targets, logs);
    let mut count = [0, 0];
    for (p, (got, engine)) in decisions(set, logs, step).iter().enumerate() {
        let (expected, unkept) = slow.decisions(p);
        let limited = engine.account().limited.get("deadlines");
        prop_assert_eq!(usize::try_from(limited.copied().unwrap_or(0)), Ok(unkept));
        let mut expected: Vec<_> = expected.iter().map(recounted).collect();
        expected.sort();
        let mut found: Vec<_> = got.iter().map(|d| (d.offset, said(d))).collect();
        found.sort();
        prop_assert_eq!(&found, &expected);
        in_order(got)?;
        let met = got.iter().filter(|d| d.ruling == Ruling::ReplyMet).count();
        let of = [got.len() - met, met];
        let a = engine.account();
        prop_assert_eq!([a.breached, a.met].map(usize::try_from), of.map(Ok));
        count = [count[0] + of[0], count[1] + of[1]];
    }
    Ok(count)
}

/// Places rise without gaps within a record; what falls due comes first, by time and conversation; a
/// restatement follows its breach; no id comes twice.
fn in_order(all: &[Decision]) -> Result<(), TestCaseError> {
    let mut breached = BTreeMap::new();
    for (i, d) in all.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| &all[i]);
        let same = before.filter(|b| b.offset == d.offset);
        prop_assert!(before.is_none_or(|b| b.offset <= d.offset));
        prop_assert_eq!(d.index, same.map_or(0, |b| b.index + 1));
        let order = |d: &Decision| match d.ruling {
            Ruling::ReplyBreached => (0, d.decided_at, d.conversation, d.asked_at),
            Ruling::ReplyMet => (1, d.decided_at, d.conversation, Timestamp(0)),
        };
        prop_assert!(same.is_none_or(|b| order(b) <= order(d)));
        let key = (d.conversation, d.asked_at);
        match d.ruling {
            Ruling::ReplyBreached => prop_assert!(breached.insert(key, false).is_none()),
            Ruling::ReplyMet => prop_assert_eq!(breached.insert(key, true), Some(false)),
        }
    }
    Ok(())
}

fn all_said(set: &Arc<Compiled>, logs: &Logs) -> Vec<Said> {
    let all = decisions(set, logs, Step::Minute);
    all.iter().flat_map(|(all, _)| all).map(said).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_1_decisions_equal_a_recount_of_the_log(
        which in any_world(),
        partitions in 1_u32..4,
        clocks in 0_usize..6,
        limits in limits(),
    ) {
        let set = lean(&CATALOG, limits);
        check(&set, &logs(&which.world(), partitions, clocks), Step::Second)?;
    }

    #[test]
    fn law_4_more_or_fewer_clock_records_change_no_decision(
        which in any_world(),
        clocks in 1_usize..8,
        limits in limits(),
    ) {
        let set = lean(&CATALOG, limits);
        let world = sorted(which.world());
        let few = all_said(&set, &logs(&world, 1, 0));
        let many = all_said(&set, &logs(&world, 1, clocks));
        prop_assert_eq!(few, many);
    }

    #[test]
    fn law_3_and_5_repeats_and_partitions_change_no_decision(which in any_world(), limits in limits()) {
        let set = lean(&CATALOG, limits);
        let mut world = sorted(which.world());
        world.retain(|r| r.1.is_some());
        let mut one = all_said(&set, &logs(&world, 1, 0));
        let doubled: World = world.iter().flat_map(|r| [r.clone(), r.clone()]).collect();
        prop_assert_eq!(&one, &all_said(&set, &logs(&doubled, 1, 0)));
        one.sort();
        // With a clock record each time, for a partition may be silent for longer than a jump is.
        let mut many = all_said(&set, &logs(&world, 4, 1));
        many.sort();
        prop_assert_eq!(one, many);
    }
}

#[test]
fn law_1_in_the_worlds_that_once_told_a_fault() {
    let terms = [(2, 30), (0, 1), (0, 10), (0, 30), (40, 1)];
    let lives = [(35 * MINUTE, 24 * HOUR), (SECOND, 2 * MINUTE)];
    for (which, fault) in FOUND {
        for (lateness, horizon) in terms {
            for (closed, open) in lives {
                let limits = Limits {
                    lateness_ms: lateness * MINUTE,
                    horizon_ms: horizon * MINUTE,
                    contact_closed_ms: closed,
                    contact_open_ms: open,
                    ..Limits::default()
                };
                let set = lean(&CATALOG, limits);
                for clocks in [0, 3] {
                    let count = check(&set, &logs(&which.world(), 1, clocks), Step::Second);
                    count.unwrap_or_else(|e| panic!("{fault}, {which:?}, {limits:?}: {e}"));
                }
            }
        }
    }
}

#[test]
fn the_worlds_have_breaches_and_restatements() {
    let set = lean(&CATALOG, Limits::default());
    let mut sum = [0, 0];
    for seed in 0..40 {
        let count = check(&set, &logs(&talks(seed), 1, 3), Step::Minute);
        let count = count.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        sum = [sum[0] + count[0], sum[1] + count[1]];
    }
    assert!(sum[0] > 200 && sum[1] > 40, "{sum:?}");
}

#[test]
fn law_2_neither_step_nor_second_run_changes_a_decision_or_its_place() {
    let set = lean(&CATALOG, Limits::default());
    let placed = |logs: &Logs, step| {
        let folded = decisions(&set, logs, step).into_iter();
        folded.map(|(all, _)| all).collect::<Vec<_>>()
    };
    for seed in 0..20 {
        let logs = logs(&talks(seed), 2, 4);
        let first = placed(&logs, Step::Second);
        assert_eq!(first, placed(&logs, Step::Minute), "seed {seed}");
        assert_eq!(first, placed(&logs, Step::Second), "seed {seed}");
    }
}

#[test]
fn law_7_of_too_many_deadlines_the_same_are_kept_and_the_rest_is_counted() {
    let set = lean(&CATALOG, Limits::default());
    let (mut unkept, mut decided) = (0, 0);
    for seed in 0..12 {
        // Messages come in reverse order of their time: each becomes the oldest one, unanswered.
        let logs = logs(&backwards(seed), 1, 5);
        let count = check(&set, &logs, Step::Second);
        decided += count.unwrap_or_else(|e| panic!("seed {seed}: {e}"))[0];
        let engine = &decisions(&set, &logs, Step::Minute)[0].1;
        let limited = &engine.account().limited;
        unkept += limited.get("deadlines").copied().unwrap_or(0);
    }
    assert!(unkept > 20 && decided > 40, "{unkept} of {decided}");
}
