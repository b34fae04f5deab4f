//! In: the records of one partition. Kept: its engine. Out: parts to the judge, dead letters to Kafka,
//! the control record that is due, cuts to the saver. Never knows: KPIs, other partitions.

use crate::clock;
use crate::common::{Common, Original};
use crate::decided::{self, Place};
use crate::definitions;
use crate::failpoint;
use crate::moments::Moment;
use crate::outbox::{Outbox, patiently};
use crate::sets::Sets;
use crate::snapshots::Last;
use crate::snapshots::saver::Job;
use crate::start::{self, Begun};
use cx_engine::{Content, Delivery, Effect, Engine, Final, Part, Step};
use cx_model::control::{Act, Control};
use cx_model::decode::of_record;
use cx_model::event::Event;
use cx_model::record::Record;
use cx_model::reject::Rejected;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

/// How far behind its owner's clock a partition may be and still emit every second, ms.
pub(crate) const NEAR_MS: i64 = 10_000;
/// How long after a whole second that nothing passed a clock record is written, ms.
const CLOCK_AFTER_MS: i64 = 100;
/// How often the active set is said again, ms: a reader that starts late knows it then.
const RESTATED_MS: i64 = 60 * MINUTE;
/// How long a control record may be on its way before it is written again, ms: a broker that is
/// away must not find thousands of them when it returns.
const CLOCK_LOST_MS: i64 = 5_000;

/// What a worker hands to the judge.
pub(crate) enum Handed {
    /// A part, with the life of the engine that made it.
    Part(u32, Part),
    /// A minute that became final, likewise.
    Final(u32, Final),
    /// What its engines hold where somebody looks at live values.
    Moment(Moment),
}

/// Where a worker hands things on.
#[derive(Clone)]
pub(crate) struct Outs {
    pub(crate) judge: SyncSender<Handed>,
    pub(crate) saver: SyncSender<Job>,
    /// The life that the worker's engines are in.
    pub(crate) life: u32,
}

/// One partition that a worker owns.
pub(crate) struct Owned {
    pub(crate) engine: Engine,
    pub(crate) at_end: bool,
    pub(crate) paused: bool,
    /// When the last control record was written, and its counter.
    wrote: (Timestamp, u64),
    /// When this life said last which set is active.
    stated: Timestamp,
    /// The record that must be heard before any other.
    expected: Option<Last>,
    /// When the next snapshot is cut.
    cut_at: Timestamp,
    /// The highest place that an earlier life wrote a decision for.
    decided: Option<Place>,
    /// The log minute that was marked last as written through.
    through: i64,
    /// Up to which offset a moment was noted last.
    noted: i64,
}

impl Owned {
    /// The first cut comes after a part of the interval that differs by partition, so that they do
    /// not all come at once.
    pub(crate) fn new(
        common: &Common,
        partition: u32,
        begun: Begun,
        decided: Option<Place>,
    ) -> Self {
        common.people.enter(partition, begun.engine.customers());
        let every = common.snapshots.as_ref().map_or(0, |s| s.every_ms);
        let share = every * i64::from(partition + 1) / i64::from(common.partitions);
        Self {
            engine: begun.engine,
            at_end: false,
            paused: false,
            wrote: (Timestamp(0), 0),
            stated: Timestamp(0),
            expected: begun.expected,
            cut_at: clock::now().plus(share),
            decided,
            through: i64::MIN,
            noted: -1,
        }
    }

    /// The control record that is due now, if one is: first the activation of the next set, then what
    /// people acknowledged, then the active set once an hour and at a start, then clocks.
    pub(crate) fn due(&self, now: Timestamp, sets: &Sets, known: Option<i64>) -> Option<Control> {
        let second = Timestamp::from_second(now.second());
        let (at, counter) = self.wrote;
        let on_its_way = counter > self.engine.control_counter();
        let wait = if on_its_way {
            CLOCK_LOST_MS
        } else {
            CLOCK_AFTER_MS
        };
        if !self.at_end || now.since(at) < wait {
            return None;
        }
        let counter = counter.max(self.engine.control_counter()) + 1;
        let active = self.engine.set_number();
        // The next one only once the last one holds.
        let settled = active == 0 || active == self.engine.in_force();
        if let Some(set) = sets.get(active + 1).filter(|_| settled) {
            let act = Act::Activate {
                number: active + 1,
                hash: set.compiled().hash.clone(),
                effective_from: set.effective_from,
            };
            return Some(Control { counter, act });
        }
        let gap = self.engine.account().data_gap;
        if let (Some(gap), Some(through)) = (gap, known)
            && gap.to <= through
        {
            let act = Act::Acknowledge { through };
            return Some(Control { counter, act });
        }
        let passed = self.engine.log_time().is_some_and(|t| t >= second);
        let active = sets.get(active).filter(|_| settled);
        if let Some(set) = active.filter(|_| now.since(self.stated) >= RESTATED_MS) {
            let act = Act::Restate(set.plan.number(), set.compiled().hash.clone());
            return Some(Control { counter, act });
        }
        let act = Act::Clock;
        (!passed && now.since(second) >= CLOCK_AFTER_MS).then_some(Control { counter, act })
    }

    /// What the engine holds now, where it is near the clock and holds more than before.
    pub(crate) fn moment(&mut self, now: Timestamp) -> Option<Part> {
        let next = self.engine.account().next;
        if !self.is_near(now) || next <= self.noted {
            return None;
        }
        self.noted = next;
        Some(self.engine.moment())
    }

    /// Whether it is where the clock is.
    pub(crate) fn is_near(&self, now: Timestamp) -> bool {
        let log_time = self.engine.log_time();
        log_time.is_some_and(|t| now.since(t) < NEAR_MS)
    }

    /// Which seconds it emits that a record stamped so passes. It stands where it stood before: the seconds of a
    /// silence that ends now are nobody's any more.
    fn step(&self, now: Timestamp, stamped: Timestamp) -> Step {
        let stands = self.engine.log_time().unwrap_or(stamped);
        if now.since(stands) > NEAR_MS {
            Step::Minute
        } else {
            Step::Second
        }
    }

    /// A control record was written.
    pub(crate) fn wrote(&mut self, now: Timestamp, control: &Control) {
        self.wrote = (now, control.counter);
        if matches!(control.act, Act::Activate { .. } | Act::Restate(..)) {
            self.stated = now;
        }
    }

    /// Takes records that follow one another. They are read together, then applied one by one: either work finds
    /// what it needs in the processor's caches.
    ///
    /// # Errors
    /// A record that a snapshot knows otherwise; a control record signed with an unknown key; no memory.
    pub(crate) fn records(
        &mut self,
        at: (&Common, Timestamp),
        (outs, outbox): (&Outs, &mut Outbox),
        records: &[Record<'_>],
    ) -> anyhow::Result<()> {
        // What a control record activates says how the next ones are read.
        for run in records.split_inclusive(|record| record.control.is_some()) {
            let read = run.iter().map(|record| read(at.0, &self.engine, record));
            let read: Vec<_> = read.collect();
            for (record, event) in run.iter().zip(read) {
                self.record(at, (outs, outbox), (record, event))?;
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        (common, now): (&Common, Timestamp),
        (outs, outbox): (&Outs, &mut Outbox),
        (record, event): (&Record<'_>, Read<'_>),
    ) -> anyhow::Result<()> {
        self.at_end = false;
        if let Some(expected) = self.expected.take() {
            return start::recognise(expected, record);
        }
        if let Some(tape) = &common.tape {
            tape.note(record)?;
        }
        let step = self.step(now, record.timestamp);
        self.engine.set_step(step);
        failpoint::reach(failpoint::APPLY);
        hand(common, &mut self.engine, (record, event))?;
        while let Some(effect) = self.engine.next_effect() {
            match effect {
                Effect::Part(part) => outs.judge.send(Handed::Part(outs.life, part))?,
                Effect::Final(one) => outs.judge.send(Handed::Final(outs.life, one))?,
                Effect::DeadLetter { rejected, .. } => {
                    common.ledger.dead_letter(&rejected);
                    put_aside(common, record, &rejected);
                }
                Effect::Decision(decision) => {
                    let place = (decision.offset, decision.index);
                    if self.decided.is_none_or(|decided| place > decided) {
                        let letter = decided::letter(common, record.partition, &decision);
                        outbox.put(letter, now);
                    }
                }
            }
        }
        self.mark((common, now), outbox, record);
        let cuts = now >= self.cut_at;
        if cuts || outbox.is_due(now) || self.is_near(now) {
            outbox.hand_over(common);
        }
        failpoint::reach(failpoint::APPLIED);
        // A house that stops may not have handed over all; who starts again hears it again.
        if cuts && !common.stop.load(Ordering::Relaxed) {
            self.cut((common, now), outs, record);
        }
        Ok(())
    }

    /// Once a log minute, after all that it caused: decisions are written up to `record`.
    fn mark(
        &mut self,
        (common, now): (&Common, Timestamp),
        outbox: &mut Outbox,
        record: &Record<'_>,
    ) {
        let minute = self.engine.log_time().map_or(0, Timestamp::minute);
        if minute <= self.through {
            return;
        }
        self.through = minute;
        if self
            .decided
            .is_none_or(|(offset, _)| record.offset > offset)
        {
            let letter = decided::through(common, record.partition, record.offset);
            outbox.put(letter, now);
        }
    }

    /// Cuts right after `record`, whose effects were handed over; where the saver is busy, later.
    fn cut(&mut self, (common, now): (&Common, Timestamp), outs: &Outs, record: &Record<'_>) {
        let Some(snapshots) = &common.snapshots else {
            self.cut_at = Timestamp(i64::MAX);
            return;
        };
        if !snapshots.claim() {
            self.cut_at = now.plus(SECOND);
            return;
        }
        let mark = common.effects.mark();
        let producer = common.effects.clone();
        let job = Job {
            label: start::label(common, &self.engine, record, now),
            cut: self.engine.cut(),
            minute: self.engine.log_time().map_or(0, Timestamp::minute) * 60,
            done: Box::new(move || producer.handed_over(mark)),
        };
        // The saver has ended only where the house ends.
        drop(outs.saver.send(job));
        self.cut_at = now.plus(snapshots.every_ms);
    }
}

/// Tells an engine of the set that a record activates, before it hears the record.
///
/// # Errors
/// Nobody wrote that set down.
fn told(common: &Common, engine: &mut Engine, control: &Control) -> anyhow::Result<()> {
    let number = match control.act {
        Act::Activate { number, .. } if number == engine.set_number() + 1 => number,
        Act::Restate(number, _) if engine.set_number() == 0 => number,
        Act::Clock | Act::Activate { .. } | Act::Restate(..) | Act::Acknowledge { .. } => {
            return Ok(());
        }
    };
    if common.sets.get(number).is_none() {
        definitions::refresh(common)?;
    }
    let set = common.sets.get(number);
    let set = set.ok_or_else(|| {
        anyhow::anyhow!(
            "set {number} is activated in the log, and {} does not hold it: bring that topic back",
            common.topics.definitions
        )
    })?;
    engine.learn(&set.plan);
    Ok(())
}

/// The event of a record, or why it is refused; `None` for a control record.
type Read<'a> = Option<Result<Event<'a>, Rejected>>;

fn read<'a>(common: &Common, engine: &Engine, record: &Record<'a>) -> Read<'a> {
    let is_event = record.control.is_none();
    is_event.then(|| of_record(record, engine.slots(), &common.set.limits))
}

/// Reads a record and hands it to an engine; its effects are the caller's to take.
///
/// # Errors
/// A control record signed with an unknown key.
pub(crate) fn apply(
    common: &Common,
    engine: &mut Engine,
    record: &Record<'_>,
) -> anyhow::Result<()> {
    let event = read(common, engine, record);
    hand(common, engine, (record, event))
}

fn hand(
    common: &Common,
    engine: &mut Engine,
    (record, event): (&Record<'_>, Read<'_>),
) -> anyhow::Result<()> {
    let content = match &event {
        Some(Ok(event)) => Content::Event(event),
        Some(Err(rejected)) => Content::Rejected(rejected.clone()),
        None => match common
            .secrets
            .keys
            .read(&common.topics.interactions, record)?
        {
            Ok(control) => {
                told(common, engine, &control)?;
                Content::Control(control)
            }
            Err(rejected) => Content::Rejected(rejected),
        },
    };
    engine.handle_record(&Delivery {
        offset: record.offset,
        timestamp: record.timestamp,
        timestamp_kind: record.timestamp_kind,
        content,
    });
    Ok(())
}

/// Writes a refused record aside.
fn put_aside(common: &Common, record: &Record<'_>, rejected: &Rejected) {
    let topic = &common.topics.interactions;
    let origin = format!("{topic}:{}:{}", record.partition, record.offset);
    let kind = record.content_type.map(|kind| ("content-type", kind));
    let named: Vec<String> = record
        .attributes
        .iter()
        .map(|(n, _)| format!("ce_{n}"))
        .collect();
    let values = record.attributes.iter().map(|(_, value)| *value);
    let attributes = named.iter().map(String::as_str).zip(values);
    let original = Original {
        key: record.key,
        value: record.value.unwrap_or_default(),
        headers: attributes.chain(kind).collect(),
    };
    let at = Timestamp(clock::now().0.div_euclid(SECOND) * SECOND);
    patiently(common, || {
        common.dead_letter(&original, rejected, &origin, at)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::Set;
    use cx_engine::Config;
    use cx_model::ids::HashKey;
    use cx_model::record::TimestampKind;
    use std::path::Path;
    use std::sync::Arc;

    /// A whole second, where no clock is due.
    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn shipped() -> Sets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        Sets::new(cx_catalog::load(&folder).expect("the shipped catalogue"))
    }

    /// A partition that has read its log, which is empty, to its end.
    fn owned(set: &Arc<Set>) -> Owned {
        let config = Config {
            partition: 0,
            partitions: 1,
            start_offset: 0,
            gaps_are_losses: false,
            hash_key: HashKey(1, 2),
        };
        Owned {
            engine: Engine::new(config, Arc::clone(&set.plan)),
            at_end: true,
            paused: false,
            wrote: (Timestamp(0), 0),
            stated: Timestamp(0),
            expected: None,
            cut_at: Timestamp(i64::MAX),
            decided: None,
            through: i64::MIN,
            noted: -1,
        }
    }

    /// The log says so, as the engine's next record.
    fn hear(owned: &mut Owned, at: Timestamp, control: Control) {
        let offset = owned.engine.account().next;
        owned.engine.handle_record(&Delivery {
            offset,
            timestamp: at,
            timestamp_kind: TimestampKind::LogAppend,
            content: Content::Control(control),
        });
    }

    #[test]
    fn the_active_set_is_said_once_an_hour_and_at_once_by_the_next_life() {
        let sets = shipped();
        let set = sets.get(1).expect("the first");
        let mut owned = owned(&set);
        let mut said = Vec::new();
        for minute in 0..=125 {
            let at = NOW.plus(minute * MINUTE);
            let Some(control) = owned.due(at, &sets, None) else {
                continue;
            };
            owned.wrote(at, &control);
            match &control.act {
                Act::Activate { number, .. } => said.push((minute, "activated", *number)),
                Act::Restate(number, _) => said.push((minute, "restated", *number)),
                Act::Clock | Act::Acknowledge { .. } => {}
            }
            hear(&mut owned, at, control);
        }
        let expected = [
            (0, "activated", 1),
            (60, "restated", 1),
            (120, "restated", 1),
        ];
        assert_eq!(said, expected);
        let next_life = Owned {
            wrote: (Timestamp(0), 0),
            stated: Timestamp(0),
            ..owned
        };
        let at = NOW.plus(126 * MINUTE);
        let act = next_life.due(at, &sets, None).map(|control| control.act);
        assert_eq!(act, Some(Act::Restate(1, set.compiled().hash.clone())));
    }

    #[test]
    fn whoever_stood_far_behind_emits_whole_minutes_through_the_silence_that_ends_now() {
        let sets = shipped();
        let mut owned = owned(&sets.get(1).expect("the first"));
        assert_eq!(owned.step(NOW, NOW), Step::Second);
        assert_eq!(owned.step(NOW, NOW.plus(-NEAR_MS - 1)), Step::Minute);
        let act = Act::Clock;
        hear(&mut owned, NOW, Control { counter: 1, act });
        let later = NOW.plus(10 * MINUTE);
        assert_eq!(owned.step(later, later), Step::Minute);
        assert_eq!(owned.step(NOW.plus(NEAR_MS), NOW.plus(-1)), Step::Second);
    }
}
