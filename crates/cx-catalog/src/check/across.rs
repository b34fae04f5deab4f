//! In: measures of customers across channels in a KPI file. Out: faults. Never knows: who is seen where.

use super::{Checker, measures};
use crate::across::Across;
use crate::definition::{Agg, Dimension, Formula};
use crate::raw::RawKpi;
use cx_model::window::Window;

/// Whether a formula counts customers across channels.
pub(super) fn across(formula: &Formula) -> bool {
    let counts = |agg: &Agg| matches!(agg, Agg::CountChannels { .. });
    measures(formula).iter().any(|m| counts(&m.agg))
}

impl Checker<'_, '_> {
    /// The measure that `of: customer.…` asks for.
    pub(super) fn of_channels(&self, name: &str) -> Option<Agg> {
        let of = Across::ALL.into_iter().find(|a| a.name() == name)?;
        let channels = self.declared.channels.clone();
        Some(Agg::CountChannels { of, channels })
    }

    /// What a KPI of such measures cannot have.
    pub(super) fn whole_customers(&mut self, raw: &RawKpi, dimensions: &[Dimension]) {
        if let Some(spanned) = raw.dimensions.first().filter(|_| !dimensions.is_empty()) {
            let message = "customers across channels are counted whole, not broken down";
            self.fault(
                spanned,
                message,
                "remove the dimensions, or narrow it with `where`",
            );
        }
        for name in &raw.windows {
            let window = Window::parse(&name.value);
            if window.is_some_and(|w| w != Window::Now && w.seconds() < Window::H24.seconds()) {
                let message = "customers across channels are counted over a day and more";
                self.fault(name, message, "write 24h, day, 7d or 28d");
            }
        }
    }
}
