//! In: what people do. Kept: what they have acknowledged, by partition. Out: acts in `cx.actions`, the
//! audit log, before anything follows from them. Never knows: HTTP; what an engine makes of it.

use crate::clock;
use crate::common::Common;
use crate::whole;
use cx_gateway::{Acted, Action, Deed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const KIND: &str = "cx.action.data_gap_acknowledged.v1";

/// What people have done, as far as it matters to the engines.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    through: Mutex<BTreeMap<u32, i64>>,
    number: AtomicU64,
}

/// An act as it stands in the log: a structured CloudEvent.
#[derive(Serialize, Deserialize)]
struct Event<D> {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    datacontenttype: String,
    data: D,
}

#[derive(Serialize, Deserialize)]
struct Acknowledged {
    by: String,
    why: String,
    partition: u32,
    through: i64,
}

impl Actions {
    /// The offset below which somebody knows that records of a partition are missing.
    pub(crate) fn acknowledged(&self, partition: u32) -> Option<i64> {
        let through = self.through.lock().expect("no holder panics");
        through.get(&partition).copied()
    }

    fn acknowledge(&self, partition: u32, through: i64) {
        let mut all = self.through.lock().expect("no holder panics");
        let highest = all.entry(partition).or_insert(through);
        *highest = through.max(*highest);
    }

    fn next_id(&self) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{number}", clock::now().0)
    }
}

/// Reads what was done before: an act may have been written just before an end.
///
/// # Errors
/// A broker that does not answer, a topic that is missing.
pub(crate) fn remember(common: &Common) -> anyhow::Result<()> {
    let topic = &common.topics.actions;
    whole::read(&common.settings, topic, &mut |record| {
        let value = record.value.unwrap_or_default();
        // Acts of other kinds, and of later releases, are somebody else's.
        if let Ok(event) = serde_json::from_slice::<Event<Acknowledged>>(value)
            && event.kind == KIND
        {
            let Acknowledged {
                partition, through, ..
            } = event.data;
            common.actions.acknowledge(partition, through);
        }
        Ok(())
    })
}

/// Writes an act down; what follows from it follows once the broker has it.
pub(crate) async fn act(common: &Common, action: Action) -> Acted {
    let Deed::AcknowledgeDataGap { partition, through } = action.deed;
    let open = common.ledger.gaps();
    let gap = open.iter().find(|(p, _)| *p == partition).map(|(_, g)| *g);
    let unfit = match gap {
        None => Some(format!("partition {partition} has no data gap")),
        Some(gap) if gap.to != through => Some(format!(
            "the data gap of partition {partition} reaches from offset {} to {}, not {through}",
            gap.from, gap.to
        )),
        Some(_) => None,
    };
    if let Some(why) = unfit {
        return Acted::Unfit(why);
    }
    let id = common.actions.next_id();
    let event = Event {
        specversion: "1.0".to_owned(),
        id: id.clone(),
        source: "watchfloor".to_owned(),
        kind: KIND.to_owned(),
        time: clock::now().to_rfc3339(),
        datacontenttype: "application/json".to_owned(),
        data: Acknowledged {
            by: action.by,
            why: action.why,
            partition,
            through,
        },
    };
    let value = serde_json::to_vec(&event).expect("an act is plain JSON");
    let topic = &common.topics.actions;
    let sent = common.producer.send_acked(topic, 0, None, &value, None);
    match sent.await {
        Ok((_, offset)) => {
            common.actions.acknowledge(partition, through);
            Acted::Written { id, offset }
        }
        Err(error) => Acted::Unavailable(error.to_string()),
    }
}
