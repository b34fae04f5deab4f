//! In: the breakdowns of a KPI file. Out: breakdowns with all their values, or faults.
//! Never knows: how many events carry which value.

use super::example::seconds;
use super::{Checker, did_you_mean, measures, of_records};
use crate::cel::OUTCOMES;
use crate::definition::{Agg, Dimension, Formula, Object};
use crate::raw::{RawDimension, RawKpi};
use cx_model::attribute::{self, ATTRIBUTES, Kind};
use cx_model::reject::Reason;
use cx_model::window::Window;
use serde_saphyr::Spanned;

/// Most values of one breakdown.
const VALUES: usize = 64;
/// The dimension that time alone changes.
pub(crate) const AGE: &str = "age";
/// Most bounds of ages.
const BANDS: usize = 8;
/// Most cells of one KPI.
const CELLS: usize = 4_096;

impl Checker<'_, '_> {
    pub(super) fn dimensions(&mut self, raw: &RawKpi, formula: &Formula) -> Vec<Dimension> {
        if let Some(third) = raw.dimensions.get(2) {
            self.fault(third, "more than two dimensions", "remove all but two");
        }
        let sources = measures(formula).iter().any(|m| {
            let of = Object::SourceLastEvent;
            m.agg == Agg::Oldest { of } || m.agg == Agg::Gauge { of }
        });
        let mut out: Vec<Dimension> = Vec::new();
        for spanned in raw.dimensions.iter().take(2) {
            let found = match age(&spanned.value) {
                Some(bands) => self.bands(spanned, bands, formula),
                None => self.dimension(spanned, of_records(formula)),
            };
            let Some(dimension) = found else {
                continue;
            };
            if sources && dimension.name != "source" {
                self.fault(
                    spanned,
                    "source.last_event can only be broken down by source",
                    "write dimensions: [source]",
                );
            } else if out.iter().any(|d| d.name == dimension.name) {
                self.fault(spanned, "the dimension stands twice", "remove one");
            } else {
                out.push(dimension);
            }
        }
        out
    }

    fn dimension(&mut self, spanned: &Spanned<RawDimension>, records: bool) -> Option<Dimension> {
        let (name, given) = match &spanned.value {
            RawDimension::Name(name) => (name, None),
            RawDimension::Declared(declared) => {
                if !declared.bands.is_empty() {
                    self.fault(spanned, "only age has bands", "write values alone");
                }
                (&declared.name, declared.values.as_ref())
            }
        };
        let text = |name: &str| attribute::find(name).is_some_and(|a| a.kind == Kind::Text);
        let of_log = records && ["outcome", "reason"].contains(&name.as_str());
        if !of_log && !["source", "type"].contains(&name.as_str()) && !text(name) {
            let known = ATTRIBUTES.iter().filter(|a| a.kind == Kind::Text);
            let known = known.map(|a| a.name).chain(["source", "type"]);
            let fix = did_you_mean(name, known);
            self.fault(spanned, format!("unknown dimension {name:?}"), fix);
            return None;
        }
        let known = self.declared_values(name, records);
        let values = given.or(known.as_ref()).cloned().unwrap_or_default();
        self.values(spanned, (name, &values), known.as_deref());
        Some(Dimension {
            name: name.clone(),
            values,
            bounds_s: Vec::new(),
        })
    }

    /// Bands of age of what a gauge counts.
    fn bands(
        &mut self,
        spanned: &Spanned<RawDimension>,
        bands: &[String],
        formula: &Formula,
    ) -> Option<Dimension> {
        let counts = measures(formula);
        if !counts.iter().all(|m| matches!(m.agg, Agg::Gauge { .. })) {
            let message = "only what a gauge counts has an age";
            let fix = "write gauge: {of: case.open}, or take another dimension";
            self.fault(spanned, message, fix);
            return None;
        }
        let bounds = bands.iter().map(|b| seconds(b).filter(|s| *s > 0));
        let bounds: Option<Vec<u32>> = bounds.collect();
        let good = |b: &Vec<u32>| !b.is_empty() && b.len() <= BANDS && b.is_sorted_by(|a, b| a < b);
        let Some(bounds_s) = bounds.filter(good) else {
            let message = format!("age has 1 to {BANDS} bounds, each later than the one before");
            let fix = "write {name: age, bands: [1h, 4h, 24h]}";
            self.fault(spanned, message, fix);
            return None;
        };
        let from = ["0".to_owned()].into_iter().chain(bands.iter().cloned());
        let pairs = from.zip(bands).map(|(a, b)| format!("{a}-{b}"));
        let last = bands.last().map(|b| format!("{b}+"));
        Some(Dimension {
            name: AGE.to_owned(),
            values: pairs.chain(last).collect(),
            bounds_s,
        })
    }

    /// The closed list of values the catalogue knows for a breakdown, if there is one.
    fn declared_values(&self, name: &str, records: bool) -> Option<Vec<String>> {
        let list = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        match name {
            "channel" => Some(self.declared.channels.clone()),
            "source" => Some(self.declared.sources.clone()),
            "reason" if records => list(&Reason::ALL.map(Reason::name)),
            "outcome" if records => list(&OUTCOMES),
            _ => None,
        }
    }

    fn values(
        &mut self,
        spanned: &Spanned<RawDimension>,
        (name, values): (&str, &[String]),
        known: Option<&[String]>,
    ) {
        if values.len() > VALUES {
            self.fault(
                spanned,
                format!("more than {VALUES} values of {name}"),
                "declare the ones that matter: the rest is `other`",
            );
        }
        for (i, value) in values.iter().enumerate() {
            let reserved = ["all", "other", ""].contains(&value.as_str());
            if reserved || value.contains([',', '|', '=']) || value.chars().count() > 64 {
                self.fault(
                    spanned,
                    format!("{value:?} cannot be a value of {name}"),
                    "all and other are always there; values have no , | = and 64 characters",
                );
            } else if values.get(..i).is_some_and(|before| before.contains(value)) {
                self.fault(spanned, format!("{value} stands twice"), "remove one");
            } else if let Some(known) = known
                && !known.is_empty()
                && !known.contains(value)
            {
                let fix = did_you_mean(value, known.iter().map(String::as_str));
                self.fault(spanned, format!("{name} has no value {value:?}"), fix);
            }
        }
    }

    pub(super) fn size(&mut self, raw: &RawKpi, dimensions: &[Dimension], windows: &[Window]) {
        let combos: usize = dimensions.iter().map(|d| d.values.len() + 2).product();
        let cells = combos * windows.len().max(1);
        if cells > CELLS
            && let Some(first) = raw.dimensions.first()
        {
            self.fault(
                first,
                format!("the KPI would have {cells} cells, {CELLS} at most"),
                "declare fewer values, or one dimension less",
            );
        }
    }
}

/// The bands of a breakdown by age.
fn age(raw: &RawDimension) -> Option<&[String]> {
    match raw {
        RawDimension::Declared(declared) if declared.name == AGE => Some(&declared.bands),
        RawDimension::Name(name) if name == AGE => Some(&[]),
        RawDimension::Name(_) | RawDimension::Declared(_) => None,
    }
}
