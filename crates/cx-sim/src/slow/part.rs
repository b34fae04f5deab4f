//! In: matching records. Kept: what one measure adds up. Out: its parts. Never knows: windows, conditions.

use super::meaning::Named;
use cx_catalog::across::Across;
use cx_catalog::definition::{Agg, Formula, Kpi, Measure};
use cx_model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One measure in one window and combination.
pub(super) struct Part {
    pub(super) value: Option<i64>,
    pub(super) n: i64,
    pub(super) restated: i64,
}

/// A part before the first record: sums begin at 0, extremes are not there.
pub(super) fn nothing(m: &Measure) -> Part {
    let absent = matches!(
        m.agg,
        Agg::Min { .. } | Agg::Max { .. } | Agg::Percentile { .. }
    );
    Part {
        value: (!absent).then_some(0),
        n: 0,
        restated: 0,
    }
}

pub(super) fn age(s: i64, start: Option<Timestamp>) -> Part {
    let value = start.map(|t| Timestamp::from_second(s).since(t).max(0));
    Part {
        value,
        n: i64::from(value.is_some()),
        restated: 0,
    }
}

/// Adds one matching record.
pub(super) fn tally(m: &Measure, r: &Named, part: &mut Part, customers: &mut BTreeSet<String>) {
    match &m.agg {
        Agg::Sum { .. } | Agg::Average { .. } => {
            if let Some(i) = number(m, r) {
                part.value = part.value.map(|v| v + i);
                part.n += 1;
            }
        }
        Agg::Min { of } | Agg::Max { of } => {
            if let Some(i) = r.event["data"][of].as_i64() {
                let least = matches!(m.agg, Agg::Min { .. });
                let joined = |v: i64| if least { v.min(i) } else { v.max(i) };
                part.value = Some(part.value.map_or(i, joined));
                part.n += 1;
            }
        }
        Agg::CountDistinct => {
            customers.extend(r.event["subject"].as_str().map(str::to_owned));
        }
        Agg::CountChannels { channels, .. } => {
            let channel = r.event["data"]["channel"].as_str();
            let known = channel.filter(|name| channels.iter().any(|c| c == name));
            let both = r.event["subject"].as_str().zip(known);
            customers.extend(both.map(|(who, channel)| format!("{channel}\n{who}")));
        }
        // All of its numbers are looked at together.
        Agg::Percentile { .. } => {}
        Agg::Count
        | Agg::CountRecords
        | Agg::CountReplies { .. }
        | Agg::CountNumbered { .. }
        | Agg::Attempts { .. }
        | Agg::Gauge { .. }
        | Agg::Oldest { .. } => part.n += 1,
    }
}

/// What a record gives to a sum, an average or a percentile.
pub(super) fn number(m: &Measure, r: &Named) -> Option<i64> {
    let (Agg::Sum { of } | Agg::Average { of } | Agg::Percentile { of, .. }) = &m.agg else {
        return None;
    };
    match of.strip_prefix("fact.") {
        Some(fact) => r.facts.get(fact).copied(),
        None => r.event["data"][of].as_i64(),
    }
}

/// What is counted of customers across channels, from pairs of channel and customer.
pub(super) fn across(of: Across, pairs: &BTreeSet<String>) -> i64 {
    let mut channels: BTreeMap<&str, i64> = BTreeMap::new();
    for pair in pairs {
        let (_, who) = pair.split_once('\n').expect("as they are made");
        *channels.entry(who).or_default() += 1;
    }
    let each = channels.into_values();
    match of {
        Across::Channels => each.sum(),
        Across::Several => each.map(|n| i64::from(n >= 2)).sum(),
    }
}

pub(super) fn factor(kpi: &Kpi) -> (i64, i64) {
    let of = match &kpi.formula {
        Formula::Simple { measure } => match &measure.agg {
            Agg::Sum { of }
            | Agg::Average { of }
            | Agg::Min { of }
            | Agg::Max { of }
            | Agg::Percentile { of, .. } => of.as_str(),
            Agg::Oldest { .. } => "_ms",
            Agg::Count
            | Agg::CountRecords
            | Agg::CountReplies { .. }
            | Agg::CountNumbered { .. }
            | Agg::Attempts { .. }
            | Agg::CountDistinct
            | Agg::CountChannels { .. }
            | Agg::Gauge { .. } => "",
        },
        Formula::Ratio { .. } | Formula::Observed { .. } | Formula::Derived { .. } => "",
    };
    match kpi.unit.as_str() {
        "percent" => (100, 1),
        "seconds" if of.ends_with("_ms") => (1, 1_000),
        "seconds" | "count" | "points" => (1, 1),
        _ if of.ends_with("_minor") => (1, 100),
        _ => (1, 1),
    }
}
