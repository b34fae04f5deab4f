//! In: what people say of definitions. Kept: nothing. Out: a checked word for the house, what became of it.
//! Never knows: what a definition means.

use crate::access::Right;
use crate::access::principal::{Principal, Who};
use crate::desk::Desk;
use crate::problem::Problem;
use axum::{Extension, Json};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Longest name and longest reason, characters.
const NAME: usize = 64;
const REASON: usize = 500;
const FIX: &str = r#"write {"word": "sign", "kpi": "…", "definition": "its hash", "role": "business", "by": "your name", "why": "…"}, {"word": "activate", "hash": "of the files, as GET /v1/definitions says it", "by": …} or {"word": "roll_back", "set": 1, "by": …}"#;

/// In which role somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers for the meaning.
    Business,
    /// Answers for the data.
    Technical,
}

/// What somebody says of definitions, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governing {
    /// What.
    pub word: Word,
    /// Who: 1 to 64 characters. Where access is open a name is all that is asked for; where it is closed,
    /// who is signed in.
    pub by: String,
    /// Nobody proved who they are.
    pub demo: bool,
    /// Why, in their own words: at most 500 characters.
    pub why: String,
}

/// What can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A KPI's definition is right.
    Sign {
        /// Technical name.
        kpi: String,
        /// Hash of the definition that was read.
        definition: String,
        /// In which role.
        role: Role,
    },
    /// The definitions of the files shall hold.
    Activate {
        /// Hash of the files' set that was read.
        hash: String,
    },
    /// Those of an earlier set shall hold again.
    RollBack {
        /// Its number.
        set: u32,
    },
}

impl Word {
    /// What whoever says it must have.
    fn right(&self) -> Right {
        match self {
            Self::Sign { role, .. } => match role {
                Role::Business => Right::SignBusiness,
                Role::Technical => Right::SignTechnical,
            },
            Self::Activate { .. } | Self::RollBack { .. } => Right::Activate,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Governed {
    /// It is written down; what follows, as JSON.
    Written(Value),
    /// The definitions are wrong: every fault with file, place and fix.
    Faults(Vec<String>),
    /// It fits nothing that is so: why, in words.
    Unfit(String),
    /// The broker did not take it; to be tried again.
    Unavailable(String),
}

#[derive(Deserialize)]
#[serde(tag = "word", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Sign {
        kpi: String,
        definition: String,
        role: Role,
        #[serde(default)]
        by: String,
        #[serde(default)]
        why: String,
    },
    Activate {
        hash: String,
        #[serde(default)]
        by: String,
        #[serde(default)]
        why: String,
    },
    RollBack {
        set: u32,
        #[serde(default)]
        by: String,
        #[serde(default)]
        why: String,
    },
}

/// `GET /v1/definitions`.
pub(crate) async fn show(State(desk): Desks) -> Response {
    let shown = tokio::task::spawn_blocking(move || desk.definitions()).await;
    match shown {
        Ok(shown) => Json(shown).into_response(),
        Err(error) => {
            let title = "the definitions cannot be read";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, title, error.to_string())
                .into_response()
        }
    }
}

/// `POST /v1/definitions`.
pub(crate) async fn govern(
    State(desk): Desks,
    Extension(who): Who,
    body: Bytes,
) -> Response {
    let deed = match read(&body, &who) {
        Ok(deed) => deed,
        Err(problem) => return problem.into_response(),
    };
    if let Err(refused) = who.check(deed.word.right()) {
        return refused.into_response();
    }
    answer(desk.govern(deed).await, StatusCode::ACCEPTED)
}

/// `GET /v1/definitions/preview`.
pub(crate) async fn preview(State(desk): Desks) -> Response {
    answer(desk.preview().await, StatusCode::OK)
}

fn answer(said: Governed, good: StatusCode) -> Response {
    match said {
        Governed::Written(said) => (good, Json(said)).into_response(),
        Governed::Faults(faults) => {
            let title = "the definitions are wrong";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let detail = faults.first().cloned().unwrap_or_default();
            Problem::new(status, title, detail)
                .at(
                    "files",
                    "catalogue",
                    "correct the files and send the same again",
                )
                .with("faults", faults.into())
                .into_response()
        }
        Governed::Unfit(why) => Problem::new(StatusCode::CONFLICT, "nothing to act on", why)
            .at("word", "body", "see GET /v1/definitions for what holds")
            .into_response(),
        Governed::Unavailable(why) => {
            let title = "the log cannot be written";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why)
                .at("body", "body", "send the same again in a while")
                .into_response()
        }
    }
}

fn read(body: &[u8], who: &Principal) -> Result<Governing, Problem> {
    let wrong = |field: &str, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "no such word", detail).at(field, "body", FIX)
    };
    let asked: Asked =
        serde_json::from_slice(body).map_err(|error| wrong("body", error.to_string()))?;
    let (word, by, why) = match asked {
        Asked::Sign {
            kpi,
            definition,
            role,
            by,
            why,
        } => {
            let word = Word::Sign {
                kpi,
                definition,
                role,
            };
            (word, by, why)
        }
        Asked::Activate { hash, by, why } => (Word::Activate { hash }, by, why),
        Asked::RollBack { set, by, why } => (Word::RollBack { set }, by, why),
    };
    // Who is signed in is who speaks, whatever they write.
    let demo = who.is_open();
    let by = if demo { by } else { who.name.clone() };
    for (field, text, least, most) in [("by", &by, 1, NAME), ("why", &why, 0, REASON)] {
        let length = text.trim().chars().count();
        if !(least..=most).contains(&length) || text.chars().any(char::is_control) {
            let detail = format!("{field} must be {least} to {most} printable characters");
            return Err(wrong(field, detail));
        }
    }
    Ok(Governing {
        word,
        by: by.trim().to_owned(),
        demo,
        why: why.trim().to_owned(),
    })
}
