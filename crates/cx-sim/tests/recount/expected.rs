//! In: a log. Kept: nothing. Out: what engine and roll-up say of it at some sealed seconds, in the
//! recount's own words. Never knows: how the recount finds it.

use crate::log::{Entry, Log, Steer};
use cx_catalog::compiled::Compiled;
use cx_catalog::{Catalog, load};
use cx_engine::{
    Account, Config, Content, Decision, Delivery, Effect, Engine, Part, Plan, Rollup, Step,
};
use cx_model::decode::of_record;
use cx_model::ids::{HashKey, Key128};
use cx_model::limits::Limits;
use cx_model::record::Record;
use cx_model::reject::{Reason, Rejected};
use cx_model::value::Sealed;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The hash key of all logs here, as the recount takes it.
pub(crate) const KEY: (u64, u64) = (7, 9);
const HASH_KEY: HashKey = HashKey(KEY.0, KEY.1);

/// What is expected.
pub(crate) struct Fold {
    /// The sealed seconds that were chosen.
    pub(crate) chosen: Vec<i64>,
    /// `{"seconds": […]}`
    pub(crate) expected: Value,
}

/// Folds a log; looks at so many of its sealed seconds, the first and the last among them, and at
/// those a window after the first.
pub(crate) fn fold(catalog: &Path, log: &Log, seconds: usize) -> Fold {
    let catalog = load(catalog).unwrap_or_else(|f| panic!("{}", f[0]));
    fold_under(&[catalog], log, seconds)
}

/// The same of a log that may activate these sets.
pub(crate) fn fold_under(sets: &[Catalog], log: &Log, seconds: usize) -> Fold {
    let way = Way::of(sets);
    let mut parts: Vec<Part> = Vec::new();
    let mut subjects = BTreeSet::new();
    for p in 0..log.partitions.len() {
        parts.extend(folded(&way, log, p, i64::MAX, &mut subjects).parts);
    }
    parts.sort_by_key(|p| p.s);
    let partitions = u32::try_from(log.partitions.len()).expect("few");
    let mut rollup = Rollup::new(Arc::clone(way.plans[0].set()), partitions);
    way.plans.iter().for_each(|plan| rollup.learn(plan));
    let mut sealed: BTreeMap<i64, Shown> = BTreeMap::new();
    for part in parts {
        if let Some(one) = rollup.handle_part(part) {
            sealed.insert(one.s, (Arc::clone(rollup.set()), one));
        }
    }
    let all: Vec<i64> = sealed.keys().copied().collect();
    let last = all.len() - 1;
    let spread = (0..seconds).map(|i| all[last * i / (seconds - 1)]);
    // Those at which windows just reach the log's start.
    let edges = [60, 300, 900, 3_600].map(|length| all[0] + length);
    let edges = edges.into_iter().filter(|s| sealed.contains_key(s));
    let chosen: BTreeSet<i64> = spread.chain(edges).collect();
    let at = chosen
        .iter()
        .map(|s| second(&way, log, &sealed[s], &subjects));
    let expected = json!({"seconds": at.collect::<Vec<_>>()});
    Fold {
        chosen: chosen.into_iter().collect(),
        expected,
    }
}

/// A sealed second, and the set whose cells it has.
type Shown = (Arc<Compiled>, Sealed);

/// What all engines share.
struct Way {
    plans: Vec<Arc<Plan>>,
}

impl Way {
    fn of(sets: &[Catalog]) -> Self {
        let mut plans: Vec<Arc<Plan>> = Vec::new();
        for (number, catalog) in (1..).zip(sets) {
            let plan = match plans.last() {
                None => Plan::new(Arc::new(catalog.compile(number))),
                Some(before) => {
                    let slots = before.set().slots.clone();
                    Plan::after(before, Arc::new(catalog.compile_after(number, slots)))
                }
            };
            plans.push(Arc::new(plan));
        }
        Self { plans }
    }
}

/// One partition, folded up to an offset.
struct Folded {
    engine: Engine,
    parts: Vec<Part>,
    decisions: Vec<Decision>,
}

fn folded(
    way: &Way,
    log: &Log,
    partition: usize,
    until: i64,
    subjects: &mut BTreeSet<String>,
) -> Folded {
    let number = |n: usize| u32::try_from(n).expect("few");
    let config = Config {
        partition: number(partition),
        partitions: number(log.partitions.len()),
        start_offset: 0,
        gaps_are_losses: log.gaps_are_losses,
        hash_key: HASH_KEY,
    };
    let mut engine = Engine::new(config, Arc::clone(&way.plans[0]));
    way.plans.iter().for_each(|plan| engine.learn(plan));
    // Which seconds are emitted changes nothing else, and of a beginning nobody asks for them.
    engine.set_step(if until == i64::MAX {
        Step::Second
    } else {
        Step::Minute
    });
    engine.lose(log.lows[partition]);
    let (mut parts, mut decisions) = (Vec::new(), Vec::new());
    for entry in log.partitions[partition]
        .iter()
        .filter(|e| e.offset < until)
    {
        deliver(&mut engine, (config.partition, entry), subjects);
        while let Some(effect) = engine.next_effect() {
            match effect {
                Effect::Part(part) => parts.push(part),
                Effect::Decision(decision) => decisions.push(decision),
                Effect::DeadLetter { .. } | Effect::Final(_) => {}
            }
        }
    }
    Folded {
        engine,
        parts,
        decisions,
    }
}

/// A record as Kafka hands it over.
pub(crate) fn as_record<R>(
    (partition, entry): (u32, &Entry),
    take: impl FnOnce(&Record<'_>) -> R,
) -> R {
    let header = |name: &str| {
        let found = entry.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_slice())
    };
    let named = entry.headers.iter().filter_map(|(name, value)| {
        let attribute = name.strip_prefix("ce_")?;
        Some((attribute, value.as_slice()))
    });
    let attributes: Vec<(&str, &[u8])> = named.collect();
    take(&Record {
        partition,
        offset: entry.offset,
        timestamp: entry.timestamp,
        timestamp_kind: entry.kind,
        key: None,
        value: (!entry.value.is_empty()).then_some(&entry.value),
        control: header("cx-control"),
        content_type: header("content-type"),
        attributes: &attributes,
    })
}

fn deliver(
    engine: &mut Engine,
    (partition, entry): (u32, &Entry),
    subjects: &mut BTreeSet<String>,
) {
    as_record((partition, entry), |record| {
        hand(engine, (entry, record), subjects)
    });
}

fn hand(
    engine: &mut Engine,
    (entry, record): (&Entry, &Record<'_>),
    subjects: &mut BTreeSet<String>,
) {
    let decoded;
    let content = match &entry.steer {
        Some(Steer::Right(control)) => Content::Control(control.clone()),
        Some(Steer::Forged) => Content::Rejected(Rejected::new(
            Reason::ControlForged,
            "header cx-control",
            "",
        )),
        None => {
            decoded = of_record(record, engine.slots(), &Limits::default());
            match &decoded {
                Ok(event) => {
                    subjects.extend(event.subject.as_deref().map(str::to_owned));
                    Content::Event(event)
                }
                Err(rejected) => Content::Rejected(rejected.clone()),
            }
        }
    };
    engine.handle_record(&Delivery {
        offset: entry.offset,
        timestamp: entry.timestamp,
        timestamp_kind: entry.kind,
        content,
    });
}

fn second(way: &Way, log: &Log, shown: &Shown, subjects: &BTreeSet<String>) -> Value {
    let (set, sealed) = shown;
    let cells: Vec<Value> = set
        .cells
        .iter()
        .zip(sealed.values.iter())
        .map(|(cell, v)| {
            json!({
                "kpi": *cell.key.kpi, "window": cell.key.window.name(), "dims": cell.key.dims,
                "value": v.value, "state": v.state, "numerator": v.numerator,
                "denominator": v.denominator, "n": v.n,
            })
        })
        .collect();
    let (mut accounts, mut customers, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
    for (p, offset) in sealed.offsets.iter().enumerate() {
        let folded = folded(way, log, p, *offset, &mut BTreeSet::new());
        accounts.push(account(p, folded.engine.account()));
        customers.extend(people(&folded.engine, set, subjects));
        decisions.extend(folded.decisions.iter().map(|d| decided(p, d)));
    }
    let sum = customers
        .iter()
        .fold(0_u64, |sum, (_, digest)| sum.wrapping_add(*digest));
    let customers: Vec<Value> = customers.into_iter().map(|(c, _)| c).collect();
    json!({
        "s": sealed.s, "set_number": set.number, "offsets": *sealed.offsets, "cells": cells, "accounts": accounts,
        "customers": customers, "customers_digest": format!("{sum:016x}"), "decisions": decisions,
    })
}

fn account(partition: usize, a: &Account) -> Value {
    assert!(a.holds(), "{a:?}");
    json!({
        "partition": partition, "start": a.start, "next": a.next, "applied": a.applied,
        "duplicates": a.duplicates, "late": a.late, "dead_lettered": a.dead_lettered,
        "control": a.control, "gaps": a.gaps, "lost": a.lost, "breached": a.breached, "met": a.met,
        "cel_errors": a.cel_errors, "data_gap": a.data_gap.map(|g| json!({"from": g.from, "to": g.to})),
        "limited": a.limited, "unregistered": a.unregistered,
    })
}

/// The customers of one partition with their digests.
fn people(engine: &Engine, set: &Compiled, subjects: &BTreeSet<String>) -> Vec<(Value, u64)> {
    let reader = engine.customers();
    let found = subjects.iter().filter_map(|subject| {
        let key = HASH_KEY.hash(&[subject]);
        let c = reader.get(key)?;
        let all = set.channels.iter().enumerate();
        let used: Vec<&String> = all
            .filter(|(i, _)| c.used_channel(*i))
            .map(|(_, n)| n)
            .collect();
        let last = c.last_channel().map(|i| &set.channels[i]);
        let names: Vec<&str> = used.iter().map(|n| n.as_str()).collect();
        let digest = hash64(&format!(
            "{}|{}|{}|{}|{}|{}|{}",
            key.hex(),
            c.first_seen.0,
            c.last_seen.0,
            c.events,
            c.contacts,
            names.join(","),
            last.map_or("null", String::as_str)
        ));
        let shown = json!({
            "customer": key.hex(), "first_seen": c.first_seen.0, "last_seen": c.last_seen.0,
            "events": c.events, "contacts": c.contacts, "channels": used, "last_channel": last,
            "digest": format!("{digest:016x}"),
        });
        Some((shown, digest))
    });
    let found: Vec<(Value, u64)> = found.collect();
    assert_eq!(found.len(), engine.sizes().0, "every customer is named");
    found
}

fn decided(partition: usize, d: &Decision) -> Value {
    json!({
        "partition": partition, "offset": d.offset, "index": d.index,
        "type": format!("cx.decision.{}.v1", d.ruling.name()), "id": d.id.hex(),
        "time": d.decided_at.0, "asked_at": d.asked_at.0, "due": d.due.0,
        "conversation": d.conversation.hex(), "channel": d.channel,
        "customer": d.customer.map(Key128::hex),
    })
}

/// FNV-1a-64 with the murmur3 finaliser, as for cells.
fn hash64(text: &str) -> u64 {
    let mut h = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    for by in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        h = (h ^ (h >> 33)).wrapping_mul(by);
    }
    h ^ (h >> 33)
}
