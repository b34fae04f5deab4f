//! The rehearsal: a seeded company with a truth ledger. In: a seed and a start. Kept: its people,
//! queues and agents in virtual time. Out: emissions in order of time, and what is true.
//! Never knows: clocks, Kafka, sockets.

mod agenda;
mod bot;
mod case;
mod chance;
mod company;
mod config;
mod desk;
pub mod disk;
mod draft;
mod emission;
mod faults;
mod floor;
mod gestures;
mod ledger;
mod ops;
mod outbound;
mod population;
mod queue;
mod rhythm;
pub mod slow;
mod source;
mod story;
mod stream;
mod survey;
mod talk;
mod visit;

pub use company::Company;
pub use config::Config;
pub use emission::Emission;
pub use faults::{Faults, SourceOutage};
pub use ledger::{Answers, Minute, Queued, Replies, Truth};
