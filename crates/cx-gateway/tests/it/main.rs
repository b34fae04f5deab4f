//! The gateway over real loopback sockets, with a house fed by hand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actions;
mod alerts;
mod definitions;
mod demo;
mod drain;
mod events;
mod http;
mod kpis;
mod recount;
mod rig;
mod schema;
mod slow;
mod stream;
mod theatre;
mod why;
mod wire;
