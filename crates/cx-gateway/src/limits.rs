//! In: nothing. Kept: nothing. Out: what one client, one address and the whole door may take.
//! Never knows: sockets.

use std::time::Duration;

/// What may be taken. The defaults are the house's; tests take smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections of the process, streams and requests together; beyond them it would run out
    /// of descriptors (20,000 is a common limit).
    pub connections: usize,
    /// Open connections of one address. On loopback all come from one.
    pub per_address: usize,
    /// Open streams of the process.
    pub streams: u64,
    /// Until when the first byte must have come.
    pub first_byte: Duration,
    /// Until when a request's head must have come, from its first byte on.
    pub head: Duration,
    /// Until when its body must have come and its answer begun, from the end of the head on.
    pub answer: Duration,
    /// How long a connection may say and hear nothing once it was answered. A stream hears a heartbeat a second;
    /// one that does not read is given up sooner.
    pub idle: Duration,
    /// Until when a stream must have subscribed to something.
    pub subscribe: Duration,
    /// How long a frame may be on its way to a client that does not read.
    pub stuck: Duration,
    /// Messages of a stream, pings included: so many at once, and as many again in ten seconds.
    pub messages: u32,
    /// Whether every message of a WebSocket is sent back instead of read. No configuration sets it: tests
    /// of the transport alone ask for it.
    pub echo: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 18_000,
            per_address: 18_000,
            streams: 16_384,
            first_byte: Duration::from_secs(5),
            head: Duration::from_secs(10),
            answer: Duration::from_secs(120),
            idle: Duration::from_secs(150),
            subscribe: Duration::from_secs(10),
            stuck: Duration::from_secs(120),
            messages: 200,
            echo: false,
        }
    }
}
