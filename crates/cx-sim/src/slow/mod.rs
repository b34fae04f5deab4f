//! The slow model: the oracle of the laws. In: whole logs and definitions. Kept: nothing between
//! questions. Out: every cell at a second, recounted from the first record on.
//! Never knows: panes, running sums, the engine. Conditions run in the CEL crate's interpreter.

pub mod alerts;
mod attempts;
mod clock;
mod conditions;
mod conversations;
mod decided;
mod decisions;
mod derived;
mod finals;
mod json;
mod meaning;
mod numbered;
mod objects;
mod part;
mod rank;
mod reading;
mod scope;
mod versions;

use attempts::Change;
use cel::{Context, Program};
use conditions::numbered;
use cx_catalog::calendar::ReplyTarget;
use cx_catalog::definition::{Agg, Formula, Kpi, Measure, Object};
use cx_model::attribute::SlotTable;
use cx_model::control::Control;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::time::Timestamp;
use cx_model::value::{CellValue, RESTATED, WARMING, scaled};
use cx_model::window::Window;
pub use decisions::Decision;
pub use finals::Minute;
use json::to_cel;
pub use meaning::{Named, Outcome};
use part::{Part, across, age, factor, nothing, number, tally};
pub use reading::Reading;
use scope::{aged, panes, scoped, scopes};
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
    logs: Vec<Vec<Named>>,
    /// Every condition by its text, each with its number.
    programs: BTreeMap<&'m str, (usize, Program)>,
}

/// A cell's name: KPI, window, dimension values.
pub type Cell = (String, Window, BTreeMap<String, String>);

/// The records that can count, and what is decided of promises and attempts by measure.
struct Scene<'r, 'd> {
    logs: Vec<&'r [Named]>,
    decided: &'d [Vec<Change<'r>>],
}

impl<'m> SlowModel<'m> {
    /// Reads the logs through; `reply_targets` by channel.
    #[must_use]
    pub fn new(
        kpis: &'m [Kpi],
        limits: Limits,
        reply_targets: &BTreeMap<String, ReplyTarget>,
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
    pub fn of(
        kpis: &'m [Kpi],
        reply_targets: &BTreeMap<String, ReplyTarget>,
        reading: Reading,
    ) -> Self {
        Self::under(vec![kpis], reply_targets, reading)
    }

    /// Judges what was read; sets in the order of their numbers, from 1 on.
    #[must_use]
    pub fn under(
        sets: Vec<&'m [Kpi]>,
        reply_targets: &BTreeMap<String, ReplyTarget>,
        reading: Reading,
    ) -> Self {
        let limits = reading.limits();
        let look = |mut named: Vec<Named>| {
            for r in &mut named {
                r.due = conversations::due(r, reply_targets);
            }
            for (i, facts) in conversations::facts(&named, &limits) {
                named[i].facts.extend(facts);
            }
            for r in &mut named {
                conversations::business(r, reply_targets);
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
        conversations::decisions(&self.logs[partition], &self.limits)
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
            let decided: Vec<Vec<Change<'_>>> = conditions::measures(kpi)
                .into_iter()
                .map(|m| self.changes((&version, m), &before, s))
                .collect();
            for window in &kpi.windows {
                let near = Scene {
                    logs: self.near((kpi, *window), &before, s),
                    decided: &decided,
                };
                let begins = self.begins(kpi, *window, s);
                for dims in scopes(&kpi.dimensions) {
                    let mut value = CellValue::default();
                    if !version.missing {
                        value = self.cell(&version, *window, &dims, &near, s);
                    }
                    if version.warming((*window, begins), (s, start), &self.limits) {
                        value.state |= WARMING;
                    }
                    cells.insert((kpi.kpi.clone(), *window, dims), value);
                }
            }
        }
        derived::add(&mut cells, kpis);
        cells
    }

    /// Where a window that ends at `s` begins.
    fn begins(&self, kpi: &Kpi, window: Window, s: i64) -> Timestamp {
        let day = || *clock::day(kpi.calendar.as_deref(), (s - 1).div_euclid(900)).start() * 900;
        let begins = if window == Window::Day {
            day()
        } else {
            s - window.seconds()
        };
        Timestamp::from_second(begins)
    }

    /// The records that can count in a window that ends at `s`: no event is stamped further ahead of
    /// its log time than the clamp lets it. All of them for what is open `now`.
    fn near<'r>(
        &self,
        (kpi, window): (&Kpi, Window),
        before: &[&'r [Named]],
        s: i64,
    ) -> Vec<&'r [Named]> {
        // What sources number is counted from the highest number of the window before.
        let windows = 1 + i64::from(numbered::counts(kpi));
        let reach = windows * window.seconds() + window.pane_seconds().max(60);
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
        scene: &Scene<'_, '_>,
        s: i64,
    ) -> CellValue {
        let kpi = version.kpi;
        let part = |m: &Measure| self.part(version, m, window, dims, scene, s);
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
        scene: &Scene<'_, '_>,
        s: i64,
    ) -> Part {
        let before = scene.logs.as_slice();
        if let Agg::Gauge { of } | Agg::Oldest { of } = &m.agg {
            return self.open((version, m, *of), dims, before, s);
        }
        let kpi = version.kpi;
        if matches!(m.agg, Agg::CountReplies { .. } | Agg::Attempts { .. }) {
            return self.decided((kpi, m), window, dims, scene, s);
        }
        if let Agg::CountNumbered { of, sources } = &m.agg {
            return numbered::part((version, *of), sources, (window, dims), before, s);
        }
        let (panes, width) = panes((kpi, m), window, s);
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
            Agg::CountChannels { of, .. } => {
                part.n = across(of, &customers);
                part.value = Some(part.n);
            }
            Agg::Count | Agg::CountRecords => part.value = Some(part.n),
            Agg::Sum { .. }
            | Agg::Average { .. }
            | Agg::Min { .. }
            | Agg::Max { .. }
            | Agg::CountReplies { .. }
            | Agg::CountNumbered { .. }
            | Agg::Attempts { .. }
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
        let here = |r: &Named, since: Timestamp| {
            version.judges(r, false)
                && self.matches(&conditions, m, r)
                && scoped(r, &kpi.dimensions, dims)
                && aged(since, s, &kpi.dimensions, dims)
        };
        let starts = if of == Object::ContactWaiting {
            objects::waiting(before, s, &self.limits, here)
        } else if of == Object::CaseOpen {
            objects::open_cases(before, s, &self.limits, here)
        } else {
            let all = conversations::waiting(before, s, &self.limits);
            let counts = all.into_iter().filter(|w| {
                (w.overdue || of == Object::ConversationUnanswered) && here(w.by, w.since)
            });
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
