//! In: a query. Kept: nothing. Out: the sealed second it asks for, or why there is none.
//! Never knows: what is read of it.

use crate::desk::Desk;
use crate::problem::Problem;
use axum::http::StatusCode;
use cx_model::value::Sealed;

/// Seconds that the house keeps.
const KEPT: i64 = 120;

/// The second of `?s=`, the newest without it.
///
/// # Errors
/// A query of another form, a second that is not kept, nothing sealed yet.
pub(crate) fn sealed(desk: &dyn Desk, query: Option<&str>) -> Result<Sealed, Problem> {
    match asked(query.unwrap_or_default())? {
        Some(s) => desk.sealed_at(s).ok_or_else(|| not_kept(desk, s)),
        None => desk.newest().ok_or_else(nothing_sealed),
    }
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
        let number = value.parse().map_err(|_| {
            let detail = format!("{value:?} is not a number of seconds since 1970-01-01T00:00Z");
            bad("s is not a second", detail)
        })?;
        s = Some(number);
    }
    Ok(s)
}

fn nothing_sealed() -> Problem {
    let detail = "the log is still being read; see /readyz";
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "nothing is sealed yet",
        detail,
    )
}

fn not_kept(desk: &dyn Desk, s: i64) -> Problem {
    let Some(newest) = desk.newest() else {
        return nothing_sealed();
    };
    let kept = newest.s - KEPT + 1..=newest.s;
    let oldest = kept.clone().find(|s| desk.sealed_at(*s).is_some());
    let (from, to) = (oldest.unwrap_or(newest.s), newest.s);
    let detail = format!("second {s} is not kept; the last {KEPT} sealed ones are, {from} to {to}");
    let fix = format!("ask for a sealed second from {from} to {to}");
    Problem::new(StatusCode::NOT_FOUND, "no such second", detail).at("s", "query", &fix)
}
