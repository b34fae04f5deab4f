//! In: the shipped catalogue, a topic. Kept: events that nothing else looks like, and when each was handed
//! over. Out: one more KPI and a board that shows it. Never knows: who looks.

use crate::clock;
use crate::house::Installation;
use crate::screen::copy;
use anyhow::{Context as _, Result};
use cx_kafka::{ClientSettings, Producer};
use cx_model::ids::partition_of;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) const KPI: &str = "bench_waiting";
pub(crate) const BOARD: &str = "bench";
pub(crate) const DIMENSION: &str = "queue";
/// Each has a partition of its own, in which its markers keep their order.
const QUEUES: usize = 8;
/// Markers come so often, but never in the rhythm of the live views.
const EVERY: Duration = Duration::from_millis(97);

/// The marked queues.
pub(crate) fn names() -> Vec<String> {
    (0..QUEUES).map(|queue| format!("bench-{queue}")).collect()
}

/// Copies a catalogue and adds what counts markers: contacts that wait, a number that changes with each event.
///
/// # Errors
/// A folder that cannot be read or written.
pub(crate) fn catalog(from: &Path, to: &Path) -> Result<()> {
    copy(from, to)?;
    let kpi = format!(
        "kpi: {KPI}\nbusiness_name: Marked contacts\nmeaning: Contacts of the bench that wait.\ntype: simple\n\
         gauge: {{of: contact.waiting}}\ndimensions: [{{name: {DIMENSION}, values: [{}]}}]\nwindows: [now]\n\
         unit: count\ndecimals: 0\ndirection: none\nowners: {{business: bench.team, technical: bench.team}}\n\
         examples:\n  - events: [{{type: cx.contact.queued.v1, data: {{channel: chat, contact_id: a, queue: bench-0}}}}]\n    \
         window: now\n    value: 1\n",
        names().join(", ")
    );
    fs::write(to.join("kpis").join(format!("{KPI}.yaml")), kpi)?;
    let care = fs::read_to_string(from.join("boards/care.yaml")).context("boards/care.yaml")?;
    // A wall has nine tiles: the first one makes room.
    let (head, tiles) = care.split_once("tiles:\n").context("care has tiles")?;
    let (_, rest) = tiles.split_once("\n  - ").context("care has two tiles")?;
    let head = head.replace("board: care\n", &format!("board: {BOARD}\n"));
    let tile = format!(
        "{{label: Marked, kpi: {KPI}, window: now, range: [0, 1000], foot: bench, sources: [contact-centre]}}"
    );
    let board = format!("{head}tiles:\n  - {tile}\n  - {rest}");
    fs::write(to.join("boards").join(format!("{BOARD}.yaml")), board)?;
    Ok(())
}

/// Writes markers and knows when.
pub(crate) struct Markers {
    producer: Producer,
    topic: String,
    partitions: u32,
    begun: Instant,
    sent: Vec<Vec<Instant>>,
}

impl Markers {
    /// # Errors
    /// No producer.
    pub(crate) fn new(at: &Installation) -> Result<Self> {
        Ok(Self {
            producer: Producer::open(&ClientSettings::broker(&at.bootstrap))?,
            topic: at.topic(),
            partitions: at.partitions,
            begun: clock::instant(),
            sent: vec![Vec::new(); QUEUES],
        })
    }

    /// Sends the markers that are due by now.
    ///
    /// # Errors
    /// A producer that takes nothing.
    pub(crate) fn due(&mut self) -> Result<()> {
        let all: usize = self.sent.iter().map(Vec::len).sum();
        for number in all.. {
            if self.begun.elapsed() < EVERY * u32::try_from(number)? {
                break;
            }
            self.send(number % QUEUES)?;
        }
        Ok(())
    }

    fn send(&mut self, queue: usize) -> Result<()> {
        let (number, customer) = (self.sent[queue].len(), format!("bench:{queue}"));
        let now = clock::now();
        let event = format!(
            r#"{{"specversion":"1.0","id":"bench-{queue}-{number}","source":"contact-centre","type":"cx.contact.queued.v1","subject":"{customer}","time":"{}","data":{{"channel":"chat","contact_id":"bench-{queue}-{number}","queue":"bench-{queue}"}}}}"#,
            now.to_rfc3339()
        );
        let partition = Some(partition_of(&customer, self.partitions));
        let (key, at) = (Some(customer.as_bytes()), clock::instant());
        let put = self.producer.send(
            &self.topic,
            partition,
            key,
            event.as_bytes(),
            &[],
            Some(now.0),
        );
        put.map_err(|_| anyhow::anyhow!("the producer is full"))?;
        self.sent[queue].push(at);
        Ok(())
    }

    /// When the marker was handed over that made a queue's number grow beyond this.
    pub(crate) fn sent(&self, queue: usize, number: i64) -> Option<Instant> {
        self.sent[queue].get(usize::try_from(number).ok()?).copied()
    }
}
