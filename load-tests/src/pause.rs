//! In: a number of people. Kept: one partition's engine that holds them. Out: how long a record waits for
//! the engine at half of its greatest rate, with a snapshot being made and without. Never knows: Kafka.

use crate::clock;
use crate::report::{json_line, say};
use crate::stats::Spread;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use cx_catalog::compiled::Compiled;
use cx_catalog::{FOLD_VERSION, load};
use cx_engine::{Config, Content, Cut, Delivery, Engine, Plan, Step};
use cx_model::decode::decode;
use cx_model::ids::HashKey;
use cx_model::record::TimestampKind;
use cx_model::time::HOUR;
use cx_server::snapshots::{Folder, Label, Local};
use cx_sim::{Company, Emission, Faults};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events of one phase.
const PHASE: usize = 200_000;
/// The goals: p99 with a snapshot ÷ without; the p99 itself, ms.
const GOAL_RATIO: f64 = 2.0;
const GOAL_MS: f64 = 20.0;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog")]
    catalog: PathBuf,
    /// People of one partition: a 24th of ten million.
    #[arg(long, default_value_t = 416_667, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    customers: u32,
    /// Pairs of phases, with a snapshot and without.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// One partition and what feeds it.
struct Bench {
    set: Arc<Compiled>,
    engine: Engine,
    company: Company,
    offset: i64,
}

/// How long records waited from when they were due until they were applied.
struct Waits {
    p99_ms: f64,
    longest_ms: f64,
}

/// Runs the bench; false where a goal is missed.
///
/// # Errors
/// Definitions that are wrong, a folder that cannot be written.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut bench = Bench::new(&options.catalog, options.customers)?;
    // Each person some three times.
    for _ in 0..options.customers.div_ceil(100_000) * 3 {
        let events = bench.events(100_000);
        bench.flat_out(&events);
    }
    let events = bench.events(PHASE);
    let greatest = PHASE as f64 / bench.flat_out(&events).as_secs_f64();
    let (people, _) = bench.engine.sizes();
    say(&format!(
        "{people} people; at most {greatest:.0} events a second, half of it from now on"
    ));
    let every = Duration::from_secs_f64(2.0 / greatest);
    let data = tempfile::tempdir()?;
    let folder = Folder::open(Local::open(data.path())?, 3)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for uid in 0..u64::from(options.rounds) {
        let events = bench.events(PHASE);
        without.push(bench.steady(&events, every, None)?);
        let events = bench.events(PHASE);
        with.push(bench.steady(&events, every, Some((&folder, uid)))?);
    }
    Ok(told(&without, &with, options.json))
}

fn told(without: &[Waits], with: &[Waits], json: bool) -> bool {
    let p99 = |waits: &[Waits]| Spread::of(waits.iter().map(|w| w.p99_ms));
    let longest = |waits: &[Waits]| Spread::of(waits.iter().map(|w| w.longest_ms));
    let ratio = Spread::of(with.iter().zip(without).map(|(a, b)| a.p99_ms / b.p99_ms));
    say(&format!(
        "p99 wait of a record, ms: {} without a snapshot, {} with one: {} times (goals {GOAL_RATIO}, {GOAL_MS} ms)",
        p99(without).words(3),
        p99(with).words(3),
        ratio.words(2),
    ));
    say(&format!(
        "longest wait, ms: {} without, {} with",
        longest(without).words(1),
        longest(with).words(1)
    ));
    let ok = ratio.median <= GOAL_RATIO && p99(with).median <= GOAL_MS;
    if json {
        let figures = [
            ("p99_ms_without", p99(without).median),
            ("p99_ms_with", p99(with).median),
            ("p99_with_over_without", ratio.median),
            ("longest_ms_without", longest(without).median),
            ("longest_ms_with", longest(with).median),
        ];
        json_line("pause", ok, &figures);
    }
    ok
}

impl Bench {
    fn new(catalog: &Path, customers: u32) -> Result<Self> {
        let catalog = load(catalog).map_err(|faults| anyhow!("{}", faults[0]))?;
        let set = Arc::new(catalog.compile(1));
        let config = Config {
            partition: 0,
            partitions: 1,
            start_offset: 0,
            gaps_are_losses: false,
            hash_key: HashKey(7, 9),
        };
        let mut engine = Engine::new(config, Arc::new(Plan::new(Arc::clone(&set))));
        engine.set_step(Step::Second);
        Ok(Self {
            engine,
            company: Company::new(cx_sim::Config {
                seed: 1,
                customers: customers as usize,
                // A 24th of some thousands a second.
                rate_per_s: 300.0,
                start: clock::now().plus(-9 * HOUR),
                incident_at: None,
                diurnal: false,
                faults: Faults::usual(),
            }),
            offset: 0,
            set,
        })
    }

    fn events(&mut self, some: usize) -> Vec<Emission> {
        (0..some).map(|_| self.company.next_emission()).collect()
    }

    fn apply(&mut self, event: &Emission) {
        let decoded = decode(&event.value, &self.set.slots, &self.set.limits);
        let content = match &decoded {
            Ok(event) => Content::Event(event),
            Err(rejected) => Content::Rejected(rejected.clone()),
        };
        self.engine.handle_record(&Delivery {
            offset: self.offset,
            timestamp: event.at,
            timestamp_kind: TimestampKind::LogAppend,
            content,
        });
        self.offset += 1;
        while self.engine.next_effect().is_some() {}
    }

    fn flat_out(&mut self, events: &[Emission]) -> Duration {
        let begun = clock::instant();
        for event in events {
            self.apply(event);
        }
        begun.elapsed()
    }

    /// One event every so often, however long the one before took; a snapshot, if one is made, is cut
    /// before the first of them.
    fn steady(
        &mut self,
        events: &[Emission],
        every: Duration,
        snapshot: Option<(&Folder<Local>, u64)>,
    ) -> Result<Waits> {
        let mut waits = Vec::with_capacity(events.len());
        let begun = clock::instant();
        std::thread::scope(|scope| {
            let saving = snapshot.map(|(folder, uid)| {
                let (label, cut) = (self.label(), self.engine.cut());
                scope.spawn(move || save(folder, &label, uid, cut))
            });
            let mut due = begun;
            for event in events {
                until(due);
                self.apply(event);
                waits.push(due.elapsed().as_secs_f64() * 1_000.0);
                due += every;
            }
            let saved =
                saving.map(|saving| saving.join().map_err(|_| anyhow!("the saver panicked")));
            saved.transpose()?.transpose().context("a snapshot")
        })?;
        waits.sort_by(f64::total_cmp);
        let at = |share: usize| waits.get(waits.len() * share / 100).copied();
        Ok(Waits {
            p99_ms: at(99).unwrap_or_default(),
            longest_ms: waits.last().copied().unwrap_or_default(),
        })
    }

    fn label(&self) -> Label {
        Label {
            topic: "bench".to_owned(),
            partition: 0,
            partitions: 1,
            next_offset: self.offset,
            fold_version: FOLD_VERSION,
            set_number: 1,
            set_hash: self.set.hash.clone(),
            hash_key: 1,
            cut_at: 0,
            last: None,
        }
    }
}

fn save(folder: &Folder<Local>, label: &Label, uid: u64, cut: Cut) -> Result<()> {
    let mut unfit = None;
    let blocks = cut.blocks().map_while(|block| {
        let bytes = postcard::to_stdvec(&block);
        bytes.map_err(|e| unfit = Some(e)).ok()
    });
    folder.save(label, uid, blocks)?;
    unfit.map_or(Ok(()), |error| Err(error.into()))
}

/// Waits without sleeping: a sleep would be the longest wait of all.
fn until(due: Instant) {
    while clock::instant() < due {
        std::hint::spin_loop();
    }
}
