//! In: a query. Kept: nothing. Out: the sealed second it asks for, of now or of the past, or why there is
//! none. Never knows: what is read of it.

use crate::desk::{Desk, Past};
use crate::problem::Problem;
use axum::http::StatusCode;
use cx_model::value::Sealed;
use serde_json::json;
use std::sync::Arc;

/// The second of `?s=`, the newest without it.
///
/// # Errors
/// A query of another form, a second that is not kept, nothing sealed yet, a disk that cannot be read.
pub(crate) async fn found(desk: &dyn Desk, query: Option<&str>) -> Result<Past, Problem> {
    match asked(query.unwrap_or_default())? {
        Some(s) => past(desk, s).await,
        None => desk.newest().map(Past::from).ok_or_else(nothing_sealed),
    }
}

impl From<Sealed> for Past {
    fn from(sealed: Sealed) -> Self {
        Self {
            sealed,
            unknown: Arc::default(),
        }
    }
}

/// One of the last seconds, or a whole minute before them.
///
/// # Errors
/// A second that is not kept, a disk that cannot be read.
pub(crate) async fn past(desk: &dyn Desk, s: i64) -> Result<Past, Problem> {
    if let Some(sealed) = desk.sealed_at(s) {
        return Ok(sealed.into());
    }
    match desk.past(s).await {
        Ok(Some(past)) => Ok(past),
        Ok(None) => Err(no_second(desk, s)),
        Err(why) => Err(unread(&why)),
    }
}

fn unread(why: &str) -> Problem {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Problem::new(status, "history cannot be read", why)
}

/// `s=SECOND`, if it is there; anything else in the query is a mistake worth telling.
///
/// # Errors
/// What is wrong with the query.
pub(crate) fn asked(query: &str) -> Result<Option<i64>, Problem> {
    let mut s = None;
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let bad = |title, detail: String| {
            let problem = Problem::new(StatusCode::BAD_REQUEST, title, detail);
            problem.at("s", "query", "write ?s=1763805731 or leave the query out")
        };
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name != "s" || s.is_some() {
            return Err(bad(
                "unknown query",
                format!("{name:?} is not expected here"),
            ));
        }
        s = Some(second_of(value)?);
    }
    Ok(s)
}

/// The second that is written there.
pub(crate) fn second_of(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("{text:?} is not a number of seconds since 1970-01-01T00:00Z");
        let problem = Problem::new(StatusCode::BAD_REQUEST, "s is not a second", detail);
        problem.at("s", "query", "write s=1763805731 or leave it out")
    })
}

pub(crate) fn nothing_sealed() -> Problem {
    let detail = "the log is still being read; see /readyz";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "nothing is sealed yet",
        detail,
    )
}

pub(crate) fn no_second(desk: &dyn Desk, s: i64) -> Problem {
    let Some(nearest) = desk.nearest(s) else {
        return nothing_sealed();
    };
    let kept = desk.kept();
    let named = [
        ("sealed seconds", kept.seconds),
        ("whole minutes", kept.minutes),
        ("quarters of an hour", kept.quarters),
    ];
    let named = named.into_iter().filter_map(|(what, range)| {
        let (from, to) = range?;
        Some(format!("{what} from {from} to {to}"))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let detail = format!("second {s} is not kept; kept are {named}, as far as they were sealed");
    let fix = format!("ask for {nearest}, the nearest that is kept");
    Problem::new(StatusCode::NOT_FOUND, "no such second", detail)
        .at("s", "query", &fix)
        .with("nearest", nearest.into())
        .with("kept", json!(kept))
}
