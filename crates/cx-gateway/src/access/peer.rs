//! In: accepted sockets. Kept: nothing. Out: the address of whoever asks, beside each request. Never knows:
//! requests.

use crate::listener::Door;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use std::net::IpAddr;

/// Where a request comes from; of a proxy in front, the proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(stream.remote_addr().ip())
    }
}
