//! The house: wiring, threads, the commands of the binary. In: a command line. Kept: the running
//! rooms. Out: exit codes. Never knows: business rules.

mod clock;
mod common;
mod definitions;
mod demo;
mod examples;
mod feed;
mod house;
mod judge;
mod ledger;
mod pace;
mod people;
mod report;
mod running;
mod secrets;
mod stage;
mod worker;

pub mod check;
pub use demo::{Options, run};
