//! The house: wiring, threads, the commands of the binary. In: a command line. Kept: the running
//! rooms. Out: exit codes. Never knows: business rules.

mod check;
mod cli;
mod clock;
mod common;
mod config;
pub mod decision;
mod definitions;
mod demo;
mod examples;
mod feed;
mod get;
mod house;
mod judge;
mod keyring;
mod ledger;
mod observed;
mod pace;
mod people;
mod progress;
mod report;
mod running;
mod secrets;
mod send;
mod serve;
mod show;
pub mod snapshots;
mod stage;
mod topics;
mod watch;
mod worker;

pub use check::complain;
pub use cli::Line;
