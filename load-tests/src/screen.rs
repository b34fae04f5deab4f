//! In: a cluster, a built `watchfloor`. Kept: a company that sends, many displays that look. Out: how long
//! an event takes to the screens, and a whole second until it is sealed on them. Never knows: the engine.

use crate::clock;
use crate::displays::{self, Log, Plan, Signs, What};
use crate::house::{House, Installation, found};
use crate::markers::{self, Markers};
use crate::process::{Cost, Machine};
use crate::report::{json_line, say};
use crate::sender::Sender;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use cx_model::time::{SECOND, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PARTITIONS: u32 = 24;
/// How often each partition is saved, s.
const EVERY_S: u32 = 60;
/// The rhythm of the live subscription, ms: it is part of what an event may take.
const INTERVAL_MS: f64 = 50.0;
/// The goals of DESIGN, section 11.
const GOAL_SCREEN_MS: f64 = 50.0;
const GOAL_SEAL_MS: f64 = 400.0;
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);
/// For how long the greatest rate is looked for.
const FULL: Duration = Duration::from_secs(10);
/// Until all is as it stays.
const SETTLE: Duration = Duration::from_secs(5);

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
    /// Displays that look at one board.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    displays: u64,
    /// How long is measured, s.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=600))]
    seconds: u64,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the bench; false where a goal is missed.
///
/// # Errors
/// A cluster that does not answer, a display that is closed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let catalog = tempfile::tempdir()?;
    markers::catalog(&found(&options.catalog)?, catalog.path())?;
    let at = Installation {
        watchfloor: found(&options.watchfloor)?,
        catalog: catalog.path().to_owned(),
        bootstrap: options.bootstrap.clone(),
        prefix: format!("bench-{}-screen.", std::process::id()),
        partitions: PARTITIONS,
        history: false,
        data: tempfile::tempdir()?,
        every_s: EVERY_S,
    };
    at.topics()?;
    let measured = at.start().and_then(|house| measure(options, &at, &house));
    let removed = at.remove();
    let ok = measured?;
    removed?;
    Ok(ok)
}

fn measure(options: &Options, at: &Installation, house: &House) -> Result<bool> {
    until("the house is ready", || {
        Ok(house.get("/readyz")?["ready"] == true)
    })?;
    let signs = Arc::new(Signs::default());
    let plan = Plan {
        address: house.socket()?,
        board: markers::BOARD.to_owned(),
        count: usize::try_from(options.displays)?,
        kpi: markers::KPI,
        dimension: markers::DIMENSION,
    };
    let looking = {
        let signs = Arc::clone(&signs);
        std::thread::spawn(move || displays::look(plan, markers::names(), &signs))
    };
    let done = drive(options, at, house, &signs, || looking.is_finished());
    signs.over.store(true, Ordering::Relaxed);
    let log = looking
        .join()
        .map_err(|_| anyhow::anyhow!("the displays panicked"))?;
    let (markers, load) = done?;
    told(options, &log?, &markers.appended()?, load)
}

/// What was sent while it was measured.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// The greatest rate at which this machine keeps up, events/s, and that of the measured time.
    full: f64,
    half: f64,
    used: Used,
}

/// Who used how many cores meanwhile.
#[derive(Debug, Clone, Copy)]
struct Used {
    house: f64,
    /// Displays and company.
    bench: f64,
    /// The broker, the kernel's own work, and whoever else is on this machine.
    others: f64,
    idle: f64,
}

/// What has been used so far.
struct Meter {
    house: Cost,
    bench: Cost,
    machine: Machine,
}

impl Meter {
    fn read(house: &House) -> Result<Self> {
        Ok(Self {
            house: house.cost()?,
            bench: Cost::of("self")?,
            machine: Machine::now()?,
        })
    }

    fn since(&self, before: &Self, took_s: f64) -> Used {
        let house = (self.house.cpu_s - before.house.cpu_s) / took_s;
        let bench = (self.bench.cpu_s - before.bench.cpu_s) / took_s;
        let busy = (self.machine.busy_s - before.machine.busy_s) / took_s;
        Used {
            house,
            bench,
            others: busy - house - bench,
            idle: (self.machine.idle_s - before.machine.idle_s) / took_s,
        }
    }
}

/// Looks for the greatest rate with all displays open, then sends half of it beside the markers.
fn drive(
    options: &Options,
    at: &Installation,
    house: &House,
    signs: &Signs,
    ended: impl Fn() -> bool,
) -> Result<(Markers, Load)> {
    until("all displays are open", || {
        ensure!(!ended(), "the displays ended");
        Ok(signs.open.load(Ordering::Relaxed) == options.displays)
    })?;
    let mut sender = Sender::open(at)?;
    let full = sender.greatest(house, FULL)?;
    say(&format!(
        "{} displays are open; with them this machine takes {full:.0} events/s at most",
        options.displays
    ));
    let mut markers = Markers::new(at)?;
    let (before, first) = (Meter::read(house)?, sender.sent());
    let begun = clock::instant();
    let end = SETTLE + Duration::from_secs(options.seconds);
    while begun.elapsed() < end {
        ensure!(!ended(), "the displays ended");
        if begun.elapsed() >= SETTLE {
            signs.noting.store(true, Ordering::Relaxed);
        }
        markers.due()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some millions at most"
        )]
        let due = (begun.elapsed().as_secs_f64() * full / 2.0) as u64;
        sender.up_to(first + due)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    signs.noting.store(false, Ordering::Relaxed);
    let took = begun.elapsed().as_secs_f64();
    let used = Meter::read(house)?.since(&before, took);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let half = (sender.sent() - first) as f64 / took;
    sender.finish()?;
    Ok((markers, Load { full, half, used }))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn told(options: &Options, log: &Log, appended: &[Vec<Timestamp>], load: Load) -> Result<bool> {
    let mut screen = Vec::new();
    let mut seal = Vec::new();
    for told in &log.told {
        match told.what {
            What::Value { of, from, to } => {
                for number in from.max(0)..to {
                    let appended = appended[of].get(usize::try_from(number)?);
                    let appended = appended.context("a marker nobody sent")?;
                    screen.push(told.at.since(*appended) as f64);
                }
            }
            What::Second { s } => seal.push((told.at.0 - s * SECOND) as f64),
        }
    }
    ensure!(
        !screen.is_empty() && !seal.is_empty(),
        "the displays were told nothing"
    );
    let [median, p99, worst] = [0.5, 0.99, 1.0].map(|part| at_part(&mut screen, part));
    let [seal_median, seal_p99, seal_worst] = [0.5, 0.99, 1.0].map(|part| at_part(&mut seal, part));
    let beyond = p99 - INTERVAL_MS;
    let ok = beyond <= GOAL_SCREEN_MS && seal_p99 <= GOAL_SEAL_MS;
    say(&format!(
        "at {:.0} events/s, half of the greatest rate, for {} s: {} frames of {} bytes",
        load.half,
        options.seconds,
        log.frames,
        log.bytes / log.frames.max(1)
    ));
    let Used {
        house,
        bench,
        others,
        idle,
    } = load.used;
    say(&format!(
        "cores: the house {house:.2}, displays and company {bench:.2}, broker and whoever else {others:.2}, idle {idle:.2}"
    ));
    say(&format!(
        "event to screen: median {median:.0}, p99 {p99:.0}, most {worst:.0} ms of {} sightings; p99 beyond the interval of {INTERVAL_MS:.0} ms: {beyond:.0} (goal {GOAL_SCREEN_MS:.0})",
        screen.len()
    ));
    say(&format!(
        "whole second to sealed on the screens: median {seal_median:.0}, p99 {seal_p99:.0}, most {seal_worst:.0} ms of {} (goal {GOAL_SEAL_MS:.0})",
        seal.len()
    ));
    if options.json {
        json_line(
            "screen",
            ok,
            &[
                ("screen_p99_ms", beyond),
                ("screen_median_ms", median - INTERVAL_MS),
                ("seal_p99_ms", seal_p99),
                ("seal_median_ms", seal_median),
                ("displays", options.displays as f64),
                ("full_events_per_s", load.full),
                ("events_per_s", load.half),
                ("frames", log.frames as f64),
                ("house_cores", house),
                ("bench_cores", bench),
                ("other_cores", others),
                ("idle_cores", idle),
            ],
        );
    }
    Ok(ok)
}

/// The value below which a part of them lies, by nearest rank.
pub(crate) fn at_part(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a list in memory"
    )]
    let rank = (values.len() as f64 * part).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = clock::instant();
    while !holds()? {
        ensure!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {} s",
            PATIENCE.as_secs()
        );
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// A folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
