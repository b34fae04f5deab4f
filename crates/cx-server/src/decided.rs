//! In: decisions of the engines. Kept: nothing. Out: CloudEvents for `cx.decisions`, in the partition of
//! the same number, and how far that partition has come. Never knows: who acts on them.

use crate::common::Common;
use crate::outbox::Letter;
use crate::{decision, whole};
use cx_engine::Decision;
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

/// A decision, as it is written down.
pub(crate) fn letter(common: &Common, partition: u32, decision: &Decision) -> Letter {
    let event = decision::event(decision, &common.sets.shown().compiled().hash);
    let value = serde_json::to_vec(&event).expect("a decision is plain data");
    let key = decision.customer.unwrap_or(decision.conversation).hex();
    Letter {
        partition,
        key: Some(key),
        value,
    }
}

/// Says that all decisions of records up to `offset` are written.
pub(crate) fn through(common: &Common, partition: u32, offset: i64) -> Letter {
    let topic = &common.topics.interactions;
    let event = json!({
        "specversion": "1.0", "id": format!("{topic}:{partition}:{offset}"),
        "source": "watchfloor", "type": THROUGH, "datacontenttype": "application/json",
        "data": {"offset": offset, "index": u32::MAX},
    });
    Letter {
        partition,
        key: None,
        value: event.to_string().into_bytes(),
    }
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
