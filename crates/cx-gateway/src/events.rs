//! In: HTTP bodies of `POST /v1/events`. Kept: nothing. Out: single events for the house.
//! Never knows: what an event means.
//!
//! CloudEvents HTTP binding 1.0: structured, batch and binary mode.

use crate::desk::{Accepted, Desk};
use crate::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Largest request body, bytes.
pub(crate) const BODY: usize = 1024 * 1024;
const BATCH: usize = 1_000;
const TYPES: &str = "application/cloudevents+json, application/cloudevents-batch+json or application/json, or ce-* headers";

/// Takes one event or a batch.
pub(crate) async fn post(
    State(desk): State<Arc<dyn Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (events, batch) = match split(&headers, body) {
        Ok(split) => split,
        Err(problem) => return problem.into_response(),
    };
    let ids: Vec<Option<String>> = events.iter().map(|e| id_of(e)).collect();
    let outcomes = desk.ingest(events).await;
    if let Some(Accepted::Unavailable(why)) = outcomes
        .iter()
        .find(|o| matches!(o, Accepted::Unavailable(_)))
    {
        let detail =
            format!("{why}; send the same events again, repeats are recognised by source and id");
        return Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the log cannot be written",
            detail,
        )
        .into_response();
    }
    if !batch && let Some(Accepted::Refused(rejected)) = outcomes.first() {
        return Problem::refused(rejected).into_response();
    }
    let accepted = outcomes.iter().filter(|o| **o == Accepted::Yes).count();
    let refused: Vec<Value> = outcomes.iter().zip(&ids).enumerate().filter_map(|(i, (o, id))| match o {
        Accepted::Refused(r) => Some(json!({
            "index": i, "id": id, "reason": r.reason.name(), "place": r.place, "detail": r.detail,
        })),
        Accepted::Yes | Accepted::Unavailable(_) => None,
    }).collect();
    Json(json!({"accepted": accepted, "refused": refused})).into_response()
}

fn id_of(event: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(event).ok()?;
    Some(value.get("id")?.as_str()?.chars().take(64).collect())
}

fn split(headers: &HeaderMap, body: Bytes) -> Result<(Vec<Bytes>, bool), Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "application/cloudevents+json" => Ok((vec![body], false)),
        "application/cloudevents-batch+json" => Ok((elements(&body)?, true)),
        _ if headers.contains_key("ce-specversion") => {
            Ok((vec![binary(headers, &kind, &body)?], false))
        }
        "application/json" | "" => {
            if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[') {
                Ok((elements(&body)?, true))
            } else {
                Ok((vec![body], false))
            }
        }
        other => {
            let detail = format!("content type {other:?} is not understood");
            Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unknown content type",
                detail,
            )
            .at(
                "content-type",
                "header content-type",
                &format!("send {TYPES}"),
            ))
        }
    }
}

fn elements(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let raw: Vec<&RawValue> = serde_json::from_slice(body).map_err(|e| {
        let place = format!("line {} column {}", e.line(), e.column());
        Problem::new(
            StatusCode::BAD_REQUEST,
            "the batch is not a JSON array",
            e.to_string(),
        )
        .at("body", &place, "send a JSON array of CloudEvents")
    })?;
    if raw.len() > BATCH {
        let detail = format!("{} events; a batch has {BATCH} at most", raw.len());
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the batch is too long",
            detail,
        )
        .at("body", "body", "send several batches"));
    }
    Ok(raw
        .into_iter()
        .map(|r| Bytes::copy_from_slice(r.get().as_bytes()))
        .collect())
}

/// Binary mode: attributes in `ce-` headers, data in the body; becomes a structured event.
fn binary(headers: &HeaderMap, kind: &str, body: &Bytes) -> Result<Bytes, Problem> {
    let bad = |field: &str, why: String| {
        Problem::new(StatusCode::BAD_REQUEST, "the event was refused", why).at(
            field,
            &format!("header {field}"),
            "see the CloudEvents HTTP binding, binary mode",
        )
    };
    let mut event = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let text = value
            .to_str()
            .map_err(|e| bad(name.as_str(), e.to_string()))?;
        event.insert(attribute.to_owned(), Value::String(percent_decoded(text)));
    }
    if !kind.is_empty() {
        event.insert("datacontenttype".to_owned(), Value::String(kind.to_owned()));
    }
    if !body.is_empty() && (kind.is_empty() || kind.ends_with("json")) {
        let data = serde_json::from_slice(body)
            .map_err(|e| bad("body", format!("data is not JSON: {e}")))?;
        event.insert("data".to_owned(), data);
    }
    Ok(Bytes::from(
        serde_json::to_vec(&event).expect("a map of JSON values"),
    ))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while i < bytes.len() {
        let hex = bytes
            .get(i + 1..i + 3)
            .and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[i], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
