//! In: events and records with their outcome. Kept: panes, distinct maps, gauges of one partition.
//! Out: the components of one second. Never knows: other partitions; how a value is rounded.

use super::dims::Dims;
use super::distinct::{Distinct, LENGTHS};
use super::extremes::Extremes;
use super::layout::{Layout, Merge, scopes};
use super::objects::Objects;
use super::outcomes::Outcomes;
use super::panes::{Panes, Spot};
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledMeasure, Of, View, combos};
use cx_catalog::fact::Facts;
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::{SECOND, Timestamp};
use cx_model::window::Window;
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
    set: Arc<Compiled>,
    sums: Sums,
    pub(crate) objects: Objects,
    dims: Dims,
    outcomes: Outcomes,
}

/// What is added up by panes.
struct Sums {
    layout: Layout,
    fine: Panes,
    coarse: Panes,
    distinct: Distinct,
    /// By measure, in 5-second and in minute panes; most have none.
    extremes: Vec<Option<[Extremes; 2]>>,
    lateness_ms: i64,
}

/// One event as the meter needs it.
pub(crate) struct Counted<'c, 'a> {
    pub(crate) event: &'c Event<'a>,
    /// What its type means, by [`Names`](super::names::Names).
    pub(crate) kind: usize,
    pub(crate) customer: Option<Key128>,
    /// Where the minutes of the customer are kept, if there was room.
    pub(crate) row: Option<u32>,
    pub(crate) time: Timestamp,
    pub(crate) log_time: Timestamp,
    pub(crate) facts: Facts,
}

/// Where one second lies in fine and coarse panes, and whether that pane was final already.
struct Spots {
    fine: Option<(Spot, bool)>,
    coarse: Option<(Spot, bool)>,
}

/// What counting refused or could not decide.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub(crate) cel_errors: i64,
    pub(crate) limited: i64,
}

impl Meter {
    pub(crate) fn new(set: Arc<Compiled>) -> Self {
        let layout = Layout::of(&set);
        Self {
            sums: Sums {
                fine: Panes::new(layout.row_size, &FINE_LENGTHS, FINE_AHEAD),
                coarse: Panes::new(layout.row_size, &LENGTHS, COARSE_AHEAD),
                extremes: set.measures.iter().map(extremes).collect(),
                distinct: Distinct::new(&set),
                lateness_ms: set.limits.lateness_ms,
                layout,
            },
            objects: Objects::new(&set),
            dims: Dims::new(&set),
            outcomes: Outcomes::new(&set),
            set,
        }
    }

    /// Sets every ring to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        let sums = &mut self.sums;
        sums.fine.advance((s - 1).div_euclid(FINE));
        let minute = (s - 1).div_euclid(COARSE);
        sums.coarse.advance(minute);
        sums.distinct.advance(minute);
        for [fine, coarse] in sums.extremes.iter_mut().flatten() {
            fine.advance((s - 1).div_euclid(FINE));
            coarse.advance(minute);
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
        self.dims.begin();
        let spots = self.sums.spots(counted.time.second(), counted.log_time);
        for i in measures {
            let measure = &self.set.measures[*i];
            match (measure.condition)(view) {
                Some(true) => {
                    let (combos, n) = scopes(&measure.dimensions, self.dims.leaf(*i, view));
                    let refused = self.sums.add((measure, *i), counted, &combos[..n], &spots);
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
        let Self {
            set,
            sums,
            dims,
            outcomes,
            ..
        } = self;
        dims.begin();
        let spots = sums.spots(log_time.second(), log_time);
        let mut count = |i: usize| {
            let measure = &set.measures[i];
            let (combos, n) = scopes(&measure.dimensions, dims.leaf(i, view));
            let place = sums.layout.places[i];
            for combo in &combos[..n] {
                sums.put(&spots, place.row + combo * place.row_width, 1);
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

    /// All components for second `s`; the rings must have been advanced to it.
    pub(crate) fn components(&self) -> Box<[i64]> {
        let mut out = Vec::with_capacity(self.sums.layout.size);
        for (i, measure) in self.set.measures.iter().enumerate() {
            if matches!(measure.agg, CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_)) {
                self.objects.write(i, &mut out);
                continue;
            }
            for window in &measure.windows {
                self.sums.write(i, *window, &mut out);
            }
        }
        debug_assert_eq!(
            out.len(),
            self.sums.layout.size,
            "layout and components agree"
        );
        out.into_boxed_slice()
    }
}

impl Sums {
    /// Where something of this second is added.
    fn spots(&self, second: i64, log_time: Timestamp) -> Spots {
        let find = |panes: &Panes, width: i64| {
            let pane = second.div_euclid(width);
            let end = Timestamp::from_second((pane + 1) * width);
            let restates = end.plus(self.lateness_ms) <= log_time;
            panes.spot(pane).map(|spot| (spot, restates))
        };
        Spots {
            fine: find(&self.fine, FINE),
            coarse: find(&self.coarse, COARSE),
        }
    }

    /// Adds to one component of the fine and the coarse pane.
    fn put(&mut self, spots: &Spots, component: usize, value: i64) {
        for (panes, spot) in [
            (&mut self.fine, spots.fine),
            (&mut self.coarse, spots.coarse),
        ] {
            if let Some((spot, _)) = spot {
                panes.add(spot, component, value);
            }
        }
    }

    /// Adds one matching event to one measure; whether a limit refused a part of it.
    fn add(
        &mut self,
        (measure, i): (&CompiledMeasure, usize),
        counted: &Counted<'_, '_>,
        combos: &[usize],
        spots: &Spots,
    ) -> bool {
        let place = self.layout.places[i];
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
                if let (Some(value), Some([fine, coarse])) = (value, &mut self.extremes[i]) {
                    for combo in combos {
                        fine.add(second.div_euclid(FINE), *combo, value);
                        coarse.add(second.div_euclid(COARSE), *combo, value);
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
            let at = place.row + combo * place.row_width;
            if let Some(value) = value {
                self.put(spots, at, value);
                if with_n {
                    self.put(spots, at + 1, 1);
                }
            }
            self.restate(spots, at + place.row_width - 1);
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
    fn restate(&mut self, spots: &Spots, component: usize) {
        for (panes, spot) in [
            (&mut self.fine, spots.fine),
            (&mut self.coarse, spots.coarse),
        ] {
            if let Some((spot, true)) = spot {
                panes.add(spot, component, 1);
            }
        }
    }

    fn write(&self, i: usize, window: Window, out: &mut Vec<i64>) {
        let place = self.layout.places[i];
        let length = LENGTHS
            .iter()
            .position(|l| l * SECOND * 60 == window.seconds() * SECOND);
        let distinct = self.distinct.counts(i);
        let (panes, index) = match (window, distinct, length) {
            (Window::M15 | Window::H1, ..) | (Window::M5, true, _) => {
                (&self.coarse, length.unwrap_or(0))
            }
            (Window::M5, false, _) => (&self.fine, 1),
            (Window::M1 | Window::Now, ..) => (&self.fine, 0),
        };
        for combo in 0..place.combos {
            if distinct {
                out.push(self.distinct.count(i, combo, index));
            }
            if let Some([fine, coarse]) = &self.extremes[i] {
                let minutes = window.pane_seconds() == COARSE;
                out.push(if minutes { coarse } else { fine }.best(index, combo));
            }
            let at = place.row + combo * place.row_width;
            out.extend((at..at + place.row_width).map(|c| panes.sum(index, c)));
        }
    }
}

/// The extremes of a measure in fine and coarse panes, where it has any.
fn extremes(measure: &CompiledMeasure) -> Option<[Extremes; 2]> {
    let merge = match measure.agg {
        CompiledAgg::Min { .. } => Merge::Min,
        CompiledAgg::Max { .. } => Merge::Max,
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => return None,
    };
    let all = combos(&measure.dimensions);
    Some([
        Extremes::new(merge, all, &FINE_LENGTHS, FINE_AHEAD),
        Extremes::new(merge, all, &LENGTHS, COARSE_AHEAD),
    ])
}
