//! In: expr and metrics of a KPI file. Out: a derived formula, or faults. Never knows: other files;
//! whether it fits what it is made of is said by `crate::derived`.

use super::{Checker, did_you_mean, technical};
use crate::definition::{Formula, Metric};
use crate::expr::Expr;
use crate::raw::{RawKpi, RawMetric};
use std::collections::BTreeSet;

/// Most KPIs that one is made of.
const METRICS: usize = 8;

impl Checker<'_, '_> {
    pub(super) fn derived(&mut self, raw: &RawKpi) -> Option<Formula> {
        if let Some(filter) = &raw.filter {
            self.fault(
                filter,
                "a derived KPI counts nothing itself: there is nothing to filter",
                "put the condition into what it is made of",
            );
        }
        let Some(text) = &raw.expr else {
            self.fault(
                &raw.kind,
                "a derived KPI needs expr",
                "write expr: a / b and metrics: [a, b]",
            );
            return None;
        };
        let metrics = self.metrics(raw)?;
        let words: Vec<&str> = metrics.iter().map(Metric::word).collect();
        let expr = match Expr::parse(&text.value, &words) {
            Ok(expr) => expr,
            Err(fault) => {
                let (start, length) = (text.referenced.into(), fault.length);
                let place = self.page.inside(start, &text.value, fault.offset, length);
                self.page.fault(place, fault.message, fault.fix);
                return None;
            }
        };
        let used: BTreeSet<usize> = expr.names();
        for (i, spanned) in raw.metrics.iter().enumerate() {
            if !used.contains(&i) {
                let message = format!("expr does not use {}", words[i]);
                self.fault(spanned, message, "remove it, or use it");
            }
        }
        if let Some(n) = &raw.n
            && !words.contains(&n.value.as_str())
        {
            let fix = did_you_mean(&n.value, words.iter().copied());
            self.fault(n, format!("{} is none of the metrics", n.value), fix);
        }
        Some(Formula::Derived {
            expr: text.value.trim().to_owned(),
            metrics,
            n: raw.n.as_ref().map(|n| n.value.clone()),
        })
    }

    fn metrics(&mut self, raw: &RawKpi) -> Option<Vec<Metric>> {
        let mut metrics: Vec<Metric> = Vec::new();
        let mut good = true;
        for spanned in &raw.metrics {
            let metric = match &spanned.value {
                RawMetric::Name(name) => Metric {
                    name: name.clone(),
                    alias: None,
                },
                RawMetric::Aliased(aliased) => Metric {
                    name: aliased.name.clone(),
                    alias: aliased.alias.clone(),
                },
            };
            if !technical(metric.word(), 48) {
                let message = format!("{:?} cannot stand in an expression", metric.word());
                self.fault(spanned, message, "use lower-case letters, digits and _");
                good = false;
            } else if metrics.iter().any(|m| m.word() == metric.word()) {
                let message = format!("{} stands twice", metric.word());
                self.fault(spanned, message, "remove one, or give it an alias");
                good = false;
            }
            metrics.push(metric);
        }
        if metrics.is_empty() || metrics.len() > METRICS {
            self.fault(
                &raw.kind,
                format!("a derived KPI is made of 1 to {METRICS} metrics"),
                "write metrics: with the names of the KPIs in expr",
            );
            good = false;
        }
        good.then_some(metrics)
    }

    /// Fields that only a derived KPI has.
    pub(super) fn nothing_derived(&mut self, raw: &RawKpi) {
        for field in raw.expr.iter().chain(&raw.n) {
            self.fault(
                field,
                "only a derived KPI has expr, metrics and n",
                "remove it, or write type: derived",
            );
        }
        if let Some(first) = raw.metrics.first() {
            self.fault(
                first,
                "only a derived KPI has expr, metrics and n",
                "remove it, or write type: derived",
            );
        }
    }
}
