//! In: a topic that is small enough to be read at the start, or the ends of its partitions. Kept: nothing.
//! Out: every record of it, in order. Never knows: what they say.

use anyhow::ensure;
use cx_kafka::{ClientSettings, Ear, Heard};
use cx_model::record::Record;
use std::collections::BTreeSet;
use std::time::Duration;

/// Waits of 200 ms without an answer until a topic counts as unreadable.
const TURNS: u32 = 100;

/// Hands over all records that a topic of one partition holds now.
///
/// # Errors
/// Kafka's; those of `take`; a topic that cannot be read to its end.
pub(crate) fn read(
    settings: &ClientSettings,
    topic: &str,
    take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    tails(settings, topic, &[0], i64::MAX, take)
}

/// Hands over the newest records of some partitions, of each as many as asked for at most.
///
/// # Errors
/// As [`read`].
pub(crate) fn tails(
    settings: &ClientSettings,
    topic: &str,
    partitions: &[u32],
    most: i64,
    take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut ear = Ear::connect(settings, topic, partitions)?;
    let mut starts = Vec::new();
    for partition in partitions {
        let (low, high) = ear.bounds(*partition)?;
        starts.push((*partition, low.max(high.saturating_sub(most))));
    }
    ear.start(&starts)?;
    let mut ended = BTreeSet::new();
    let mut fault = None;
    let mut silent = 0;
    while ended.len() < partitions.len() {
        let heard = ear.poll(Duration::from_millis(200), &mut |heard| match heard {
            Heard::Record(record) if fault.is_none() => fault = take(&record).err(),
            Heard::Record(_) => {}
            Heard::End { partition, .. } => drop(ended.insert(partition)),
        })?;
        if let Some(fault) = fault.take() {
            return Err(fault);
        }
        silent = if heard == 0 { silent + 1 } else { 0 };
        ensure!(silent < TURNS, "{topic} cannot be read to its end");
    }
    Ok(())
}
