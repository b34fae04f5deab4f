//! In: contacts that begin or cease to wait, newest events of sources. Kept: counts and ordered
//! starts per combination. Out: gauges and ages. Never knows: contacts' other steps.

use super::layout::{ABSENT_MAX, ABSENT_MIN, scopes};
use crate::state::contacts::{Change, Marks, Waiting};
use cx_catalog::compiled::{Compiled, CompiledAgg, View, combos};
use cx_catalog::definition::Object;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use std::collections::BTreeSet;

/// The waiting contacts of one measure, by combination.
struct Waitings {
    measure: usize,
    counts: Vec<i64>,
    starts: Vec<BTreeSet<(Timestamp, Key128)>>,
}

/// The newest event time per declared source, of one measure.
struct Newest {
    measure: usize,
    by_source: Vec<i64>,
}

/// All gauges and ages of one partition.
pub(crate) struct Objects {
    waitings: Vec<Waitings>,
    newest: Vec<Newest>,
}

impl Objects {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut objects = Self {
            waitings: Vec::new(),
            newest: Vec::new(),
        };
        for (measure, m) in set.measures.iter().enumerate() {
            let all = combos(&m.dimensions);
            match m.agg {
                CompiledAgg::Gauge(Object::ContactWaiting)
                | CompiledAgg::Oldest(Object::ContactWaiting) => objects.waitings.push(Waitings {
                    measure,
                    counts: vec![0; all],
                    starts: vec![BTreeSet::new(); all],
                }),
                CompiledAgg::Gauge(Object::SourceLastEvent)
                | CompiledAgg::Oldest(Object::SourceLastEvent) => objects.newest.push(Newest {
                    measure,
                    by_source: vec![ABSENT_MAX; set.sources.len()],
                }),
                CompiledAgg::Count
                | CompiledAgg::CountRecords
                | CompiledAgg::Sum { .. }
                | CompiledAgg::Average { .. }
                | CompiledAgg::Min { .. }
                | CompiledAgg::Max { .. }
                | CompiledAgg::CountDistinct => {}
            }
        }
        objects
    }

    /// What the measures say of the event that puts a contact into a queue; the second value is
    /// how many conditions ended in an error.
    pub(crate) fn marks(&self, set: &Compiled, view: View<'_, '_>) -> (Marks, i64) {
        let mut errors = 0;
        let marks = self.waitings.iter().map(|w| {
            let measure = &set.measures[w.measure];
            match (measure.condition)(view) {
                Some(true) => Some(super::meter::leaf(&measure.dimensions, view)),
                Some(false) => None,
                None => {
                    errors += 1;
                    None
                }
            }
        });
        (marks.collect(), errors)
    }

    /// A contact began or ceased to wait.
    pub(crate) fn change(&mut self, set: &Compiled, contact: Key128, change: &Change) {
        if change.before == change.after {
            return;
        }
        for (before, sign) in [(&change.before, -1), (&change.after, 1)] {
            if let Some(waiting) = before {
                self.count(set, contact, waiting, sign);
            }
        }
    }

    fn count(&mut self, set: &Compiled, contact: Key128, waiting: &Waiting, sign: i64) {
        for (kept, mark) in self.waitings.iter_mut().zip(&waiting.marks) {
            let Some(leaf) = mark else { continue };
            let (combos, n) = scopes(&set.measures[kept.measure].dimensions, *leaf);
            for combo in &combos[..n] {
                kept.counts[*combo] += sign;
                if sign > 0 {
                    kept.starts[*combo].insert((waiting.start, contact));
                } else {
                    kept.starts[*combo].remove(&(waiting.start, contact));
                }
            }
        }
    }

    /// An event of a declared source; returns how many conditions ended in an error.
    pub(crate) fn source(
        &mut self,
        set: &Compiled,
        source: usize,
        time: Timestamp,
        view: View<'_, '_>,
    ) -> i64 {
        let mut errors = 0;
        for kept in &mut self.newest {
            match (set.measures[kept.measure].condition)(view) {
                Some(true) => {
                    kept.by_source[source] = kept.by_source[source].max(time.0);
                }
                Some(false) => {}
                None => errors += 1,
            }
        }
        errors
    }

    /// Writes the measure's components for the second being emitted.
    pub(crate) fn write(&self, set: &Compiled, measure: usize, out: &mut Vec<i64>) {
        if let Some(kept) = self.waitings.iter().find(|w| w.measure == measure) {
            if set.measures[measure].agg == CompiledAgg::Gauge(Object::ContactWaiting) {
                out.extend(&kept.counts);
            } else {
                out.extend(
                    kept.starts
                        .iter()
                        .map(|s| s.first().map_or(ABSENT_MIN, |(t, _)| t.0)),
                );
            }
        } else if let Some(kept) = self.newest.iter().find(|n| n.measure == measure) {
            out.extend(&kept.by_source);
        }
    }
}
