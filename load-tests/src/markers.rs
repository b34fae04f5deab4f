//! In: the shipped catalogue, a topic. Kept: how many events were sent that nothing else looks like. Out: one
//! more KPI and a board that shows it; when each event was appended. Never knows: who looks.

use crate::clock;
use crate::house::Installation;
use crate::screen::copy;
use anyhow::{Context as _, Result, ensure};
use cx_kafka::{ClientSettings, Ear, Heard, Producer};
use cx_model::ids::partition_of;
use cx_model::time::Timestamp;
use std::collections::BTreeSet;
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

/// Begins the ids of markers.
const ID: &str = "marker-";
const FLUSH: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

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
    sent: Vec<usize>,
    settings: ClientSettings,
}

impl Markers {
    /// # Errors
    /// No producer.
    pub(crate) fn new(at: &Installation) -> Result<Self> {
        let settings = ClientSettings::broker(&at.bootstrap);
        Ok(Self {
            producer: Producer::open(&settings)?,
            settings,
            topic: at.topic(),
            partitions: at.partitions,
            begun: clock::instant(),
            sent: vec![0; QUEUES],
        })
    }

    /// Sends the markers that are due by now.
    ///
    /// # Errors
    /// A producer that takes nothing.
    pub(crate) fn due(&mut self) -> Result<()> {
        let all: usize = self.sent.iter().sum();
        for number in all.. {
            if self.begun.elapsed() < EVERY * u32::try_from(number)? {
                break;
            }
            self.send(number % QUEUES)?;
        }
        Ok(())
    }

    fn send(&mut self, queue: usize) -> Result<()> {
        let (number, customer) = (self.sent[queue], customer(queue));
        let now = clock::now().to_rfc3339();
        let event = format!(
            r#"{{"specversion":"1.0","id":"{ID}{queue}-{number}","source":"contact-centre","type":"cx.contact.queued.v1","subject":"{customer}","time":"{now}","data":{{"channel":"chat","contact_id":"bench-{queue}-{number}","queue":"bench-{queue}"}}}}"#
        );
        let partition = Some(partition_of(&customer, self.partitions));
        let key = Some(customer.as_bytes());
        let put = (self.producer).send(&self.topic, partition, key, event.as_bytes(), &[], None);
        put.map_err(|_| anyhow::anyhow!("the producer is full"))?;
        self.sent[queue] += 1;
        Ok(())
    }

    /// When the broker appended each marker of each queue, by its own clock: read back from the log.
    ///
    /// # Errors
    /// A marker that is not there.
    pub(crate) fn appended(&self) -> Result<Vec<Vec<Timestamp>>> {
        self.producer.flush(FLUSH)?;
        let partitions = (0..QUEUES).map(|queue| partition_of(&customer(queue), self.partitions));
        let mut open: BTreeSet<u32> = partitions.collect();
        let starts: Vec<(u32, i64)> = open.iter().map(|partition| (*partition, 0)).collect();
        let mut ear = Ear::open(&self.settings, &self.topic, &starts)?;
        let mut all = vec![Vec::new(); QUEUES];
        let begun = clock::instant();
        while !open.is_empty() {
            ensure!(begun.elapsed() < FLUSH, "the log does not end");
            ear.poll(LOOK, &mut |heard| match heard {
                Heard::Record(record) => {
                    if let Some(queue) = marked(record.value.unwrap_or_default()) {
                        all[queue].push(record.timestamp);
                    }
                }
                Heard::End { partition, .. } => drop(open.remove(&partition)),
            })?;
        }
        let found: Vec<usize> = all.iter().map(Vec::len).collect();
        ensure!(
            found == self.sent,
            "{found:?} markers are in the log, {:?} were sent",
            self.sent
        );
        Ok(all)
    }
}

fn customer(queue: usize) -> String {
    format!("bench:{queue}")
}

/// The queue of a marker.
fn marked(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once(&format!(r#""id":"{ID}"#))?;
    rest.split_once('-')?.0.parse().ok()
}
