//! In: what the threads of the house note. Kept: nothing. Out: how the house is, whether it is ready,
//! what a person must mend. Never knows: HTTP.

use crate::clock;
use crate::common::Common;
use crate::history::kept::History;
use cx_engine::Rollup;
use cx_gateway::{DataGap, Health, Ready, Recovering};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

const EMBEDDED: &str = "embedded demo broker, in memory only: nothing is kept across restarts";
const KAFKA: &str = "Apache Kafka; a restart goes on from the newest snapshots";
/// How old the newest sealed second may be for the house to be ready, s.
const FRESH_S: i64 = 5;

/// `embedded` or `kafka`.
pub(crate) fn broker(common: &Common) -> &'static str {
    if common.embedded { "embedded" } else { "kafka" }
}

/// Answer of `/healthz`.
pub(crate) fn health(common: &Common, rollup: &Rollup) -> Health {
    let noted = common.ledger.read();
    let partitions = noted.iter().map(|(p, n)| {
        let a = &n.account;
        json!({
            "partition": p, "start": a.start, "began": common.ledger.began(*p), "next": a.next, "applied": a.applied,
            "duplicates": a.duplicates, "late": a.late, "dead_lettered": a.dead_lettered,
            "control": a.control, "gaps": a.gaps, "lost": a.lost, "holds": a.holds(),
            "data_gap": a.data_gap.map(|gap| json!({"from": gap.from, "to": gap.to})),
            "log_time": n.log_time.map(|t| t.to_rfc3339()),
            "customers": n.customers, "forgotten": a.forgotten, "contacts": n.contacts,
            "cel_errors": a.cel_errors, "limited": a.limited,
        })
    });
    Health {
        status: "ok",
        broker: broker(common),
        broker_note: if common.embedded { EMBEDDED } else { KAFKA },
        sealed: rollup.newest().map(|s| s.s),
        waiting_for: rollup.waiting_for(),
        partitions: partitions.collect(),
        snapshots: snapshots(common),
        history: history(&common.history),
        dead_letters: json!(common.ledger.reasons()),
        unregistered: unregistered(common),
    }
}

fn unregistered(common: &Common) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for n in common.ledger.read().values() {
        for (kind, names) in &n.account.unregistered {
            let entry = all.entry(&**kind).or_insert_with(|| json!({}));
            for (name, count) in names {
                let sum = entry[name.as_str()].as_i64().unwrap_or(0) + count;
                entry[name.as_str()] = sum.into();
            }
        }
    }
    Value::Object(all)
}

fn snapshots(common: &Common) -> Value {
    let Some(snapshots) = &common.snapshots else {
        return Value::Null;
    };
    let (journal, now) = (&snapshots.journal, clock::now());
    let saved = journal.saved().into_iter().map(|(partition, saved)| {
        json!({
            "partition": partition, "next_offset": saved.next_offset,
            "age_ms": now.since(saved.at), "bytes": saved.bytes, "took_ms": saved.took_ms,
        })
    });
    let aside = journal.aside().into_iter();
    let aside = aside.map(|(file, why)| json!({"file": file, "why": why}));
    json!({
        "partitions": saved.collect::<Value>(), "failures": journal.failures(),
        "failing": journal.failing(), "set_aside": aside.collect::<Value>(),
    })
}

fn history(history: &History) -> Value {
    let (extent, noted) = (history.extent(), history.journal.read());
    let aside = noted.aside.iter();
    let aside = aside.map(|(file, why)| json!({"file": file, "why": why}));
    json!({
        "kept": if history.outlives() { "on disk" } else { "in memory, until the process ends" },
        "bytes": extent.bytes, "most_bytes": history.most(), "minutes": extent.minutes,
        "oldest": extent.oldest, "every_minute_from": extent.dense_from, "newest": extent.newest,
        "failures": noted.failures, "failing": noted.failing, "differences": noted.differences,
        "missed": noted.missed, "unread": noted.unread, "gone_early_through": noted.early,
        "set_aside": aside.collect::<Value>(),
    })
}

/// Answer of `/readyz`, with the age of the newest sealed second.
pub(crate) fn ready(common: &Common, seal_age: Option<i64>) -> Ready {
    let gaps = common.ledger.gaps().into_iter();
    let data_gaps = gaps.map(|(partition, gap)| DataGap {
        partition,
        from: gap.from,
        to: gap.to,
    });
    let why = why_not(common, seal_age);
    Ready {
        ready: why.is_none(),
        recovering: why.as_ref().and_then(|_| recovering(common)),
        why: why.unwrap_or_else(|| "current numbers are served".to_owned()),
        data_gaps: data_gaps.collect(),
        alarms: alarms(common),
    }
}

fn why_not(common: &Common, seal_age: Option<i64>) -> Option<String> {
    if !common.live.load(Ordering::Acquire) {
        return Some("history is being folded".to_owned());
    }
    let reach = || common.ledger.reach().words();
    match seal_age {
        None => Some(format!("no second is sealed yet; {}", reach())),
        Some(age) if age > FRESH_S => Some(format!(
            "the newest sealed second is {age} s old; {}",
            reach()
        )),
        Some(_) => None,
    }
}

fn recovering(common: &Common) -> Option<Recovering> {
    let partitions = common.ledger.behind();
    let reach = common.ledger.reach();
    let seconds = clock::now()
        .since(common.begun.max(common.revival.since()))
        .div_euclid(1_000);
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let left = (reach.end - reach.read) * seconds;
    (!partitions.is_empty()).then(|| Recovering {
        read: reach.read,
        of: reach.end,
        percent: (reach.read * 100).checked_div(reach.end).unwrap_or(0),
        left_s: left.checked_div(reach.read),
        partitions,
    })
}

/// What a person must mend, in words.
fn alarms(common: &Common) -> Vec<String> {
    let mut alarms = Vec::new();
    if let Some(snapshots) = &common.snapshots {
        alarms.extend(snapshots.journal.failing());
        let aside = snapshots.journal.aside().into_iter();
        alarms.extend(aside.map(|(file, why)| {
            format!("the snapshot {file} could not be used and was set aside ({why}); an older one or the log stood in")
        }));
    }
    alarms.extend(common.history.journal.alarms());
    alarms.extend(common.outputs.alarm(clock::now()));
    alarms.extend(common.memory.alarm());
    alarms.extend(common.webhooks.alarms());
    alarms.extend(common.access.alarms());
    alarms
}
