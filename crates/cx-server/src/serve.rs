//! In: a configuration. Kept: the running house over an Apache Kafka cluster. Out: a live wall, and
//! the accounting at the end. Never knows: business rules, who writes the events.

use crate::access::settings::Mode;
use crate::check::{checked, say};
use crate::common::{Common, Foundation, Topics};
use crate::config::Config;
use crate::history::kept::History;
use crate::running::Running;
use crate::snapshots::kept::Snapshots;
use crate::{access, actions, alerts, definitions, governing, report, secrets, topics, webhook};
use cx_gateway::Gateway;
use cx_gateway::access::Access;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Runs until Ctrl-C, SIGTERM or `bound` after the wall is live; false where a definition or a
/// topic is wrong, or an identity fails at the end.
///
/// # Errors
/// A busy port, a broker that does not answer, a folder that cannot be written, a worker that had
/// to stop.
pub(crate) fn run(config: &Config, bound: Option<Duration>, as_json: bool) -> anyhow::Result<bool> {
    let Some((catalog, _)) = checked(&config.catalog) else {
        return Ok(false);
    };
    let secrets = secrets::kept(&config.data)?;
    let receivers = webhook::opened(&config.receivers, &catalog.kpis)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let access = access::opened(&config.access, &config.data, config.tls.scheme())?;
    let gateway = {
        let _inside = runtime.enter();
        bound_gateway(config, &access)?
    };
    let names = Topics::new(&config.kafka.prefix);
    let settings = config.kafka.client()?;
    let plans = topics::plans(config, &names);
    let admin = cx_kafka::Topics::open(&settings)?;
    let faults = runtime.block_on(admin.check(&plans))?;
    if !faults.is_empty() {
        return Ok(topics::told("serve", &plans, &faults, as_json));
    }
    drop(admin);
    say(&format!(
        "Kafka at {}: {}, {} partitions; secrets in {}",
        config.kafka.bootstrap,
        names.interactions,
        config.kafka.partitions,
        config.data.display()
    ));
    let snapshots = Snapshots::open(&config.snapshots, &config.data, &names.interactions)?;
    let first = definitions::begun(&settings, &names.definitions, &catalog)?;
    let topic = &names.interactions;
    let set = first.compile(1);
    let history = History::open(&config.history, Some(&config.data), topic, &set)?;
    let common = Arc::new(Common::open(Foundation {
        catalog: first,
        topics: names,
        partitions: config.kafka.partitions,
        stamps: config.kafka.stamps(),
        settings,
        secrets,
        embedded: false,
        snapshots: Some(snapshots),
        history,
        receivers,
        memory_mib: config.memory_mib,
        access,
    })?);
    definitions::first(&common, &catalog)?;
    actions::remember(&common)?;
    governing::remember(&common)?;
    alerts::remember(&common)?;
    name_silent(&common);
    common.live.store(true, Ordering::Release);
    let running = Running::start(&common, &config.catalog)?;
    let address = format!("{}://{}", gateway.scheme(), gateway.address());
    say(&format!("reading the log; progress at {address}/readyz"));
    let live = |took: Duration| {
        format!(
            "{} records read in {:.1} s; the wall is live at {address}/  (Ctrl-C ends it)",
            common.ledger.reach().read,
            took.as_secs_f64()
        )
    };
    runtime.block_on(running.serve(gateway, bound, live));
    let frames = running.stop()?;
    Ok(report::print("serve", &common.ledger, frames, as_json))
}

/// Says which receivers have no address.
fn name_silent(common: &Common) {
    let silent = common.webhooks.silent();
    if !silent.is_empty() {
        say(&format!(
            "without an address, so told nothing of alerts: {} (receivers in the configuration)",
            silent.join(", ")
        ));
    }
}

/// The address, taken; who may what and certificates stand before it. Needs a runtime.
fn bound_gateway(config: &Config, access: &Arc<Access>) -> anyhow::Result<Gateway> {
    let address = config.address;
    let closed = config.access.mode == Mode::Closed;
    let gateway = cx_gateway::bind(cx_gateway::Config { address, closed })?;
    let gateway = gateway.with_access(Arc::clone(access));
    Ok(match config.tls.certificates()? {
        Some(certificates) => gateway.with_certificates(certificates),
        None => gateway,
    })
}
