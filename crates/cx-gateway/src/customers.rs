//! In: a customer's id in a body, or an opaque id in a path. Kept: nothing. Out: the opaque id, the
//! record. Never knows: how ids are hashed; names of people never stand in an address.

use crate::desk::Desk;
use crate::problem::Problem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

type Desks = State<Arc<dyn Desk>>;

/// Longest id of a customer, bytes: as long as an event's `subject` may be.
const LONGEST: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    customer_id: String,
}

/// `POST /v1/customers/lookup`: the opaque id of a customer id (an event's `subject`).
pub(crate) async fn lookup(State(desk): Desks, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return bad(&error.to_string()),
    };
    let name = asked.customer_id.as_str();
    if name.is_empty() || name.len() > LONGEST {
        return bad(&format!(
            "customer_id has {} bytes, 1 to {LONGEST} are right",
            name.len()
        ));
    }
    let id = desk.customer_id(name);
    let known = desk.customer(&id).is_some();
    Json(json!({"customer": id, "known": known})).into_response()
}

fn bad(detail: &str) -> Response {
    let fix = r#"write {"customer_id": "customer:42"}, the subject of the events"#;
    Problem::new(StatusCode::BAD_REQUEST, "no customer id", detail)
        .at("customer_id", "body", fix)
        .into_response()
}

/// `GET /v1/customers/{opaque id}`.
pub(crate) async fn one(State(desk): Desks, Path(id): Path<String>) -> Response {
    if let Some(customer) = desk.customer(&id) {
        return Json(customer).into_response();
    }
    let fix = "ask POST /v1/customers/lookup for the opaque id; one without events is unknown";
    let detail = "no event of this customer was seen, or the id is not one of ours";
    Problem::new(StatusCode::NOT_FOUND, "no such customer", detail)
        .at("customer", "path", fix)
        .into_response()
}
