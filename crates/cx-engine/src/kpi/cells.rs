//! In: joined components of one second. Kept: nothing. Out: the value of every cell.
//! Never knows: partitions, panes, events.

use super::layout::{ABSENT_MAX, ABSENT_MIN, Layout, position};
use super::tally::{Tally, percentile};
use cx_catalog::compiled::{
    Compiled, CompiledAgg, CompiledDerived, CompiledFormula, CompiledKpi, CompiledMetric, combos,
    day_began,
};
use cx_catalog::definition::Object;
use cx_catalog::expr::Fraction;
use cx_catalog::journey::Attempts;
use cx_catalog::numbered::{Numbered, expected};
use cx_model::time::Timestamp;
use cx_model::value::{CellValue, DATA_GAP, RESTATED, WARMING, scaled};
use cx_model::window::Window;

/// Joined components with what stands beside them.
pub(crate) struct Joined<'j> {
    pub(crate) s: i64,
    pub(crate) start: Timestamp,
    /// By measure, since when all partitions count it, where it came with a later set.
    pub(crate) since: &'j [Option<Timestamp>],
    /// By measure, whether a partition does not count it under the same set.
    pub(crate) missing: &'j [bool],
    pub(crate) data_gap: bool,
    pub(crate) values: &'j [i64],
    pub(crate) tallies: &'j [Tally],
}

/// One measure in one window and combination.
struct Taken {
    value: i64,
    n: i64,
    /// How often an event later than the lateness added to it.
    restated: i64,
    absent: bool,
}

/// Every cell of the set, in the set's order.
pub(crate) fn cells(set: &Compiled, layout: &Layout, joined: &Joined<'_>) -> Vec<CellValue> {
    let mut out = vec![CellValue::default(); set.cells.len()];
    for kpi in set.order.iter().map(|i| &set.kpis[*i]) {
        let mut at = kpi.first_cell;
        for window in &kpi.windows {
            for combo in 0..combos(&kpi.dimensions) {
                out[at] = match &kpi.formula {
                    CompiledFormula::Derived(derived) => derive(kpi, derived, at, &out),
                    CompiledFormula::Value(_)
                    | CompiledFormula::Age(_)
                    | CompiledFormula::Average(_)
                    | CompiledFormula::Ratio(..) => {
                        cell(set, layout, joined, (kpi, *window, combo))
                    }
                };
                at += 1;
            }
        }
    }
    out
}

/// Calculates with the values that the screens show; its marks are those of all that it is made of.
fn derive(kpi: &CompiledKpi, derived: &CompiledDerived, at: usize, all: &[CellValue]) -> CellValue {
    let part = |metric: &CompiledMetric| all[metric.cells[at - kpi.first_cell]];
    let shown = |i: usize| {
        let metric = &derived.metrics[i];
        let value = part(metric).value?;
        Some(Fraction::of_scaled(value, metric.scale))
    };
    let value = derived.expr.value(&shown);
    let parts = || derived.metrics.iter().map(part);
    let n = match derived.n {
        Some(i) => part(&derived.metrics[i]).n,
        None => parts().map(|part| part.n).min().unwrap_or(0),
    };
    let value = value.and_then(|value| value.scaled(kpi.scale));
    CellValue {
        value,
        state: parts().fold(0, |state, part| state | part.state),
        numerator: value.unwrap_or(0),
        denominator: None,
        n,
        restated: [
            parts().map(|part| part.restated.iter().sum::<i64>()).sum(),
            0,
        ],
    }
}

fn cell(
    set: &Compiled,
    layout: &Layout,
    joined: &Joined<'_>,
    (kpi, window, combo): (&CompiledKpi, Window, usize),
) -> CellValue {
    let take = |measure| take(set, layout, joined, (measure, kpi, window, combo));
    let (above, below) = kpi.factor;
    let mut out = match kpi.formula {
        // Made of cells, not of measures.
        CompiledFormula::Derived(_) => CellValue::default(),
        CompiledFormula::Value(m) | CompiledFormula::Age(m) => {
            let taken = take(m);
            let value = scaled(taken.value.saturating_mul(above), below, kpi.scale);
            CellValue {
                value: value.filter(|_| !taken.absent),
                numerator: taken.value,
                n: taken.n,
                restated: [taken.restated, 0],
                ..CellValue::default()
            }
        }
        CompiledFormula::Average(m) => {
            let taken = take(m);
            let restated = [taken.restated, 0];
            quotient((taken.value, taken.n), taken.n, restated, kpi)
        }
        CompiledFormula::Ratio(numerator, denominator) => {
            let (top, bottom) = (take(numerator), take(denominator));
            let restated = [top.restated, bottom.restated];
            quotient((top.value, bottom.value), bottom.n, restated, kpi)
        }
    };
    // All measures of a KPI began together.
    let first = match kpi.formula {
        CompiledFormula::Value(m)
        | CompiledFormula::Age(m)
        | CompiledFormula::Average(m)
        | CompiledFormula::Ratio(m, _) => Some(m),
        CompiledFormula::Derived(_) => None,
    };
    if first.is_some_and(|m| joined.missing[m]) {
        out = CellValue {
            state: WARMING,
            ..CellValue::default()
        };
    }
    let since = first.and_then(|m| joined.since[m]);
    let within = first.map_or(0, |m| within_ms(set, m));
    if warming((set, joined), (kpi, window), (since, within)) {
        out.state |= WARMING;
    }
    if out.restated != [0; 2] {
        out.state |= RESTATED;
    }
    if joined.data_gap {
        out.state |= DATA_GAP;
    }
    out
}

/// How long before its window what a measure counts may have begun: of attempts the time that they have.
fn within_ms(set: &Compiled, measure: usize) -> i64 {
    match set.measures[measure].agg {
        CompiledAgg::Attempts(_, journey) => set.journeys[journey].within_ms,
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Min { .. }
        | CompiledAgg::Max { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Channels(_)
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => 0,
    }
}

/// Whether a window reaches back before all of it was counted. What is decided in it began up to `within`
/// before. What is open now may have been opened before a later set, as long as such things are kept.
fn warming(
    (set, joined): (&Compiled, &Joined<'_>),
    (kpi, window): (&CompiledKpi, Window),
    (since, within_ms): (Option<Timestamp>, i64),
) -> bool {
    let s = Timestamp::from_second(joined.s);
    if window == Window::Now {
        let kept = match within_ms {
            0 => set.limits.contact_open_ms,
            within => within,
        };
        return since.is_some_and(|since| s < since.plus(kept));
    }
    let begun = since.map_or(joined.start, |since| since.max(joined.start));
    let begun = begun.plus(within_ms);
    if window == Window::Day {
        return Timestamp::from_second(day_began(kpi.calendar.as_deref(), joined.s)) < begun;
    }
    s.plus(-window.seconds() * 1_000) < begun
}

fn quotient((top, bottom): (i64, i64), n: i64, restated: [i64; 2], kpi: &CompiledKpi) -> CellValue {
    let (above, below) = kpi.factor;
    let value = scaled(
        top.saturating_mul(above),
        bottom.saturating_mul(below),
        kpi.scale,
    );
    CellValue {
        value,
        state: 0,
        numerator: top,
        denominator: Some(bottom),
        n,
        restated,
    }
}

fn take(
    set: &Compiled,
    layout: &Layout,
    joined: &Joined<'_>,
    (measure, kpi, window, combo): (usize, &CompiledKpi, Window, usize),
) -> Taken {
    let (m, place) = (&set.measures[measure], &layout.places[measure]);
    let window = position(&m.windows, window).expect("a measure has its KPI's windows");
    let base = place.base + window * place.stride;
    if m.agg == CompiledAgg::Oldest(Object::SourceLastEvent) {
        let by_source = &joined.values[base..base + place.stride];
        return age_of_source(set, kpi, joined.s, combo, by_source);
    }
    if let CompiledAgg::Numbered(of) = m.agg {
        let by_source = &joined.values[base..base + place.stride];
        return numbered((of, &m.names), kpi, combo, by_source);
    }
    let at = &joined.values[base + combo * place.width..][..place.width];
    match m.agg {
        CompiledAgg::Attempts(Attempts::Undecided, _) | CompiledAgg::Gauge(_) => Taken {
            value: at[0],
            n: at[0],
            restated: 0,
            absent: false,
        },
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Attempts(..)
        | CompiledAgg::Channels(_)
        | CompiledAgg::CountDistinct => Taken {
            value: at[0],
            n: at[0],
            restated: at[1],
            absent: false,
        },
        CompiledAgg::Sum { .. } | CompiledAgg::Average { .. } => Taken {
            value: at[0],
            n: at[1],
            restated: at[2],
            absent: false,
        },
        CompiledAgg::Min { .. } | CompiledAgg::Max { .. } => Taken {
            value: if at[1] > 0 { at[0] } else { 0 },
            n: at[1],
            restated: at[2],
            absent: at[1] == 0,
        },
        CompiledAgg::Percentile { per_mille, .. } => {
            let first = place.tally.unwrap_or_default() + window * place.combos;
            let leaves = place.leaves(combo);
            let leaves = leaves.map(|leaf| &**joined.tallies[first + leaf]);
            let found = percentile(leaves, per_mille);
            Taken {
                value: found.unwrap_or(0),
                n: at[0],
                restated: at[1],
                absent: found.is_none(),
            }
        }
        CompiledAgg::Oldest(_) => age(joined.s, Some(at[0]).filter(|t| *t != ABSENT_MIN)),
    }
}

fn age(s: i64, start: Option<i64>) -> Taken {
    let value = start.map_or(0, |t| Timestamp::from_second(s).since(Timestamp(t)).max(0));
    Taken {
        value,
        n: i64::from(start.is_some()),
        restated: 0,
        absent: start.is_none(),
    }
}

/// `all`: the source that has been silent longest; a declared value: that source; `other`: none.
fn age_of_source(
    set: &Compiled,
    kpi: &CompiledKpi,
    s: i64,
    combo: usize,
    by_source: &[i64],
) -> Taken {
    let seen = |i: usize| by_source.get(i).copied().filter(|t| *t != ABSENT_MAX);
    if combo == 0 {
        return age(s, (0..by_source.len()).filter_map(seen).min());
    }
    let name = kpi.dimensions.first().and_then(|d| d.values.get(combo - 1));
    let source = name.and_then(|n| set.sources.binary_search(n).ok());
    age(s, source.and_then(seen))
}

/// What sources numbered. `all`: of every one, added up; a declared value: of that source; `other`: nothing.
fn numbered(
    (of, sources): (Numbered, &[String]),
    kpi: &CompiledKpi,
    combo: usize,
    by_source: &[i64],
) -> Taken {
    let count = |i: usize| match of {
        Numbered::Received => by_source[i],
        Numbered::Expected => {
            let seen = |at: usize| Some(by_source[3 * i + at]).filter(|n| *n != ABSENT_MAX);
            expected(seen(1), seen(0), seen(2).map(|least| -least))
        }
    };
    let value = if combo == 0 {
        (0..sources.len()).map(count).sum()
    } else {
        let name = kpi.dimensions.first().and_then(|d| d.values.get(combo - 1));
        let source = name.and_then(|n| sources.binary_search(n).ok());
        source.map_or(0, count)
    };
    Taken {
        value,
        n: value,
        restated: 0,
        absent: false,
    }
}
