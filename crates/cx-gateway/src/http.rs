//! In: requests. Kept: nothing. Out: answers about health and counters, and refusals.
//! Never knows: how the house finds them.

use crate::access::Right;
use crate::access::principal::Who;
use crate::desk::{Desk, Health};
use crate::hub::Hub;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Whoever is not signed in hears no more than a watchdog needs.
pub(crate) async fn healthz(State(desk): Desks, Extension(who): Who) -> Response {
    let mut health = desk.health();
    if !who.may(Right::Condition) {
        health = Health {
            partitions: Value::Null,
            snapshots: Value::Null,
            history: Value::Null,
            dead_letters: Value::Null,
            unregistered: Value::Null,
            ..health
        };
    }
    Json(health).into_response()
}

/// As [`healthz`].
pub(crate) async fn readyz(State(desk): Desks, Extension(who): Who) -> Response {
    let mut ready = desk.ready();
    if !who.may(Right::Condition) {
        ready.data_gaps.clear();
        ready.alarms.clear();
    }
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
