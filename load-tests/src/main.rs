//! Benches against a real Apache Kafka. In: a command line. Kept: nothing. Out: figures, as words
//! and as one line of JSON. Never knows: the engine, but for the one bench
//! of its pauses, and the gateway, but for the one of many displays; Watchfloor is a program from outside.

mod clock;
mod displays;
mod fanout;
mod fill;
mod floor;
mod house;
mod kpis;
mod listen;
mod markers;
mod pause;
mod process;
mod report;
mod restart;
mod screen;
mod sender;
mod stats;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

// The same as the program it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benches of Watchfloor; usually run by `cargo xtask bench`.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// The whole job beside consuming and decoding alone.
    Floor(floor::Options),
    /// What an event costs with 20, 50 and 200 KPIs.
    Kpis(kpis::Options),
    /// A killed program with many customers, until its first correct number.
    Restart(restart::Options),
    /// How long records wait for the engine while a snapshot is made.
    Pause(pause::Options),
    /// How long an event takes to a thousand displays, and a second until it is sealed on them.
    Screen(screen::Options),
    /// What a display costs beside a bare send loop, Node and Bun; displays that sleep, and that return.
    Fanout(fanout::Options),
    /// The gateway alone, in a process of its own.
    #[command(hide = true)]
    FanoutServe(fanout::served::Options),
    /// A bare send loop, in a process of its own.
    #[command(hide = true)]
    FanoutBare(fanout::bare::Options),
    /// One round of reading alone, in a process of its own.
    #[command(hide = true)]
    Listen(listen::Options),
}

fn main() -> ExitCode {
    let done = match Line::parse().bench {
        Bench::Floor(options) => floor::run(&options),
        Bench::Kpis(options) => kpis::run(&options),
        Bench::Restart(options) => restart::run(&options),
        Bench::Pause(options) => pause::run(&options),
        Bench::Screen(options) => screen::run(&options),
        Bench::Fanout(options) => fanout::run(&options),
        Bench::FanoutServe(options) => fanout::served::run(&options),
        Bench::FanoutBare(options) => fanout::bare::run(&options),
        Bench::Listen(options) => listen::run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::say(&format!("load-tests: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
