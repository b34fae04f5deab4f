//! In: events and records with their outcome. Kept: panes, distinct maps, gauges of one partition.
//! Out: the components of one second. Never knows: other partitions; how a value is rounded.

use super::distinct::{Distinct, LENGTHS};
use super::layout::{Layout, scopes};
use super::objects::Objects;
use super::panes::Panes;
use cx_catalog::compiled::{
    Compiled, CompiledAgg, CompiledDimension, CompiledMeasure, DimensionSource, View, combos,
};
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::{SECOND, Timestamp};
use cx_model::window::Window;
use std::collections::BTreeMap;
use std::sync::Arc;

const FINE: i64 = 5;
const COARSE: i64 = 60;

/// One partition's measuring.
pub(crate) struct Meter {
    set: Arc<Compiled>,
    layout: Layout,
    fine: Panes,
    coarse: Panes,
    distinct: BTreeMap<usize, Distinct>,
    pub(crate) objects: Objects,
    by_type: BTreeMap<String, Vec<usize>>,
    any_type: Vec<usize>,
    of_records: Vec<usize>,
}

/// One event as the meter needs it.
pub(crate) struct Counted<'c, 'a> {
    pub(crate) event: &'c Event<'a>,
    pub(crate) customer: Option<Key128>,
    pub(crate) time: Timestamp,
    pub(crate) log_time: Timestamp,
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
        let mut meter = Self {
            fine: Panes::new(layout.row_size, &[60 / FINE, 300 / FINE], 62),
            coarse: Panes::new(layout.row_size, &LENGTHS, 7),
            distinct: BTreeMap::new(),
            objects: Objects::new(&set),
            by_type: BTreeMap::new(),
            any_type: Vec::new(),
            of_records: Vec::new(),
            layout,
            set: Arc::clone(&set),
        };
        for (i, measure) in set.measures.iter().enumerate() {
            meter.index(i, measure);
        }
        for (name, list) in &mut meter.by_type {
            debug_assert!(!name.is_empty());
            list.extend(&meter.any_type);
            list.sort_unstable();
        }
        meter
    }

    fn index(&mut self, i: usize, measure: &CompiledMeasure) {
        match measure.agg {
            CompiledAgg::CountRecords => return self.of_records.push(i),
            CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_) => return,
            CompiledAgg::CountDistinct => {
                let most = self.set.limits.customers;
                self.distinct
                    .insert(i, Distinct::new(combos(&measure.dimensions), most));
            }
            CompiledAgg::Count | CompiledAgg::Sum { .. } | CompiledAgg::Average { .. } => {}
        }
        match &measure.types {
            None => self.any_type.push(i),
            Some(types) => {
                for name in types {
                    self.by_type.entry(name.clone()).or_default().push(i);
                }
            }
        }
    }

    /// Sets every ring to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        self.fine.advance((s - 1).div_euclid(FINE));
        let minute = (s - 1).div_euclid(COARSE);
        self.coarse.advance(minute);
        self.distinct.values_mut().for_each(|d| d.advance(minute));
    }

    /// Counts an applied event.
    pub(crate) fn count(&mut self, counted: &Counted<'_, '_>) -> Troubles {
        let set = Arc::clone(&self.set);
        let view = View {
            event: Some(counted.event),
            outcome: "applied",
            reason: "",
        };
        let measures = self
            .by_type
            .get(&*counted.event.kind)
            .unwrap_or(&self.any_type)
            .clone();
        let mut troubles = Troubles::default();
        for i in measures {
            match (set.measures[i].condition)(view) {
                Some(true) => troubles.limited += self.add(&set.measures[i], i, counted, view),
                Some(false) => {}
                None => troubles.cel_errors += 1,
            }
        }
        troubles
    }

    /// Adds one matching event to one measure; the number of refusals by a limit.
    fn add(
        &mut self,
        measure: &CompiledMeasure,
        i: usize,
        counted: &Counted<'_, '_>,
        view: View<'_, '_>,
    ) -> i64 {
        let place = self.layout.places[i].clone();
        let second = counted.time.second();
        let (combos, n) = scopes(&measure.dimensions, leaf(&measure.dimensions, view));
        let mut refused = 0;
        for combo in &combos[..n] {
            let at = place.row + combo * place.row_width;
            for (panes, width) in [(&mut self.fine, FINE), (&mut self.coarse, COARSE)] {
                let pane = second.div_euclid(width);
                let end = Timestamp::from_second((pane + 1) * width);
                let final_ = end.plus(self.set.limits.lateness_ms) <= counted.log_time;
                panes.add(pane, at + place.row_width - 1, i64::from(final_));
                match measure.agg {
                    CompiledAgg::Count => panes.add(pane, at, 1),
                    CompiledAgg::Sum { slot } | CompiledAgg::Average { slot } => {
                        if let Some(value) = counted.event.slot(slot).int() {
                            panes.add(pane, at, value);
                            panes.add(pane, at + 1, 1);
                        }
                    }
                    CompiledAgg::CountDistinct
                    | CompiledAgg::CountRecords
                    | CompiledAgg::Gauge(_)
                    | CompiledAgg::Oldest(_) => {}
                }
            }
            if let (Some(distinct), Some(who)) = (self.distinct.get_mut(&i), counted.customer) {
                let minute = second.div_euclid(COARSE);
                refused += i64::from(!distinct.mark(who, *combo, minute));
            }
        }
        refused
    }

    /// Counts a record by what became of it, at log time; the number of errors in conditions.
    pub(crate) fn count_record(&mut self, view: View<'_, '_>, log_time: Timestamp) -> i64 {
        let set = Arc::clone(&self.set);
        let mut errors = 0;
        for i in &self.of_records {
            let measure = &set.measures[*i];
            match (measure.condition)(view) {
                Some(true) => {
                    let place = &self.layout.places[*i];
                    let (combos, n) = scopes(&measure.dimensions, leaf(&measure.dimensions, view));
                    for combo in &combos[..n] {
                        let at = place.row + combo * place.row_width;
                        self.fine.add(log_time.second().div_euclid(FINE), at, 1);
                        self.coarse.add(log_time.second().div_euclid(COARSE), at, 1);
                    }
                }
                Some(false) => {}
                None => errors += 1,
            }
        }
        errors
    }

    /// All components for second `s`; the rings must have been advanced to it.
    pub(crate) fn components(&self) -> Box<[i64]> {
        let mut out = Vec::with_capacity(self.layout.size);
        for (i, measure) in self.set.measures.iter().enumerate() {
            if matches!(measure.agg, CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_)) {
                self.objects.write(&self.set, i, &mut out);
                continue;
            }
            for window in &measure.windows {
                self.write(i, *window, &mut out);
            }
        }
        debug_assert_eq!(out.len(), self.layout.size, "layout and components agree");
        out.into_boxed_slice()
    }

    fn write(&self, i: usize, window: Window, out: &mut Vec<i64>) {
        let place = &self.layout.places[i];
        let length = LENGTHS
            .iter()
            .position(|l| l * SECOND * 60 == window.seconds() * SECOND);
        let distinct = self.distinct.get(&i);
        let (panes, index) = match (window, distinct, length) {
            (Window::M15 | Window::H1, ..) | (Window::M5, Some(_), _) => {
                (&self.coarse, length.unwrap_or(0))
            }
            (Window::M5, None, _) => (&self.fine, 1),
            (Window::M1 | Window::Now, ..) => (&self.fine, 0),
        };
        for combo in 0..place.combos {
            if let Some(distinct) = distinct {
                out.push(distinct.count(combo, index));
            }
            let at = place.row + combo * place.row_width;
            out.extend((at..at + place.row_width).map(|c| panes.sum(index, c)));
        }
    }
}

/// The combination an event counts in: per dimension the value index + 1.
pub(crate) fn leaf(dimensions: &[CompiledDimension], view: View<'_, '_>) -> [u16; 2] {
    let mut leaf = [0; 2];
    for (out, dimension) in leaf.iter_mut().zip(dimensions) {
        let value = match (dimension.source, view.event) {
            (DimensionSource::RecordReason, _) => Some(view.reason),
            (DimensionSource::RecordOutcome, _) => Some(view.outcome),
            (DimensionSource::Slot(slot), Some(event)) => event.slot(slot).text(),
            (DimensionSource::EventSource, Some(event)) => Some(&*event.source),
            (DimensionSource::EventType, Some(event)) => Some(&*event.kind),
            (
                DimensionSource::Slot(_)
                | DimensionSource::EventSource
                | DimensionSource::EventType,
                None,
            ) => None,
        };
        let other = dimension.values.len();
        let index = value
            .and_then(|v| dimension.index.get(v).copied())
            .unwrap_or(other);
        *out = u16::try_from(index + 1).expect("dimensions have few values");
    }
    leaf
}
