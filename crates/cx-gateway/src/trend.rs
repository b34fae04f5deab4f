//! In: requests for trends. Kept: nothing. Out: sealed minutes of a board's tiles, where asked with their
//! final parts, as JSON. Never knows: where they are kept.

use crate::boards::no_board;
use crate::desk::{Desk, Finals, Span};
use crate::hub::Hub;
use crate::problem::Problem;
use crate::second::nothing_sealed;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cx_model::frame::WireParts;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE: i64 = 60;
const QUARTER: i64 = 900;
/// Most minutes of one answer: 35 days of quarters of an hour.
const MOST: i64 = 35 * 96 + 1;
/// Minutes of an answer whose beginning was not asked for.
const USUAL: i64 = 180;

pub(crate) async fn show(
    State(desk): State<Arc<dyn Desk>>,
    State(hub): State<Arc<Hub>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(listing) = hub.listing(&name) else {
        return no_board(&hub, &name).into_response();
    };
    let (span, finals) = match asked(query.as_deref().unwrap_or_default(), desk.as_ref()) {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let source = |cell: u32| Some((cell, listing.place_of(cell)?));
    let layout = listing.layout();
    let tiles = layout.tiles.iter();
    let cells: Vec<(u32, usize)> = tiles.filter_map(|t| source(t.cell)).collect();
    let indices: Vec<usize> = cells.iter().map(|(_, at)| *at).collect();
    let trend = desk.trend(indices.clone(), span).await;
    let named = || cells.iter().map(|(cell, _)| cell.to_string());
    let values: BTreeMap<String, Vec<Option<i64>>> = named().zip(trend.values).collect();
    let final_through = desk.newest().map_or(0, |n| n.final_through);
    let step = span.map_or(MINUTE, |span| span.step);
    let mut answer = json!({
        "s": &trend.s, "values": values, "final_through": final_through, "step": step,
        "kept": desk.kept(),
    });
    if finals {
        let asked = Finals {
            cells: indices,
            ends: trend.s,
            step,
        };
        let parts = desk.finals(asked).await;
        let parts: BTreeMap<String, Vec<Option<WireParts>>> = named().zip(parts).collect();
        answer["parts"] = json!(parts);
    }
    Json(answer).into_response()
}

/// `from`, `to` and `step`, where any of them is there, and whether final parts are wanted; anything else
/// is a mistake worth telling.
fn asked(query: &str, desk: &dyn Desk) -> Result<(Option<Span>, bool), Problem> {
    let mut given: BTreeMap<&str, i64> = BTreeMap::new();
    let mut finals = false;
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = ["from", "to", "step", "parts"].contains(&name);
        let twice = given.contains_key(name) || (finals && name == "parts");
        if !known || twice {
            let detail = format!("{name:?} is not expected here, or not twice");
            let fix = "write ?from=1763805600&to=1763809200&step=60, or leave the query out";
            return Err(bad("unknown query", detail).at(name, "query", fix));
        }
        if name == "parts" {
            if value != "final" {
                let detail = format!("parts is {value:?}; final ones are kept");
                let fix = "write parts=final, or leave it out";
                return Err(bad("no such parts", detail).at("parts", "query", fix));
            }
            finals = true;
            continue;
        }
        let number = value.parse::<i64>().ok().filter(|n| *n >= 0);
        let Some(number) = number else {
            let detail = format!(
                "{name} is {value:?}, which is no number of seconds since 1970-01-01T00:00Z"
            );
            let fix = "write whole seconds, e.g. 1763805600";
            return Err(bad("not a second", detail).at(name, "query", fix));
        };
        given.insert(name, number);
    }
    if given.is_empty() {
        return Ok((None, finals));
    }
    let step = given.get("step").copied().unwrap_or(MINUTE);
    if step != MINUTE && step != QUARTER {
        let detail = format!("step is {step}; minutes and quarters of an hour are kept");
        let fix = "write step=60 or step=900";
        return Err(bad("no such step", detail).at("step", "query", fix));
    }
    let last = || desk.kept().minutes.map(|(_, last)| last);
    let newest = || desk.newest().map(|n| n.s).or_else(last);
    let to = given.get("to").copied().or_else(newest);
    let to = to.ok_or_else(nothing_sealed)?;
    let usual = (to - (USUAL - 1) * step).max(0);
    let from = given.get("from").copied().unwrap_or(usual);
    bounded(Span { from, to, step }).map(|span| (Some(span), finals))
}

fn bounded(span: Span) -> Result<Span, Problem> {
    let Span { from, to, step } = span;
    if from > to {
        let detail = format!("from is {from}, after to, which is {to}");
        let problem = bad("from is after to", detail);
        return Err(problem.at("from", "query", "write from at or before to"));
    }
    let points = (to - from) / step + 1;
    if points > MOST {
        let detail = format!("{points} minutes of {step} s each lie between {from} and {to}");
        let fix = format!("ask for {MOST} at most: a shorter span, or step=900");
        return Err(bad("too many minutes", detail).at("from", "query", &fix));
    }
    Ok(span)
}

fn bad(title: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, title, detail)
}
