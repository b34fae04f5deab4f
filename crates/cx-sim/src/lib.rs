//! The rehearsal: a seeded company with a truth ledger. In: a seed and a start. Kept: its people,
//! queues and agents in virtual time. Out: emissions in order of time, and what is true.
//! Never knows: clocks, Kafka, sockets.

mod agenda;
mod chance;
mod company;
mod emission;
mod gestures;
mod ledger;
mod queue;
pub mod slow;
mod source;
mod story;

pub use company::{Company, Config};
pub use emission::Emission;
pub use ledger::Truth;
