//! In: a seed. Kept: nothing. Out: three sets of definitions, each changed from the one before, and logs
//! that activate them at random places. Never knows: engines.

use crate::world::{Logs, logs, world};
use cx_catalog::{Catalog, load};
use cx_model::control::{Act, Control};
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_sim::slow::LogRecord;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::fs;

/// Files of KPIs by name.
type Files = BTreeMap<String, String>;

/// KPIs that no change touches.
pub(crate) const STAY: [&str; 4] = ["stays_count", "stays_people", "stays_p90", "stays_waiting"];

const WHERE: [&str; 4] = [
    "data.channel == \"web\"",
    "data.amount_minor > 20000",
    "data.channel != \"chat\"",
    "data.wait_ms >= 30000",
];
const DIMS: [&str; 3] = [
    "[]",
    "[{name: channel, values: [web, chat]}]",
    "[{name: channel, values: [web, chat]}, {name: queue, values: [sales, vip]}]",
];
const WINDOWS: [&str; 5] = [
    "[5m, 1h]",
    "[5m]",
    "[5m, 15m, 1h]",
    "[5m, 1h, 24h]",
    "[5m, 1h, day]",
];
/// How many kinds of KPIs there are.
const KINDS: usize = 12;

fn head(name: &str, (unit, windows, dims): (&str, &str, &str), target: u8) -> String {
    let example = windows.trim_matches(['[', ']']).split(',').next();
    format!(
        "kpi: {name}\nbusiness_name: {name}\nmeaning: Of a random world.\nunit: {unit}\ndecimals: 1\n\
         dimensions: {dims}\nwindows: {windows}\ndirection: up\ntarget: {target}\n\
         owners: {{business: a.b, technical: c.d}}\n\
         examples: [{{events: [{{type: cx.view.page_viewed.v1}}], window: {}}}]\n",
        example.unwrap_or("now")
    )
}

/// A KPI of a kind, otherwise at random.
fn kpi(rng: &mut StdRng, name: &str, kind: usize) -> String {
    let condition = WHERE[rng.random_range(0..WHERE.len())];
    let dims = DIMS[rng.random_range(0..DIMS.len())];
    let windows = WINDOWS[rng.random_range(0..WINDOWS.len())];
    let target = rng.random_range(1..9);
    let simple = |unit, measure: String| {
        head(name, (unit, windows, dims), target) + &format!("type: simple\nmeasure: {measure}\n")
    };
    let now = |field: &str, unit, of: &str| {
        let dims = if of == "source.last_event" {
            "[]"
        } else {
            dims
        };
        head(name, (unit, "[now]", dims), target)
            + &format!("type: simple\n{field}: {{of: {of}, where: '{condition}'}}\n")
    };
    match kind {
        0 => simple("count", format!("{{agg: count, where: '{condition}'}}")),
        1 => simple(
            "EUR",
            format!("{{agg: sum, of: data.amount_minor, where: '{condition}'}}"),
        ),
        2 => simple(
            "seconds",
            format!("{{agg: max, of: data.wait_ms, where: '{condition}'}}"),
        ),
        3 => simple(
            "count",
            format!("{{agg: count_distinct, of: customer, where: '{condition}'}}"),
        )
        .replace(", 24h", ""),
        4 => simple(
            "seconds",
            format!("{{agg: percentile, of: data.wait_ms, percentile: 0.5, where: '{condition}'}}"),
        ),
        5 => simple("seconds", "{agg: average, of: fact.reply_ms}".to_owned()),
        6 => now("gauge", "count", "contact.waiting"),
        7 => now("oldest", "seconds", "conversation.unanswered"),
        8 => now("gauge", "count", "conversation.unanswered"),
        9 => simple("count", "{agg: count, of: record}".to_owned())
            .replace(dims, "[{name: reason, values: [invalid_json, future]}]"),
        10 => {
            let attempts = ["every", "first", "last"][rng.random_range(0..3)];
            let within = ["90s", "10m", "24h"][rng.random_range(0..3)];
            head(name, ("percent", windows, dims), target)
                + &format!(
                    "type: conversion\nfilter: '{condition}'\nbase: {{where: data.queue != \"vip\"}}\nconversion: {{where: data.queue == \"vip\"}}\n\
                     entity: customer\nwithin: {within}\nattempts: {attempts}\n"
                )
        }
        _ => {
            head(name, ("percent", windows, dims), target)
                + &format!(
                    "type: ratio\nnumerator: {{agg: count, where: '{condition}'}}\ndenominator: {{agg: count}}\n"
                )
        }
    }
}

fn first(rng: &mut StdRng) -> Files {
    let mut files = Files::new();
    for (name, kind) in STAY.iter().zip([0, 3, 4, 6]) {
        files.insert((*name).to_owned(), kpi(rng, name, kind));
    }
    for kind in 0..KINDS {
        let name = format!("k{kind:02}");
        let text = kpi(rng, &name, kind);
        files.insert(name, text);
    }
    let derived = head("sum_of_two", ("count", "[5m]", "[]"), 3)
        + "type: derived\nexpr: stays_count + k00\nmetrics: [stays_count, k00]\n";
    files.insert("sum_of_two".to_owned(), derived);
    files
}

/// Some are written anew, some get another target, one goes, one comes (again).
fn changed(rng: &mut StdRng, before: &Files) -> Files {
    let mut files = before.clone();
    for kind in 0..KINDS {
        let name = format!("k{kind:02}");
        match rng.random_range(0..6) {
            0 => drop(files.insert(name.clone(), kpi(rng, &name, kind))),
            1 => {
                if let Some(text) = files.get_mut(&name) {
                    *text = text.replace("target: ", "target: 1");
                }
            }
            2 if kind > 0 => {
                if let Some(text) = files.get_mut(&name) {
                    let fewer = text.replace("windows: [5m, 15m, 1h]", "windows: [15m, 5m]");
                    let fewer = fewer.replace("windows: [5m, 1h]", "windows: [5m]");
                    *text = fewer.replace("windows: [5m, 1h, day]", "windows: [5m, 1h]");
                }
            }
            // The derived one needs it.
            3 if kind > 0 => drop(files.remove(&name)),
            _ => {}
        }
    }
    if rng.random_bool(0.5) {
        let text = kpi(rng, "new", 0);
        files.insert("new".to_owned(), text);
    }
    files
}

/// KPIs that are counted together as long as they count the same customers: each comes, goes, and shows other
/// windows, by itself.
fn twins(rng: &mut StdRng, files: &mut Files) {
    let people = ["[24h, day]", "[24h]", "[24h, 7d]"];
    let waits = ["[5m, 1h]", "[15m]", "[15m, day]"];
    for (name, measure, of) in [
        ("twin_a", "count_distinct, of: customer", people),
        ("twin_b", "count_distinct, of: customer", people),
        ("twin_c", "count_distinct, of: customer.channels", people),
        (
            "twin_d",
            "count_distinct, of: customer.cross_channel",
            people,
        ),
        (
            "twin_e",
            "percentile, of: data.wait_ms, percentile: 0.5",
            waits,
        ),
        (
            "twin_f",
            "percentile, of: data.wait_ms, percentile: 0.9",
            waits,
        ),
    ] {
        let known = files.contains_key(name);
        if known && rng.random_bool(0.3) {
            files.remove(name);
        } else if !known || rng.random_bool(0.2) {
            let windows = of[rng.random_range(0..3)];
            let only = ["", ", where: data.wait_ms >= 30000"][usize::from(rng.random_bool(0.2))];
            let (unit, kind) = match measure.starts_with("count") {
                true => ("count", "cumulative"),
                false => ("seconds", "simple"),
            };
            let text = head(name, (unit, windows, "[]"), 3)
                + &format!("type: {kind}\nmeasure: {{agg: {measure}{only}}}\n");
            files.insert(name.to_owned(), text);
        }
    }
}

fn read(files: &Files) -> Catalog {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["kpis", "boards", "sources"] {
        fs::create_dir(dir.path().join(folder)).expect("a folder");
    }
    let channels = "channels:\n  - {channel: web, medium: owned, sync: true}\n  - {channel: chat, medium: owned, sync: true, reply_target_s: 7}\n";
    fs::write(dir.path().join("channels.yaml"), channels).expect("written");
    for (name, text) in files {
        fs::write(dir.path().join(format!("kpis/{name}.yaml")), text).expect("written");
    }
    load(dir.path()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// Three sets of a seed.
pub(crate) fn sets(seed: u64) -> Vec<Catalog> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut files = first(&mut rng);
    // Dice of their own: what seeds say of the others stays.
    let mut dice = StdRng::seed_from_u64(seed ^ 0x7717);
    twins(&mut dice, &mut files);
    let mut sets = vec![read(&files)];
    for _ in 0..2 {
        files = changed(&mut rng, &files);
        twins(&mut dice, &mut files);
        sets.push(read(&files));
    }
    sets
}

/// How sets are activated in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At any place, for any time, in some partitions never, sometimes twice or too early.
    Careless,
    /// Before all partitions reach the time that it names, as a house does it; in an orderly world.
    Orderly,
}

/// Logs of a seed's world with activations, and the same with clock records in their place.
pub(crate) fn activated(
    seed: u64,
    partitions: u32,
    (manner, sets): (Manner, &[Catalog]),
) -> (Logs, Logs) {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
    let mut world = world(seed);
    let mut clocks = 7;
    if manner == Manner::Orderly {
        // Without misplaced or unowned events the worlds are the same in any number of partitions.
        world.sort_by_key(|r| r.0);
        world.retain(|r| r.1.is_some());
        clocks = 1;
    }
    let mut plain = logs(&world, partitions, clocks);
    for record in plain.iter_mut().flatten() {
        if let Some(control) = &mut record.control {
            control.counter *= 100;
        }
    }
    let times: Vec<i64> = plain[0].iter().map(|r| r.timestamp.0).collect();
    let span = times[times.len() - 1] - times[0];
    // Long enough after the world that all that was activated comes into force.
    for log in &mut plain {
        for minute in 1..=25 {
            let at = Timestamp(times[times.len() - 1] + minute * MINUTE);
            insert(log, at, Act::Clock);
        }
    }
    let first = times[0] + rng.random_range(0..span / 4);
    let second = first + 8 * MINUTE + rng.random_range(0..span / 2);
    let activate = |number: u32, effective_from| Act::Activate {
        number,
        hash: sets[number as usize - 1].hash.clone(),
        effective_from,
    };
    for log in &mut plain {
        insert(log, Timestamp(times[0]), activate(1, Timestamp(0)));
    }
    let mut with = plain.clone();
    for (number, at) in (2..).zip([first, second]).take(sets.len() - 1) {
        let from = Timestamp(match manner {
            Manner::Orderly => at + 6 * MINUTE + rng.random_range(0..SECOND),
            Manner::Careless => at + rng.random_range(-20 * MINUTE..20 * MINUTE),
        });
        for (log, bare) in with.iter_mut().zip(&mut plain) {
            let at = match manner {
                Manner::Orderly => at + rng.random_range(0..20 * SECOND),
                Manner::Careless => at + rng.random_range(-10 * MINUTE..20 * MINUTE),
            };
            let times = if manner == Manner::Careless {
                rng.random_range(0..5) / 2
            } else {
                1
            };
            for _ in 0..times {
                insert(log, Timestamp(at), activate(number, from));
                insert(bare, Timestamp(at), Act::Clock);
            }
        }
    }
    if manner == Manner::Careless {
        said_again(&mut rng, sets, (&mut with, &mut plain), (times[0], span));
    }
    (with, plain)
}

/// The active set is said again, here and there wrongly; and some logs lost their beginning, so that nothing
/// else is said of the sets before.
fn said_again(
    rng: &mut StdRng,
    sets: &[Catalog],
    (with, plain): (&mut Logs, &mut Logs),
    (first, span): (i64, i64),
) {
    for (log, bare) in with.iter_mut().zip(plain) {
        let any = |rng: &mut StdRng| {
            let number = rng.random_range(1..=sets.len());
            let hash = if rng.random_ratio(1, 5) { 1 } else { number };
            let hash = sets[hash - 1].hash.clone();
            Act::Restate(u32::try_from(number).expect("few"), hash)
        };
        for _ in 0..rng.random_range(0..12) {
            let at = Timestamp(first + rng.random_range(0..span));
            let act = any(rng);
            insert(log, at, act);
            insert(bare, at, Act::Clock);
        }
        if rng.random_ratio(1, 3) {
            let begun = log.iter_mut().filter_map(|r| r.control.as_mut());
            let mut begun = begun.filter(|c| matches!(c.act, Act::Activate { number: 1, .. }));
            if let Some(control) = begun.next() {
                control.act = any(rng);
            }
        }
    }
}

/// Right after the records that came until then.
fn insert(log: &mut Vec<LogRecord>, at: Timestamp, act: Act) {
    let place = log.iter().position(|r| r.timestamp > at);
    let place = place.unwrap_or(log.len()).max(1);
    let before = log[..place].iter().filter_map(|r| r.control.as_ref());
    let counter = before.map(|c| c.counter).max().unwrap_or(0) + 1;
    // Where a house writes one, the log is that far.
    let timestamp = log[place - 1].timestamp.max(at);
    log.insert(
        place,
        LogRecord {
            timestamp,
            timestamp_kind: TimestampKind::Create,
            value: Vec::new(),
            control: Some(Control { counter, act }),
        },
    );
}
