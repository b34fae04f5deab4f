//! Derived KPIs within a catalogue: what fits together, and word for word what is said where it does not.

use std::fs;

/// A small catalogue: `sl` (percent, by channel), `csat` (percent), `wait` (seconds), `orders` (count),
/// `waiting` (a gauge), and files of a test.
fn load(files: &[(&str, &str)]) -> Result<cx_catalog::Catalog, String> {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["kpis", "boards", "sources"] {
        fs::create_dir(dir.path().join(folder)).expect("a folder");
    }
    let channels = "channels: [{channel: chat, medium: owned, sync: true}, {channel: web, medium: owned, sync: true}]\n";
    fs::write(dir.path().join("channels.yaml"), channels).expect("written");
    let count = "{agg: count, where: event.type == \"cx.session.started.v1\"}";
    let ratio = format!("type: ratio\nnumerator: {count}\ndenominator: {count}");
    let shipped = [
        (
            "sl",
            "percent",
            format!(
                "{ratio}\ndimensions: [{{name: channel, values: [chat, web]}}]\nwindows: [15m, 1h]"
            ),
        ),
        ("csat", "percent", format!("{ratio}\nwindows: [1h]")),
        (
            "wait",
            "seconds",
            "type: simple\nmeasure: {agg: average, of: data.wait_ms}\nwindows: [15m, 1h]"
                .to_owned(),
        ),
        (
            "orders",
            "count",
            format!("type: simple\nmeasure: {count}\nwindows: [15m, 1h]"),
        ),
        (
            "waiting",
            "count",
            "type: simple\ngauge: {of: contact.waiting}\nwindows: [now]".to_owned(),
        ),
    ];
    let write = |name: &str, unit: &str, body: &str| {
        let window = if body.contains("[now]") { "now" } else { "1h" };
        let text = format!(
            "kpi: {name}\nbusiness_name: {name}\nmeaning: A test.\n{body}\nunit: {unit}\ndecimals: 1\n\
             direction: up\nowners: {{business: a.b, technical: c.d}}\n\
             examples: [{{events: [{{type: cx.session.started.v1}}], window: {window}}}]\n"
        );
        fs::write(dir.path().join(format!("kpis/{name}.yaml")), text).expect("written");
    };
    for (name, unit, body) in &shipped {
        write(name, unit, body);
    }
    for (name, body) in files {
        let (unit, body) = body.split_once('\n').expect("unit, then the rest");
        write(name, unit, &format!("type: derived\n{body}"));
    }
    let place = format!("{}/", dir.path().display());
    cx_catalog::load(dir.path()).map_err(|faults| {
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        texts.join("\n\n").replace(&place, "")
    })
}

fn check(name: &str, files: &[(&str, &str)]) {
    let said = load(files).expect_err(name);
    insta::assert_snapshot!(name, said);
}

#[test]
fn what_does_not_fit_is_said_at_its_place() {
    check(
        "unknown_kpi",
        &[(
            "gap",
            "points\nexpr: sl - csatt\nmetrics: [sl, csatt]\nwindows: [1h]",
        )],
    );
    check(
        "no_such_window",
        &[(
            "gap",
            "points\nexpr: sl - csat\nmetrics: [sl, csat]\nwindows: [15m, 1h]",
        )],
    );
    check(
        "not_broken_down",
        &[(
            "gap",
            "points\nexpr: sl - csat\nmetrics: [sl, csat]\ndimensions: [{name: channel, values: [chat, web]}]\nwindows: [1h]",
        )],
    );
    check(
        "other_values",
        &[(
            "gap",
            "percent\nexpr: sl / 2\nmetrics: [sl]\ndimensions: [{name: channel, values: [chat]}]\nwindows: [1h]",
        )],
    );
    check(
        "units_that_do_not_add",
        &[(
            "gap",
            "points\nexpr: sl - wait\nmetrics: [sl, wait]\nwindows: [1h]",
        )],
    );
    check(
        "another_unit",
        &[(
            "gap",
            "seconds\nexpr: sl / csat\nmetrics: [sl, csat]\nwindows: [1h]",
        )],
    );
    check(
        "a_circle",
        &[
            (
                "a",
                "count\nexpr: b + orders\nmetrics: [b, orders]\nwindows: [1h]",
            ),
            ("b", "count\nexpr: c + 1\nmetrics: [c]\nwindows: [1h]"),
            ("c", "count\nexpr: a * 2\nmetrics: [a]\nwindows: [1h]"),
        ],
    );
}

#[test]
fn the_hash_of_a_derived_kpi_covers_what_it_is_made_of() {
    let files = |expr: &'static str| {
        [
            (
                "half",
                "count\nexpr: orders / 2\nmetrics: [orders]\nwindows: [1h]",
            ),
            ("all", expr),
        ]
    };
    let hash = |catalog: &cx_catalog::Catalog, name: &str| {
        let found = catalog.kpis.iter().find(|k| k.kpi == name);
        found.expect("there").hash.clone()
    };
    let one = load(&files(
        "count\nexpr: half * waiting\nmetrics: [half, waiting]\nwindows: [1h]",
    ))
    .expect("right");
    let mut other = files("count\nexpr: half * waiting\nmetrics: [half, waiting]\nwindows: [1h]");
    other[0].1 = "count\nexpr: orders / 3\nmetrics: [orders]\nwindows: [1h]";
    let other = load(&other).expect("right");
    assert_ne!(hash(&one, "half"), hash(&other, "half"));
    assert_ne!(
        hash(&one, "all"),
        hash(&other, "all"),
        "made of another half"
    );
    assert_eq!(hash(&one, "orders"), hash(&other, "orders"));
}
