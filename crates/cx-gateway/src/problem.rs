//! In: what is wrong with a request. Kept: nothing. Out: RFC 9457 problem details.
//! Never knows: the house.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cx_model::reject::Rejected;
use serde_json::{Map, Value, json};

/// One problem.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    errors: Vec<Value>,
    /// Further members that programs may read.
    more: Map<String, Value>,
}

impl Problem {
    /// A title is a stable name in words: it becomes the problem's `type`.
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            more: Map::new(),
        }
    }

    /// Adds a fault: which field, where, and what to do.
    pub(crate) fn at(mut self, field: &str, place: &str, fix: &str) -> Self {
        self.errors
            .push(json!({"field": field, "place": place, "fix": fix}));
        self
    }

    /// Adds a member that programs may read.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// A single event that was refused.
    pub(crate) fn refused(rejected: &Rejected) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "the event was refused",
            rejected.to_string(),
        )
        .at(rejected.reason.name(), &rejected.place, &rejected.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.title.replace(' ', "-");
        let mut body = json!({
            "type": format!("urn:watchfloor:problem:{kind}"),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "errors": self.errors,
        });
        for (name, value) in self.more {
            body[name] = value;
        }
        let mut response = (self.status, body.to_string()).into_response();
        let json = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
