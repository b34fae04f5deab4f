//! The slow model: the oracle of the laws. In: whole logs and definitions. Kept: nothing between
//! questions. Out: every cell at a second, recounted from the first record on.
//! Never knows: panes, running sums, the engine. Conditions run in the CEL crate's interpreter.

pub mod alerts;
mod conversations;
mod decisions;
mod derived;
mod json;
mod meaning;
mod objects;
mod rank;
mod reading;
mod scope;
mod versions;

use cel::{Context, Program};
use cx_catalog::definition::{Agg, Formula, Kpi, Measure, Object};
use cx_model::attribute::SlotTable;
use cx_model::control::Control;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::time::Timestamp;
use cx_model::value::{CellValue, RESTATED, WARMING, scaled};
use cx_model::window::Window;
pub use decisions::Decision;
use json::to_cel;
pub use meaning::{Named, Outcome};
pub use reading::Reading;
use scope::{scoped, scopes};
use std::collections::{BTreeMap, BTreeSet};
use versions::{Version, Versions};

/// One record of one partition's log.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Who set it.
    pub timestamp_kind: TimestampKind,
    /// Its bytes.
    pub value: Vec<u8>,
    /// What it says as a control record with a right signature.
    pub control: Option<Control>,
}

/// Whole logs, one per partition, and what they are judged by.
pub struct SlowModel<'m> {
    sets: Versions<'m>,
    limits: Limits,
    reply_targets: BTreeMap<String, u32>,
    logs: Vec<Vec<Named>>,
    /// Every condition by its text, each with its number.
    programs: BTreeMap<&'m str, (usize, Program)>,
}

/// A cell's name: KPI, window, dimension values.
pub type Cell = (String, Window, BTreeMap<String, String>);

impl<'m> SlowModel<'m> {
    /// Reads the logs through; `reply_targets` are seconds by channel.
    #[must_use]
    pub fn new(
        kpis: &'m [Kpi],
        limits: Limits,
        reply_targets: &BTreeMap<String, u32>,
        logs: &[Vec<LogRecord>],
    ) -> Self {
        let partitions = u32::try_from(logs.len()).expect("few partitions");
        let mut reading = Reading::new(limits, SlotTable::default(), partitions);
        for (partition, log) in (0..).zip(logs) {
            log.iter().for_each(|r| reading.plain(partition, r));
        }
        Self::of(kpis, reply_targets, reading)
    }

    /// Judges what was read.
    #[must_use]
    pub fn of(kpis: &'m [Kpi], reply_targets: &BTreeMap<String, u32>, reading: Reading) -> Self {
        Self::under(vec![kpis], reply_targets, reading)
    }

    /// Judges what was read; sets in the order of their numbers, from 1 on.
    #[must_use]
    pub fn under(
        sets: Vec<&'m [Kpi]>,
        reply_targets: &BTreeMap<String, u32>,
        reading: Reading,
    ) -> Self {
        let limits = reading.limits();
        let look = |mut named: Vec<Named>| {
            for (i, facts) in conversations::facts(&named, &limits, reply_targets) {
                named[i].facts.extend(facts);
            }
            for (i, wait_ms) in objects::waits(&named, &limits) {
                named[i].facts.insert("wait_ms", wait_ms);
            }
            named
        };
        let (logs, since) = reading.done().into_iter().unzip();
        let logs: Vec<Vec<Named>> = logs;
        Self {
            limits,
            reply_targets: reply_targets.clone(),
            programs: numbered(sets.iter().copied().flatten()),
            logs: logs.into_iter().map(look).collect(),
            sets: Versions { sets, since },
        }
    }

    /// What became of the records of one partition.
    #[must_use]
    pub fn outcomes(&self, partition: usize) -> BTreeMap<&'static str, i64> {
        let mut counts = BTreeMap::new();
        for record in &self.logs[partition] {
            *counts.entry(record.outcome.name()).or_default() += 1;
        }
        counts
    }

    /// The records of one partition with what became of them.
    #[must_use]
    pub fn records(&self, partition: usize) -> &[Named] {
        &self.logs[partition]
    }

    /// What one partition's log decides of reply deadlines, in no order; how many deadlines found no
    /// room or lost it to others.
    #[must_use]
    pub fn decisions(&self, partition: usize) -> (Vec<Decision>, usize) {
        conversations::decisions(&self.logs[partition], &self.limits, &self.reply_targets)
    }

    /// Number of the set whose KPIs stand at second `s`.
    #[must_use]
    pub fn set_at(&self, s: i64) -> u32 {
        self.sets.in_force(s)
    }

    /// Every cell at second `s`.
    #[must_use]
    pub fn at(&self, s: i64) -> BTreeMap<Cell, CellValue> {
        let before: Vec<&[Named]> = self
            .logs
            .iter()
            .map(|log| {
                let passing = log
                    .iter()
                    .position(|r| r.log_time >= Timestamp::from_second(s));
                &log[..passing.unwrap_or(log.len())]
            })
            .collect();
        let start = self
            .logs
            .iter()
            .filter_map(|l| l.first())
            .map(|r| r.log_time)
            .max();
        let mut cells = BTreeMap::new();
        let counted = |k: &&Kpi| !matches!(k.formula, Formula::Derived { .. });
        let kpis = self.sets.at(s);
        for kpi in kpis.iter().filter(counted) {
            let version = self.sets.version(kpi, s);
            for window in &kpi.windows {
                let near = self.near(*window, &before, s);
                for dims in scopes(&kpi.dimensions) {
                    let mut value = CellValue::default();
                    if !version.missing {
                        value = self.cell(&version, *window, &dims, &near, s);
                    }
                    if version.warming(*window, (s, start), &self.limits) {
                        value.state |= WARMING;
                    }
                    cells.insert((kpi.kpi.clone(), *window, dims), value);
                }
            }
        }
        derived::add(&mut cells, kpis);
        cells
    }

    /// The records that can count in a window that ends at `s`: no event is stamped further ahead of
    /// its log time than the clamp lets it. All of them for what is open `now`.
    fn near<'r>(&self, window: Window, before: &[&'r [Named]], s: i64) -> Vec<&'r [Named]> {
        let reach = window.seconds() + window.pane_seconds().max(60);
        let from = Timestamp::from_second(s - reach).plus(-self.limits.clamp_ms);
        if window == Window::Now {
            return before.to_vec();
        }
        let near = |log: &&'r [Named]| &log[log.partition_point(|r| r.log_time < from)..];
        before.iter().map(near).collect()
    }

    fn cell(
        &self,
        version: &Version<'_>,
        window: Window,
        dims: &BTreeMap<String, String>,
        before: &[&[Named]],
        s: i64,
    ) -> CellValue {
        let kpi = version.kpi;
        let part = |m: &Measure| self.part(version, m, window, dims, before, s);
        let (top, bottom, restated) = match &kpi.formula {
            Formula::Simple { measure } => {
                let p = part(measure);
                if matches!(measure.agg, Agg::Average { .. }) {
                    (p.value, Some((p.n, p.n)), [p.restated, 0])
                } else {
                    let (above, below) = factor(kpi);
                    let value = p.value.and_then(|v| scaled(v * above, below, kpi.decimals));
                    let state = if p.restated > 0 { RESTATED } else { 0 };
                    return CellValue {
                        value,
                        state,
                        numerator: p.value.unwrap_or(0),
                        denominator: None,
                        n: p.n,
                        restated: [p.restated, 0],
                    };
                }
            }
            Formula::Observed { .. } | Formula::Derived { .. } => return CellValue::default(),
            Formula::Ratio {
                numerator,
                denominator,
            } => {
                let (a, b) = (part(numerator), part(denominator));
                (
                    a.value,
                    Some((b.value.unwrap_or(0), b.n)),
                    [a.restated, b.restated],
                )
            }
        };
        let ((above, below), (bottom, n)) = (factor(kpi), bottom.unwrap_or((0, 0)));
        let top = top.unwrap_or(0);
        let value = scaled(top * above, bottom * below, kpi.decimals);
        let state = if restated == [0; 2] { 0 } else { RESTATED };
        CellValue {
            value,
            state,
            numerator: top,
            denominator: Some(bottom),
            n,
            restated,
        }
    }

    fn part(
        &self,
        version: &Version<'_>,
        m: &Measure,
        window: Window,
        dims: &BTreeMap<String, String>,
        before: &[&[Named]],
        s: i64,
    ) -> Part {
        if let Agg::Gauge { of } | Agg::Oldest { of } = &m.agg {
            return self.open((version, m, *of), dims, before, s);
        }
        let kpi = version.kpi;
        let width = if m.agg == Agg::CountDistinct {
            60
        } else {
            window.pane_seconds()
        };
        let newest = (s - 1).div_euclid(width);
        let panes = newest - window.seconds() / width + 1..=newest;
        let records = m.agg == Agg::CountRecords;
        let mut part = nothing(m);
        let mut customers = BTreeSet::new();
        let mut numbers = Vec::new();
        let conditions = self.conditions(kpi, m);
        for r in before.iter().flat_map(|log| log.iter()) {
            let time = if records { r.log_time } else { r.time };
            let counts = (records || r.outcome == Outcome::Applied)
                && panes.contains(&time.second().div_euclid(width));
            let matches = counts && version.judges(r, records) && self.matches(&conditions, m, r);
            if !matches || !scoped(r, &kpi.dimensions, dims) {
                continue;
            }
            let end = Timestamp::from_second((time.second().div_euclid(width) + 1) * width);
            let late = !records && end.plus(self.limits.lateness_ms) <= r.log_time;
            part.restated += i64::from(late);
            tally(m, r, &mut part, &mut customers);
            if matches!(m.agg, Agg::Percentile { .. }) {
                numbers.extend(number(m, r));
            }
        }
        match m.agg {
            Agg::Percentile { per_mille, .. } => {
                part.n = i64::try_from(numbers.len()).expect("few events");
                part.value = rank::percentile(numbers, per_mille);
            }
            Agg::CountDistinct => {
                part.n = i64::try_from(customers.len()).expect("few customers");
                part.value = Some(part.n);
            }
            Agg::Count | Agg::CountRecords => part.value = Some(part.n),
            Agg::Sum { .. }
            | Agg::Average { .. }
            | Agg::Min { .. }
            | Agg::Max { .. }
            | Agg::Gauge { .. }
            | Agg::Oldest { .. } => {}
        }
        part
    }

    /// Objects that are open at second `s`.
    fn open(
        &self,
        (version, m, of): (&Version<'_>, &Measure, Object),
        dims: &BTreeMap<String, String>,
        before: &[&[Named]],
        s: i64,
    ) -> Part {
        let kpi = version.kpi;
        if of == Object::SourceLastEvent {
            let source = dims.get("source").map_or("all", String::as_str);
            let declared = kpi.dimensions.first().map(|d| d.values.as_slice());
            let newest = objects::newest(before, declared.unwrap_or(&[]), source, |r| {
                version.judges(r, false)
            });
            return age(s, newest);
        }
        let conditions = self.conditions(kpi, m);
        let here = |r: &Named| {
            version.judges(r, false)
                && self.matches(&conditions, m, r)
                && scoped(r, &kpi.dimensions, dims)
        };
        let starts = if of == Object::ContactWaiting {
            objects::waiting(before, s, &self.limits, here)
        } else {
            let all = conversations::waiting(before, s, &self.limits, &self.reply_targets);
            let counts = all
                .into_iter()
                .filter(|w| (w.overdue || of == Object::ConversationUnanswered) && here(w.by));
            counts.map(|w| w.since).collect()
        };
        let n = i64::try_from(starts.len()).expect("few contacts");
        if matches!(m.agg, Agg::Gauge { .. }) {
            return Part {
                value: Some(n),
                n,
                restated: 0,
            };
        }
        age(s, starts.into_iter().min())
    }

    /// The numbers of filter and condition.
    fn conditions(&self, kpi: &Kpi, m: &Measure) -> Vec<usize> {
        let all = kpi.filter.iter().chain(&m.condition);
        all.map(|source| self.programs[source.as_str()].0).collect()
    }

    /// Filter and condition by the crate's interpreter; an error is false.
    fn matches(&self, conditions: &[usize], m: &Measure, r: &Named) -> bool {
        if let Agg::Sum { of } | Agg::Average { of } | Agg::Percentile { of, .. } = &m.agg
            && let Some(fact) = of.strip_prefix("fact.")
            && !r.facts.contains_key(fact)
        {
            return false;
        }
        conditions.iter().all(|number| self.holds(r)[*number])
    }

    /// All conditions for one record, each evaluated once.
    fn holds<'r>(&self, r: &'r Named) -> &'r [bool] {
        r.holds.get_or_init(|| {
            let mut context = Context::default();
            context.add_variable_from_value("data", to_cel(&r.event["data"]));
            context.add_variable_from_value("event", to_cel(&r.event));
            let facts = serde_json::json!(r.facts);
            context.add_variable_from_value("fact", to_cel(&facts));
            let record =
                serde_json::json!({"outcome": r.outcome.name(), "reason": r.outcome.reason()});
            context.add_variable_from_value("record", to_cel(&record));
            let holds =
                |program: &Program| matches!(program.execute(&context), Ok(cel::Value::Bool(true)));
            self.programs.values().map(|(_, p)| holds(p)).collect()
        })
    }
}

struct Part {
    value: Option<i64>,
    n: i64,
    restated: i64,
}

/// The conditions of all KPIs, each with a number.
fn numbered<'k>(kpis: impl Iterator<Item = &'k Kpi>) -> BTreeMap<&'k str, (usize, Program)> {
    let all: BTreeMap<&str, Program> = kpis.flat_map(programs).collect();
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(i, (text, program))| (text, (i, program)))
        .collect()
}

/// The conditions of a KPI, parsed by the crate.
fn programs(kpi: &Kpi) -> Vec<(&str, Program)> {
    let measures = match &kpi.formula {
        Formula::Simple { measure } => vec![measure],
        Formula::Ratio {
            numerator,
            denominator,
        } => vec![numerator, denominator],
        Formula::Observed { .. } | Formula::Derived { .. } => Vec::new(),
    };
    let conditions = measures.into_iter().filter_map(|m| m.condition.as_ref());
    let parse = |text: &'_ String| Program::compile(text).expect("checked by the catalogue");
    let all = kpi.filter.iter().chain(conditions);
    all.map(|text| (text.as_str(), parse(text))).collect()
}

/// A part before the first record: sums begin at 0, extremes are not there.
fn nothing(m: &Measure) -> Part {
    let absent = matches!(
        m.agg,
        Agg::Min { .. } | Agg::Max { .. } | Agg::Percentile { .. }
    );
    Part {
        value: (!absent).then_some(0),
        n: 0,
        restated: 0,
    }
}

fn age(s: i64, start: Option<Timestamp>) -> Part {
    let value = start.map(|t| Timestamp::from_second(s).since(t).max(0));
    Part {
        value,
        n: i64::from(value.is_some()),
        restated: 0,
    }
}

/// Adds one matching record.
fn tally(m: &Measure, r: &Named, part: &mut Part, customers: &mut BTreeSet<String>) {
    match &m.agg {
        Agg::Sum { .. } | Agg::Average { .. } => {
            if let Some(i) = number(m, r) {
                part.value = part.value.map(|v| v + i);
                part.n += 1;
            }
        }
        Agg::Min { of } | Agg::Max { of } => {
            if let Some(i) = r.event["data"][of].as_i64() {
                let least = matches!(m.agg, Agg::Min { .. });
                let joined = |v: i64| if least { v.min(i) } else { v.max(i) };
                part.value = Some(part.value.map_or(i, joined));
                part.n += 1;
            }
        }
        Agg::CountDistinct => {
            customers.extend(r.event["subject"].as_str().map(str::to_owned));
        }
        // All of its numbers are looked at together.
        Agg::Percentile { .. } => {}
        Agg::Count | Agg::CountRecords | Agg::Gauge { .. } | Agg::Oldest { .. } => part.n += 1,
    }
}

/// What a record gives to a sum, an average or a percentile.
fn number(m: &Measure, r: &Named) -> Option<i64> {
    let (Agg::Sum { of } | Agg::Average { of } | Agg::Percentile { of, .. }) = &m.agg else {
        return None;
    };
    match of.strip_prefix("fact.") {
        Some(fact) => r.facts.get(fact).copied(),
        None => r.event["data"][of].as_i64(),
    }
}

fn factor(kpi: &Kpi) -> (i64, i64) {
    let of = match &kpi.formula {
        Formula::Simple { measure } => match &measure.agg {
            Agg::Sum { of }
            | Agg::Average { of }
            | Agg::Min { of }
            | Agg::Max { of }
            | Agg::Percentile { of, .. } => of.as_str(),
            Agg::Oldest { .. } => "_ms",
            Agg::Count | Agg::CountRecords | Agg::CountDistinct | Agg::Gauge { .. } => "",
        },
        Formula::Ratio { .. } | Formula::Observed { .. } | Formula::Derived { .. } => "",
    };
    match kpi.unit.as_str() {
        "percent" => (100, 1),
        "seconds" if of.ends_with("_ms") => (1, 1_000),
        "seconds" | "count" | "points" => (1, 1),
        _ if of.ends_with("_minor") => (1, 100),
        _ => (1, 1),
    }
}
