//! In: displays that show a code, people who confirm one. Kept: nothing. Out: a display's pass; who is
//! paired. Never knows: how passes are kept.

use super::pairing::{HOLDS_MS, Waiting};
use super::pass::{Holder, Pass};
use super::peer::Peer;
use super::principal::Who;
use super::role::Boards;
use super::session::{open, too_many, unkept, with_cookie};
use super::{Access, DEVICE_MS};
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Accesses = State<Arc<Access>>;

const NAME: usize = 64;
const FIX: &str = r#"write {"code": "K7QX-42MP", "name": "north wall", "board": "care"}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    code: String,
    name: String,
    board: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    claim: String,
}

/// `POST /v1/pairings`: a display asks for a code to show.
pub(crate) async fn begin(
    State(access): Accesses,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
) -> Response {
    if !access.is_closed() {
        return open().into_response();
    }
    match access.begin_pairing(address) {
        Ok((code, claim)) => {
            let body = json!({"code": code, "claim": claim, "holds_s": HOLDS_MS / 1_000});
            (StatusCode::CREATED, Json(body)).into_response()
        }
        Err(seconds) => too_many(seconds),
    }
}

/// `POST /v1/pairings/claim`: it asks whether somebody confirmed it, and gets its cookie once.
pub(crate) async fn claim(State(access): Accesses, body: Bytes) -> Response {
    let Ok(Claimed { claim }) = serde_json::from_slice(&body) else {
        let fix = r#"write {"claim": "what POST /v1/pairings answered"}"#;
        return Problem::new(StatusCode::BAD_REQUEST, "no claim", "expected a claim")
            .at("claim", "body", fix)
            .into_response();
    };
    match access.claim(&claim) {
        Waiting::Still => (StatusCode::ACCEPTED, Json(json!({"board": null}))).into_response(),
        Waiting::Confirmed(secret, board) => {
            let until = Some(access.now_ms() + DEVICE_MS);
            with_cookie(&access, (&secret, until), json!({"board": board}))
        }
        Waiting::Over => {
            let detail = "nobody confirmed the code in time, or it never was one";
            Problem::new(StatusCode::GONE, "the code is over", detail)
                .at("claim", "body", "ask POST /v1/pairings for another code")
                .into_response()
        }
    }
}

/// `GET /v1/devices`.
pub(crate) async fn list(State(access): Accesses, Extension(who): Who) -> Response {
    let all = access.devices();
    let devices = all.iter().filter_map(|pass| shown(pass, &who.boards));
    Json(json!({"devices": devices.collect::<Vec<_>>()})).into_response()
}

/// A display, for whoever may see what it shows.
fn shown(pass: &Pass, seen: &Boards) -> Option<Value> {
    let Holder::Device {
        id,
        name,
        boards,
        by,
    } = &pass.of
    else {
        return None;
    };
    if seen.narrowed(boards.clone()) != *boards {
        return None;
    }
    let (issued, until) = (pass.issued / 1_000, pass.until / 1_000);
    Some(json!({
        "device": id, "name": name, "boards": boards, "by": by, "issued": issued, "until": until,
    }))
}

/// `POST /v1/devices`: somebody lets in the display that shows a code.
pub(crate) async fn confirm(State(access): Accesses, Extension(who): Who, body: Bytes) -> Response {
    if !access.is_closed() {
        return open().into_response();
    }
    let bad = |field: &str, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "no display", detail)
            .at(field, "body", FIX)
            .into_response()
    };
    let Confirmed { code, name, board } = match serde_json::from_slice(&body) {
        Ok(confirmed) => confirmed,
        Err(error) => return bad("body", error.to_string()),
    };
    let name = name.trim().to_owned();
    if !(1..=NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return bad(
            "name",
            format!("a name has 1 to {NAME} printable characters"),
        );
    }
    if board == "*" {
        return bad("board", "a display shows one board".to_owned());
    }
    if let Err(refused) = who.check_board(&board) {
        return refused.into_response();
    }
    let by = who.name.clone();
    let confirming = Arc::clone(&access);
    let confirmed =
        tokio::task::spawn_blocking(move || confirming.confirm(&code, &name, &board, &by));
    match confirmed.await.ok().flatten() {
        Some(id) => (StatusCode::CREATED, Json(json!({"device": id}))).into_response(),
        None => {
            let detail = "no display shows this code; a code is over after ten minutes";
            Problem::new(StatusCode::NOT_FOUND, "no such code", detail)
                .at("code", "body", "write the code that the display shows now")
                .into_response()
        }
    }
}

/// `DELETE /v1/devices/{id}`.
pub(crate) async fn revoke(
    State(access): Accesses,
    Extension(who): Who,
    Path(id): Path<String>,
) -> Response {
    let ending = Arc::clone(&access);
    let all = access.devices();
    let mut seen = all.iter().filter_map(|pass| shown(pass, &who.boards));
    // What somebody does not see they cannot end.
    let id = seen
        .find(|device| device["device"] == *id)
        .map_or(String::new(), |_| id);
    match tokio::task::spawn_blocking(move || ending.end_device(&id)).await {
        Ok(Ok(true)) => StatusCode::NO_CONTENT.into_response(),
        Ok(Ok(false)) => {
            let detail = "no paired display has this id";
            Problem::new(StatusCode::NOT_FOUND, "no such display", detail)
                .at("id", "path", "see GET /v1/devices")
                .into_response()
        }
        Ok(Err(_)) | Err(_) => unkept().into_response(),
    }
}
