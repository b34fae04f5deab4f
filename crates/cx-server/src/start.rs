//! In: the snapshots of a partition, the bounds of its log. Kept: nothing. Out: an engine, and from
//! which record it goes on; or why there is no way to go on. Never knows: Kafka.

use crate::common::Common;
use crate::snapshots::saver::Saved;
use crate::snapshots::{Label, Last, Loaded};
use anyhow::{Context as _, bail, ensure};
use cx_catalog::FOLD_VERSION;
use cx_engine::{Config, Engine};
use cx_model::record::Record;
use cx_model::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A partition about to be read.
pub(crate) struct Begun {
    pub(crate) engine: Engine,
    /// The offset to read from.
    pub(crate) from: i64,
    /// The record that must be heard first: the last one a snapshot holds.
    pub(crate) expected: Option<Last>,
}

/// Takes the newest usable snapshot, or begins with the log's first record. What the log no longer
/// holds is marked as a data gap.
///
/// # Errors
/// A folder that cannot be read; a snapshot of another log, set or key, each with the fix.
pub(crate) fn begin(
    common: &Common,
    partition: u32,
    (low, high): (i64, i64),
) -> anyhow::Result<Begun> {
    let Some(Loaded {
        label,
        bytes,
        made: mut engine,
    }) = newest(common, partition)?
    else {
        let mut engine = fresh(common, partition);
        engine.lose(low);
        return Ok(Begun {
            engine,
            from: low,
            expected: None,
        });
    };
    fits(common, &label)?;
    let snapshot = format!(
        "the newest snapshot of partition {partition} holds {} up to offset {}",
        label.topic, label.next_offset
    );
    ensure!(
        label.next_offset <= high,
        "{snapshot}, but the log ends at {high}: it was made again or cut off; bring the log back, or move the snapshots away to begin with what is there"
    );
    if let Some(snapshots) = &common.snapshots {
        let saved = Saved {
            at: Timestamp(label.cut_at),
            next_offset: label.next_offset,
            bytes,
            took_ms: 0,
        };
        snapshots.journal.note(partition, saved);
    }
    let gone = label.last.is_none_or(|last| last.offset < low);
    if gone {
        tracing::warn!(snapshot, low, "the log begins after the snapshot");
        engine.lose(low);
    }
    Ok(Begun {
        from: match label.last {
            Some(last) if !gone => last.offset,
            _ => engine.account().next,
        },
        expected: label.last.filter(|_| !gone),
        engine,
    })
}

/// What a snapshot says of the engine that was cut now, right after `record`.
pub(crate) fn label(
    common: &Common,
    engine: &Engine,
    record: &Record<'_>,
    now: Timestamp,
) -> Label {
    let set = common.sets.get(engine.set_number());
    let set = set.unwrap_or_else(|| common.sets.shown());
    Label {
        topic: common.topics.interactions.clone(),
        partition: record.partition,
        partitions: common.partitions,
        next_offset: engine.account().next,
        fold_version: FOLD_VERSION,
        set_number: set.plan.number(),
        set_hash: set.compiled().hash.clone(),
        hash_key: key_mark(common),
        cut_at: now.0,
        last: Some(known(record)),
    }
}

/// By what a record is known again.
pub(crate) fn known(record: &Record<'_>) -> Last {
    let mut hash = Sha256::new();
    for part in [record.key, record.value] {
        let part = part.unwrap_or_default();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash: [u8; 16] = hash.finalize()[..16].try_into().expect("32 bytes");
    Last {
        offset: record.offset,
        timestamp: record.timestamp.0,
        hash: u128::from_le_bytes(hash),
    }
}

/// Whether the first record heard is the one that the snapshot ends with.
///
/// # Errors
/// It is another one: the log is not the one of the snapshot.
pub(crate) fn recognise(expected: Last, record: &Record<'_>) -> anyhow::Result<()> {
    let found = known(record);
    if found == expected {
        return Ok(());
    }
    bail!(
        "partition {}: the snapshot ends with the record at offset {}, and another record stands at {}: the topic was removed and made again under its name; bring the old log back, or move the snapshots away to begin with what is there",
        record.partition,
        expected.offset,
        found.offset
    )
}

/// An engine that has seen nothing.
pub(crate) fn fresh(common: &Common, partition: u32) -> Engine {
    let plans = common.sets.plans();
    let first = plans.first().expect("there is set 1");
    let mut engine = Engine::new(config(common, partition), Arc::clone(first));
    plans.iter().for_each(|plan| engine.learn(plan));
    engine
}

/// The hash of the set that a snapshot was made under; `None`: nobody here knows that set.
fn known_set(common: &Common, label: &Label) -> Option<String> {
    let set = common.sets.get(label.set_number)?;
    Some(set.compiled().hash.clone())
}

pub(crate) fn config(common: &Common, partition: u32) -> Config {
    Config {
        partition,
        partitions: common.partitions,
        start_offset: 0,
        gaps_are_losses: common.embedded,
        hash_key: common.secrets.hash_key,
    }
}

fn newest(common: &Common, partition: u32) -> anyhow::Result<Option<Loaded<Engine>>> {
    let Some(snapshots) = &common.snapshots else {
        return Ok(None);
    };
    let found = snapshots
        .folder
        .newest(partition, common.partitions, |label, blocks| {
            if label.fold_version != FOLD_VERSION {
                return Err(format!(
                    "it is of fold version {}, this release has {FOLD_VERSION}",
                    label.fold_version
                ));
            }
            if known_set(common, label).as_ref() != Some(&label.set_hash) {
                // Told below, where it is an error of the whole start.
                return Ok(fresh(common, partition));
            }
            let mut broken = None;
            let blocks = blocks.map_while(|bytes| match postcard::from_bytes(&bytes) {
                Ok(block) => Some(block),
                Err(error) => {
                    broken = Some(format!("a block cannot be read: {error}"));
                    None
                }
            });
            let plans = common.sets.plans();
            let mut engine = Engine::restore(config(common, partition), &plans, blocks);
            if let Ok(engine) = &mut engine {
                plans.iter().for_each(|plan| engine.learn(plan));
            }
            match (broken, engine) {
                (Some(why), _) => Err(why),
                (None, engine) => engine.map_err(|unfit| unfit.to_string()),
            }
        });
    let found = found.context("starting from snapshots")?;
    for (name, why) in &found.aside {
        tracing::warn!(name, why, "a snapshot cannot be used and was set aside");
    }
    snapshots.journal.set_aside(found.aside);
    Ok(found.loaded)
}

/// Whether a snapshot is of this installation.
fn fits(common: &Common, label: &Label) -> anyhow::Result<()> {
    let partition = label.partition;
    let known = known_set(common, label);
    ensure!(
        label.topic == common.topics.interactions,
        "the newest snapshot of partition {partition} is of topic {}, not {}: each topic has a folder of its own; put the files back where they were",
        label.topic,
        common.topics.interactions
    );
    ensure!(
        known.as_ref() == Some(&label.set_hash),
        "the newest snapshot of partition {partition} was made under other definitions ({}) than these ({}): put the files of the catalogue back, or move the snapshots away to read the log anew",
        short(&label.set_hash),
        short(known.as_deref().unwrap_or("unknown"))
    );
    ensure!(
        label.hash_key == key_mark(common),
        "the newest snapshot of partition {partition} was made with another hash key: every customer would have another id; put the secrets back, or move the snapshots away to read the log anew"
    );
    Ok(())
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn key_mark(common: &Common) -> u128 {
    common.secrets.hash_key.hash(&["of snapshots"]).0
}
