//! In: facts before a second. Kept: nothing. Out: one measure over one window and scope.
//! Never knows: units, rounding.

use super::SlowModel;
use super::contact::{Waiting, waiting};
use super::fact::{Fact, Outcome};
use cx_catalog::definition::{Agg, Dimension, Formula, Kpi, Measure, Object};
use cx_model::time::Timestamp;
use cx_model::window::Window;
use std::collections::{BTreeMap, BTreeSet};

/// What a measure says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) value: i64,
    pub(super) n: i64,
    pub(super) absent: bool,
    pub(super) restated: bool,
}

/// Everything that is known at one second, nothing of it counted.
pub(super) struct Known<'m> {
    model: &'m SlowModel,
    s: i64,
    logs: Vec<&'m [Fact]>,
    waiting: Vec<Waiting<'m>>,
}

/// One window and one choice of dimension values of one KPI.
pub(super) struct Scope<'k> {
    pub(super) kpi: &'k Kpi,
    pub(super) window: Window,
    pub(super) dims: &'k BTreeMap<String, String>,
}

/// The measures of a KPI: one, or numerator and denominator.
pub(super) fn of(kpi: &Kpi) -> Vec<&Measure> {
    match &kpi.formula {
        Formula::Simple { measure } => vec![measure],
        Formula::Ratio {
            numerator,
            denominator,
        } => vec![numerator, denominator],
    }
}

/// All measures of all KPIs; the place in this list is a measure's index.
pub(super) fn list(kpis: &[Kpi]) -> impl Iterator<Item = (&Kpi, &Measure)> {
    kpis.iter()
        .flat_map(|k| of(k).into_iter().map(move |m| (k, m)))
}

impl<'m> Known<'m> {
    pub(super) fn new(model: &'m SlowModel, s: i64) -> Self {
        let logs = model.before(s);
        let waiting = logs.iter().flat_map(|log| waiting(log, &model.limits, s));
        Self {
            model,
            s,
            waiting: waiting.collect(),
            logs,
        }
    }

    pub(super) fn part(&self, scope: &Scope<'_>, measure: &Measure, index: usize) -> Part {
        match &measure.agg {
            Agg::Count => {
                let n = count(self.events(scope, index, pane_seconds(scope, measure)));
                self.with_restated(scope, measure, index, (n, n))
            }
            Agg::Sum { of } | Agg::Average { of } => {
                let events = self.events(scope, index, pane_seconds(scope, measure));
                let integers: Vec<i64> = events
                    .filter_map(|f| f.event.as_ref().and_then(|e| e.int(of)))
                    .collect();
                let sum = integers.iter().sum();
                let n = count(integers.iter());
                self.with_restated(scope, measure, index, (sum, n))
            }
            Agg::CountDistinct => {
                let events = self.events(scope, index, pane_seconds(scope, measure));
                let who: BTreeSet<&str> = events
                    .filter_map(|f| f.event.as_ref()?.subject.as_deref())
                    .collect();
                let n = count(who.iter());
                self.with_restated(scope, measure, index, (n, n))
            }
            Agg::CountRecords => {
                let n = count(self.facts().filter(|f| {
                    f.matched[index]
                        && in_scope(scope, f)
                        && self.in_window(scope.window, f.log_time, scope.window.pane_seconds())
                }));
                Part {
                    value: n,
                    n,
                    ..Part::default()
                }
            }
            Agg::Gauge { of } => self.gauge(scope, *of, index),
            Agg::Oldest { of } => self.oldest(scope, *of, index),
        }
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.logs.iter().flat_map(|log| log.iter())
    }

    /// Applied events of the window that the measure's conditions and the scope take.
    fn events(&self, scope: &Scope<'_>, index: usize, pane: i64) -> impl Iterator<Item = &Fact> {
        self.facts().filter(move |f| {
            f.outcome == Outcome::Applied
                && f.matched[index]
                && in_scope(scope, f)
                && self.in_window(scope.window, f.time, pane)
        })
    }

    fn in_window(&self, window: Window, time: Timestamp, pane: i64) -> bool {
        if pane == 0 {
            return false;
        }
        let newest = (self.s - 1).div_euclid(pane);
        let oldest = newest - window.seconds() / pane + 1;
        (oldest..=newest).contains(&time.second().div_euclid(pane))
    }

    fn with_restated(
        &self,
        scope: &Scope<'_>,
        measure: &Measure,
        index: usize,
        (value, n): (i64, i64),
    ) -> Part {
        let pane = pane_seconds(scope, measure);
        let lateness = self.model.limits.lateness_ms;
        let restated = self.events(scope, index, pane).any(|f| {
            let end = (f.time.second().div_euclid(pane) + 1) * pane;
            Timestamp::from_second(end).plus(lateness) <= f.log_time
        });
        Part {
            value,
            n,
            absent: false,
            restated,
        }
    }

    fn matching(&self, scope: &Scope<'_>, index: usize) -> impl Iterator<Item = &Waiting<'m>> {
        self.waiting
            .iter()
            .filter(move |w| w.fact.matched[index] && in_scope(scope, w.fact))
    }

    fn gauge(&self, scope: &Scope<'_>, of: Object, index: usize) -> Part {
        let n = match of {
            Object::ContactWaiting => count(self.matching(scope, index)),
            Object::SourceLastEvent => count(self.newest(scope, index).into_iter()),
        };
        Part {
            value: n,
            n,
            ..Part::default()
        }
    }

    fn oldest(&self, scope: &Scope<'_>, of: Object, index: usize) -> Part {
        let start = match of {
            Object::ContactWaiting => self.matching(scope, index).map(|w| w.since).min(),
            Object::SourceLastEvent => self.newest(scope, index).into_iter().min(),
        };
        let age = start.map(|start| Timestamp::from_second(self.s).since(start).max(0));
        Part {
            value: age.unwrap_or(0),
            n: i64::from(age.is_some()),
            absent: age.is_none(),
            restated: false,
        }
    }

    /// The newest event time of each declared source in scope that has been seen; for `other` none,
    /// since an undeclared source is not kept.
    fn newest(&self, scope: &Scope<'_>, index: usize) -> Vec<Timestamp> {
        let asked = scope.dims.values().next().map_or("all", String::as_str);
        let sources = self.model.sources.iter();
        sources
            .filter(|source| asked == "all" || source.as_str() == asked)
            .filter_map(|source| {
                let of_source = self.facts().filter(|f| f.taken() && f.matched[index]);
                of_source
                    .filter(|f| f.event.as_ref().is_some_and(|e| e.source == *source))
                    .map(|f| f.time)
                    .max()
            })
            .collect()
    }
}

/// Distinct counts stay at minutes in every window.
fn pane_seconds(scope: &Scope<'_>, measure: &Measure) -> i64 {
    match measure.agg {
        Agg::CountDistinct => 60,
        Agg::Count
        | Agg::CountRecords
        | Agg::Sum { .. }
        | Agg::Average { .. }
        | Agg::Gauge { .. }
        | Agg::Oldest { .. } => scope.window.pane_seconds(),
    }
}

fn in_scope(scope: &Scope<'_>, fact: &Fact) -> bool {
    scope.kpi.dimensions.iter().all(|d| {
        let asked = scope.dims.get(&d.name).map_or("all", String::as_str);
        asked == "all" || asked == value_of(d, fact)
    })
}

/// The declared value of a fact in a dimension, or `other`.
fn value_of<'d>(dimension: &'d Dimension, fact: &Fact) -> &'d str {
    let declares = |value: &str| dimension.values.iter().any(|v| v == value);
    let event = fact.event.as_ref();
    let value = match dimension.name.as_str() {
        "source" => event.map(|e| e.source.as_str()),
        "type" => event.map(|e| e.kind.as_str()),
        "reason" if declares("invalid_json") => Some(fact.reason_name()),
        "outcome" if declares("dead_lettered") => Some(fact.outcome.name()),
        name => event.and_then(|e| e.text(name)),
    };
    let declared = dimension.values.iter().find(|v| Some(v.as_str()) == value);
    declared.map_or("other", String::as_str)
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).expect("a log in memory is countable")
}
