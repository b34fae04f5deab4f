//! In: what people do. Kept: what they have acknowledged, by partition. Out: acts in `cx.actions`, the
//! audit log, before anything follows from them. Never knows: HTTP; what an engine makes of it.
//!
//! Every act is one envelope, who and why, around what was done; the type of the event says what it is.

use crate::alerts;
use crate::clock;
use crate::cloud::Event;
use crate::common::Common;
use crate::whole;
use cx_gateway::{Acted, Action, AlertAct, Deed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const GAP: &str = "cx.action.data_gap_acknowledged.v1";
/// How long an act may take to come back from its topic.
const PATIENCE: Duration = Duration::from_secs(5);

/// What people have done, as far as it matters to the engines.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    through: Mutex<BTreeMap<u32, i64>>,
    number: AtomicU64,
}

/// Who did it, in which role and why; and what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Envelope<W> {
    pub(crate) by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) role: String,
    pub(crate) why: String,
    #[serde(flatten)]
    pub(crate) what: W,
}

#[derive(Debug, Serialize, Deserialize)]
struct Acknowledged {
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

    /// The id of an act: also of those that are done in the same millisecond each has its own.
    pub(crate) fn next_id(&self) -> String {
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
        if let Ok(event) = serde_json::from_slice::<Event<Envelope<Acknowledged>>>(value)
            && event.kind == GAP
        {
            let Acknowledged { partition, through } = event.data.what;
            common.actions.acknowledge(partition, through);
        }
        Ok(())
    })
}

/// Writes an act down; what follows from it follows once the broker has it.
pub(crate) async fn act(common: &Common, action: Action) -> Acted {
    let envelope = Envelope {
        by: action.by,
        role: action.role,
        why: action.why,
        what: (),
    };
    match action.deed {
        Deed::AcknowledgeDataGap { partition, through } => {
            acknowledge(common, envelope, partition, through).await
        }
        Deed::Alert(act) => about_alerts(common, envelope, act).await,
    }
}

/// Writes an act of some kind: its id and offset.
async fn write<W: Serialize>(
    common: &Common,
    id: String,
    kind: &str,
    envelope: Envelope<()>,
    what: W,
) -> Acted {
    let Envelope { by, role, why, .. } = envelope;
    let data = Envelope {
        by,
        role,
        why,
        what,
    };
    let value = Event::new(id.clone(), kind, clock::now(), data).bytes();
    let topic = &common.topics.actions;
    let sent = common.producer.send_acked(topic, 0, None, &value, None);
    match sent.await {
        Ok((_, offset)) => Acted::Written { id, offset },
        Err(error) => Acted::Unavailable(error.to_string()),
    }
}

async fn acknowledge(
    common: &Common,
    envelope: Envelope<()>,
    partition: u32,
    through: i64,
) -> Acted {
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
    let what = Acknowledged { partition, through };
    let acted = write(common, common.actions.next_id(), GAP, envelope, what).await;
    if matches!(acted, Acted::Written { .. }) {
        common.actions.acknowledge(partition, through);
    }
    acted
}

/// An act about alerts is done once it was read back: the topic's order decides who was first.
async fn about_alerts(common: &Common, envelope: Envelope<()>, act: AlertAct) -> Acted {
    let what = alerts::fit(act, clock::now());
    if let Err(why) = common.alerts.check(&what) {
        return Acted::Unfit(why);
    }
    let id = common.actions.next_id();
    let back = common.alerts.await_act(&id);
    let kind = alerts::kind(&what);
    let acted = write(common, id, &kind, envelope, what).await;
    if !matches!(acted, Acted::Written { .. }) {
        return acted;
    }
    match tokio::time::timeout(PATIENCE, back).await {
        Ok(Ok(Err(why))) => Acted::Unfit(why),
        // It is written; a reader that is behind takes it later.
        Ok(Ok(Ok(())) | Err(_)) | Err(_) => acted,
    }
}
