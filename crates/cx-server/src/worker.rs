//! In: records of some partitions, from one Kafka client on this thread. Kept: one engine each.
//! Out: parts to the judge, dead letters and control records to Kafka, reads for the house.
//! Never knows: KPIs, screens.

use crate::clock;
use crate::common::{Common, Original};
use crate::pace::ahead;
use cx_engine::{Config, Content, Delivery, Effect, Engine, Part, Step};
use cx_kafka::{Ear, Heard};
use cx_model::control::{Act, Control};
use cx_model::decode::of_record;
use cx_model::record::Record;
use cx_model::reject::Rejected;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How far behind its owner's clock a partition may be and still emit every second, ms.
const NEAR_MS: i64 = 10_000;
/// How long after a whole second that nothing passed a clock record is written, ms.
const CLOCK_AFTER_MS: i64 = 100;
/// How long a control record may be on its way before it is written again, ms: a broker that is
/// away must not find thousands of them when it returns.
const CLOCK_LOST_MS: i64 = 5_000;
/// How far behind the owner's clock the slowest partition may be while clock records are written:
/// a clock that ran ahead of it would leave the roll-up too much to hold, ms.
const CLOCK_NEAR_MS: i64 = 45 * MINUTE;

/// One thread's partitions.
struct Worker {
    common: Arc<Common>,
    ear: Ear,
    /// By partition; others have the rest.
    owned: Vec<Option<Owned>>,
    judge: SyncSender<Part>,
}

struct Owned {
    engine: Engine,
    at_end: bool,
    paused: bool,
    /// When the last control record was written, and its counter.
    wrote: (Timestamp, u64),
}

/// Runs until told to stop; an error stops the house.
///
/// # Errors
/// Kafka's final errors, and a control record signed with an unknown key.
pub(crate) fn run(
    common: Arc<Common>,
    partitions: &[u32],
    judge: SyncSender<Part>,
) -> anyhow::Result<()> {
    let starts: Vec<(u32, i64)> = partitions.iter().map(|p| (*p, 0)).collect();
    let ear = Ear::open(&common.settings, &common.topics.interactions, &starts)?;
    let mine = |p| partitions.contains(&p).then(|| Owned::new(&common, p));
    let owned = (0..common.partitions).map(mine);
    let mut worker = Worker {
        owned: owned.collect(),
        ear,
        judge,
        common,
    };
    while !worker.common.stop.load(Ordering::Relaxed) {
        worker.turn()?;
    }
    Ok(())
}

impl Owned {
    fn new(common: &Common, partition: u32) -> Self {
        let config = Config {
            partition,
            partitions: common.partitions,
            start_offset: 0,
            gaps_are_losses: common.embedded,
            hash_key: common.secrets.hash_key,
        };
        let engine = Engine::new(config, Arc::clone(&common.plan));
        common.people.enter(partition, engine.customers());
        Self {
            engine,
            at_end: false,
            paused: false,
            wrote: (Timestamp(0), 0),
        }
    }

    /// The control record that is due now, if one is: first the activation of set 1, then clocks.
    fn due(&self, now: Timestamp, hash: &str) -> Option<Control> {
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
        if self.engine.set_number() == 0 {
            let hash = hash.to_owned();
            let act = Act::Activate { number: 1, hash };
            return Some(Control { counter, act });
        }
        let passed = self.engine.log_time().is_some_and(|t| t >= second);
        let act = Act::Clock;
        (!passed && now.since(second) >= CLOCK_AFTER_MS).then_some(Control { counter, act })
    }
}

impl Worker {
    fn turn(&mut self) -> anyhow::Result<()> {
        let Self {
            common,
            ear,
            owned,
            judge,
        } = self;
        let mut fault = None;
        // Once for all that one poll hands over: some milliseconds.
        let now = clock::now();
        ear.poll(Duration::from_millis(20), &mut |heard| {
            if fault.is_none()
                && let Err(e) = take((common, now), owned, judge, heard)
            {
                fault = Some(e);
            }
        })?;
        match fault {
            Some(fault) => Err(fault),
            None => self.tick(),
        }
    }

    /// Waits and goes on, writes the control records that are due, and copies every account for
    /// the readers.
    fn tick(&mut self) -> anyhow::Result<()> {
        let now = clock::now();
        let live = self.common.live.load(Ordering::Acquire);
        for (partition, owned) in (0..).zip(&mut self.owned) {
            let Some(owned) = owned else {
                continue;
            };
            let engine = &owned.engine;
            let log_time = engine.log_time();
            self.common
                .ledger
                .advanced(partition, engine.account().next);
            let copy = (engine.account().clone(), log_time, engine.sizes());
            self.common.ledger.note(partition, copy);
            if let Some(end) = self.ear.end(partition) {
                self.common.ledger.ends(partition, end);
            }
            let slowest = self.common.pace.note(partition, log_time, owned.at_end);
            let wait = ahead(log_time, slowest);
            if wait != owned.paused {
                owned.paused = wait;
                if wait {
                    self.ear.pause(partition)?;
                } else {
                    self.ear.resume(partition)?;
                }
            }
            let near = slowest.is_none_or(|t| now.since(t) < CLOCK_NEAR_MS);
            if live
                && near
                && let Some(control) = owned.due(now, &self.common.set.hash)
                && self.common.control(partition, &control, now)
            {
                owned.wrote = (now, control.counter);
            }
        }
        Ok(())
    }
}

fn take(
    (common, now): (&Common, Timestamp),
    owned: &mut [Option<Owned>],
    judge: &SyncSender<Part>,
    heard: Heard<'_>,
) -> anyhow::Result<()> {
    let partition = match &heard {
        Heard::Record(record) => record.partition,
        Heard::End { partition, .. } => *partition,
    };
    let owned = owned.get_mut(partition as usize);
    let Some(owned) = owned.and_then(Option::as_mut) else {
        return Ok(());
    };
    match heard {
        Heard::Record(record) => owned.record((common, now), judge, &record),
        Heard::End { .. } => {
            owned.at_end = true;
            Ok(())
        }
    }
}

impl Owned {
    fn record(
        &mut self,
        (common, now): (&Common, Timestamp),
        judge: &SyncSender<Part>,
        record: &Record<'_>,
    ) -> anyhow::Result<()> {
        self.at_end = false;
        let behind = now.since(record.timestamp) > NEAR_MS;
        let step = if behind { Step::Minute } else { Step::Second };
        self.engine.set_step(step);
        let decoded;
        let content = if record.control.is_some() {
            let topic = &common.topics.interactions;
            match common.secrets.keys.read(topic, record)? {
                Ok(control) => Content::Control(control),
                Err(rejected) => Content::Rejected(rejected),
            }
        } else {
            decoded = of_record(record, &common.set.slots, &common.set.limits);
            match &decoded {
                Ok(event) => Content::Event(event),
                Err(rejected) => Content::Rejected(rejected.clone()),
            }
        };
        self.engine.handle_record(&Delivery {
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_kind: record.timestamp_kind,
            content,
        });
        while let Some(effect) = self.engine.next_effect() {
            match effect {
                Effect::Part(part) => judge.send(part)?,
                Effect::DeadLetter { rejected, .. } => {
                    common.ledger.dead_letter(&rejected);
                    put_aside(common, record, &rejected);
                }
                // The engine's account counts it; nothing writes it down yet.
                Effect::Decision(_) => {}
            }
        }
        Ok(())
    }
}

/// Waits while the producer's queue is full: a refused record is not lost.
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
    while common
        .dead_letter(&original, rejected, &origin, at)
        .is_err()
        && !common.stop.load(Ordering::Relaxed)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}
