//! In: measures of the numbers of sources in a KPI file. Out: faults. Never knows: which numbers come.

use super::{Checker, measures};
use crate::definition::{Agg, Dimension, Formula};
use crate::numbered::Numbered;
use crate::raw::{RawKpi, RawMeasure};
use cx_model::window::Window;

/// Whether a formula counts what sources number.
pub(super) fn numbered(formula: &Formula) -> bool {
    let all = measures(formula);
    let counts = |agg: &Agg| matches!(agg, Agg::CountNumbered { .. });
    all.iter().any(|m| counts(&m.agg))
}

impl Checker<'_, '_> {
    /// The measure that `of: sequence.…` asks for.
    pub(super) fn of_numbers(&mut self, raw: &RawMeasure, name: &str) -> Option<Agg> {
        let of = Numbered::ALL.into_iter().find(|n| n.name() == name)?;
        if let Some(condition) = &raw.condition {
            let message = "numbers of a source are only whole with all of its events";
            self.fault(condition, message, "remove `where`");
        }
        let mut sources = self.declared.sources.clone();
        sources.sort();
        Some(Agg::CountNumbered { of, sources })
    }

    /// What a KPI of such measures cannot have.
    pub(super) fn numbers_whole(&mut self, raw: &RawKpi, dimensions: &[Dimension]) {
        if let Some(filter) = &raw.filter {
            let message = "numbers of a source are only whole with all of its events";
            self.fault(filter, message, "remove the filter");
        }
        let other = dimensions.iter().position(|d| d.name != "source");
        if let Some(spanned) = other.and_then(|at| raw.dimensions.get(at)) {
            let message =
                "a source numbers all of its events: they can only be broken down by source";
            self.fault(spanned, message, "write dimensions: [source]");
        }
        let named = |w: &&serde_saphyr::Spanned<String>| {
            Window::parse(&w.value).is_some_and(|w| w == Window::Day)
        };
        if let Some(day) = raw.windows.iter().find(named) {
            let message = "numbers are expected since a window of the same length, and a business day has none before it";
            self.fault(day, message, "write 1m, 5m, 15m, 1h, 24h, 7d or 28d");
        }
    }
}
