//! In: the address of a running house. Kept: nothing. Out: all that it says of one sealed second.
//! Never knows: the log.

use super::verdict::{Number, Told};
use crate::get::House;
use anyhow::{Context as _, ensure};
use cx_model::window::Window;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Listed {
    kpis: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    kpi: String,
    definition: String,
    formula: Formula,
}

#[derive(Deserialize)]
struct Formula {
    #[serde(rename = "type")]
    kind: String,
}

/// One KPI at a sealed second.
#[derive(Deserialize)]
struct Answer {
    s: Option<i64>,
    #[serde(default)]
    offsets: Vec<(usize, i64)>,
    #[serde(default)]
    values: Vec<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    window: Window,
    dims: BTreeMap<String, String>,
    #[serde(flatten)]
    number: Number,
}

/// Asks for every KPI at second `s`, or at the one that is newest now.
///
/// # Errors
/// No house there, nothing sealed, a second that is not kept any more.
pub(crate) fn told(house: &House<'_>, s: Option<i64>) -> anyhow::Result<Told> {
    let url = house.url();
    let listed: Listed = serde_json::from_value(house.get("/v1/kpis")?)?;
    let counted = listed
        .kpis
        .into_iter()
        .filter(|k| k.formula.kind != "observed");
    let mut told = Told {
        s: 0,
        offsets: Vec::new(),
        cells: BTreeMap::new(),
        definitions: counted.map(|k| (k.kpi, k.definition)).collect(),
    };
    let mut at = s;
    for kpi in told.definitions.keys() {
        let query = at.map_or_else(String::new, |s| format!("?s={s}"));
        let answer = house.get(&format!("/v1/kpis/{kpi}{query}"))?;
        let answer: Answer = serde_json::from_value(answer)
            .with_context(|| format!("{url} does not answer as this release would"))?;
        told.s = answer
            .s
            .with_context(|| format!("{url}: nothing is sealed yet"))?;
        at = Some(told.s);
        let offsets: Vec<i64> = answer.offsets.iter().map(|(_, next)| *next).collect();
        ensure!(
            !offsets.is_empty() && (told.offsets.is_empty() || told.offsets == offsets),
            "{url} does not say on which offsets second {} rests",
            told.s
        );
        told.offsets = offsets;
        let cells = answer.values.into_iter();
        let cells = cells.map(|v| ((kpi.clone(), v.window, v.dims), v.number));
        told.cells.extend(cells);
    }
    Ok(told)
}
