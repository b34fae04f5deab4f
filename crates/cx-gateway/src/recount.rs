//! In: that somebody pressed the seal. Kept: nothing. Out: how the recount of the log goes, or why none
//! can begin. Never knows: how a log is counted.

use crate::desk::Desk;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Who counts the log again when somebody asks, one time after the other.
pub trait Recounts: Send + Sync {
    /// How the last one goes or went.
    fn last(&self) -> Recount;
    /// Begins one, of the newest sealed second.
    ///
    /// # Errors
    /// Why none can begin now.
    fn begin(&self) -> Result<Recount, NoRecount>;
}

/// Why no recount begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRecount {
    /// One runs; there is one at a time.
    Running,
    /// There is nothing to count yet, in words.
    NotYet(String),
}

/// Answer of `GET` and `POST /v1/recount`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recount {
    /// `none` before the first; `reading` and `counting` while it runs; then `agrees`, `differs`, or
    /// `unsaid` where nothing can be proven.
    pub state: &'static str,
    /// The same in a sentence, with figures.
    pub words: String,
    /// The sealed second that is recounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<i64>,
    /// By partition, the offset that it ends before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<(usize, i64)>,
    /// Records read so far.
    pub records: u64,
    /// Records there are to read at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// How the numbers compare, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// The first difference, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// How many numbers are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Score {
    /// All that were compared: every KPI, window and breakdown.
    pub numbers: usize,
    /// Those that are the same to the last digit, in value, parts and state.
    pub equal: usize,
    /// Those that rest on records which the log does not hold any more.
    pub not_provable: usize,
}

/// `GET /v1/recount`: how the last one goes or went.
pub(crate) async fn show(State(desk): Desks) -> Response {
    match recounts(desk.as_ref()) {
        Ok(recounts) => Json(recounts.last()).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// `POST /v1/recount`: begins one; it runs beside everything else.
pub(crate) async fn begin(State(desk): Desks) -> Response {
    let begun = recounts(desk.as_ref()).and_then(|recounts| recounts.begin().map_err(refused));
    match begun {
        Ok(begun) => (StatusCode::ACCEPTED, Json(begun)).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn recounts(desk: &dyn Desk) -> Result<Arc<dyn Recounts>, Problem> {
    desk.recounts().ok_or_else(|| {
        let detail = "this server reads no log of its own";
        let fix = "run watchfloor recount where the log can be reached";
        Problem::new(StatusCode::NOT_FOUND, "no recounts here", detail).at("recount", "path", fix)
    })
}

fn refused(why: NoRecount) -> Problem {
    match why {
        NoRecount::Running => {
            let detail = "the log is being recounted; there is one recount at a time";
            let fix = "see GET /v1/recount for how far it is, then ask again";
            Problem::new(StatusCode::CONFLICT, "a recount is running", detail)
                .at("recount", "path", fix)
        }
        NoRecount::NotYet(why) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing to recount",
            why,
        )
        .at("recount", "path", "try again when /readyz is ready"),
    }
}
