//! In: options of `watchfloor demo`. Kept: every room, in one process. Out: a live wall, and the
//! accounting at the end. Never knows: business rules.

use crate::check::{checked, say};
use crate::house::{House, shown};
use crate::ledger::Ledger;
use crate::worker::{self, Common};
use crate::{clock, feed, judge, report};
use anyhow::Context as _;
use cx_catalog::Catalog;
use cx_engine::Rollup;
use cx_gateway::{Desk, Gateway, Hub};
use cx_kafka::{ClientSettings, Embedded, Producer};
use cx_model::control::{Act, Control, Keyring};
use cx_model::ids::HashKey;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_model::value::Board;
use cx_model::vocabulary::{TOPIC_DEAD_LETTERS, TOPIC_DEFINITIONS, TOPIC_INTERACTIONS};
use cx_sim::Company;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Partitions of the embedded broker's `cx.interactions`.
const PARTITIONS: u32 = 8;
/// Threads that each own some partitions.
const WORKERS: u32 = 2;
/// Parts on their way to the judge; beyond them workers wait.
const PARTS: usize = 4_096;
/// How long after the start payments begin to fail, ms.
const INCIDENT_AFTER: i64 = 60 * SECOND;

/// What `watchfloor demo` was told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub address: SocketAddr,
    /// Folder of definitions.
    pub catalog: PathBuf,
    /// End after this long.
    pub bound: Option<Duration>,
    /// Events per second.
    pub rate: f64,
    /// People.
    pub customers: u32,
    /// Seed of the company.
    pub seed: u64,
    /// Whether payments fail.
    pub incident: bool,
    /// History before the wall opens, minutes.
    pub history_minutes: i64,
    /// End with a line of JSON.
    pub json: bool,
}

/// Runs the demo; false where an identity fails at the end.
///
/// # Errors
/// A busy port, a broker that does not start, a worker that had to stop.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let Some((catalog, _)) = checked(&options.catalog) else {
        return Ok(false);
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let gateway = {
        let _inside = runtime.enter();
        cx_gateway::bind(cx_gateway::Config {
            address: options.address,
        })?
    };
    let broker = Embedded::start(&[
        (TOPIC_INTERACTIONS, PARTITIONS),
        (TOPIC_DEAD_LETTERS, 1),
        (TOPIC_DEFINITIONS, 1),
    ])?;
    say("embedded demo broker: in memory only, nothing is kept across restarts");
    let begin = clock::now();
    let common = Arc::new(common(&catalog, broker.bootstrap())?);
    let history = begin.plus(-options.history_minutes * MINUTE);
    activate(&common, &catalog, history)?;
    let boards: Vec<Arc<Board>> = common.set.boards.iter().cloned().map(Arc::new).collect();
    let hub = Arc::new(Hub::new(
        format!("{:06x}", begin.0 & 0xff_ffff),
        boards.clone(),
    ));
    let rollup = Arc::new(Mutex::new(Rollup::new(Arc::clone(&common.set), PARTITIONS)));
    let threads = threads(&common, &rollup, &hub, company(options, begin, history))?;
    let house: Arc<dyn Desk> = Arc::new(House {
        common: Arc::clone(&common),
        rollup,
        boards,
        kpis: Arc::new(shown(&catalog)),
    });
    runtime.block_on(open(options, gateway, house, &hub, &common));
    common.stop.store(true, Ordering::Relaxed);
    for thread in threads {
        match thread.join() {
            Ok(done) => done?,
            Err(_) => anyhow::bail!("a thread of the house panicked"),
        }
    }
    common.producer.flush(Duration::from_secs(2))?;
    Ok(report::print(&common.ledger, hub.frames(), options.json))
}

fn common(catalog: &Catalog, bootstrap: &str) -> anyhow::Result<Common> {
    let mut secret = [0_u8; 48];
    getrandom::fill(&mut secret).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    let word = |at: usize| u64::from_le_bytes(secret[at..at + 8].try_into().expect("eight bytes"));
    let settings = ClientSettings::embedded(bootstrap);
    Ok(Common {
        set: Arc::new(catalog.compile(1)),
        partitions: PARTITIONS,
        producer: Producer::open(&settings)?,
        settings,
        keys: Keyring::default().with("demo", &secret[..32]),
        key_id: "demo".to_owned(),
        hash_key: HashKey(word(32), word(40)),
        embedded: true,
        live: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        ledger: Ledger::new(PARTITIONS),
    })
}

/// Set 1 goes into the empty `cx.definitions`, its activation into every partition, before
/// anything is read.
fn activate(common: &Common, catalog: &Catalog, at: Timestamp) -> anyhow::Result<()> {
    let set = serde_json::json!({"set": 1, "hash": catalog.hash, "kpis": catalog.kpis, "limits": catalog.limits});
    let sent = common.producer.send(
        TOPIC_DEFINITIONS,
        Some(0),
        Some(b"set-1"),
        set.to_string().as_bytes(),
        &[],
        Some(at.0),
    );
    sent.context("writing set 1")?;
    let act = Act::Activate {
        number: 1,
        hash: catalog.hash.clone(),
    };
    let control = Control { counter: 1, act };
    for partition in 0..PARTITIONS {
        anyhow::ensure!(
            common.control(partition, &control, at),
            "the broker's queue is full at start"
        );
    }
    common.producer.flush(Duration::from_secs(10))?;
    Ok(())
}

fn company(options: &Options, begin: Timestamp, history: Timestamp) -> Company {
    Company::new(cx_sim::Config {
        seed: options.seed,
        customers: options.customers as usize,
        rate_per_s: options.rate,
        start: history,
        incident_at: options.incident.then(|| begin.plus(INCIDENT_AFTER)),
        faults: true,
    })
}

type Thread = JoinHandle<anyhow::Result<()>>;

fn threads(
    common: &Arc<Common>,
    rollup: &Arc<Mutex<Rollup>>,
    hub: &Arc<Hub>,
    company: Company,
) -> anyhow::Result<Vec<Thread>> {
    let (parts, judged) = sync_channel(PARTS);
    let mut threads = Vec::new();
    let mut start = |name: String, work: Box<dyn FnOnce() -> anyhow::Result<()> + Send>| {
        let thread = std::thread::Builder::new().name(name).spawn(work)?;
        threads.push(thread);
        anyhow::Ok(())
    };
    for w in 0..WORKERS {
        let (common, parts) = (Arc::clone(common), parts.clone());
        let owned: Vec<u32> = (0..PARTITIONS).filter(|p| p % WORKERS == w).collect();
        let work = move || {
            let done = worker::run(Arc::clone(&common), &owned, parts);
            // One worker that cannot go on stops the house; its error is the house's.
            common.stop.store(true, Ordering::Relaxed);
            done
        };
        start(format!("worker-{w}"), Box::new(work))?;
    }
    drop(parts);
    let (rollup, hub) = (Arc::clone(rollup), Arc::clone(hub));
    start(
        "judge".to_owned(),
        Box::new(move || {
            judge::run(&judged, &rollup, &hub);
            Ok(())
        }),
    )?;
    let common = Arc::clone(common);
    start(
        "company".to_owned(),
        Box::new(move || {
            // The activations are in the log as well.
            let written = AtomicI64::new(i64::from(PARTITIONS));
            feed::run(&common, company, &written);
            Ok(())
        }),
    )?;
    Ok(threads)
}

/// Serves until Ctrl-C, SIGTERM, the bound, or a worker's end.
async fn open(
    options: &Options,
    gateway: Gateway,
    house: Arc<dyn Desk>,
    hub: &Arc<Hub>,
    common: &Arc<Common>,
) {
    let address = gateway.address();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(
        gateway.serve(Arc::clone(&house), Arc::clone(hub), async move {
            drop(told.await);
        }),
    );
    let begun = clock::instant();
    let mut ready = false;
    let mut every = tokio::time::interval(Duration::from_millis(50));
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let mut deadline = None;
    loop {
        tokio::select! {
            () = &mut interrupted => break,
            _ = every.tick() => {}
        }
        if common.stop.load(Ordering::Relaxed) || deadline.is_some_and(|d| clock::instant() >= d) {
            break;
        }
        if !ready && house.ready().ready {
            ready = true;
            deadline = options.bound.map(|b| clock::instant() + b);
            say(&format!(
                "{} minutes of history folded in {:.1} s; the wall is live at http://{address}/  (Ctrl-C ends it)",
                options.history_minutes,
                begun.elapsed().as_secs_f64()
            ));
        }
    }
    drop(tell);
    drop(serving.await);
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        done = tokio::signal::ctrl_c() => if done.is_err() { std::future::pending::<()>().await },
        () = terminated => {}
    }
}
