//! Random definitions of every kind. In: a seed's dice. Kept: nothing. Out: files of a catalogue.
//! Never knows: engines.

use rand::Rng;
use rand::rngs::StdRng;
use std::fs;
use std::path::Path;

/// Zones whose clocks are turned at midnight, by half an hour, by two, or never.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "America/New_York",
    "Asia/Beirut",
];

/// Calendars `c0`, `c1`, …, perhaps one called `default`; how many.
fn calendars(dir: &Path, rng: &mut StdRng) -> usize {
    let many = 3;
    for i in 0..many {
        let zone = ZONES[rng.random_range(0..ZONES.len())];
        let begins = rng.random_range(0..96) * 15;
        let from = rng.random_range(0..700);
        let to = rng.random_range(from + 1..720);
        let clock = |m: u32| format!("{:02}:{:02}", m / 60, m % 60);
        let hours = format!(
            "[\"{}-{}\", \"{}-24:00\"]",
            clock(from),
            clock(to),
            clock(to + rng.random_range(0..600))
        );
        let name = if i == 0 && rng.random_bool(0.5) {
            "default".to_owned()
        } else {
            format!("c{i}")
        };
        let text = format!(
            "calendar: {name}\nzone: {zone}\nday_start: \"{}\"\nhours:\n  - {{days: [mon, tue, wed, sun], open: {hours}}}\n  \
             - {{days: [fri], open: [\"00:00-24:00\"]}}\nholidays:\n  - {{date: 2026-03-29, open: [\"01:30-03:30\"]}}\n  - {{date: 2026-11-01}}\n",
            clock(if rng.random_bool(0.5) { begins } else { 0 }),
        );
        fs::write(dir.join(format!("calendars/{name}.yaml")), text).expect("written");
    }
    many
}

/// What counts over the day of some calendar.
fn days(rng: &mut StdRng, calendars: usize, write: &impl Fn(&str, &str)) {
    let all = [
        ("{agg: count}", "count"),
        ("{agg: sum, of: data.amount_minor}", "EUR"),
        ("{agg: min, of: data.wait_ms}", "seconds"),
        ("{agg: max, of: data.amount_minor}", "EUR"),
        ("{agg: median, of: data.wait_ms}", "seconds"),
        ("{agg: count_distinct, of: customer}", "count"),
        (
            "{agg: count_distinct, of: customer, where: data.wait_ms > 40000}",
            "count",
        ),
    ];
    for (i, (measure, unit)) in all.iter().enumerate() {
        let name = format!("day{i}");
        let calendar = rng.random_range(1..calendars);
        let text = head(&name, unit, 2, DIMS[rng.random_range(0..DIMS.len())])
            .replace("1m, 15m, 1h, ", "")
            .replace("windows:", &format!("calendar: c{calendar}\nwindows:"))
            .replace("window: 1h", "window: day");
        write(
            &name,
            &format!("{text}type: cumulative\nmeasure: {measure}"),
        );
    }
    for of in ["customer.channels", "customer.cross_channel"] {
        let name = of.replace("customer.", "across_");
        let only = ["", ", where: data.wait_ms > 20000"][rng.random_range(0..2)];
        let calendar = rng.random_range(1..calendars);
        let text = head(&name, "count", 0, "[]")
            .replace("1m, 15m, 1h, ", "")
            .replace("windows:", &format!("calendar: c{calendar}\nwindows:"))
            .replace("window: 1h", "window: day");
        let rest = format!("type: cumulative\nmeasure: {{agg: count_distinct, of: {of}{only}}}");
        write(&name, &(text + &rest));
    }
    conversions(rng, write);
    replies(rng, write);
    numbers(rng, write);
    combinations(rng, write);
    for of in [
        "contact.waiting",
        "conversation.unanswered",
        "conversation.overdue",
        "case.open",
    ] {
        let name = format!("now_{}", of.replace('.', "_"));
        let dims = [
            DIMS[1],
            "[{name: age, bands: [10s, 5m, 1h, 24h]}]",
            "[{name: channel, values: [web, chat]}, {name: age, bands: [1m, 2h]}]",
            "[{name: age, bands: [90s]}, {name: queue, values: [vip]}]",
        ][rng.random_range(0..4)];
        let text = head(&name, "count", 0, dims)
            .replace("1m, 15m, 1h, 24h, day, 7d, 28d", "now")
            .replace("window: 1h", "window: now");
        write(&name, &format!("{text}type: simple\ngauge: {{of: {of}}}"));
    }
}

fn head(name: &str, unit: &str, decimals: u8, dims: &str) -> String {
    format!(
        "kpi: {name}\nbusiness_name: {name}\nmeaning: Of a random world.\nunit: {unit}\ndecimals: {decimals}\n\
         dimensions: {dims}\nwindows: [1m, 15m, 1h, 24h, day, 7d, 28d]\ndirection: none\n\
         owners: {{business: a.b, technical: c.d}}\nexamples: [{{events: [{{type: cx.view.page_viewed.v1}}], window: 1h}}]\n"
    )
}

const DIMS: [&str; 3] = [
    "[]",
    "[{name: channel, values: [web, chat]}]",
    "[{name: channel, values: [web, chat]}, {name: queue, values: [sales, vip]}]",
];

/// From some event to another, counted in each way.
fn conversions(rng: &mut StdRng, write: &impl Fn(&str, &str)) {
    let stages = [
        "event.type == \"cx.contact.queued.v1\"",
        "event.type == \"cx.commerce.checkout_step.v1\"",
        "event.type == \"cx.commerce.order_placed.v1\"",
        "data.channel == \"chat\"",
        "event.type == \"cx.conversation.customer_message.v1\"",
        "event.type == \"cx.conversation.agent_message.v1\" && !data.automated && fact.reply_ms >= 0",
    ];
    let properties = [
        "",
        "constant_properties: [queue]\n",
        "changed_properties: [channel]\n",
        "constant_properties: [step]\nchanged_properties: [channel, queue]\n",
    ];
    for i in 0..6 {
        let mut one = |of: &[&'static str]| of[rng.random_range(0..of.len())];
        let (base, conversion) = (one(&stages), one(&stages));
        let entity = one(&["customer", "contact", "conversation"]);
        let within = one(&["5s", "90s", "10m", "1h", "24h", "5d"]);
        let attempts = one(&["every", "first", "last"]);
        let calculation = one(&[
            "conversion_rate",
            "drop_off_rate",
            "conversions",
            "decided",
            "undecided",
        ]);
        let (dims, properties) = (one(&DIMS), one(&properties));
        let unit = if calculation.ends_with("rate") {
            "percent"
        } else {
            "count"
        };
        let name = format!("conv{i}");
        let mut text = head(&name, unit, 1, dims);
        if calculation == "undecided" {
            text = text
                .replace("1m, 15m, 1h, 24h, day, 7d, 28d", "now")
                .replace("window: 1h", "window: now");
        }
        let rest = format!(
            "type: conversion\nbase: {{where: '{base}'}}\nconversion: {{where: '{conversion}'}}\nentity: {entity}\n\
             within: {within}\nattempts: {attempts}\ncalculation: {calculation}\n{properties}"
        );
        write(&name, &(text + &rest));
    }
}

/// Promised replies.
fn replies(rng: &mut StdRng, write: &impl Fn(&str, &str)) {
    let dims = DIMS[rng.random_range(0..DIMS.len())];
    let filter = ["", "filter: data.wait_ms > 20000\n"][rng.random_range(0..2)];
    let text = head("replies", "percent", 1, dims);
    let rest = "type: ratio\nnumerator: {agg: count, of: reply.met}\ndenominator: {agg: count, of: reply.decided}\n";
    write("replies", &(text + rest + filter));
}

/// Breakdowns by what is no text, and by declared combinations.
fn combinations(rng: &mut StdRng, write: &impl Fn(&str, &str)) {
    let all = [
        "[automated]",
        "[{name: score, values: [\"1\", \"3\"]}, automated]",
        "[{name: desk, of: [channel, queue], values: [web/sales, chat/vip, chat/sales]}]",
        "[{name: desk, of: [channel, automated, score], values: [web/true/1, chat/false/2]}, {name: queue, values: [vip]}]",
    ];
    for (i, dims) in all.iter().enumerate() {
        let measure = [
            "{agg: count}",
            "{agg: count_distinct, of: customer}",
            "{agg: max, of: data.score}",
        ][rng.random_range(0..3)];
        let name = format!("combined{i}");
        let text = head(&name, "count", 0, dims).replace("1m, 15m, 1h, 24h", "15m, 1h, 24h");
        write(&name, &format!("{text}type: simple\nmeasure: {measure}"));
    }
}

/// What sources number.
fn numbers(rng: &mut StdRng, write: &impl Fn(&str, &str)) {
    let dims = ["[]", "[source]", "[{name: source, values: [payments]}]"][rng.random_range(0..3)];
    let windows =
        ["1m, 15m, 1h, 24h, 7d, 28d", "5m, 1h, 28d", "1m, 15m, 7d"][rng.random_range(0..3)];
    let counted = |name: &str, unit: &str, rest: &str| {
        let text = head(name, unit, 1, dims)
            .replace("1m, 15m, 1h, 24h, day, 7d, 28d", windows)
            .replace(
                "window: 1h",
                &format!("window: {}", windows.split(',').next().expect("one")),
            );
        write(name, &(text + rest));
    };
    let ratio = "type: ratio\nnumerator: {agg: count, of: sequence.received}\ndenominator: {agg: count, of: sequence.expected}\n";
    counted("numbers", "percent", ratio);
    counted(
        "numbers_expected",
        "count",
        "type: simple\nmeasure: {agg: count, of: sequence.expected}\n",
    );
}

/// A measure and the unit it gives.
fn measure(rng: &mut StdRng) -> (String, &'static str) {
    let percentile = f64::from(rng.random_range(1_u16..1_000)) / 1_000.0;
    let (of, unit) = [
        ("data.amount_minor", "EUR"),
        ("data.wait_ms", "seconds"),
        ("fact.reply_ms", "seconds"),
        ("fact.wait_ms", "seconds"),
        ("fact.reply_business_ms", "seconds"),
        ("fact.first_reply_business_ms", "seconds"),
    ][rng.random_range(0..6)];
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

/// The files of a seed's definitions, into an empty folder; `rich`: with what is decided late, ages, and
/// business days of several calendars.
pub(crate) fn write(dir: &Path, rng: &mut StdRng, rich: bool) {
    for folder in ["kpis", "boards", "sources", "calendars"] {
        fs::create_dir(dir.join(folder)).expect("a folder");
    }
    let zones = calendars(dir, rng);
    let hours = ["", ", calendar: c1"][rng.random_range(0..2)];
    let seconds = [7, 40, 2_000][rng.random_range(0..3)];
    let channels = format!(
        "channels:\n  - {{channel: web, medium: owned, sync: true, reply_target_s: {seconds}{hours}}}\n  \
         - {{channel: chat, medium: owned, sync: true, reply_target_s: 7}}\n"
    );
    fs::write(dir.join("channels.yaml"), channels).expect("written");
    for source in ["web-shop", "payments", "contact-centre"] {
        let text = format!("source: {source}\nowner: Somebody\nfreshness_s: 60\n");
        fs::write(dir.join(format!("sources/{source}.yaml")), text).expect("written");
    }
    let write = |name: &str, text: &str| {
        fs::write(dir.join(format!("kpis/{name}.yaml")), text).expect("written");
    };
    if rich {
        days(rng, zones, &write);
    }
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
}
