//! In: requests. Kept: nothing. Out: answers about KPIs, health and counters, and refusals.
//! Never knows: how the house finds them.

use crate::desk::Desk;
use crate::hub::Hub;
use crate::problem::Problem;
use crate::second;
use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cx_model::value::{CellInfo, Sealed};
use serde_json::{Value, json};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

pub(crate) async fn kpis(State(desk): Desks) -> Response {
    let all: Vec<Value> = desk.kpis().values().cloned().collect();
    Json(json!({"kpis": all})).into_response()
}

/// A definition, with its values at the second of `?s=`, or at the newest sealed one where there is one.
pub(crate) async fn kpi(
    State(desk): Desks,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match of_kpi(desk.as_ref(), &name, query.as_deref()) {
        Ok(kpi) => Json(kpi).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn of_kpi(desk: &dyn Desk, name: &str, query: Option<&str>) -> Result<Value, Problem> {
    let all = desk.kpis();
    let mut kpi = all.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = all.keys().map(String::as_str).collect();
        let detail = format!("there is no KPI {name:?}");
        let fix = format!("KPIs are: {}", known.join(", "));
        Problem::new(StatusCode::NOT_FOUND, "no such KPI", detail).at("kpi", "path", &fix)
    })?;
    if let Some(value) = desk.observed(name) {
        kpi["observed"] = json!({"value": value, "at_ms": desk.now_ms()});
        return Ok(kpi);
    }
    let sealed = match second::asked(query.unwrap_or_default())? {
        None => desk.newest(),
        Some(_) => Some(second::sealed(desk, query)?),
    };
    if let Some(sealed) = sealed {
        let offsets: Vec<(usize, i64)> = sealed.offsets.iter().copied().enumerate().collect();
        kpi["s"] = sealed.s.into();
        kpi["offsets"] = json!(offsets);
        kpi["values"] = values(desk.cells(), &sealed, name);
    }
    Ok(kpi)
}

/// All cells of one KPI: `{window, dims, value, state, numerator, denominator, n}`.
fn values(cells: &[CellInfo], sealed: &Sealed, kpi: &str) -> Value {
    let all = cells.iter().zip(sealed.values.iter());
    let of_kpi = all.filter(|(cell, _)| *cell.key.kpi == *kpi);
    let shown = of_kpi.map(|(cell, v)| {
        json!({
            "window": cell.key.window.name(), "dims": cell.key.dims, "value": v.value,
            "state": v.state, "numerator": v.numerator, "denominator": v.denominator, "n": v.n,
        })
    });
    shown.collect()
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

pub(crate) async fn metrics(State(desk): Desks, State(hub): State<Arc<Hub>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = hub.counts().text(&desk.metrics());
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

pub(crate) async fn nowhere(request: Request) -> Response {
    let detail = format!("there is nothing at {}", request.uri().path());
    let fix = "see /v1/boards, /v1/kpis, /healthz, /metrics or /";
    Problem::new(StatusCode::NOT_FOUND, "no such page", detail)
        .at("path", "path", fix)
        .into_response()
}

pub(crate) async fn wrong_method(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!("{method} is not served at {path}");
    let fix = "read with GET; send events with POST /v1/events, acts with POST /v1/actions, a recount with POST /v1/recount, gestures of a demo with POST /v1/demo/{gesture}";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", detail)
        .at("method", "request line", fix)
        .into_response()
}
