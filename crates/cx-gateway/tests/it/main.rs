//! The gateway over real loopback sockets, with a house fed by hand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod actions;
mod alerts;
mod cells;
mod closed;
mod contract;
mod definitions;
mod demo;
mod doors;
mod drain;
mod events;
mod every;
mod guests;
mod http;
mod issuer;
mod kpis;
mod limits;
mod minutes;
mod recount;
mod rig;
mod schema;
mod sign_on;
mod slow;
mod stream;
mod theatre;
mod tls;
mod tokens;
mod views;
mod why;
mod wire;
