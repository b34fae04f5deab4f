//! In: a compiled set, the one before it. Kept: what engines look up in it, made once. Out: it, shared
//! by the engines of all partitions, so that one copy stays in the processor's caches; and the plan of
//! the passage from one set to the next. Never knows: state.

use crate::kpi::dims::Dims;
use crate::kpi::finals::Minutes;
use crate::kpi::layout::Layout;
use crate::kpi::names::Names;
use crate::kpi::outcomes::Outcomes;
use crate::kpi::profiles::Looks;
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledMeasure};
use cx_model::window::Window;
use std::sync::Arc;

/// One set, as engines run it.
pub struct Plan {
    pub(crate) set: Arc<Compiled>,
    pub(crate) names: Names,
    pub(crate) dims: Dims,
    pub(crate) outcomes: Outcomes,
    pub(crate) looks: Looks,
    pub(crate) layout: Layout,
    /// Where final parts lie.
    pub(crate) minutes: Minutes,
    /// By measure, the number of the set from which on it has been counted.
    pub(crate) born: Vec<u32>,
    /// How many measures the parts hold: all of them, but for a passage.
    pub(crate) shown: usize,
    /// By measure, whether the set that comes takes no more of it; only in a passage.
    pub(crate) ends: Vec<bool>,
    /// By measure, the first one that counts the same events from the same set on, and ends with it.
    pub(crate) alike: Vec<usize>,
}

impl Plan {
    /// Of one set that goes on from none.
    #[must_use]
    pub fn new(set: Arc<Compiled>) -> Self {
        let born = vec![set.number; set.measures.len()];
        let ends = vec![false; set.measures.len()];
        Self::of(set, born, ends)
    }

    /// Of the set after `before`: a measure whose KPI counts as it did, in no other windows, has been
    /// counted all the time.
    #[must_use]
    pub fn after(before: &Self, set: Arc<Compiled>) -> Self {
        let born = set.measures.iter().map(|m| {
            let mut pairs = before.set.measures.iter().zip(&before.born);
            let same = pairs.find(|(old, _)| old.identity == m.identity);
            let same = same.filter(|(old, _)| covers(old, m));
            same.map_or(set.number, |(_, born)| *born)
        });
        let born = born.collect();
        let ends = vec![false; set.measures.len()];
        Self::of(set, born, ends)
    }

    /// Counts what `old` counts, and beside it what only `new` does. Parts are those of `old`.
    pub(crate) fn passage(old: &Self, new: &Self) -> Self {
        let mut measures: Vec<CompiledMeasure> = old.set.measures.clone();
        let mut born = old.born.clone();
        let shown = measures.len();
        let mut ends = vec![true; shown];
        let mut journeys = old.set.journeys.clone();
        for (measure, since) in new.set.measures.iter().zip(&new.born) {
            match old.find((measure, *since)) {
                Some(at) => ends[at] = false,
                None => {
                    let mut measure = measure.clone();
                    if let CompiledAgg::Attempts(of, journey) = measure.agg {
                        let journey = &new.set.journeys[journey];
                        let known = journeys.iter().position(|j| j.name == journey.name);
                        let at = known.unwrap_or(journeys.len());
                        measure.agg = CompiledAgg::Attempts(of, at);
                        journeys.extend(known.is_none().then(|| journey.clone()));
                    }
                    measures.push(measure);
                    born.push(*since);
                    ends.push(false);
                }
            }
        }
        let (set, next) = (&old.set, &new.set);
        let both = Compiled {
            number: set.number,
            hash: set.hash.clone(),
            slots: next.slots.clone(),
            limits: set.limits,
            kpis: Vec::new(),
            order: Vec::new(),
            measures,
            cells: Vec::new(),
            alerts: Vec::new(),
            sources: set.sources.clone(),
            channels: set.channels.clone(),
            reply_targets: set.reply_targets.clone(),
            journeys,
            boards: Vec::new(),
        };
        Self {
            shown,
            ..Self::of(Arc::new(both), born, ends)
        }
    }

    /// The set's number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.set.number
    }

    /// The set.
    #[must_use]
    pub fn set(&self) -> &Arc<Compiled> {
        &self.set
    }

    /// By measure, the one of `other` that has counted the same.
    pub(crate) fn same_in(&self, other: &Self) -> Vec<Option<usize>> {
        let all = self.set.measures.iter().zip(self.born.iter().copied());
        all.map(|measure| other.find(measure)).collect()
    }

    fn find(&self, (measure, born): (&CompiledMeasure, u32)) -> Option<usize> {
        let mut all = self.set.measures.iter().zip(&self.born);
        all.position(|(m, b)| *b == born && m.identity == measure.identity)
    }

    fn of(set: Arc<Compiled>, born: Vec<u32>, ends: Vec<bool>) -> Self {
        let key = |i: usize| (&set.measures[i].events, born[i], ends[i]);
        let first = |i| (0..i).find(|j| key(*j) == key(i)).unwrap_or(i);
        let alike: Vec<usize> = (0..set.measures.len()).map(first).collect();
        let (names, layout) = (Names::new(&set), Layout::of(&set, &alike));
        Self {
            looks: Looks::new(&set, &names),
            names,
            dims: Dims::new(&set),
            outcomes: Outcomes::new(&set),
            minutes: Minutes::of(&set, &layout),
            layout,
            shown: set.measures.len(),
            ends,
            alike,
            born,
            set,
        }
    }
}

/// Whether the panes that one measure keeps serve all windows of the other.
fn covers(kept: &CompiledMeasure, wanted: &CompiledMeasure) -> bool {
    let same_day = || kept.calendar == wanted.calendar;
    let mut windows = wanted.windows.iter();
    windows.all(|w| kept.windows.contains(w) && (*w != Window::Day || same_day()))
}
