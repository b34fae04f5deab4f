//! In: what a person says they do. Kept: nothing. Out: a checked act for the house, what became of it.
//! Never knows: what an act changes.
//!
//! Every act is in one envelope: who, in which role, why; what is done is a form of its own per family.

mod alert;

pub use alert::{AlertAct, Scope};

use crate::access::principal::{Principal, Who};
use crate::desk::Desk;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Longest name and longest reason, characters.
const NAME: usize = 64;
const REASON: usize = 500;
const FIX: &str = r#"write {"action": "acknowledge_data_gap", "partition": 3, "through": 120, "by": "your name", "why": "…"}, or one of take_alert, hand_over_alert, shelve_alert, unshelve_alert, resolve_alert, declare_maintenance, end_maintenance; GET /readyz names data gaps, GET /v1/alerts alerts"#;

/// What a person does, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub deed: Deed,
    /// Who: 1 to 64 characters. Where access is open a name is all that is asked for; where it is closed,
    /// who is signed in.
    pub by: String,
    /// In which role: where access is open as `team.role`, at most 64 characters, may be empty; where it
    /// is closed, the role of who is signed in.
    pub role: String,
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
    /// They do something about alerts.
    Alert(AlertAct),
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    partition: u32,
    through: i64,
}

/// `POST /v1/actions`.
pub(crate) async fn post(State(desk): Desks, Extension(who): Who, body: Bytes) -> Response {
    let action = match read(&body, &who) {
        Ok(action) => action,
        Err(problem) => return problem.into_response(),
    };
    match desk.act(action).await {
        Acted::Written { id, offset } => {
            let body = serde_json::json!({"id": id, "offset": offset});
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        Acted::Unfit(why) => Problem::new(StatusCode::CONFLICT, "nothing to act on", why)
            .at(
                "action",
                "body",
                "see GET /readyz and GET /v1/alerts for what holds",
            )
            .into_response(),
        Acted::Unavailable(why) => {
            let title = "the log cannot be written";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why)
                .at("body", "body", "send the same act again in a while")
                .into_response()
        }
    }
}

fn wrong(field: &str, detail: impl Into<String>, fix: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "no such act", detail).at(field, "body", fix)
}

fn read(body: &[u8], who: &Principal) -> Result<Action, Problem> {
    let asked: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    let mut asked = asked.map_err(|error| wrong("body", error.to_string(), FIX))?;
    let name = text(&mut asked, "action", (1, NAME))?;
    // Who is signed in is who acts, whatever they write.
    let claimed = usize::from(who.is_open());
    let mut by = text(&mut asked, "by", (claimed, NAME))?;
    let mut role = text(&mut asked, "role", (0, NAME))?;
    if !who.is_open() {
        (by, role) = (who.name.clone(), who.role.name().to_owned());
    }
    let why = text(&mut asked, "why", (0, REASON))?;
    let deed = if name == "acknowledge_data_gap" {
        let Gap { partition, through } = form(asked, FIX)?;
        Deed::AcknowledgeDataGap { partition, through }
    } else if let Some(act) = alert::read(&name, asked, &why) {
        Deed::Alert(act?)
    } else {
        return Err(wrong("action", format!("there is no act {name:?}"), FIX));
    };
    Ok(Action {
        deed,
        by,
        role,
        why,
    })
}

/// A printable text of the envelope, taken out; absent is empty.
fn text(
    asked: &mut Map<String, Value>,
    field: &str,
    (least, most): (usize, usize),
) -> Result<String, Problem> {
    let text = match asked.remove(field) {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(_) => return Err(wrong(field, format!("{field} is a text"), FIX)),
    };
    let length = text.trim().chars().count();
    if !(least..=most).contains(&length) || text.chars().any(char::is_control) {
        let detail = format!("{field} must be {least} to {most} printable characters");
        return Err(wrong(field, detail, FIX));
    }
    Ok(text.trim().to_owned())
}

/// What is left of the body is the act's own form.
fn form<T: DeserializeOwned>(asked: Map<String, Value>, fix: &str) -> Result<T, Problem> {
    let form = serde_json::from_value(Value::Object(asked));
    form.map_err(|error| wrong("body", error.to_string(), fix))
}
