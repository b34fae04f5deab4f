//! In: records of the log in order, as far as they are read. Kept: the newest few that count in one
//! number. Out: their names. Never knows: how the log is read.
//!
//! It names a record as the engine does, but for what only an engine knows that read all before: facts,
//! open objects, and repeats of records that lie before the first one read (whose event counted all the
//! same, under its first offset).

#[cfg(test)]
mod tests;

use crate::people::opaque;
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledDimension, CompiledMeasure, Of, View};
use cx_catalog::fact::Facts;
use cx_gateway::{Doubt, Looked, Sample, Samples};
use cx_model::control::Control;
use cx_model::decode::of_record;
use cx_model::event::Event;
use cx_model::ids::{HashKey, Key128, partition_of};
use cx_model::record::{Record, TimestampKind};
use cx_model::reject::{Reason, Rejected};
use cx_model::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Samples of one part.
const FEW: usize = 5;

/// Looks for records that count in one number.
pub(super) struct Finder<'f> {
    set: &'f Compiled,
    hash_key: HashKey,
    partitions: u32,
    /// Breakdowns with the value that is wanted.
    dims: Vec<(&'f CompiledDimension, &'f str)>,
    /// Numerator, then denominator.
    sides: Vec<Side<'f>>,
    /// Most samples of one part.
    few: usize,
    log_times: BTreeMap<u32, Timestamp>,
    /// Under which minute an event was filed when it was seen first.
    known: BTreeMap<(u32, Key128), i64>,
}

struct Side<'f> {
    measure: &'f CompiledMeasure,
    /// Panes of the window, and their length in seconds; `None` for a state at the second.
    panes: Option<(RangeInclusive<i64>, i64)>,
    found: Vec<(Timestamp, Sample)>,
}

/// A record with its name, as far as it is known here.
struct Named<'r> {
    event: Option<Event<'r>>,
    outcome: &'static str,
    reason: &'static str,
    /// When its event counts.
    time: Timestamp,
    log_time: Timestamp,
}

impl<'f> Finder<'f> {
    /// For one cell at its second, with the key of customers' hashes and the number of partitions;
    /// `None` for a cell that no KPI of the set has.
    pub(super) fn of(
        set: &'f Compiled,
        doubt: &Doubt,
        (hash_key, partitions): (HashKey, u32),
    ) -> Option<Self> {
        let key = &set.cells.get(doubt.cell)?.key;
        let kpi = set.kpis.iter().find(|k| k.kpi == key.kpi)?;
        let side = |m: usize| {
            let measure = &set.measures[m];
            Side {
                measure,
                panes: measure.panes(key.window, doubt.sealed.s),
                found: Vec::new(),
            }
        };
        let dims = kpi.dimensions.iter().filter_map(|d| {
            let wanted = key.dims.get(&d.name)?;
            Some((d, wanted.as_str()))
        });
        Some(Self {
            set,
            hash_key,
            partitions,
            few: FEW,
            dims: dims.collect(),
            sides: kpi.formula.measures().into_iter().map(side).collect(),
            log_times: BTreeMap::new(),
            known: BTreeMap::new(),
        })
    }

    /// Why no record can be named, where none can.
    pub(super) fn cannot(&self) -> Option<&'static str> {
        if self.sides.is_empty() {
            return Some("It is calculated from other numbers: ask why of each of them.");
        }
        if self.sides.iter().any(|side| side.measure.kept) {
            return Some(
                "It rests on facts, which the engine works out from earlier steps of the same contact or conversation: no record tells them alone, so none is named.",
            );
        }
        let open = self.sides.iter().any(|side| side.panes.is_none());
        open.then_some(
            "It looks at what is open at the second, and the engine keeps objects, not the events that began them: none is named.",
        )
    }

    /// Takes the next record of a partition; for a control record what its signature says.
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        control: Option<Result<Control, Rejected>>,
    ) {
        let named = self.named(record, control);
        let view = View {
            event: named.event.as_ref(),
            outcome: named.outcome,
            reason: named.reason,
            facts: &Facts::NONE,
        };
        let here = self.dims.iter().all(|(dim, wanted)| {
            let value = dim.source.value(view);
            let declared = value.as_deref().filter(|v| dim.index.contains_key(*v));
            *wanted == "all" || declared.unwrap_or("other") == *wanted
        });
        for side in self.sides.iter_mut().filter(|_| here) {
            let records = side.measure.agg == CompiledAgg::CountRecords;
            let time = if records { named.log_time } else { named.time };
            if !side.covers(time) || !(records || side.counts(&named)) {
                continue;
            }
            if (side.measure.condition)(view) == Some(true) {
                side.keep((time, self.few), record, &named, self.hash_key);
            }
        }
    }

    fn named<'r>(
        &mut self,
        record: &'r Record<'r>,
        control: Option<Result<Control, Rejected>>,
    ) -> Named<'r> {
        let limits = &self.set.limits;
        let partition = record.partition;
        let before = self.log_times.get(&partition).copied();
        let ahead = before.map_or(0, |before| record.timestamp.since(before));
        let jumps = record.timestamp_kind == TimestampKind::Create
            && ahead > limits.future_ms
            && !matches!(control, Some(Ok(_)));
        let log_time = match before {
            Some(before) if jumps => before,
            Some(before) => before.max(record.timestamp),
            None => record.timestamp,
        };
        self.log_times.insert(partition, log_time);
        let named = |event, outcome, reason, time| Named {
            event,
            outcome,
            reason,
            time,
            log_time,
        };
        let refused =
            |event, reason: Reason| named(event, "dead_lettered", reason.name(), log_time);
        let decoded = match control {
            Some(Ok(_)) => return named(None, "control", "", log_time),
            Some(Err(rejected)) => Err(rejected),
            None => of_record(record, &self.set.slots, limits),
        };
        let event = match decoded {
            Ok(event) if jumps => return refused(Some(event), Reason::Jump),
            Ok(event) => event,
            Err(rejected) => return refused(None, rejected.reason),
        };
        let stated = event.time.unwrap_or(log_time);
        if stated.since(log_time) > limits.future_ms {
            return refused(Some(event), Reason::Future);
        }
        let home = |subject: &str| partition_of(subject, self.partitions);
        if event
            .subject
            .as_deref()
            .is_some_and(|s| home(s) != partition)
        {
            return refused(Some(event), Reason::Misplaced);
        }
        let id = self.hash_key.hash(&[&event.source, &event.id]);
        let time = if stated.since(log_time) > limits.clamp_ms {
            log_time
        } else {
            stated
        };
        let filed = self.known.get(&(partition, id)).copied();
        let again = filed.is_some_and(|m| log_time.minute() - m <= limits.repeat_minutes);
        if !again {
            let minute = log_time.minute().max(stated.minute());
            self.known.insert((partition, id), minute);
        }
        let outcome = if again {
            "duplicate"
        } else if log_time.since(time) > limits.horizon_ms {
            "late"
        } else {
            "applied"
        };
        named(Some(event), outcome, "", time)
    }

    /// Whether as many were found of each part as are told.
    pub(super) fn is_full(&self) -> bool {
        self.sides.iter().all(|side| side.found.len() >= self.few)
    }

    /// What was found, newest first, and how far somebody looked.
    pub(super) fn found(self, looked: Vec<Looked>, records: u64, whole: bool) -> Samples {
        let of_records = |s: &Side<'_>| s.measure.agg == CompiledAgg::CountRecords;
        let mut note = format!(
            "The newest {records} records below the offsets were read back; older ones were not looked at."
        );
        if !whole {
            note = format!(
                "Time was up after {records} records, before the newest below the offsets were reached."
            );
        }
        if self.sides.iter().any(of_records) {
            note += " A repeat is told only where the record it repeats was read too.";
        }
        let mut sides = self.sides.into_iter().map(|side| {
            let samples = side.found.into_iter().map(|(_, sample)| sample);
            samples.collect::<Vec<_>>()
        });
        Samples {
            numerator: sides.next().unwrap_or_default(),
            denominator: sides.next(),
            looked,
            records,
            note,
        }
    }
}

impl Side<'_> {
    fn covers(&self, time: Timestamp) -> bool {
        self.panes
            .as_ref()
            .is_some_and(|(panes, width)| panes.contains(&time.second().div_euclid(*width)))
    }

    /// Whether an event adds anything to the measure, its condition apart.
    fn counts(&self, named: &Named<'_>) -> bool {
        let Some(event) = named.event.as_ref().filter(|_| named.outcome == "applied") else {
            return false;
        };
        let int = |slot: usize| event.slot(slot).int().is_some();
        match self.measure.agg {
            CompiledAgg::Count => true,
            CompiledAgg::Sum { of: Of::Slot(slot) }
            | CompiledAgg::Average { of: Of::Slot(slot) }
            | CompiledAgg::Percentile {
                of: Of::Slot(slot), ..
            }
            | CompiledAgg::Min { slot }
            | CompiledAgg::Max { slot } => int(slot),
            CompiledAgg::CountDistinct => event.subject.is_some(),
            CompiledAgg::Sum { of: Of::Fact(_) }
            | CompiledAgg::Average { of: Of::Fact(_) }
            | CompiledAgg::Percentile {
                of: Of::Fact(_), ..
            }
            | CompiledAgg::CountRecords
            | CompiledAgg::Channels(_)
            | CompiledAgg::Replies(_)
            | CompiledAgg::Numbered(_)
            | CompiledAgg::Attempts(..)
            | CompiledAgg::Gauge(_)
            | CompiledAgg::Oldest(_) => false,
        }
    }

    /// Takes a record in among the newest few.
    fn keep(
        &mut self,
        (time, few): (Timestamp, usize),
        record: &Record<'_>,
        named: &Named<'_>,
        key: HashKey,
    ) {
        let newer = |(t, s): &(Timestamp, Sample)| (*t, s.offset) > (time, record.offset);
        let at = self.found.partition_point(newer);
        if at >= few {
            return;
        }
        let event = named.event.as_ref();
        let customer = event.and_then(|e| e.subject.as_deref());
        let reason = match named.reason {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        let sample = Sample {
            outcome: format!("{}{reason}", named.outcome),
            source: event.map(|e| e.source.clone().into_owned()),
            id: event.map(|e| e.id.clone().into_owned()),
            kind: event.map(|e| e.kind.clone().into_owned()),
            time: time.to_rfc3339(),
            partition: record.partition,
            offset: record.offset,
            customer: customer.map(|c| opaque(key.hash(&[c]))),
        };
        self.found.insert(at, (time, sample));
        self.found.truncate(few);
    }
}
