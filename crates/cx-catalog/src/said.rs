//! In: a checked KPI, the parts of one of its values. Kept: nothing. Out: its formula as the
//! definition says it and as a sentence; how parts became a value. Never knows: where parts come from.
//!
//! `shape` is the one place that knows kinds of formulas: a new kind is a new arm there.

use crate::across::Across;
use crate::cel;
use crate::check::factor;
use crate::definition::{Agg, Formula, Kpi, Measure, Metric, Object, Observed};
use cx_model::value::CellValue;
use serde::Serialize;

/// A formula, told twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The formula over its parts: `numerator ÷ denominator × 100`.
    pub formula: String,
    /// Its parts as the definition says them.
    pub parts: Vec<SaidPart>,
    /// The whole of it as a sentence.
    pub sentence: String,
}

/// One part of a formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaidPart {
    /// `filter`, `measure`, `numerator`, `denominator`, `observed`; of a derived KPI the names in its
    /// expression.
    pub part: String,
    /// How, of what, where; the technical name of a KPI that another is made of.
    pub text: String,
}

/// What becomes of the measures.
#[derive(Clone, Copy)]
enum How<'f> {
    /// The one measure is the value.
    AsItIs,
    /// The one measure's sum is divided by how many were added.
    PerObservation,
    /// The first is divided by the second.
    Divided,
    /// Values of other KPIs are calculated with.
    Calculated(&'f str, &'f [Metric]),
    /// Nothing is counted.
    Observed(Observed),
}

/// A formula's measures, each with its name in the definition, and what becomes of them.
struct Shape<'f> {
    measures: Vec<(&'static str, &'f Measure)>,
    how: How<'f>,
}

fn shape(formula: &Formula) -> Shape<'_> {
    match formula {
        Formula::Simple { measure } => Shape {
            how: if matches!(measure.agg, Agg::Average { .. }) {
                How::PerObservation
            } else {
                How::AsItIs
            },
            measures: vec![("measure", measure)],
        },
        Formula::Ratio {
            numerator,
            denominator,
        } => Shape {
            measures: vec![("numerator", numerator), ("denominator", denominator)],
            how: How::Divided,
        },
        Formula::Derived { expr, metrics, .. } => Shape {
            measures: Vec::new(),
            how: How::Calculated(expr, metrics),
        },
        Formula::Observed { of } => Shape {
            measures: Vec::new(),
            how: How::Observed(*of),
        },
    }
}

/// The formula of a KPI, for people.
#[must_use]
pub fn said(kpi: &Kpi) -> Said {
    let shape = shape(&kpi.formula);
    let part = |part: &str, text: String| SaidPart {
        part: part.to_owned(),
        text,
    };
    let filter = kpi.filter.iter().map(|f| part("filter", f.clone()));
    let measures = shape.measures.iter().map(|(name, m)| part(name, exact(m)));
    let mut parts: Vec<SaidPart> = filter.chain(measures).collect();
    match shape.how {
        How::Calculated(_, metrics) => {
            parts.extend(metrics.iter().map(|m| part(m.word(), m.name.clone())));
        }
        How::Observed(of) => parts.push(part("observed", of.name().to_owned())),
        How::AsItIs | How::PerObservation | How::Divided => {}
    }
    Said {
        formula: formula(kpi, &shape),
        sentence: sentence(kpi, &shape),
        parts,
    }
}

/// How a measure stands in a file: `count where …`.
fn exact(measure: &Measure) -> String {
    let what = match &measure.agg {
        Agg::Count => "count".to_owned(),
        Agg::CountRecords => "count of record".to_owned(),
        Agg::Sum { of } => format!("sum of {}", attribute(of)),
        Agg::Average { of } => format!("average of {}", attribute(of)),
        Agg::Min { of } => format!("min of {}", attribute(of)),
        Agg::Max { of } => format!("max of {}", attribute(of)),
        Agg::Percentile { of, per_mille } => {
            format!("percentile {} of {}", share(*per_mille, 0), attribute(of))
        }
        Agg::CountDistinct => "count_distinct of customer".to_owned(),
        Agg::CountChannels { of, .. } => format!("count_distinct of {}", of.name()),
        Agg::CountReplies { of } => format!("count of {}", of.name()),
        Agg::CountNumbered { of, .. } => format!("count of {}", of.name()),
        Agg::Attempts { of, journey } => journey.exact(*of),
        Agg::Gauge { of } => format!("gauge of {}", of.name()),
        Agg::Oldest { of } => format!("oldest of {}", of.name()),
    };
    match &measure.condition {
        Some(condition) => format!("{what} where {condition}"),
        None => what,
    }
}

fn attribute(of: &str) -> String {
    if of.starts_with("fact.") {
        of.to_owned()
    } else {
        format!("data.{of}")
    }
}

/// So many of 1,000 as a number from 0 to 1, or as percent.
fn share(per_mille: u16, percent: u8) -> String {
    let text = amount(per_mille.into(), 3 - percent, "count");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// ` × 100`, ` ÷ 1,000`, or nothing.
fn times(kpi: &Kpi) -> String {
    match factor(kpi) {
        (1, 1) => String::new(),
        (above, 1) => format!(" \u{d7} {}", grouped(above)),
        (_, below) => format!(" \u{f7} {}", grouped(below)),
    }
}

fn formula(kpi: &Kpi, shape: &Shape<'_>) -> String {
    let times = times(kpi);
    match shape.how {
        How::AsItIs => format!("measure{times}"),
        How::PerObservation => format!("sum \u{f7} n{times}"),
        How::Divided => format!("numerator \u{f7} denominator{times}"),
        How::Calculated(expr, _) => expr.to_owned(),
        How::Observed(_) => "as the process measures it".to_owned(),
    }
}

fn sentence(kpi: &Kpi, shape: &Shape<'_>) -> String {
    let phrases: Vec<String> = shape.measures.iter().map(|(_, m)| phrase(m)).collect();
    let core = match (&shape.how, phrases.as_slice()) {
        (How::Divided, [above, below]) => format!("{above}, divided by {below}"),
        (How::Observed(of), _) => observed(*of).to_owned(),
        (How::Calculated(expr, _), _) => {
            format!("calculated from other numbers, as the screens show them: {expr}")
        }
        (How::AsItIs | How::PerObservation | How::Divided, all) => all.join(", "),
    };
    let scale = match (factor(kpi), kpi.unit.as_str()) {
        _ if shape.measures.is_empty() => String::new(),
        ((100, 1), "percent") => ", in percent".to_owned(),
        ((1, 1_000), _) => ", in seconds".to_owned(),
        ((1, 100), unit) => format!(", in {unit}"),
        _ => String::new(),
    };
    let filter = kpi
        .filter
        .as_ref()
        .map_or_else(String::new, |f| format!(" Only where {}.", cel::words(f)));
    format!("{}{scale}.{filter}", capital(&core))
}

/// A measure as a phrase: `the number of events where …`.
fn phrase(measure: &Measure) -> String {
    let condition = measure.condition.as_deref().map(cel::words);
    let among = |what: &str| match &condition {
        Some(words) => format!("{what} where {words}"),
        None => what.to_owned(),
    };
    let fact = |of: &str| match of.strip_prefix("fact.") {
        Some(fact) => format!("the engine's {fact}"),
        None => of.to_owned(),
    };
    match &measure.agg {
        Agg::Count => format!("the number of {}", among("events")),
        Agg::CountRecords => format!("the number of {}", among("records of the log")),
        Agg::Sum { of } => format!("the sum of {} over {}", fact(of), among("events")),
        Agg::Average { of } => format!("the average of {} over {}", fact(of), among("events")),
        Agg::Min { of } => format!("the least {} of {}", fact(of), among("events")),
        Agg::Max { of } => format!("the greatest {} of {}", fact(of), among("events")),
        Agg::Percentile { of, per_mille } => format!(
            "the value of {} that {} % of {} do not exceed, by nearest rank from a histogram with an error below 0.8 %",
            fact(of),
            share(*per_mille, 2),
            among("events")
        ),
        Agg::CountDistinct => {
            format!(
                "the number of different customers with {}",
                among("an event")
            )
        }
        Agg::CountChannels { of, .. } => format!("the number of {}", of.words(&among("an event"))),
        Agg::CountReplies { of } => format!("the number of {}{}", of.words(), begun(measure)),
        Agg::CountNumbered { of, .. } => format!("the number of {}", of.words()),
        Agg::Attempts { of, journey } => journey.phrase(*of),
        Agg::Gauge { of } => format!(
            "the number of {} at the second{}",
            open(*of),
            begun(measure)
        ),
        Agg::Oldest {
            of: Object::SourceLastEvent,
        } => "the time since the newest event of a source; of all sources, of the one that is \
              silent longest"
            .to_owned(),
        Agg::Oldest { of } => {
            format!(
                "how long the oldest of the {} has waited at the second{}",
                open(*of),
                begun(measure)
            )
        }
    }
}

fn begun(measure: &Measure) -> String {
    let condition = measure.condition.as_deref();
    condition.map_or_else(String::new, |c| {
        format!(", begun by an event where {}", cel::words(c))
    })
}

fn open(object: Object) -> &'static str {
    match object {
        Object::ContactWaiting => "contacts that wait in a queue",
        Object::ConversationUnanswered => "conversations with an unanswered message",
        Object::ConversationOverdue => "conversations whose reply is past due",
        Object::CaseOpen => "open cases",
        Object::SourceLastEvent => "declared sources",
    }
}

fn observed(of: Observed) -> &'static str {
    match of {
        Observed::EventToScreen => {
            "the age of the oldest event that a frame shows for the first time, the greatest of \
             the last minute"
        }
        Observed::ConsumerLag => "the number of records of the log that no engine has taken yet",
    }
}

/// What a measure's part counts, in the plural.
fn things(measure: &Measure) -> String {
    match &measure.agg {
        Agg::Count => "events".to_owned(),
        Agg::CountRecords => "records".to_owned(),
        Agg::CountDistinct => "customers".to_owned(),
        Agg::CountChannels { of, .. } => match of {
            Across::Channels => "channels".to_owned(),
            Across::Several => "customers".to_owned(),
        },
        Agg::CountReplies { .. } => "promised replies".to_owned(),
        Agg::CountNumbered { .. } => "numbered events".to_owned(),
        Agg::Attempts { .. } => "attempts".to_owned(),
        Agg::Gauge { of } => open(*of).to_owned(),
        Agg::Oldest { .. } => "ms".to_owned(),
        Agg::Sum { of }
        | Agg::Average { of }
        | Agg::Min { of }
        | Agg::Max { of }
        | Agg::Percentile { of, .. } => {
            if of.ends_with("_ms") {
                "ms".to_owned()
            } else if of.ends_with("_minor") {
                "minor units".to_owned()
            } else {
                of.clone()
            }
        }
    }
}

/// How the parts became the value, in one line: `784 of 1,000 events = 78.4 %`. Where digits were
/// dropped it says from what and how. `made_of`: of a derived KPI what stands for each name in its
/// expression.
#[must_use]
pub fn worked(kpi: &Kpi, cell: &CellValue, made_of: &[(&str, &str)]) -> String {
    let shape = shape(&kpi.formula);
    let (above, below) = factor(kpi);
    let things: Vec<String> = shape.measures.iter().map(|(_, m)| things(m)).collect();
    let name = |i: usize| things.get(i).map_or("", String::as_str);
    let (top, bottom) = (grouped(cell.numerator), cell.denominator.map(grouped));
    let (begin, divisor) = match (&shape.how, bottom) {
        (How::Observed(_), _) => {
            return "measured by the process, not worked out from the log".to_owned();
        }
        (How::Calculated(expr, _), _) => return calculated(kpi, cell, &filled(expr, made_of)),
        (How::AsItIs, _) if (above, below) == (1, 1) && cell.value.is_some() => {
            return format!("{}: {top}, shown as counted", name(0));
        }
        (How::AsItIs, _) | (How::PerObservation | How::Divided, None) => {
            (format!("{top} {}", name(0)), below)
        }
        (How::PerObservation, Some(n)) => (
            format!("{top} {} \u{f7} {n} events", name(0)),
            cell.n.saturating_mul(below),
        ),
        (How::Divided, Some(bottom)) => {
            let divisor = cell.denominator.unwrap_or(0).saturating_mul(below);
            let text = if name(0) == name(1) && kpi.unit == "percent" {
                format!("{top} of {bottom} {}", name(1))
            } else {
                format!("{top} {} \u{f7} {bottom} {}", name(0), name(1))
            };
            (text, divisor)
        }
    };
    let times = match &shape.how {
        How::Divided if kpi.unit == "percent" => String::new(),
        How::AsItIs
        | How::PerObservation
        | How::Divided
        | How::Calculated(..)
        | How::Observed(_) => times(kpi),
    };
    let Some(value) = cell.value else {
        let why = if divisor == 0 {
            "nothing to divide by"
        } else {
            "nothing was there"
        };
        return format!("{begin}: {why}, so no value is shown");
    };
    let shown = amount(value, kpi.decimals, &kpi.unit);
    let dropped = dropped(
        i128::from(cell.numerator) * i128::from(above),
        divisor,
        kpi.decimals,
    );
    let how = dropped.map_or_else(String::new, |from| {
        let decimals = match kpi.decimals {
            0 => "a whole number".to_owned(),
            1 => "1 decimal".to_owned(),
            n => format!("{n} decimals"),
        };
        format!(", rounded half to even to {decimals} from {from}")
    });
    format!("{begin}{times} = {shown}{how}")
}

/// A derived value: the arithmetic with what was put in, and the result.
fn calculated(kpi: &Kpi, cell: &CellValue, filled: &str) -> String {
    match cell.value {
        Some(value) => format!(
            "{filled} = {}, with each number as the screens show it, rounded half to even",
            amount(value, kpi.decimals, &kpi.unit)
        ),
        None => format!(
            "{filled}: one of them has no value, or would divide by 0, so no value is shown"
        ),
    }
}

/// An expression with values in the place of names.
fn filled(expr: &str, made_of: &[(&str, &str)]) -> String {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        // A number may hold a dot, and begins with no letter: it stays as it is.
        let end = rest.find(|c| of_name(c) != of_name(first));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        let value = made_of.iter().find(|(name, _)| *name == word);
        out.push_str(value.map_or(word, |(_, value)| value));
        rest = after;
    }
    out
}

/// The quotient with four more decimals than are shown, where it has any; the rest is cut off.
fn dropped(exact: i128, divisor: i64, decimals: u8) -> Option<String> {
    let divisor = i128::from(divisor);
    if exact * 10_i128.pow(decimals.into()) % divisor == 0 {
        return None;
    }
    let more = decimals + 4;
    let long = exact * 10_i128.pow(more.into());
    let cut = i64::try_from(long / divisor).ok()?;
    let text = amount(cut, more, "count");
    Some(if long % divisor == 0 {
        text.trim_end_matches('0').to_owned()
    } else {
        text + "\u{2026}"
    })
}

/// A scaled integer with its unit: `78.4 %`, `46,706 EUR`, `41.2 s`.
fn amount(value: i64, decimals: u8, unit: &str) -> String {
    let unit = match unit {
        "count" => String::new(),
        "percent" => " %".to_owned(),
        "seconds" => " s".to_owned(),
        // points, or a currency
        other => format!(" {other}"),
    };
    let step = 10_u64.pow(decimals.into());
    let (whole, rest) = (value.unsigned_abs() / step, value.unsigned_abs() % step);
    let sign = if value < 0 { "-" } else { "" };
    let whole = grouped(i64::try_from(whole).unwrap_or(i64::MAX));
    if decimals == 0 {
        return format!("{sign}{whole}{unit}");
    }
    let width = usize::from(decimals);
    format!("{sign}{whole}.{rest:0width$}{unit}")
}

/// `1,234,567`
fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if n < 0 { format!("-{out}") } else { out }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Declared, parse_kpi};

    const RATIO: &str = "kpi: share
business_name: Share
meaning: A share.
type: ratio
filter: data.channel == \"chat\"
numerator: {agg: count, where: data.wait_ms <= 20000}
denominator: {agg: count}
windows: [15m]
unit: percent
decimals: 1
direction: up
owners: {business: a.b, technical: c.d}
examples: [{events: [{data: {channel: chat}}], window: 15m, value: 0, n: 1}]
";

    fn kpi(text: &str) -> Kpi {
        parse_kpi("a.yaml", text, &Declared::default()).expect("a good file")
    }

    fn simple(measure: &str, unit: &str, decimals: u8) -> Kpi {
        kpi(&format!(
            "kpi: one\nbusiness_name: One\nmeaning: One.\ntype: simple\nmeasure: {measure}\nwindows: [15m]\n\
             unit: {unit}\ndecimals: {decimals}\ndirection: up\nowners: {{business: a.b, technical: c.d}}\n\
             examples: [{{events: [{{}}], window: 15m, value: 0}}]\n"
        ))
    }

    fn cell(value: Option<i64>, numerator: i64, denominator: Option<i64>, n: i64) -> CellValue {
        CellValue {
            value,
            numerator,
            denominator,
            n,
            ..CellValue::default()
        }
    }

    #[test]
    fn a_ratio_is_told_as_it_is_written_and_as_a_sentence() {
        let said = said(&kpi(RATIO));
        assert_eq!(said.formula, "numerator \u{f7} denominator \u{d7} 100");
        let parts: Vec<(&str, &str)> = said.parts.iter().map(|p| (&*p.part, &*p.text)).collect();
        let expected = [
            ("filter", "data.channel == \"chat\""),
            ("numerator", "count where data.wait_ms <= 20000"),
            ("denominator", "count"),
        ];
        assert_eq!(parts, expected);
        assert_eq!(
            said.sentence,
            "The number of events where wait_ms is at most 20000, divided by the number of events, \
             in percent. Only where channel is \"chat\"."
        );
    }

    #[test]
    fn a_worked_line_names_the_rounding_only_where_digits_were_dropped() {
        let ratio = kpi(RATIO);
        let check = |kpi: &Kpi, cell: &CellValue, expected: &str| {
            assert_eq!(worked(kpi, cell, &[]), expected);
        };
        let value = |v, n| cell(Some(v), n, Some(1_000), 1_000);
        check(&ratio, &value(784, 784), "784 of 1,000 events = 78.4 %");
        check(
            &ratio,
            &cell(Some(667), 2, Some(3), 3),
            "2 of 3 events = 66.7 %, rounded half to even to 1 decimal from 66.66666\u{2026}",
        );
        check(
            &ratio,
            &cell(Some(122), 49, Some(400), 400),
            "49 of 400 events = 12.2 %, rounded half to even to 1 decimal from 12.25",
        );
        check(
            &ratio,
            &cell(None, 0, Some(0), 0),
            "0 of 0 events: nothing to divide by, so no value is shown",
        );
        let money = simple("{agg: sum, of: data.amount_minor}", "EUR", 0);
        check(
            &money,
            &cell(Some(46_706), 4_670_612, None, 9),
            "4,670,612 minor units \u{f7} 100 = 46,706 EUR, rounded half to even to a whole number from 46,706.12",
        );
        let wait = simple("{agg: average, of: data.wait_ms}", "seconds", 1);
        check(
            &wait,
            &cell(Some(412), 82_400, Some(2), 2),
            "82,400 ms \u{f7} 2 events \u{f7} 1,000 = 41.2 s",
        );
        let count = simple("{agg: count}", "count", 0);
        check(
            &count,
            &cell(Some(1_234), 1_234, None, 1_234),
            "events: 1,234, shown as counted",
        );
        let slow = simple(
            "{agg: percentile, of: data.wait_ms, percentile: 0.9}",
            "seconds",
            0,
        );
        check(
            &slow,
            &cell(Some(41), 41_000, None, 4),
            "41,000 ms \u{f7} 1,000 = 41 s",
        );
        let least = simple("{agg: min, of: data.wait_ms}", "seconds", 1);
        check(
            &least,
            &cell(None, 0, None, 0),
            "0 ms: nothing was there, so no value is shown",
        );
    }

    #[test]
    fn a_percentile_names_its_share_and_how_it_is_found() {
        let slow = simple(
            "{agg: percentile, of: data.wait_ms, percentile: 0.95}",
            "seconds",
            0,
        );
        let told = said(&slow);
        assert_eq!(told.parts[0].text, "percentile 0.95 of data.wait_ms");
        let words = "The value of wait_ms that 95 % of events do not exceed, by nearest rank from a histogram";
        assert!(told.sentence.starts_with(words), "{}", told.sentence);
        assert_eq!(
            (share(999, 0).as_str(), share(999, 2).as_str()),
            ("0.999", "99.9")
        );
        assert_eq!(
            (share(500, 0).as_str(), share(500, 2).as_str()),
            ("0.5", "50")
        );
    }

    #[test]
    fn a_derived_number_is_told_with_what_stands_for_each_name() {
        let made_of = [
            ("promoters", "12"),
            ("answers", "40"),
            ("p", "no name of it"),
        ];
        let text = filled("100.5 * (promoters - detractors) / answers", &made_of);
        assert_eq!(text, "100.5 * (12 - detractors) / 40");
        let derived = Kpi {
            formula: Formula::Derived {
                expr: "promoters / answers".to_owned(),
                metrics: vec![Metric {
                    name: "nps_promoters".to_owned(),
                    alias: Some("promoters".to_owned()),
                }],
                n: None,
            },
            unit: "points".to_owned(),
            ..simple("{agg: count}", "count", 1)
        };
        let told = said(&derived);
        assert_eq!(told.formula, "promoters / answers");
        assert_eq!(
            (&*told.parts[0].part, &*told.parts[0].text),
            ("promoters", "nps_promoters")
        );
        let line = worked(&derived, &cell(Some(3), 3, None, 40), &made_of);
        assert!(
            line.starts_with("12 / 40 = 0.3 points, with each number"),
            "{line}"
        );
    }
}
