//! In: a cluster, a built `watchfloor`. Kept: a topic with one event of each of many customers, hours
//! old. Out: what an idle customer costs, and how long a killed program takes to its first correct
//! number. Never knows: the engine.

use crate::clock;
use crate::house::{House, Installation, found};
use crate::report::{json_line, say};
use anyhow::{Result, ensure};
use clap::Args;
use cx_kafka::{ClientSettings, Producer};
use cx_model::ids::partition_of;
use cx_model::time::{HOUR, Timestamp};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PARTITIONS: u32 = 24;
/// How old the customers' only events are: what is kept of the recently seen is gone by now.
const AGO: i64 = 3 * HOUR;
/// Customers who come again just before the end.
const ACTIVE: u64 = 1_000;
/// How often each partition is saved, s.
const EVERY_S: u32 = 20;
/// The goals of DESIGN, section 11.
const GOAL_S: f64 = 10.0;
const GOAL_BYTES: f64 = 200.0;
const LOOK: Duration = Duration::from_millis(20);
const SILENCE: Duration = Duration::from_secs(300);
const FLUSH: Duration = Duration::from_secs(60);

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
    /// People who were seen once.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    customers: u64,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the bench; false where a goal is missed.
///
/// # Errors
/// A cluster that does not answer, a number that is not right.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let at = installation(options, "full")?;
    let empty = installation(options, "empty")?;
    let measured = at
        .topics()
        .and_then(|()| empty.topics())
        .and_then(|()| measure(options, &at, &empty));
    let removed = at.remove().and_then(|()| empty.remove());
    let ok = measured?;
    removed?;
    Ok(ok)
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
        every_s: EVERY_S,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn measure(options: &Options, at: &Installation, empty: &Installation) -> Result<bool> {
    let customers = options.customers;
    let begun = clock::instant();
    let house = empty.start()?;
    until(&house, "an empty house is ready", ready)?;
    let idle = house.cost()?.rss;
    house.kill()?;
    write(at, (0, customers), clock::now().plus(-AGO))?;
    say(&format!(
        "{customers} customers written in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let house = at.start()?;
    until(&house, "all is read", |h| {
        Ok(sum(h, "applied")? == customers && ready(h)?)
    })?;
    // What the latest hour needed is given back as log time passes it.
    let saved = until_saved(&house, customers)?;
    let per_customer = (house.cost()?.rss.saturating_sub(idle)) as f64 / customers as f64;
    write(at, (0, ACTIVE), clock::now())?;
    until(&house, "the active are counted", |h| {
        Ok(active(h)? == Some(ACTIVE))
    })?;
    house.kill()?;
    let begun = clock::instant();
    let house = at.start()?;
    until(&house, "the first correct number", |h| {
        Ok(active(h)? == Some(ACTIVE))
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(
        sum(&house, "customers")? == customers,
        "a customer was lost"
    );
    drop(house);
    say(&format!(
        "kill -9 to the first correct number: {seconds:.2} s (goal {GOAL_S}); {per_customer:.0} resident bytes per idle customer (goal {GOAL_BYTES})"
    ));
    say(&format!(
        "snapshots: {:.1} bytes per customer, the slowest of {PARTITIONS} written in {} ms",
        saved.bytes as f64 / customers as f64,
        saved.slowest_ms
    ));
    let ok = seconds < GOAL_S && per_customer <= GOAL_BYTES;
    if options.json {
        json_line(
            "restart",
            ok,
            &[
                ("restart_seconds", seconds),
                ("bytes_per_idle_customer", per_customer),
                (
                    "snapshot_bytes_per_customer",
                    saved.bytes as f64 / customers as f64,
                ),
                ("snapshot_slowest_ms", saved.slowest_ms as f64),
                ("customers", customers as f64),
            ],
        );
    }
    Ok(ok)
}

/// One event of each customer of a range, all at about one time.
fn write(at: &Installation, (from, to): (u64, u64), time: Timestamp) -> Result<()> {
    let producer = Producer::open(&ClientSettings::broker(&at.bootstrap))?;
    let topic = at.topic();
    let written = time.to_rfc3339();
    for number in from..to {
        let customer = format!("customer:{number}");
        let event = format!(
            r#"{{"specversion":"1.0","id":"{number}-{}","source":"web-shop","type":"cx.view.page_viewed.v1","subject":"{customer}","time":"{written}","data":{{"channel":"web"}}}}"#,
            time.0
        );
        let partition = Some(partition_of(&customer, at.partitions));
        let (key, stamp) = (Some(customer.as_bytes()), Some(time.0));
        while producer
            .send(&topic, partition, key, event.as_bytes(), &[], stamp)
            .is_err()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    producer.flush(FLUSH)?;
    ensure!(producer.failed() == 0, "records were lost on their way");
    Ok(())
}

struct Saved {
    bytes: u64,
    slowest_ms: u64,
}

/// Waits until every partition has been saved with all that is in it.
fn until_saved(house: &House, customers: u64) -> Result<Saved> {
    let mut saved = Saved {
        bytes: 0,
        slowest_ms: 0,
    };
    let begun = clock::now();
    until(house, "all is saved", |h| {
        let health = h.get("/healthz")?;
        let all = health["snapshots"]["partitions"].as_array();
        let all = all.cloned().unwrap_or_default();
        let number = |p: &Value, field: &str| p[field].as_u64().unwrap_or(0);
        let since = u64::try_from(clock::now().since(begun)).unwrap_or(0);
        saved.bytes = all.iter().map(|p| number(p, "bytes")).sum();
        saved.slowest_ms = all.iter().map(|p| number(p, "took_ms")).max().unwrap_or(0);
        let whole = all.iter().map(|p| number(p, "next_offset")).sum::<u64>() >= customers;
        let later = all.iter().all(|p| number(p, "age_ms") < since);
        Ok(all.len() == PARTITIONS as usize && whole && later)
    })?;
    Ok(saved)
}

fn ready(house: &House) -> Result<bool> {
    Ok(house.get("/readyz")?["ready"] == true)
}

fn sum(house: &House, field: &str) -> Result<u64> {
    let health = house.get("/healthz")?;
    let all = health["partitions"].as_array().cloned().unwrap_or_default();
    Ok(all.iter().filter_map(|p| p[field].as_u64()).sum())
}

/// Active customers of the last 15 minutes at the newest sealed second, where that is fresh.
fn active(house: &House) -> Result<Option<u64>> {
    if !ready(house)? {
        return Ok(None);
    }
    let kpi = house.get("/v1/kpis/active_customers")?;
    let values = kpi["values"].as_array().cloned().unwrap_or_default();
    let total = |v: &&Value| v["window"] == "15m" && v["dims"]["channel"] == "all";
    Ok(values.iter().find(total).and_then(|v| v["value"].as_u64()))
}

fn until(house: &House, what: &str, mut holds: impl FnMut(&House) -> Result<bool>) -> Result<()> {
    let begun: Instant = clock::instant();
    while !holds(house)? {
        ensure!(
            begun.elapsed() < SILENCE,
            "{what}: not within {} s",
            SILENCE.as_secs()
        );
        std::thread::sleep(LOOK);
    }
    Ok(())
}
