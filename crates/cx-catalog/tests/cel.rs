//! The table of `schemas/cel.md`, run by our closures and by the crate's interpreter, and random
//! conditions over random events, run by both.

mod oracle;

use cx_catalog::cel::{About, compile};
use cx_catalog::compiled::View;
use cx_catalog::fact::{AGENT_MESSAGE, Fact, Facts};
use cx_model::attribute::SlotTable;
use oracle::{both, ours};
use proptest::prelude::*;

const PAGE: &str = include_str!("../../../schemas/cel.md");

/// Condition, `data` of the event, expected (None: an error).
fn cases() -> Vec<(String, String, Option<bool>)> {
    let rows = PAGE.split("## Cases").nth(1).expect("the page has cases");
    let rows = rows.lines().filter(|l| l.starts_with("| `"));
    rows.map(|row| {
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<String> = row
            .split('|')
            .map(|c| c.trim().trim_matches('`').replace('\u{1}', "|"))
            .collect();
        let expected = match cells[3].as_str() {
            "true" => Some(true),
            "false" => Some(false),
            "error" => None,
            other => panic!("{other} is no result"),
        };
        (cells[1].clone(), cells[2].clone(), expected)
    })
    .collect()
}

#[test]
fn closures_and_the_crates_interpreter_agree_with_every_row_of_the_page() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} rows", cases.len());
    for (condition, data, expected) in cases {
        let (ours, theirs) = both(&condition, &data);
        assert_eq!(ours, expected, "ours: {condition} over {data}");
        assert_eq!(theirs, expected, "crate: {condition} over {data}");
    }
}

#[test]
fn an_attribute_of_another_type_is_an_error_and_is_there() {
    // The interpreter has no declared types, so these are ours alone.
    let checks = [
        ("data.wait_ms > 1", r#"{"wait_ms":"2"}"#, None),
        ("data.wait_ms > 1", r#"{"wait_ms":2.5}"#, None),
        (r#"data.channel == "a""#, r#"{"channel":["a"]}"#, None),
        ("data.automated", r#"{"automated":1}"#, None),
        ("has(data.wait_ms)", r#"{"wait_ms":"2"}"#, Some(true)),
        // Exact where a conversion to double would round.
        (
            "data.wait_ms == 9007199254740992.0",
            r#"{"wait_ms":9007199254740993}"#,
            Some(false),
        ),
        (
            "data.wait_ms > 9007199254740992.0",
            r#"{"wait_ms":9007199254740993}"#,
            Some(true),
        ),
        (
            "data.wait_ms < 9223372036854775808.0",
            r#"{"wait_ms":9223372036854775807}"#,
            Some(true),
        ),
    ];
    for (condition, data, expected) in checks {
        assert_eq!(ours(condition, data), expected, "{condition} over {data}");
    }
}

#[test]
fn event_types_are_found_conservatively() {
    let check = |condition: &str, expected: Option<&[&str]>| {
        let found = compile(condition, &mut SlotTable::default(), About::Events).expect(condition);
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(found.types, expected, "{condition}");
    };
    check(r#"event.type == "a" && data.wait_ms > 1"#, Some(&["a"]));
    check(r#"data.wait_ms > 1 && "a" == event.type"#, Some(&["a"]));
    check(
        r#"event.type == "b" || event.type == "a""#,
        Some(&["a", "b"]),
    );
    check(r#"event.type in ["b", "a", "b"]"#, Some(&["a", "b"]));
    check(
        r#"event.type == "a" || (event.type == "b" && data.queue == "q")"#,
        Some(&["a", "b"]),
    );
    check(
        r#"event.type in ["a", "b"] && event.type in ["b", "c"]"#,
        Some(&["b"]),
    );
    check(r#"event.type == "a" || data.wait_ms > 1"#, None);
    check(r#"!(event.type == "a")"#, None);
    check(r#"event.type != "a""#, None);
    check(r#"data.wait_ms > 1 ? event.type == "a" : false"#, None);
}

#[test]
fn facts_are_used_like_whole_numbers_that_may_be_missing() {
    let check = |condition: &str, reply_ms: Option<i64>, expected: Option<bool>| {
        let compiled = compile(condition, &mut SlotTable::default(), About::Events);
        let compiled = compiled.unwrap_or_else(|f| panic!("{condition}: {f:?}"));
        let mut facts = Facts::NONE;
        facts.set(Fact::Reply, reply_ms);
        let said = (compiled.test)(View {
            event: None,
            outcome: "applied",
            reason: "",
            facts: &facts,
        });
        assert_eq!(said, expected, "{condition} with {reply_ms:?}");
    };
    for (condition, expected) in [
        ("fact.reply_ms <= 60000", [Some(true), Some(false), None]),
        ("60000.5 > fact.reply_ms", [Some(true), Some(false), None]),
        ("has(fact.reply_ms)", [Some(true), Some(true), Some(false)]),
        (
            "!has(fact.reply_ms)",
            [Some(false), Some(false), Some(true)],
        ),
        (
            "fact.reply_ms in [60000, 1]",
            [Some(true), Some(false), None],
        ),
        ("fact.reply_ms - 1 < 60000", [Some(true), Some(false), None]),
        ("fact.wait_ms > 1", [None, None, None]),
        (
            "has(fact.reply_ms) && fact.reply_ms > 60000",
            [Some(false), Some(true), Some(false)],
        ),
    ] {
        let facts = [Some(60_000), Some(60_002), None];
        for (fact, expected) in facts.into_iter().zip(expected) {
            check(condition, fact, expected);
        }
    }
}

#[test]
fn a_condition_over_a_fact_is_tried_on_the_type_that_yields_it() {
    let check = |condition: &str, expected: Option<&[&str]>| {
        let found = compile(condition, &mut SlotTable::default(), About::Events).expect(condition);
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(found.types, expected, "{condition}");
    };
    let reply: &[&str] = &[AGENT_MESSAGE];
    check("has(fact.first_reply_ms)", Some(reply));
    check("fact.first_reply_ms <= 5", Some(reply));
    check("5 != fact.reply_ms", Some(reply));
    check("fact.reply_ms in [5]", Some(reply));
    check("fact.reply_ms > 5 && data.channel == \"chat\"", Some(reply));
    check("fact.reply_ms > fact.wait_ms", Some(&[]));
    check("!has(fact.reply_ms)", None);
    check("fact.reply_ms > 5 || data.wait_ms > 5", None);
    check("has(data.wait_ms)", None);
}

#[test]
fn hostile_expressions_are_refused_without_a_crash() {
    let deep = [
        "(".repeat(900) + "true" + &")".repeat(900),
        "!".repeat(1_900) + "true",
        "-".repeat(1_900) + "1 == 1",
        vec!["true"; 300].join("||"),
        "data.wait_ms".to_owned() + &"+1".repeat(900) + " > 0",
        "[".repeat(1_900),
        "x".repeat(2_001),
        "\u{0}\u{1f600}\"".to_owned(),
    ];
    for text in deep {
        if let Ok(condition) = compile(&text, &mut SlotTable::default(), About::Events) {
            oracle::evaluate(&condition, r#"{"wait_ms":1}"#, &SlotTable::default());
        }
    }
}

/// Random conditions of the subset, well typed.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("data.automated".to_owned()),
        Just("has(data.wait_ms)".to_owned()),
        Just("has(data.channel)".to_owned()),
        (text(), order(), text()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (integer(), order(), integer()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (decimal(), order(), integer()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (text(), text()).prop_map(|(a, b)| format!("{a}.contains({b})")),
        (text(), text()).prop_map(|(a, b)| format!("{a}.startsWith({b})")),
        (text(), text()).prop_map(|(a, b)| format!("{a}.endsWith({b})")),
        text().prop_map(|a| format!("{a} in [\"a\", \"chat\", \"t.v1\"]")),
        integer().prop_map(|a| format!("{a} in [-1, 0, 3]")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) == ({b}))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) != ({b}))")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    })
}

fn order() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

fn text() -> impl Strategy<Value = String> {
    let names = vec![
        "data.channel",
        "data.queue",
        "event.type",
        "event.subject",
        "\"a\"",
        "\"chat\"",
        "\"\"",
        "(data.automated ? data.queue : \"a\")",
    ];
    prop::sample::select(names).prop_map(ToOwned::to_owned)
}

fn integer() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("data.wait_ms".to_owned()),
        Just("data.score".to_owned()),
        (-5_i64..20).prop_map(|i| if i < 0 {
            format!("({i})")
        } else {
            i.to_string()
        }),
        Just("9223372036854775807".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*"]);
        (inner.clone(), operator, inner).prop_map(|(a, o, b)| format!("({a} {o} {b})"))
    })
}

fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("data.sentiment".to_owned()),
        (0_i32..40).prop_map(|i| format!("{:.2}", f64::from(i) / 4.0)),
    ]
}

fn data() -> impl Strategy<Value = String> {
    let words = prop::option::of(prop::sample::select(vec!["a", "chat", "", "ż"]));
    let numbers = || prop::option::of(-4_i64..20);
    let event = (words.clone(), words, numbers(), numbers());
    let rest = (prop::option::of(any::<bool>()), prop::option::of(-8_i32..8));
    (event, rest).prop_map(|((channel, queue, wait, score), (flag, mood))| {
        let mut all = serde_json::Map::new();
        let mut put = |name: &str, value: Option<serde_json::Value>| {
            all.extend(value.map(|v| (name.to_owned(), v)));
        };
        put("channel", channel.map(Into::into));
        put("queue", queue.map(Into::into));
        put("wait_ms", wait.map(Into::into));
        put("score", score.map(Into::into));
        put("automated", flag.map(Into::into));
        put("sentiment", mood.map(|m| (f64::from(m) / 4.0).into()));
        serde_json::Value::Object(all).to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_conditions_mean_the_same_to_both(condition in condition(), data in data()) {
        let (ours, theirs) = both(&condition, &data);
        prop_assert_eq!(ours, theirs, "{} over {}", condition, data);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "[a-z.\"'() 0-9=&|!<>+*?:\\[\\],ż-]{0,40}") {
        drop(compile(&text, &mut SlotTable::default(), About::Events).map(|_| ()));
    }
}
