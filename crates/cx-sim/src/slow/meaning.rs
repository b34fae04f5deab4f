//! In: one partition's log. Kept: nothing. Out: what became of each record, word for word as
//! DESIGN 2 says. Never knows: KPIs.

use super::LogRecord;
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::ids::partition_of;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::reject::Reason;
use cx_model::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Applied,
    /// It had been seen.
    Duplicate,
    /// It was older than the horizon.
    Late,
    /// It steered.
    Control,
    /// It was refused.
    DeadLettered(Reason),
}

impl Outcome {
    /// The word of `record.outcome`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Control => "control",
            Self::DeadLettered(_) => "dead_lettered",
        }
    }

    /// The word of `record.reason`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::DeadLettered(reason) => reason.name(),
            Self::Applied | Self::Duplicate | Self::Late | Self::Control => "",
        }
    }
}

/// A record with what became of it.
#[derive(Debug, Clone)]
pub struct Named {
    /// Log time after it moved it.
    pub log_time: Timestamp,
    /// Event time, clamped; log time where it is no event.
    pub time: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// What the steps before it say of it, by name without `fact.`.
    pub facts: BTreeMap<&'static str, i64>,
    /// The event as JSON; null where it is none.
    pub event: Value,
    /// Which conditions hold for it, by their numbers, once somebody asked.
    pub(super) holds: OnceLock<Vec<bool>>,
}

/// Reads a log through.
pub(super) fn named(log: &[LogRecord], place: (u32, u32), limits: &Limits) -> Vec<Named> {
    let mut out: Vec<Named> = Vec::new();
    let mut filed: BTreeMap<String, i64> = BTreeMap::new();
    let mut counter: Option<u64> = None;
    for record in log {
        let before = out.last().map(|r| r.log_time);
        let rises = record
            .clock
            .is_some_and(|c| counter.is_none_or(|last| c > last));
        let far = before.is_some_and(|b| record.timestamp.since(b) > limits.future_ms);
        let jump = far && record.timestamp_kind == TimestampKind::Create && !rises;
        let log_time = match before {
            Some(b) if jump => b,
            Some(b) => b.max(record.timestamp),
            None => record.timestamp,
        };
        let mut one = Named {
            log_time,
            time: log_time,
            outcome: Outcome::Control,
            facts: BTreeMap::new(),
            event: Value::Null,
            holds: OnceLock::new(),
        };
        one.outcome = match record.clock {
            _ if jump => Outcome::DeadLettered(Reason::Jump),
            Some(c) if rises => {
                counter = Some(c);
                Outcome::Control
            }
            Some(_) => Outcome::DeadLettered(Reason::ControlReplayed),
            None => event(record, &mut one, place, limits, &mut filed),
        };
        if jump && record.clock.is_none() {
            one.event = serde_json::from_slice(&record.value).unwrap_or(Value::Null);
        }
        out.push(one);
    }
    out
}

fn event(
    record: &LogRecord,
    one: &mut Named,
    (partition, partitions): (u32, u32),
    limits: &Limits,
    filed: &mut BTreeMap<String, i64>,
) -> Outcome {
    let (kept, stated) = match decode(&record.value, &SlotTable::default(), limits) {
        Ok(event) => (
            serde_json::from_slice(&record.value).expect("decoded"),
            event.time,
        ),
        Err(rejected) => return Outcome::DeadLettered(rejected.reason),
    };
    one.event = kept;
    let stated = stated.unwrap_or(one.log_time);
    if stated.since(one.log_time) > limits.future_ms {
        return Outcome::DeadLettered(Reason::Future);
    }
    if one.event["subject"]
        .as_str()
        .is_some_and(|s| partition_of(s, partitions) != partition)
    {
        return Outcome::DeadLettered(Reason::Misplaced);
    }
    let id = format!("{}\u{0}{}", one.event["source"], one.event["id"]);
    let minute = one.log_time.minute();
    let known = filed.get(&id);
    if known.is_some_and(|filed| minute - filed <= limits.repeat_minutes) {
        return Outcome::Duplicate;
    }
    filed.insert(id, minute.max(stated.minute()));
    one.time = if stated.since(one.log_time) > limits.clamp_ms {
        one.log_time
    } else {
        stated
    };
    if one.log_time.since(one.time) > limits.horizon_ms {
        Outcome::Late
    } else {
        Outcome::Applied
    }
}
