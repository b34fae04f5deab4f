//! In: what a person says they do. Kept: nothing. Out: a checked act for the house, what became of it.
//! Never knows: what an act changes.

use crate::desk::Desk;
use crate::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Longest name and longest reason, characters.
const NAME: usize = 64;
const REASON: usize = 500;
const ACKNOWLEDGE: &str = "acknowledge_data_gap";
const FIX: &str = r#"write {"action": "acknowledge_data_gap", "partition": 3, "through": 120, "by": "your name", "why": "…"}; GET /readyz names the gaps"#;

/// What a person does, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub deed: Deed,
    /// Who: 1 to 64 characters. In the open mode a name is all that is asked for.
    pub by: String,
    /// Why, in their own words: at most 500 characters.
    pub why: String,
}

/// What people can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// They know that records of a partition are missing, and want its numbers without the mark.
    AcknowledgeDataGap {
        /// The partition.
        partition: u32,
        /// The offset after the last record missed, as `/readyz` says it.
        through: i64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    action: String,
    partition: u32,
    through: i64,
    by: String,
    #[serde(default)]
    why: String,
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// It is in the log of acts, at this offset, with this id.
    Written {
        /// Id of the event.
        id: String,
        /// Where it stands in `cx.actions`.
        offset: i64,
    },
    /// It fits nothing that is so: why, in words.
    Unfit(String),
    /// The broker did not take it; to be tried again.
    Unavailable(String),
}

/// `POST /v1/actions`.
pub(crate) async fn post(State(desk): Desks, body: Bytes) -> Response {
    let action = match read(&body) {
        Ok(action) => action,
        Err(problem) => return problem.into_response(),
    };
    match desk.act(action).await {
        Acted::Written { id, offset } => {
            let body = serde_json::json!({"id": id, "offset": offset});
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        Acted::Unfit(why) => Problem::new(StatusCode::CONFLICT, "nothing to act on", why)
            .at("action", "body", "see GET /readyz for what holds")
            .into_response(),
        Acted::Unavailable(why) => {
            let title = "the log cannot be written";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why)
                .at("body", "body", "send the same act again in a while")
                .into_response()
        }
    }
}

fn read(body: &[u8]) -> Result<Action, Problem> {
    let wrong = |field: &str, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "no such act", detail).at(field, "body", FIX)
    };
    let asked: Asked =
        serde_json::from_slice(body).map_err(|error| wrong("body", error.to_string()))?;
    if asked.action != ACKNOWLEDGE {
        return Err(wrong(
            "action",
            format!("there is no act {:?}", asked.action),
        ));
    }
    for (field, text, least, most) in [("by", &asked.by, 1, NAME), ("why", &asked.why, 0, REASON)] {
        let length = text.trim().chars().count();
        if !(least..=most).contains(&length) || text.chars().any(char::is_control) {
            let detail = format!("{field} must be {least} to {most} printable characters");
            return Err(wrong(field, detail));
        }
    }
    Ok(Action {
        deed: Deed::AcknowledgeDataGap {
            partition: asked.partition,
            through: asked.through,
        },
        by: asked.by.trim().to_owned(),
        why: asked.why.trim().to_owned(),
    })
}
