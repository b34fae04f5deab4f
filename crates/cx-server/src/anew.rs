//! In: a sealed second. Kept: nothing. Out: whether the log, counted anew from its first record by
//! engines that know no snapshot, says the same. Never knows: who asks.

use crate::common::Common;
use crate::partition::apply;
use crate::start;
use anyhow::ensure;
use cx_engine::{Effect, Engine, Rollup, Step};
use cx_kafka::{Ear, Heard};
use cx_model::record::Record;
use cx_model::value::Sealed;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Every second is emitted from so long before the one that is asked for, s.
const NEAR_S: i64 = 5;
/// Waits of 200 ms without a record until the log counts as unreadable.
const TURNS: u32 = 100;

/// What counting anew found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Records read.
    pub(crate) records: u64,
    /// Numbers compared: every KPI, window and value of its dimensions.
    pub(crate) cells: usize,
    /// Those that differ in value, parts or state.
    pub(crate) differences: usize,
}

/// Partitions that are being counted.
struct Count<'c> {
    common: &'c Common,
    s: i64,
    engines: Vec<Engine>,
    rollup: Rollup,
    records: u64,
    found: Option<Sealed>,
}

/// Counts the whole log anew up to a sealed second, and compares.
///
/// # Errors
/// A log that cannot be read, that has lost its beginning, or ends before the second.
pub(crate) fn count(common: &Common, sealed: &Sealed) -> anyhow::Result<Counted> {
    let topic = &common.topics.interactions;
    let partitions: Vec<u32> = (0..common.partitions).collect();
    let mut ear = Ear::connect(&common.settings, topic, &partitions)?;
    for partition in &partitions {
        let (low, _) = ear.bounds(*partition)?;
        ensure!(
            low == 0,
            "partition {partition} begins at offset {low}: what came before cannot be counted"
        );
    }
    let starts: Vec<(u32, i64)> = partitions.iter().map(|p| (*p, 0)).collect();
    ear.start(&starts)?;
    let engine = |p: &u32| start::fresh(common, *p);
    let mut count = Count {
        common,
        s: sealed.s,
        engines: partitions.iter().map(engine).collect(),
        rollup: common.rollup(),
        records: 0,
        found: None,
    };
    let (mut fault, mut silent) = (None, 0);
    while count.found.is_none() {
        ensure!(!common.stop.load(Ordering::Relaxed), "the house stops");
        let heard = ear.poll(Duration::from_millis(200), &mut |heard| {
            if let (Heard::Record(record), None) = (heard, &fault) {
                fault = count.take(&record).err();
            }
        })?;
        if let Some(fault) = fault.take() {
            return Err(fault);
        }
        silent = if heard == 0 { silent + 1 } else { 0 };
        ensure!(silent < TURNS, "{topic} does not reach second {}", sealed.s);
    }
    let found = count.found.as_ref().unwrap_or(sealed);
    let pairs = found.values.iter().zip(sealed.values.iter());
    let offsets = usize::from(found.offsets != sealed.offsets);
    Ok(Counted {
        records: count.records,
        cells: sealed.values.len(),
        differences: pairs.filter(|(a, b)| a != b).count().max(offsets),
    })
}

impl Count<'_> {
    fn take(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let engine = &mut self.engines[record.partition as usize];
        if engine.log_time().is_some_and(|t| t.second() >= self.s) {
            return Ok(());
        }
        let near = record.timestamp.second() >= self.s - NEAR_S;
        engine.set_step(if near { Step::Second } else { Step::Minute });
        apply(self.common, engine, record)?;
        self.records += 1;
        while let Some(effect) = engine.next_effect() {
            if let Effect::Part(part) = effect
                && part.s == self.s
            {
                let sealed = self.rollup.handle_part(part);
                let number = self.rollup.set().number;
                let sealed = sealed.map(|sealed| self.common.sets.widen(number, sealed));
                self.found = sealed.or(self.found.take());
            }
        }
        Ok(())
    }
}
