//! The shipped catalogue is right, and wrong definitions are refused where they are wrong.

use cx_catalog::{Declared, load, parse_kpi};
use std::path::Path;

const GOOD: &str = include_str!("../../../deploy/catalog/kpis/service_level_voice.yaml");

#[test]
fn the_shipped_catalogue_loads_and_compiles() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let catalog = load(&dir).unwrap_or_else(|faults| {
        panic!(
            "{}",
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n\n")
        )
    });
    let set = catalog.compile(1);
    assert_eq!(set.boards[0].layout.tiles.len(), 9);
    assert!(set.boards[0].cells.len() <= 2_000);
}

#[test]
fn the_form_of_the_design_page_loads_as_it_is_written() {
    let text = r#"kpi: service_level_voice                 # technical name
business_name: Service level, voice
meaning: Share of decided voice contacts that were answered within 20 seconds.
type: ratio
filter: data.channel == "voice_call"
numerator:   {agg: count, where: event.type == "cx.contact.answered.v1" && data.wait_ms <= 20000}
denominator: {agg: count, where: event.type == "cx.contact.answered.v1" || (event.type == "cx.contact.ended.v1" && data.outcome == "abandoned" && data.wait_ms > 20000)}
dimensions: [queue]                      # declared values, then `other`
windows: [5m, 15m, 1h]
unit: percent
decimals: 1
direction: up
target: 80
owners: {business: care.operations, technical: data.platform}
alerts:
  - {priority: P2, window: 15m, when: value < 75 && n >= 20, clear: value >= 78, for: 60s, cause: voice_staffing, next_step: Call the shift lead, notify: [{to: care_oncall, untaken_after: 5m}]}
examples:                                # run by `watchfloor check` and on activation
  - events:                              # merged over a default event, one second apart
      - {type: cx.contact.answered.v1, data: {channel: voice_call, wait_ms: 12000}}
    window: 15m
    value: 100
    n: 1
"#;
    let kpi = parse_kpi("k.yaml", text, &Declared::default());
    assert!(kpi.is_ok(), "{kpi:?}");
}

/// Changes one line of a good file and says where the fault must be and what it must say.
fn check(line_starts: &str, instead: &str, place: (usize, usize), says: &str) {
    let changed: String = GOOD
        .lines()
        .map(|l| {
            if l.starts_with(line_starts) {
                instead
            } else {
                l
            }
        })
        .fold(String::new(), |all, l| all + l + "\n");
    let faults = parse_kpi("k.yaml", &changed, &Declared::default()).expect_err(instead);
    let first = &faults[0];
    let text = first.to_string();
    assert_eq!((first.line, first.column), place, "{text}");
    assert!(text.contains(says), "{text}");
}

#[test]
fn a_wrong_definition_is_refused_at_its_place_with_what_to_write() {
    check(
        "filter",
        "filter: data.chanel == \"voice_call\"",
        (5, 13),
        "did you mean \"channel\"?",
    );
    check(
        "filter",
        "filter: data.channel == 5.0",
        (5, 25),
        "write text in quotes",
    );
    check(
        "filter",
        "filter: data.wait_ms == \"20\"",
        (5, 25),
        "write a number without quotes",
    );
    check("filter", "filter: data.channel", (5, 13), "no condition");
    check(
        "filter",
        "filter: record.outcome == \"late\"",
        (5, 15),
        "only known to measures of records",
    );
    check("type", "type: ration", (4, 7), "did you mean \"ratio\"?");
    check("type", "type: derived", (4, 7), "cannot be used yet");
    check("type", "type: simple", (4, 7), "exactly one of measure");
    check("unit", "unit: per cent", (10, 7), "unknown unit");
    check("decimals", "decimals: 9", (11, 11), "write 0 to 4");
    check(
        "direction",
        "direction: sideways",
        (12, 12),
        "write up, down or none",
    );
    check("windows", "windows: [7m]", (9, 11), "did you mean");
    check("windows", "windows: [now]", (9, 11), "gauges and ages");
    check(
        "dimensions",
        "dimensions: [chanel]",
        (8, 14),
        "did you mean \"channel\"?",
    );
    check(
        "numerator",
        "numerator: {agg: sum, of: data.queue}",
        (6, 27),
        "only integers can be summed",
    );
    check(
        "numerator",
        "numerator: {agg: cuont}",
        (6, 18),
        "did you mean \"count\"?",
    );
    check("meaning", "meaning: ''", (3, 10), "write it");
    check("kpi", "kpi: Service-Level", (1, 6), "lower-case");
}

#[test]
fn a_missing_or_unknown_field_is_named() {
    let missing: String = GOOD
        .lines()
        .filter(|l| !l.starts_with("unit"))
        .fold(String::new(), |all, l| all + l + "\n");
    let faults = parse_kpi("k.yaml", &missing, &Declared::default()).expect_err("no unit");
    assert!(faults[0].to_string().contains("unit"), "{}", faults[0]);
    let unknown = format!("{GOOD}percentlie: 3\n");
    let faults = parse_kpi("k.yaml", &unknown, &Declared::default()).expect_err("unknown field");
    assert!(
        faults[0].to_string().contains("percentlie"),
        "{}",
        faults[0]
    );
    let broken = "kpi: [unclosed\n";
    assert!(parse_kpi("k.yaml", broken, &Declared::default()).is_err());
}
