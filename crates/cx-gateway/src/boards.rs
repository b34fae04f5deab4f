//! In: requests for boards. Kept: nothing. Out: layout, cells and values as JSON, of now or as sealed.
//! Never knows: how the house finds them.

use crate::access::Right;
use crate::access::principal::Who;
use crate::desk::{Desk, Past};
use crate::hub::Hub;
use crate::listing::Listing;
use crate::problem::Problem;
use crate::second;
use crate::view::View;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use cx_model::frame::{WireInfo, WireValue};
use cx_model::value::{Board, CellInfo, CellValue};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;
type Hubs = State<Arc<Hub>>;

/// A cell as HTTP shows it: what frames say, and the words for people.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    wire: WireInfo,
    business_name: &'a str,
    meaning: &'a str,
    kind: &'a str,
}

pub(crate) async fn all(State(desk): Desks, Extension(who): Who) -> Response {
    let boards = desk.boards();
    let named = boards
        .iter()
        .filter(|b| who.boards.have(&b.name))
        .map(|b| json!({"board": b.name, "title": b.title, "zone": b.zone}));
    Json(json!({"boards": named.collect::<Vec<_>>()})).into_response()
}

pub(crate) async fn one(
    State(desk): Desks,
    State(hub): Hubs,
    Extension(who): Who,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some((view, listing)) = hub.view(&name).zip(hub.listing(&name)) else {
        return no_board(&hub, &name).into_response();
    };
    match second::found(desk.as_ref(), query.as_deref()).await {
        Ok(past) => {
            let mut shown = shown(desk.as_ref(), &hub, (&view, &listing), &past);
            if !who.may(Right::Parts) {
                shown["parts"] = json!([]);
            }
            Json(shown).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

pub(crate) fn no_board(hub: &Hub, name: &str) -> Problem {
    let detail = format!("there is no board {name:?}");
    let fix = format!("boards are: {}", hub.names());
    Problem::new(StatusCode::NOT_FOUND, "no such board", detail).at("board", "path", &fix)
}

/// What a board says at one second. A cell that was not counted then has no value there, not even an
/// empty one.
fn shown(desk: &dyn Desk, hub: &Hub, (view, listing): (&View, &Listing), past: &Past) -> Value {
    let (board, sealed) = (&listing.board, &past.sealed);
    let places = listing.ids().zip(&board.source_index);
    let known = places.filter(|(_, at)| !past.unknown.contains(at));
    let now: Vec<(u32, CellValue)> = known
        .map(|(id, at)| {
            let value = sealed.values.get(*at).copied();
            (id, value.unwrap_or_default())
        })
        .collect();
    let cells: Vec<Value> = listing.infos().map(shown_cell).collect();
    let values: Vec<WireValue> = now.iter().map(|(id, v)| (*id, v.value, v.state)).collect();
    let parts: Vec<(u32, i64, Option<i64>, i64)> = now
        .iter()
        .map(|(id, v)| (*id, v.numerator, v.denominator, v.n))
        .collect();
    let offsets: Vec<(usize, i64)> = sealed.offsets.iter().copied().enumerate().collect();
    json!({
        "board": board.name, "title": board.title, "zone": board.zone,
        "epoch": hub.epoch(), "seq": view.seq(), "s": sealed.s, "sealed": sealed.sealed,
        "g": view.digest_of(sealed, &past.unknown), "offsets": offsets, "broker": desk.broker(),
        "demo": desk.stage().is_some(), "states": states(desk, board),
        "final_through": sealed.final_through, "layout": listing.layout(),
        "cells": cells, "values": values, "parts": parts,
    })
}

/// Of the board's KPIs, those whose definition is not agreed: it stands beside their numbers, never in them.
fn states(desk: &dyn Desk, board: &Board) -> Value {
    let all = desk.states().into_iter();
    let shown = |kpi: &str| board.cells.iter().any(|cell| *cell.key.kpi == *kpi);
    all.filter(|(kpi, state)| *state != "agreed" && shown(kpi))
        .map(|(kpi, state)| (kpi, Value::from(state)))
        .collect()
}

fn shown_cell((id, cell, wire): (u32, &CellInfo, WireInfo)) -> Value {
    let info = Info {
        wire,
        business_name: &cell.business_name,
        meaning: &cell.meaning,
        kind: cell.kind,
    };
    let key = &cell.key;
    json!([id, key.kpi, key.window.name(), key.dims, info])
}
