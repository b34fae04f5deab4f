//! In: options of `watchfloor demo`. Kept: a broker, a simulated company and the running house.
//! Out: a live wall, and the accounting at the end. Never knows: business rules.

use crate::check::{checked, say};
use crate::common::{Common, Foundation, Topics};
use crate::running::Running;
use crate::stage::Theatre;
use crate::{clock, definitions, feed, report, secrets};
use cx_catalog::Catalog;
use cx_kafka::{ClientSettings, Embedded};
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_sim::Company;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Partitions of the demo's `cx.interactions`.
const PARTITIONS: u32 = 8;
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
    let topics = Topics::new("");
    let broker = Embedded::start(&[
        (&topics.interactions, PARTITIONS),
        (&topics.dead_letters, 1),
        (&topics.definitions, 1),
    ])?;
    say(&format!(
        "embedded demo broker at {}: in memory only, nothing is kept across restarts",
        broker.bootstrap()
    ));
    let common = Arc::new(common(&catalog, topics, broker.bootstrap())?);
    definitions::first(&common, &catalog)?;
    let company = Arc::new(Mutex::new(company(options, clock::now())));
    let theatre = Theatre::new(&common, &company);
    let first = common.stage.set(Arc::new(theatre));
    debug_assert!(first.is_ok(), "a house has one stage");
    let mut running = Running::start(&common, &catalog)?;
    running.also("company", move |common| {
        feed::run(common, &company);
        Ok(())
    })?;
    let address = gateway.address();
    let live = |took: Duration| {
        format!(
            "{} minutes of history folded in {:.1} s; the wall is live at http://{address}/  (Ctrl-C ends it)",
            options.history_minutes,
            took.as_secs_f64()
        )
    };
    runtime.block_on(running.serve(gateway, options.bound, live));
    let frames = running.stop()?;
    Ok(report::print("demo", &common.ledger, frames, options.json))
}

fn common(catalog: &Catalog, topics: Topics, bootstrap: &str) -> anyhow::Result<Common> {
    Common::open(Foundation {
        set: Arc::new(catalog.compile(1)),
        topics,
        partitions: PARTITIONS,
        stamps: TimestampKind::Create,
        settings: ClientSettings::embedded(bootstrap),
        secrets: secrets::passing()?,
        embedded: true,
    })
}

fn company(options: &Options, begin: Timestamp) -> Company {
    Company::new(cx_sim::Config {
        seed: options.seed,
        customers: options.customers as usize,
        rate_per_s: options.rate,
        start: begin.plus(-options.history_minutes * MINUTE),
        incident_at: options.incident.then(|| begin.plus(INCIDENT_AFTER)),
        faults: true,
    })
}
