//! In: what a KPI file says. Kept: nothing. Out: a checked [`Kpi`], or faults with places.
//! Never knows: other files but for declared channels and sources.

use crate::cel;
use crate::definition::{
    Agg, Dimension, Direction, Example, Formula, Kpi, Measure, Object, Owners,
};
use crate::diagnostic::{Diagnostic, Page, did_you_mean, place};
use crate::raw::{RawDimension, RawExample, RawKpi, RawMeasure, RawObject};
use cx_model::attribute::{self, Kind, SlotTable};
use cx_model::window::Window;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

/// What the catalogue declares beside KPIs.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Registered channels.
    pub channels: Vec<String>,
    /// Declared sources.
    pub sources: Vec<String>,
}

/// Reads and checks one KPI file.
///
/// # Errors
/// All faults found.
pub fn parse_kpi(file: &str, text: &str, declared: &Declared) -> Result<Kpi, Vec<Diagnostic>> {
    let mut page = Page::new(file, text);
    let kpi = page.read::<RawKpi>().and_then(|raw| {
        Checker {
            page: &mut page,
            declared,
        }
        .kpi(&raw)
    });
    match kpi {
        Some(kpi) if page.faults.is_empty() => Ok(kpi),
        Some(_) | None => Err(page.faults),
    }
}

struct Checker<'c, 't> {
    page: &'c mut Page<'t>,
    declared: &'c Declared,
}

fn at<T>(spanned: &Spanned<T>) -> (usize, usize) {
    place(spanned.referenced)
}

impl Checker<'_, '_> {
    fn fault<T>(
        &mut self,
        spanned: &Spanned<T>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.page.fault(at(spanned), message.into(), fix.into());
    }

    fn kpi(&mut self, raw: &RawKpi) -> Option<Kpi> {
        self.words(raw);
        let formula = self.formula(raw)?;
        let windows = self.windows(raw, &formula);
        let dimensions = self.dimensions(raw);
        let records =
            matches!(&formula, Formula::Simple { measure } if measure.agg == Agg::CountRecords);
        self.conditions(raw, records);
        let unit = self.unit(raw, &formula);
        let direction = self.direction(raw);
        let scale = 10_f64.powi(i32::from(raw.decimals.value.min(4)));
        for alert in &raw.alerts {
            if !["P1", "P2", "P3"].contains(&alert.priority.value.as_str()) {
                self.fault(
                    &alert.priority,
                    format!("unknown priority {:?}", alert.priority.value),
                    "write P1, P2 or P3",
                );
            }
            if !raw.windows.iter().any(|w| w.value == alert.window.value) {
                self.fault(
                    &alert.window,
                    format!("the KPI has no window {:?}", alert.window.value),
                    "take one of the KPI's windows",
                );
            }
        }
        let mut kpi = Kpi {
            kpi: raw.kpi.value.clone(),
            business_name: raw.business_name.value.clone(),
            meaning: raw.meaning.value.clone(),
            filter: raw.filter.as_ref().map(|f| f.value.clone()),
            examples: raw
                .examples
                .value
                .iter()
                .filter_map(|e| self.example(e, scale))
                .collect(),
            target: raw.target.as_ref().map(|t| rounded(t.value * scale)),
            decimals: raw.decimals.value,
            owners: Owners {
                business: raw.owners.business.value.clone(),
                technical: raw.owners.technical.value.clone(),
            },
            formula,
            dimensions,
            windows,
            unit,
            direction,
            hash: String::new(),
            file: self.page.file.to_owned(),
        };
        kpi.hash = sha256(&serde_json::to_vec(&kpi).expect("a definition is plain data"));
        Some(kpi)
    }

    fn words(&mut self, raw: &RawKpi) {
        let name = &raw.kpi.value;
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > 48 || !name.bytes().all(good) {
            self.fault(
                &raw.kpi,
                format!("{name:?} is no technical name"),
                "use lower-case letters, digits and _, at most 48",
            );
        }
        for (text, what) in [
            (&raw.business_name, "business_name"),
            (&raw.meaning, "meaning"),
            (&raw.owners.business, "owner"),
            (&raw.owners.technical, "owner"),
        ] {
            if text.value.trim().is_empty() {
                self.fault(
                    text,
                    format!("{what} is empty"),
                    "write it; a number without it cannot be agreed on",
                );
            }
        }
        if raw.decimals.value > 4 {
            self.fault(&raw.decimals, "more than 4 decimals", "write 0 to 4");
        }
        if raw.examples.value.is_empty() {
            self.fault(
                &raw.examples,
                "no example",
                "add one: events, window, value; it runs as a test",
            );
        }
        if let Some(status) = &raw.status
            && !["draft", "proposed"].contains(&status.value.as_str())
        {
            self.fault(
                status,
                format!("a file cannot say {:?}", status.value),
                "write draft or proposed: a file can propose, never sign",
            );
        }
    }

    fn formula(&mut self, raw: &RawKpi) -> Option<Formula> {
        let (kind, m) = (raw.kind.value.as_str(), &raw.measure);
        match (
            kind,
            m,
            &raw.gauge,
            &raw.oldest,
            &raw.numerator,
            &raw.denominator,
        ) {
            ("simple", Some(m), None, None, None, None) => Some(Formula::Simple {
                measure: self.measure(m)?,
            }),
            ("simple", None, Some(o), None, None, None) => self.object(o, |of| Agg::Gauge { of }),
            ("simple", None, None, Some(o), None, None) => self.object(o, |of| Agg::Oldest { of }),
            ("ratio", None, None, None, Some(n), Some(d)) => Some(Formula::Ratio {
                numerator: self.measure(n)?,
                denominator: self.measure(d)?,
            }),
            ("simple", ..) => {
                self.fault(
                    &raw.kind,
                    "a simple KPI has exactly one of measure, gauge and oldest",
                    "write measure: {agg: count, where: …}",
                );
                None
            }
            ("ratio", ..) => {
                self.fault(
                    &raw.kind,
                    "a ratio has numerator and denominator and nothing else",
                    "write numerator: {agg: …} and denominator: {agg: …}",
                );
                None
            }
            ("derived" | "cumulative" | "conversion", ..) => {
                self.fault(
                    &raw.kind,
                    format!("type {kind} is known but cannot be used yet"),
                    "write simple or ratio",
                );
                None
            }
            _ => {
                let fix = did_you_mean(kind, ["simple", "ratio"]);
                self.fault(&raw.kind, format!("unknown type {kind:?}"), fix);
                None
            }
        }
    }

    fn measure(&mut self, raw: &RawMeasure) -> Option<Measure> {
        let of = raw.of.as_ref().map(|o| o.value.as_str());
        let agg = match (raw.agg.value.as_str(), of) {
            ("count", None) => Agg::Count,
            ("count", Some("record")) => Agg::CountRecords,
            ("count_distinct", Some("customer")) => Agg::CountDistinct,
            (agg @ ("sum" | "average"), Some(of)) => {
                let name = of.strip_prefix("data.").unwrap_or(of);
                let spanned = raw.of.as_ref()?;
                match attribute::find(name).map(|a| a.kind) {
                    Some(Kind::Int) if agg == "sum" => Agg::Sum {
                        of: name.to_owned(),
                    },
                    Some(Kind::Int) => Agg::Average {
                        of: name.to_owned(),
                    },
                    Some(kind) => {
                        self.fault(
                            spanned,
                            format!(
                                "data.{name} is a {}; only integers can be summed",
                                kind.name()
                            ),
                            "take an integer attribute, e.g. data.amount_minor",
                        );
                        return None;
                    }
                    None => {
                        let fix = did_you_mean(name, attribute::ATTRIBUTES.iter().map(|a| a.name));
                        self.fault(spanned, format!("unknown attribute data.{name}"), fix);
                        return None;
                    }
                }
            }
            ("sum" | "average", None) => {
                self.fault(
                    &raw.agg,
                    "of is missing",
                    "write of: data.<integer attribute>",
                );
                return None;
            }
            ("min" | "max" | "percentile", _) => {
                self.fault(
                    &raw.agg,
                    format!("{} is known but cannot be used yet", raw.agg.value),
                    "write count, sum, average or count_distinct",
                );
                return None;
            }
            (agg, _) => {
                let fix = did_you_mean(agg, ["count", "sum", "average", "count_distinct"]);
                self.fault(
                    &raw.agg,
                    format!("unknown aggregation {agg:?} with of {of:?}"),
                    fix,
                );
                return None;
            }
        };
        Some(Measure {
            agg,
            condition: raw.condition.as_ref().map(|c| c.value.clone()),
        })
    }

    fn object(&mut self, raw: &RawObject, agg: fn(Object) -> Agg) -> Option<Formula> {
        let of = match raw.of.value.as_str() {
            "contact.waiting" => Object::ContactWaiting,
            "source.last_event" if matches!(agg(Object::ContactWaiting), Agg::Oldest { .. }) => {
                Object::SourceLastEvent
            }
            other => {
                let fix = did_you_mean(other, ["contact.waiting", "source.last_event"]);
                self.fault(&raw.of, format!("unknown object {other:?}"), fix);
                return None;
            }
        };
        let condition = raw.condition.as_ref().map(|c| c.value.clone());
        Some(Formula::Simple {
            measure: Measure {
                agg: agg(of),
                condition,
            },
        })
    }

    fn windows(&mut self, raw: &RawKpi, formula: &Formula) -> Vec<Window> {
        let measures = measures(formula);
        let now = measures
            .iter()
            .any(|m| matches!(m.agg, Agg::Gauge { .. } | Agg::Oldest { .. }));
        let distinct = measures.iter().any(|m| m.agg == Agg::CountDistinct);
        let mut windows = Vec::new();
        for name in &raw.windows {
            match Window::parse(&name.value) {
                None => {
                    let fix = did_you_mean(&name.value, Window::ALL.map(Window::name));
                    self.fault(name, format!("unknown window {:?}", name.value), fix);
                }
                Some(w) if now != (w == Window::Now) => {
                    self.fault(
                        name,
                        "gauges and ages have the window now, and only they",
                        if now {
                            "write windows: [now]"
                        } else {
                            "write 1m, 5m, 15m or 1h"
                        },
                    );
                }
                Some(w) if distinct && w.seconds() < 300 => {
                    self.fault(name, "distinct counts start at 5m", "write 5m, 15m or 1h");
                }
                Some(w) if windows.contains(&w) => {
                    self.fault(name, "the window stands twice", "remove one")
                }
                Some(w) => windows.push(w),
            }
        }
        if raw.windows.is_empty() {
            self.fault(&raw.kpi, "no window", "write windows: [15m, 1h]");
        }
        windows
    }

    fn dimensions(&mut self, raw: &RawKpi) -> Vec<Dimension> {
        if raw.dimensions.len() > 2 {
            self.fault(
                &raw.dimensions[2],
                "more than two dimensions",
                "remove all but two",
            );
        }
        let mut out: Vec<Dimension> = Vec::new();
        for spanned in raw.dimensions.iter().take(2) {
            let (name, values) = match &spanned.value {
                RawDimension::Declared { name, values } => (name, values.clone()),
                RawDimension::Name(name) if name == "channel" => {
                    (name, self.declared.channels.clone())
                }
                RawDimension::Name(name) if name == "source" => {
                    (name, self.declared.sources.clone())
                }
                RawDimension::Name(name) => (name, Vec::new()),
            };
            let record = ["source", "type", "outcome", "reason"].contains(&name.as_str());
            if !record && attribute::find(name).is_none_or(|a| a.kind != Kind::Text) {
                let known = attribute::ATTRIBUTES
                    .iter()
                    .filter(|a| a.kind == Kind::Text)
                    .map(|a| a.name);
                let fix = did_you_mean(name, known.chain(["source"]));
                self.fault(spanned, format!("unknown dimension {name:?}"), fix);
            } else if values.len() > 64 || values.iter().any(|v| v == "all" || v == "other") {
                self.fault(
                    spanned,
                    "a dimension has at most 64 values, none of them all or other",
                    "shorten the list",
                );
            } else {
                out.push(Dimension {
                    name: name.clone(),
                    values,
                });
            }
        }
        out
    }

    fn conditions(&mut self, raw: &RawKpi, records: bool) {
        let measures = [&raw.measure, &raw.numerator, &raw.denominator];
        let of_measures = measures
            .into_iter()
            .flatten()
            .filter_map(|m| m.condition.as_ref());
        let objects = [&raw.gauge, &raw.oldest];
        let of_objects = objects
            .into_iter()
            .flatten()
            .filter_map(|o| o.condition.as_ref());
        let mut slots = SlotTable::default();
        for text in of_measures.chain(of_objects).chain(&raw.filter) {
            if let Err(fault) = cel::compile(&text.value, &mut slots, records) {
                let place = self.page.inside(at(text), fault.offset);
                self.page.fault(place, fault.message, fault.fix);
            }
        }
    }

    fn unit(&mut self, raw: &RawKpi, formula: &Formula) -> String {
        let unit = raw.unit.value.as_str();
        let currency = unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_uppercase());
        if !currency && !["percent", "count", "seconds"].contains(&unit) {
            self.fault(
                &raw.unit,
                format!("unknown unit {unit:?}"),
                "write percent, count, seconds or an ISO 4217 code such as EUR",
            );
        }
        if unit == "percent" && !matches!(formula, Formula::Ratio { .. }) {
            self.fault(
                &raw.unit,
                "only a ratio can be in percent",
                "write type: ratio, or another unit",
            );
        }
        unit.to_owned()
    }

    fn direction(&mut self, raw: &RawKpi) -> Direction {
        match raw.direction.value.as_str() {
            "up" => Direction::Up,
            "down" => Direction::Down,
            "none" => Direction::None,
            other => {
                self.fault(
                    &raw.direction,
                    format!("unknown direction {other:?}"),
                    "write up, down or none",
                );
                Direction::None
            }
        }
    }

    fn example(&mut self, raw: &RawExample, scale: f64) -> Option<Example> {
        let Some(window) = Window::parse(&raw.window.value) else {
            self.fault(
                &raw.window,
                "unknown window",
                "take one of the KPI's windows",
            );
            return None;
        };
        Some(Example {
            events: raw.events.clone(),
            window,
            dims: raw.dims.clone(),
            value: raw.value.map(|v| rounded(v * scale)),
            n: raw.n,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "targets and example values are small; `as` saturates"
)]
fn rounded(value: f64) -> i64 {
    value.round_ties_even() as i64
}

pub(crate) fn measures(formula: &Formula) -> Vec<&Measure> {
    match formula {
        Formula::Simple { measure } => vec![measure],
        Formula::Ratio {
            numerator,
            denominator,
        } => vec![numerator, denominator],
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
