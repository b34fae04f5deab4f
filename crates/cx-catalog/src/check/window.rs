//! In: the windows of a KPI file. Out: windows that can be counted, or faults.
//! Never knows: panes.

use super::{Checker, measures, observed};
use crate::definition::{Agg, Formula};
use crate::raw::RawKpi;
use cx_model::window::Window;

/// Windows that a definition may name and that have no effect yet.
pub(crate) const LATER: [&str; 1] = ["day"];

impl Checker<'_, '_> {
    pub(super) fn windows(&mut self, raw: &RawKpi, formula: &Formula) -> Vec<Window> {
        let measures = measures(formula);
        let derived = matches!(formula, Formula::Derived { .. });
        let now = |agg: &Agg| matches!(agg, Agg::Gauge { .. } | Agg::Oldest { .. });
        let now = observed(formula) || measures.iter().any(|m| now(&m.agg));
        let distinct = measures.iter().any(|m| m.agg == Agg::CountDistinct);
        let mut windows = Vec::new();
        for name in &raw.windows {
            match Window::parse(&name.value) {
                Some(w) if derived && !windows.contains(&w) => windows.push(w),
                None if LATER.contains(&name.value.as_str()) && !now => self.page.note(
                    name.referenced,
                    format!("the window {} is known but has no effect yet", name.value),
                    "leave it: it will be counted when it can be",
                ),
                None => {
                    let known = Window::ALL.map(Window::name).into_iter().chain(LATER);
                    let fix = format!("windows are {}", known.collect::<Vec<_>>().join(", "));
                    self.fault(name, format!("unknown window {:?}", name.value), fix);
                }
                Some(w) if now != (w == Window::Now) => {
                    let fix = if now {
                        "write windows: [now]"
                    } else {
                        "write 1m, 5m, 15m, 1h, 24h, 7d or 28d"
                    };
                    self.fault(
                        name,
                        "gauges, ages and what processes measure have the window now, and only they",
                        fix,
                    );
                }
                Some(w) if distinct && w.seconds() > 3_600 => self.page.note(
                    name.referenced,
                    format!(
                        "distinct counts over {} are known but have no effect yet",
                        w.name()
                    ),
                    "leave it: it will be counted when it can be",
                ),
                Some(w) if distinct && w.seconds() < 300 => {
                    self.fault(name, "distinct counts start at 5m", "write 5m, 15m or 1h");
                }
                Some(w) if windows.contains(&w) => {
                    self.fault(name, "the window stands twice", "remove one");
                }
                Some(w) => windows.push(w),
            }
        }
        if windows.is_empty() && self.page.faults.is_empty() {
            let at = raw.windows.first().unwrap_or(&raw.kpi);
            self.fault(
                at,
                "no window that can be counted",
                "write windows: [15m, 1h]",
            );
        }
        windows
    }
}
