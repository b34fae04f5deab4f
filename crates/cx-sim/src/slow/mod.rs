//! The slow reference model: the oracle of law 1. In: whole logs. Kept: every record with the name
//! it got, and nothing counted. Out: every value of every second, each recomputed from the log.
//! Never knows: the engine, its panes, its closures; it may be as slow as it likes.

mod cells;
mod condition;
mod contact;
mod fact;
mod judge;
mod measure;
mod record;

pub use record::{Accounting, LogRecord};

use condition::Conditions;
use cx_catalog::definition::Kpi;
use cx_model::limits::Limits;
use cx_model::value::CellValue;
use cx_model::window::Window;
use fact::Fact;
use judge::Judge;
use std::collections::BTreeMap;

/// One number: KPI, window, dimension values (`all` is the total), value.
pub type Cell = (String, Window, BTreeMap<String, String>, CellValue);

/// Recounts logs, literally and slowly.
pub struct SlowModel {
    kpis: Vec<Kpi>,
    channels: Vec<String>,
    sources: Vec<String>,
    limits: Limits,
    partitions: u32,
    conditions: Conditions,
    logs: BTreeMap<u32, Vec<LogRecord>>,
    facts: BTreeMap<u32, Vec<Fact>>,
}

impl SlowModel {
    /// A model of these definitions that has read nothing. The definitions must have passed the
    /// catalogue's check; a condition that does not parse is a broken invariant and panics.
    #[must_use]
    pub fn new(
        kpis: &[Kpi],
        channels: &[String],
        sources: &[String],
        limits: Limits,
        partitions: u32,
    ) -> Self {
        Self {
            kpis: kpis.to_vec(),
            channels: channels.to_vec(),
            sources: sources.to_vec(),
            limits,
            partitions,
            conditions: Conditions::new(kpis),
            logs: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }

    /// Appends records, in the order of their offsets within each partition, and names all
    /// records of the partitions they belong to anew.
    pub fn feed(&mut self, records: Vec<LogRecord>) {
        let mut touched: Vec<u32> = records.iter().map(|r| r.partition).collect();
        touched.sort_unstable();
        touched.dedup();
        for record in records {
            self.logs.entry(record.partition).or_default().push(record);
        }
        for partition in touched {
            let mut judge = Judge::new(partition, self.partitions, self.limits, &self.conditions);
            let log = &self.logs[&partition];
            let facts = log.iter().map(|record| judge.name(record)).collect();
            self.facts.insert(partition, facts);
        }
    }

    /// Every cell at second `s`, from the records before the one that passes it: KPIs in the order
    /// given, then windows, then dimension values (`all`, the declared ones, `other`; the last
    /// dimension runs fastest). A partition that has not passed `s` gives all it has.
    #[must_use]
    pub fn at(&self, s: i64) -> Vec<Cell> {
        cells::all(self, s)
    }

    /// Whether every partition has passed second `s`.
    #[must_use]
    pub fn sealed(&self, s: i64) -> bool {
        (0..self.partitions).all(|partition| {
            let facts = self.facts.get(&partition).map_or(&[][..], Vec::as_slice);
            facts.last().is_some_and(|f| f.log_time.0 >= s * 1_000)
        })
    }

    /// The offset of the record that passes second `s` in the partition (the first one not in its
    /// values); `None` while nothing passes it.
    #[must_use]
    pub fn passed_by(&self, partition: u32, s: i64) -> Option<i64> {
        let facts = self.facts.get(&partition)?;
        let passing = facts.iter().find(|f| f.log_time.0 >= s * 1_000)?;
        Some(passing.offset)
    }

    /// Log time of the partition's first and last record, in whole seconds; `None` when empty.
    #[must_use]
    pub fn span(&self, partition: u32) -> Option<(i64, i64)> {
        let facts = self.facts.get(&partition)?;
        let (first, last) = (facts.first()?, facts.last()?);
        Some((first.log_time.second(), last.log_time.second()))
    }

    /// Where every offset of the partition went.
    #[must_use]
    pub fn accounting(&self, partition: u32) -> Accounting {
        let facts = self.facts.get(&partition).map_or(&[][..], Vec::as_slice);
        Accounting::of(facts, &self.channels)
    }

    /// The name each record of the partition got, with the reason where it was dead-lettered.
    #[must_use]
    pub fn names(&self, partition: u32) -> Vec<(i64, &'static str, &'static str)> {
        let facts = self.facts.get(&partition).map_or(&[][..], Vec::as_slice);
        let name = |f: &Fact| (f.offset, f.outcome.name(), f.reason_name());
        facts.iter().map(name).collect()
    }

    /// Per partition the facts before the record that passes second `s`.
    fn before(&self, s: i64) -> Vec<&[Fact]> {
        let until = |facts: &Vec<Fact>| {
            let passing = facts.iter().position(|f| f.log_time.0 >= s * 1_000);
            passing.unwrap_or(facts.len())
        };
        self.facts.values().map(|f| &f[..until(f)]).collect()
    }
}
