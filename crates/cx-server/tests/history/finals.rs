//! Final parts of minutes: what is kept of them, for how long, and through which ends.

use crate::model::Model;
use crate::world::{BEGIN, DAY, HOUR, ROOMY, all, cells, keep, open, sealed};
use cx_model::frame::WireParts;
use cx_server::history::{Bounds, Cells, Difference, Final, Pen, Store, Taken};
use cx_server::snapshots::Disk as _;
use cx_sim::disk::{End, Plan};
use std::collections::{BTreeSet, VecDeque};
use std::io::{Read as _, Write as _};

const NAMES: &[u32] = &[0, 1];
const QUARTER: i64 = 900;

/// Cells of two KPIs, the first one in two windows: three cells, two of them with the same parts.
fn windows(set: &str) -> Cells {
    Cells {
        set: set.to_owned(),
        keys: ["a|d1|5m|queue=x|", "b|d2|5m||", "a|d1|1h|queue=x|"]
            .map(str::to_owned)
            .into(),
    }
}

/// What the minute before `end` held of a KPI; of the second one some minutes have none.
fn parts(end: i64, kpi: i64) -> Option<WireParts> {
    let n = end / 60 % 1_000 + kpi;
    (kpi == 0 || end % 420 != 0).then_some((n, (kpi == 1).then_some(n + 7), -n))
}

fn one(end: i64) -> Final {
    Final {
        end,
        parts: [0, 1, 0].map(|kpi| parts(end, kpi)).into(),
    }
}

/// What must be told of some seconds before `end`.
fn summed(end: i64, step: i64, kpi: i64) -> Option<WireParts> {
    let ends = (end - step + 60..=end).step_by(60);
    let mut all = ends.map(|end| parts(end, kpi));
    let first = all.next().expect("a minute")?;
    all.try_fold(first, |sum, next| {
        let next = next?;
        let below = sum.1.zip(next.1).map(|(a, b)| a + b);
        Some((sum.0 + next.0, below, sum.2 + next.2))
    })
}

fn finish(store: &Store<Model>, pen: &mut Pen, ends: impl IntoIterator<Item = i64>) -> Taken {
    let mut waiting: VecDeque<Final> = ends.into_iter().map(one).collect();
    let mut taken = Taken::default();
    let done = store.append_finals(pen, &mut waiting, &mut taken);
    done.expect("room");
    assert!(waiting.is_empty());
    taken
}

/// Panics where something else is told than what was kept; how many ends had parts.
fn check(store: &Store<Model>, ends: &[i64], step: i64) -> usize {
    let told = store.finals(ends, step, &[2, 1, 0]);
    let mut some = 0;
    for (i, end) in ends.iter().enumerate() {
        let own = [told[0][i], told[1][i], told[2][i]];
        assert_eq!(own[0], own[2], "windows share them");
        if own[0].is_some() {
            some += 1;
            let expected = [0, 1, 0].map(|kpi| summed(*end, step, kpi));
            assert_eq!(own, expected, "{step} s before {end}");
        } else {
            assert_eq!(own, [None; 3], "all of a minute or nothing");
        }
    }
    some
}

fn ends(count: i64) -> Vec<i64> {
    (1..=count).map(|i| BEGIN + i * 60).collect()
}

#[test]
fn final_parts_of_a_minute_are_told_by_the_next_life_and_of_a_quarter_only_where_all_are_there() {
    let model = Model::default();
    let (store, _) = open(&model, &windows("a"));
    let mut pen = Pen::new(1);
    for end in ends(61).chunks(7) {
        finish(&store, &mut pen, end.iter().copied());
    }
    let (store, opened) = open(&model, &windows("a"));
    assert!(opened.aside.is_empty() && opened.left.is_empty() && opened.cut.is_empty());
    assert_eq!(check(&store, &ends(70), 60), 61);
    let quarters: Vec<i64> = (0..6).map(|i| BEGIN + i * QUARTER).collect();
    assert_eq!(check(&store, &quarters, QUARTER), 4);
    // They are no minutes of the past, and minutes none of them.
    assert_eq!(all(&store), [0; 0]);
    keep(&store, &mut pen, [sealed(BEGIN + 3 * HOUR, &[0, 1, 2])]).expect("room");
    assert_eq!(
        check(&store, &[BEGIN + 3 * HOUR, BEGIN + 3 * HOUR + 60], 60),
        0
    );
}

#[test]
fn final_parts_given_twice_are_written_once_and_the_first_stay_where_they_differ() {
    let model = Model::default();
    let (store, _) = open(&model, &windows("a"));
    finish(&store, &mut Pen::new(1), ends(20));
    let used = store.bytes();
    let (store, _) = open(&model, &windows("a"));
    let mut pen = Pen::new(2);
    let again = finish(&store, &mut pen, ends(20));
    assert_eq!((again.written, again.again), (0, 20));
    let mut other = one(BEGIN + 60);
    other.parts[1] = Some((1, None, 1));
    let mut taken = Taken::default();
    let mut waiting = VecDeque::from([other]);
    let told = store.append_finals(&mut pen, &mut waiting, &mut taken);
    told.expect("room");
    let differs = Difference {
        s: BEGIN + 60,
        cells: Some(1),
    };
    assert_eq!(taken.differences, [differs]);
    assert_eq!(check(&store, &ends(20), 60), 20);
    assert_eq!(store.bytes(), used);
}

#[test]
fn parts_of_minutes_stay_for_26_hours_then_sums_of_quarters_for_35_days_whoever_wrote_them() {
    let model = Model::default();
    let mut kept = 0;
    for day in 0..37 {
        // Lives that end in the middle of a quarter.
        for (life, hours) in [(1, 0..13), (2, 13..24)] {
            let (store, opened) = open(&model, &windows("a"));
            assert!(opened.differences.is_empty());
            let mut pen = Pen::new(day * 2 + life);
            for hour in hours {
                let begin = BEGIN + i64::try_from(day).expect("few") * DAY + hour * HOUR;
                let end = begin + 420;
                finish(&store, &mut pen, (begin - 3_120..=end).step_by(60));
                kept = kept.max(end);
                store.tidy(&mut pen).expect("room");
            }
        }
    }
    let (store, opened) = open(&model, &windows("a"));
    assert!(opened.aside.is_empty() && opened.left.is_empty());
    let every = |step: i64, from: i64, to: i64| -> Vec<i64> {
        let first = from - from.rem_euclid(step) + step;
        (first..=to)
            .step_by(usize::try_from(step).expect("small"))
            .collect()
    };
    let near = every(60, kept - 26 * HOUR, kept);
    assert_eq!(check(&store, &near, 60), near.len());
    // Whole segments go: an hour more at most.
    let old = every(60, kept - 35 * DAY, kept - 28 * HOUR);
    assert_eq!(check(&store, &old, 60), 0);
    let quarters = every(QUARTER, kept - 35 * DAY + QUARTER, kept);
    assert_eq!(check(&store, &quarters, QUARTER), quarters.len());
    let gone = every(QUARTER, BEGIN, kept - 36 * DAY);
    assert_eq!((gone.is_empty(), check(&store, &gone, QUARTER)), (false, 0));
    assert!(model.list().expect("healthy").len() < 200);
}

#[test]
fn parts_are_found_by_key_under_another_set_and_a_quarter_of_two_sets_has_none() {
    let model = Model::default();
    let (store, _) = open(&model, &windows("a"));
    finish(&store, &mut Pen::new(1), ends(20));
    let mut later = windows("b");
    later.keys.insert(0, "new|d3|5m||".to_owned());
    later.keys[2] = "b|d9|5m||".to_owned();
    let (store, _) = open(&model, &later);
    let told = store.finals(&ends(2), 60, &[0, 1, 2, 3]);
    let old: Vec<Option<WireParts>> = ends(2).iter().map(|end| parts(*end, 0)).collect();
    assert_eq!(told, [vec![None; 2], old.clone(), vec![None; 2], old]);
    let first = |store: &Store<Model>| store.finals(&[BEGIN + QUARTER], QUARTER, &[3]);
    assert_eq!(first(&store), [[summed(BEGIN + QUARTER, QUARTER, 0)]]);
    let mut waiting: VecDeque<Final> = (ends(40).into_iter().skip(20))
        .map(|end| Final {
            end,
            parts: vec![Some((1, None, 1)); 4],
        })
        .collect();
    let done = store.append_finals(&mut Pen::new(2), &mut waiting, &mut Taken::default());
    done.expect("room");
    let told = store.finals(&[BEGIN + 2 * QUARTER], QUARTER, &[0, 1, 2, 3]);
    assert_eq!(told, [[None]; 4], "minutes of both");
}

#[test]
fn history_without_final_parts_is_read_as_before_and_files_with_them_are_bounded_with_the_others() {
    let model = Model::default();
    let (store, _) = open(&model, &cells("a", NAMES));
    let minutes = |count: i64| (0..count).map(|i| sealed(BEGIN + i * 60, NAMES));
    keep(&store, &mut Pen::new(1), minutes(180)).expect("room");
    let old = model.list().expect("healthy");
    let (store, opened) = open(&model, &cells("a", NAMES));
    assert!(opened.aside.is_empty() && opened.left.is_empty());
    assert_eq!(store.finals(&ends(3), 60, &[0]), [[None; 3]]);
    assert_eq!(store.finals(&[BEGIN + QUARTER], QUARTER, &[0]), [[None]]);
    // What a release without them finds is the same files as before, beside some it does not know.
    finish(&store, &mut Pen::new(2), ends(180));
    let now = model.list().expect("healthy");
    let known = now.iter().filter(|name| name.starts_with(['m', 'q']));
    assert!(known.eq(old.iter()), "{now:?}");
    let used = store.bytes();
    let tight = Bounds { bytes: used / 2 };
    let store = Store::open(model.clone(), tight, cells("a", NAMES));
    let (store, _) = store.expect("a healthy disk");
    assert_eq!(store.bytes(), used);
    store
        .tidy(&mut Pen::new(3))
        .expect("room")
        .expect("some went");
    assert!(store.bytes() <= used / 2);
    let left = store.finals(&ends(180), 60, &[0]).remove(0);
    assert!(left[0].is_none() && left[179].is_some(), "the oldest went");
}

#[test]
fn a_corrupt_or_cut_file_tells_no_other_parts_than_those_that_were_kept() {
    let model = Model::default();
    let (store, _) = open(&model, &windows("a"));
    let mut pen = Pen::new(1);
    ends(3)
        .iter()
        .for_each(|end| drop(finish(&store, &mut pen, [*end])));
    let name = model.list().expect("healthy").remove(0);
    let mut bytes = Vec::new();
    let mut file = model.open(&name).expect("there");
    file.read_to_end(&mut bytes).expect("readable");
    let mut lost = 0;
    for at in 0..bytes.len() {
        let mut rotten = bytes.clone();
        rotten[at] ^= 1 << (at % 8);
        for kept in [&rotten[..], &bytes[..at]] {
            for name in model.list().expect("healthy") {
                model.remove(&name).expect("there");
            }
            let mut file = model.create(&name).expect("made");
            file.write_all(kept).expect("room");
            let (store, opened) = open(&model, &windows("a"));
            let some = check(&store, &ends(3), 60);
            let told = opened.aside.len() + opened.cut.len() + opened.left.len();
            assert!(
                some == 3 || told == 1 || kept.len() == at,
                "byte {at}: {opened:?}"
            );
            lost += 3 - some;
        }
    }
    assert!(lost > 200, "{lost} are few");
}

#[test]
fn a_crash_at_any_operation_loses_no_parts_that_were_reported_and_tells_none_that_were_not() {
    // Sealed minutes beside them, as the writer has them: parts first.
    let live = |model: &Model, uid: u64, from: i64, reported: &mut BTreeSet<i64>| {
        let Ok((store, _)) = Store::open(model.clone(), ROOMY, windows("a")) else {
            return;
        };
        let mut pen = Pen::new(uid);
        for first in (from..BEGIN + 30 * HOUR).step_by(3 * 3_600) {
            let ends: Vec<i64> = (first + 60..=first + 3 * HOUR).step_by(60).collect();
            let mut waiting: VecDeque<Final> = ends.iter().map(|end| one(*end)).collect();
            let mut minutes = VecDeque::from([sealed(first + 3 * HOUR, &[0, 1, 2])]);
            let mut taken = Taken::default();
            let done = store.append_finals(&mut pen, &mut waiting, &mut taken);
            let done = done.and_then(|()| store.append(&mut pen, &mut minutes, &mut taken));
            if done.is_err() {
                return;
            }
            reported.extend(ends);
            if store.tidy(&mut pen).is_err() {
                return;
            }
        }
    };
    let whole = Model::default();
    live(&whole, 1, BEGIN, &mut BTreeSet::new());
    let operations = whole.0.borrow().operations();
    assert!(operations > 60, "{operations} operations are few");
    for crash_at in 0..operations {
        let model = Model::default();
        let mut reported = BTreeSet::new();
        for (life, crash_at) in [(1, crash_at), (2, (crash_at * 7 + 3) % operations)] {
            model.0.borrow_mut().plan(Plan {
                crash_at: Some(crash_at),
                ..Plan::default()
            });
            // As after a snapshot: on from what was kept.
            let from = reported
                .last()
                .map_or(BEGIN, |end| end / (3 * HOUR) * (3 * HOUR));
            live(&model, life, from, &mut reported);
            let end = if crash_at % 3 == 0 {
                End::Killed
            } else {
                End::PowerCut
            };
            model.0.borrow_mut().end(end, crash_at);
            let (store, opened) = open(&model, &windows("a"));
            assert_eq!(opened.differences, [0; 0]);
            let newest = reported.last().copied().unwrap_or(BEGIN);
            let near: Vec<i64> = reported
                .iter()
                .copied()
                .filter(|end| *end > newest - 26 * HOUR)
                .collect();
            assert_eq!(check(&store, &near, 60), near.len(), "crash at {crash_at}");
            let quarters: Vec<i64> = reported
                .iter()
                .copied()
                .filter(|end| end % QUARTER == 0)
                .collect();
            assert_eq!(
                check(&store, &quarters, QUARTER),
                quarters.len(),
                "crash at {crash_at}"
            );
            let never: Vec<i64> = (1..500).map(|i| BEGIN + 31 * HOUR + i * 60).collect();
            assert_eq!(check(&store, &never, 60), 0);
        }
    }
}
