//! In: requests. Kept: nothing. Out: answers of the HTTP API.
//! Never knows: how the house finds them.

use crate::desk::Desk;
use crate::hub::{Hub, View};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cx_model::value::{Board, Sealed};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

type Desks = State<Arc<dyn Desk>>;
type Hubs = State<Arc<Hub>>;

/// `?s=`: a sealed second.
#[derive(Deserialize)]
pub(crate) struct At {
    s: Option<String>,
}

pub(crate) async fn boards(State(desk): Desks) -> Response {
    let all: Vec<Value> = desk
        .boards()
        .iter()
        .map(|b| json!({"board": b.name, "title": b.title}))
        .collect();
    Json(json!({"boards": all})).into_response()
}

pub(crate) async fn board(
    State(desk): Desks,
    State(hub): Hubs,
    Path(name): Path<String>,
    Query(at): Query<At>,
) -> Response {
    let Some(view) = hub.view(&name) else {
        return no_board(&hub, &name);
    };
    let sealed = match at.s.as_deref().map(str::parse::<i64>) {
        None => desk.newest(),
        Some(Ok(s)) => match desk.sealed_at(s) {
            Some(sealed) => Some(sealed),
            None => return no_second(desk.newest(), s),
        },
        Some(Err(_)) => {
            return Problem::new(
                StatusCode::BAD_REQUEST,
                "s is not a second",
                "s counts seconds since 1970-01-01T00:00Z",
            )
            .at("s", "query", "write ?s=1763805731")
            .into_response();
        }
    };
    match sealed {
        Some(sealed) => Json(shown(desk.as_ref(), &hub, &view, &sealed)).into_response(),
        None => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing is sealed yet",
            "the log is still being read; see /readyz",
        )
        .into_response(),
    }
}

fn no_board(hub: &Hub, name: &str) -> Response {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no such board",
        format!("there is no board {name:?}"),
    )
    .at(
        "board",
        "path",
        &format!("boards are: {}", hub.names().join(", ")),
    )
    .into_response()
}

fn no_second(newest: Option<Sealed>, s: i64) -> Response {
    let last = newest.map_or(0, |n| n.s);
    let detail = format!(
        "second {s} is not among the last 120 sealed ones, {} to {last}",
        last - 119
    );
    Problem::new(StatusCode::NOT_FOUND, "no such second", detail)
        .at(
            "s",
            "query",
            &format!("ask for a second from {} to {last}", last - 119),
        )
        .into_response()
}

fn shown(desk: &dyn Desk, hub: &Hub, view: &View, sealed: &Sealed) -> Value {
    let board: &Board = &view.board;
    let at = |i: usize| {
        sealed
            .values
            .get(board.source_index[i])
            .copied()
            .unwrap_or_default()
    };
    let cells: Vec<Value> = board
        .cells
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let info = json!({
                "unit": c.unit, "scale": c.scale, "target": c.target, "direction": c.direction,
                "definition": c.key.definition, "business_name": c.business_name,
                "meaning": c.meaning, "kind": c.kind,
            });
            json!([i + 1, c.key.kpi, c.key.window.name(), c.key.dims, info])
        })
        .collect();
    let n = board.cells.len();
    let values: Vec<Value> = (0..n)
        .map(|i| json!([i + 1, at(i).value, at(i).state]))
        .collect();
    let parts: Vec<Value> = (0..n)
        .map(|i| json!([i + 1, at(i).numerator, at(i).denominator, at(i).n]))
        .collect();
    let offsets: Vec<(usize, i64)> = sealed.offsets.iter().copied().enumerate().collect();
    json!({
        "board": board.name, "title": board.title, "zone": board.zone,
        "epoch": hub.epoch(), "seq": view.seq(), "s": sealed.s, "sealed": sealed.sealed,
        "g": view.digest_of(sealed), "offsets": offsets, "broker": desk.broker(),
        "final_through": sealed.final_through, "layout": board.layout,
        "cells": cells, "values": values, "parts": parts,
    })
}

pub(crate) async fn trend(
    State(desk): Desks,
    State(hub): Hubs,
    Path(name): Path<String>,
) -> Response {
    let Some(view) = hub.view(&name) else {
        return no_board(&hub, &name);
    };
    let tiles: Vec<u32> = view.board.layout.tiles.iter().map(|t| t.cell).collect();
    let sources: Vec<usize> = tiles
        .iter()
        .map(|t| view.board.source_index[*t as usize - 1])
        .collect();
    let (minutes, lines) = desk.trend(&sources);
    let values: serde_json::Map<String, Value> = tiles
        .iter()
        .zip(lines)
        .map(|(t, line)| (t.to_string(), json!(line)))
        .collect();
    let final_through = desk.newest().map_or(0, |n| n.final_through);
    Json(json!({"s": minutes, "values": values, "final_through": final_through})).into_response()
}

pub(crate) async fn kpis(State(desk): Desks) -> Response {
    let all: Vec<Value> = desk.kpis().values().cloned().collect();
    Json(json!({"kpis": all})).into_response()
}

pub(crate) async fn kpi(State(desk): Desks, Path(name): Path<String>) -> Response {
    let all = desk.kpis();
    all.get(&name).map_or_else(
        || {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            Problem::new(
                StatusCode::NOT_FOUND,
                "no such KPI",
                format!("there is no KPI {name:?}"),
            )
            .at("kpi", "path", &format!("KPIs are: {}", known.join(", ")))
            .into_response()
        },
        |kpi| Json(kpi.clone()).into_response(),
    )
}

pub(crate) async fn healthz(State(desk): Desks) -> Response {
    Json(desk.health()).into_response()
}

pub(crate) async fn readyz(State(desk): Desks) -> Response {
    let ready = desk.ready();
    let status = if ready.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(ready)).into_response()
}

pub(crate) async fn metrics(State(desk): Desks, State(hub): Hubs) -> Response {
    let c = &hub.counts;
    let rows: [(&str, &str, &AtomicU64); 8] = [
        ("connections", "gauge", &c.connections),
        ("screens_proven", "gauge", &c.proven),
        ("frames_sent", "counter", &c.frames),
        ("bytes_sent", "counter", &c.bytes),
        ("frames_encoded", "counter", &c.encoded),
        ("updates_conflated", "counter", &c.conflated),
        ("digests_disproven", "counter", &c.disproven),
        ("frames_refused", "counter", &c.refused),
    ];
    let mut text = String::new();
    for (name, kind, value) in rows {
        let total = if kind == "counter" { "_total" } else { "" };
        text += &format!(
            "# TYPE watchfloor_{name} {kind}\nwatchfloor_{name}{total} {}\n",
            value.load(Relaxed)
        );
    }
    text += &desk.metrics();
    text += "# EOF\n";
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

pub(crate) async fn nowhere(request: Request) -> Response {
    let detail = format!("there is nothing at {}", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "no such page", detail)
        .at(
            "path",
            "path",
            "see /v1/boards, /v1/kpis, /healthz, /metrics or /",
        )
        .into_response()
}

pub(crate) async fn wrong_method(request: Request) -> Response {
    let detail = format!(
        "{} is not served at {}",
        request.method(),
        request.uri().path()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", detail)
        .at(
            "method",
            "request line",
            "read with GET; send events with POST /v1/events",
        )
        .into_response()
}

/// Only names of this machine may be asked for, and only its own pages may open streams: another
/// site's page in the same browser must not read numbers here (DNS rebinding).
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok());
    let host = host.unwrap_or_default().to_owned();
    if !is_local(&host) {
        return Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong host",
            format!("expected localhost, 127.0.0.1 or [::1], received {host:?}"),
        )
        .at(
            "host",
            "header host",
            "open the address that the program printed",
        )
        .into_response();
    }
    match foreign_origin(request.headers(), &host) {
        Some(origin) => Problem::new(
            StatusCode::FORBIDDEN,
            "wrong origin",
            format!("expected http://{host}, received {origin:?}"),
        )
        .at(
            "origin",
            "header origin",
            "open the display at the printed address",
        )
        .into_response(),
        None => next.run(request).await,
    }
}

fn is_local(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn foreign_origin(headers: &HeaderMap, host: &str) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or("not text");
    (origin != format!("http://{host}")).then(|| origin.to_owned())
}
