//! In: a cluster, a built `watchfloor`. Kept: one filled topic for each size of catalogue. Out: what an event
//! costs with 20, 50 and 200 KPIs. Never knows: the engine.

use crate::fill;
use crate::house::{Folded, Installation, found};
use crate::report::{json_line, say};
use crate::stats::Spread;
use anyhow::{Context as _, Result};
use clap::Args;
use cx_kafka::ClientSettings;
use std::fs;
use std::path::{Path, PathBuf};

/// Partitions of each topic.
const PARTITIONS: u32 = 24;
/// Sizes of catalogues.
const SIZES: [usize; 3] = [20, 50, 200];
/// The goal of DESIGN, section 11: the largest ÷ the smallest.
const GOAL: f64 = 1.5;

/// What the KPIs count, spread over the types as the company's events are.
const TYPES: [&str; 20] = [
    "view.page_viewed",
    "contact.queued",
    "contact.answered",
    "contact.ended",
    "conversation.customer_message",
    "conversation.agent_message",
    "conversation.bot_message",
    "commerce.cart_item_added",
    "commerce.checkout_step",
    "commerce.order_placed",
    "commerce.payment_failed",
    "session.started",
    "session.ended",
    "view.screen_viewed",
    "view.search_performed",
    "message.delivered",
    "message.opened",
    "case.opened",
    "promise.kept",
    "feedback.survey_answered",
];

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// The cluster: `host:port`.
    #[arg(long, env = "WATCHFLOOR_TEST_KAFKA")]
    bootstrap: String,
    /// The built program.
    #[arg(long, default_value = "target/release/watchfloor")]
    watchfloor: PathBuf,
    /// Folder of definitions: its channels and sources are used.
    #[arg(long, default_value = "deploy/catalog")]
    catalog: PathBuf,
    /// Events in each topic.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    events: u64,
    /// People who cause them.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(100..=5_000_000))]
    customers: u32,
    /// Times that each size is run, in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the bench; false where the goal is missed.
///
/// # Errors
/// A cluster that does not answer, a round that fails.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut houses = Vec::new();
    for size in SIZES {
        let catalog = folder.path().join(size.to_string());
        write(&found(&options.catalog)?, &catalog, size)?;
        houses.push(Installation {
            watchfloor: found(&options.watchfloor)?,
            catalog,
            bootstrap: options.bootstrap.clone(),
            prefix: format!("bench-{}-kpis-{size}.", std::process::id()),
            partitions: PARTITIONS,
            history: true,
            data: tempfile::tempdir()?,
            // No round lasts until the first one: each folds the whole topic.
            every_s: 3_600,
        });
    }
    let made: Result<()> = houses.iter().try_for_each(Installation::topics);
    let measured = made.and_then(|()| measure(options, &houses));
    let removed: Result<()> = houses.iter().try_for_each(Installation::remove);
    let measured = measured?;
    removed?;
    Ok(told(options, &measured))
}

/// By size, every round.
fn measure(options: &Options, houses: &[Installation]) -> Result<Vec<Vec<Folded>>> {
    let settings = ClientSettings::broker(&options.bootstrap);
    let customers = usize::try_from(options.customers)?;
    for house in houses {
        let size = (options.events, customers);
        fill::fill(&settings, &house.topic(), PARTITIONS, size)?;
    }
    let mut measured: Vec<Vec<Folded>> = houses.iter().map(|_| Vec::new()).collect();
    for round in 1..=options.rounds {
        for (house, rounds) in houses.iter().zip(&mut measured) {
            rounds.push(house.fold(options.events)?);
        }
        say(&format!("round {round} of {} done", options.rounds));
    }
    Ok(measured)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn told(options: &Options, measured: &[Vec<Folded>]) -> bool {
    let us = |folded: &Folded| folded.cost.cpu_s * 1e6 / options.events as f64;
    for (size, rounds) in SIZES.iter().zip(measured) {
        let spread = Spread::of(rounds.iter().map(us));
        say(&format!(
            "{size} KPIs: {} CPU-µs per event",
            spread.words(2)
        ));
    }
    let over = |size: usize| {
        let pairs = measured[size].iter().zip(&measured[0]);
        Spread::of(pairs.map(|(a, b)| us(a) / us(b)))
    };
    say(&format!(
        "200 ÷ 20 KPIs: {} (goal {GOAL}); 50 ÷ 20: {}",
        over(2).words(2),
        over(1).words(2)
    ));
    let ok = over(2).median <= GOAL;
    if options.json {
        let median = |size: usize| Spread::of(measured[size].iter().map(us)).median;
        let figures = [
            ("kpis_200_over_20", over(2).median),
            ("kpis_50_over_20", over(1).median),
            ("us_20", median(0)),
            ("us_50", median(1)),
            ("us_200", median(2)),
        ];
        json_line("kpis", ok, &figures);
    }
    ok
}

/// A catalogue of so many KPIs with four windows each (distinct customers: three).
fn write(from: &Path, to: &Path, size: usize) -> Result<()> {
    for folder in ["kpis", "boards", "sources", "calendars"] {
        fs::create_dir_all(to.join(folder))?;
    }
    fs::copy(from.join("channels.yaml"), to.join("channels.yaml"))?;
    for folder in ["sources", "calendars"] {
        for file in fs::read_dir(from.join(folder)).context(folder)? {
            let file = file?;
            fs::copy(file.path(), to.join(folder).join(file.file_name()))?;
        }
    }
    for i in 0..size {
        fs::write(to.join(format!("kpis/k{i:03}.yaml")), kpi(i))?;
    }
    Ok(())
}

fn kpi(i: usize) -> String {
    let of = format!("event.type == \"cx.{}.v1\"", TYPES[i % TYPES.len()]);
    let channel = ["web", "chat", "voice_call", "email"][i / TYPES.len() % 4];
    let here = format!("{of} && data.channel == \"{channel}\"");
    let (body, unit, windows) = match (i + i / TYPES.len()) % 5 {
        0 => (
            format!("type: simple\nmeasure: {{agg: count, where: {of:?}}}"),
            "count",
            "1m, 5m, 15m, 1h",
        ),
        1 => (
            format!(
                "type: ratio\nnumerator: {{agg: count, where: {here:?}}}\ndenominator: {{agg: count, where: {of:?}}}"
            ),
            "percent",
            "1m, 5m, 15m, 1h",
        ),
        2 => (
            format!("type: simple\nmeasure: {{agg: average, of: data.wait_ms, where: {of:?}}}"),
            "seconds",
            "1m, 5m, 15m, 1h",
        ),
        3 => (
            format!(
                "type: simple\nmeasure: {{agg: percentile, of: data.duration_ms, percentile: 0.9, where: {of:?}}}"
            ),
            "seconds",
            "1m, 5m, 15m, 1h",
        ),
        _ => (
            format!("type: simple\nmeasure: {{agg: count_distinct, of: customer, where: {of:?}}}"),
            "count",
            "5m, 15m, 1h",
        ),
    };
    // Nothing of it: counts are 0, everything else has no value.
    let value = if unit == "count" { ", value: 0" } else { "" };
    format!(
        "kpi: k{i:03}\nbusiness_name: KPI {i}\nmeaning: One of many.\n{body}\n\
         dimensions: [{{name: channel, values: [web, mobile_app, chat, voice_call, email]}}]\nwindows: [{windows}]\nunit: {unit}\n\
         decimals: 1\ndirection: up\nowners: {{business: bench.a, technical: bench.b}}\n\
         examples: [{{events: [{{type: cx.social.mention.v1}}], window: 1h{value}}}]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogues_of_the_bench_are_whole() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/catalog");
        for size in SIZES {
            let folder = tempfile::tempdir().expect("a folder");
            write(&shipped, folder.path(), size).expect("written");
            let catalog = cx_catalog::load(folder.path());
            let catalog = catalog.unwrap_or_else(|faults| panic!("{}", faults[0]));
            assert_eq!(catalog.compile(1).kpis.len(), size);
        }
    }
}
