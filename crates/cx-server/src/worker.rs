//! In: records of some partitions, from one Kafka client on this thread. Kept: one engine each.
//! Out: parts to the judge, dead letters and clock records to Kafka, reads for the house.
//! Never knows: KPIs, screens.

use crate::clock;
use crate::ledger::Ledger;
use cx_catalog::compiled::Compiled;
use cx_engine::{Config, Content, Delivery, Effect, Engine, Part, Step};
use cx_kafka::{ClientSettings, Ear, Heard, Producer};
use cx_model::control::{Act, Control, Keyring, UnknownKey};
use cx_model::decode::decode;
use cx_model::ids::HashKey;
use cx_model::record::{Record, TimestampKind};
use cx_model::time::{SECOND, Timestamp};
use cx_model::vocabulary::{HEADER_CONTROL, TOPIC_DEAD_LETTERS, TOPIC_INTERACTIONS};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How far behind its owner's clock a partition may be and still emit every second, ms.
const NEAR_MS: i64 = 10_000;
/// How long after a whole second that nothing passed a clock record is written, ms.
const CLOCK_AFTER_MS: i64 = 100;

/// What all workers share.
pub(crate) struct Common {
    pub(crate) set: Arc<Compiled>,
    pub(crate) partitions: u32,
    pub(crate) settings: ClientSettings,
    pub(crate) producer: Producer,
    pub(crate) keys: Keyring,
    pub(crate) key_id: String,
    pub(crate) hash_key: HashKey,
    pub(crate) embedded: bool,
    /// Clock records may be written: history has been written in full.
    pub(crate) live: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) ledger: Ledger,
}

/// One thread's partitions.
struct Worker {
    common: Arc<Common>,
    owned: BTreeMap<u32, Owned>,
    judge: SyncSender<Part>,
}

struct Owned {
    engine: Engine,
    at_end: bool,
    clocked: Timestamp,
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
    let mut ear = Ear::open(&common.settings, TOPIC_INTERACTIONS, &starts)?;
    let mut worker = Worker::new(common, partitions, judge);
    while !worker.common.stop.load(Ordering::Relaxed) {
        let mut fault = None;
        ear.poll(Duration::from_millis(20), &mut |heard| {
            if fault.is_none()
                && let Err(e) = worker.heard(heard)
            {
                fault = Some(e);
            }
        })?;
        if let Some(e) = fault {
            return Err(e);
        }
        worker.tick();
    }
    Ok(())
}

impl Worker {
    fn new(common: Arc<Common>, partitions: &[u32], judge: SyncSender<Part>) -> Self {
        let owned = partitions.iter().map(|p| {
            let config = Config {
                partition: *p,
                partitions: common.partitions,
                start_offset: 0,
                gaps_are_losses: common.embedded,
                hash_key: common.hash_key,
            };
            let engine = Engine::new(config, Arc::clone(&common.set));
            (
                *p,
                Owned {
                    engine,
                    at_end: false,
                    clocked: Timestamp(0),
                },
            )
        });
        Self {
            owned: owned.collect(),
            judge,
            common,
        }
    }

    fn heard(&mut self, heard: Heard<'_>) -> anyhow::Result<()> {
        match heard {
            Heard::Record(record) => self.record(&record),
            Heard::End { partition, .. } => {
                if let Some(owned) = self.owned.get_mut(&partition) {
                    owned.at_end = true;
                }
                Ok(())
            }
        }
    }

    fn record(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let common = Arc::clone(&self.common);
        let Some(owned) = self.owned.get_mut(&record.partition) else {
            return Ok(());
        };
        owned.at_end = false;
        let behind = clock::now().since(record.timestamp) > NEAR_MS;
        owned
            .engine
            .set_step(if behind { Step::Minute } else { Step::Second });
        let delivery = delivery(&common, record)?;
        owned.engine.handle_record(&delivery);
        while let Some(effect) = owned.engine.next_effect() {
            match effect {
                Effect::Part(part) => self.judge.send(part)?,
                Effect::DeadLetter { rejected, .. } => {
                    common.ledger.dead_letter(&rejected);
                    dead_letter(&common, record, &rejected);
                }
            }
        }
        common
            .ledger
            .advanced(record.partition, owned.engine.account().next);
        Ok(())
    }

    /// Clock records where they are due, and a copy of every account for the readers.
    fn tick(&mut self) {
        let now = clock::now();
        let live = self.common.live.load(Ordering::Acquire);
        for (partition, owned) in &mut self.owned {
            let engine = &owned.engine;
            let copy = (engine.account().clone(), engine.log_time(), engine.sizes());
            self.common.ledger.note(*partition, copy);
            let second = Timestamp::from_second(now.second());
            let due =
                now.since(second) >= CLOCK_AFTER_MS && now.since(owned.clocked) >= CLOCK_AFTER_MS;
            let passed = engine.log_time().is_some_and(|t| t >= second);
            if live
                && owned.at_end
                && due
                && !passed
                && self.common.clock_record(*partition, engine, now)
            {
                owned.clocked = now;
            }
        }
    }
}

impl Common {
    /// Writes a clock record; false where Kafka's queue is full (the next tick tries again).
    fn clock_record(&self, partition: u32, engine: &Engine, now: Timestamp) -> bool {
        let counter = engine.control_counter() + 1;
        let control = Control {
            counter,
            act: Act::Clock,
        };
        self.control(partition, &control, now)
    }

    /// Signs and writes a control record; false where Kafka's queue is full.
    pub(crate) fn control(&self, partition: u32, control: &Control, at: Timestamp) -> bool {
        let place = (TOPIC_INTERACTIONS, partition, TimestampKind::Create);
        let signed = self
            .keys
            .sign(&self.key_id, place, control, at)
            .expect("the key is configured");
        let headers = [(HEADER_CONTROL, signed.header.as_bytes())];
        let place = Some(partition);
        let stamp = Some(signed.timestamp.0);
        self.producer
            .send(
                TOPIC_INTERACTIONS,
                place,
                None,
                &signed.value,
                &headers,
                stamp,
            )
            .is_ok()
    }
}

fn delivery<'a>(common: &Common, record: &Record<'a>) -> Result<Delivery<'a>, UnknownKey> {
    let content = if record.control.is_some() {
        match common.keys.read(TOPIC_INTERACTIONS, record)? {
            Ok(control) => Content::Control(control),
            Err(rejected) => Content::Rejected(rejected),
        }
    } else {
        match decode(
            record.value.unwrap_or_default(),
            &common.set.slots,
            &common.set.limits,
        ) {
            Ok(event) => Content::Event(event),
            Err(rejected) => Content::Rejected(rejected),
        }
    };
    Ok(Delivery {
        offset: record.offset,
        timestamp: record.timestamp,
        timestamp_kind: record.timestamp_kind,
        content,
    })
}

/// Writes the original bytes aside, with why and where in the headers. Waits while the queue is
/// full: a refused record is not lost.
fn dead_letter(common: &Common, record: &Record<'_>, rejected: &cx_model::reject::Rejected) {
    let place = format!(
        "{TOPIC_INTERACTIONS}:{}:{}",
        record.partition, record.offset
    );
    let headers: [(&str, &[u8]); 4] = [
        ("cx-reason", rejected.reason.name().as_bytes()),
        ("cx-place", rejected.place.as_bytes()),
        ("cx-detail", rejected.detail.as_bytes()),
        ("cx-origin", place.as_bytes()),
    ];
    let value = record.value.unwrap_or_default();
    let stamp = Some(clock::now().0.div_euclid(SECOND) * SECOND);
    while common
        .producer
        .send(
            TOPIC_DEAD_LETTERS,
            Some(0),
            record.key,
            value,
            &headers,
            stamp,
        )
        .is_err()
        && !common.stop.load(Ordering::Relaxed)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}
