//! Wrong definitions, and word for word what an analyst reads about them.

use cx_catalog::{Declared, parse_kpi};

const GOOD: &str = include_str!("design.yaml");

/// Everything that is said about the good file with one text replaced.
fn said(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is in the good file");
    whole(&GOOD.replacen(from, to, 1))
}

fn whole(text: &str) -> String {
    let declared = Declared {
        channels: ["voice_call", "chat", "web"]
            .map(ToOwned::to_owned)
            .to_vec(),
        sources: ["web-shop", "payments"].map(ToOwned::to_owned).to_vec(),
        ..Declared::default()
    };
    let faults = parse_kpi("kpis/k.yaml", text, &declared).expect_err(text);
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

/// One snapshot per replaced text.
fn check(name: &str, from: &str, to: &str) {
    insta::assert_snapshot!(name, said(from, to), to);
}

#[test]
fn faults_in_cel_stand_inside_the_text() {
    let filter = "filter: data.channel == \"voice_call\"";
    check("unknown_attribute", "data.channel ==", "data.chanel ==");
    check("number_for_text", filter, "filter: data.channel == 5.0");
    check(
        "text_for_number",
        "data.wait_ms <= 20000",
        "data.wait_ms <= \"20000\"",
    );
    check("no_condition", filter, "filter: data.channel");
    check(
        "single_equals",
        filter,
        "filter: data.channel = \"voice_call\"",
    );
    check(
        "ends_too_early",
        filter,
        "filter: data.channel == \"voice_call\" &&",
    );
    check("bare_word", filter, "filter: data.channel == voice_call");
    check(
        "record_of_an_event",
        filter,
        "filter: record.outcome == \"late\"",
    );
    check(
        "outside_the_subset",
        filter,
        "filter: data.channel.matches(\"voice.*\")",
    );
    check("quoted_yaml", filter, "filter: 'data.wait_ms > \"1\"'");
    check(
        "block_yaml",
        filter,
        "filter: |\n  data.channel == \"chat\" &&\n  data.wait > 5",
    );
    check(
        "list_of_numbers_for_text",
        filter,
        "filter: data.channel in [\"chat\", 5]",
    );
    check("data_forgotten", filter, "filter: wait_ms > 5");
}

#[test]
fn faults_of_form_name_the_field() {
    check("missing_field", "unit: percent\n", "");
    check(
        "unknown_field",
        "unit: percent\n",
        "unit: percent\nunits: percent\n",
    );
    check(
        "unknown_field_below",
        "technical: data.platform",
        "technical: d, techncal: e",
    );
    check(
        "field_twice",
        "unit: percent\n",
        "unit: percent\nunit: count\n",
    );
    check("no_number", "decimals: 1", "decimals: one");
    check("nothing_there", "unit: percent", "unit:");
    check(
        "bracket_not_closed",
        "dimensions: [queue]",
        "dimensions: [queue",
    );
    check(
        "colon_in_plain_text",
        "Share of decided",
        "Share: of decided",
    );
}

#[test]
fn faults_of_meaning_say_what_to_write() {
    check("unknown_window", "1h, day", "2h, day");
    check("now_for_a_ratio", "1h, day", "now, day");
    check("unknown_type", "type: ratio", "type: ration");
    check("ratio_as_conversion", "type: ratio", "type: conversion");
    check("two_formulas", "type: ratio", "type: simple");
    check(
        "sum_of_text",
        "numerator:   {agg: count,",
        "numerator: {agg: sum, of: data.queue,",
    );
    check(
        "max_in_a_ratio",
        "numerator:   {agg: count,",
        "numerator: {agg: max, of: data.wait_ms,",
    );
    check("unknown_dimension", "[queue]", "[quue]");
    check(
        "unknown_channel",
        "[queue]",
        "[{name: channel, values: [voice]}]",
    );
    check("dimension_without_values", "[queue]", "[{name: queue}]");
    check("percent_and_money", "unit: percent", "unit: EUR");
    check("too_many_decimals", "target: 80", "target: 80.25");
    check("example_with_more_decimals", "value: 33.3", "value: 33.333");
    check("decimals_out_of_bounds", "decimals: 1", "decimals: 9");
    check("unknown_direction", "direction: up", "direction: upwards");
    check(
        "signed_by_a_file",
        "unit: percent\n",
        "unit: percent\nstatus: agreed\n",
    );
    check("unknown_priority", "priority: P2", "priority: P4");
    check("alert_window", "window: 15m, when", "window: 30m, when");
    check("empty_owner", "business: care.operations", "business: ''");
    check(
        "example_after",
        "    window: 15m\n",
        "    after: a while\n    window: 15m\n",
    );
    check("example_window", "    window: 15m", "    window: 1m");
    check(
        "no_technical_name",
        "kpi: service_level_voice",
        "kpi: Service-Level",
    );
    check(
        "no_time",
        "unit: percent\n",
        "unit: percent\neffective_from: tomorrow\n",
    );
}

#[test]
fn faults_of_alerts_say_what_an_operator_would_miss() {
    let when = "when: value < 75 && n >= 20";
    check("alert_no_condition", when, "when: value - 75");
    check("alert_unknown_name", when, "when: valu < 75 && n >= 20");
    check("alert_text", when, "when: value < \"75\"");
    check("alert_single_equals", when, "when: value = 75");
    check("alert_ends_too_early", when, "when: value < 75 &&");
    check("alert_looks_at_nothing", when, "when: 75 < target");
    check("alert_never_holds", when, "when: value < 75 && value > 80");
    check("alert_more_decimals", when, "when: value == 74.95");
    check("alert_of_an_event", when, "when: data.wait_ms > 20000");
    check(
        "alert_no_dead_band",
        "clear: value >= 78",
        "clear: value >= 70",
    );
    check(
        "alert_clears_the_few",
        "clear: value >= 78",
        "clear: value >= 78 || n <= 20",
    );
    check("alert_without_clear", "clear: value >= 78, ", "");
    check(
        "alert_by_what",
        "window: 15m, when",
        "window: 15m, by: quue, when",
    );
    check(
        "alert_window_not_counted",
        "window: 15m, when",
        "window: 7d, when",
    );
    check("alert_duration", "for: 60s", "for: a minute");
    check("alert_too_long", "for: 60s", "for: 25h");
    check("alert_hold", "for: 60s", "for: 60s, hold: 0s");
    check(
        "alert_cause",
        "cause: voice_staffing",
        "cause: Voice staffing",
    );
    check(
        "alert_next_step",
        "next_step: Call the shift lead",
        "next_step: ''",
    );
    check("alert_receiver", "to: care_oncall", "to: care@example.com");
    check("alert_untaken", "untaken_after: 5m", "untaken_after: 5");
    check("alert_unknown_field", "for: 60s", "delay: 60s");
    let no_target = GOOD.replace("target: 80\n", "");
    let no_target = no_target.replace("value < 75", "value < target - 5");
    insta::assert_snapshot!("alert_no_target", whole(&no_target));
}

#[test]
fn several_faults_of_one_file_are_told_together() {
    let text = GOOD
        .replace("data.outcome", "data.outcme")
        .replace("priority: P2", "priority: urgent")
        .replace("direction: up", "direction: high");
    insta::assert_snapshot!("several", whole(&text));
}

/// Name of the case, what is counted, and the rest of a wrong simple KPI.
const SIMPLE: [(&str, &str, &str); 24] = [
    (
        "percent_without_ratio",
        "measure: {agg: count}",
        "windows: [15m]\nunit: percent",
    ),
    (
        "gauge_not_now",
        "gauge: {of: contact.waiting}",
        "windows: [15m]\nunit: count",
    ),
    (
        "count_of_sources",
        "gauge: {of: source.last_event}",
        "windows: [now]\nunit: count",
    ),
    (
        "age_in_count",
        "oldest: {of: contact.waiting}",
        "windows: [now]\nunit: count",
    ),
    (
        "source_by_channel",
        "oldest: {of: source.last_event}",
        "windows: [now]\nunit: seconds\ndimensions: [channel]",
    ),
    (
        "distinct_in_1m",
        "measure: {agg: count_distinct, of: customer}",
        "windows: [1m]\nunit: count",
    ),
    (
        "distinct_of_what",
        "measure: {agg: count_distinct}",
        "windows: [5m]\nunit: count",
    ),
    (
        "money_as_count",
        "measure: {agg: sum, of: data.amount_minor}",
        "windows: [5m]\nunit: count",
    ),
    (
        "max_of_text",
        "measure: {agg: max, of: data.queue}",
        "windows: [5m]\nunit: count",
    ),
    (
        "min_of_what",
        "measure: {agg: min}",
        "windows: [5m]\nunit: seconds",
    ),
    (
        "max_of_time_as_count",
        "measure: {agg: max, of: data.wait_ms}",
        "windows: [5m]\nunit: count",
    ),
    (
        "observed_misspelt",
        "observed: {of: event_to_scren}",
        "windows: [now]\nunit: seconds",
    ),
    (
        "observed_by_channel",
        "observed: {of: consumer_lag}",
        "windows: [now]\nunit: seconds\ndimensions: [channel]",
    ),
    (
        "outcome_misspelt",
        "measure: {agg: count, of: record, where: record.outcome == \"dead\"}",
        "windows: [5m]\nunit: count",
    ),
    (
        "max_of_a_fact",
        "measure: {agg: max, of: fact.reply_ms}",
        "windows: [5m]\nunit: seconds",
    ),
    (
        "average_of_an_unknown_fact",
        "measure: {agg: average, of: fact.first_repli_ms}",
        "windows: [5m]\nunit: seconds",
    ),
    (
        "fact_forgotten",
        "measure: {agg: average, of: reply_ms}",
        "windows: [5m]\nunit: seconds",
    ),
    (
        "fact_as_count",
        "measure: {agg: average, of: fact.wait_ms}",
        "windows: [5m]\nunit: count",
    ),
    (
        "unknown_fact",
        "measure: {agg: count, where: has(fact.reply_m)}",
        "windows: [5m]\nunit: count",
    ),
    (
        "fact_as_attribute",
        "measure: {agg: count, where: data.first_reply_ms > 5}",
        "windows: [5m]\nunit: count",
    ),
    (
        "fact_of_records",
        "measure: {agg: count, of: record, where: has(fact.reply_ms)}",
        "windows: [5m]\nunit: count",
    ),
    (
        "fact_in_a_gauge",
        "gauge: {of: conversation.unanswered, where: fact.reply_ms > 5}",
        "windows: [now]\nunit: count",
    ),
    (
        "age_of_overdue",
        "oldest: {of: conversation.overdue}",
        "windows: [now]\nunit: seconds",
    ),
    (
        "unknown_object",
        "gauge: {of: conversation.unanswerd}",
        "windows: [now]\nunit: count",
    ),
];

/// As [`SIMPLE`], of bands of age.
const AGES: [(&str, &str, &str); 4] = [
    (
        "age_without_bands",
        "gauge: {of: case.open}",
        "windows: [now]\nunit: count\ndimensions: [age]",
    ),
    (
        "bands_in_disorder",
        "gauge: {of: case.open}",
        "windows: [now]\nunit: count\ndimensions: [{name: age, bands: [4h, 1h]}]",
    ),
    (
        "bands_of_no_time",
        "gauge: {of: case.open}",
        "windows: [now]\nunit: count\ndimensions: [{name: age, bands: [1h, tomorrow]}]",
    ),
    (
        "age_of_an_event",
        "measure: {agg: count}",
        "windows: [15m]\nunit: count\ndimensions: [{name: age, bands: [1h]}]",
    ),
];

#[test]
fn simple_kpis_are_checked_as_closely() {
    let simple = |formula: &str, rest: &str| {
        let window = rest.split(['[', ']']).nth(1).expect("windows stand first");
        let text = format!(
            "kpi: k\nbusiness_name: K\nmeaning: A number.\ntype: simple\n{formula}\n{rest}\ndecimals: 0\n\
             direction: none\nowners: {{business: a, technical: b}}\nexamples:\n  \
             - {{events: [{{type: a}}], window: {window}, value: 1}}\n"
        );
        whole(&text)
    };
    for (name, formula, rest) in SIMPLE.into_iter().chain(AGES) {
        insta::assert_snapshot!(name, simple(formula, rest), formula);
    }
}

#[test]
fn percentiles_and_derived_kpis_say_what_they_need() {
    let numerator = "numerator:   {agg: count, where: event.type == \"cx.contact.answered.v1\" && data.wait_ms <= 20000}";
    check(
        "percentile_in_a_ratio",
        numerator,
        "numerator: {agg: percentile, of: data.wait_ms, percentile: 0.9}",
    );
    check(
        "which_percentile",
        numerator,
        "numerator: {agg: percentile, of: data.wait_ms}",
    );
    check(
        "no_such_percentile",
        numerator,
        "numerator: {agg: percentile, of: data.wait_ms, percentile: 90}",
    );
    check(
        "percentile_of_a_count",
        numerator,
        "numerator: {agg: count, percentile: 0.9}",
    );
    check("expr_of_a_ratio", "type: ratio", "type: ratio\nexpr: a / b");
    check("derived_that_counts", "type: ratio", "type: derived");
}

/// A conversion, from the lines that stand for these fields of a good one.
fn conversion(name: &str, from: &str, to: &str) {
    const RIGHT: &str = "kpi: buys\nbusiness_name: Buys\nmeaning: A test.\ntype: conversion\n\
        base: {where: event.type == \"cx.commerce.checkout_started.v1\"}\n\
        conversion: {where: event.type == \"cx.commerce.order_placed.v1\"}\nentity: customer\nwithin: 30m\nattempts: first\n\
        constant_properties: [channel]\nwindows: [15m, 1h]\nunit: percent\n\
        decimals: 1\ndirection: up\nowners: {business: a.b, technical: c.d}\n\
        examples: [{events: [{type: cx.session.started.v1}], window: 15m}]\n";
    assert!(RIGHT.contains(from), "{from}");
    let text = RIGHT.replacen(from, to, 1);
    insta::assert_snapshot!(name, whole(&text), to);
}

#[test]
fn conversions_say_of_whom_and_within_how_long() {
    conversion("entity_misspelt", "entity: customer", "entity: custmer");
    conversion("entity_missing", "entity: customer\n", "");
    conversion("within_missing", "within: 30m\n", "");
    conversion("within_too_long", "within: 30m", "within: 90d");
    conversion("totals_or_uniques", "attempts: first\n", "");
    conversion("attempts_of_all", "attempts: first", "attempts: all");
    conversion(
        "conversion_without_end",
        "conversion: {where: event.type == \"cx.commerce.order_placed.v1\"}\n",
        "",
    );
    conversion("property_of_a_number", "[channel]", "[amount_minor]");
    conversion(
        "property_same_and_other",
        "[channel]",
        "[channel]\nchanged_properties: [channel]",
    );
    conversion(
        "undecided_in_a_window",
        "attempts: first",
        "attempts: first\ncalculation: undecided",
    );
    conversion(
        "number_in_percent",
        "attempts: first",
        "attempts: first\ncalculation: conversions",
    );
    conversion(
        "calculation_misspelt",
        "attempts: first",
        "attempts: first\ncalculation: rate",
    );
    conversion(
        "base_of_an_unknown_attribute",
        "event.type == \"cx.commerce.checkout_started.v1\"",
        "data.stp == \"address\"",
    );
    conversion(
        "entity_of_a_simple_kpi",
        "type: conversion",
        "type: simple\nmeasure: {agg: count}",
    );
}

#[test]
fn promised_replies_make_a_ratio_with_each_other_only() {
    let numerator = "numerator:   {agg: count, where: event.type == \"cx.contact.answered.v1\" && data.wait_ms <= 20000}";
    check(
        "replies_and_events",
        numerator,
        "numerator: {agg: count, of: reply.met}",
    );
    check(
        "sum_of_replies",
        numerator,
        "numerator: {agg: sum, of: reply.met}",
    );
    check(
        "replies_misspelt",
        numerator,
        "numerator: {agg: count, of: reply.kept}",
    );
    check(
        "facts_of_a_promise",
        numerator,
        "numerator: {agg: count, of: reply.met, where: fact.reply_ms > 5}",
    );
}

/// A ratio of what sources number, with one text replaced.
fn numbers(name: &str, from: &str, to: &str) {
    let text = "kpi: whole\nbusiness_name: Whole\nmeaning: A test.\ntype: ratio\n\
         numerator: {agg: count, of: sequence.received}\n\
         denominator: {agg: count, of: sequence.expected}\ndimensions: [source]\nwindows: [15m, 1h]\n\
         unit: percent\ndecimals: 1\ndirection: up\nowners: {business: a.b, technical: c.d}\n\
         examples: [{events: [{type: cx.session.started.v1}], window: 15m}]\n";
    assert!(text.contains(from), "{from:?} is in the good file");
    insta::assert_snapshot!(name, whole(&text.replacen(from, to, 1)), to);
}

#[test]
fn numbers_of_sources_are_refused_where_they_would_not_be_whole() {
    let expected = "denominator: {agg: count, of: sequence.expected}";
    numbers("numbers_and_events", expected, "denominator: {agg: count}");
    numbers(
        "numbers_of_some_events",
        "of: sequence.received}",
        "of: sequence.received, where: data.channel == \"web\"}",
    );
    numbers(
        "numbers_of_a_filter",
        expected,
        "denominator: {agg: count, of: sequence.expected}\nfilter: data.channel == \"web\"",
    );
    numbers("numbers_by_channel", "[source]", "[source, channel]");
    numbers("numbers_of_a_day", "[15m, 1h]", "[15m, day]");
    numbers("numbers_now", "[15m, 1h]", "[now]");
    numbers("numbers_misspelt", "sequence.expected", "sequence.sent");
}

#[test]
fn breakdowns_are_refused_where_no_event_could_say_their_values() {
    let desk = |rest: &str| format!("dimensions: [{{name: desk, of: {rest}}}]");
    let check = |name: &str, to: &str| check(name, "dimensions: [queue]", to);
    check(
        "by_a_double",
        "dimensions: [{name: sentiment, values: [\"1\"]}]",
    );
    check(
        "by_a_number_in_words",
        "dimensions: [{name: score, values: [\"one\", \"02\"]}]",
    );
    check(
        "by_a_bool_of_yes",
        "dimensions: [{name: automated, values: [yes]}]",
    );
    check("combination_of_one", &desk("[queue], values: [sales]"));
    check(
        "combination_of_unknown",
        &desk("[queue, chanel], values: [sales/chat]"),
    );
    check(
        "combination_with_source",
        &desk("[queue, source], values: [sales/web-shop]"),
    );
    check(
        "combination_too_short",
        &desk("[channel, queue], values: [chat]"),
    );
    check(
        "combination_with_a_channel_of_none",
        &desk("[channel, queue], values: [chatt/vip]"),
    );
    check(
        "combination_without_values",
        &desk("[channel, queue], values: []"),
    );
    check(
        "combination_called_queue",
        "dimensions: [{name: queue, of: [channel, step], values: [chat/payment]}]",
    );
}

#[test]
fn customers_across_channels_are_counted_whole_and_over_days() {
    let check = |name: &str, lines: &str| {
        let text = format!(
            "kpi: across\nbusiness_name: Across\nmeaning: A test.\ntype: simple\n{lines}\nunit: count\ndecimals: 0\n\
             direction: up\nowners: {{business: a.b, technical: c.d}}\n\
             examples: [{{events: [{{type: cx.session.started.v1}}], window: 7d}}]\n"
        );
        insta::assert_snapshot!(name, whole(&text), lines);
    };
    let measure = "measure: {agg: count_distinct, of: customer.cross_channel}";
    check(
        "across_by_queue",
        &format!("{measure}\ndimensions: [{{name: queue, values: [vip]}}]\nwindows: [7d]"),
    );
    check(
        "across_in_an_hour",
        &format!("{measure}\nwindows: [1h, 7d]"),
    );
    check(
        "across_misspelt",
        "measure: {agg: count_distinct, of: customer.channel}\nwindows: [7d]",
    );
}

/// A derived KPI, from what stands under its name.
fn derived(name: &str, lines: &str) {
    let text = format!(
        "kpi: gap\nbusiness_name: Gap\nmeaning: A test.\ntype: derived\n{lines}\nwindows: [15m, 1h]\nunit: points\n\
         decimals: 1\ndirection: up\nowners: {{business: a.b, technical: c.d}}\n\
         examples: [{{events: [{{type: cx.session.started.v1}}], window: 15m}}]\n"
    );
    insta::assert_snapshot!(name, whole(&text), lines);
}

#[test]
fn arithmetic_is_refused_at_its_place() {
    derived("expr_missing", "metrics: [a, b]");
    derived("metrics_missing", "expr: a / b");
    derived("metric_not_listed", "expr: sl - csat\nmetrics: [sl]");
    derived("metric_not_used", "expr: sl - 5\nmetrics: [sl, csat]");
    derived(
        "metric_twice",
        "expr: sl - 5\nmetrics: [sl, {name: csat, alias: sl}]",
    );
    derived("comparison", "expr: sl > csat\nmetrics: [sl, csat]");
    derived(
        "expr_ends_too_early",
        "expr: (sl - csat\nmetrics: [sl, csat]",
    );
    derived("n_of_whom", "expr: sl - csat\nmetrics: [sl, csat]\nn: slx");
    derived(
        "filter_of_a_derived",
        "expr: sl - csat\nmetrics: [sl, csat]\nfilter: data.channel == \"chat\"",
    );
}
