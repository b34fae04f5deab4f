//! In: requests. Kept: nothing. Out: answers about health and counters, and refusals.
//! Never knows: how the house finds them.

use crate::desk::Desk;
use crate::hub::Hub;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

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

/// How many screens say what they show, and how many of them are right.
pub(crate) async fn screens(State(hub): State<Arc<Hub>>) -> Response {
    Json(json!({"screens": hub.screens(), "proven": hub.proven()})).into_response()
}

pub(crate) async fn nowhere(request: Request) -> Response {
    let detail = format!("there is nothing at {}", request.uri().path());
    let fix = "see /v1/boards, /v1/kpis, /glossary, /healthz, /metrics or /";
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
