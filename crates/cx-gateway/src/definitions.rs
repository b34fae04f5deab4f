//! In: what people say of definitions. Kept: nothing. Out: a checked word for the house, what became of it.
//! Never knows: what a definition means.

use crate::access::Right;
use crate::access::principal::{Principal, Who};
use crate::desk::Desk;
use crate::kpis::{self, Pairs, pairs};
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Longest name and longest reason, characters.
const NAME: usize = 64;
const REASON: usize = 500;
/// Largest definition, bytes.
const YAML: usize = 64 * 1024;
const FIX: &str = r#"write {"word": "sign", "kpi": "…", "definition": "its hash", "role": "business", "by": "your name", "why": "…"}; propose and retire say kpi and definition, {"word": "activate", "hash": "of the files, as GET /v1/definitions says it", "by": …}, {"word": "roll_back", "set": 1, "by": …}; or send a definition as application/yaml with ?by=YOUR%20NAME&why=…"#;

/// For which side somebody signs.
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
    /// What they answer for, as `team.role`; `None` where nobody proved who they are.
    pub roles: Option<Vec<String>>,
    /// Why, in their own words: at most 500 characters.
    pub why: String,
}

/// What can be said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case", deny_unknown_fields)]
pub enum Word {
    /// A KPI's definition is right.
    Sign {
        /// Technical name.
        kpi: String,
        /// Hash of the definition that was read.
        definition: String,
        /// For which side.
        role: Role,
    },
    /// A definition that stands in no file.
    #[serde(skip)]
    Write {
        /// The file that it would be, at most 64 KiB.
        yaml: String,
        /// It is not offered to its owners yet.
        draft: bool,
    },
    /// A draft shall be signed.
    Propose {
        /// Technical name.
        kpi: String,
        /// Hash of the draft.
        definition: String,
    },
    /// A definition shall hold no longer, or a proposal is taken back.
    Retire {
        /// Technical name.
        kpi: String,
        /// Hash of the definition that was read.
        definition: String,
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
            Self::Write { .. } | Self::Propose { .. } | Self::Retire { .. } => Right::Propose,
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
    /// It is not for them to say: who may, in words.
    NotYours(String),
    /// Others use it: why, and who.
    Used(String, Vec<String>),
    /// The broker did not take it; to be tried again.
    Unavailable(String),
}

/// `GET /v1/definitions`: with whom its reader can speak as.
pub(crate) async fn show(State(desk): Desks, Extension(who): Who) -> Response {
    let shown = tokio::task::spawn_blocking(move || desk.definitions()).await;
    match shown {
        Ok(mut shown) => {
            if !who.is_open() {
                let business = who.may(Right::SignBusiness);
                let side = if business {
                    Role::Business
                } else {
                    Role::Technical
                };
                let you = json!({"name": who.name, "roles": who.answers_for, "side": side});
                shown["cast"] = if who.may(Right::Propose) {
                    json!([you])
                } else {
                    json!([])
                };
            }
            Json(shown).into_response()
        }
        Err(error) => {
            let title = "the definitions cannot be read";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, title, error.to_string())
                .into_response()
        }
    }
}

/// `GET /v1/definitions/{definition}`: what somebody proposes; or the text, where YAML is asked for.
pub(crate) async fn one(
    State(desk): Desks,
    Path(definition): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(found) = desk.proposal(&definition) else {
        let detail = format!("nobody proposes the definition {definition:?}");
        return Problem::new(StatusCode::NOT_FOUND, "no such proposal", detail)
            .at(
                "definition",
                "path",
                "GET /v1/definitions lists proposals with their hashes",
            )
            .into_response();
    };
    let yaml = found["yaml"]
        .as_str()
        .filter(|_| kpis::wants_yaml(&headers));
    match yaml {
        Some(text) => kpis::yaml(text.to_owned()),
        None => Json(found).into_response(),
    }
}

/// `POST /v1/definitions`.
pub(crate) async fn govern(
    State(desk): Desks,
    Extension(who): Who,
    headers: HeaderMap,
    query: Pairs,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let deed = if kind.contains("yaml") {
        pairs(query).and_then(|pairs| written(pairs, &body, &who))
    } else {
        read(&body, &who)
    };
    let deed = match deed {
        Ok(deed) => deed,
        Err(problem) => return problem.into_response(),
    };
    if let Err(refused) = who.check(deed.word.right()) {
        return refused.into_response();
    }
    answer(desk.govern(deed).await, StatusCode::ACCEPTED)
}

/// `GET /v1/definitions/preview`.
pub(crate) async fn preview(State(desk): Desks, query: Pairs) -> Response {
    let mut asked = match pairs(query) {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let definition = asked.pop();
    match definition {
        None => answer(desk.preview(None).await, StatusCode::OK),
        Some((name, hash)) if name == "definition" && asked.is_empty() => {
            answer(desk.preview(Some(hash)).await, StatusCode::OK)
        }
        Some((name, _)) => {
            let detail = format!("{name:?} is not expected here");
            let fix = "write ?definition=HASH of a proposal; without it the files are meant";
            Problem::new(StatusCode::BAD_REQUEST, "unknown query", detail)
                .at(&name, "query", fix)
                .into_response()
        }
    }
}

fn answer(said: Governed, good: StatusCode) -> Response {
    match said {
        Governed::Written(said) => (good, Json(said)).into_response(),
        Governed::Faults(faults) => {
            let title = "the definitions are wrong";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let detail = faults.first().cloned().unwrap_or_default();
            Problem::new(status, title, detail)
                .at("definition", "body", "correct it and send the same again")
                .with("faults", faults.into())
                .into_response()
        }
        Governed::Unfit(why) => Problem::new(StatusCode::CONFLICT, "nothing to act on", why)
            .at("word", "body", "see GET /v1/definitions for what holds")
            .into_response(),
        Governed::NotYours(why) => {
            let fix = "let them say it, or write another owner into the definition";
            Problem::new(StatusCode::FORBIDDEN, "not yours to say", why)
                .at("by", "body", fix)
                .into_response()
        }
        Governed::Used(why, used) => Problem::new(StatusCode::CONFLICT, "somebody uses it", why)
            .at(
                "kpi",
                "body",
                "take it out of what uses it and activate that first",
            )
            .with("used", used.into())
            .into_response(),
        Governed::Unavailable(why) => {
            let title = "the log cannot be written";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why)
                .at("body", "body", "send the same again in a while")
                .into_response()
        }
    }
}

fn wrong(field: &str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "no such word", detail).at(field, "body", FIX)
}

fn read(body: &[u8], who: &Principal) -> Result<Governing, Problem> {
    let asked: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    let mut asked = asked.map_err(|error| wrong("body", error.to_string()))?;
    let mut text = |field| match asked.remove(field) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong(field, format!("{field} is a text"))),
    };
    let (by, why) = (text("by")?, text("why")?);
    let word = serde_json::from_value(Value::Object(asked));
    let word = word.map_err(|error| wrong("body", error.to_string()))?;
    said(word, (&by, &why), who)
}

/// A definition to the letter; who and why stand in the query.
fn written(
    pairs: Vec<(String, String)>,
    body: &[u8],
    who: &Principal,
) -> Result<Governing, Problem> {
    let (mut by, mut why, mut draft) = (String::new(), String::new(), false);
    for (name, value) in pairs {
        match (name.as_str(), value.as_str()) {
            ("by", _) => by = value,
            ("why", _) => why = value,
            ("draft", "true" | "false") => draft = value == "true",
            _ => return Err(wrong(&name, format!("{name}={value} is not expected here"))),
        }
    }
    let text = std::str::from_utf8(body)
        .ok()
        .filter(|_| body.len() <= YAML);
    let yaml = text.ok_or_else(|| {
        wrong(
            "body",
            format!("a definition is text of at most {YAML} bytes"),
        )
    })?;
    let yaml = yaml.to_owned();
    said(Word::Write { yaml, draft }, (&by, &why), who)
}

fn said(word: Word, (by, why): (&str, &str), who: &Principal) -> Result<Governing, Problem> {
    // Who is signed in is who speaks, whatever they write.
    let by = if who.is_open() { by } else { &who.name };
    for (field, text, least, most) in [("by", by, 1, NAME), ("why", why, 0, REASON)] {
        let length = text.trim().chars().count();
        if !(least..=most).contains(&length) || text.chars().any(char::is_control) {
            let detail = format!("{field} must be {least} to {most} printable characters");
            return Err(wrong(field, detail));
        }
    }
    Ok(Governing {
        word,
        by: by.trim().to_owned(),
        roles: (!who.is_open()).then(|| who.answers_for.clone()),
        why: why.trim().to_owned(),
    })
}
