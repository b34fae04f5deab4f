//! The broom: every developer command. In: a command line. Kept: nothing. Out: programs run in
//! order. Never knows: what they build.

mod autobahn;
mod bench;
mod demo;
mod kafka;
mod page;
mod python;
mod run;
mod suite;
mod tally;
#[cfg(test)]
mod tidy;
mod tools;
mod wall;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Developer commands of Watchfloor.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the display and the program, then run the demo: broker, company, engine and wall.
    Demo {
        /// Options of `watchfloor demo`, e.g. --for 30s --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Install what is needed, then check everything; ends with `N passed, N failed`.
    Test,
    /// The inner loop: format, clippy, fast tests, the laws of the house.
    Check,
    /// A real Apache Kafka of plain processes, for tests and benches.
    #[command(subcommand)]
    Kafka(kafka::Kafka),
    /// Measure what Watchfloor costs, see load-tests/README.md.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Many lives of engine and snapshots on a faulty model disk, in virtual time; a failure says how
    /// to see it again.
    Sim {
        /// How many seeds.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first one.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// A house over a real Apache Kafka that is killed again and again, at random and at named moments,
    /// with brokers killed, disks full and snapshots corrupted in between, and must agree with a recount of its log after every ten blows.
    Chaos {
        /// How many kills.
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// What is drawn.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One broker, or three that replicate; they are killed too.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
        brokers: u16,
    },
    /// Autobahn's test suite, sections 1 to 7, against our WebSocket endpoint.
    Autobahn,
    /// Apply clippy's suggestions, write the schemas anew, format.
    Fix,
}

fn main() -> ExitCode {
    let done = match Line::parse().command {
        Command::Demo { options } => demo::demo(&options),
        Command::Test => Ok(suite::test()),
        Command::Check => Ok(suite::check()),
        Command::Kafka(command) => kafka::run(&command),
        Command::Bench(bench) => bench::run(&bench),
        Command::Sim { seeds, seed } => suite::sim(seed, seeds),
        Command::Chaos {
            kills,
            seed,
            brokers,
        } => suite::chaos(seed, kills, brokers),
        Command::Autobahn => autobahn::run(),
        Command::Fix => suite::fix(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
