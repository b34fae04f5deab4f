//! In: a cluster, a built `watchfloor`. Kept: the figures of each round. Out: what
//! the whole job costs beside consuming alone and consuming with decoding. Never knows: the engine.

use crate::fill;
use crate::house::{Folded, Installation, found};
use crate::listen::Round;
use crate::report::{json_line, say};
use crate::stats::Spread;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use cx_kafka::ClientSettings;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Partitions of the topic.
const PARTITIONS: u32 = 24;
/// The goal of DESIGN, section 11.
const GOAL: f64 = 1.5;
const MIB: f64 = 1_048_576.0;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// The cluster: `host:port`.
    #[arg(long, env = "WATCHFLOOR_TEST_KAFKA")]
    bootstrap: String,
    /// The built program.
    #[arg(long, default_value = "target/release/watchfloor")]
    watchfloor: PathBuf,
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog")]
    catalog: PathBuf,
    /// Events in the topic.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(10_000..=20_000_000))]
    events: u64,
    /// People who cause them.
    #[arg(long, default_value_t = 375_000, value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    customers: u32,
    /// Times that each of the three is run, in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Everything measured.
struct Measured {
    events: u64,
    consume: Vec<Round>,
    decode: Vec<Round>,
    job: Vec<Folded>,
    /// The same program over empty topics.
    idle: Folded,
}

/// Runs the bench; false where the goal is missed.
///
/// # Errors
/// A cluster that does not answer, a round that fails.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut measured = Measured {
        events: options.events,
        consume: Vec::new(),
        decode: Vec::new(),
        job: Vec::new(),
        idle: with_topics(options, "empty", |empty| empty.fold(0))?,
    };
    for number in 1..=options.rounds {
        with_topics(options, &format!("full-{number}"), |filled| {
            round(options, filled, &mut measured)
        })?;
        say(&format!("round {number}: {}", measured.last()));
    }
    Ok(measured.told(options.json))
}

/// What is done with topics of their own, which are taken away again.
fn with_topics<T>(
    options: &Options,
    name: &str,
    work: impl FnOnce(&Installation) -> Result<T>,
) -> Result<T> {
    let installation = installation(options, name)?;
    let done = installation.topics().and_then(|()| work(&installation));
    let removed = installation.remove();
    let done = done?;
    removed?;
    Ok(done)
}

fn installation(options: &Options, name: &str) -> Result<Installation> {
    Ok(Installation {
        watchfloor: found(&options.watchfloor)?,
        catalog: found(&options.catalog)?,
        bootstrap: options.bootstrap.clone(),
        prefix: format!("bench-{}-{name}.", std::process::id()),
        partitions: PARTITIONS,
        history: true,
        data: tempfile::tempdir()?,
        // No round lasts until the first one.
        every_s: 3_600,
    })
}

/// Each of the three over a log that nobody has read: a house that read it before has left clock records behind the
/// events and decisions that would not be written again.
fn round(options: &Options, filled: &Installation, measured: &mut Measured) -> Result<()> {
    let settings = ClientSettings::broker(&options.bootstrap);
    let customers = usize::try_from(options.customers)?;
    let size = (options.events, customers);
    fill::fill(&settings, &filled.topic(), PARTITIONS, size)?;
    measured.consume.push(listen(options, filled, false)?);
    measured.decode.push(listen(options, filled, true)?);
    measured.job.push(filled.fold(options.events)?);
    Ok(())
}

/// A round of reading alone, in a process of its own so that nothing of the others counts.
fn listen(options: &Options, filled: &Installation, decode: bool) -> Result<Round> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["listen", "--bootstrap", &options.bootstrap])
        .args(["--topic", &filled.topic()])
        .args(["--partitions", &PARTITIONS.to_string()])
        .args(["--events", &options.events.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if decode {
        command.arg("--decode").arg(&filled.catalog);
    }
    let output = command.output().context("cannot run a round")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "a round failed: {text}");
    serde_json::from_str(&text).with_context(|| format!("a round printed {text:?}"))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
impl Measured {
    fn us(&self, cpu_s: f64) -> f64 {
        cpu_s * 1e6 / self.events as f64
    }

    /// The newest round, in words.
    fn last(&self) -> String {
        let cpu = |round: Option<&Round>| round.map_or(0.0, |r| self.us(r.cpu_s));
        let job = self.job.last().map_or(0.0, |j| self.us(j.cost.cpu_s));
        let (consume, decode) = (cpu(self.consume.last()), cpu(self.decode.last()));
        format!(
            "consume {consume:.2}, with decode {decode:.2}, whole job {job:.2} CPU-µs per event"
        )
    }

    fn told(&self, as_json: bool) -> bool {
        let events = self.events as f64;
        let consume = Spread::of(self.consume.iter().map(|r| self.us(r.cpu_s)));
        let decode = Spread::of(self.decode.iter().map(|r| self.us(r.cpu_s)));
        let job = Spread::of(self.job.iter().map(|j| self.us(j.cost.cpu_s)));
        // Round by round: what disturbs the machine disturbs both neighbours.
        let pairs = self.job.iter().zip(&self.decode);
        let ratio = Spread::of(pairs.map(|(j, d)| j.cost.cpu_s / d.cpu_s));
        let rate = Spread::of(self.job.iter().map(|j| events / j.wall_s));
        let peak = Spread::of(self.job.iter().map(|j| j.cost.peak_rss as f64 / MIB));
        let idle = self.idle.cost.rss as f64;
        let customers = Spread::of(
            self.job
                .iter()
                .map(|j| (j.cost.rss as f64 - idle).max(0.0) / j.customers.max(1) as f64),
        );
        let known = self.job.last().map_or(0, |j| j.customers);
        let bytes = self.consume.last().map_or(0.0, |r| r.bytes as f64 / events);
        let reads =
            |rounds: &[Round]| Spread::of(rounds.iter().map(|r| events / r.wall_s)).words(0);
        let memory =
            |rounds: &[Round]| Spread::of(rounds.iter().map(|r| r.peak_rss as f64 / MIB)).words(0);
        for line in [
            format!(
                "{} events of {bytes:.0} bytes; medians with (least–most)",
                self.events
            ),
            format!(
                "consume      {} CPU-µs per event, {} events/s, {} MiB at most",
                consume.words(2),
                reads(&self.consume),
                memory(&self.consume)
            ),
            format!(
                "with decode  {} CPU-µs per event, {} events/s, {} MiB at most",
                decode.words(2),
                reads(&self.decode),
                memory(&self.decode)
            ),
            format!(
                "whole job    {} CPU-µs per event, {} events/s, {} MiB at most",
                job.words(2),
                rate.words(0),
                peak.words(0)
            ),
            format!("whole job ÷ with decode: {} (goal {GOAL})", ratio.words(2)),
            format!(
                "{} resident bytes per customer ({known} of them) above an empty run's {:.0} MiB; KPI windows and repeats are in it",
                customers.words(0),
                idle / MIB
            ),
        ] {
            say(&line);
        }
        let ok = ratio.median <= GOAL;
        if as_json {
            json_line(
                "floor",
                ok,
                &[
                    ("job_over_floor", ratio.median),
                    ("consume_us", consume.median),
                    ("decode_us", decode.median),
                    ("job_us", job.median),
                    ("events_per_s", rate.median),
                    ("peak_rss_mib", peak.median),
                    ("bytes_per_customer", customers.median),
                ],
            );
        }
        ok
    }
}
