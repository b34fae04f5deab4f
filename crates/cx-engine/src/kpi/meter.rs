//! In: events and records with their outcome. Kept: panes, distinct maps, gauges of one partition.
//! Out: the components of one second. Never knows: other partitions; how a value is rounded.

use super::dims::Leaves;
use super::distinct::{Counts, Distinct, LENGTHS, Row, Told};
use super::extremes::Extremes;
use super::layout::{Merge, Place, is_fine, scopes};
use super::objects::Objects;
use super::panes::{Panes, Rows, Spot};
use super::tallies::Tallies;
use super::tally::{Counts as Bucketed, Tally, bucket};
use crate::plan::Plan;
use cx_catalog::compiled::{CompiledAgg, CompiledMeasure, Of, View};
use cx_catalog::fact::Facts;
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use cx_model::window::Window;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const FINE: i64 = 5;
const COARSE: i64 = 60;
/// Windows of 1m and 5m in fine panes.
const FINE_LENGTHS: [i64; 2] = [60 / FINE, 300 / FINE];
/// Panes that stamps up to the clamp ahead of log time reach.
const FINE_AHEAD: i64 = 62;
const COARSE_AHEAD: i64 = 7;

/// One partition's measuring.
pub(crate) struct Meter {
    plan: Arc<Plan>,
    sums: Sums,
    pub(crate) objects: Objects,
    leaves: Leaves,
}

/// What is added up by panes.
struct Sums {
    fine: Panes,
    coarse: Panes,
    distinct: Distinct,
    /// By measure, in 5-second and in minute panes; most have none.
    extremes: Vec<[Option<Extremes>; 2]>,
    /// As `extremes`, for percentiles.
    tallies: Vec<[Option<Tallies>; 2]>,
    lateness_ms: i64,
    /// Where the second of log time lies: found once for all its records.
    now: Option<(i64, Spots)>,
}

/// One event as the meter needs it.
pub(crate) struct Counted<'c, 'a> {
    pub(crate) event: &'c Event<'a>,
    /// What its type means, by [`Names`](super::names::Names).
    pub(crate) kind: usize,
    pub(crate) customer: Option<Key128>,
    /// The number of its channel, where that is registered.
    pub(crate) channel: Option<usize>,
    /// Where the minutes of the customer are kept, if there was room.
    pub(crate) row: Option<u32>,
    pub(crate) time: Timestamp,
    pub(crate) log_time: Timestamp,
    pub(crate) facts: Facts,
}

/// Where one second lies in fine and coarse panes, and whether that pane was final already.
#[derive(Clone, Copy)]
struct Spots {
    fine: Option<(Spot, bool)>,
    coarse: Option<(Spot, bool)>,
}

/// All panes of a cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    fine: Rows,
    coarse: Rows,
    extremes: Vec<(i64, Vec<i64>)>,
    tallies: Vec<(i64, Vec<Bucketed>)>,
    distinct: Counts,
    newest: Vec<Vec<i64>>,
}

/// What counting refused or could not decide.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub(crate) cel_errors: i64,
    pub(crate) limited: i64,
}

impl Meter {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let Plan { set, layout, .. } = &*plan;
        let pairs = || set.measures.iter().zip(&layout.places);
        Self {
            sums: Sums {
                fine: Panes::new(layout.fine_size, &FINE_LENGTHS, FINE_AHEAD),
                coarse: Panes::new(layout.coarse_size, &LENGTHS, COARSE_AHEAD),
                extremes: pairs().map(|(m, place)| extremes(m, place)).collect(),
                tallies: pairs().map(|(_, place)| tallies(place)).collect(),
                distinct: Distinct::new(set),
                lateness_ms: set.limits.lateness_ms,
                now: None,
            },
            objects: Objects::new(set),
            leaves: plan.dims.leaves(),
            plan,
        }
    }

    /// Sets every ring to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        let sums = &mut self.sums;
        sums.now = None;
        sums.fine.advance((s - 1).div_euclid(FINE));
        let minute = (s - 1).div_euclid(COARSE);
        sums.coarse.advance(minute);
        sums.distinct.advance(minute);
        for [fine, coarse] in &mut sums.extremes {
            if let Some(fine) = fine {
                fine.advance((s - 1).div_euclid(FINE));
            }
            if let Some(coarse) = coarse {
                coarse.advance(minute);
            }
        }
        for [fine, coarse] in &mut sums.tallies {
            if let Some(fine) = fine {
                fine.advance((s - 1).div_euclid(FINE));
            }
            if let Some(coarse) = coarse {
                coarse.advance(minute);
            }
        }
    }

    /// Customers whose minutes are kept.
    pub(crate) fn recent(&self) -> usize {
        self.sums.distinct.len()
    }

    /// Where the minutes of a customer are kept, who was told `known` before.
    pub(crate) fn row(&mut self, customer: Key128, known: Option<u32>) -> Option<u32> {
        self.sums.distinct.row(customer, known)
    }

    /// Counts an applied event in those of the measures whose condition it fulfils.
    pub(crate) fn count(&mut self, measures: &[usize], counted: &Counted<'_, '_>) -> Troubles {
        let view = View {
            event: Some(counted.event),
            outcome: "applied",
            reason: "",
            facts: &counted.facts,
        };
        let mut troubles = Troubles::default();
        let Plan {
            set, dims, layout, ..
        } = &*self.plan;
        self.leaves.begin();
        let spots = self.sums.spots(counted.time.second(), counted.log_time);
        for i in measures {
            let measure = &set.measures[*i];
            match (measure.condition)(view) {
                Some(true) => {
                    let leaf = dims.leaf(&mut self.leaves, *i, (view, counted.channel));
                    let (combos, n) = scopes(&measure.dimensions, leaf);
                    let place = &layout.places[*i];
                    let refused =
                        self.sums
                            .add((measure, *i, place), counted, &combos[..n], &spots);
                    troubles.limited += i64::from(refused);
                }
                Some(false) => {}
                None => troubles.cel_errors += 1,
            }
        }
        troubles
    }

    /// Counts a record by what became of it, at log time; the number of errors in conditions.
    pub(crate) fn count_record(&mut self, view: View<'_, '_>, log_time: Timestamp) -> i64 {
        let mut errors = 0;
        let Plan {
            set,
            dims,
            layout,
            outcomes,
            ..
        } = &*self.plan;
        let (sums, leaves) = (&mut self.sums, &mut self.leaves);
        leaves.begin();
        let spots = sums.spots_now(log_time);
        let mut count = |i: usize| {
            let measure = &set.measures[i];
            let leaf = dims.leaf(leaves, i, (view, None));
            let (combos, n) = scopes(&measure.dimensions, leaf);
            for combo in &combos[..n] {
                sums.put(&spots, &layout.places[i], (*combo, 0), 1);
            }
        };
        let matching = outcomes.of(view.outcome);
        matching.always.iter().for_each(|i| count(*i));
        for i in &matching.asked {
            match (set.measures[*i].condition)(view) {
                Some(true) => count(*i),
                Some(false) => {}
                None => errors += 1,
            }
        }
        errors
    }

    /// What is measured, as it is now; rows of customers stand apart.
    pub(crate) fn cut(&mut self) -> (Measured, Vec<Arc<Vec<Row>>>) {
        let sums = &mut self.sums;
        let (distinct, rows) = sums.distinct.cut();
        let extremes = sums.extremes.iter().flatten().flatten();
        let tallies = sums.tallies.iter().flatten().flatten();
        let measured = Measured {
            fine: sums.fine.cut(),
            coarse: sums.coarse.cut(),
            extremes: extremes.map(Extremes::cut).collect(),
            tallies: tallies.map(Tallies::cut).collect(),
            distinct,
            newest: self.objects.cut(),
        };
        (measured, rows)
    }

    /// Takes what a cut says; false where it is not of this set.
    pub(crate) fn restore(&mut self, cut: Measured) -> bool {
        let sums = &mut self.sums;
        let own: Vec<&mut Extremes> = sums.extremes.iter_mut().flatten().flatten().collect();
        let extremes = own.len() == cut.extremes.len()
            && own
                .into_iter()
                .zip(cut.extremes)
                .all(|(own, rows)| own.restore(rows));
        let own: Vec<&mut Tallies> = sums.tallies.iter_mut().flatten().flatten().collect();
        let tallies = own.len() == cut.tallies.len()
            && own
                .into_iter()
                .zip(cut.tallies)
                .all(|(own, rows)| own.restore(rows));
        extremes
            && tallies
            && sums.fine.restore(cut.fine)
            && sums.coarse.restore(cut.coarse)
            && sums.distinct.restore(cut.distinct)
            && self.objects.restore(cut.newest)
    }

    /// As [`Distinct::restore_rows`].
    pub(crate) fn restore_rows(&mut self, rows: Vec<Told>) -> bool {
        self.sums.distinct.restore_rows(rows)
    }

    /// Whether all rows are there that a cut spoke of.
    pub(crate) fn whole(&self) -> bool {
        self.sums.distinct.whole()
    }

    /// All components for second `s`; the rings must have been advanced to it.
    pub(crate) fn components(&self) -> Box<[i64]> {
        let Plan { set, layout, .. } = &*self.plan;
        let mut out = Vec::with_capacity(layout.size);
        for (i, measure) in set.measures.iter().enumerate() {
            if matches!(measure.agg, CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_)) {
                self.objects.write(i, &mut out);
                continue;
            }
            for window in &measure.windows {
                self.sums.write((i, &layout.places[i]), *window, &mut out);
            }
        }
        debug_assert_eq!(out.len(), layout.size, "layout and components agree");
        out.into_boxed_slice()
    }

    /// All tallies for the second of [`Self::components`].
    pub(crate) fn tallies(&self) -> Box<[Tally]> {
        let Plan { set, layout, .. } = &*self.plan;
        let mut out = Vec::with_capacity(layout.tallies);
        for (measure, kept) in set.measures.iter().zip(&self.sums.tallies) {
            for window in &measure.windows {
                let fine = is_fine(false, *window);
                let (lengths, width) = panes_of(fine);
                let index = lengths.iter().position(|l| l * width == window.seconds());
                if let (Some(tallies), Some(index)) = (&kept[usize::from(!fine)], index) {
                    out.extend_from_slice(tallies.sums(index));
                }
            }
        }
        debug_assert_eq!(out.len(), layout.tallies, "layout and tallies agree");
        out.into_boxed_slice()
    }
}

/// Windows of fine or coarse panes in panes, and how wide one is, seconds.
fn panes_of(fine: bool) -> (&'static [i64], i64) {
    if fine {
        (&FINE_LENGTHS, FINE)
    } else {
        (&LENGTHS, COARSE)
    }
}

impl Sums {
    /// Where something of this second is added.
    fn spots(&mut self, second: i64, log_time: Timestamp) -> Spots {
        let lateness_ms = self.lateness_ms;
        let find = |panes: &mut Panes, width: i64| {
            let pane = second.div_euclid(width);
            let end = Timestamp::from_second((pane + 1) * width);
            let restates = end.plus(lateness_ms) <= log_time;
            panes.spot(pane).map(|spot| (spot, restates))
        };
        Spots {
            fine: find(&mut self.fine, FINE),
            coarse: find(&mut self.coarse, COARSE),
        }
    }

    /// Where something of the second of log time is added; its panes cannot be final yet.
    fn spots_now(&mut self, log_time: Timestamp) -> Spots {
        let second = log_time.second();
        match self.now {
            Some((known, spots)) if known == second => spots,
            _ => {
                let spots = self.spots(second, log_time);
                self.now = Some((second, spots));
                spots
            }
        }
    }

    /// Adds to one component of a combination, in the fine and in the coarse pane where the measure
    /// is needed there.
    fn put(
        &mut self,
        spots: &Spots,
        place: &Place,
        (combo, component): (usize, usize),
        value: i64,
    ) {
        let at = combo * place.row_width + component;
        for (panes, row, spot) in [
            (&mut self.fine, place.fine_row, spots.fine),
            (&mut self.coarse, place.coarse_row, spots.coarse),
        ] {
            if let (Some(row), Some((spot, _))) = (row, spot) {
                panes.add(spot, row + at, value);
            }
        }
    }

    /// Adds one matching event to one measure; whether a limit refused a part of it.
    fn add(
        &mut self,
        (measure, i, place): (&CompiledMeasure, usize, &Place),
        counted: &Counted<'_, '_>,
        combos: &[usize],
        spots: &Spots,
    ) -> bool {
        let second = counted.time.second();
        let int = |slot: usize| counted.event.slot(slot).int();
        let value_of = |of: Of| match of {
            Of::Slot(slot) => int(slot),
            Of::Fact(fact) => counted.facts.get(fact),
        };
        // What is added: to the first component of a combination, and to its n.
        let (value, with_n) = match measure.agg {
            CompiledAgg::Count => (Some(1), false),
            CompiledAgg::Sum { of } | CompiledAgg::Average { of } => (value_of(of), true),
            CompiledAgg::Min { slot } | CompiledAgg::Max { slot } => {
                let value = int(slot);
                for (extremes, pane) in self.extremes[i].iter_mut().zip([FINE, COARSE]) {
                    if let (Some(value), Some(extremes)) = (value, extremes) {
                        let pane = second.div_euclid(pane);
                        combos.iter().for_each(|c| extremes.add(pane, *c, value));
                    }
                }
                (value.map(|_| 1), false)
            }
            CompiledAgg::Percentile { of, .. } => {
                let value = value_of(of);
                for (tallies, pane) in self.tallies[i].iter_mut().zip([FINE, COARSE]) {
                    if let (Some(value), Some(tallies)) = (value, tallies) {
                        let (pane, bucket) = (second.div_euclid(pane), bucket(value));
                        combos.iter().for_each(|c| tallies.add(pane, *c, bucket));
                    }
                }
                (value.map(|_| 1), false)
            }
            CompiledAgg::CountDistinct
            | CompiledAgg::CountRecords
            | CompiledAgg::Gauge(_)
            | CompiledAgg::Oldest(_) => (None, false),
        };
        for combo in combos {
            if let Some(value) = value {
                self.put(spots, place, (*combo, 0), value);
                if with_n {
                    self.put(spots, place, (*combo, 1), 1);
                }
            }
            self.restate(spots, place, *combo);
        }
        if !self.distinct.counts(i) || counted.customer.is_none() {
            return false;
        }
        if let Some(row) = counted.row {
            self.distinct
                .mark(row, i, combos, second.div_euclid(COARSE));
        }
        counted.row.is_none()
    }

    /// Marks the panes that were final already.
    fn restate(&mut self, spots: &Spots, place: &Place, combo: usize) {
        let at = (combo + 1) * place.row_width - 1;
        for (panes, row, spot) in [
            (&mut self.fine, place.fine_row, spots.fine),
            (&mut self.coarse, place.coarse_row, spots.coarse),
        ] {
            if let (Some(row), Some((spot, true))) = (row, spot) {
                panes.add(spot, row + at, 1);
            }
        }
    }

    fn write(&self, (i, place): (usize, &Place), window: Window, out: &mut Vec<i64>) {
        let distinct = self.distinct.counts(i);
        let fine = is_fine(distinct, window);
        let (lengths, width) = panes_of(fine);
        let (panes, row) = if fine {
            (&self.fine, place.fine_row)
        } else {
            (&self.coarse, place.coarse_row)
        };
        let index = lengths.iter().position(|l| l * width == window.seconds());
        let (row, index) = (row.unwrap_or_default(), index.unwrap_or_default());
        for combo in 0..place.combos {
            if distinct {
                out.push(self.distinct.count(i, combo, index));
            }
            if let Some(extremes) = &self.extremes[i][usize::from(!fine)] {
                out.push(extremes.best(index, combo));
            }
            let at = row + combo * place.row_width;
            out.extend((at..at + place.row_width).map(|c| panes.sum(index, c)));
        }
    }
}

/// The tallies of a measure in fine and coarse panes, where it has any and needs them.
fn tallies(place: &Place) -> [Option<Tallies>; 2] {
    let needs = |row: Option<usize>| place.tally.and(row);
    let fine = || Tallies::new(place.combos, &FINE_LENGTHS, FINE_AHEAD);
    let coarse = || Tallies::new(place.combos, &LENGTHS, COARSE_AHEAD);
    [
        needs(place.fine_row).map(|_| fine()),
        needs(place.coarse_row).map(|_| coarse()),
    ]
}

/// The extremes of a measure in fine and coarse panes, where it has any and needs them.
fn extremes(measure: &CompiledMeasure, place: &Place) -> [Option<Extremes>; 2] {
    let merge = match measure.agg {
        CompiledAgg::Min { .. } => Merge::Min,
        CompiledAgg::Max { .. } => Merge::Max,
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => return [None, None],
    };
    let all = place.combos;
    let fine = || Extremes::new(merge, all, &FINE_LENGTHS, FINE_AHEAD);
    let coarse = || Extremes::new(merge, all, &LENGTHS, COARSE_AHEAD);
    [
        place.fine_row.map(|_| fine()),
        place.coarse_row.map(|_| coarse()),
    ]
}
