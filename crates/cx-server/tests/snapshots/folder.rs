//! Snapshots on a disk that crashes, tears, fills up and fails to sync.

use crate::model::Model;
use cx_server::snapshots::{Disk, Error, Folder, Found, Label, Last, Local};
use cx_sim::disk::{End, Plan};

fn label(partition: u32, next_offset: i64) -> Label {
    Label {
        topic: "cx.interactions".to_owned(),
        partition,
        partitions: 2,
        next_offset,
        fold_version: 1,
        set_number: 1,
        set_hash: "b41c".to_owned(),
        hash_key: 5,
        cut_at: 1_790_000_000_500,
        last: Some(Last {
            offset: next_offset - 1,
            timestamp: 1_790_000_000_000,
            hash: 7,
        }),
    }
}

/// Blocks that tell which snapshot they are of.
fn blocks(next_offset: i64) -> Vec<Vec<u8>> {
    let noise = |i: i64| (0..4_000).flat_map(move |n| (n * (i + next_offset)).to_le_bytes());
    (0..5).map(|i| noise(i).collect()).collect()
}

fn newest<D: Disk>(folder: &Folder<D>, partition: u32) -> Result<Found<Vec<Vec<u8>>>, Error> {
    folder.newest(partition, 2, |_, blocks| Ok(blocks.collect()))
}

/// The offset of the newest one, which must be whole.
fn offset<D: Disk>(folder: &Folder<D>) -> i64 {
    let found = newest(folder, 0).expect("a healthy disk").loaded;
    found.map_or(0, |loaded| {
        let offset = loaded.label.next_offset;
        assert_eq!(loaded.label, label(0, offset));
        assert!(loaded.made == blocks(offset), "{offset} is mixed");
        offset
    })
}

/// Saves until something goes wrong: the last one reported durable, and the last one tried.
fn save_until(model: &Model, from: i64) -> (i64, i64) {
    let Ok(folder) = Folder::open(model.clone(), 3) else {
        return (from, from);
    };
    let mut durable = from;
    for next in from + 1..from + 6 {
        match folder.save(&label(0, next), 9, blocks(next)) {
            Ok(_) => durable = next,
            Err(_) => return (durable, next),
        }
    }
    (durable, durable)
}

#[test]
fn a_crash_at_any_operation_leaves_the_old_or_the_new_one_whole_and_loses_none_that_was_durable() {
    let whole = Model::default();
    save_until(&whole, 0);
    let operations = whole.0.borrow().operations();
    assert!(operations > 30, "{operations} operations are few");
    for crash_at in 0..operations {
        for (seed, end) in [(1, End::Killed), (2, End::PowerCut), (3, End::PowerCut)] {
            let model = Model::default();
            let seed = crash_at * 10 + seed;
            let mut durable = 0;
            // A second life crashes somewhere else.
            for crash_at in [crash_at, (crash_at * 7 + 3) % operations] {
                let plan = Plan {
                    crash_at: Some(crash_at),
                    ..Plan::default()
                };
                model.0.borrow_mut().plan(plan);
                let (saved, tried) = save_until(&model, durable);
                model.0.borrow_mut().end(end, seed);
                let folder = Folder::open(model.clone(), 3).expect("a healthy disk");
                let found = offset(&folder);
                assert!(
                    (saved..=tried).contains(&found),
                    "crash at {crash_at}, seed {seed}, {end:?}: {found} is not in {saved}..={tried}"
                );
                durable = found;
            }
        }
    }
}

#[test]
fn a_sync_that_fails_voids_the_file_and_a_full_disk_keeps_the_old_ones() {
    let whole = Model::default();
    save_until(&whole, 0);
    let operations = whole.0.borrow().operations();
    for at in 0..operations {
        let model = Model::default();
        let plan = Plan {
            sync_fails_at: Some(at),
            ..Plan::default()
        };
        model.0.borrow_mut().plan(plan);
        let (saved, _) = save_until(&model, 0);
        model.0.borrow_mut().end(End::PowerCut, at);
        let folder = Folder::open(model, 3).expect("a healthy disk");
        assert!(offset(&folder) >= saved, "sync fails at {at}");
    }
    let model = Model::default();
    let folder = Folder::open(model.clone(), 3).expect("a healthy disk");
    folder.save(&label(0, 1), 9, blocks(1)).expect("room");
    let used = model.read_all();
    model.0.borrow_mut().plan(Plan {
        room: Some(used + used / 2),
        ..Plan::default()
    });
    let full = folder.save(&label(0, 2), 9, blocks(2));
    let full = full.expect_err("no room").to_string();
    assert!(full.contains("older snapshots are kept"), "{full}");
    assert_eq!(model.list().expect("healthy").len(), 1, "no temporary file");
    assert_eq!(offset(&folder), 1);
}

#[test]
fn three_are_kept_and_a_corrupt_one_is_set_aside_by_name_with_why() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("snapshots");
    let folder = Folder::open(Local::open(&path).expect("made"), 3).expect("writable");
    let names: Vec<String> = (1..=5)
        .map(|n| folder.save(&label(0, n), 9, blocks(n)).expect("room").name)
        .collect();
    folder.save(&label(1, 7), 9, blocks(7)).expect("room");
    assert_eq!(std::fs::read_dir(&path).expect("there").count(), 4);
    let newest_file = path.join(&names[4]);
    let mut bytes = std::fs::read(&newest_file).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest_file, bytes).expect("writable");
    let found = newest(&folder, 0).expect("readable");
    assert_eq!(found.aside.len(), 1);
    assert_eq!(found.aside[0].0, names[4]);
    assert!(
        found.aside[0].1.contains("not what was written"),
        "{:?}",
        found.aside
    );
    assert_eq!(found.loaded.map(|l| l.label.next_offset), Some(4));
    assert!(path.join(format!("{}.corrupt", names[4])).exists());
    // One whose blocks make nothing is no better than a corrupt one.
    let unfit = folder.newest(0, 2, |label, _| {
        if label.next_offset == 4 {
            return Err("block 0: the head of another partition".to_owned());
        }
        Ok(())
    });
    assert_eq!(
        unfit.expect("readable").loaded.map(|l| l.label.next_offset),
        Some(3)
    );
}

#[test]
fn another_number_of_partitions_and_a_swapped_name_are_refused() {
    let model = Model::default();
    let folder = Folder::open(model.clone(), 3).expect("a healthy disk");
    let name = folder.save(&label(0, 4), 9, blocks(4)).expect("room").name;
    let more = folder.newest(0, 3, |_, _| Ok(()));
    let more = more.expect_err("pinned").to_string();
    assert!(more.contains("2 partitions, there are 3 now"), "{more}");
    model
        .rename(&name, &name.replacen("00000", "00001", 1))
        .expect("healthy");
    let found = newest(&folder, 1).expect("readable");
    assert!(found.loaded.is_none());
    assert_eq!(
        found.aside[0].1,
        "it is of another partition than its name says"
    );
}

#[test]
fn what_a_killed_process_left_is_taken_away_and_a_folder_without_rights_is_named() {
    let model = Model::default();
    drop(
        model
            .create("00000-00000000000000000001-0.snap.tmp")
            .expect("healthy"),
    );
    Folder::open(model.clone(), 3).expect("a healthy disk");
    assert_eq!(model.list().expect("healthy"), Vec::<String>::new());
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("a-file");
    std::fs::write(&file, "x").expect("writable");
    assert!(Local::open(&file.join("below")).is_err());
}
