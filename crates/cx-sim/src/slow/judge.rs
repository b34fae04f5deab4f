//! In: one partition's records in order. Kept: log time, control counter, ids seen. Out: facts.
//! Never knows: windows, values, other partitions.
//!
//! This is section 2 of the design, sentence by sentence.

use super::condition::Conditions;
use super::fact::{Datum, Fact, Outcome, Said};
use super::record::LogRecord;
use cel::Context;
use cx_model::control::{Act, Control};
use cx_model::decode::decode;
use cx_model::event::{Event, Slot};
use cx_model::ids::partition_of;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::reject::Reason;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;

/// What a record holds, before it has a name.
enum Content {
    Event(Said),
    Control(Control),
    Refused(Reason),
}

/// Names the records of one partition.
pub(super) struct Judge<'c> {
    partition: u32,
    partitions: u32,
    limits: Limits,
    conditions: &'c Conditions,
    library: Context<'static, 'static>,
    log_time: Option<Timestamp>,
    counter: Option<u64>,
    set: u32,
    /// Per (source, id) the minutes it was filed under.
    seen: BTreeMap<(String, String), Vec<i64>>,
}

impl<'c> Judge<'c> {
    pub(super) fn new(
        partition: u32,
        partitions: u32,
        limits: Limits,
        conditions: &'c Conditions,
    ) -> Self {
        Self {
            partition,
            partitions,
            limits,
            conditions,
            library: Context::default(),
            log_time: None,
            counter: None,
            set: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Moves log time and gives the record the first name that fits.
    pub(super) fn name(&mut self, record: &LogRecord) -> Fact {
        let content = self.content(record);
        let jumps = self.jumps(record, &content);
        let before = self.log_time.unwrap_or(record.timestamp);
        let log_time = if jumps {
            before
        } else {
            before.max(record.timestamp)
        };
        self.log_time = Some(log_time);
        let verdict = if jumps {
            Err(Reason::Jump)
        } else {
            self.verdict(&content, log_time)
        };
        let (outcome, reason, time) = match verdict {
            Ok((outcome, time)) => (outcome, None, time),
            Err(reason) => (Outcome::DeadLettered, Some(reason), log_time),
        };
        let event = match content {
            Content::Event(said) => Some(said),
            Content::Control(_) | Content::Refused(_) => None,
        };
        let called = (outcome.name(), reason.map_or("", Reason::name));
        let matched = self.conditions.ask(&self.library, event.as_ref(), called);
        Fact {
            offset: record.offset,
            log_time,
            outcome,
            reason,
            matched,
            event,
            time,
        }
    }

    fn content(&self, record: &LogRecord) -> Content {
        match &record.control {
            Some(Ok(control)) => Content::Control(control.clone()),
            Some(Err(rejected)) => Content::Refused(rejected.reason),
            None => match decode(&record.value, &self.conditions.slots, &self.limits) {
                Ok(event) => Content::Event(self.said(&event)),
                Err(rejected) => Content::Refused(rejected.reason),
            },
        }
    }

    fn said(&self, event: &Event<'_>) -> Said {
        let mut data = BTreeMap::new();
        for name in &self.conditions.names {
            let slot = self.conditions.slots.slot(name).unwrap_or(usize::MAX);
            let datum = match event.slot(slot) {
                Slot::Missing | Slot::Mistyped => continue,
                Slot::Bool(b) => Datum::Bool(*b),
                Slot::Int(i) => Datum::Int(*i),
                Slot::Double(d) => Datum::Double(*d),
                Slot::Text(text) => Datum::Text(text.to_string()),
            };
            data.insert((*name).to_owned(), datum);
        }
        Said {
            id: event.id.to_string(),
            source: event.source.to_string(),
            kind: event.kind.to_string(),
            subject: event.subject.as_ref().map(ToString::to_string),
            time: event.time,
            data,
        }
    }

    /// Under `CreateTime` only the first record and valid control records may move log time far.
    fn jumps(&self, record: &LogRecord, content: &Content) -> bool {
        let Some(log_time) = self.log_time else {
            return false;
        };
        let valid_control = match content {
            Content::Control(control) => self.obeyed(control).is_ok(),
            Content::Event(_) | Content::Refused(_) => false,
        };
        let far = record.timestamp.since(log_time) > self.limits.future_ms;
        record.timestamp_kind == TimestampKind::Create && far && !valid_control
    }

    fn obeyed(&self, control: &Control) -> Result<(), Reason> {
        if self.counter.is_some_and(|last| control.counter <= last) {
            return Err(Reason::ControlReplayed);
        }
        match control.act {
            Act::Activate { number, .. } if number != self.set + 1 => Err(Reason::ControlInvalid),
            Act::Activate { .. } | Act::Clock => Ok(()),
        }
    }

    fn verdict(
        &mut self,
        content: &Content,
        log_time: Timestamp,
    ) -> Result<(Outcome, Timestamp), Reason> {
        match content {
            Content::Refused(reason) => Err(*reason),
            Content::Control(control) => {
                self.obeyed(control)?;
                self.counter = Some(control.counter);
                match control.act {
                    Act::Activate { number, .. } => self.set = number,
                    Act::Clock => {}
                }
                Ok((Outcome::Control, log_time))
            }
            Content::Event(said) => self.event(said, log_time),
        }
    }

    fn event(&mut self, said: &Said, log_time: Timestamp) -> Result<(Outcome, Timestamp), Reason> {
        let stated = said.time.unwrap_or(log_time);
        if stated.since(log_time) > self.limits.future_ms {
            return Err(Reason::Future);
        }
        let home = said
            .subject
            .as_ref()
            .map(|s| partition_of(s, self.partitions));
        if home.is_some_and(|home| home != self.partition) {
            return Err(Reason::Misplaced);
        }
        let time = if stated.since(log_time) > self.limits.clamp_ms {
            log_time
        } else {
            stated
        };
        let filed = self
            .seen
            .entry((said.source.clone(), said.id.clone()))
            .or_default();
        let known = |f: &i64| log_time.minute() - f <= self.limits.repeat_minutes;
        if filed.iter().any(known) {
            return Ok((Outcome::Duplicate, time));
        }
        filed.push(log_time.minute().max(stated.minute()));
        if log_time.since(time) > self.limits.horizon_ms {
            return Ok((Outcome::Late, time));
        }
        Ok((Outcome::Applied, time))
    }
}
