//! In: lines of CloudEvents from a file or standard input. Kept: counts, the first refusals.
//! Out: records of `cx.interactions`, each in its customer's partition. Never knows: the engine.

use crate::check::{complain, say};
use crate::clock;
use crate::common::Topics;
use crate::config::Config;
use anyhow::{Context as _, ensure};
use cx_kafka::Producer;
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::ids::partition_of;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::reject::{Reason, Rejected};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Read as _, stderr, stdin};
use std::path::Path;
use std::time::Duration;

/// Refusals that are shown; the rest is only counted.
const SHOWN: u64 = 20;
/// How long the broker may take for the rest once everything is read.
const FLUSH: Duration = Duration::from_secs(60);

/// What became of the lines.
#[derive(Default)]
struct Counts {
    sent: u64,
    refused: u64,
}

/// Sends all lines; false where some were refused or not delivered.
///
/// # Errors
/// A file that cannot be read, a broker that does not answer.
pub(crate) fn run(config: &Config, file: &Path, as_json: bool) -> anyhow::Result<bool> {
    let (input, bar) = open(file)?;
    let topic = Topics::new(&config.kafka.prefix).interactions;
    let settings = config.kafka.client()?;
    let plans = crate::topics::plans(config, &Topics::new(&config.kafka.prefix));
    let only = &plans[..1];
    let faults =
        tokio::runtime::Runtime::new()?.block_on(cx_kafka::Topics::open(&settings)?.check(only))?;
    if !faults.is_empty() {
        return Ok(crate::topics::told("send", only, &faults, as_json));
    }
    let sender = Sender {
        producer: Producer::open(&settings)?,
        topic,
        partitions: config.kafka.partitions,
        history: config.kafka.stamps() == TimestampKind::Create,
        limits: Limits::default(),
        slots: SlotTable::default(),
    };
    let begun = clock::instant();
    let counts = sender.all(input, &bar)?;
    sender.producer.flush(FLUSH)?;
    bar.finish_and_clear();
    let failed = sender.producer.failed();
    let ok = counts.refused == 0 && failed == 0;
    if as_json {
        say(&json!({"name": "send", "ok": ok, "sent": counts.sent, "refused": counts.refused, "not_delivered": failed}).to_string());
    } else {
        say(&format!(
            "{} events sent to {} in {:.1} s, {} refused, {failed} not delivered",
            counts.sent,
            sender.topic,
            begun.elapsed().as_secs_f64(),
            counts.refused
        ));
    }
    Ok(ok)
}

/// The input, and a bar on a terminal: by bytes where the size is known.
fn open(file: &Path) -> anyhow::Result<(Box<dyn BufRead>, ProgressBar)> {
    let shown = stderr().is_terminal();
    if file == Path::new("-") {
        let bar = if shown {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        return Ok((Box::new(BufReader::new(stdin())), bar));
    }
    let open = File::open(file).with_context(|| {
        format!(
            "cannot read {}: give a file with one CloudEvent a line, or - for standard input",
            file.display()
        )
    })?;
    let bytes = open.metadata()?.len();
    let bar = if shown {
        ProgressBar::new(bytes)
    } else {
        ProgressBar::hidden()
    };
    let style = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    Ok((Box::new(BufReader::with_capacity(1 << 20, open)), bar))
}

struct Sender {
    producer: Producer,
    topic: String,
    partitions: u32,
    /// Records keep the time of their event.
    history: bool,
    limits: Limits,
    slots: SlotTable,
}

impl Sender {
    fn all(&self, mut input: Box<dyn BufRead>, bar: &ProgressBar) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        let mut line = Vec::new();
        // One byte more than an event may have, and its end of line.
        let most = self.limits.event_bytes as u64 + 2;
        for number in 1_u64.. {
            line.clear();
            let read = input.by_ref().take(most).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            if line.last() != Some(&b'\n') && line.len() as u64 == most {
                input.skip_until(b'\n')?;
            }
            bar.inc(read as u64);
            let event = line.trim_ascii();
            if event.is_empty() {
                continue;
            }
            match self.one(event) {
                Ok(()) => counts.sent += 1,
                Err(rejected) => {
                    counts.refused += 1;
                    if counts.refused <= SHOWN {
                        bar.suspend(|| complain(&format!("line {number}: {rejected}")));
                    }
                }
            }
        }
        if counts.refused > SHOWN {
            complain(&format!("… and {} more refused", counts.refused - SHOWN));
        }
        ensure!(
            counts.sent + counts.refused > 0,
            "there was nothing to send: one CloudEvent a line is expected"
        );
        Ok(counts)
    }

    /// Sends one event; waits while the producer's queue is full.
    fn one(&self, bytes: &[u8]) -> Result<(), Rejected> {
        let event = decode(bytes, &self.slots, &self.limits)?;
        let at = match (self.history, event.time) {
            (false, _) => None,
            (true, Some(time)) => Some(time.0),
            (true, None) => {
                let detail = "a history is ordered by time: give every event its time";
                return Err(Rejected::new(Reason::MissingAttribute, "time", detail));
            }
        };
        let subject = event.subject.as_deref();
        let partition = partition_of(subject.unwrap_or(&event.id), self.partitions);
        let key = subject.map(str::as_bytes);
        while self
            .producer
            .send(&self.topic, Some(partition), key, bytes, &[], at)
            .is_err()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
