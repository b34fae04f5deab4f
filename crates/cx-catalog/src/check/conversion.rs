//! In: a conversion of a KPI file. Out: a formula, or faults. Never knows: how attempts are kept.

use super::{Checker, did_you_mean};
use crate::definition::{Agg, Formula, Measure};
use crate::diagnostic::did_you_mean_attribute;
use crate::journey::{Attempts, Entity, Journey, Repeat};
use crate::raw::{RawKpi, RawStage};
use cx_model::attribute::{self, Kind};
use serde_saphyr::Spanned;
use std::sync::Arc;

/// What a conversion can show.
const CALCULATIONS: [&str; 5] = [
    "conversion_rate",
    "drop_off_rate",
    "conversions",
    "decided",
    "undecided",
];
/// Longest time that an attempt may take, seconds: 28 days.
const LONGEST_S: u32 = 2_419_200;
/// Most attributes that both events are compared by.
const PROPERTIES: usize = 3;

impl Checker<'_, '_> {
    pub(super) fn conversion(&mut self, raw: &RawKpi) -> Option<Formula> {
        let journey = Arc::new(self.journey(raw)?);
        let measure = |of| Measure {
            agg: Agg::Attempts {
                of,
                journey: Arc::clone(&journey),
            },
            condition: None,
        };
        let simple = |of| Formula::Simple {
            measure: measure(of),
        };
        let ratio = |of| Formula::Ratio {
            numerator: measure(of),
            denominator: measure(Attempts::Decided),
        };
        let Some(calculation) = &raw.calculation else {
            return Some(ratio(Attempts::Converted));
        };
        Some(match calculation.value.as_str() {
            "conversion_rate" => ratio(Attempts::Converted),
            "drop_off_rate" => ratio(Attempts::Dropped),
            "conversions" => simple(Attempts::Converted),
            "decided" => simple(Attempts::Decided),
            "undecided" => simple(Attempts::Undecided),
            other => {
                let fix = did_you_mean(other, CALCULATIONS);
                self.fault(calculation, format!("unknown calculation {other:?}"), fix);
                return None;
            }
        })
    }

    fn journey(&mut self, raw: &RawKpi) -> Option<Journey> {
        let base = self.stage(raw, raw.base.as_ref(), "base");
        let conversion = self.stage(raw, raw.conversion.as_ref(), "conversion");
        let entity = self.word(
            raw,
            raw.entity.as_ref(),
            ("entity", Entity::ALL, Entity::name),
        );
        let attempts = self.word(
            raw,
            raw.attempts.as_ref(),
            ("attempts", Repeat::ALL, Repeat::name),
        );
        let within_s = self.within(raw);
        let constant = self.properties(&raw.constant_properties);
        let changed = self.properties(&raw.changed_properties);
        if let Some(both) = raw
            .changed_properties
            .iter()
            .find(|p| constant.contains(&p.value))
        {
            let message = format!("{} cannot be the same and another", both.value);
            self.fault(both, message, "take it out of one of the two lists");
        }
        Some(Journey {
            entity: entity?,
            base: base?,
            conversion: conversion?,
            within_s: within_s?,
            attempts: attempts?,
            constant,
            changed,
        })
    }

    fn stage(&mut self, raw: &RawKpi, stage: Option<&RawStage>, name: &str) -> Option<String> {
        if stage.is_none() {
            self.fault(
                &raw.kind,
                format!("a conversion needs {name}"),
                format!("write {name}: {{where: event.type == \"cx.commerce.order_placed.v1\"}}"),
            );
        }
        stage.map(|s| s.condition.value.clone())
    }

    fn word<T: Copy, const N: usize>(
        &mut self,
        raw: &RawKpi,
        said: Option<&Spanned<String>>,
        (field, all, name): (&str, [T; N], fn(T) -> &'static str),
    ) -> Option<T> {
        let Some(said) = said else {
            let known = all.map(name).join(", ");
            let message = format!("a conversion needs {field}");
            self.fault(&raw.kind, message, format!("write {field}: one of {known}"));
            return None;
        };
        let found = all.into_iter().find(|one| name(*one) == said.value);
        if found.is_none() {
            let fix = did_you_mean(&said.value, all.map(name));
            self.fault(said, format!("unknown {field} {:?}", said.value), fix);
        }
        found
    }

    /// How long an attempt may take, seconds.
    fn within(&mut self, raw: &RawKpi) -> Option<u32> {
        let Some(text) = &raw.within else {
            let message = "a conversion needs to know within how long";
            self.fault(&raw.kind, message, "write within: 24h");
            return None;
        };
        let found = super::example::seconds(&text.value).filter(|s| (1..=LONGEST_S).contains(s));
        if found.is_none() {
            self.fault(
                text,
                format!("{:?} is no time for a conversion", text.value),
                "write 1s to 28d, e.g. within: 30m, 24h or 7d",
            );
        }
        found
    }

    /// Names of text attributes, ascending.
    fn properties(&mut self, names: &[Spanned<String>]) -> Vec<String> {
        let mut all = Vec::new();
        for name in names {
            let text = attribute::find(&name.value).is_some_and(|a| a.kind == Kind::Text);
            if !text {
                let message = format!("{:?} is no text attribute", name.value);
                self.fault(name, message, did_you_mean_attribute(&name.value));
            } else if all.contains(&name.value) {
                self.fault(name, "the attribute stands twice", "remove one");
            } else if all.len() == PROPERTIES {
                let message = format!("more than {PROPERTIES} attributes");
                self.fault(name, message, "remove some");
            } else {
                all.push(name.value.clone());
            }
        }
        all.sort();
        all
    }

    /// Fields that only a conversion has.
    pub(super) fn nothing_converted(&mut self, raw: &RawKpi) {
        let words = [&raw.entity, &raw.within, &raw.attempts, &raw.calculation];
        let stages = [&raw.base, &raw.conversion].into_iter().flatten();
        let all = words.into_iter().flatten();
        let all = all.chain(stages.map(|s| &s.condition));
        let lists = raw
            .constant_properties
            .iter()
            .chain(&raw.changed_properties);
        if let Some(first) = all.chain(lists).next() {
            self.fault(
                first,
                "only a conversion has base, conversion, entity, within, attempts, calculation and properties",
                "remove it, or write type: conversion",
            );
        }
    }
}
