//! In: this program again, as the gateway alone and as a bare send loop; Node and Bun. Kept: rounds in turn. Out:
//! what a delivered update costs each of them, and what displays that sleep or return do to the others. Never
//! knows: Kafka, the engine.

mod audience;
pub(crate) mod bare;
mod line;
pub(crate) mod served;
mod trials;

use crate::house::Running;
use crate::report::{json_line, say};
use crate::screen::at_part;
use crate::stats::Spread;
use anyhow::{Context as _, Result, ensure};
use audience::{Audience, Plan, moment};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Until all is as it stays.
const SETTLE: Duration = Duration::from_secs(3);
/// The goals of DESIGN, section 11.
const GOAL_OVER_BARE: f64 = 1.2;
const GOAL_OVER_BUN: f64 = 1.0;
const GOAL_KIB: f64 = 2.5;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Displays that look at one board.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(10..=10_000))]
    displays: u16,
    /// How often five of its cells change, ms: 50, 100, 250, 500 or 1,000.
    #[arg(long, default_value_t = 50)]
    interval_ms: u16,
    /// How long a round is measured, s.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=120))]
    seconds: u64,
    /// Rounds of each peer.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// How long a tenth of the displays sleep once the server has noticed each of them, s.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=100))]
    stall_s: u64,
    /// Displays that drop and return.
    #[arg(long = "return", default_value_t = 10_000, value_parser = clap::value_parser!(u16).range(10..=10_000))]
    returning: u16,
    /// Folder of the peers' scripts, with their packages installed.
    #[arg(long, default_value = "load-tests/peers")]
    peers: PathBuf,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn cadence(&self) -> Result<&'static str> {
        let known = ["live50", "live100", "live250", "live500", "live1000"];
        let wanted = format!("live{}", self.interval_ms);
        let found = known.into_iter().find(|k| *k == wanted);
        found.context("--interval-ms is 50, 100, 250, 500 or 1000")
    }
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Watchfloor,
    Bare,
    Node,
    Bun,
}

const PEERS: [Peer; 4] = [Peer::Watchfloor, Peer::Bare, Peer::Node, Peer::Bun];

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Watchfloor => "watchfloor",
            Self::Bare => "bare send loop",
            Self::Node => "Node, ws",
            Self::Bun => "Bun",
        }
    }

    /// Starts it with the frame that it sends; Watchfloor makes its own.
    fn start(self, options: &Options, frame: &str) -> Result<(Running, std::net::SocketAddr)> {
        let this = std::env::current_exe()?;
        let interval = options.interval_ms.to_string();
        let mut command = match self {
            Self::Watchfloor => {
                let mut command = Command::new(this);
                command.args(["fanout-serve", "--interval-ms", &interval]);
                command
            }
            Self::Bare => {
                let mut command = Command::new(this);
                command.arg("fanout-bare");
                command
            }
            Self::Node => script("node", &options.peers, "ws.mjs"),
            Self::Bun => script(
                &options
                    .peers
                    .join("node_modules/.bin/bun")
                    .to_string_lossy(),
                &options.peers,
                "bun.mjs",
            ),
        };
        command
            .env("FANOUT_FRAME", frame)
            .env("FANOUT_INTERVAL_MS", &interval);
        Running::start(command).with_context(|| self.name())
    }
}

fn script(program: &str, folder: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(folder.join(name));
    command
}

/// What one round of one peer has shown.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// CPU of a delivered update, microseconds.
    cpu_us: f64,
    median_ms: f64,
    p99_ms: f64,
    kib: f64,
    frames: f64,
    bytes: f64,
}

/// Runs the bench; false where a goal is missed.
///
/// # Errors
/// A peer that does not start, a display that is closed, a run that proves nothing.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let frame = recorded(options)?;
    let mut rounds = Vec::new();
    for number in 0..options.rounds {
        for peer in PEERS {
            let round = round(options, peer, &frame)?;
            say(&format!(
                "{}: {} of {:.0} bytes, {:.2} us of CPU each; median {:.2}, p99 {:.2} ms; {:.1} KiB a connection",
                peer.name(),
                round.frames,
                round.bytes,
                round.cpu_us,
                round.median_ms,
                round.p99_ms,
                round.kib
            ));
            rounds.push((number, peer, round));
        }
    }
    let mut figures = compared(options, &rounds);
    let stall = trials::stall(options)?;
    figures.extend(stall.1);
    let back = trials::come_back(options)?;
    figures.extend(back.1);
    let reached = |key: &str, most: f64| figures.iter().any(|(k, v)| *k == key && *v <= most);
    let ok = stall.0
        && back.0
        && reached("cpu_over_bare_send", GOAL_OVER_BARE)
        && reached("p99_over_bare_send", GOAL_OVER_BARE)
        && reached("cpu_over_bun", GOAL_OVER_BUN)
        && reached("kib_per_connection", GOAL_KIB);
    if options.json {
        json_line("fanout", ok, &figures);
    }
    Ok(ok)
}

/// A frame as Watchfloor sends it, with a `@` for the moment.
fn recorded(options: &Options) -> Result<String> {
    let (_server, address) = Peer::Watchfloor.start(options, "")?;
    let mut one = Audience::open(Plan {
        address,
        count: 1,
        sleepers: 0,
        cadence: options.cadence()?,
    })?;
    let log = one.note(Duration::from_secs(3))?;
    one.end()?;
    let mut frame = log.frame;
    let (_, at) = moment(&frame).context("Watchfloor sends no values")?;
    frame.replace_range(at, "@");
    say(&format!(
        "each sends, every {} ms: {frame}",
        options.interval_ms
    ));
    Ok(frame)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn round(options: &Options, peer: Peer, frame: &str) -> Result<Round> {
    let (server, address) = peer.start(options, frame)?;
    std::thread::sleep(Duration::from_secs(1));
    let alone = server.cost()?;
    let mut all = Audience::open(Plan {
        address,
        count: usize::from(options.displays),
        sleepers: 0,
        cadence: options.cadence()?,
    })?;
    std::thread::sleep(SETTLE);
    let before = server.cost()?;
    let log = all.note(Duration::from_secs(options.seconds))?;
    let after = server.cost()?;
    all.end()?;
    let frames = log.ages.len() as f64;
    let due = f64::from(options.displays) * 1e3 / f64::from(options.interval_ms);
    // Half of what was due: a peer that skips its own rhythm would look cheap.
    ensure!(
        frames > due * options.seconds as f64 / 2.0,
        "{}: {frames} frames only",
        peer.name()
    );
    let mut ages: Vec<f64> = log.ages.iter().map(|us| *us as f64 / 1e3).collect();
    Ok(Round {
        cpu_us: (after.cpu_s - before.cpu_s) * 1e6 / frames,
        median_ms: at_part(&mut ages, 0.5),
        p99_ms: at_part(&mut ages, 0.99),
        kib: after.rss.saturating_sub(alone.rss) as f64 / 1_024.0 / f64::from(options.displays),
        frames,
        bytes: log.bytes as f64 / frames,
    })
}

/// Ratios within each round, their medians.
fn compared(options: &Options, rounds: &[(u8, Peer, Round)]) -> Vec<(&'static str, f64)> {
    let of = |peer: Peer, number: u8| {
        let found = rounds.iter().find(|(n, p, _)| (*n, *p) == (number, peer));
        found.expect("each round has each peer").2
    };
    let all = |f: &dyn Fn(u8) -> f64| Spread::of((0..options.rounds).map(f));
    let us = Peer::Watchfloor;
    let over = |peer: Peer| all(&|n| of(us, n).cpu_us / of(peer, n).cpu_us);
    let late = |peer: Peer| all(&|n| of(us, n).p99_ms / of(peer, n).p99_ms);
    for peer in [Peer::Bare, Peer::Node, Peer::Bun] {
        say(&format!(
            "watchfloor ÷ {}: CPU {}, p99 {}",
            peer.name(),
            over(peer).words(2),
            late(peer).words(2)
        ));
    }
    let kib = |peer: Peer| all(&|n| of(peer, n).kib).median;
    vec![
        ("displays", f64::from(options.displays)),
        ("cpu_over_bare_send", over(Peer::Bare).median),
        ("cpu_over_bun", over(Peer::Bun).median),
        ("cpu_over_node_ws", over(Peer::Node).median),
        ("p99_over_bare_send", late(Peer::Bare).median),
        ("p99_over_bun", late(Peer::Bun).median),
        ("cpu_us_per_update", all(&|n| of(us, n).cpu_us).median),
        ("p99_ms", all(&|n| of(us, n).p99_ms).median),
        ("kib_per_connection", kib(us)),
        ("kib_per_connection_bare", kib(Peer::Bare)),
        ("kib_per_connection_node_ws", kib(Peer::Node)),
        ("kib_per_connection_bun", kib(Peer::Bun)),
    ]
}

/// Once whoever started this program lets go of its input.
pub(crate) async fn let_go() {
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(end);
    });
    drop(ended.await);
}
