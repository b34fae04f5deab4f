//! In: a KPI that processes measure. Out: what they measure, or faults. Never knows: clocks.

use super::{Checker, did_you_mean};
use crate::definition::{Formula, Observed};
use crate::raw::{RawKpi, RawObserved};

const ALL: [Observed; 2] = [Observed::EventToScreen, Observed::ConsumerLag];

impl Checker<'_, '_> {
    /// Such a KPI has one number, now: no breakdown, no condition, no alert, no example.
    pub(super) fn observed(&mut self, raw: &RawKpi, observed: &RawObserved) -> Option<Formula> {
        let name = observed.of.value.as_str();
        let Some(of) = ALL.into_iter().find(|of| of.name() == name) else {
            let fix = did_you_mean(name, ALL.map(Observed::name));
            self.fault(&observed.of, format!("nobody measures {name:?}"), fix);
            return None;
        };
        if raw.kind.value != "simple" {
            self.fault(
                &raw.kind,
                "what processes measure is a simple KPI",
                "write type: simple",
            );
        }
        let unit = match of {
            Observed::EventToScreen => "seconds",
            Observed::ConsumerLag => "count",
        };
        if raw.unit.value != unit {
            let (message, fix) = (
                format!("{name} is in {unit}"),
                format!("write unit: {unit}"),
            );
            self.fault(&raw.unit, message, fix);
        }
        if let Some(first) = raw.dimensions.first() {
            self.fault(
                first,
                "what processes measure has no breakdown",
                "remove it",
            );
        }
        if let Some(filter) = &raw.filter {
            self.fault(
                filter,
                "what processes measure has no condition",
                "remove it",
            );
        }
        if let Some(alert) = raw.alerts.first() {
            self.fault(
                &alert.when,
                "alerts are judged over sealed numbers, and this one is in no seal",
                "remove the alert",
            );
        }
        if !raw.examples.value.is_empty() {
            self.fault(
                &raw.examples,
                "no event gives a number that processes measure",
                "write examples: []",
            );
        }
        Some(Formula::Observed { of })
    }
}
