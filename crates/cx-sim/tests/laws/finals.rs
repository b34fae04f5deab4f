//! A minute's final parts are what a recount of the whole log says of the minute as it stood at its end +
//! lateness, once for each minute, whatever the step, the clock records and the number of partitions.

use crate::changing::{Manner, activated, sets};
use crate::definitions::write;
use crate::fold::{Sets, catalog, deliver};
use crate::living::slow;
use crate::world::{Logs, SEEDS, logs, stretched, world};
use cx_catalog::{Catalog, load};
use cx_engine::{Effect, Final, FinalMinute, Rollup, Step};
use cx_model::frame::WireParts;
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, Timestamp};
use cx_sim::slow::{Minute, Outcome, SlowModel};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every final minute of each partition, in the order in which they were given.
fn given(sets: &Sets, logs: &Logs, step: Step) -> Vec<Vec<Final>> {
    let partitions = u32::try_from(logs.len()).expect("few");
    let fold = |(p, log): (u32, &Vec<_>)| {
        let mut engine = sets.engine(p, partitions);
        engine.set_step(step);
        let mut given = Vec::new();
        for (offset, record) in (0_i64..).zip(log) {
            deliver(&mut engine, sets.last(), offset, record);
            while let Some(effect) = engine.next_effect() {
                if let Effect::Final(one) = effect {
                    given.push(one);
                }
            }
        }
        given
    };
    (0_u32..).zip(logs).map(fold).collect()
}

/// Those that all partitions gave, by their end.
fn joined(sets: &Sets, given: &[Vec<Final>]) -> BTreeMap<i64, FinalMinute> {
    let partitions = u32::try_from(given.len()).expect("few");
    let mut rollup = Rollup::new(Arc::clone(sets.plan(1).set()), partitions);
    sets.plans().iter().for_each(|plan| rollup.learn(plan));
    let mut all: Vec<&Final> = given.iter().flatten().collect();
    all.sort_by_key(|one| (one.end, one.partition));
    let joined = all.into_iter().filter_map(|one| rollup.handle_final(one));
    joined.map(|minute| (minute.end, minute)).collect()
}

/// A minute by KPI and dimension values; panics where windows of a KPI say different things.
fn told(sets: &Sets, minute: &FinalMinute) -> BTreeMap<Minute, Option<WireParts>> {
    let cells = &sets.plan(minute.set).set().cells;
    assert_eq!(cells.len(), minute.parts.len(), "the set's cells");
    let mut told = BTreeMap::new();
    for (cell, parts) in cells.iter().zip(minute.parts.iter()) {
        let key = (cell.key.kpi.to_string(), cell.key.dims.clone());
        let before = told.insert(key, *parts);
        assert!(before.is_none_or(|b| b == *parts), "{:?}", cell.key);
    }
    told
}

/// How many parts of minutes, of those that hold something, equal the recount; by KPI.
type Seen = BTreeMap<String, usize>;

/// Compares the fullest `most` of the minutes, and as many others.
fn compare(
    (sets, slow): (&Sets, &SlowModel<'_>),
    minutes: &BTreeMap<i64, FinalMinute>,
    (most, seed): (usize, u64),
    seen: &mut Seen,
) {
    let all = fullest(minutes);
    let others = 1 + all.len() / most;
    let (full, rest) = all.split_at(most.min(all.len()));
    for minute in full.iter().chain(rest.iter().step_by(others)) {
        let end = minute.end;
        let expected = slow.minute(end).expect("of one set");
        let got = told(sets, minute);
        assert_eq!(got.len(), expected.len(), "seed {seed}, {end}");
        for (key, parts) in got {
            assert_eq!(parts, expected[&key], "seed {seed}, {end}, {key:?}");
            *seen.entry(key.0).or_default() += usize::from(holds(parts));
        }
    }
}

/// Those that hold most cells before the others.
fn fullest(minutes: &BTreeMap<i64, FinalMinute>) -> Vec<&FinalMinute> {
    let mut all: Vec<&FinalMinute> = minutes.values().collect();
    all.sort_by_key(|minute| {
        let some = minute.parts.iter().filter(|parts| holds(**parts));
        (Reverse(some.count()), minute.end)
    });
    all
}

/// Whether there are parts, and anything in them.
fn holds(parts: Option<WireParts>) -> bool {
    parts.is_some_and(|(above, below, n)| (above, below.unwrap_or(0), n) != (0, 0, 0))
}

fn alone(catalog: &Catalog) -> Sets {
    Sets::of(std::slice::from_ref(catalog))
}

/// All ends of minutes between the first and the last.
fn unbroken(given: &[Final]) -> bool {
    given.windows(2).all(|two| two[1].end == two[0].end + 60)
}

#[test]
fn final_parts_equal_a_recount_of_the_log_and_later_events_change_none_of_them() {
    let catalog = catalog();
    let (mut seen, mut restated) = (Seen::new(), 0);
    for seed in SEEDS {
        let logs = logs(&world(seed), 1 + u32::try_from(seed % 3).expect("small"), 7);
        let sets = alone(&catalog);
        let given = given(&sets, &logs, Step::Second);
        let minutes = joined(&sets, &given);
        assert!(minutes.len() > 10, "seed {seed}: {}", minutes.len());
        assert!(given.iter().all(|one| unbroken(one)), "seed {seed}");
        let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
        compare((&sets, &slow), &minutes, (5, seed), &mut seen);
        // What the same minutes hold half an hour later.
        let mut patient = catalog.limits;
        patient.lateness_ms += HOUR / 2;
        let later = SlowModel::new(&catalog.kpis, patient, &catalog.reply_targets, &logs);
        let all = (0..logs.len()).flat_map(|p| slow.records(p));
        let late =
            all.filter(|r| r.outcome == Outcome::Applied && r.log_time.since(r.time) > HOUR / 10);
        for late in late.take(3) {
            let minute = minutes.get(&(late.time.minute() * 60 + 60));
            restated +=
                usize::from(minute.is_some_and(|m| later.minute(m.end) != Some(told(&sets, m))));
        }
    }
    for kpi in [
        "offered",
        "revenue",
        "speed_of_answer",
        "response_sla_met",
        "dead_letters",
    ] {
        assert!(seen[kpi] > 10, "{kpi}: {seen:?}");
    }
    for kpi in [
        "active_customers",
        "talk_time_p90",
        "longest_wait",
        "waiting_now",
        "revenue_to_date",
    ] {
        assert_eq!(seen[kpi], 0, "{kpi} has no parts of a minute");
    }
    assert!(restated > 10, "{restated} minutes were changed afterwards");
}

#[test]
fn final_parts_of_random_definitions_equal_a_recount_also_after_silences_of_days() {
    let mut seen = Seen::new();
    for seed in 0..16 {
        let mut rng = StdRng::seed_from_u64(seed);
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), &mut rng, seed % 3 == 0);
        let catalog = load(dir.path()).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let mut world = world(seed + 200);
        if seed % 2 == 1 {
            world = stretched(world, &mut rng);
        }
        let mut logs = logs(&world, 1 + u32::try_from(seed % 3).expect("small"), 7);
        for record in logs.iter_mut().flatten() {
            record.timestamp_kind = TimestampKind::LogAppend;
        }
        let sets = alone(&catalog);
        let minutes = joined(&sets, &given(&sets, &logs, Step::Minute));
        let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
        compare((&sets, &slow), &minutes, (6, seed), &mut seen);
    }
    for kind in ["m", "conv", "replies", "combined"] {
        let of_kind = seen.iter().filter(|(name, _)| name.starts_with(kind));
        let some: usize = of_kind.map(|(_, n)| n).sum();
        assert!(some > 10, "{kind}: {seen:?}");
    }
    let none = |name: &str| seen.get(name).is_none_or(|n| *n == 0);
    assert!(none("now_case_open") && none("day0"), "{seen:?}");
}

#[test]
fn final_parts_are_the_same_in_every_step_and_however_the_clock_records_fall() {
    let catalog = catalog();
    for seed in SEEDS {
        let mut world = world(seed);
        world.sort_by_key(|r| r.0);
        let one = logs(&world, 2, 3);
        let sets = alone(&catalog);
        let expected = given(&sets, &one, Step::Second);
        assert_eq!(expected, given(&sets, &one, Step::Minute), "seed {seed}");
        let parts = |logs: &Logs| joined(&sets, &given(&sets, logs, Step::Second));
        let few = parts(&logs(&world, 1, 0));
        let mut compared = 0;
        for (end, minute) in parts(&logs(&world, 1, 1)) {
            if let Some(other) = few.get(&end) {
                assert_eq!(other, &minute, "seed {seed}");
                compared += 1;
            }
        }
        assert!(compared > 10, "seed {seed}: {compared}");
    }
}

#[test]
fn a_minute_in_which_definitions_changed_has_only_parts_that_are_whole() {
    let (mut seen, mut sets_seen, mut left_out, mut mixed) = (Seen::new(), BTreeSet::new(), 0, 0);
    for seed in 0..9 {
        let catalogs = sets(seed);
        let all = Sets::of(&catalogs);
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let (logs, _) = activated(seed, partitions, (Manner::Careless, &catalogs));
        let given = given(&all, &logs, Step::Second);
        let minutes = joined(&all, &given);
        let slow = slow(&catalogs, &logs);
        compare((&all, &slow), &minutes, (9, seed), &mut seen);
        for minute in minutes.values() {
            sets_seen.insert(minute.set);
            let other = minutes.values().rfind(|other| other.set == minute.set);
            let both = minute.parts.iter().zip(other.expect("itself").parts.iter());
            let mut lacking = both.filter(|(own, last)| own.is_none() && last.is_some());
            left_out += usize::from(lacking.next().is_some());
        }
        for one in &given[0] {
            let whole = given
                .iter()
                .all(|of| of.iter().any(|other| other.end == one.end));
            let same = slow.minute(one.end).is_some();
            assert_eq!(
                minutes.contains_key(&one.end),
                whole && same,
                "seed {seed}, {}",
                one.end
            );
            mixed += usize::from(!same);
        }
    }
    assert_eq!(
        sets_seen,
        BTreeSet::from([1, 2, 3]),
        "all sets came into force"
    );
    assert!(left_out > 0, "no definition began within a minute");
    assert!(
        mixed > 5,
        "partitions changed apart from one another: {mixed}"
    );
    assert!(seen.values().filter(|n| **n > 0).count() > 5, "{seen:?}");
}

#[test]
fn a_minute_that_ended_before_a_long_silence_becomes_final_in_it() {
    let catalog = catalog();
    let mut logs = logs(&world(1), 1, 7);
    let silence = 9 * HOUR;
    let last = logs[0].len() - 1;
    let at = logs[0][last].timestamp;
    let passed = logs[0][..last].iter().map(|r| r.timestamp.second()).max();
    let before = passed.expect("some") / 60 * 60;
    logs[0][last].timestamp = Timestamp(at.0 + silence);
    let sets = alone(&catalog);
    let second = given(&sets, &logs, Step::Second).remove(0);
    assert_eq!(second, given(&sets, &logs, Step::Minute).remove(0));
    let ends: Vec<i64> = second.iter().map(|one| one.end).collect();
    assert!(
        ends.contains(&before) && ends.contains(&(before - 60)),
        "{ends:?}"
    );
    let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
    let minutes = joined(&sets, &[second]);
    let near = minutes
        .into_iter()
        .filter(|(end, _)| (before - 600..before + 60).contains(end));
    let mut seen = Seen::new();
    compare((&sets, &slow), &near.collect(), (20, 1), &mut seen);
    assert!(seen.values().any(|n| *n > 0), "{seen:?}");
}
