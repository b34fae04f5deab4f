//! In: an origin and boards. Kept: nothing. Out: a one-time ticket for a stream. Never knows: how it is
//! used.

use super::Access;
use super::principal::Who;
use super::role::Boards;
use super::session::open;
use super::ticket::HOLDS_MS;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const FIX: &str = r#"write {"origin": "https://intranet.example.com", "boards": ["care"]}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    origin: String,
    boards: Vec<String>,
}

/// `POST /v1/tickets`.
pub(crate) async fn issue(
    State(access): State<Arc<Access>>,
    Extension(who): Who,
    body: Bytes,
) -> Response {
    let Some(settings) = access.settings() else {
        return open().into_response();
    };
    let bad = |field: &str, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "no ticket", detail)
            .at(field, "body", FIX)
            .into_response()
    };
    let Asked { origin, boards } = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return bad("body", error.to_string()),
    };
    if !settings.foreign_origins.contains(&origin) {
        let known = settings.foreign_origins.join(", ");
        let detail = format!("{origin:?} is none of access.foreign_origins: [{known}]");
        return bad("origin", detail);
    }
    if boards.is_empty() {
        return bad("boards", "a ticket is for one board at least".to_owned());
    }
    for board in &boards {
        if let Err(refused) = who.check_board(board) {
            return refused.into_response();
        }
    }
    match access.ticket(&who, Boards::of(boards), &origin) {
        Some(ticket) => {
            let holds_s = HOLDS_MS / 1_000;
            let body = json!({"ticket": ticket, "holds_s": holds_s});
            (StatusCode::CREATED, Json(body)).into_response()
        }
        None => {
            let detail = "too many tickets wait to be used";
            let title = "too many tickets";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail)
                .at("tickets", "server", "ask again in half a minute")
                .into_response()
        }
    }
}
