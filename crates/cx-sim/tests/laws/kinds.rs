//! Law 1 for definitions nobody has written: random percentiles, and random arithmetic over random KPIs.

use crate::fold::fold;
use crate::world::{World, logs, world};
use cx_catalog::{Catalog, load};
use cx_engine::Step;
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, MINUTE, Timestamp};
use cx_sim::slow::SlowModel;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs;

const SEEDS: std::ops::Range<u64> = 0..16;
const DAY: i64 = 24 * HOUR;

fn head(name: &str, unit: &str, decimals: u8, dims: &str) -> String {
    format!(
        "kpi: {name}\nbusiness_name: {name}\nmeaning: Of a random world.\nunit: {unit}\ndecimals: {decimals}\n\
         dimensions: {dims}\nwindows: [1m, 15m, 1h, 24h, 7d, 28d]\ndirection: none\n\
         owners: {{business: a.b, technical: c.d}}\nexamples: [{{events: [{{type: cx.view.page_viewed.v1}}], window: 1h}}]\n"
    )
}

const DIMS: [&str; 3] = [
    "[]",
    "[{name: channel, values: [web, chat]}]",
    "[{name: channel, values: [web, chat]}, {name: queue, values: [sales, vip]}]",
];

/// A measure and the unit it gives.
fn measure(rng: &mut StdRng) -> (String, &'static str) {
    let percentile = f64::from(rng.random_range(1_u16..1_000)) / 1_000.0;
    let (of, unit) = [
        ("data.amount_minor", "EUR"),
        ("data.wait_ms", "seconds"),
        ("fact.reply_ms", "seconds"),
        ("fact.wait_ms", "seconds"),
    ][rng.random_range(0..4)];
    match rng.random_range(0..6) {
        0 => ("{agg: count}".to_owned(), "count"),
        1 => (format!("{{agg: sum, of: {of}}}"), unit),
        2 => (format!("{{agg: average, of: {of}}}"), unit),
        _ => (
            format!("{{agg: percentile, of: {of}, percentile: {percentile}}}"),
            unit,
        ),
    }
}

/// Arithmetic over names of one unit that has this unit; or a plain number.
fn expr(rng: &mut StdRng, names: &[String], depth: u8, plain: bool) -> String {
    let name = |rng: &mut StdRng| names[rng.random_range(0..names.len())].clone();
    if depth == 0 {
        return match (plain, rng.random_range(0..3)) {
            (true, 0) => format!("{}", rng.random_range(-3..9)),
            (true, 1) => format!("0.{}", rng.random_range(1..99_999)),
            (true, _) => format!("({} / {})", name(rng), name(rng)),
            (false, _) => name(rng),
        };
    }
    let next = depth - 1;
    match (plain, rng.random_range(0..4)) {
        (_, 0) => {
            let sign = ["+", "-"][rng.random_range(0..2)];
            let (a, b) = (expr(rng, names, next, plain), expr(rng, names, next, plain));
            format!("({a} {sign} {b})")
        }
        (_, 1) => format!(
            "({}) * ({})",
            expr(rng, names, next, plain),
            expr(rng, names, next, true)
        ),
        (_, 2) => format!(
            "({}) / ({})",
            expr(rng, names, next, plain),
            expr(rng, names, next, true)
        ),
        (true, _) => format!(
            "({}) / ({})",
            expr(rng, names, next, false),
            expr(rng, names, next, false)
        ),
        (false, _) => format!("-({})", expr(rng, names, next, false)),
    }
}

/// Definitions of a seed, read as those of an installation are.
fn catalog(rng: &mut StdRng) -> Catalog {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["kpis", "boards", "sources"] {
        fs::create_dir(dir.path().join(folder)).expect("a folder");
    }
    let channels = "channels:\n  - {channel: web, medium: owned, sync: true}\n  - {channel: chat, medium: owned, sync: true, reply_target_s: 7}\n";
    fs::write(dir.path().join("channels.yaml"), channels).expect("written");
    let write = |name: &str, text: &str| {
        fs::write(dir.path().join(format!("kpis/{name}.yaml")), text).expect("written");
    };
    let mut of: Vec<(String, &str, usize)> = Vec::new();
    for i in 0..8 {
        let (measure, unit) = measure(rng);
        let dims = rng.random_range(0..DIMS.len());
        let name = format!("m{i}");
        let text = head(&name, unit, rng.random_range(0..5), DIMS[dims])
            + &format!("type: simple\nmeasure: {measure}");
        write(&name, &text);
        of.push((name, unit, dims));
    }
    for i in 0..8 {
        let (_, unit, _) = of[rng.random_range(0..of.len())];
        let some: Vec<&(String, &str, usize)> = of.iter().filter(|o| o.1 == unit).collect();
        let names: Vec<String> = some.iter().map(|o| o.0.clone()).collect();
        let plain = rng.random_bool(0.5);
        let depth = rng.random_range(0..4);
        let text = expr(rng, &names, depth, plain);
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let used: Vec<&&(String, &str, usize)> = some
            .iter()
            .filter(|o| words.contains(&o.0.as_str()))
            .collect();
        let Some(dims) = used.iter().map(|o| o.2).min() else {
            continue;
        };
        let metrics: Vec<&str> = used.iter().map(|o| o.0.as_str()).collect();
        let name = format!("m1{i}");
        let own = if plain { "points" } else { unit };
        let decimals = rng.random_range(0..5);
        let file = head(&name, own, decimals, DIMS[dims])
            + &format!(
                "type: derived\nexpr: \"{text}\"\nmetrics: [{}]",
                metrics.join(", ")
            );
        write(&name, &file);
        if !plain {
            of.push((name, unit, dims));
        }
    }
    load(dir.path()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// The world with silences of hours and days in it.
fn stretched(mut world: World, rng: &mut StdRng) -> World {
    let mut by = 0;
    for (at, _, bytes) in &mut world {
        if rng.random_bool(0.1) {
            by += match rng.random_range(0..4) {
                0 => rng.random_range(0..8) * HOUR,
                1 => rng.random_range(0..8) * DAY,
                // So that something just leaves the windows, or just does not.
                2 => DAY - rng.random_range(0..30) * MINUTE,
                _ => DAY - rng.random_range(0..8) * HOUR,
            };
        }
        *at += by;
        if let Ok(mut event) = serde_json::from_slice::<serde_json::Value>(bytes) {
            let time = event["time"].as_str().map(Timestamp::parse_rfc3339);
            let time = time.expect("a time").expect("RFC 3339").plus(by);
            event["time"] = time.to_rfc3339().into();
            *bytes = event.to_string().into_bytes();
        }
    }
    world
}

#[test]
fn law_1_percentiles_and_arithmetic_equal_a_recount_of_the_log() {
    let (mut derived, mut percentiles) = (0, 0);
    for seed in SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let catalog = catalog(&mut rng);
        let set = catalog.compile(1);
        let mut world = world(seed + 100);
        if seed % 2 == 1 {
            world = stretched(world, &mut rng);
        }
        let mut logs = logs(&world, 1 + u32::try_from(seed % 3).expect("small"), 7);
        for record in logs.iter_mut().flatten() {
            record.timestamp_kind = TimestampKind::LogAppend;
        }
        let (sealed, _) = fold(&catalog, &logs, Step::Second);
        let slow = SlowModel::new(&catalog.kpis, catalog.limits, &catalog.reply_targets, &logs);
        let chosen: Vec<i64> = sealed.keys().copied().collect();
        for s in chosen.iter().rev().step_by(chosen.len() / 8) {
            let expected = slow.at(*s);
            for (cell, got) in set.cells.iter().zip(sealed[s].values.iter()) {
                let key = (
                    cell.key.kpi.to_string(),
                    cell.key.window,
                    cell.key.dims.clone(),
                );
                assert_eq!(*got, expected[&key], "seed {seed}, second {s}, {key:?}");
                let told = u32::from(got.value.is_some());
                derived += told * u32::from(cell.kind == "derived");
                percentiles += told * u32::from(cell.kind == "simple" && got.numerator != got.n);
            }
        }
    }
    assert!(
        derived > 500 && percentiles > 500,
        "{derived}, {percentiles}"
    );
}
