//! In: a path. Kept: the built display, inside the binary. Out: its files.
//! Never knows: numbers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/display/dist"]
struct Files;

const STUB: &str = "<!doctype html><meta charset=utf-8><title>Watchfloor</title><p>The display is \
not built into this binary. Run <code>cargo xtask demo</code>, which builds it, or open \
<a href=/v1/boards>/v1/boards</a>.";

/// The page itself, for `/` and every wall.
pub(crate) async fn page() -> Response {
    let index = Files::get("index.html").map_or_else(|| STUB.as_bytes().into(), |f| f.data);
    reply(
        Body::from(index.into_owned()),
        "text/html; charset=utf-8",
        "no-cache",
    )
}

/// A hashed file of the display; it never changes under its name.
pub(crate) async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let Some(file) = Files::get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", path.replace('"', ""));
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|t| t.as_bytes() == tag.as_bytes())
    {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = reply(
        Body::from(file.data.into_owned()),
        kind,
        "public, max-age=31536000, immutable",
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn reply(body: Body, kind: &'static str, cache: &'static str) -> Response {
    const POLICY: &str =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}
