//! In: which number somebody doubts. Kept: nothing. Out: its lineage, or which word of the question
//! is wrong. Never knows: how the house finds a lineage.

use crate::access::principal::Who;
use crate::access::refused::Refused;
use crate::access::seen::Seen;
use crate::desk::{Desk, Doubt};
use crate::kpis::{self, Pairs, unknown};
use crate::problem::Problem;
use crate::second::{nothing_sealed, second_of};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use cx_model::value::CellInfo;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `GET /v1/kpis/{kpi}/why?window=15m&DIMENSION=VALUE&s=SECOND`: window, dimensions and second may be
/// left out: then it is the definition's first window, the total, the newest sealed second.
pub(crate) async fn why(
    State(desk): State<Arc<dyn Desk>>,
    Extension(who): Who,
    Path(name): Path<String>,
    query: Pairs,
) -> Response {
    let doubt = kpis::pairs(query).and_then(|pairs| doubt(desk.as_ref(), &name, &pairs));
    match doubt {
        Ok(doubt) if !Seen::by(desk.as_ref(), &who).has(doubt.cell) => {
            Refused::Cell(who.boards.clone()).into_response()
        }
        Ok(doubt) => Json(desk.why(doubt).await).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn doubt(desk: &dyn Desk, kpi: &str, pairs: &[(String, String)]) -> Result<Doubt, Problem> {
    if !desk.kpis().contains_key(kpi) {
        return Err(unknown(desk, kpi));
    }
    if desk.observed(kpi).is_some() {
        let detail = format!("{kpi} is measured by this process and not counted from the log");
        let fix = format!("read its value at /v1/kpis/{kpi}");
        let problem = Problem::new(StatusCode::NOT_FOUND, "no lineage", detail);
        return Err(problem.at("kpi", "path", &fix));
    }
    let cell = cell(desk, kpi, pairs)?;
    let asked = pairs.iter().find(|(name, _)| name == "s");
    let sealed = match asked {
        Some((_, text)) => {
            let s = second_of(text)?;
            desk.sealed_at(s).ok_or_else(|| forgotten(desk, s))?
        }
        None => desk.newest().ok_or_else(nothing_sealed)?,
    };
    Ok(Doubt { cell, sealed })
}

/// A second whose parts are gone: values of the past are kept, what they are made of is not.
fn forgotten(desk: &dyn Desk, s: i64) -> Problem {
    let Some((from, to)) = desk.kept().seconds else {
        return nothing_sealed();
    };
    let detail = format!("what second {s} is made of is not kept; lineages reach back to {from}");
    let fix = format!("ask for a sealed second from {from} to {to}, or leave s out");
    Problem::new(StatusCode::NOT_FOUND, "no such second", detail).at("s", "query", &fix)
}

/// The cell that is meant, by its place among [`Desk::cells`].
fn cell(desk: &dyn Desk, kpi: &str, pairs: &[(String, String)]) -> Result<usize, Problem> {
    let cells = desk.cells();
    let of_kpi: Vec<(usize, &CellInfo)> = cells
        .iter()
        .enumerate()
        .filter(|(at, c)| *c.key.kpi == *kpi && !desk.retired(*at))
        .collect();
    let Some((_, first)) = of_kpi.first() else {
        return Err(unknown(desk, kpi));
    };
    let dims: Vec<&str> = first.key.dims.keys().map(String::as_str).collect();
    let bad = |title, field: &str, detail: String, fix: &str| {
        Problem::new(StatusCode::BAD_REQUEST, title, detail).at(field, "query", fix)
    };
    for (name, _) in pairs {
        let name = name.as_str();
        if name != "window" && name != "s" && !dims.contains(&name) {
            let known: Vec<&str> = ["window", "s"].into_iter().chain(dims.clone()).collect();
            let detail = format!("{kpi} is not broken down by {name:?}");
            let fix = desk.instead(name, &known);
            return Err(bad("no such dimension", name, detail, &fix));
        }
    }
    let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| &**v);
    let window = value("window").unwrap_or(first.key.window.name());
    let mut windows: Vec<&str> = of_kpi.iter().map(|(_, c)| c.key.window.name()).collect();
    windows.dedup();
    if !windows.contains(&window) {
        let detail = format!("{kpi} has no window {window:?}");
        let fix = format!("windows are: {}", windows.join(", "));
        return Err(bad("no such window", "window", detail, &fix));
    }
    for dim in &dims {
        let wanted = value(dim).unwrap_or("all");
        let known: BTreeSet<&str> = of_kpi.iter().map(|(_, c)| &*c.key.dims[*dim]).collect();
        if !known.contains(wanted) {
            let known: Vec<&str> = known.into_iter().collect();
            let detail = format!("{dim} has no value {wanted:?}");
            let fix = desk.instead(wanted, &known);
            return Err(bad("no such value", dim, detail, &fix));
        }
    }
    let meant = |c: &CellInfo| {
        let all = c.key.dims.iter();
        let mut all = all.map(|(name, is)| value(name).unwrap_or("all") == is);
        c.key.window.name() == window && all.all(|same| same)
    };
    let found = of_kpi.iter().find(|(_, c)| meant(c));
    found.map(|(at, _)| *at).ok_or_else(|| unknown(desk, kpi))
}
