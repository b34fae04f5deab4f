//! In: the breakdowns of a KPI file. Out: breakdowns with all their values, or faults.
//! Never knows: how many events carry which value.

use super::example::seconds;
use super::{Checker, did_you_mean, measures, of_records, technical};
use crate::cel::OUTCOMES;
use crate::compiled::JOINT;
use crate::definition::{Agg, Dimension, Formula, Object};
use crate::raw::{RawDimension, RawKpi, RawValues};
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
            RawDimension::Declared(declared) if !declared.of.is_empty() => {
                return self.combination(spanned, declared);
            }
            RawDimension::Declared(declared) => {
                if !declared.bands.is_empty() {
                    self.fault(spanned, "only age has bands", "write values alone");
                }
                (&declared.name, declared.values.as_ref())
            }
        };
        let of_log = records && ["outcome", "reason"].contains(&name.as_str());
        if !of_log && !["source", "type"].contains(&name.as_str()) {
            self.told_apart(spanned, name)?;
        }
        let known = self.declared_values(name, records);
        let values = given.or(known.as_ref()).cloned().unwrap_or_default();
        self.values(spanned, (name, &values), known.as_deref());
        self.whole_numbers(spanned, name, values.iter().map(String::as_str));
        Some(Dimension {
            name: name.clone(),
            values,
            of: Vec::new(),
            bounds_s: Vec::new(),
        })
    }

    /// An attribute that has values to be told apart by.
    fn told_apart(&mut self, spanned: &Spanned<RawDimension>, name: &str) -> Option<()> {
        match attribute::find(name).map(|a| a.kind) {
            Some(Kind::Text | Kind::Bool | Kind::Int) => Some(()),
            Some(Kind::Double) => {
                let message =
                    format!("{name} is a double: its values are no few that can be declared");
                self.fault(
                    spanned,
                    message,
                    "count parts of it with `where`, e.g. data.sentiment < 0",
                );
                None
            }
            None => {
                let known = ATTRIBUTES.iter().filter(|a| a.kind != Kind::Double);
                let known = known.map(|a| a.name).chain(["source", "type"]);
                let fix = did_you_mean(name, known);
                self.fault(spanned, format!("unknown dimension {name:?}"), fix);
                None
            }
        }
    }

    /// Values of a whole number must be written as one.
    fn whole_numbers<'v>(
        &mut self,
        spanned: &Spanned<RawDimension>,
        name: &str,
        values: impl Iterator<Item = &'v str>,
    ) {
        if attribute::find(name).is_none_or(|a| a.kind != Kind::Int) {
            return;
        }
        let number = |v: &&str| v.parse::<i64>().is_ok_and(|n| n.to_string() == **v);
        for value in values.filter(|v| !number(v)) {
            let message = format!("{name} is a whole number, {value:?} is none");
            self.fault(spanned, message, "write it as \"3\" or \"-3\"");
        }
    }

    /// Values of several attributes told together: of all combinations those that are declared.
    fn combination(
        &mut self,
        spanned: &Spanned<RawDimension>,
        declared: &RawValues,
    ) -> Option<Dimension> {
        let RawValues {
            name, values, of, ..
        } = declared;
        let taken = ["source", "type", "outcome", "reason", AGE].contains(&name.as_str());
        if !technical(name, 48) || taken || attribute::find(name).is_some() {
            let message = format!("{name:?} is no name for a combination");
            self.fault(
                spanned,
                message,
                "use lower-case letters, digits and _, and no name of an attribute",
            );
            return None;
        }
        let twice = of.iter().enumerate().any(|(i, n)| of[..i].contains(n));
        if !(2..=JOINT).contains(&of.len()) || twice {
            let message = format!("a combination has 2 to {JOINT} different attributes");
            self.fault(spanned, message, "write of: [channel, queue]");
            return None;
        }
        for attribute in of {
            if ["source", "type"].contains(&attribute.as_str()) {
                let message = format!("{attribute} is no attribute of data");
                self.fault(spanned, message, "make it a dimension of its own");
                return None;
            }
            self.told_apart(spanned, attribute)?;
        }
        let values = values.clone().unwrap_or_default();
        self.values(spanned, (name, &values), None);
        if values.is_empty() {
            let fix = "write values: [voice_call/sales, chat/vip]: the rest is `other`";
            self.fault(spanned, format!("{name} has no declared values"), fix);
        }
        for value in &values {
            let parts: Vec<&str> = value.split('/').collect();
            if parts.len() != of.len() || parts.contains(&"") {
                let message = format!(
                    "{value:?} does not say a value of each of {}",
                    of.join(", ")
                );
                self.fault(
                    spanned,
                    message,
                    "write them in that order with / between them, e.g. voice_call/sales",
                );
                continue;
            }
            for (attribute, part) in of.iter().zip(parts) {
                self.part(spanned, attribute, part);
            }
        }
        Some(Dimension {
            name: name.clone(),
            values,
            of: of.clone(),
            bounds_s: Vec::new(),
        })
    }

    /// One value of one attribute of a combination.
    fn part(&mut self, spanned: &Spanned<RawDimension>, attribute: &str, value: &str) {
        let known = self.declared_values(attribute, false).unwrap_or_default();
        if !known.is_empty() && !known.iter().any(|k| k == value) {
            let fix = did_you_mean(value, known.iter().map(String::as_str));
            self.fault(spanned, format!("{attribute} has no value {value:?}"), fix);
        }
        self.whole_numbers(spanned, attribute, [value].into_iter());
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
            of: Vec::new(),
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
            _ if attribute::find(name).is_some_and(|a| a.kind == Kind::Bool) => {
                list(&["true", "false"])
            }
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

/// Whether a breakdown is by a text attribute.
pub(crate) fn text(name: &str) -> bool {
    attribute::find(name).is_some_and(|a| a.kind == Kind::Text)
}

/// The bands of a breakdown by age.
fn age(raw: &RawDimension) -> Option<&[String]> {
    match raw {
        RawDimension::Declared(declared) if declared.name == AGE => Some(&declared.bands),
        RawDimension::Name(name) if name == AGE => Some(&[]),
        RawDimension::Name(_) | RawDimension::Declared(_) => None,
    }
}
