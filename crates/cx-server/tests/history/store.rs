//! What is kept, for how long, and what is told of it.

use crate::model::Model;
use crate::world::{BEGIN, DAY, HOUR, ROOMY, all, cells, found, keep, open, sealed};
use cx_server::history::{Bounds, Difference, Error, Pen, Span, Store, Taken};
use cx_server::snapshots::Disk as _;
use cx_sim::disk::Plan;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};

const NAMES: &[u32] = &[0, 1, 2];

fn minutes(count: i64) -> impl Iterator<Item = i64> {
    (0..count).map(|i| BEGIN + i * 60)
}

#[test]
fn what_one_life_kept_the_next_one_finds_as_it_was_sealed_and_seconds_between_are_not_kept() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(1);
    for s in minutes(130) {
        let some = [sealed(s, NAMES), sealed(s + 1, NAMES)];
        assert_eq!(keep(&store, &mut pen, some).expect("room").written, 1);
    }
    assert_eq!(
        store.minute(BEGIN).expect("readable"),
        Some(found(BEGIN, NAMES))
    );
    let (store, opened) = open(&model, &ours);
    assert_eq!((opened.cut.len(), opened.aside.len()), (0, 0));
    assert_eq!(all(&store), minutes(130).collect::<Vec<_>>());
    for s in minutes(130) {
        assert_eq!(store.minute(s).expect("readable"), Some(found(s, NAMES)));
        assert_eq!(store.minute(s + 1).expect("readable"), None);
    }
    let span = Span {
        from: BEGIN + 1,
        to: BEGIN + HOUR,
        step: 900,
    };
    let line = store.line(span, &[2, 0]);
    assert_eq!(line.s, [900, 1_800, 2_700, 3_600].map(|s| BEGIN + s));
    let at = |cell: usize| line.s.iter().map(move |s| found(*s, NAMES).cells[cell]);
    let values = |cell| {
        at(cell)
            .map(|c| c.expect("known").value)
            .collect::<Vec<_>>()
    };
    assert_eq!(line.values, [values(2), values(0)]);
    assert_eq!(store.nearest(BEGIN - 7), Some(BEGIN));
    assert_eq!(store.nearest(BEGIN + 90), Some(BEGIN + 120));
}

#[test]
fn a_minute_sealed_twice_is_written_once_and_the_first_stays_where_they_differ() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let all = || minutes(70).map(|s| sealed(s, NAMES));
    keep(&store, &mut Pen::new(1), all()).expect("room");
    let used = store.bytes();
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(2);
    let again = keep(&store, &mut pen, all()).expect("room");
    assert_eq!((again.written, again.again), (0, 70));
    let mut other = sealed(BEGIN, NAMES);
    let mut values = other.values.to_vec();
    values[1].value = Some(-1);
    other.values = values.into();
    let mut moved = sealed(BEGIN + 60, NAMES);
    moved.offsets = [0, 0].into();
    let twice = [sealed(BEGIN + 120, NAMES), sealed(BEGIN + 120, NAMES)];
    let told = keep(&store, &mut pen, [other, moved].into_iter().chain(twice));
    let differs = |s, cells| Difference {
        s,
        cells: Some(cells),
    };
    let expected = Taken {
        written: 0,
        again: 2,
        differences: vec![differs(BEGIN, 1), differs(BEGIN + 60, 0)],
    };
    assert_eq!(told.expect("room"), expected);
    assert_eq!(
        store.minute(BEGIN).expect("readable"),
        Some(found(BEGIN, NAMES))
    );
    assert_eq!(store.bytes(), used);
}

#[test]
fn another_set_loses_nothing_and_mixes_nothing() {
    let model = Model::default();
    let (store, _) = open(&model, &cells("a", &[0, 1, 2]));
    let old = minutes(10).map(|s| sealed(s, &[0, 1, 2]));
    keep(&store, &mut Pen::new(1), old).expect("room");
    // One number is gone, one is new, one has another place.
    let now = &[2, 5, 0];
    let (store, _) = open(&model, &cells("b", now));
    let found_of = |s| store.minute(s).expect("readable").expect("kept");
    let mut expected = found(BEGIN, now);
    expected.cells[1] = None;
    assert_eq!(found_of(BEGIN), expected);
    let span = Span {
        from: BEGIN,
        to: BEGIN + 60,
        step: 60,
    };
    let new = store.line(span, &[1]);
    assert_eq!((new.s.len(), &new.values[0]), (2, &vec![None, None]));
    // Sealed anew under the new set: all of it is of one kind, and the old ones are there as well.
    let mut pen = Pen::new(2);
    let written = keep(&store, &mut pen, minutes(4).map(|s| sealed(s, now)));
    assert_eq!(written.expect("room").written, 4);
    assert_eq!(found_of(BEGIN), found(BEGIN, now));
    assert_eq!(found_of(BEGIN + 5 * 60).cells[1], None);
    let (store, _) = open(&model, &cells("a", &[0, 1, 2]));
    let back = store.minute(BEGIN).expect("readable");
    assert_eq!(back, Some(found(BEGIN, &[0, 1, 2])));
}

#[test]
fn every_minute_stays_for_26_hours_then_quarters_of_an_hour_for_35_days() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(1);
    let days = 37;
    // Every fifth minute is enough to see it.
    for hour in 0..days * 24 {
        let some = (0..12).map(|i| sealed(BEGIN + hour * HOUR + i * 300, NAMES));
        keep(&store, &mut pen, some).expect("room");
        assert_eq!(store.tidy(&mut pen).expect("room"), None);
    }
    let newest = BEGIN + days * DAY - 300;
    let check = |store: &Store<Model>| {
        let kept = all(store);
        let quarters = |s: &i64| s % 900 == 0;
        let fifth: Vec<i64> = (0..days * 288).map(|i| BEGIN + i * 300).collect();
        let dense = |s: &i64| *s > newest - 26 * HOUR;
        let must: Vec<i64> = fifth.iter().copied().filter(|s| dense(s)).collect();
        assert!(must.iter().all(|s| kept.contains(s)));
        let sparse = |s: &i64| !dense(s) && quarters(s) && *s > newest - 35 * DAY;
        let must: Vec<i64> = fifth.iter().copied().filter(sparse).collect();
        assert!(must.iter().all(|s| kept.contains(s)));
        // Whole segments go: an hour of minutes and a day of quarters more at most.
        let old = |s: &i64| *s <= newest - 27 * HOUR && !quarters(s);
        assert!(!kept.iter().any(old), "no minutes beyond an hour more");
        assert!(kept[0] > newest - 36 * DAY);
        for s in &kept {
            assert_eq!(store.minute(*s).expect("readable"), Some(found(*s, NAMES)));
        }
    };
    check(&store);
    let (store, opened) = open(&model, &ours);
    assert!(opened.aside.is_empty() && opened.cut.is_empty());
    check(&store);
    // A replay from far back says it all again and adds nothing.
    let used = store.bytes();
    let replay = (0..days * 288).map(|i| sealed(BEGIN + i * 300, NAMES));
    let again = keep(&store, &mut Pen::new(2), replay).expect("room");
    assert_eq!(again.differences, []);
    assert_eq!((again.written, store.bytes()), (0, used));
}

#[test]
fn beyond_the_limit_of_bytes_the_oldest_go_first_and_files_that_serve_nobody_before_them() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(1);
    keep(&store, &mut pen, minutes(600).map(|s| sealed(s, NAMES))).expect("room");
    let used = store.bytes();
    let mut useless = model
        .create("m-000000000000-1-1.hist.corrupt")
        .expect("made");
    useless.write_all(&[0; 1_000]).expect("room");
    let tight = |bytes| Store::open(model.clone(), Bounds { bytes }, ours.clone());
    let (store, _) = tight(used).expect("a healthy disk");
    assert_eq!(store.bytes(), used + 1_000);
    let mut pen = Pen::new(2);
    assert_eq!(store.tidy(&mut pen).expect("room"), None);
    assert_eq!((store.bytes(), all(&store).len()), (used, 600));
    let (store, _) = tight(used / 2).expect("a healthy disk");
    let early = store.tidy(&mut pen).expect("room").expect("some went");
    assert!(store.bytes() <= used / 2);
    let kept = all(&store);
    assert_eq!(kept[0], early);
    assert_eq!(kept.last(), minutes(600).last().as_ref());
    assert!(kept.len() > 200, "{}", kept.len());
}

#[test]
fn a_full_disk_and_a_failing_sync_cost_nothing_that_was_kept_and_writing_goes_on_after_them() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(1);
    keep(&store, &mut pen, minutes(20).map(|s| sealed(s, NAMES))).expect("room");
    let mut waiting: VecDeque<_> = minutes(30).skip(20).map(|s| sealed(s, NAMES)).collect();
    let full = Plan {
        room: Some(model.read_all() + 50),
        ..Plan::default()
    };
    for plan in [
        full,
        Plan {
            sync_fails_at: Some(1),
            ..Plan::default()
        },
    ] {
        let files = model.list().expect("healthy").len();
        model.0.borrow_mut().plan(plan);
        for _ in 0..5 {
            let told = store.append(&mut pen, &mut waiting, &mut Taken::default());
            if let Err(error) = told {
                assert!(error.to_string().contains("what was kept before is kept"));
                assert_eq!(waiting.len(), 10);
                assert_eq!(all(&store).len(), 20);
            }
        }
        model.0.borrow_mut().plan(Plan::default());
        let more = model.list().expect("healthy").len() - files;
        assert!(more <= 1, "{more} files were left behind");
    }
    let mut taken = Taken::default();
    let done = store.append(&mut pen, &mut waiting, &mut taken);
    done.expect("room again");
    let (store, _) = open(&model, &ours);
    assert_eq!(all(&store), minutes(30).collect::<Vec<_>>());
}

#[test]
fn a_corrupt_file_is_set_aside_by_name_with_why_and_what_comes_before_the_fault_stays() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let (store, _) = open(&model, &ours);
    let mut pen = Pen::new(1);
    for s in minutes(3) {
        keep(&store, &mut pen, [sealed(s, NAMES)]).expect("room");
    }
    let name = model.list().expect("healthy").remove(0);
    let mut bytes = Vec::new();
    let mut file = model.open(&name).expect("there");
    file.read_to_end(&mut bytes).expect("readable");
    let write = |bytes: &[u8]| {
        model.remove(&name).expect("there");
        let mut file = model.create(&name).expect("made");
        file.write_all(bytes).expect("room");
    };
    // Cut anywhere: a part of it is left, and nothing else is said than what was sealed.
    for length in 0..bytes.len() {
        write(&bytes[..length]);
        let (store, opened) = open(&model, &ours);
        let kept = all(&store);
        assert_eq!(kept, minutes(3).take(kept.len()).collect::<Vec<_>>());
        assert!(opened.aside.is_empty(), "{length}: {opened:?}");
        let (again, opened) = open(&model, &ours);
        assert_eq!(all(&again), kept);
        assert!(opened.cut.is_empty(), "{length}: it is told once");
        drop(model.create(&name));
    }
    let mut asides = 0;
    for at in 0..bytes.len() {
        let mut rotten = bytes.clone();
        rotten[at] ^= 1 << (at % 8);
        write(&rotten);
        let (store, opened) = open(&model, &ours);
        let kept = all(&store);
        assert!(kept.len() < 3, "byte {at}");
        for s in kept {
            assert_eq!(store.minute(s).expect("readable"), Some(found(s, NAMES)));
        }
        let told = opened.aside.len() + opened.cut.len() + opened.left.len();
        assert_eq!(told, 1, "byte {at}: {opened:?}");
        asides += opened.aside.len();
        for name in model.list().expect("healthy") {
            model.remove(&name).expect("there");
        }
        drop(model.create(&name));
    }
    assert!(asides + 10 > bytes.len(), "{asides} of {}", bytes.len());
}

#[test]
fn a_later_format_stays_as_it_is_and_a_minute_that_rots_while_it_is_kept_is_not_told() {
    let model = Model::default();
    let ours = cells("a", NAMES);
    let mut later = model.create("m-001767225600-0-1.hist").expect("made");
    later
        .write_all(b"WFHIST\n\x02 something new")
        .expect("room");
    let (store, opened) = open(&model, &ours);
    assert_eq!(opened.left[0].1, "a format that this release does not know");
    let mut pen = Pen::new(1);
    keep(&store, &mut pen, [sealed(BEGIN, NAMES)]).expect("room");
    assert_eq!(model.list().expect("healthy").len(), 2);
    for seed in 0..40 {
        model.0.borrow_mut().rot(seed);
    }
    let told = store.minute(BEGIN);
    assert!(matches!(told, Err(Error::Unread { .. })), "{told:?}");
    let span = Span {
        from: BEGIN,
        to: BEGIN,
        step: 60,
    };
    let line = store.line(span, &[0]);
    assert_eq!((line.s.len(), line.unread), (0, 1));
    assert!(Store::open(model, ROOMY, ours).is_ok());
}
