//! In: declared breakdowns, a record. Kept: nothing. Out: their combinations; whether the record counts in one.
//! Never knows: what is counted.

use super::clock;
use super::meaning::Named;
use cx_catalog::definition::{Agg, Dimension, Kpi, Measure};
use cx_model::time::{SECOND, Timestamp};
use cx_model::window::Window;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// All combinations of dimension values, with `all` and `other`.
pub(super) fn scopes(dimensions: &[Dimension]) -> Vec<BTreeMap<String, String>> {
    let mut all = vec![BTreeMap::new()];
    for d in dimensions {
        let values = d.values.iter().map(String::as_str).chain(["all", "other"]);
        all = values
            .flat_map(|v| {
                all.iter().map(move |scope| {
                    let mut scope = scope.clone();
                    scope.insert(d.name.clone(), v.to_owned());
                    scope
                })
            })
            .collect();
    }
    all
}

pub(super) fn scoped(r: &Named, dimensions: &[Dimension], dims: &BTreeMap<String, String>) -> bool {
    let said = dimensions.iter().filter(|d| d.bounds_s.is_empty());
    said.into_iter().all(|d| {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Bool(said) => said.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let value = match d.name.as_str() {
            "reason" if d.values.iter().any(|v| v == "invalid_json") => {
                r.outcome.reason().to_owned()
            }
            // CloudEvents' own, beside the data.
            "source" | "type" => text(&r.event[&d.name]),
            name if d.of.is_empty() => text(&r.event["data"][name]),
            _ => {
                let all = d.of.iter().map(|name| text(&r.event["data"][name]));
                all.collect::<Vec<_>>().join("/")
            }
        };
        let wanted = dims[&d.name].as_str();
        wanted == "all"
            || if wanted == "other" {
                !d.values.contains(&value)
            } else {
                wanted == value
            }
    })
}

/// Whether what is open since then is as old at second `s` as the combination says.
pub(super) fn aged(
    since: Timestamp,
    s: i64,
    dimensions: &[Dimension],
    dims: &BTreeMap<String, String>,
) -> bool {
    let ages = dimensions.iter().filter(|d| !d.bounds_s.is_empty());
    ages.into_iter().all(|d| {
        let age = Timestamp::from_second(s).since(since);
        let older = |bound: &&u32| age >= i64::from(**bound) * SECOND;
        let band = &d.values[d.bounds_s.iter().filter(older).count()];
        let wanted = &dims[&d.name];
        wanted == "all" || wanted == band
    })
}

/// The panes that a window covers at a second, and their width.
pub(super) fn panes(
    (kpi, m): (&Kpi, &Measure),
    window: Window,
    s: i64,
) -> (RangeInclusive<i64>, i64) {
    let width = if m.agg == Agg::CountDistinct && window.seconds() <= 3_600 {
        60
    } else {
        window.pane_seconds()
    };
    let newest = (s - 1).div_euclid(width);
    if window == Window::Day {
        return (clock::day(kpi.calendar.as_deref(), newest), width);
    }
    (newest - window.seconds() / width + 1..=newest, width)
}
