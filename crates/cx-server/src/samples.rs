//! In: a number at a sealed second, the log. Kept: nothing. Out: a few of the newest records that count
//! in it, found by reading back, and how far that was. Never knows: sockets.
//!
//! The engine keeps no events, so a look costs a reader of its own, off the thread that counts. It is
//! bounded in records and in time, and only one is made at once: curiosity must not cost the wall.

mod finder;

use crate::clock;
use crate::common::Common;
use crate::sets::Set;
use cx_gateway::{Doubt, Looked, Samples};
use cx_kafka::{Ear, Heard};
use finder::Finder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Records read back at first, and at most; over all partitions, and of one.
const FEW: i64 = 5_000;
const MOST: i64 = 40_000;
const MOST_EACH: i64 = 10_000;
/// How long one look lasts.
const READING: Duration = Duration::from_secs(2);
/// How long the broker may take for each of its other answers.
const ANSWERING: Duration = Duration::from_secs(2);
/// How long a question waits for those before it, and for its own answer.
const WAITING: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(6);

/// Finds them, or says why there are none. `looks` has as many places as looks may be made at once.
pub(crate) async fn find(
    common: Arc<Common>,
    looks: Arc<Semaphore>,
    (set, doubt): (Arc<Set>, Doubt),
) -> Samples {
    let keys = (common.secrets.hash_key, common.partitions);
    let Some(finder) = Finder::of(set.compiled(), &doubt, keys) else {
        return none("This number is not counted from records.");
    };
    if let Some(why) = finder.cannot() {
        return none(why);
    }
    drop(finder);
    let Ok(Ok(place)) = timeout(WAITING, looks.acquire_owned()).await else {
        return none("Other questions are being answered: ask again in a moment.");
    };
    let (tell, told) = oneshot::channel();
    let look = move || {
        let samples = read(&common, &set, &doubt);
        drop(place);
        // Whoever asked may have gone.
        drop(tell.send(samples));
    };
    let thread = std::thread::Builder::new().name("why".to_owned());
    if thread.spawn(look).is_err() {
        return none("This machine has no thread left for reading back: ask again later.");
    }
    match timeout(PATIENCE, told).await {
        Ok(Ok(Ok(samples))) => samples,
        Ok(Ok(Err(error))) => none(&format!("The log could not be read back: {error:#}.")),
        Ok(Err(_)) | Err(_) => none("The broker did not answer in time: ask again later."),
    }
}

fn none(note: &str) -> Samples {
    Samples {
        note: note.to_owned(),
        ..Samples::default()
    }
}

/// Reads the newest records below the offsets that the number rests on: a few, and many only where a few
/// do not suffice.
fn read(common: &Common, set: &Set, doubt: &Doubt) -> anyhow::Result<Samples> {
    let few = look(common, set, doubt, FEW)?;
    if few.enough {
        return Ok(few.found);
    }
    Ok(look(common, set, doubt, MOST)?.found)
}

/// One look, and whether it found as much as is told.
struct Look {
    found: Samples,
    enough: bool,
}

/// Reads back `most` records at most, over all partitions. Each look has a reader of its own: what was
/// paused in one stays so.
fn look(common: &Common, set: &Set, doubt: &Doubt, most: i64) -> anyhow::Result<Look> {
    let keys = (common.secrets.hash_key, common.partitions);
    let mut finder = Finder::of(set.compiled(), doubt, keys).expect("asked before");
    let topic = &common.topics.interactions;
    let ends: BTreeMap<u32, i64> = (0..).zip(doubt.sealed.offsets.iter().copied()).collect();
    let settings = common.settings.clone().with_patience(ANSWERING);
    let partitions: Vec<u32> = ends.keys().copied().collect();
    let mut ear = Ear::connect(&settings, topic, &partitions)?;
    let mut looked = stretches(&ear, &ends, most)?;
    let starts: Vec<(u32, i64)> = looked.iter().map(|l| (l.partition, l.from)).collect();
    ear.start(&starts)?;
    let mut open: BTreeMap<u32, usize> = (0..).zip(&starts).map(|(i, (p, _))| (*p, i)).collect();
    let until = clock::instant() + READING;
    let mut records = 0;
    while !open.is_empty() && clock::instant() < until && !common.stop.load(Ordering::Relaxed) {
        let mut done = Vec::new();
        let mut unknown = None;
        ear.poll(Duration::from_millis(100), &mut |heard| {
            let (partition, next) = match &heard {
                Heard::Record(record) => (record.partition, record.offset + 1),
                Heard::End { partition, .. } => (*partition, i64::MAX),
            };
            let (Some(at), Some(end)) = (open.get(&partition), ends.get(&partition)) else {
                return;
            };
            if let Heard::Record(record) = &heard
                && record.offset < *end
            {
                let signed = record
                    .control
                    .map(|_| common.secrets.keys.read(topic, record));
                match signed.transpose() {
                    Ok(control) => finder.record(record, control),
                    Err(key) => unknown = Some(key),
                }
                records += 1;
            }
            looked[*at].to = next.min(*end);
            if next >= *end {
                done.push(partition);
            }
        })?;
        if let Some(key) = unknown {
            return Err(key.into());
        }
        for partition in done {
            if open.remove(&partition).is_some() {
                ear.pause(partition)?;
            }
        }
    }
    let enough = finder.is_full();
    Ok(Look {
        found: finder.found(looked, records, open.is_empty()),
        enough,
    })
}

/// Of each partition its share of the newest records below an offset, none of them read yet.
fn stretches(ear: &Ear, ends: &BTreeMap<u32, i64>, most: i64) -> anyhow::Result<Vec<Looked>> {
    let partitions = i64::try_from(ends.len()).unwrap_or(i64::MAX);
    let each = most.checked_div(partitions).unwrap_or(most);
    let mut all = Vec::new();
    for (partition, end) in ends {
        let (low, _) = ear.bounds(*partition)?;
        let from = low.max(end - each.clamp(1, MOST_EACH));
        if from < *end {
            all.push(Looked {
                partition: *partition,
                from,
                to: from,
            });
        }
    }
    Ok(all)
}
