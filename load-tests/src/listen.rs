//! In: a filled topic. Kept: what was counted. Out: what reading it costs, with or without decoding.
//! Never knows: the engine.

use crate::clock;
use crate::process::Cost;
use crate::report::say;
use anyhow::{Result, bail, ensure};
use clap::Args;
use cx_kafka::{ClientSettings, Ear, Heard};
use cx_model::attribute::{ATTRIBUTES, SlotTable};
use cx_model::decode::decode;
use cx_model::limits::Limits;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Without anything to hear for so long a round has failed.
const SILENCE: Duration = Duration::from_secs(60);

/// One round.
#[derive(Args)]
pub(crate) struct Options {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partitions: u32,
    /// Records in the topic.
    #[arg(long)]
    events: u64,
    /// Decode each record with the attributes that this catalogue names.
    #[arg(long)]
    decode: Option<PathBuf>,
}

/// What a round cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) peak_rss: u64,
    /// Of values.
    pub(crate) bytes: u64,
}

/// Reads the topic once, as Watchfloor does: one client per core, each with its share of the
/// partitions. Prints the round as JSON.
///
/// # Errors
/// A broker that falls silent, an event that cannot be decoded.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let slots = options.decode.as_deref().map(slots).transpose()?;
    let begun = clock::instant();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<Vec<(u32, i64)>> = (0..cores)
        .map(|core| {
            (0..options.partitions)
                .skip(core)
                .step_by(cores)
                .map(|p| (p, 0))
                .collect()
        })
        .collect();
    let counted: Result<Vec<(u64, u64)>> = std::thread::scope(|scope| {
        let slots = slots.as_ref();
        let readers: Vec<_> = shares
            .iter()
            .filter(|share| !share.is_empty())
            .map(|share| scope.spawn(move || read(options, share, slots)))
            .collect();
        let joined = readers.into_iter().map(|reader| match reader.join() {
            Ok(counted) => counted,
            Err(_) => bail!("a reader panicked"),
        });
        joined.collect()
    });
    let counted = counted?;
    let events: u64 = counted.iter().map(|(events, _)| events).sum();
    ensure!(
        events == options.events,
        "{events} records, {} expected",
        options.events
    );
    let cost = Cost::of("self")?;
    let round = Round {
        wall_s: begun.elapsed().as_secs_f64(),
        cpu_s: cost.cpu_s,
        peak_rss: cost.peak_rss,
        bytes: counted.iter().map(|(_, bytes)| bytes).sum(),
    };
    say(&serde_json::to_string(&round)?);
    Ok(true)
}

/// Records and bytes until the end of every partition of the share.
fn read(options: &Options, share: &[(u32, i64)], slots: Option<&SlotTable>) -> Result<(u64, u64)> {
    let settings = ClientSettings::broker(&options.bootstrap);
    let limits = Limits::default();
    let mut ear = Ear::open(&settings, &options.topic, share)?;
    let (mut events, mut bytes, mut ended) = (0, 0, 0);
    let mut refused = None;
    let mut heard_at = clock::instant();
    while ended < share.len() {
        let heard = ear.poll(Duration::from_millis(20), &mut |heard| match heard {
            // Those that Watchfloor wrote behind the history when it had read it to its end.
            Heard::Record(record) if record.control.is_some() => {}
            Heard::Record(record) => {
                let value = record.value.unwrap_or_default();
                events += 1;
                bytes += value.len() as u64;
                if let Some(slots) = slots
                    && let Err(wrong) = black_box(decode(value, slots, &limits))
                {
                    refused = Some(wrong);
                }
            }
            Heard::End { .. } => ended += 1,
        })?;
        if heard > 0 {
            heard_at = clock::instant();
        }
        ensure!(
            heard_at.elapsed() < SILENCE,
            "nothing heard for {} s",
            SILENCE.as_secs()
        );
    }
    if let Some(wrong) = refused {
        bail!(
            "an event cannot be decoded: {}: {}",
            wrong.place,
            wrong.detail
        );
    }
    Ok((events, bytes))
}

/// The attributes that any file of the catalogue names. Which of them end in slots only the
/// compiler of definitions knows, a room that a bench must not know; a name that stands in a text
/// only makes the floor a little dearer.
fn slots(catalog: &Path) -> Result<SlotTable> {
    let mut text = String::new();
    collect(catalog, &mut text)?;
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let mut table = SlotTable::default();
    for attribute in ATTRIBUTES.iter().filter(|a| words.contains(&a.name)) {
        ensure!(
            table.add(attribute.name).is_some(),
            "more attributes than slots"
        );
    }
    Ok(table)
}

fn collect(folder: &Path, text: &mut String) -> Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, text)?;
        } else {
            text.push_str(&std::fs::read_to_string(&path)?);
            text.push('\n');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_names_attributes_and_not_all() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/catalog");
        let table = slots(&shipped).expect("shipped");
        assert!(table.slot("wait_ms").is_some());
        assert!(ATTRIBUTES.iter().any(|a| table.slot(a.name).is_none()));
    }
}
