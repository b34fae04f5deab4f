//! In: unit and formula of a KPI. Out: faults; how many steps lie between parts and shown value.
//! Never knows: values.

use super::{Checker, measures, observed};
use crate::definition::{Agg, Formula, Kpi, Measure};
use crate::raw::RawKpi;

/// What a measure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A plain number.
    Number,
    /// Milliseconds.
    Time,
    /// Minor units of a currency.
    Money,
}

impl Kind {
    fn of(measure: &Measure) -> Self {
        match &measure.agg {
            Agg::Sum { of }
            | Agg::Average { of }
            | Agg::Min { of }
            | Agg::Max { of }
            | Agg::Percentile { of, .. } => match of.rsplit_once('_') {
                Some((_, "ms")) => Self::Time,
                Some((_, "minor")) => Self::Money,
                Some(_) | None => Self::Number,
            },
            Agg::Oldest { .. } => Self::Time,
            Agg::Count
            | Agg::CountRecords
            | Agg::CountReplies { .. }
            | Agg::CountNumbered { .. }
            | Agg::Attempts { .. }
            | Agg::CountDistinct
            | Agg::CountChannels { .. }
            | Agg::Gauge { .. } => Self::Number,
        }
    }

    /// What the formula gives; `None` where no unit could name it.
    fn result(formula: &Formula) -> Option<Self> {
        let kinds: Vec<Self> = measures(formula).into_iter().map(Self::of).collect();
        match kinds.as_slice() {
            [one] | [one, Self::Number] => Some(*one),
            [a, b] if a == b => Some(Self::Number),
            _ => None, // no unit could name it, or nothing is counted
        }
    }
}

pub(crate) fn currency(unit: &str) -> bool {
    unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_uppercase())
}

impl Checker<'_, '_> {
    pub(super) fn unit(&mut self, raw: &RawKpi, formula: &Formula) {
        if observed(formula) {
            return;
        }
        let unit = raw.unit.value.as_str();
        if !currency(unit) && !["percent", "count", "points", "seconds"].contains(&unit) {
            return self.fault(
                &raw.unit,
                format!("unknown unit {unit:?}"),
                "write percent, count, points, seconds or an ISO 4217 code such as EUR",
            );
        }
        if matches!(formula, Formula::Derived { .. }) {
            // Follows from what it is made of, which other files say.
            return;
        }
        if unit == "percent" && !matches!(formula, Formula::Ratio { .. }) {
            return self.fault(
                &raw.unit,
                "only a ratio can be in percent",
                "write type: ratio, or another unit",
            );
        }
        let (fits, says) = match Kind::result(formula) {
            Some(Kind::Number) => (
                ["percent", "count", "points"].contains(&unit),
                "a plain number",
            ),
            Some(Kind::Time) => (unit == "seconds", "time"),
            Some(Kind::Money) => (currency(unit), "money"),
            None => (false, "neither a plain number nor time nor money"),
        };
        if !fits {
            self.fault(
                &raw.unit,
                format!("the KPI gives {says}, not {unit}"),
                "numbers are count or points (or percent of a ratio), sums and extremes of *_ms seconds, of *_minor a \
                 currency such as EUR",
            );
        }
    }
}

/// Multiplier above the line as (numerator, denominator), see `CompiledKpi::factor`.
pub(crate) fn factor(kpi: &Kpi) -> (i64, i64) {
    match Kind::result(&kpi.formula) {
        Some(Kind::Time) => (1, 1_000),
        Some(Kind::Money) => (1, 100),
        Some(Kind::Number) | None if kpi.unit == "percent" => (100, 1),
        Some(Kind::Number) | None => (1, 1),
    }
}
