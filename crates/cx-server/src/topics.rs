//! In: a configuration. Kept: nothing. Out: the topics of an installation, made or checked, with
//! everything that is wrong with them. Never knows: what the records say.

use crate::check::{complain, say};
use crate::common::Topics;
use crate::config::Config;
use cx_kafka::{Fault, Plan};
use cx_model::record::TimestampKind;
use cx_model::time::HOUR;
use serde_json::json;

/// How long refused records are kept.
const DEAD_LETTERS_KEPT: i64 = 30 * 24 * HOUR;
/// Kafka's own limit of a record.
const RECORD: u32 = 1_048_588;
/// A set of definitions is one record; a refused one travels with why it was refused.
const LARGE: u32 = 8 * 1_024 * 1_024;

/// What the topics must be like. Until there are snapshots the log is the only memory: a start
/// reads it from offset 0, so it is kept for ever.
pub(crate) fn plans(config: &Config, topics: &Topics) -> Vec<Plan> {
    let kafka = &config.kafka;
    let plan = |name: &str, partitions, stamps, retention_ms, largest| Plan {
        name: name.to_owned(),
        partitions,
        replication: kafka.replication,
        stamps,
        retention_ms,
        largest,
    };
    let live = TimestampKind::LogAppend;
    vec![
        plan(
            &topics.interactions,
            kafka.partitions,
            kafka.stamps(),
            None,
            RECORD,
        ),
        plan(
            &topics.dead_letters,
            1,
            live,
            Some(DEAD_LETTERS_KEPT),
            LARGE,
        ),
        plan(&topics.definitions, 1, live, None, LARGE),
        plan(&topics.actions, 1, live, None, RECORD),
        plan(&topics.alerts, 1, live, None, RECORD),
        plan(&topics.decisions, kafka.partitions, live, None, RECORD),
    ]
}

/// `watchfloor topics create`: makes what is missing, then checks all; false where a topic that
/// was there before is wrong.
///
/// # Errors
/// A broker that does not answer or refuses.
pub(crate) fn create(config: &Config, as_json: bool) -> anyhow::Result<bool> {
    let plans = plans(config, &Topics::new(&config.kafka.prefix));
    let admin = cx_kafka::Topics::open(&config.kafka.client()?)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let made = runtime.block_on(admin.create(&plans))?;
    if !as_json {
        for plan in &plans {
            let what = if made.contains(&plan.name) {
                "made"
            } else {
                "was there"
            };
            say(&format!(
                "{}: {what}, {} partitions",
                plan.name, plan.partitions
            ));
        }
    }
    let faults = runtime.block_on(settled(&admin, &plans))?;
    Ok(told("topics create", &plans, &faults, as_json))
}

/// `watchfloor topics check`; false where anything is wrong.
///
/// # Errors
/// A broker that does not answer or refuses.
pub(crate) fn check(config: &Config, as_json: bool) -> anyhow::Result<bool> {
    let plans = plans(config, &Topics::new(&config.kafka.prefix));
    let admin = cx_kafka::Topics::open(&config.kafka.client()?)?;
    let faults = tokio::runtime::Runtime::new()?.block_on(admin.check(&plans))?;
    Ok(told("topics check", &plans, &faults, as_json))
}

/// All faults; a topic that was made a moment ago may still be on its way to all brokers.
pub(crate) async fn settled(
    admin: &cx_kafka::Topics,
    plans: &[Plan],
) -> Result<Vec<Fault>, cx_kafka::Error> {
    let mut faults = admin.check(plans).await?;
    for _ in 0..20 {
        if faults.iter().all(|f| f.setting != "topic") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        faults = admin.check(plans).await?;
    }
    Ok(faults)
}

/// Says what was found; true where nothing is wrong.
pub(crate) fn told(name: &str, plans: &[Plan], faults: &[Fault], as_json: bool) -> bool {
    let ok = faults.is_empty();
    for fault in faults {
        complain(&fault.to_string());
    }
    if as_json {
        let faults = faults.iter().map(|f| {
            json!({"topic": f.topic, "setting": f.setting, "found": f.found, "wanted": f.wanted, "fix": f.fix})
        });
        let faults: Vec<_> = faults.collect();
        say(&json!({"name": name, "ok": ok, "topics": plans.len(), "faults": faults}).to_string());
    } else if ok {
        say(&format!("{} topics: all right", plans.len()));
    } else {
        complain(&format!("{} faults in the topics", faults.len()));
    }
    ok
}
