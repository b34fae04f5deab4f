//! In: conditions as they are written. Kept: nothing. Out: programs of the CEL crate's interpreter.
//! Never knows: what is counted.

use cel::Program;
use cx_catalog::definition::{Agg, Formula, Kpi, Measure};
use std::collections::BTreeMap;

/// The conditions of all KPIs, each with a number.
pub(super) fn numbered<'k>(
    kpis: impl Iterator<Item = &'k Kpi>,
) -> BTreeMap<&'k str, (usize, Program)> {
    let all: BTreeMap<&str, Program> = kpis.flat_map(programs).collect();
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(i, (text, program))| (text, (i, program)))
        .collect()
}

/// The measures of a KPI, numerator first.
pub(super) fn measures(kpi: &Kpi) -> Vec<&Measure> {
    match &kpi.formula {
        Formula::Simple { measure } => vec![measure],
        Formula::Ratio {
            numerator,
            denominator,
        } => vec![numerator, denominator],
        Formula::Observed { .. } | Formula::Derived { .. } => Vec::new(),
    }
}

/// The conditions of a KPI, parsed by the crate.
fn programs(kpi: &Kpi) -> Vec<(&str, Program)> {
    let measures = measures(kpi);
    let stages = measures.iter().flat_map(|m| {
        let Agg::Attempts { journey, .. } = &m.agg else {
            return Vec::new();
        };
        vec![&journey.base, &journey.conversion]
    });
    let stages: Vec<&String> = stages.collect();
    let conditions = measures.into_iter().filter_map(|m| m.condition.as_ref());
    let conditions = conditions.chain(stages);
    let parse = |text: &'_ String| Program::compile(text).expect("checked by the catalogue");
    let all = kpi.filter.iter().chain(conditions);
    all.map(|text| (text.as_str(), parse(text))).collect()
}
