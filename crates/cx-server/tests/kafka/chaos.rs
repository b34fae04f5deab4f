//! A house that dies again and again, at moments drawn from a seed, under a load with repeats, disorder
//! and poison; snapshots are corrupted, their disk fills, brokers die. After every few blows it may
//! recover: then a recount of the whole log, HTTP, a WebSocket client and Chromium must say the same at
//! the same sealed seconds.
//!
//! `WATCHFLOOR_CHAOS_KILLS` says how many, half of them at failpoints; `WATCHFLOOR_CHAOS_SEED` which;
//! `cargo xtask chaos` sets both.

use crate::cluster::Installation;
use crate::nemesis::{Brokers, SmallDisk};
use crate::proof::{check, recounted};
use crate::round_trip::log;
use crate::run::{House, now};
use crate::screen::shown;
use cx_kafka::{Ear, Heard, Producer};
use cx_model::ids::partition_of;
use cx_model::time::{SECOND, Timestamp};
use cx_sim::{Company, Config, Faults};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const PARTITIONS: u32 = 4;
/// Blows until it may recover and is held against the recount.
const BETWEEN: u32 = 10;
/// Records that are none, in each load.
const POISON: u32 = 4;
/// How soon reading must go on when a broker is back, and saving when a disk has room.
const SOON: Duration = Duration::from_secs(30);
/// The longest life, ms: some end while loading, most while snapshots are written.
const LIFE_MS: u64 = 4_000;
/// How long a failpoint is waited for, under load after load: a slow machine takes long to come to it.
const REACHED: Duration = Duration::from_secs(60);
const FAILPOINTS: [&str; 10] = [
    "before-apply",
    "after-apply",
    "before-produce",
    "after-produce",
    "after-acknowledgement",
    "snapshot-write",
    "snapshot-sync",
    "snapshot-rename",
    "snapshot-folder-sync",
    "snapshot-kept",
];

/// What was done to it.
#[derive(Debug, Default)]
struct Tally {
    random: u32,
    failpoints: u32,
    /// Lives whose failpoint was not reached in time: a kill ended them that counts as neither.
    unreached: u32,
    stopped: u32,
    corrupted: u32,
    /// Brokers killed and started again under load; the longest that reading stood still afterwards, ms.
    bounced: u32,
    longest_stand_ms: u128,
    /// Times that the disk of the snapshots was full.
    full: u32,
    verdicts: u32,
    /// Of the verdicts: those that Chromium was part of.
    in_chromium: u32,
    records: u64,
    /// Decisions that follow from the log; of them written more than once.
    decisions: usize,
    repeated: usize,
}

struct Chaos {
    at: Installation,
    random: StdRng,
    company: Company,
    /// When the company's records are, by the machine's clock.
    until: Timestamp,
    producer: Producer,
    brokers: Option<Brokers>,
    /// Goes before the installation whose snapshots are on it.
    disk: Option<SmallDisk>,
    tally: Tally,
}

fn number(name: &str, or: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(or, |text| text.parse().expect("a number"))
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut at = Installation::new(PARTITIONS);
        at.more
            .push(("WATCHFLOOR_SNAPSHOTS_EVERY_S", "1".to_owned()));
        let disk = SmallDisk::mount(&at.data.path().join("snapshots"));
        let start = crate::round_trip::now().plus(-120 * SECOND);
        Self {
            random: StdRng::seed_from_u64(seed),
            company: Company::new(Config {
                seed,
                customers: 200,
                rate_per_s: 15.0,
                start,
                incident_at: None,
                faults: Faults::usual(),
                diurnal: false,
            }),
            until: start,
            producer: Producer::open(&at.settings()).expect("a producer"),
            brokers: Brokers::ours(),
            disk,
            at,
            tally: Tally::default(),
        }
    }

    /// Some more of what the company and its broken sources send; some of it twice.
    fn load(&mut self) {
        // However slow the machine is: what comes late is a fault of the company, not of the load.
        let ahead = self.random.random_range(1..8) * SECOND;
        self.until = self.until.plus(ahead).max(crate::round_trip::now());
        let topic = self.at.interactions();
        while self.company.peek_at() < self.until {
            let sent = self.company.next_emission();
            let partition = partition_of(&sent.key, PARTITIONS);
            for _ in 0..1 + u32::from(self.random.random_ratio(1, 20)) {
                let key = Some(sent.key.as_bytes());
                let put = self
                    .producer
                    .send(&topic, Some(partition), key, &sent.value, &[], None);
                put.expect("room");
                self.tally.records += 1;
            }
        }
        for _ in 0..POISON {
            let partition = Some(self.random.random_range(0..PARTITIONS));
            let noise: [u8; 24] = self.random.random();
            let put = self
                .producer
                .send(&topic, partition, None, &noise, &[], None);
            put.expect("room");
            self.tally.records += 1;
        }
        self.producer.flush(REACHED).expect("delivered");
    }

    /// One life that ends badly: at a random moment or at a failpoint, until `kills` are halved between them.
    fn life(&mut self, kills: u32) {
        let mut command = self.at.command(&["serve", "--json"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let at_random = kills.div_ceil(2) - self.tally.random;
        let at_failpoints = kills / 2 - self.tally.failpoints;
        let named = self
            .random
            .random_ratio(at_failpoints, at_random + at_failpoints);
        if named {
            let name = FAILPOINTS[self.random.random_range(0..FAILPOINTS.len())];
            let times = match name {
                "before-apply" | "after-apply" => self.random.random_range(1..300),
                _ => self.random.random_range(1..4),
            };
            command.env("WATCHFLOOR_FAILPOINT", format!("{name}:{times}"));
        }
        let life = Duration::from_millis(self.random.random_range(50..LIFE_MS));
        let begun = now();
        let mut child = command.spawn().expect("it runs");
        if self.random.random_ratio(1, 6) {
            self.tally.stopped += 1;
            let id = child.id();
            std::thread::park_timeout(life / 2);
            let line = format!("kill -STOP {id}; sleep 0.3; kill -CONT {id}");
            drop(Command::new("sh").args(["-c", &line]).status());
        }
        self.load();
        let (longest, mut loaded) = (if named { REACHED } else { life }, now());
        while begun.elapsed() < longest && child.try_wait().expect("ours").is_none() {
            if named && loaded.elapsed() > Duration::from_millis(LIFE_MS) {
                self.load();
                loaded = now();
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let ended = child.try_wait().expect("ours");
        drop(child.kill());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), None, "it ended by itself: {status}");
        match (named, ended) {
            (true, Some(_)) => self.tally.failpoints += 1,
            (true, None) => self.tally.unreached += 1,
            (false, _) => self.tally.random += 1,
        }
        let unreached = self.tally.unreached;
        assert!(
            unreached <= kills,
            "failpoints are not reached: {unreached}"
        );
    }

    /// Flips a bit of a newest snapshot, as a bad disk would: never of all that are kept.
    fn corrupt(&mut self) {
        let folder = self.at.data.path().join("snapshots");
        let folder = folder.join(self.at.interactions());
        let partition = self.random.random_range(0..PARTITIONS);
        let begins = format!("{partition:05}-");
        let names = std::fs::read_dir(folder).map(|entries| {
            let names = entries.map(|e| e.expect("an entry").path());
            let kept = names.filter(|path| {
                let name = path.file_name().expect("a name").to_string_lossy();
                name.starts_with(&begins) && name.ends_with(".snap")
            });
            kept.collect::<Vec<PathBuf>>()
        });
        let Some(newest) = names.ok().and_then(|names| names.into_iter().max()) else {
            return;
        };
        let mut bytes = std::fs::read(&newest).expect("there");
        let place = self.random.random_range(0..bytes.len());
        bytes[place] ^= 1 << self.random.random_range(0..8);
        std::fs::write(&newest, bytes).expect("written");
        self.tally.corrupted += 1;
    }

    /// A broker dies under a running house and comes back: reading goes on soon, from where it was.
    fn bounce(&mut self) {
        let Some(brokers) = self.brokers.take() else {
            return;
        };
        let house = self.at.serve();
        brokers.kill(self.random.random_range(1..=brokers.count));
        let away = Duration::from_millis(self.random.random_range(0..LIFE_MS));
        std::thread::park_timeout(away);
        let before: i64 = next(&house).iter().sum();
        brokers.up();
        let begun = now();
        self.load();
        while next(&house).iter().sum::<i64>() <= before {
            let why = house.get("/readyz");
            assert!(begun.elapsed() < SOON, "a broker is back: {why}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let stood = begun.elapsed().as_millis();
        self.tally.longest_stand_ms = self.tally.longest_stand_ms.max(stood);
        self.tally.bounced += 1;
        self.brokers = Some(brokers);
    }

    /// The disk of the snapshots is full for a while: work goes on with an alarm, then saving does.
    fn fill(&mut self) {
        let Some(disk) = self.disk.take() else {
            return;
        };
        let house = self.at.serve();
        disk.fill();
        self.load();
        let alarms = |house: &House| house.get("/readyz")["alarms"].to_string();
        let until = |told: bool| {
            let begun = now();
            while alarms(&house).contains("older snapshots are kept") != told {
                let alarms = alarms(&house);
                assert!(begun.elapsed() < SOON, "alarm {told}: {alarms}");
                std::thread::park_timeout(Duration::from_millis(20));
            }
        };
        until(true);
        disk.free();
        until(false);
        self.tally.full += 1;
        self.disk = Some(disk);
    }

    /// Lets it recover and holds it against the recount.
    fn verdict(&mut self) {
        let house = self.at.serve();
        check(&house, &log(&self.at));
        if shown(&house, &log(&self.at)).is_some() {
            self.tally.in_chromium += 1;
        }
        let history = &house.get("/healthz")["history"];
        let wrong = ["differences", "missed", "unread"].map(|name| &history[name]);
        assert_eq!(wrong, [0, 0, 0], "{history}");
        assert_eq!(history["set_aside"], json!([]), "{history}");
        let refused = refused(&house);
        let topic = format!("{}cx.dead-letters", self.at.prefix);
        let ear = Ear::connect(&self.at.settings(), &topic, &[0]).expect("the broker");
        let (_, put_aside) = ear.bounds(0).expect("a log");
        assert!(
            put_aside >= refused,
            "{put_aside} of {refused} refused records were put aside"
        );
        assert!(refused > 0, "the load has poison in it");
        let next = next(&house);
        let (last, good) = house.stop();
        assert!(good && last["ok"] == true, "{last}");
        self.decisions(&next);
        self.tally.verdicts += 1;
    }

    /// Every decision that follows from the records read is written, and no other.
    fn decisions(&mut self, next: &[i64]) {
        let written = self.written();
        let distinct: BTreeSet<&Decided> = written.iter().collect();
        let recounted = recounted(&log(&self.at), |slow| {
            let of = |p: u32| slow.decisions(p as usize).0;
            (0..PARTITIONS).map(of).collect::<Vec<_>>()
        });
        let mut all = BTreeSet::new();
        for ((partition, next), decisions) in (0..PARTITIONS).zip(next).zip(recounted) {
            for decision in decisions {
                let offset = i64::try_from(decision.offset).expect("small");
                let decided = Decided {
                    partition,
                    offset,
                    kind: format!("cx.decision.{}.v1", decision.ruling),
                    asked_at: decision.asked_at.to_rfc3339(),
                    due: decision.due.to_rfc3339(),
                };
                let missing = offset < *next && !distinct.contains(&decided);
                assert!(!missing, "{decided:?} is not written");
                all.insert(decided);
            }
        }
        for decided in &distinct {
            assert!(all.contains(*decided), "{decided:?} follows from nothing");
        }
        self.tally.decisions = all.len();
        self.tally.repeated = written.len() - distinct.len();
    }

    /// What stands in `cx.decisions`.
    fn written(&self) -> Vec<Decided> {
        let topic = format!("{}cx.decisions", self.at.prefix);
        let starts: Vec<(u32, i64)> = (0..PARTITIONS).map(|p| (p, 0)).collect();
        let mut ear = Ear::open(&self.at.settings(), &topic, &starts).expect("the broker");
        let (mut written, mut ended) = (Vec::new(), BTreeSet::new());
        while ended.len() < PARTITIONS as usize {
            let heard = ear.poll(Duration::from_millis(100), &mut |heard| match heard {
                Heard::Record(r) => {
                    let value = r.value.unwrap_or_default();
                    let event: Value = serde_json::from_slice(value).expect("JSON");
                    let text = |at: &Value| at.as_str().expect("a text").to_owned();
                    let kind = text(&event["type"]);
                    if kind != "cx.decision.through.v1" {
                        let data = &event["data"];
                        written.push(Decided {
                            partition: r.partition,
                            offset: data["offset"].as_i64().expect("a number"),
                            kind,
                            asked_at: text(&data["asked_at"]),
                            due: text(&data["due"]),
                        });
                    }
                }
                Heard::End { partition, .. } => drop(ended.insert(partition)),
            });
            heard.expect("the log");
        }
        written
    }
}

/// A decision, as far as a recount without keys knows it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Decided {
    partition: u32,
    offset: i64,
    kind: String,
    asked_at: String,
    due: String,
}

/// How far each partition is read.
fn next(house: &House) -> Vec<i64> {
    let health = house.get("/healthz");
    let all = health["partitions"].as_array().expect("a list");
    let one = |p: &Value| p["next"].as_i64().expect("a number");
    all.iter().map(one).collect()
}

/// Refused records, by the accounts of all partitions.
fn refused(house: &House) -> i64 {
    let health = house.get("/healthz");
    let all = health["partitions"].as_array().expect("a list");
    let one = |p: &Value| p["dead_lettered"].as_i64().expect("a number");
    all.iter().map(one).sum()
}

#[test]
fn chaos_leaves_no_difference() {
    let kills = u32::try_from(number("WATCHFLOOR_CHAOS_KILLS", 10)).expect("small");
    let seed = number("WATCHFLOOR_CHAOS_SEED", 1);
    let mut chaos = Chaos::new(seed);
    chaos.load();
    for life in 1.. {
        chaos.life(kills);
        if chaos.random.random_ratio(1, 8) {
            chaos.corrupt();
        }
        if chaos.random.random_ratio(1, 8) {
            chaos.bounce();
        }
        if chaos.random.random_ratio(1, 16) {
            chaos.fill();
        }
        let done = chaos.tally.random + chaos.tally.failpoints;
        if life % BETWEEN == 0 || done == kills {
            chaos.verdict();
            println!("seed {seed}: {done} of {kills} kills, valid so far");
        }
        if done == kills {
            break;
        }
    }
    let t = &chaos.tally;
    println!(
        "{}",
        json!({
            "name": "chaos", "ok": true, "valid": true, "seed": seed,
            "figures": {
                "kills": t.random + t.failpoints, "random_kills": t.random,
                "failpoint_kills": t.failpoints, "unreached_failpoints": t.unreached,
                "stopped": t.stopped, "corrupted": t.corrupted, "verdicts": t.verdicts,
                "verdicts_in_chromium": t.in_chromium, "brokers_bounced": t.bounced,
                "longest_stand_ms": t.longest_stand_ms, "disk_full": t.full,
                "records": t.records, "differences": 0,
                "decisions": t.decisions, "missing_decisions": 0, "repeated_decisions": t.repeated,
            },
        })
    );
}
