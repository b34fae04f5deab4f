//! In: a number of people. Kept: the engines of one worker that hold them. Out: how long a record waits for
//! its engine at half of the worker's greatest rate, with snapshots being made and without. Never knows: Kafka.

use crate::clock;
use crate::report::{json_line, say};
use crate::stats::Spread;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use cx_catalog::compiled::Compiled;
use cx_catalog::{FOLD_VERSION, load};
use cx_engine::{Config, Content, Cut, Delivery, Engine, Plan, Step};
use cx_model::decode::decode;
use cx_model::ids::{HashKey, partition_of};
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, Timestamp};
use cx_server::snapshots::{Folder, Label, Local};
use cx_sim::{Company, Emission, Faults};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Partitions of the worker: two of them share the 24 of an installation.
const PARTITIONS: u32 = 12;
/// Events of one phase: some two seconds.
const PHASE: usize = 400_000;
/// Hours of log time before the phases, in which the people were seen.
const HOURS: i64 = 6;
/// The goals: p99 of applying a record, with snapshots ÷ without; p99 of its wait, ms.
const GOAL_RATIO: f64 = 2.0;
const GOAL_MS: f64 = 20.0;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog")]
    catalog: PathBuf,
    /// People of the worker: half of ten million.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(10_000..=10_000_000))]
    customers: u32,
    /// Pairs of phases, with a snapshot and without.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// One worker and what feeds it.
struct Bench {
    set: Arc<Compiled>,
    lanes: Vec<Lane>,
    company: Company,
}

/// One partition.
struct Lane {
    engine: Engine,
    offset: i64,
}

/// How long applying a record took, and how long it waited from when it was due until it was applied.
struct Waits {
    apply_p99_us: f64,
    p99_ms: f64,
    longest_ms: f64,
}

/// Runs the bench; false where a goal is missed.
///
/// # Errors
/// Definitions that are wrong, a folder that cannot be written.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut bench = Bench::new(options)?;
    bench.fill(options.customers);
    let events = bench.events(PHASE);
    let greatest = PHASE as f64 / bench.flat_out(&events).as_secs_f64();
    let people: usize = bench.lanes.iter().map(|lane| lane.engine.sizes().0).sum();
    say(&format!(
        "{people} people in {PARTITIONS} partitions; at most {greatest:.0} events a second, half of it from now on"
    ));
    let every = Duration::from_secs_f64(2.0 / greatest);
    let data = tempfile::tempdir()?;
    let folder = Folder::open(Local::open(data.path())?, 3)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let mut saved = 0;
    for _ in 0..options.rounds {
        let events = bench.events(PHASE);
        without.push(bench.steady(&events, every, None)?);
        let events = bench.events(PHASE);
        with.push(bench.steady(&events, every, Some((&folder, &mut saved)))?);
    }
    say(&format!("{saved} snapshots of a partition were written"));
    Ok(told(&without, &with, options.json))
}

fn told(without: &[Waits], with: &[Waits], json: bool) -> bool {
    let of = |waits: &[Waits], what: fn(&Waits) -> f64| Spread::of(waits.iter().map(what));
    let apply = |waits| of(waits, |w| w.apply_p99_us);
    let wait = |waits| of(waits, |w| w.p99_ms);
    let longest = |waits| of(waits, |w| w.longest_ms);
    let ratio = with.iter().zip(without);
    let ratio = Spread::of(ratio.map(|(a, b)| a.apply_p99_us / b.apply_p99_us));
    say(&format!(
        "p99 of applying a record, us: {} without snapshots, {} with them: {} times (goal {GOAL_RATIO})",
        apply(without).words(1),
        apply(with).words(1),
        ratio.words(2),
    ));
    say(&format!(
        "p99 wait of a record, ms: {} without, {} with (goal {GOAL_MS})",
        wait(without).words(3),
        wait(with).words(3),
    ));
    say(&format!(
        "longest wait, ms: {} without, {} with",
        longest(without).words(1),
        longest(with).words(1)
    ));
    let ok = ratio.median <= GOAL_RATIO && wait(with).median <= GOAL_MS;
    if json {
        let figures = [
            ("apply_p99_us_without", apply(without).median),
            ("apply_p99_us_with", apply(with).median),
            ("apply_p99_with_over_without", ratio.median),
            ("wait_p99_ms_without", wait(without).median),
            ("wait_p99_ms_with", wait(with).median),
            ("longest_ms_without", longest(without).median),
            ("longest_ms_with", longest(with).median),
        ];
        json_line("pause", ok, &figures);
    }
    ok
}

impl Bench {
    fn new(options: &Options) -> Result<Self> {
        let catalog = load(&options.catalog).map_err(|faults| anyhow!("{}", faults[0]))?;
        let set = Arc::new(catalog.compile(1));
        let plan = Arc::new(Plan::new(Arc::clone(&set)));
        let lane = |partition| {
            let config = Config {
                partition,
                partitions: PARTITIONS,
                start_offset: 0,
                gaps_are_losses: false,
                hash_key: HashKey(7, 9),
            };
            let mut engine = Engine::new(config, Arc::clone(&plan));
            engine.set_step(Step::Minute);
            Lane { engine, offset: 0 }
        };
        let lanes = (0..PARTITIONS).map(lane).collect();
        let rate = f64::from(options.customers) * 2.0 / (HOURS * 3_600) as f64;
        let start = clock::now().plus(-2 * HOURS * HOUR);
        let company = company(1, options.customers, rate, start);
        Ok(Self {
            set,
            lanes,
            company,
        })
    }

    /// Everybody some two times in six hours; from then on a company as busy as the worker can be.
    fn fill(&mut self, customers: u32) {
        let mut last = None;
        for _ in 0..customers.div_ceil(100_000) * 2 {
            let events = self.events(100_000);
            self.flat_out(&events);
            last = events.last().map(|event| event.at);
        }
        for lane in &mut self.lanes {
            lane.engine.set_step(Step::Second);
        }
        let start = last.unwrap_or_else(clock::now).plus(HOUR / 2);
        self.company = company(2, customers, 200_000.0, start);
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
        let lane = &mut self.lanes[partition_of(&event.key, PARTITIONS) as usize];
        lane.engine.handle_record(&Delivery {
            offset: lane.offset,
            timestamp: event.at,
            timestamp_kind: TimestampKind::LogAppend,
            content,
        });
        lane.offset += 1;
        while lane.engine.next_effect().is_some() {}
    }

    fn flat_out(&mut self, events: &[Emission]) -> Duration {
        let begun = clock::instant();
        for event in events {
            self.apply(event);
        }
        begun.elapsed()
    }

    /// One event every so often, however long the one before took. Where snapshots are made, the next
    /// partition is cut as soon as the one before is written, as the house does it.
    fn steady(
        &mut self,
        events: &[Emission],
        every: Duration,
        snapshots: Option<(&Folder<Local>, &mut u32)>,
    ) -> Result<Waits> {
        let mut waits = Vec::with_capacity(events.len());
        let mut applied = Vec::with_capacity(events.len());
        let (folder, saved) = snapshots.unzip();
        let begun = clock::instant();
        std::thread::scope(|scope| {
            let mut saver = folder.map(|folder| Saver::new(scope, folder));
            let mut due = begun;
            for event in events {
                until(due);
                let start = clock::instant();
                self.apply(event);
                applied.push(start.elapsed().as_secs_f64() * 1_000_000.0);
                if let Some(saver) = saver.as_mut().filter(|saver| saver.free()) {
                    let next = saver.begun % PARTITIONS;
                    let lane = &mut self.lanes[next as usize];
                    saver.begin(label(&self.set, next, lane.offset), lane.engine.cut());
                }
                waits.push(due.elapsed().as_secs_f64() * 1_000.0);
                due += every;
            }
            if let (Some(saver), Some(saved)) = (saver, saved) {
                *saved += saver.begun;
                saver.end()?;
            }
            anyhow::Ok(())
        })
        .context("a snapshot")?;
        Ok(Waits {
            apply_p99_us: greatest(&mut applied, 99),
            p99_ms: greatest(&mut waits, 99),
            longest_ms: greatest(&mut waits, 100),
        })
    }
}

/// The least value that so many of 100 do not exceed.
fn greatest(values: &mut [f64], of_100: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * of_100 / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or_default()
}

/// One thread that writes one cut after the other.
struct Saver<'scope> {
    cuts: SyncSender<(Label, Cut)>,
    busy: Arc<AtomicBool>,
    thread: ScopedJoinHandle<'scope, Result<()>>,
    begun: u32,
}

impl<'scope> Saver<'scope> {
    fn new<'env>(scope: &'scope Scope<'scope, 'env>, folder: &'env Folder<Local>) -> Self {
        let (cuts, received) = sync_channel::<(Label, Cut)>(1);
        let busy = Arc::new(AtomicBool::new(false));
        let saving = Arc::clone(&busy);
        let thread = scope.spawn(move || {
            for (label, cut) in received {
                save(folder, &label, cut)?;
                saving.store(false, Ordering::Release);
            }
            Ok(())
        });
        Self {
            cuts,
            busy,
            thread,
            begun: 0,
        }
    }

    fn free(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    fn begin(&mut self, label: Label, cut: Cut) {
        self.busy.store(true, Ordering::Release);
        self.begun += 1;
        // A saver that ended says why at its end.
        drop(self.cuts.send((label, cut)));
    }

    fn end(self) -> Result<()> {
        drop(self.cuts);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("the saver panicked"))?
    }
}

fn company(seed: u64, customers: u32, rate_per_s: f64, start: Timestamp) -> Company {
    Company::new(cx_sim::Config {
        seed,
        customers: customers as usize,
        rate_per_s,
        start,
        incident_at: None,
        diurnal: false,
        faults: Faults::usual(),
    })
}

fn label(set: &Compiled, partition: u32, next_offset: i64) -> Label {
    Label {
        topic: "bench".to_owned(),
        partition,
        partitions: PARTITIONS,
        next_offset,
        fold_version: FOLD_VERSION,
        set_number: 1,
        set_hash: set.hash.clone(),
        hash_key: 1,
        cut_at: 0,
        last: None,
    }
}

fn save(folder: &Folder<Local>, label: &Label, cut: Cut) -> Result<()> {
    let mut unfit = None;
    let blocks = cut.blocks().map_while(|block| {
        let bytes = postcard::to_stdvec(&block);
        bytes.map_err(|e| unfit = Some(e)).ok()
    });
    // Its place in the log is number enough: no two cuts of a partition stand at one.
    folder.save(label, label.next_offset.cast_unsigned(), blocks)?;
    unfit.map_or(Ok(()), |error| Err(error.into()))
}

/// Waits without sleeping: a sleep would be the longest wait of all.
fn until(due: Instant) {
    while clock::instant() < due {
        std::hint::spin_loop();
    }
}
