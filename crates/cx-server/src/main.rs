//! `watchfloor`: read the command, run it, say how it went. Exit codes: 0 done, 1 failed or
//! differs, 2 wrong usage.

use clap::Parser as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = cx_server::Line::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match line.run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            cx_server::complain(&format!("watchfloor: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
