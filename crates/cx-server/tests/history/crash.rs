//! Lives that end anywhere, on a disk that keeps only what it promised.

use crate::model::Model;
use crate::world::{BEGIN, HOUR, ROOMY, all, cells, found, open, sealed};
use cx_server::history::{Pen, Store, Taken};
use cx_server::snapshots::Disk as _;
use cx_sim::disk::{End, Plan};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeSet, VecDeque};

const NAMES: &[u32] = &[0, 1];
/// Between two minutes, s: days pass quickly.
const STEP: i64 = 300;

/// What a life reported, and how far it tried to go.
struct Told {
    kept: BTreeSet<i64>,
    tried: i64,
}

/// Seals on from `from` in writings of some minutes until something goes wrong or `until` is reached.
/// Like the house it tries again what failed, in the same life.
fn live(model: &Model, uid: u64, (from, until): (i64, i64), some: usize) -> Told {
    let mut told = Told {
        kept: BTreeSet::new(),
        tried: from,
    };
    let Ok((store, opened)) = Store::open(model.clone(), ROOMY, cells("a", NAMES)) else {
        return told;
    };
    if opened.left.is_empty() {
        told.kept.extend(all(&store));
    }
    let mut pen = Pen::new(uid);
    let mut waiting = VecDeque::new();
    let mut failures = 0;
    while told.tried < until && failures < 3 {
        for _ in 0..some {
            told.tried += STEP;
            waiting.push_back(sealed(told.tried, NAMES));
        }
        let done = store.append(&mut pen, &mut waiting, &mut Taken::default());
        let done = done.and_then(|()| store.tidy(&mut pen).map(drop));
        failures += u32::from(done.is_err());
        let still: BTreeSet<i64> = waiting.iter().map(|m| m.s).collect();
        let sealed = (BEGIN..=told.tried).filter(|s| s % STEP == 0 && *s > from);
        told.kept.extend(sealed.filter(|s| !still.contains(s)));
    }
    told
}

/// What must be there of what was reported.
fn due(kept: &BTreeSet<i64>) -> BTreeSet<i64> {
    let newest = kept.last().copied().unwrap_or(BEGIN);
    let due = kept
        .iter()
        .filter(|s| **s > newest - 26 * HOUR || **s % 900 == 0);
    due.copied().collect()
}

/// Looks at what is left: all that was reported, nothing that was not sealed, each as it was sealed.
fn look(model: &Model, told: &Told, lost_some: bool) -> BTreeSet<i64> {
    let (store, opened) = open(model, &cells("a", NAMES));
    let left: BTreeSet<i64> = all(&store).into_iter().collect();
    for s in &left {
        assert!(*s <= told.tried, "{s} was never sealed");
        assert_eq!(store.minute(*s).expect("readable"), Some(found(*s, NAMES)));
    }
    assert_eq!(opened.differences, [0; 0]);
    let missing: Vec<i64> = due(&told.kept).difference(&left).copied().collect();
    let said = opened.aside.len() + opened.cut.len() + opened.left.len();
    assert!(
        missing.is_empty() || (lost_some && said > 0),
        "{missing:?} were kept and are gone: {opened:?}"
    );
    left
}

#[test]
fn a_crash_at_any_operation_loses_no_minute_that_was_reported_and_tells_none_that_was_not_sealed() {
    // Long enough for hours to be thinned.
    let until = BEGIN + 28 * HOUR;
    let whole = Model::default();
    live(&whole, 1, (BEGIN, until), 29);
    let operations = whole.0.borrow().operations();
    assert!(operations > 60, "{operations} operations are few");
    for crash_at in 0..operations {
        let model = Model::default();
        let mut from = BEGIN;
        // The neighbours end otherwise.
        let end = if crash_at % 3 == 0 {
            End::Killed
        } else {
            End::PowerCut
        };
        for (life, crash_at) in [(1, crash_at), (2, (crash_at * 7 + 3) % operations)] {
            model.0.borrow_mut().plan(Plan {
                crash_at: Some(crash_at),
                ..Plan::default()
            });
            let told = live(&model, life, (from, until), 29);
            model.0.borrow_mut().end(end, crash_at);
            let left = look(&model, &told, false);
            from = left.last().copied().unwrap_or(BEGIN);
        }
    }
}

#[test]
fn lives_with_faults_of_all_kinds_and_rot_never_tell_a_wrong_number() {
    let mut rotten = 0;
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let model = Model::default();
        let (mut from, mut uid) = (BEGIN, 0);
        for _ in 0..6 {
            let one_in = |rng: &mut StdRng, n: u32| rng.random_ratio(1, n);
            let room = model.read_all() + rng.random_range(0..3_000);
            let plan = Plan {
                crash_at: one_in(&mut rng, 2).then(|| rng.random_range(0..80)),
                sync_fails_at: one_in(&mut rng, 3).then(|| rng.random_range(0..80)),
                room: one_in(&mut rng, 4).then_some(room),
            };
            model.0.borrow_mut().plan(plan);
            uid += 1;
            let until = from + rng.random_range(1..20) * HOUR;
            let some = rng.random_range(1..40);
            let told = live(&model, uid, (from, until), some);
            let end = if rng.random() {
                End::Killed
            } else {
                End::PowerCut
            };
            model.0.borrow_mut().end(end, rng.random());
            let rots = one_in(&mut rng, 4);
            if rots {
                model.0.borrow_mut().rot(rng.random());
                rotten += 1;
            }
            let left = look(&model, &told, rots);
            from = left.last().copied().unwrap_or(BEGIN).max(from);
            assert!(model.list().expect("healthy").len() < 400);
        }
    }
    assert!(rotten > 40, "{rotten} are few");
}
