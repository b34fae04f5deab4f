//! In: requests of the demo's strip. Kept: nothing. Out: gestures for the stage, what holds then.
//! Never knows: the company.

use crate::desk::Desk;
use crate::problem::Problem;
use crate::stage::{Gesture, Scene, Stage};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

const GESTURES: &str = "break_payments, mend_payments, stop_source, start_source, kill_engine";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Asked {
    source: Option<String>,
}

/// `GET /v1/demo`: what holds.
pub(crate) async fn show(State(desk): Desks) -> Response {
    match stage(desk.as_ref()) {
        Ok(stage) => Json(stage.scene()).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// `POST /v1/demo/{gesture}`: plays it; what holds then.
pub(crate) async fn play(State(desk): Desks, Path(name): Path<String>, body: Bytes) -> Response {
    let played = stage(desk.as_ref()).and_then(|stage| {
        let gesture = gesture(&name, &body, &stage.scene())?;
        stage.play(&gesture).map_err(|why| {
            Problem::new(StatusCode::CONFLICT, "not now", why).at(
                "gesture",
                "path",
                "see GET /v1/demo for what holds",
            )
        })
    });
    played.map_or_else(IntoResponse::into_response, |scene| {
        Json(scene).into_response()
    })
}

fn stage(desk: &dyn Desk) -> Result<Arc<dyn Stage>, Problem> {
    desk.stage().ok_or_else(|| {
        let detail = "this server reads real events, which have no gestures";
        Problem::new(StatusCode::NOT_FOUND, "not a demo", detail).at(
            "demo",
            "path",
            "run watchfloor demo",
        )
    })
}

fn gesture(name: &str, body: &[u8], scene: &Scene) -> Result<Gesture, Problem> {
    match name {
        "break_payments" => plain(body).map(|()| Gesture::BreakPayments),
        "mend_payments" => plain(body).map(|()| Gesture::MendPayments),
        "kill_engine" => plain(body).map(|()| Gesture::KillEngine),
        "stop_source" => source(body, scene).map(Gesture::StopSource),
        "start_source" => source(body, scene).map(Gesture::StartSource),
        _ => {
            let detail = format!("there is no gesture {name:?}");
            let fix = format!("gestures are: {GESTURES}");
            Err(
                Problem::new(StatusCode::NOT_FOUND, "no such gesture", detail)
                    .at("gesture", "path", &fix),
            )
        }
    }
}

fn read(body: &[u8], fix: &str) -> Result<Asked, Problem> {
    if body.is_empty() {
        return Ok(Asked::default());
    }
    serde_json::from_slice(body).map_err(|error| wrong("body", error.to_string(), fix))
}

/// A gesture without a choice.
fn plain(body: &[u8]) -> Result<(), Problem> {
    let fix = "send {} or no body";
    match read(body, fix)?.source {
        None => Ok(()),
        Some(_) => Err(wrong("source", "this gesture has no source", fix)),
    }
}

fn source(body: &[u8], scene: &Scene) -> Result<String, Problem> {
    let known: Vec<&str> = scene.sources.iter().map(|s| s.source.as_str()).collect();
    let fix = format!(
        "write {{\"source\": ...}} with one of: {}",
        known.join(", ")
    );
    match read(body, &fix)?.source {
        Some(name) if known.contains(&name.as_str()) => Ok(name),
        Some(name) => Err(wrong(
            "source",
            format!("there is no source {name:?}"),
            &fix,
        )),
        None => Err(wrong("source", "the gesture needs a source", &fix)),
    }
}

fn wrong(field: &str, detail: impl Into<String>, fix: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "wrong gesture", detail).at(field, "body", fix)
}
