//! In: decisions of the engines. Kept: nothing. Out: CloudEvents in `cx.decisions`, in the partition of
//! the same number, and how far that partition has come. Never knows: who acts on them.

use crate::common::Common;
use crate::{decision, whole};
use cx_engine::Decision;
use cx_kafka::Full;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// All decisions of records up to an offset are written.
const THROUGH: &str = "cx.decision.through.v1";
/// How many records at the end of a partition are looked at: one that was late in coming may stand
/// after higher ones.
const TAIL: i64 = 1_000;

/// Where a decision stands among those of its partition: offset of its record, number within it.
pub(crate) type Place = (i64, u32);

#[derive(Deserialize)]
struct Written {
    data: Placed,
}

#[derive(Deserialize)]
struct Placed {
    offset: i64,
    index: u32,
}

/// Writes a decision down.
///
/// # Errors
/// [`Full`]: nothing was written, try again.
pub(crate) fn write(common: &Common, partition: u32, decision: &Decision) -> Result<(), Full> {
    let event = decision::event(decision, &common.sets.shown().compiled().hash);
    let value = serde_json::to_vec(&event).expect("a decision is plain data");
    let key = decision.customer.unwrap_or(decision.conversation).hex();
    put(common, partition, Some(key.as_bytes()), &value)
}

/// Says that all decisions of records up to `offset` are written.
///
/// # Errors
/// [`Full`]: nothing was written, try again.
pub(crate) fn through(common: &Common, partition: u32, offset: i64) -> Result<(), Full> {
    let topic = &common.topics.interactions;
    let event = json!({
        "specversion": "1.0", "id": format!("{topic}:{partition}:{offset}"),
        "source": "watchfloor", "type": THROUGH, "datacontenttype": "application/json",
        "data": {"offset": offset, "index": u32::MAX},
    });
    put(common, partition, None, event.to_string().as_bytes())
}

fn put(common: &Common, partition: u32, key: Option<&[u8]>, value: &[u8]) -> Result<(), Full> {
    let topic = &common.topics.decisions;
    common
        .effects
        .send(topic, Some(partition), key, value, &[], None)
}

/// The highest place that is written in each partition that has one: what comes at or below it was
/// decided before.
///
/// # Errors
/// A broker that does not answer, a topic that is missing.
pub(crate) fn highest(common: &Common, partitions: &[u32]) -> anyhow::Result<BTreeMap<u32, Place>> {
    let mut highest: BTreeMap<u32, Place> = BTreeMap::new();
    let topic = &common.topics.decisions;
    whole::tails(&common.settings, topic, partitions, TAIL, &mut |record| {
        let value = record.value.unwrap_or_default();
        if let Ok(Written { data }) = serde_json::from_slice::<Written>(value) {
            let place = (data.offset, data.index);
            let kept = highest.entry(record.partition).or_insert(place);
            *kept = place.max(*kept);
        }
        Ok(())
    })?;
    Ok(highest)
}
