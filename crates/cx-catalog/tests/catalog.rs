//! The shipped catalogue loads, compiles and hangs together; a folder tells all its faults.

use cx_catalog::compiled::{CompiledAgg, CompiledFormula, DimensionSource, View, combos};
use cx_catalog::{Catalog, Declared, Diagnostic, load, parse_kpi};
use cx_model::attribute::SlotTable;
use cx_model::decode::decode;
use cx_model::window::Window;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The example of the design page, as it is written there.
const DESIGN: &str = include_str!("design.yaml");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog")
}

fn told(faults: &[Diagnostic]) -> String {
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

fn shipped() -> Catalog {
    load(&folder()).unwrap_or_else(|faults| panic!("{}", told(&faults)))
}

/// A copy of the shipped folder with some files written anew.
fn changed(files: &[(&str, &str)]) -> Result<Catalog, Vec<Diagnostic>> {
    let copy = tempfile::tempdir().expect("a folder");
    for kind in ["kpis", "boards", "sources", "calendars", ""] {
        let from = folder().join(kind);
        std::fs::create_dir_all(copy.path().join(kind)).expect("made");
        for entry in std::fs::read_dir(from).expect("there").flatten() {
            if entry.path().is_file() {
                let to = copy.path().join(kind).join(entry.file_name());
                std::fs::copy(entry.path(), to).expect("copied");
            }
        }
    }
    for (name, text) in files {
        std::fs::write(copy.path().join(name), text).expect("written");
    }
    load(copy.path())
}

#[test]
fn the_example_of_the_design_page_loads_as_it_is_written() {
    let kpi = parse_kpi("design.yaml", DESIGN, &Declared::default());
    let kpi = kpi.unwrap_or_else(|faults| panic!("{}", told(&faults)));
    assert_eq!(
        kpi.windows,
        [Window::M5, Window::M15, Window::H1, Window::Day]
    );
    assert_eq!(kpi.target, Some(800));
    assert_eq!(kpi.examples[0].value, Some(333));
    assert_eq!(kpi.dimensions[0].values, Vec::<String>::new());
}

#[test]
fn a_day_without_a_calendar_is_told_to_be_utcs_and_stops_nothing() {
    let care =
        "calendar: care\nzone: Europe/Warsaw\nhours: [{days: [mon], open: [\"08:00-12:00\"]}]\n";
    let channels = "channels:\n  - {channel: voice_call, medium: owned, sync: true}\n";
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["kpis", "boards", "sources", "calendars"] {
        std::fs::create_dir(dir.path().join(folder)).expect("made");
    }
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
    };
    write("channels.yaml", channels);
    write("calendars/care.yaml", care);
    write("kpis/k.yaml", DESIGN);
    let catalog = load(dir.path()).unwrap_or_else(|faults| panic!("{}", told(&faults)));
    let notes = told(&catalog.notes);
    assert_eq!(catalog.notes.len(), 1, "{notes}");
    assert!(
        notes.contains("note: there is no calendar default"),
        "{notes}"
    );
    assert_eq!((catalog.notes[0].line, catalog.notes[0].column), (9, 24));
    assert_eq!(catalog.kpis[0].calendar, None);
}

#[test]
fn the_cells_of_the_shipped_set_follow_the_order_of_combinations() {
    let catalog = shipped();
    assert!(catalog.notes.is_empty(), "{}", told(&catalog.notes));
    let set = catalog.compile(1);
    assert!(catalog.kpis.is_sorted_by(|a, b| a.kpi < b.kpi));
    let mut cells = set.cells.iter();
    for (kpi, definition) in set.kpis.iter().zip(&catalog.kpis) {
        for window in &kpi.windows {
            for combo in 0..combos(&kpi.dimensions) {
                let cell = cells.next().expect("a cell per combination");
                assert_eq!((&cell.key.kpi, cell.key.window), (&kpi.kpi, *window));
                assert_eq!(*cell.key.definition, *definition.hash);
                let mut index = 0;
                for d in &kpi.dimensions {
                    let value = cell.key.dims[&d.name].as_str();
                    let at = match value {
                        "all" => 0,
                        "other" => d.values.len() + 1,
                        name => d.index[name] + 1,
                    };
                    index = index * (d.values.len() + 2) + at;
                }
                assert_eq!(index, combo, "{:?}", cell.key);
            }
        }
    }
    assert!(cells.next().is_none(), "no cell is left over");
}

#[test]
fn two_dimensions_count_the_second_one_fastest() {
    let text = DESIGN.replace(
        "dimensions: [queue]",
        "dimensions: [{name: queue, values: [a]}, {name: topic, values: [x, y]}]",
    );
    let set = changed(&[("kpis/service_level_voice.yaml", &text)]);
    let set = set.unwrap_or_else(|f| panic!("{}", told(&f))).compile(1);
    let kpi = set.kpis.iter().find(|k| &*k.kpi == "service_level_voice");
    let first = kpi.expect("there").first_cell;
    let dims = |i: usize| -> Vec<&str> {
        let dims = &set.cells[first + i].key.dims;
        dims.values().map(String::as_str).collect()
    };
    let wanted = [
        ["all", "all"],
        ["all", "x"],
        ["all", "y"],
        ["all", "other"],
        ["a", "all"],
        ["a", "x"],
        ["a", "y"],
        ["a", "other"],
        ["other", "all"],
    ];
    for (i, wanted) in wanted.iter().enumerate() {
        assert_eq!(dims(i), wanted, "combination {i}");
    }
}

#[test]
fn formulas_factors_and_breakdowns_are_compiled_as_documented() {
    let set = shipped().compile(1);
    let kpi = |name: &str| set.kpis.iter().find(|k| &*k.kpi == name).expect("there");
    let factors = [
        ("service_level_voice", (100, 1)),
        ("revenue", (1, 100)),
        ("average_order_value", (1, 100)),
        ("speed_of_answer", (1, 1_000)),
        ("oldest_waiting", (1, 1_000)),
        ("source_age", (1, 1_000)),
        ("orders", (1, 1)),
        ("waiting_now", (1, 1)),
        ("conversion_rate", (100, 1)),
    ];
    for (name, factor) in factors {
        assert_eq!(kpi(name).factor, factor, "{name}");
    }
    assert_eq!(
        kpi("dead_letters").dimensions[0].source,
        DimensionSource::RecordReason
    );
    assert_eq!(
        kpi("source_age").dimensions[0].source,
        DimensionSource::EventSource
    );
    assert_eq!(
        kpi("offered").dimensions[0].source,
        DimensionSource::Slot(0)
    );
    let CompiledFormula::Ratio(above, below) = kpi("conversion_rate").formula else {
        panic!("a ratio");
    };
    for measure in [above, below] {
        assert_eq!(set.measures[measure].agg, CompiledAgg::CountDistinct);
    }
    let ordered = "cx.commerce.order_placed.v1".to_owned();
    assert_eq!(set.measures[above].types, Some(vec![ordered]));
    assert_eq!(set.measures[below].types, None);
}

#[test]
fn filter_and_where_are_one_condition_in_which_false_beats_an_error() {
    let set = shipped().compile(1);
    let kpi = set.kpis.iter().find(|k| &*k.kpi == "service_level_voice");
    let CompiledFormula::Ratio(above, _) = kpi.expect("there").formula else {
        panic!("a ratio");
    };
    let check = |kind: &str, data: &str, expected: Option<bool>| {
        let json = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"{kind}","data":{data}}}"#
        );
        let event = decode(json.as_bytes(), &set.slots, &set.limits).expect("valid");
        let view = View {
            event: Some(&event),
            outcome: "applied",
            reason: "",
            facts: &cx_catalog::fact::Facts::NONE,
        };
        assert_eq!((set.measures[above].condition)(view), expected, "{json}");
    };
    let answered = "cx.contact.answered.v1";
    check(
        answered,
        r#"{"channel":"voice_call","wait_ms":20000}"#,
        Some(true),
    );
    check(
        answered,
        r#"{"channel":"voice_call","wait_ms":20001}"#,
        Some(false),
    );
    check(answered, r#"{"channel":"chat","wait_ms":1}"#, Some(false));
    check(answered, r#"{"channel":"chat"}"#, Some(false));
    check("cx.contact.queued.v1", "{}", Some(false));
    check(answered, r#"{"channel":"voice_call"}"#, None);
    check(answered, r#"{"wait_ms":1}"#, None);
}

#[test]
fn a_board_holds_each_cell_once_with_all_breakdowns_of_its_tiles() {
    let catalog = shipped();
    let set = catalog.compile(1);
    let board = set.boards.iter().find(|b| b.name == "care").expect("there");
    assert_eq!(board.layout.tiles.len(), 9);
    let distinct: BTreeSet<usize> = board.source_index.iter().copied().collect();
    assert_eq!(distinct.len(), board.cells.len(), "no cell twice");
    for (cell, index) in board.cells.iter().zip(&board.source_index) {
        assert_eq!(cell, &set.cells[*index]);
    }
    for tile in &board.layout.tiles {
        let cell = &board.cells[tile.cell as usize - 1];
        let same = |c: &&cx_model::value::CellInfo| {
            c.key.kpi == cell.key.kpi && c.key.window == cell.key.window
        };
        let all = set.cells.iter().filter(same).count();
        assert_eq!(
            board.cells.iter().filter(same).count(),
            all,
            "{}",
            tile.label
        );
        assert!(tile.range[0] < tile.range[1]);
    }
    let payment = board
        .layout
        .tiles
        .iter()
        .find(|t| t.label == "Payment errors");
    assert_eq!(payment.expect("there").sources, ["payments"]);
    let payment = &board.cells[payment.expect("there").cell as usize - 1].key;
    assert_eq!(payment.dims["step"], "payment");
    let rail = &board.layout.rail;
    let sources: Vec<&str> = rail.sources.iter().map(|s| s.name.as_str()).collect();
    let expected = "chat-platform chatbot contact-centre crm mail-desk messaging-gateway mobile-app \
        ops-monitor payments social-hub survey-tool web-shop";
    assert_eq!(sources.join(" "), expected);
    for row in &rail.sources {
        assert_eq!(
            board.cells[row.cell as usize - 1].key.dims["source"],
            row.name
        );
        assert!((60..=120).contains(&row.freshness_s), "{row:?}");
    }
    let dead = rail.dead_letters.as_ref().expect("there").cell;
    assert_eq!(&*board.cells[dead as usize - 1].key.kpi, "dead_letters");
}

#[test]
fn a_tile_names_declared_sources_once_and_their_ages_are_on_the_rail() {
    let board = |sources: &str, rail: &str| {
        let text = format!(
            "board: own\ntitle: Own\nzone: UTC\ntiles:\n  \
             - {{label: A, kpi: orders, window: 1h, range: [0, 6], foot: x, sources: {sources}}}\n{rail}"
        );
        changed(&[("boards/own.yaml", &text)]).map_err(|faults| told(&faults))
    };
    let ages = "rail:\n  sources: {kpi: source_age}\n";
    assert!(board("[web-shop, payments]", ages).is_ok());
    for (sources, rail, says) in [
        ("[web-shup]", ages, "did you mean \"web-shop\"?"),
        ("[payments, payments]", ages, "stands here twice"),
        ("[payments]", "", "write rail: {sources: {kpi: source_age}}"),
    ] {
        let all = board(sources, rail).expect_err(says);
        assert!(all.contains(says), "{says:?} is not in\n{all}");
    }
}

#[test]
fn a_range_is_scaled_as_its_kpi() {
    let text = "board: own\ntitle: Own\nzone: UTC\ntiles:\n  \
                - {label: A, kpi: conversion_rate, window: 1h, range: [0.5, 6], foot: x}\n  \
                - {label: B, kpi: orders, window: 1h, range: [-3, 6], foot: x}\n";
    let set = changed(&[("boards/own.yaml", text)]);
    let set = set.unwrap_or_else(|f| panic!("{}", told(&f))).compile(1);
    let own = set.boards.iter().find(|b| b.name == "own").expect("there");
    let ranges: Vec<[i64; 2]> = own.layout.tiles.iter().map(|t| t.range).collect();
    assert_eq!(ranges, [[50, 600], [-3, 6]]);
}

#[test]
fn the_hash_follows_meaning_and_not_the_way_it_is_written() {
    let base = parse_kpi("a.yaml", DESIGN, &Declared::default())
        .expect("good")
        .hash;
    assert_eq!(base.len(), 64);
    let hash = |from: &str, to: &str| {
        let text = DESIGN.replace(from, to);
        assert_ne!(text, DESIGN, "{from} is in the page");
        let kpi = parse_kpi("b.yaml", &text, &Declared::default());
        kpi.unwrap_or_else(|f| panic!("{}", told(&f))).hash
    };
    assert_eq!(hash("# technical name", "# the name"), base);
    assert_eq!(hash("target: 80", "target: 80.0"), base);
    assert_eq!(
        hash(
            "{channel: voice_call, wait_ms: 12000}",
            "{wait_ms: 12000, channel: voice_call}"
        ),
        base
    );
    assert_ne!(hash("target: 80", "target: 81"), base);
    assert_ne!(hash("<= 20000", "<= 20001"), base);
    assert_ne!(hash("Share of", "Part of"), base);
    let before = shipped().hash;
    let source = "source: payments\nowner: Payments\nfreshness_s: 90\n";
    let after = changed(&[("sources/payments.yaml", source)])
        .expect("good")
        .hash;
    assert_ne!(before, after, "a source is part of the set");
}

#[test]
fn every_fault_of_every_file_is_told() {
    let faults = changed(&[
        ("kpis/orders.yaml", "kpi: orders\nbusiness_nam: Orders\n"),
        ("kpis/revenue.yaml", &DESIGN.replace("unit: percent", "unit: euro")),
        ("kpis/offered.yaml", &DESIGN.replace("direction: up", "direction: high").replace("data.wait_ms", "data.wait")),
        ("sources/payments.yaml", "source: web-shop\nowner: Payments\nfreshness_s: 0\n"),
        ("boards/more.yaml", "board: care\ntitle: More\nzone: UTC\ntiles:\n  - {label: A, kpi: orders, window: 1h, range: [0, 1], foot: x}\n  - {label: B, kpi: ordres, window: 1h, range: [0, 1], foot: x}\n"),
        ("kpis/readme.txt", "nothing"),
    ])
    .expect_err("many faults");
    let all = told(&faults);
    for says in [
        "a KPI has no field `business_nam`",
        "did you mean \"business_name\"?",
        "a KPI needs the field `meaning`",
        "a KPI needs the field `examples`",
        "unknown unit \"euro\"",
        "unknown direction \"high\"",
        "unknown attribute data.wait",
        "the source web-shop stands in two files",
        "freshness_s is out of bounds",
        "the board care stands in two files",
        "unknown KPI ordres",
        "only .yaml and .yml files are read here",
    ] {
        assert!(all.contains(says), "{says:?} is not in\n{all}");
    }
    assert!(
        !all.contains("unknown KPI orders"),
        "its own file says what is wrong with it"
    );
}

#[test]
fn two_files_with_one_kpi_and_a_folder_that_is_not_there_are_refused() {
    let faults = changed(&[("kpis/zzz.yaml", DESIGN)]).expect_err("twice");
    let all = told(&faults);
    assert!(
        all.contains("the KPI service_level_voice is also in"),
        "{all}"
    );
    assert!(all.contains("zzz.yaml:1:6"), "{all}");
    let faults = load(Path::new("/nowhere/at/all")).expect_err("no folder");
    assert_eq!(faults.len(), 4, "{}", told(&faults));
}

#[test]
fn every_attribute_a_definition_can_name_has_a_slot() {
    let mut slots = SlotTable::default();
    for attribute in cx_model::attribute::ATTRIBUTES {
        assert!(slots.add(attribute.name).is_some(), "{}", attribute.name);
    }
}

#[test]
fn a_channel_says_how_soon_it_answers_and_that_is_part_of_the_set() {
    let file = folder().join("channels.yaml");
    let text = std::fs::read_to_string(file).expect("there");
    let chat = "reply_target_s: 60}";
    assert!(text.contains(chat), "{text}");
    let with = |target: &str| changed(&[("channels.yaml", &text.replace(chat, target))]);
    let set = shipped().compile(1);
    let at = |name: &str| set.channels.iter().position(|c| c == name).expect(name);
    assert_eq!(set.reply_targets[at("chat")], Some(60.into()));
    let email = set.reply_targets[at("email")].clone().expect("a target");
    let hours = email.calendar.expect("business hours");
    assert_eq!(
        (email.seconds, hours.calendar.as_str()),
        (14_400, "default")
    );
    assert_eq!(set.reply_targets[at("web")], None);
    let slower = with("reply_target_s: 2592000}").map_err(|f| told(&f));
    assert_ne!(slower.expect("good").hash, shipped().hash);
    for wrong in ["reply_target_s: 0}", "reply_target_s: 2592001}"] {
        let faults = told(&with(wrong).expect_err(wrong));
        assert!(
            faults.contains("reply_target_s is out of bounds"),
            "{faults}"
        );
        assert!(faults.contains("write 1 to 2592000 seconds"), "{faults}");
        assert!(faults.contains("channels.yaml:"), "{faults}");
    }
    let faults = told(&with("reply_target: 60}").expect_err("unknown"));
    assert!(faults.contains("reply_target_s"), "{faults}");
}

#[test]
fn limits_are_part_of_the_set_and_the_file_says_what_holds_without_it() {
    let with = |text: &str| changed(&[("limits.yaml", text)]).map_err(|f| told(&f));
    let none = with("{}\n").expect("good");
    assert_eq!(
        (none.limits, &none.hash),
        (shipped().limits, &shipped().hash)
    );
    let fewer = with("customers: 1000\n").expect("good");
    assert_eq!(
        (fewer.limits.customers, fewer.limits.contacts),
        (1_000, 1_000_000)
    );
    assert_ne!(fewer.hash, shipped().hash);
    for (wrong, words) in [
        ("customers: 0\n", "customers is out of bounds"),
        ("customers: 200000000\n", "write 1 to 100000000"),
        ("customer: 5\n", "customers"),
        ("repeats: many\n", "limits.yaml:1:"),
    ] {
        let faults = with(wrong).expect_err(wrong);
        assert!(faults.contains(words), "{wrong}: {faults}");
        assert!(faults.contains("limits.yaml:1:"), "{wrong}: {faults}");
    }
}
