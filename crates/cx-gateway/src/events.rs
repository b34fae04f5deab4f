//! In: HTTP bodies of `POST /v1/events`. Kept: nothing. Out: single events for the house.
//! Never knows: what an event means.
//!
//! CloudEvents HTTP binding 1.0.2: structured, batch and binary mode.

use crate::binary;
use crate::desk::{Accepted, Desk};
use crate::hub::Hub;
use crate::problem::Problem;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cx_model::reject::Rejected;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// Largest request body, bytes.
const BODY: usize = 1024 * 1024;
/// How much of a larger body is read and thrown away, so that its sender reads the refusal.
const PATIENCE: usize = 16 * BODY;
/// How long a body may take.
const UPLOAD: Duration = Duration::from_secs(30);
const BATCH: usize = 1_000;
/// What the media types of CloudEvents begin with.
const STRUCTURED: &str = "application/cloudevents";
const TYPES: &str = "send application/cloudevents+json, application/cloudevents-batch+json or \
    application/json in UTF-8, or an event in ce- headers";

/// Events of one request, and whether they came as a batch.
struct Split {
    events: Vec<Bytes>,
    batch: bool,
}

#[derive(Serialize)]
struct Report {
    accepted: usize,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    index: usize,
    id: Option<String>,
    reason: &'static str,
    place: String,
    detail: String,
}

/// Takes one event or a batch.
pub(crate) async fn post(
    State(desk): State<Arc<dyn Desk>>,
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let split = match read(body).await.and_then(|body| split(&headers, body)) {
        Ok(split) => split,
        Err(problem) => {
            hub.counts().refuse("events_request");
            return problem.into_response();
        }
    };
    let ids: Vec<Option<String>> = split.events.iter().map(|e| id_of(e)).collect();
    let outcomes = desk.ingest(split.events).await;
    for outcome in &outcomes {
        if let Accepted::Refused(rejected) = outcome {
            hub.counts().refuse(rejected.reason.name());
        }
    }
    answer(outcomes, ids, split.batch).unwrap_or_else(IntoResponse::into_response)
}

fn answer(
    outcomes: Vec<Accepted>,
    ids: Vec<Option<String>>,
    batch: bool,
) -> Result<Response, Problem> {
    let mut report = Report {
        accepted: 0,
        refused: Vec::new(),
    };
    for (index, (outcome, id)) in outcomes.into_iter().zip(ids).enumerate() {
        match outcome {
            Accepted::Yes => report.accepted += 1,
            Accepted::Unavailable(why) => return Err(unavailable(&why)),
            Accepted::Refused(rejected) if !batch => return Err(Problem::refused(&rejected)),
            Accepted::Refused(rejected) => report.refused.push(refused(index, id, rejected)),
        }
    }
    Ok(Json(report).into_response())
}

fn unavailable(why: &str) -> Problem {
    let detail = format!("{why}; some of the events may have been written");
    let title = "the log cannot be written";
    let fix = "send the same events again in a while; repeats are recognised by source and id";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail).at("body", "body", fix)
}

fn refused(index: usize, id: Option<String>, rejected: Rejected) -> Refused {
    Refused {
        index,
        id,
        reason: rejected.reason.name(),
        place: rejected.place,
        detail: rejected.detail,
    }
}

/// The id of an event, so that its sender finds it again; 64 characters of it at most.
fn id_of(event: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let event: Id = serde_json::from_slice(event).ok()?;
    Some(event.id.chars().take(64).collect())
}

/// Reads a whole body of at most [`BODY`] bytes.
async fn read(body: Body) -> Result<Bytes, Problem> {
    let reading = tokio::time::timeout(UPLOAD, gather(body));
    reading.await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", UPLOAD.as_secs());
        let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body is too slow", detail);
        Err(problem.at("body", "body", "send smaller batches"))
    })
}

async fn gather(body: Body) -> Result<Bytes, Problem> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| {
            Problem::new(StatusCode::BAD_REQUEST, "the body broke off", e.to_string())
        })?;
        seen += chunk.len();
        if seen <= BODY {
            kept.extend_from_slice(&chunk);
        } else if seen > PATIENCE {
            break;
        }
    }
    if seen <= BODY {
        return Ok(Bytes::from(kept));
    }
    let detail = format!("a body has {BODY} bytes (1 MiB) at most");
    let problem = Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is too large",
        detail,
    );
    Err(problem.at("body", "body", "send smaller batches"))
}

/// Structured, batch, or binary, as the binding tells them apart: by the content type where it
/// begins with that of CloudEvents, else by `ce-` headers, else by the content.
fn split(headers: &HeaderMap, body: Bytes) -> Result<Split, Problem> {
    let written = headers.get(header::CONTENT_TYPE);
    let written = written.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let lower = written.to_ascii_lowercase();
    let (kind, parameters) = lower.split_once(';').unwrap_or((&lower, ""));
    let kind = kind.trim();
    let binary = !kind.starts_with(STRUCTURED) && binary::is(headers);
    if binary {
        return Ok(single(binary::structured(headers, written, &body)?));
    }
    if !utf8(parameters) {
        return Err(unknown_type(format!("{} is not UTF-8", parameters.trim())));
    }
    let first = body.trim_ascii_start().first();
    match kind.strip_prefix(STRUCTURED).unwrap_or(kind) {
        "+json" => Ok(single(body)),
        "-batch+json" | "-batch" => batch(&body),
        "" if kind == STRUCTURED => Ok(single(body)),
        "" | "application/json" if first == Some(&b'[') => batch(&body),
        "application/json" => Ok(single(body)),
        "" if matches!(first, Some(b'{') | None) => Ok(single(body)),
        "" => Err(unknown_type("there is no content type".to_owned())),
        _ => {
            let detail = format!("content type {kind:?} is not understood");
            Err(unknown_type(detail))
        }
    }
}

fn utf8(parameters: &str) -> bool {
    let mut charset = parameters
        .split(';')
        .filter_map(|p| p.trim().strip_prefix("charset="));
    charset.all(|c| matches!(c.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
}

fn unknown_type(detail: String) -> Problem {
    let title = "unknown content type";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, title, detail).at(
        "content-type",
        "header content-type",
        TYPES,
    )
}

fn single(event: Bytes) -> Split {
    Split {
        events: vec![event],
        batch: false,
    }
}

fn batch(body: &Bytes) -> Result<Split, Problem> {
    let raw: Vec<&RawValue> = serde_json::from_slice(body).map_err(|e| {
        let place = format!("line {} column {}", e.line(), e.column());
        let title = "the batch is not a JSON array";
        Problem::new(StatusCode::BAD_REQUEST, title, e.to_string()).at(
            "body",
            &place,
            "send a JSON array of CloudEvents",
        )
    })?;
    if raw.len() > BATCH {
        let detail = format!("{} events; a batch has {BATCH} at most", raw.len());
        let title = "the batch is too long";
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, title, detail);
        return Err(problem.at("body", "body", "send several batches"));
    }
    let each = raw.into_iter().map(|r| body.slice_ref(r.get().as_bytes()));
    Ok(Split {
        events: each.collect(),
        batch: true,
    })
}
