//! In: requests for definitions. Kept: nothing. Out: the glossary, one KPI with its values, its file.
//! Never knows: how the house finds them.

use crate::access::Right;
use crate::access::principal::Who;
use crate::access::seen::Seen;
use crate::desk::{Desk, Past};
use crate::problem::Problem;
use crate::second;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;
/// A query as it stands: names may be anything.
pub(crate) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Most definitions in one answer.
const PAGE: usize = 500;
/// Longest search, bytes.
const LONGEST: usize = 200;

/// What `GET /v1/kpis` may be asked for.
struct Search {
    words: Vec<String>,
    after: String,
    limit: usize,
}

/// `GET /v1/kpis?q=WORDS&limit=N&after=KPI`: all definitions that have every word in one of their
/// names or in their meaning, by technical name.
pub(crate) async fn all(State(desk): Desks, Extension(who): Who, query: Pairs) -> Response {
    let search = match pairs(query).and_then(|pairs| Search::of(&pairs)) {
        Ok(search) => search,
        Err(problem) => return problem.into_response(),
    };
    let all = desk.kpis();
    let seen = Seen::by(desk.as_ref(), &who);
    let own = |kpi: &&Value| seen.has_kpi(kpi["kpi"].as_str().unwrap_or_default());
    let found = all.values().filter(own).filter(|kpi| search.finds(kpi));
    let total = found.clone().count();
    let name = |kpi: &&Value| kpi["kpi"].as_str().unwrap_or_default().to_owned();
    let mut rest = found.skip_while(|kpi| name(kpi) <= search.after);
    let page: Vec<&Value> = rest.by_ref().take(search.limit).collect();
    let next = rest.next().and(page.last().map(name));
    Json(json!({"kpis": page, "total": total, "next": next})).into_response()
}

/// A definition, with its values at the second of `?s=`, or at the newest sealed one where there is one; or the file it was
/// read from, where YAML is asked for.
pub(crate) async fn one(
    State(desk): Desks,
    Extension(who): Who,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let all = desk.kpis();
    let Some(kpi) = all.get(&name) else {
        return unknown(desk.as_ref(), &name).into_response();
    };
    let seen = Seen::by(desk.as_ref(), &who);
    if let Err(refused) = seen.check_kpi(&name) {
        return refused.into_response();
    }
    if let Some(text) = desk.file(&name).filter(|_| wants_yaml(&headers)) {
        return yaml(text);
    }
    let mut kpi = kpi.clone();
    kpi["governed"] = desk.governed(&name);
    if let Some(value) = desk.observed(&name) {
        kpi["observed"] = json!({"value": value, "at_ms": desk.now_ms()});
        return Json(kpi).into_response();
    }
    let past = match second::asked(query.as_deref().unwrap_or_default()) {
        Ok(None) => Ok(desk.newest().map(Past::from)),
        Ok(Some(s)) => second::past(desk.as_ref(), s).await.map(Some),
        Err(problem) => Err(problem),
    };
    let past = match past {
        Ok(past) => past,
        Err(problem) => return problem.into_response(),
    };
    if let Some(past) = past {
        let offsets = past.sealed.offsets.iter().copied().enumerate();
        kpi["s"] = past.sealed.s.into();
        kpi["offsets"] = json!(offsets.collect::<Vec<_>>());
        kpi["values"] = values(desk.as_ref(), &seen, &past, &name);
        if !who.may(Right::Parts) {
            values_only(&mut kpi["values"]);
        }
    }
    Json(kpi).into_response()
}

/// Whether the file itself is asked for.
pub(crate) fn wants_yaml(headers: &HeaderMap) -> bool {
    let asked = headers.get(header::ACCEPT);
    asked.is_some_and(|a| a.to_str().is_ok_and(|a| a.contains("yaml")))
}

/// A file to the letter.
pub(crate) fn yaml(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/yaml; charset=utf-8")];
    (kind, text).into_response()
}

/// There is no such KPI.
pub(crate) fn unknown(desk: &dyn Desk, name: &str) -> Problem {
    let all = desk.kpis();
    let known: Vec<&str> = all.keys().map(String::as_str).collect();
    let detail = format!("there is no KPI {name:?}");
    let fix = desk.instead(name, &known);
    Problem::new(StatusCode::NOT_FOUND, "no such KPI", detail).at("kpi", "path", &fix)
}

/// The pairs of a query, each name once.
pub(crate) fn pairs(query: Pairs) -> Result<Vec<(String, String)>, Problem> {
    let fix = "write name=value, joined by &; other characters as %XX";
    let bad = |detail: String| {
        let title = "the query cannot be read";
        Problem::new(StatusCode::BAD_REQUEST, title, detail).at("query", "query", fix)
    };
    let Query(pairs) = query.map_err(|e| bad(e.body_text()))?;
    for (i, (name, _)) in pairs.iter().enumerate() {
        if pairs[..i].iter().any(|(before, _)| before == name) {
            return Err(bad(format!("{name:?} stands twice")));
        }
    }
    Ok(pairs)
}

/// All cells of one KPI: `{window, dims, value, state, numerator, denominator, n}`.
fn values(desk: &dyn Desk, seen: &Seen, past: &Past, kpi: &str) -> Value {
    let cells = desk.cells();
    let all = cells.iter().zip(past.sealed.values.iter()).enumerate();
    let of_kpi = all.filter(|(at, (cell, _))| {
        let kept = !past.unknown.contains(at) && !desk.retired(*at);
        *cell.key.kpi == *kpi && kept && seen.has(*at)
    });
    let shown = of_kpi.map(|(_, (cell, v))| {
        json!({
            "window": cell.key.window.name(), "dims": cell.key.dims, "value": v.value,
            "state": v.state, "numerator": v.numerator, "denominator": v.denominator, "n": v.n,
        })
    });
    shown.collect()
}

/// Without parts, for those who may not have them.
fn values_only(values: &mut Value) {
    let all = values.as_array_mut().into_iter().flatten();
    for value in all.filter_map(Value::as_object_mut) {
        for part in ["numerator", "denominator", "n"] {
            value.remove(part);
        }
    }
}

impl Search {
    fn of(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut search = Self {
            words: Vec::new(),
            after: String::new(),
            limit: PAGE,
        };
        let bad = |field: &str, detail: String, fix: &str| {
            let title = "the search cannot be made";
            Problem::new(StatusCode::BAD_REQUEST, title, detail).at(field, "query", fix)
        };
        for (name, value) in pairs {
            match name.as_str() {
                "q" if value.len() > LONGEST => {
                    let detail = format!("q has {} bytes", value.len());
                    let fix = format!("write {LONGEST} bytes at most");
                    return Err(bad("q", detail, &fix));
                }
                "q" => {
                    let words = value.split_whitespace().map(str::to_lowercase);
                    search.words = words.collect();
                }
                "after" => search.after.clone_from(value),
                "limit" => {
                    let limit = value.parse().ok().filter(|n| (1..=PAGE).contains(n));
                    search.limit = limit.ok_or_else(|| {
                        let detail = format!("{value:?} is not a number from 1 to {PAGE}");
                        bad("limit", detail, "write limit=100 or leave it out")
                    })?;
                }
                other => {
                    let detail = format!("{other:?} is not expected here");
                    return Err(bad(other, detail, "write q, limit or after"));
                }
            }
        }
        Ok(search)
    }

    fn finds(&self, kpi: &Value) -> bool {
        let fields = ["kpi", "business_name", "meaning"];
        let text = fields.map(|f| kpi[f].as_str().unwrap_or_default().to_lowercase());
        self.words
            .iter()
            .all(|word| text.iter().any(|t| t.contains(word)))
    }
}
