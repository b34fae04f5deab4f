//! In: a request for a WebSocket that axum has checked. Kept: nothing. Out: the answer to it, and the line below
//! HTTP. Never knows: what is said over it.
//!
//! Axum's own WebSocket keeps a copy of the largest frame it ever sent and two layers that HTTP needed; a screen
//! that is open for days needs neither.

use crate::deadline::Timed;
use crate::socket::{self, Room};
use crate::wire::Wire;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Grants an upgrade; what follows it is the stream.
pub(crate) fn grant(headers: &HeaderMap, upgrade: OnUpgrade, room: Room) -> Response {
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let key = key.map_or(&b""[..], HeaderValue::as_bytes);
    let accept = HeaderValue::try_from(derive_accept_key(key)).expect("base64");
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "upgrade"),
        };
        match downcast::<TokioIo<Timed>>(upgraded) {
            Ok(parts) => {
                let wire = Wire::new(parts.io.into_inner().upgraded(), parts.read_buf);
                // A task of its own, which is no larger than the stream needs.
                tokio::spawn(socket::run(wire, room));
            }
            Err(_) => tracing::error!("upgraded something that the listener never accepted"),
        }
    });
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}
