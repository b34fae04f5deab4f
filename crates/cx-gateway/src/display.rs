//! In: a path. Kept: the built display, inside the binary. Out: its files.
//! Never knows: numbers.

use crate::http;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write as _;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/display/dist"]
struct Files;

/// What stands in for a display that is not built.
const STUB: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Watchfloor</title>\
<h1>The display is not built</h1><p>This binary was compiled without its web page. \
Run <code>cargo xtask demo</code>, which builds it, or \
<code>npm ci &amp;&amp; npm run build</code> in <code>crates/cx-gateway/display</code> and compile again. \
The numbers are at <a href=/v1/boards>/v1/boards</a>.</html>";

/// Hashed files never change under their name.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The page itself, for `/` and every wall.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    entry("index.html", &headers)
}

/// The glossary: a page of its own, so that a wall does not load it.
pub(crate) async fn glossary(headers: HeaderMap) -> Response {
    entry("glossary.html", &headers)
}

/// Where people sign in and displays are paired.
pub(crate) async fn sign_in(headers: HeaderMap) -> Response {
    entry("sign-in.html", &headers)
}

fn entry(path: &str, headers: &HeaderMap) -> Response {
    match Files::get(path) {
        Some(file) => reply(path, file, "no-cache", headers),
        None => {
            let kind = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (kind, STUB).into_response()
        }
    }
}

/// Any other file of the display, or a problem.
pub(crate) async fn file(request: Request) -> Response {
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path().trim_start_matches('/');
    let caching = if path.starts_with("assets/") {
        FOREVER
    } else {
        "no-cache"
    };
    match Files::get(path).filter(|_| read) {
        Some(file) => reply(path, file, caching, request.headers()),
        None => http::nowhere(request).await,
    }
}

fn reply(path: &str, file: EmbeddedFile, caching: &'static str, asked: &HeaderMap) -> Response {
    let tag = tag(&file.metadata.sha256_hash());
    let known = asked.get(header::IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| names(known, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, kind(path))];
        (kind, Body::from(file.data.into_owned())).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::ETAG, tag);
    response
}

fn tag(hash: &[u8; 32]) -> HeaderValue {
    let mut text = String::from("\"");
    for byte in &hash[..12] {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text.push('"');
    HeaderValue::try_from(text).expect("hex digits are a header value")
}

fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().unwrap_or_default();
    let each = known.to_str().unwrap_or_default().split(',');
    let mut each = each.map(|k| k.trim().trim_start_matches("W/"));
    each.any(|k| k == tag || k == "*")
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}
