//! The engine's laws on random small worlds, against the slow model. A failing seed is printed.

use cx_catalog::{Catalog, load};
use cx_engine::{Config, Content, Delivery, Effect, Engine, Rollup, Step};
use cx_model::control::{Act, Control};
use cx_model::decode::decode;
use cx_model::ids::{HashKey, partition_of};
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, MINUTE, SECOND, Timestamp};
use cx_model::value::Sealed;
use cx_sim::slow::{LogRecord, SlowModel};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const BEGIN: i64 = 1_767_225_600_000;
const SEEDS: std::ops::Range<u64> = 0..12;

type Logs = Vec<Vec<LogRecord>>;

fn catalog() -> Catalog {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    load(&dir).unwrap_or_else(|f| panic!("{}", f[0]))
}

fn event(rng: &mut StdRng, at: i64, n: usize) -> (Option<String>, Vec<u8>) {
    const TYPES: [&str; 7] = [
        "contact.queued",
        "contact.answered",
        "contact.ended",
        "contact.dequeued",
        "commerce.order_placed",
        "commerce.checkout_step",
        "view.page_viewed",
    ];
    const CHANNELS: [&str; 4] = ["web", "chat", "voice_call", "pigeon"];
    let customer = rng
        .random_bool(0.95)
        .then(|| format!("c-{}", rng.random_range(0..6)));
    let lag = match rng.random_range(0..10) {
        0 => rng.random_range(0..50 * MINUTE),
        1 => rng.random_range(-10 * MINUTE..10 * MINUTE),
        2 => rng.random_range(-70 * MINUTE..0),
        _ => rng.random_range(0..20 * SECOND),
    };
    let who = customer.as_deref().unwrap_or("nobody");
    let id = if rng.random_bool(0.15) {
        format!("{who}-{}", n / 12)
    } else {
        format!("e{n}")
    };
    let contact = customer
        .clone()
        .map(|c| format!("{c}-{}", rng.random_range(0..3)));
    let mut json = serde_json::json!({
        "specversion": "1.0", "id": id, "source": "s",
        "type": format!("cx.{}.v1", TYPES[rng.random_range(0..TYPES.len())]),
        "time": Timestamp(at - lag).to_rfc3339(), "subject": customer,
        "data": {
            "channel": CHANNELS[rng.random_range(0..4)], "contact_id": contact, "queue": "sales",
            "outcome": (["failed", "abandoned", "handled"][rng.random_range(0..3)]),
            "step": (["payment", "address"][rng.random_range(0..2)]),
            "amount_minor": rng.random_range(-500..50_000), "currency": "EUR",
        },
    });
    if rng.random_bool(0.8) {
        json["data"]["wait_ms"] = rng.random_range(0..90_000).into();
    }
    let mut bytes = json.to_string().into_bytes();
    if rng.random_bool(0.03) {
        bytes.truncate(bytes.len() / 2);
    }
    (customer, bytes)
}

/// A world of interactions: (log time, customer, bytes), in order of the log.
fn world(seed: u64) -> Vec<(i64, Option<String>, Vec<u8>)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut at = BEGIN + rng.random_range(0..HOUR);
    (0..120)
        .map(|n| {
            at += match rng.random_range(0..20) {
                0 => rng.random_range(0..20 * MINUTE),
                1 => -rng.random_range(0..SECOND),
                _ => rng.random_range(0..20 * SECOND),
            };
            let (customer, bytes) = event(&mut rng, at, n);
            (at, customer, bytes)
        })
        .collect()
}

/// The world as logs; clock records close every partition at the end, and stand between.
fn logs(world: &[(i64, Option<String>, Vec<u8>)], partitions: u32, clocks: usize) -> Logs {
    let mut logs: Logs = (0..partitions).map(|_| Vec::new()).collect();
    let mut counter = 0;
    let mut clock = |log: &mut Vec<LogRecord>, at: i64| {
        counter += 1;
        log.push(LogRecord {
            timestamp: Timestamp(at),
            timestamp_kind: TimestampKind::Create,
            value: Vec::new(),
            clock: Some(counter),
        });
    };
    let begin = world[0].0 - SECOND;
    logs.iter_mut().for_each(|log| clock(log, begin));
    let mut newest = begin;
    for (i, (at, customer, bytes)) in world.iter().enumerate() {
        let p = customer
            .as_deref()
            .map_or(0, |c| partition_of(c, partitions));
        let log = &mut logs[p as usize];
        log.push(LogRecord {
            timestamp: Timestamp(*at),
            timestamp_kind: TimestampKind::Create,
            value: bytes.clone(),
            clock: None,
        });
        newest = newest.max(*at);
        if clocks > 0 && i % clocks == 0 {
            logs.iter_mut().for_each(|log| clock(log, newest));
        }
    }
    let end = newest + 3 * SECOND;
    logs.iter_mut().for_each(|log| clock(log, end));
    logs
}

/// Folds logs; every sealed second and the engines.
fn fold(catalog: &Catalog, logs: &Logs, step: Step) -> (BTreeMap<i64, Sealed>, Vec<Engine>) {
    let set = Arc::new(catalog.compile(1));
    let partitions = u32::try_from(logs.len()).expect("few");
    let mut rollup = Rollup::new(Arc::clone(&set), partitions);
    let mut sealed = BTreeMap::new();
    let mut engines = Vec::new();
    let mut parts = Vec::new();
    for (p, log) in (0_u32..).zip(logs) {
        let config = Config {
            partition: p,
            partitions,
            start_offset: 0,
            gaps_are_losses: false,
            hash_key: HashKey(7, 9),
        };
        let mut engine = Engine::new(config, Arc::clone(&set));
        engine.set_step(step);
        for (offset, record) in (0_i64..).zip(log) {
            let decoded;
            let content = match record.clock {
                Some(counter) => Content::Control(Control {
                    counter,
                    act: Act::Clock,
                }),
                None => {
                    decoded = decode(&record.value, &set.slots, &set.limits);
                    match &decoded {
                        Ok(event) => Content::Event(event),
                        Err(rejected) => Content::Rejected(rejected.clone()),
                    }
                }
            };
            engine.handle_record(&Delivery {
                offset,
                timestamp: record.timestamp,
                timestamp_kind: record.timestamp_kind,
                content,
            });
            while let Some(effect) = engine.next_effect() {
                if let Effect::Part(part) = effect {
                    parts.push(part);
                }
            }
        }
        engines.push(engine);
    }
    parts.sort_by_key(|p| p.s);
    for part in parts {
        if let Some(s) = rollup.handle_part(part) {
            sealed.insert(s.s, s);
        }
    }
    (sealed, engines)
}

fn values(sealed: &BTreeMap<i64, Sealed>) -> BTreeMap<i64, Vec<Option<i64>>> {
    sealed
        .iter()
        .map(|(s, v)| (*s, v.values.iter().map(|c| c.value).collect()))
        .collect()
}

#[test]
fn law_1_and_10_incremental_equals_from_scratch_and_every_offset_is_accounted_for() {
    let catalog = catalog();
    let set = catalog.compile(1);
    // No declared source sends anything in these worlds.
    let kpis: Vec<_> = catalog
        .kpis
        .iter()
        .filter(|k| k.kpi != "source_age")
        .cloned()
        .collect();
    for seed in SEEDS {
        let partitions = 1 + u32::try_from(seed % 3).expect("small");
        let logs = logs(&world(seed), partitions, 7);
        let (sealed, engines) = fold(&catalog, &logs, Step::Second);
        let slow = SlowModel::new(&kpis, catalog.limits, &logs);
        assert!(sealed.len() > 60, "seed {seed} seals something");
        let chosen: Vec<i64> = sealed.keys().copied().collect();
        for s in chosen.iter().rev().step_by(chosen.len() / 4) {
            let expected = slow.at(*s);
            for (cell, got) in set.cells.iter().zip(sealed[s].values.iter()) {
                if &*cell.key.kpi == "source_age" {
                    assert_eq!(got.value, None, "seed {seed}");
                    continue;
                }
                let key = (
                    cell.key.kpi.to_string(),
                    cell.key.window,
                    cell.key.dims.clone(),
                );
                assert_eq!(*got, expected[&key], "seed {seed}, second {s}, {key:?}");
            }
        }
        for (p, engine) in engines.iter().enumerate() {
            let a = engine.account();
            assert!(a.holds(), "seed {seed}: {a:?}");
            let of = slow.outcomes(p);
            let n = |name: &str| of.get(name).copied().unwrap_or(0);
            let got = [a.applied, a.duplicates, a.late, a.dead_lettered, a.control];
            let names = ["applied", "duplicate", "late", "dead_lettered", "control"];
            assert_eq!(got, names.map(n), "seed {seed}, partition {p}");
        }
    }
}

#[test]
fn law_2_a_replay_is_exact() {
    let catalog = catalog();
    for seed in SEEDS {
        let logs = logs(&world(seed), 2, 5);
        let (first, second) = (
            fold(&catalog, &logs, Step::Second).0,
            fold(&catalog, &logs, Step::Second).0,
        );
        assert_eq!(values(&first), values(&second), "seed {seed}");
    }
}

#[test]
fn law_3_a_repeated_event_changes_nothing() {
    let catalog = catalog();
    for seed in SEEDS {
        let world = world(seed);
        let doubled: Vec<_> = world.iter().flat_map(|r| [r.clone(), r.clone()]).collect();
        // Refused records have no id to be repeated by; they are counted as records twice.
        let counted = |sealed: &BTreeMap<i64, Sealed>| {
            let set = catalog.compile(1);
            let records = ["dead_letters", "duplicate_records", "late_records"];
            let keep: Vec<bool> = set
                .cells
                .iter()
                .map(|c| !records.contains(&&*c.key.kpi))
                .collect();
            values(sealed)
                .into_iter()
                .map(|(s, v)| {
                    (
                        s,
                        v.into_iter()
                            .zip(&keep)
                            .filter(|(_, k)| **k)
                            .map(|(v, _)| v)
                            .collect::<Vec<_>>(),
                    )
                })
                .collect::<Vec<_>>()
        };
        let once = fold(&catalog, &logs(&world, 2, 0), Step::Second).0;
        let twice = fold(&catalog, &logs(&doubled, 2, 0), Step::Second).0;
        assert_eq!(counted(&once), counted(&twice), "seed {seed}");
    }
}

#[test]
fn law_4_more_or_fewer_clock_records_change_no_value() {
    let catalog = catalog();
    for seed in SEEDS {
        let mut world = world(seed);
        world.sort_by_key(|r| r.0);
        let few = values(&fold(&catalog, &logs(&world, 1, 0), Step::Second).0);
        let many = values(&fold(&catalog, &logs(&world, 1, 2), Step::Second).0);
        let mut compared = 0;
        for (s, value) in &few {
            if let Some(other) = many.get(s) {
                compared += 1;
                assert_eq!(value, other, "seed {seed}, second {s}");
            }
        }
        assert!(compared > 60, "seed {seed}");
    }
}

#[test]
fn law_5_one_partition_equals_many() {
    let catalog = catalog();
    for seed in SEEDS {
        let mut world = world(seed);
        world.sort_by_key(|r| r.0);
        // Without misplaced or unowned events the worlds are the same.
        world.retain(|r| r.1.is_some());
        let one = values(&fold(&catalog, &logs(&world, 1, 1), Step::Second).0);
        let many = values(&fold(&catalog, &logs(&world, 4, 1), Step::Second).0);
        let mut compared = 0;
        for (s, value) in &one {
            if let Some(other) = many.get(s) {
                compared += 1;
                assert_eq!(value, other, "seed {seed}, second {s}");
            }
        }
        assert!(compared > 60, "seed {seed}");
    }
}

#[test]
fn whole_minutes_have_the_same_values_when_only_they_are_emitted() {
    let catalog = catalog();
    for seed in SEEDS {
        let logs = logs(&world(seed), 2, 3);
        let seconds = values(&fold(&catalog, &logs, Step::Second).0);
        for (s, value) in values(&fold(&catalog, &logs, Step::Minute).0) {
            if let Some(other) = seconds.get(&s) {
                assert_eq!(&value, other, "seed {seed}, minute {s}");
            }
        }
    }
}
