//! In: a checked catalogue. Kept: nothing. Out: the compiled set.
//! Never knows: files, faults; a checked catalogue always compiles.

use crate::alert;
use crate::board;
use crate::catalog::Catalog;
use crate::cel::{self, About, Condition, Reads};
use crate::check::text;
use crate::check::{factor, measures, of_records, sha256};
use crate::compiled::{
    Compiled, CompiledAgg, CompiledDerived, CompiledDimension, CompiledFormula, CompiledJourney,
    CompiledKpi, CompiledMeasure, CompiledMetric, DimensionSource, JOINT, Of, combos,
};
use crate::definition::{Agg, Dimension, Formula, Kpi, Measure, Metric, Object};
use crate::derived;
use crate::fact;
use crate::journey::Journey;
use cx_model::attribute::SlotTable;
use cx_model::time::SECOND;
use cx_model::value::{CellInfo, CellKey};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Catalog {
    /// Compiles the catalogue as set `number`.
    #[must_use]
    pub fn compile(&self, number: u32) -> Compiled {
        self.compile_after(number, SlotTable::default())
    }

    /// Compiles one KPI with those it is made of, as its worked examples need it: no boards, no others. Empty where
    /// the catalogue has no such KPI.
    #[must_use]
    pub fn compile_alone(&self, kpi: &str) -> Compiled {
        let named = |name: &str| self.kpis.iter().find(|k| k.kpi == name);
        let mut kpis: Vec<&Kpi> = named(kpi).into_iter().collect();
        let mut at = 0;
        while let Some(kpi) = kpis.get(at) {
            if let Formula::Derived { metrics, .. } = &kpi.formula {
                let parts = metrics.iter().filter_map(|m| named(&m.name));
                let fresh = parts.filter(|part| kpis.iter().all(|k| k.kpi != part.kpi));
                kpis.extend(fresh.collect::<Vec<_>>());
            }
            at += 1;
        }
        kpis.sort_by_key(|k| &k.kpi);
        let alone = Self {
            kpis: kpis.into_iter().cloned().collect(),
            observed: Vec::new(),
            channels: self.channels.clone(),
            reply_targets: self.reply_targets.clone(),
            calendars: self.calendars.clone(),
            sources: self.sources.clone(),
            limits: self.limits,
            hash: self.hash.clone(),
            texts: BTreeMap::new(),
            notes: Vec::new(),
            boards: Vec::new(),
        };
        alone.compile(1)
    }

    /// Compiles the catalogue as set `number`, whose attributes lie where those of the set before it do:
    /// one decoded event serves both.
    #[must_use]
    pub fn compile_after(&self, number: u32, slots: SlotTable) -> Compiled {
        let target = |c: &String| self.reply_targets.get(c).cloned();
        let mut set = Compiled {
            number,
            hash: self.hash.clone(),
            slots,
            limits: self.limits,
            kpis: Vec::new(),
            order: derived::order(&self.kpis),
            measures: Vec::new(),
            journeys: Vec::new(),
            cells: Vec::new(),
            alerts: Vec::new(),
            sources: self.sources.iter().map(|s| s.source.clone()).collect(),
            channels: self.channels.clone(),
            reply_targets: self.channels.iter().map(target).collect(),
            boards: Vec::new(),
        };
        for kpi in &self.kpis {
            add(&mut set, kpi);
            set.alerts
                .extend(alert::compile(kpi, &set.cells, &self.sources));
        }
        for (i, kpi) in self.kpis.iter().enumerate() {
            if let Formula::Derived { expr, metrics, n } = &kpi.formula {
                let derived = tied(&set, &set.kpis[i], (expr, metrics, n.as_deref()));
                set.kpis[i].formula = CompiledFormula::Derived(Arc::new(derived));
            }
        }
        let compiled = self
            .boards
            .iter()
            .map(|b| board::compile(b, &set.cells, &self.sources));
        set.boards = compiled.collect();
        set
    }
}

fn add(set: &mut Compiled, kpi: &Kpi) {
    let dimensions: Vec<CompiledDimension> = kpi
        .dimensions
        .iter()
        .map(|d| dimension(d, of_records(&kpi.formula), &mut set.slots))
        .collect();
    let first = set.measures.len();
    for (i, m) in measures(&kpi.formula).into_iter().enumerate() {
        let compiled = measure(set, kpi, (i, m), &dimensions);
        set.measures.push(compiled);
    }
    let formula = match &kpi.formula {
        // Tied when all others are there.
        Formula::Derived { expr, metrics, .. } => {
            CompiledFormula::Derived(Arc::new(CompiledDerived {
                expr: derived::parsed(expr, metrics),
                metrics: Vec::new(),
                n: None,
            }))
        }
        // Nothing of it is in the log.
        Formula::Observed { .. } => return,
        Formula::Ratio { .. } => CompiledFormula::Ratio(first, first + 1),
        Formula::Simple { measure } => match measure.agg {
            Agg::Average { .. } => CompiledFormula::Average(first),
            Agg::Oldest { .. } => CompiledFormula::Age(first),
            Agg::Count
            | Agg::CountRecords
            | Agg::Sum { .. }
            | Agg::Min { .. }
            | Agg::Max { .. }
            | Agg::Percentile { .. }
            | Agg::CountDistinct
            | Agg::CountChannels { .. }
            | Agg::CountReplies { .. }
            | Agg::CountNumbered { .. }
            | Agg::Attempts { .. }
            | Agg::Gauge { .. } => CompiledFormula::Value(first),
        },
    };
    let compiled = CompiledKpi {
        kpi: kpi.kpi.as_str().into(),
        formula,
        factor: factor(kpi),
        scale: kpi.decimals,
        windows: kpi.windows.clone(),
        calendar: kpi.calendar.clone(),
        first_cell: set.cells.len(),
        dimensions,
    };
    cells(set, kpi, &compiled);
    set.kpis.push(compiled);
}

/// A derived KPI with the cells that it is made of.
fn tied(
    set: &Compiled,
    kpi: &CompiledKpi,
    (expr, metrics, n): (&str, &[Metric], Option<&str>),
) -> CompiledDerived {
    let part = |metric: &Metric| {
        let part = set.kpis.iter().find(|k| *k.kpi == *metric.name);
        let part = part.expect("checked when the catalogue was read");
        CompiledMetric {
            scale: part.scale,
            cells: parts(kpi, part),
        }
    };
    CompiledDerived {
        expr: derived::parsed(expr, metrics),
        n: n.and_then(|n| metrics.iter().position(|m| m.word() == n)),
        metrics: metrics.iter().map(part).collect(),
    }
}

/// For each cell of a KPI the cell of a part that stands for it: in the same window, or now; breakdowns
/// that only the part has are taken whole.
fn parts(kpi: &CompiledKpi, part: &CompiledKpi) -> Vec<usize> {
    let mut out = Vec::new();
    for window in &kpi.windows {
        // Checked: a part without the window has only `now`.
        let window = part.windows.iter().position(|w| w == window);
        let first = part.first_cell + window.unwrap_or(0) * combos(&part.dimensions);
        for combo in 0..combos(&kpi.dimensions) {
            let wanted = dims(&kpi.dimensions, combo);
            let digit = |d: &CompiledDimension| match wanted.get(&d.name).map(String::as_str) {
                None | Some("all") => 0,
                Some("other") => d.values.len() + 1,
                Some(value) => d.index.get(value).map_or(0, |i| i + 1),
            };
            let theirs = part.dimensions.iter();
            let at = theirs.fold(0, |at, d| at * (d.values.len() + 2) + digit(d));
            out.push(first + at);
        }
    }
    out
}

/// Attributes whose values are told together, or one that is no text.
fn joint(slots: &mut SlotTable, names: &[String]) -> DimensionSource {
    let mut all = [0; JOINT];
    for (at, name) in all.iter_mut().zip(names) {
        *at = slot(slots, name);
    }
    DimensionSource::Joint(all, names.len().min(JOINT))
}

fn dimension(d: &Dimension, records: bool, slots: &mut SlotTable) -> CompiledDimension {
    let source = match d.name.as_str() {
        "source" => DimensionSource::EventSource,
        "type" => DimensionSource::EventType,
        "reason" if records => DimensionSource::RecordReason,
        "outcome" if records => DimensionSource::RecordOutcome,
        _ if !d.bounds_s.is_empty() => DimensionSource::Age,
        _ if !d.of.is_empty() => joint(slots, &d.of),
        name if text(name) => DimensionSource::Slot(slot(slots, name)),
        _ => joint(slots, std::slice::from_ref(&d.name)),
    };
    let index = d
        .values
        .iter()
        .enumerate()
        .map(|(i, v)| (v.clone(), i))
        .collect();
    CompiledDimension {
        name: d.name.clone(),
        source,
        index,
        values: d.values.clone(),
        bounds_ms: d.bounds_s.iter().map(|s| i64::from(*s) * SECOND).collect(),
    }
}

fn measure(
    set: &mut Compiled,
    kpi: &Kpi,
    (place, m): (usize, &Measure),
    dimensions: &[CompiledDimension],
) -> CompiledMeasure {
    let agg = match &m.agg {
        Agg::Count => CompiledAgg::Count,
        Agg::CountRecords => CompiledAgg::CountRecords,
        Agg::Sum { of: name } => CompiledAgg::Sum {
            of: of(&mut set.slots, name),
        },
        Agg::Average { of: name } => CompiledAgg::Average {
            of: of(&mut set.slots, name),
        },
        Agg::Percentile {
            of: name,
            per_mille,
        } => CompiledAgg::Percentile {
            of: of(&mut set.slots, name),
            per_mille: *per_mille,
        },
        Agg::Min { of } => CompiledAgg::Min {
            slot: slot(&mut set.slots, of),
        },
        Agg::Max { of } => CompiledAgg::Max {
            slot: slot(&mut set.slots, of),
        },
        Agg::CountDistinct => CompiledAgg::CountDistinct,
        Agg::CountChannels { of, .. } => CompiledAgg::Channels(*of),
        Agg::CountReplies { of } => CompiledAgg::Replies(*of),
        Agg::CountNumbered { of, .. } => CompiledAgg::Numbered(*of),
        Agg::Attempts { of, journey } => CompiledAgg::Attempts(*of, journeyed(set, kpi, journey)),
        Agg::Gauge { of } => CompiledAgg::Gauge(*of),
        Agg::Oldest { of } => CompiledAgg::Oldest(*of),
    };
    if let CompiledAgg::Gauge(Object::CaseOpen) | CompiledAgg::Oldest(Object::CaseOpen) = agg {
        slot(&mut set.slots, "case_id");
    }
    let about = About::of(&m.agg);
    let fact = needs(agg);
    let mut condition = fact.map(Condition::yields);
    for text in kpi.filter.iter().chain(&m.condition) {
        let more = cel::compile(text, &mut set.slots, about).expect("checked when it was read");
        condition = Some(match condition {
            Some(before) => before.and(more),
            None => more,
        });
    }
    let condition = condition.unwrap_or_else(Condition::always);
    let breakdowns = dimensions.iter().map(|d| d.source.reads());
    let whole = (&kpi.kpi, place, &kpi.filter, &kpi.formula, &kpi.dimensions);
    let events = (&kpi.filter, &m.condition, &kpi.dimensions);
    CompiledMeasure {
        identity: told(&whole),
        events: told(&events),
        agg,
        kept: kept(agg) || condition.reads.facts,
        reads: breakdowns.fold(condition.reads, Reads::and),
        condition: condition.test.into(),
        types: condition.types,
        names: names(&m.agg).into(),
        dimensions: dimensions.to_vec(),
        windows: kpi.windows.clone(),
        calendar: kpi.calendar.clone(),
    }
}

/// Parts of a definition as one text.
fn told(parts: &impl Serialize) -> Arc<str> {
    let told = serde_json::to_string(parts);
    told.expect("a definition is plain data").into()
}

/// Whether no single record tells what is counted: what became of a promise or an attempt, what is missing, who
/// came elsewhere.
fn kept(agg: CompiledAgg) -> bool {
    matches!(
        agg,
        CompiledAgg::Replies(_)
            | CompiledAgg::Attempts(..)
            | CompiledAgg::Numbered(_)
            | CompiledAgg::Channels(_)
    )
}

/// The sources or channels that a measure names.
fn names(agg: &Agg) -> &[String] {
    let (Agg::CountNumbered { sources: names, .. }
    | Agg::CountChannels {
        channels: names, ..
    }) = agg
    else {
        return &[];
    };
    names
}

/// The fact that an event must yield; without it it is none of the measure's events and restates nothing.
fn needs(agg: CompiledAgg) -> Option<fact::Fact> {
    match agg {
        CompiledAgg::Sum { of: Of::Fact(fact) }
        | CompiledAgg::Average { of: Of::Fact(fact) }
        | CompiledAgg::Percentile {
            of: Of::Fact(fact), ..
        } => Some(fact),
        CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Min { .. }
        | CompiledAgg::Max { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Channels(_)
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Attempts(..)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => None,
    }
}

/// The number of a journey; measures of one KPI share its attempts.
fn journeyed(set: &mut Compiled, kpi: &Kpi, journey: &Journey) -> usize {
    let told = serde_json::to_vec(&(&kpi.kpi, journey, &kpi.filter, &kpi.dimensions))
        .expect("a journey is plain data");
    let name = sha256(&told);
    if let Some(known) = set.journeys.iter().position(|j| j.name == name) {
        return known;
    }
    let mut condition = |text: &String| {
        let all = kpi.filter.iter().chain([text]);
        let all = all.map(|t| cel::compile(t, &mut set.slots, About::Events));
        let all = all.map(|c| c.expect("checked when it was read"));
        all.reduce(Condition::and).expect("there is one")
    };
    let (base, conversion) = (condition(&journey.base), condition(&journey.conversion));
    let entity = journey.entity.attribute().map(|n| slot(&mut set.slots, n));
    let mut slots = |names: &[String]| names.iter().map(|n| slot(&mut set.slots, n)).collect();
    let compiled = CompiledJourney {
        name,
        entity,
        base: base.test.into(),
        base_types: base.types,
        conversion: conversion.test.into(),
        conversion_types: conversion.types,
        within_ms: i64::from(journey.within_s) * SECOND,
        repeat: journey.attempts,
        constant: slots(&journey.constant),
        changed: slots(&journey.changed),
    };
    set.journeys.push(compiled);
    set.journeys.len() - 1
}

fn cells(set: &mut Compiled, kpi: &Kpi, compiled: &CompiledKpi) {
    let definition: Arc<str> = kpi.hash.as_str().into();
    for window in &kpi.windows {
        for combo in 0..combos(&compiled.dimensions) {
            set.cells.push(CellInfo {
                key: CellKey {
                    kpi: Arc::clone(&compiled.kpi),
                    definition: Arc::clone(&definition),
                    window: *window,
                    dims: dims(&compiled.dimensions, combo),
                },
                unit: kpi.unit.as_str().into(),
                scale: kpi.decimals,
                target: kpi.target,
                direction: kpi.direction.name(),
                business_name: kpi.business_name.as_str().into(),
                meaning: kpi.meaning.as_str().into(),
                kind: match kpi.formula {
                    Formula::Simple { .. } => "simple",
                    Formula::Ratio { .. } => "ratio",
                    Formula::Derived { .. } => "derived",
                    Formula::Observed { .. } => "observed",
                },
            });
        }
    }
}

fn dims(dimensions: &[CompiledDimension], combo: usize) -> BTreeMap<String, String> {
    let mut rest = combo;
    let mut out = BTreeMap::new();
    for d in dimensions.iter().rev() {
        let n = d.values.len() + 2;
        let value = match rest % n {
            0 => "all",
            i => d.values.get(i - 1).map_or("other", String::as_str),
        };
        out.insert(d.name.clone(), value.to_owned());
        rest /= n;
    }
    out
}

/// What a checked `of` names: an attribute, or a fact with its `fact.`.
fn of(slots: &mut SlotTable, name: &str) -> Of {
    let fact = name.strip_prefix("fact.").and_then(fact::find);
    fact.map_or_else(|| Of::Slot(slot(slots, name)), |f| Of::Fact(f.fact))
}

/// The slot of a checked attribute; fewer are declared than there are slots.
fn slot(slots: &mut SlotTable, name: &str) -> usize {
    slots.add(name).expect("checked when it was read")
}
