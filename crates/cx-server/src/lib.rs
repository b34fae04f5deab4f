//! The house: wiring, threads, the commands of the binary. In: a command line. Kept: the running
//! rooms. Out: exit codes. Never knows: business rules.

mod actions;
mod anew;
mod check;
mod cli;
mod clock;
mod common;
mod condition;
mod config;
mod decided;
mod decision;
mod definitions;
mod demo;
mod examples;
mod failpoint;
mod feed;
mod get;
mod house;
mod judge;
mod keyring;
mod ledger;
mod memory;
mod metrics;
mod observed;
mod outputs;
mod pace;
mod partition;
mod people;
mod progress;
mod report;
mod revival;
mod running;
mod secrets;
mod send;
mod serve;
mod show;
pub mod snapshots;
mod stage;
mod start;
mod topics;
mod watch;
mod watchdog;
mod whole;
mod worker;

pub use check::complain;
pub use cli::Line;
