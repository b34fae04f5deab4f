//! In: nothing. Kept: nothing. Out: the contract that others build on, as it is checked in below
//! `schemas/`. Never knows: whether it is kept; tests hold routes, answers and frames against it.

use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

const OPENAPI: &str = include_str!("../../../schemas/openapi.json");
const ASYNCAPI: &str = include_str!("../../../schemas/asyncapi.yaml");
const CLIENT: &str = include_str!("../../../schemas/client-frame.schema.json");
const SERVER: &str = include_str!("../../../schemas/server-frame.schema.json");

/// `GET /openapi.json`, `/asyncapi.yaml` and the schemas that the latter names.
pub(crate) async fn file(uri: Uri) -> Response {
    let (kind, text) = match uri.path() {
        "/openapi.json" => ("application/json", OPENAPI),
        "/asyncapi.yaml" => ("application/yaml", ASYNCAPI),
        "/client-frame.schema.json" => ("application/schema+json", CLIENT),
        _ => ("application/schema+json", SERVER),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
