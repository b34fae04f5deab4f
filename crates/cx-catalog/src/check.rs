//! In: what a KPI file says. Kept: nothing. Out: a checked [`Kpi`], or faults with places.
//! Never knows: other files but for declared channels and sources.

mod across;
mod alert;
mod conversion;
mod derived;
mod dimension;
mod example;
mod measure;
mod numbered;
mod observed;
mod unit;
mod window;
mod words;

pub(crate) use alert::subject;
pub(crate) use dimension::text;
pub(crate) use example::has_value;
pub(crate) use unit::{currency, factor};
pub(crate) use words::{scale, technical};

use crate::calendar::Calendar;
use crate::definition::{Agg, Formula, Kpi, Measure, Owners};
use crate::diagnostic::{Diagnostic, Page, did_you_mean};
use crate::raw::{KPI, RawKpi};
use serde_json::Value;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the catalogue declares beside KPIs.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Registered channels.
    pub channels: Vec<String>,
    /// Declared sources.
    pub sources: Vec<String>,
    /// Calendars by name.
    pub calendars: BTreeMap<String, Arc<Calendar>>,
}

/// Reads and checks one KPI file.
///
/// # Errors
/// All faults found; whether a derived KPI fits what it is made of, only [`crate::load`] knows.
pub fn parse_kpi(file: &str, text: &str, declared: &Declared) -> Result<Kpi, Vec<Diagnostic>> {
    read(file, text, declared).map(|(kpi, _, _)| kpi)
}

/// As [`parse_kpi`], with what the file says, where, and what is worth knowing.
pub(crate) fn read(
    file: &str,
    text: &str,
    declared: &Declared,
) -> Result<(Kpi, RawKpi, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut page = Page::new(file, text);
    let Some(raw) = page.read::<RawKpi>(&KPI) else {
        return Err(page.faults);
    };
    let mut checker = Checker {
        page: &mut page,
        declared,
    };
    match checker.kpi(&raw) {
        Some(kpi) if page.faults.is_empty() => Ok((kpi, raw, page.notes)),
        Some(_) | None => {
            page.faults.sort_by_key(|f| (f.line, f.column));
            Err(page.faults)
        }
    }
}

pub(crate) struct Checker<'c, 't> {
    page: &'c mut Page<'t>,
    declared: &'c Declared,
}

impl Checker<'_, '_> {
    fn fault<T>(
        &mut self,
        spanned: &Spanned<T>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.page.fault(spanned.referenced, message, fix);
    }

    fn kpi(&mut self, raw: &RawKpi) -> Option<Kpi> {
        self.words(raw);
        self.conditions(raw);
        let formula = self.formula(raw);
        let direction = self.direction(raw);
        let target = raw.target.as_ref().and_then(|t| self.scaled(raw, t));
        let formula = formula?;
        let windows = self.windows(raw, &formula);
        let calendar = self.calendar(raw, &windows);
        let dimensions = self.dimensions(raw, &formula);
        if across::across(&formula) {
            self.whole_customers(raw, &dimensions);
        }
        if numbered::numbered(&formula) {
            self.numbers_whole(raw, &dimensions);
        }
        self.size(raw, &dimensions, &windows);
        self.unit(raw, &formula);
        let alerts = self.alerts(raw, (&windows, &dimensions, target), &formula);
        let examples = self.examples(raw, &windows, &dimensions);
        let mut kpi = Kpi {
            kpi: raw.kpi.value.clone(),
            business_name: raw.business_name.value.clone(),
            meaning: raw.meaning.value.clone(),
            filter: raw.filter.as_ref().map(|f| f.value.clone()),
            alerts,
            examples,
            target,
            decimals: raw.decimals.value,
            owners: Owners {
                business: raw.owners.business.value.clone(),
                technical: raw.owners.technical.value.clone(),
            },
            formula,
            dimensions,
            windows,
            calendar,
            unit: raw.unit.value.clone(),
            direction,
            hash: String::new(),
            file: self.page.file.to_owned(),
            text: self.page.text.to_owned(),
        };
        kpi.hash = hash(&kpi, &[]);
        Some(kpi)
    }
}

/// The hash of a definition; of a derived one with the hashes of what it is made of.
pub(crate) fn hash(kpi: &Kpi, of: &[&str]) -> String {
    let plain = serde_json::to_value(kpi).expect("a definition is plain data");
    let mut text = canonical(plain).to_string();
    of.iter().for_each(|hash| text.push_str(hash));
    sha256(text.as_bytes())
}

/// The measures of a formula, numerator first.
pub(crate) fn measures(formula: &Formula) -> Vec<&Measure> {
    match formula {
        Formula::Simple { measure } => vec![measure],
        Formula::Ratio {
            numerator,
            denominator,
        } => vec![numerator, denominator],
        Formula::Derived { .. } | Formula::Observed { .. } => Vec::new(),
    }
}

/// Is it measured by processes rather than counted from the log?
pub(crate) fn observed(formula: &Formula) -> bool {
    matches!(formula, Formula::Observed { .. })
}

/// Do all measures count records of the log rather than events?
pub(crate) fn of_records(formula: &Formula) -> bool {
    let measures = measures(formula);
    !measures.is_empty() && measures.iter().all(|m| m.agg == Agg::CountRecords)
}

/// Keys ascending at every level, whatever the JSON library keeps.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let sorted = pairs.into_iter().map(|(k, v)| (k, canonical(v)));
            Value::Object(sorted.collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(canonical).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
