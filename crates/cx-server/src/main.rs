//! `watchfloor`: read the command, run it, say how it went. Exit codes: 0 done, 1 failed, 2 usage.

use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The customer-experience command center: one number, one meaning, on every screen, now, and
/// provably right.
#[derive(Parser)]
#[command(name = "watchfloor", version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything in one process: an in-memory broker, a simulated company, engine and wall.
    Demo(Demo),
    /// Check a folder of definitions and run their examples, without starting anything.
    Check {
        /// Folder with kpis/, boards/, sources/ and channels.yaml.
        dir: PathBuf,
    },
}

#[derive(clap::Args)]
struct Demo {
    /// Where to listen; loopback only, port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:7700", env = "WATCHFLOOR_ADDRESS")]
    address: SocketAddr,
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog", env = "WATCHFLOOR_CATALOG")]
    catalog: PathBuf,
    /// End after this long (30s, 5m) and print the accounting; without it, run until Ctrl-C.
    #[arg(long = "for", value_parser = duration)]
    bound: Option<Duration>,
    /// Mean events per second of the simulated company.
    #[arg(long, default_value_t = 40.0, value_parser = rate)]
    rate: f64,
    /// People the company knows.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..=5_000_000))]
    customers: u32,
    /// Same seed, same company.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What happens: payments fail sixty seconds after the start, or nothing special.
    #[arg(long, value_parser = ["payments", "calm"], default_value = "payments")]
    story: String,
    /// Minutes of history folded before the wall opens.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(i64).range(1..=170))]
    history: i64,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_alphabetic()).len());
    let n: u64 = number
        .parse()
        .map_err(|_| "write a number and a unit, e.g. 30s or 5m".to_owned())?;
    match unit {
        "s" | "" => Ok(Duration::from_secs(n)),
        "m" => Ok(Duration::from_secs(n * 60)),
        "h" => Ok(Duration::from_secs(n * 3_600)),
        _ => Err(format!("unknown unit {unit:?}: write s, m or h")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if (0.1..=5_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("between 0.1 and 5000".to_owned())
    }
}

fn main() -> ExitCode {
    let line = Line::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match line.command {
        Command::Check { dir } => cx_server::check::run(&dir),
        Command::Demo(demo) => cx_server::run(&cx_server::Options {
            address: demo.address,
            catalog: demo.catalog,
            bound: demo.bound,
            rate: demo.rate,
            customers: demo.customers,
            seed: demo.seed,
            incident: demo.story == "payments",
            history_minutes: demo.history,
            json: demo.json,
        }),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            cx_server::check::complain(&format!("watchfloor: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
