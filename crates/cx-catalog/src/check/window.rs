//! In: the windows of a KPI file. Out: windows that can be counted, or faults.
//! Never knows: panes.

use super::{Checker, measures, observed};
use crate::calendar::{self, Calendar};
use crate::definition::{Agg, Formula};
use crate::journey::Attempts;
use crate::raw::RawKpi;
use cx_model::window::Window;
use std::sync::Arc;

/// The calendar whose day `day` is where the KPI names none.
const USUAL: &str = "default";

impl Checker<'_, '_> {
    pub(super) fn windows(&mut self, raw: &RawKpi, formula: &Formula) -> Vec<Window> {
        let measures = measures(formula);
        let derived = matches!(formula, Formula::Derived { .. });
        let cumulative = raw.kind.value == "cumulative";
        let now = |agg: &Agg| {
            let undecided = Attempts::Undecided;
            matches!(agg, Agg::Gauge { .. } | Agg::Oldest { .. })
                || matches!(agg, Agg::Attempts { of, .. } if *of == undecided)
        };
        let now = observed(formula) || measures.iter().any(|m| now(&m.agg));
        let distinct = measures.iter().any(|m| m.agg == Agg::CountDistinct);
        let mut windows = Vec::new();
        for name in &raw.windows {
            match Window::parse(&name.value) {
                Some(w) if derived && !windows.contains(&w) => windows.push(w),
                None => {
                    let known = Window::ALL.map(Window::name);
                    let fix = format!("windows are {}", known.join(", "));
                    self.fault(name, format!("unknown window {:?}", name.value), fix);
                }
                Some(w) if now != (w == Window::Now) => {
                    let fix = if now {
                        "write windows: [now]"
                    } else {
                        "write 1m, 5m, 15m, 1h, 24h, day, 7d or 28d"
                    };
                    self.fault(
                        name,
                        "gauges, ages, undecided attempts and what processes measure have the window now, and only they",
                        fix,
                    );
                }
                Some(w) if distinct && w.seconds() < 300 => {
                    self.fault(
                        name,
                        "distinct counts start at 5m",
                        "write 5m, 15m, 1h, 24h, day, 7d or 28d",
                    );
                }
                Some(w) if cumulative && w.seconds() < 86_400 => self.fault(
                    name,
                    "a cumulative KPI looks back to the beginning of the day, or a day and more",
                    "write day, 24h, 7d or 28d, or type: simple",
                ),
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

    /// Whose day the window `day` is.
    pub(super) fn calendar(&mut self, raw: &RawKpi, windows: &[Window]) -> Option<Arc<Calendar>> {
        let known = &self.declared.calendars;
        let days = windows.contains(&Window::Day);
        if let Some(name) = &raw.calendar
            && !days
            && self.page.faults.is_empty()
        {
            let message = "only the window day goes by a calendar, and the KPI has none";
            let fix = "remove the calendar, or add day to windows";
            self.page.fault(name.referenced, message, fix);
        }
        let spanned = raw.windows.iter().find(|w| w.value == Window::Day.name());
        if let (Some(day), None, false) = (spanned, &raw.calendar, known.contains_key(USUAL)) {
            self.page.note(
                day.referenced,
                format!("there is no calendar {USUAL}: the day is UTC's"),
                "write calendars/default.yaml, or name a calendar",
            );
        }
        match &raw.calendar {
            Some(name) => calendar::named(name, known, self.page),
            None => known.get(USUAL).filter(|_| days).cloned(),
        }
    }
}
