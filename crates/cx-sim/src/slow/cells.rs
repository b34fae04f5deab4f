//! In: measures. Kept: nothing. Out: values as they stand on a screen, with their states.
//! Never knows: how a measure was counted.

use super::measure::{self, Known, Part, Scope};
use super::{Cell, SlowModel};
use cx_catalog::definition::{Agg, Dimension, Formula, Kpi, Measure};
use cx_model::time::Timestamp;
use cx_model::value::{CellValue, RESTATED, WARMING, scaled};
use cx_model::window::Window;
use std::collections::BTreeMap;

/// Every cell of every KPI at second `s`.
pub(super) fn all(model: &SlowModel, s: i64) -> Vec<Cell> {
    let known = Known::new(model, s);
    let mut cells = Vec::new();
    let mut first = 0;
    for kpi in &model.kpis {
        for window in &kpi.windows {
            for dims in choices(&kpi.dimensions) {
                let scope = Scope {
                    kpi,
                    window: *window,
                    dims: &dims,
                };
                let mut value = value(&known, &scope, first);
                if warming(model, *window, s) {
                    value.state |= WARMING;
                }
                cells.push((kpi.kpi.clone(), *window, dims, value));
            }
        }
        first += measure::of(kpi).len();
    }
    cells
}

/// The window reaches back before the latest of the partitions' starts.
fn warming(model: &SlowModel, window: Window, s: i64) -> bool {
    let firsts = model.facts.values().filter_map(|f| f.first());
    let latest = firsts.map(|f| f.log_time).max();
    let begins = Timestamp::from_second(s - window.seconds());
    window != Window::Now && latest.is_some_and(|start| begins < start)
}

fn choices(dimensions: &[Dimension]) -> Vec<BTreeMap<String, String>> {
    let mut choices = vec![BTreeMap::new()];
    for dimension in dimensions {
        let declared = dimension.values.iter().map(String::as_str);
        let values: Vec<&str> = ["all"]
            .into_iter()
            .chain(declared)
            .chain(["other"])
            .collect();
        let longer = |choice: &BTreeMap<String, String>| {
            let with = |value: &&str| {
                let mut choice = choice.clone();
                choice.insert(dimension.name.clone(), (*value).to_owned());
                choice
            };
            values.iter().map(with).collect::<Vec<_>>()
        };
        choices = choices.iter().flat_map(longer).collect();
    }
    choices
}

fn value(known: &Known<'_>, scope: &Scope<'_>, first: usize) -> CellValue {
    let (above, below) = factor(scope.kpi);
    let decimals = scope.kpi.decimals;
    let simple = |part: Part, below: i64| CellValue {
        value: scaled(part.value * above, below, decimals).filter(|_| !part.absent),
        state: if part.restated { RESTATED } else { 0 },
        numerator: part.value,
        denominator: None,
        n: part.n,
    };
    match &scope.kpi.formula {
        Formula::Simple { measure } => {
            let part = known.part(scope, measure, first);
            match measure.agg {
                Agg::Oldest { .. } => CellValue {
                    value: scaled(part.value, 1_000, decimals).filter(|_| !part.absent),
                    ..simple(part, below)
                },
                Agg::Average { .. } => CellValue {
                    value: scaled(part.value * above, part.n * below, decimals),
                    denominator: Some(part.n),
                    ..simple(part, below)
                },
                Agg::Count
                | Agg::CountRecords
                | Agg::Sum { .. }
                | Agg::CountDistinct
                | Agg::Gauge { .. } => simple(part, below),
            }
        }
        Formula::Ratio {
            numerator,
            denominator,
        } => {
            let top = known.part(scope, numerator, first);
            let bottom = known.part(scope, denominator, first + 1);
            let restated = top.restated || bottom.restated;
            CellValue {
                value: scaled(top.value * above, bottom.value * below, decimals),
                state: if restated { RESTATED } else { 0 },
                numerator: top.value,
                denominator: Some(bottom.value),
                n: bottom.n,
            }
        }
    }
}

/// Percent × 100; money from minor units; seconds from milliseconds.
fn factor(kpi: &Kpi) -> (i64, i64) {
    let summed = measure::of(kpi).into_iter().find_map(attribute);
    let ends = |tail: &str| summed.is_some_and(|name| name.ends_with(tail));
    match kpi.unit.as_str() {
        "percent" => (100, 1),
        "seconds" if ends("_ms") => (1, 1_000),
        "seconds" | "count" => (1, 1),
        _ if ends("_minor") => (1, 100),
        _ => (1, 1),
    }
}

fn attribute(measure: &Measure) -> Option<&str> {
    match &measure.agg {
        Agg::Sum { of } | Agg::Average { of } => Some(of),
        Agg::Count
        | Agg::CountRecords
        | Agg::CountDistinct
        | Agg::Gauge { .. }
        | Agg::Oldest { .. } => None,
    }
}
