//! In: a set, the panes of one partition, sums over all of them. Kept: which measures have parts of a single
//! minute, and where these lie. Out: what one minute holds; numerator, denominator and n of every cell.
//! Never knows: when a minute is final.
//!
//! A measure has them where panes of a minute or finer hold plain sums. What is open now, distinct
//! customers, extremes, percentiles, what sources number and what only wider panes hold have none.

use super::grain::{self, GRAINS, Grain};
use super::layout::{Layout, Place};
use super::sums::Sums;
use crate::plan::Plan;
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledFormula, CompiledMeasure, combos};
use cx_model::frame::WireParts;
use cx_model::limits::Limits;

/// Seconds of a minute.
pub(crate) const MINUTE: i64 = 60;

/// Where the minutes of measures lie.
#[derive(Debug, Clone)]
pub(crate) struct Minutes {
    /// By measure, where it has any.
    spots: Vec<Option<Spot>>,
}

/// Of one measure.
#[derive(Debug, Clone, Copy)]
struct Spot {
    /// First component among those of a minute.
    at: usize,
    /// Components of one combination: (n) or (sum, n).
    width: usize,
    /// The grain of panes that it is read from, and its first component in a row of them.
    from: (usize, usize),
}

impl Minutes {
    pub(crate) fn of(set: &Compiled, layout: &Layout) -> Self {
        let mut at = 0;
        let spots = set.measures.iter().zip(&layout.places).map(|(m, place)| {
            let from = read_from((m, place), &set.limits)?;
            // The last one of a row says how often it was restated.
            let width = place.row_width - 1;
            let spot = Spot { at, width, from };
            at += place.combos * width;
            Some(spot)
        });
        Self {
            spots: spots.collect(),
        }
    }

    /// Sum and n of a measure in a combination.
    fn take(&self, values: &[i64], measure: usize, combo: usize) -> Option<(i64, i64)> {
        let spot = self.spots[measure]?;
        let row = values.get(spot.at + combo * spot.width..)?;
        let row = row.get(..spot.width)?;
        Some((*row.first()?, *row.last()?))
    }

    /// The parts of every cell, in the set's order: the same in all windows of a KPI. `None` where a KPI
    /// has none, or `whole` says of a measure that it was not counted all the minute.
    pub(crate) fn cells(
        &self,
        set: &Compiled,
        values: &[i64],
        whole: impl Fn(usize) -> bool,
    ) -> Vec<Option<WireParts>> {
        let mut out = vec![None; set.cells.len()];
        for kpi in &set.kpis {
            let all = combos(&kpi.dimensions);
            let whole = kpi.formula.measures().into_iter().all(&whole);
            for combo in (0..all).filter(|_| whole) {
                let take = |measure| self.take(values, measure, combo);
                let parts = match kpi.formula {
                    CompiledFormula::Value(m) => take(m).map(|(sum, n)| (sum, None, n)),
                    CompiledFormula::Average(m) => take(m).map(|(sum, n)| (sum, Some(n), n)),
                    CompiledFormula::Ratio(above, below) => {
                        let both = take(above).zip(take(below));
                        both.map(|((above, _), (below, n))| (above, Some(below), n))
                    }
                    CompiledFormula::Age(_) | CompiledFormula::Derived(_) => None,
                };
                for window in 0..kpi.windows.len() {
                    out[kpi.first_cell + window * all + combo] = parts;
                }
            }
        }
        out
    }
}

/// The panes that a minute of a measure is read from, the widest ones, while their ring still takes what
/// comes to it when the minute is final.
fn read_from(
    (measure, place): (&CompiledMeasure, &Place),
    limits: &Limits,
) -> Option<(usize, usize)> {
    let plain = match measure.agg {
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Replies(_)
        | CompiledAgg::Attempts(..) => true,
        CompiledAgg::Min { .. }
        | CompiledAgg::Max { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Channels(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => false,
    };
    let holds = |(grain, _): &&(usize, usize)| {
        let Grain { width, lengths, .. } = grain::ALL[*grain];
        let reach = lengths.iter().max().map_or(0, |most| most * width);
        width <= MINUTE && reach * 1_000 >= limits.lateness_ms + MINUTE * 1_000
    };
    let mut rows = place.rows().iter().filter(|_| plain);
    rows.rfind(holds).copied()
}

/// What one partition counted in the minute before second `end`, by the measures that its parts hold.
pub(crate) fn minute(plan: &Plan, sums: &Sums, end: i64) -> Box<[i64]> {
    let mut out = Vec::new();
    let spots = &plan.minutes.spots;
    let read = |grain| spots.iter().flatten().any(|spot| spot.from.0 == grain);
    let row = |grain| {
        let row = read(grain).then(|| row(sums, grain, end));
        row.unwrap_or_default()
    };
    let rows: [Vec<i64>; GRAINS] = std::array::from_fn(row);
    let shown = plan.layout.places.iter().zip(spots);
    for (place, spot) in shown.take(plan.shown) {
        let Some(Spot { from, width, .. }) = spot else {
            continue;
        };
        let (grain, first) = *from;
        let size = place.combos * place.row_width;
        let mut own = rows[grain][first..first + size].to_vec();
        place.add_up(&mut own);
        let combos = own.chunks(place.row_width);
        out.extend(combos.flat_map(|combo| &combo[..*width]));
    }
    out.into_boxed_slice()
}

/// The rows of all panes of a minute, added up.
fn row(sums: &Sums, grain: usize, end: i64) -> Vec<i64> {
    let width = grain::ALL[grain].width;
    let mut out = Vec::new();
    for pane in (end - MINUTE).div_euclid(width)..end.div_euclid(width) {
        let row = sums.row(grain, pane);
        out.resize(row.len(), 0_i64);
        let both = out.iter_mut().zip(row);
        both.for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
    }
    out
}
