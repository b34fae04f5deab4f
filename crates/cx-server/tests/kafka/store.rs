//! Snapshots in a store that speaks S3: a real one, the Versity gateway over a folder, which
//! `cargo xtask test` installs and `WATCHFLOOR_TEST_S3` names.

use crate::cluster::{Installation, sent};
use crate::proof::check;
use crate::restart::{installed, until_saved};
use crate::round_trip::{events, log};
use crate::run::now;
use cx_server::snapshots::{Access, Bucket, Disk, Error, Folder, Keys, Label};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const BUCKET: &str = "watchfloor";
const NAMES: (&str, &str) = ("somebody", "a-secret-of-somebody");

/// A store on this machine; goes with the test.
struct Store {
    server: Child,
    endpoint: String,
    data: tempfile::TempDir,
}

impl Store {
    fn start() -> Self {
        let program = std::env::var_os("WATCHFLOOR_TEST_S3").map(PathBuf::from);
        let program =
            program.expect("no store: `cargo xtask test` names one in WATCHFLOOR_TEST_S3");
        let data = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(data.path().join(BUCKET)).expect("a bucket");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("bound").to_string();
        drop(free);
        let mut command = Command::new(program);
        command
            .args(["--access", NAMES.0, "--secret", NAMES.1, "--port", &address])
            .arg("posix")
            .arg(data.path());
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = silent.spawn().expect("it runs");
        let begun = now();
        while TcpStream::connect(&address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it does not answer"
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Self {
            server,
            endpoint: format!("http://{address}"),
            data,
        }
    }

    fn access(&self) -> Access {
        Access {
            bucket: BUCKET.to_owned(),
            prefix: "a/b".to_owned(),
            region: None,
            endpoint: Some(self.endpoint.clone()),
            allow_http: true,
            keys: Some(Keys {
                id: NAMES.0.to_owned(),
                secret: NAMES.1.to_owned(),
            }),
        }
    }

    fn bucket(&self) -> Bucket {
        Bucket::open(&self.access(), "topic").expect("settings that fit")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn label(next_offset: i64) -> Label {
    Label {
        topic: "topic".to_owned(),
        partition: 0,
        partitions: 1,
        next_offset,
        fold_version: 1,
        set_number: 1,
        set_hash: "h".to_owned(),
        hash_key: 1,
        cut_at: 0,
        last: None,
    }
}

#[test]
fn a_store_keeps_the_newest_snapshots_and_sets_a_corrupt_one_aside() {
    let store = Store::start();
    let folder = Folder::open(store.bucket(), 3).expect("it opens");
    // More than two parts of an upload; no two blocks alike, for they are compressed.
    let block = |seed: u64, i: u64| {
        let words =
            (0..131_072_u64).map(|n| (n + i * 977 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        words
            .map(|w| w ^ (w >> 29))
            .flat_map(u64::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let mut kept = Vec::new();
    for offset in 1..=5 {
        let blocks = (0..if offset == 5 { 24 } else { 1 }).map(|i| block(offset, i));
        let offset = i64::try_from(offset).expect("small");
        kept.push(folder.save(&label(offset), 7, blocks).expect("saved"));
    }
    assert!(kept[4].bytes > 20 << 20, "{:?}", kept[4]);
    let newest = || {
        let read = |label: &Label, blocks: &mut dyn Iterator<Item = Vec<u8>>| {
            let all: Vec<Vec<u8>> = blocks.collect();
            let right = (0_u64..)
                .zip(&all)
                .all(|(i, b)| *b == block(label.next_offset.unsigned_abs(), i));
            Ok::<_, String>((all.len(), right))
        };
        folder.newest(0, 1, read).expect("read")
    };
    let found = newest();
    let loaded = found.loaded.expect("one");
    assert_eq!((loaded.label.next_offset, loaded.made), (5, (24, true)));
    let names = store.bucket().list().expect("listed");
    assert_eq!(names.len(), 3, "three are kept: {names:?}");
    // As a bad disk of the store would have it.
    let file = store
        .data
        .path()
        .join(BUCKET)
        .join("a/b/topic")
        .join(&kept[4].name);
    let mut bytes = std::fs::read(&file).expect("there");
    bytes[1_000] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let found = newest();
    assert_eq!(found.loaded.expect("the older").label.next_offset, 4);
    assert_eq!(found.aside.len(), 1, "{:?}", found.aside);
}

#[test]
fn an_upload_that_is_dropped_is_no_object_and_one_that_is_synced_is_whole() {
    let store = Store::start();
    let bucket = store.bucket();
    let mut dropped = bucket.create("dropped").expect("begun");
    dropped.write_all(&vec![1; 9 << 20]).expect("written");
    drop(dropped);
    assert_eq!(bucket.list().expect("listed"), Vec::<String>::new());
    let mut whole = bucket.create("whole").expect("begun");
    whole.write_all(b"all of it").expect("written");
    whole.sync().expect("synced");
    let mut read = String::new();
    let mut reader = bucket.open("whole").expect("there");
    reader.read_to_string(&mut read).expect("text");
    assert_eq!(read, "all of it");
    bucket.rename("whole", "named").expect("renamed");
    assert_eq!(bucket.list().expect("listed"), ["named"]);
    bucket.remove("named").expect("removed");
    assert_eq!(bucket.list().expect("listed"), Vec::<String>::new());
}

#[test]
fn a_store_that_refuses_is_told_with_the_fix() {
    let store = Store::start();
    let check = |access: &Access, words: &str| {
        let bucket = Bucket::open(access, "topic").expect("settings that fit");
        let refused = Folder::open(bucket, 3).map(drop);
        let told = match refused {
            Err(error @ Error::Io { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(told.contains(words), "{told}");
    };
    let mut access = store.access();
    access.bucket = "nobodys".to_owned();
    check(
        &access,
        "no such bucket: make it, or write its name in snapshots.s3.bucket",
    );
    let mut access = store.access();
    access.keys = Some(Keys {
        id: NAMES.0.to_owned(),
        secret: "wrong".to_owned(),
    });
    check(&access, "the store does not take the keys");
    let mut access = store.access();
    access.endpoint = Some("http://127.0.0.1:1".to_owned());
    check(
        &access,
        "see that the store answers at snapshots.s3.endpoint",
    );
}

#[test]
fn a_house_that_is_killed_goes_on_from_a_store() {
    let store = Store::start();
    let mut at: Installation = installed(2);
    for (name, value) in [
        ("WATCHFLOOR_SNAPSHOTS_S3_BUCKET", BUCKET),
        ("WATCHFLOOR_SNAPSHOTS_S3_ENDPOINT", &store.endpoint),
        ("WATCHFLOOR_SNAPSHOTS_S3_ALLOW_HTTP", "true"),
        ("WATCHFLOOR_SNAPSHOTS_S3_ACCESS_KEY_ID", NAMES.0),
        ("WATCHFLOOR_SNAPSHOTS_S3_SECRET_ACCESS_KEY", NAMES.1),
    ] {
        at.more.push((name, value.to_owned()));
    }
    let house = at.serve();
    sent(&at, &events(2).0);
    check(&house, &log(&at));
    let saved = until_saved(&house, &at);
    drop(house);
    assert!(
        !at.data.path().join("snapshots").exists(),
        "nothing on this machine"
    );
    let house = at.serve();
    check(&house, &log(&at));
    let health = house.get("/healthz");
    let began = health["partitions"].as_array().expect("a list").iter();
    let began: Vec<i64> = began
        .map(|p| p["began"].as_i64().expect("a number"))
        .collect();
    assert!(
        began
            .iter()
            .zip(&saved)
            .all(|(began, saved)| began >= saved),
        "{began:?} {saved:?}"
    );
}
