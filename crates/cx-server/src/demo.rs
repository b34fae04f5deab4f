//! In: options of `watchfloor demo`. Kept: a broker, a simulated company and the running house.
//! Out: a live wall, and the accounting at the end. Never knows: business rules.

use crate::access::{self, settings};
use crate::check::{checked, say};
use crate::common::{Common, Foundation, Topics};
use crate::config::Config;
use crate::history::kept::{self as history, History};
use crate::running::Running;
use crate::snapshots::kept::{Settings, Snapshots};
use crate::stage::Theatre;
use crate::topics::{plans, settled};
use crate::{clock, definitions, feed, governing, report, secrets};
use cx_catalog::Catalog;
use cx_gateway::access::Access;
use cx_kafka::{ClientSettings, Embedded};
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_sim::Company;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Partitions of the demo's `cx.interactions`.
const PARTITIONS: u32 = 8;
/// How often the demo's state is saved, s: whoever kills the engine does not wait for long.
const SNAPSHOTS_S: u32 = 10;
/// How long after the start payments begin to fail, ms.
const INCIDENT_AFTER: i64 = 60 * SECOND;

/// What `watchfloor demo` was told.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// Folder of definitions.
    pub(crate) catalog: PathBuf,
    /// An Apache Kafka cluster instead of the embedded broker.
    pub(crate) kafka: Option<String>,
    /// End after this long.
    pub(crate) bound: Option<Duration>,
    /// Events per second.
    pub(crate) rate: f64,
    /// People.
    pub(crate) customers: u32,
    /// Seed of the company.
    pub(crate) seed: u64,
    /// Whether payments fail.
    pub(crate) incident: bool,
    /// History before the wall opens, minutes.
    pub(crate) history_minutes: i64,
    /// Access is closed to all but those of this folder.
    pub(crate) closed: Option<PathBuf>,
    /// End with a line of JSON.
    pub(crate) json: bool,
}

/// Runs the demo; false where an identity fails at the end.
///
/// # Errors
/// A busy port, a broker that does not start, a worker that had to stop.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    let Some((catalog, _)) = checked(&options.catalog) else {
        return Ok(false);
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let access = match &options.closed {
        Some(folder) => {
            let environment = |name: &str| std::env::var(name).ok();
            let closed = settings::Settings::closed(options.address, &environment)?;
            access::opened(&closed, folder, "http")?
        }
        None => Arc::new(Access::open()),
    };
    let gateway = {
        let _inside = runtime.enter();
        let gateway = cx_gateway::bind(cx_gateway::Config {
            address: options.address,
            closed: options.closed.is_some(),
        })?;
        gateway.with_access(Arc::clone(&access))
    };
    let broker = match &options.kafka {
        None => Broker::embedded()?,
        Some(bootstrap) => runtime.block_on(Broker::kafka(bootstrap))?,
    };
    let common = Arc::new(broker.common(&catalog, access)?);
    definitions::first(&common, &catalog)?;
    let company = Arc::new(Mutex::new(company(options, clock::now())));
    let theatre = Theatre::new(&common, &company);
    let first = common.stage.set(Arc::new(theatre));
    debug_assert!(first.is_ok(), "a house has one stage");
    let mut running = Running::start(&common, &options.catalog)?;
    running.also("company", move |common| {
        feed::run(common, &company);
        Ok(())
    })?;
    if options.closed.is_none() {
        say(&runtime.block_on(governing::signed_by_the_cast(&common)));
    }
    let address = gateway.address();
    let live = |took: Duration| {
        format!(
            "{} minutes of history folded in {:.1} s; the wall is live at http://{address}/  (Ctrl-C ends it)",
            options.history_minutes,
            took.as_secs_f64()
        )
    };
    runtime.block_on(running.serve(gateway, options.bound, live));
    let frames = running.stop();
    let ok = report::print("demo", &common.ledger, frames?, options.json);
    runtime.block_on(broker.clear())?;
    Ok(ok)
}

/// Where the demo's log is.
struct Broker {
    topics: Topics,
    settings: ClientSettings,
    /// The one inside this process, or the door to a real one.
    kind: Kind,
    /// Where state is kept, for as long as the demo runs; `None` where the log is not.
    data: Option<PathBuf>,
}

enum Kind {
    Embedded(Embedded),
    Kafka(cx_kafka::Topics),
}

impl Broker {
    fn embedded() -> anyhow::Result<Self> {
        let topics = Topics::new("");
        let broker = Embedded::start(&[
            (&topics.interactions, PARTITIONS),
            (&topics.dead_letters, 1),
            (&topics.definitions, 1),
            (&topics.actions, 1),
            (&topics.alerts, 1),
            (&topics.decisions, PARTITIONS),
        ])?;
        say(&format!(
            "embedded demo broker at {}: in memory only, nothing is kept across restarts",
            broker.bootstrap()
        ));
        Ok(Self {
            topics,
            settings: ClientSettings::embedded(broker.bootstrap()),
            kind: Kind::Embedded(broker),
            data: None,
        })
    }

    /// Topics of this run alone, made now.
    async fn kafka(bootstrap: &str) -> anyhow::Result<Self> {
        let prefix = format!("demo-{:x}.", clock::now().0);
        let config = Config::of_demo(bootstrap, &prefix, PARTITIONS);
        let (topics, settings) = (Topics::new(&prefix), config.kafka.client()?);
        let admin = cx_kafka::Topics::open(&settings)?;
        let plans = plans(&config, &topics);
        admin.create(&plans).await?;
        let faults = settled(&admin, &plans).await?;
        anyhow::ensure!(faults.is_empty(), "{}", faults[0]);
        say(&format!(
            "Apache Kafka at {bootstrap}: the demo's own topics {prefix}* are removed at its end"
        ));
        Ok(Self {
            topics,
            settings,
            kind: Kind::Kafka(admin),
            data: Some(std::env::temp_dir().join(format!("watchfloor-{prefix}"))),
        })
    }

    fn common(&self, catalog: &Catalog, access: Arc<Access>) -> anyhow::Result<Common> {
        let often = Settings {
            every_s: SNAPSHOTS_S,
            ..Settings::default()
        };
        let open = |data| Snapshots::open(&often, data, &self.topics.interactions);
        let snapshots = self.data.as_deref().map(open).transpose()?;
        let definitions = &self.topics.definitions;
        let first = definitions::begun(&self.settings, definitions, catalog)?;
        let set = first.compile(1);
        let (data, topic) = (self.data.as_deref(), &self.topics.interactions);
        let history = History::open(&history::Settings::default(), data, topic, &set)?;
        Common::open(Foundation {
            catalog: first,
            topics: self.topics.clone(),
            partitions: PARTITIONS,
            stamps: TimestampKind::Create,
            settings: self.settings.clone(),
            secrets: secrets::passing()?,
            embedded: matches!(self.kind, Kind::Embedded(_)),
            snapshots,
            history,
            // Its people are simulated: there is nobody to tell.
            receivers: BTreeMap::new(),
            memory_mib: 0,
            access,
        })
    }

    /// Leaves nothing behind on a cluster that is somebody's.
    async fn clear(self) -> anyhow::Result<()> {
        if let Some(data) = &self.data {
            std::fs::remove_dir_all(data)?;
        }
        match self.kind {
            Kind::Embedded(broker) => drop(broker),
            Kind::Kafka(admin) => admin.delete(&self.topics.all()).await?,
        }
        Ok(())
    }
}

fn company(options: &Options, begin: Timestamp) -> Company {
    Company::new(cx_sim::Config {
        seed: options.seed,
        customers: options.customers as usize,
        rate_per_s: options.rate,
        start: begin.plus(-options.history_minutes * MINUTE),
        incident_at: options.incident.then(|| begin.plus(INCIDENT_AFTER)),
        diurnal: false,
        faults: cx_sim::Faults::usual(),
    })
}
