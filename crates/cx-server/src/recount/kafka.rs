//! In: a topic. Kept: one reader. Out: its records, as a log. Never knows: what they say.

use super::log::{Head, Log, Take};
use anyhow::ensure;
use cx_kafka::{ClientSettings, Ear, Heard};
use cx_model::record::Record;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Waits of 200 ms without an answer until a topic counts as unreadable.
const TURNS: u32 = 100;

/// A topic of a cluster, or of the embedded broker.
pub(crate) struct Kafka {
    ear: Ear,
    head: Head,
}

impl Kafka {
    /// Reaches the topic, all partitions of it.
    ///
    /// # Errors
    /// Kafka's.
    pub(crate) fn open(
        settings: &ClientSettings,
        topic: &str,
        gaps_are_losses: bool,
    ) -> anyhow::Result<Self> {
        let partitions = Ear::partitions(settings, topic)?;
        let all: Vec<u32> = (0..partitions).collect();
        let ear = Ear::connect(settings, topic, &all)?;
        let (mut lows, mut length) = (Vec::new(), 0);
        for partition in all {
            let (low, high) = ear.bounds(partition)?;
            lows.push(low);
            length += u64::try_from(high - low).unwrap_or(0);
        }
        let head = Head {
            topic: topic.to_owned(),
            partitions,
            lows,
            gaps_are_losses,
            definitions: Vec::new(),
            length: Some(length),
        };
        Ok(Self { ear, head })
    }

    /// With the sets that were written down beside it.
    pub(crate) fn judged_by(mut self, definitions: Vec<Value>) -> Self {
        self.head.definitions = definitions;
        self
    }
}

/// Reading all partitions at once.
struct Pass<'p, 't> {
    until: Option<&'p [i64]>,
    take: Take<'t>,
    done: BTreeSet<u32>,
    fault: anyhow::Result<()>,
}

impl Pass<'_, '_> {
    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Record(record) => self.record(&record),
            Heard::End { partition, .. } => drop(self.done.insert(partition)),
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        let partition = record.partition;
        if self.fault.is_err() || self.done.contains(&partition) {
            return;
        }
        self.fault = (self.take)(record);
        let until = self.until.and_then(|u| u.get(partition as usize));
        if until.is_some_and(|until| record.offset >= *until) {
            self.done.insert(partition);
        }
    }
}

impl Log for Kafka {
    fn head(&self) -> &Head {
        &self.head
    }

    fn read(&mut self, until: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()> {
        let lows = self.head.lows.iter().copied();
        let starts: Vec<(u32, i64)> = (0..).zip(lows).collect();
        self.ear.start(&starts)?;
        let mut pass = Pass {
            until,
            take,
            done: BTreeSet::new(),
            fault: Ok(()),
        };
        let (mut silent, mut paused) = (0, BTreeSet::new());
        while pass.done.len() < starts.len() {
            let heard = self
                .ear
                .poll(Duration::from_millis(200), &mut |heard| pass.hear(heard))?;
            std::mem::replace(&mut pass.fault, Ok(()))?;
            for partition in pass.done.difference(&paused) {
                self.ear.pause(*partition)?;
            }
            paused.clone_from(&pass.done);
            silent = if heard == 0 { silent + 1 } else { 0 };
            let topic = &self.head.topic;
            ensure!(silent < TURNS, "{topic} cannot be read to its end");
        }
        Ok(())
    }
}
