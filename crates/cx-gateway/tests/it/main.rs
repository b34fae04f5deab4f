//! The gateway over real loopback sockets, with a house fed by hand.

mod drain;
mod events;
mod http;
mod rig;
mod schema;
mod slow;
mod stream;
mod wire;
