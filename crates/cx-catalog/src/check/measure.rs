//! In: type and measures of a KPI file. Out: a formula, or faults. Never knows: closures.

use super::{Checker, did_you_mean, scale};
use crate::cel::{self, About};
use crate::definition::{Agg, Formula, Measure, Object};
use crate::diagnostic::did_you_mean_attribute;
use crate::fact::{self, FACTS};
use crate::journey::Replies;
use crate::raw::{RawKpi, RawMeasure, RawObject};
use cx_model::attribute::{self, Kind, SlotTable};
use serde_saphyr::Spanned;

/// What a measure can say.
const AGGREGATIONS: [&str; 8] = [
    "count",
    "sum",
    "min",
    "max",
    "average",
    "median",
    "percentile",
    "count_distinct",
];

/// What can be open.
const OBJECTS: [&str; 5] = [
    "case.open",
    "contact.waiting",
    "conversation.unanswered",
    "conversation.overdue",
    "source.last_event",
];

impl Checker<'_, '_> {
    pub(super) fn formula(&mut self, raw: &RawKpi) -> Option<Formula> {
        let parts = (
            &raw.measure,
            &raw.gauge,
            &raw.oldest,
            &raw.numerator,
            &raw.denominator,
        );
        if let (Some(observed), (None, None, None, None, None)) = (&raw.observed, parts) {
            return self.observed(raw, observed);
        }
        if raw.kind.value != "derived" {
            self.nothing_derived(raw);
        }
        if raw.kind.value != "conversion" {
            self.nothing_converted(raw);
        }
        match (raw.kind.value.as_str(), parts) {
            ("derived", (None, None, None, None, None)) => self.derived(raw),
            ("derived", _) => self.no_formula(
                raw,
                "a derived KPI has expr and metrics and counts nothing itself",
                "remove measure, numerator and the like; write expr: a / b and metrics: [a, b]",
            ),
            ("simple" | "cumulative", (Some(m), None, None, None, None)) => Some(Formula::Simple {
                measure: self.measure(m)?,
            }),
            ("simple", (None, Some(o), None, None, None)) => self.gauge(o),
            ("simple", (None, None, Some(o), None, None)) => self.oldest(o),
            ("ratio", (None, None, None, Some(n), Some(d))) => self.ratio(n, d),
            ("simple", _) => self.no_formula(
                raw,
                "a simple KPI has exactly one of measure, gauge, oldest and observed, and nothing else",
                "write measure: {agg: count, where: …}",
            ),
            ("ratio", _) => self.no_formula(
                raw,
                "a ratio has numerator and denominator and nothing else",
                "write numerator: {agg: …} and denominator: {agg: …}",
            ),
            ("cumulative", _) => self.no_formula(
                raw,
                "a cumulative KPI has a measure and nothing else",
                "write measure: {agg: sum, of: data.amount_minor}",
            ),
            ("conversion", (None, None, None, None, None)) => self.conversion(raw),
            ("conversion", _) => self.no_formula(
                raw,
                "a conversion has base and conversion and no measures",
                "remove measure, numerator and the like",
            ),
            (kind, _) => {
                let fix = did_you_mean(
                    kind,
                    ["simple", "ratio", "derived", "cumulative", "conversion"],
                );
                self.fault(&raw.kind, format!("unknown type {kind:?}"), fix);
                None
            }
        }
    }

    fn no_formula(&mut self, raw: &RawKpi, message: &str, fix: &str) -> Option<Formula> {
        self.fault(&raw.kind, message, fix);
        None
    }

    fn ratio(&mut self, above: &RawMeasure, below: &RawMeasure) -> Option<Formula> {
        let (numerator, denominator) = (self.measure(above), self.measure(below));
        let (numerator, denominator) = (numerator?, denominator?);
        for (measure, raw) in [(&numerator, above), (&denominator, below)] {
            let one = |agg: &Agg| {
                matches!(
                    agg,
                    Agg::Min { .. } | Agg::Max { .. } | Agg::Percentile { .. }
                )
            };
            if one(&measure.agg) {
                self.fault(
                    &raw.agg,
                    format!("{} stands for one event, it makes no ratio", raw.agg.value),
                    "write count or sum, or make it a simple KPI",
                );
            }
        }
        let replies = |m: &Measure| matches!(m.agg, Agg::CountReplies { .. });
        if replies(&numerator) != replies(&denominator) {
            self.fault(
                &below.agg,
                "promised replies are counted when they are decided: they make a ratio only with each other",
                "write of: reply.met above and of: reply.decided below",
            );
        }
        let numbers = |m: &Measure| matches!(m.agg, Agg::CountNumbered { .. });
        if numbers(&numerator) != numbers(&denominator) {
            self.fault(
                &below.agg,
                "numbers of sources are counted over all that came: they make a ratio only with each other",
                "write of: sequence.received above and of: sequence.expected below",
            );
        }
        let records = |m: &Measure| m.agg == Agg::CountRecords;
        if records(&numerator) != records(&denominator) {
            self.fault(
                &below.agg,
                "records count at log time and events at their own: they make no ratio",
                "write of: record in both measures, or in none",
            );
        }
        Some(Formula::Ratio {
            numerator,
            denominator,
        })
    }

    fn measure(&mut self, raw: &RawMeasure) -> Option<Measure> {
        let of = raw.of.as_ref();
        let name = raw.agg.value.as_str();
        self.no_extreme_of_a_fact(raw)?;
        let per_mille = self.per_mille(raw)?;
        let agg = match (name, of.map(|o| o.value.as_str())) {
            ("count", None) => Agg::Count,
            ("count", Some("record")) => Agg::CountRecords,
            ("count", Some("reply.decided")) => Agg::CountReplies {
                of: Replies::Decided,
            },
            ("count", Some("reply.met")) => Agg::CountReplies { of: Replies::Met },
            ("count", Some(of @ ("sequence.received" | "sequence.expected"))) => {
                self.of_numbers(raw, of)?
            }
            ("count_distinct", Some("customer")) => Agg::CountDistinct,
            ("count_distinct", Some(of @ ("customer.channels" | "customer.cross_channel"))) => {
                self.of_channels(of)?
            }
            ("sum", Some(_)) => Agg::Sum {
                of: self.summed(of?)?,
            },
            ("average", Some(_)) => Agg::Average {
                of: self.summed(of?)?,
            },
            ("median" | "percentile", Some(_)) => Agg::Percentile {
                of: self.summed(of?)?,
                per_mille,
            },
            ("min", Some(_)) => Agg::Min {
                of: self.summed(of?)?,
            },
            ("max", Some(_)) => Agg::Max {
                of: self.summed(of?)?,
            },
            _ => {
                self.no_measure(raw);
                return None;
            }
        };
        Some(Measure {
            agg,
            condition: raw.condition.as_ref().map(|c| c.value.clone()),
        })
    }

    fn no_measure(&mut self, raw: &RawMeasure) {
        let name = raw.agg.value.as_str();
        let (message, fix) = match (name, &raw.of) {
            (
                "sum" | "average" | "min" | "max" | "median" | "percentile" | "count_distinct",
                None,
            ) => {
                let fix = if name == "count_distinct" {
                    "write of: customer"
                } else {
                    "write of: data.<integer attribute>, e.g. data.amount_minor"
                };
                (format!("{name} needs `of`"), fix.to_owned())
            }
            ("count" | "count_distinct", Some(of)) => {
                let fix = if name == "count" {
                    "leave `of` out to count events, or write of: record, reply.decided, reply.met, sequence.received or sequence.expected"
                } else {
                    "write of: customer, customer.channels or customer.cross_channel"
                };
                return self.fault(of, format!("{name} cannot count {:?}", of.value), fix);
            }
            ("gauge" | "oldest", _) => (
                format!("{name} stands at the top of the KPI, not in a measure"),
                format!("write {name}: {{of: contact.waiting}}"),
            ),
            _ => (
                format!("unknown aggregation {name:?}"),
                did_you_mean(name, AGGREGATIONS),
            ),
        };
        self.fault(&raw.agg, message, fix);
    }

    /// Of 1,000: what `percentile` says; 500 for the median and wherever it is not asked for.
    fn per_mille(&mut self, raw: &RawMeasure) -> Option<u16> {
        let name = raw.agg.value.as_str();
        match (&raw.percentile, name) {
            (None, "percentile") => {
                let message = "percentile needs to know which one";
                self.fault(&raw.agg, message, "write percentile: 0.9 beside it");
                None
            }
            (None, _) => Some(500),
            (Some(which), "percentile") => {
                let found = scale(which.value, 3).and_then(|p| u16::try_from(p).ok());
                let found = found.filter(|p| (1..=999).contains(p));
                if found.is_none() {
                    self.fault(
                        which,
                        format!("there is no percentile {}", which.value),
                        "write 0.001 to 0.999 with at most three decimals, e.g. 0.9 or 0.95",
                    );
                }
                found
            }
            (Some(which), _) => {
                self.fault(
                    which,
                    format!("{name} has no percentile"),
                    "remove it, or write agg: percentile",
                );
                None
            }
        }
    }

    /// What is derived can be restated, and an extreme cannot be taken back.
    fn no_extreme_of_a_fact(&mut self, raw: &RawMeasure) -> Option<()> {
        let of = raw.of.as_ref().filter(|o| o.value.starts_with("fact."));
        let (Some(of), "min" | "max") = (of, raw.agg.value.as_str()) else {
            return Some(());
        };
        self.fault(
            of,
            format!(
                "{} is only there for attributes: a fact can be restated",
                raw.agg.value
            ),
            "write agg: average, or a ratio of counts such as where: fact.reply_ms <= 60000",
        );
        None
    }

    /// The name of an attribute that can be summed, or of a fact with its `fact.`.
    fn summed(&mut self, of: &Spanned<String>) -> Option<String> {
        if let Some(name) = of.value.strip_prefix("fact.") {
            if fact::find(name).is_some() {
                return Some(of.value.clone());
            }
            let known: Vec<String> = FACTS.iter().map(|f| format!("fact.{}", f.name)).collect();
            let fix = did_you_mean(&of.value, known.iter().map(String::as_str));
            self.fault(of, format!("unknown fact {}", of.value), fix);
            return None;
        }
        let Some(name) = of.value.strip_prefix("data.") else {
            let fix = if attribute::find(&of.value).is_some() {
                format!("write data.{}", of.value)
            } else if fact::find(&of.value).is_some() {
                format!("write fact.{}", of.value)
            } else {
                "write data.<integer attribute>, e.g. data.amount_minor".to_owned()
            };
            self.fault(of, format!("{:?} is no attribute", of.value), fix);
            return None;
        };
        match attribute::find(name).map(|a| a.kind) {
            Some(Kind::Int) => Some(name.to_owned()),
            Some(kind @ (Kind::Bool | Kind::Double | Kind::Text)) => {
                self.fault(
                    of,
                    format!(
                        "data.{name} is a {}; only integers can be added or compared",
                        kind.name()
                    ),
                    "take an integer attribute, e.g. data.amount_minor",
                );
                None
            }
            None => {
                let fix = did_you_mean_attribute(name);
                self.fault(of, format!("unknown attribute data.{name}"), fix);
                None
            }
        }
    }

    fn gauge(&mut self, raw: &RawObject) -> Option<Formula> {
        if raw.of.value == "source.last_event" {
            self.fault(
                &raw.of,
                "source.last_event has an age, it cannot be counted",
                "write oldest: {of: source.last_event}",
            );
            return None;
        }
        let of = self.object(raw)?;
        Some(simple(Agg::Gauge { of }, raw))
    }

    fn oldest(&mut self, raw: &RawObject) -> Option<Formula> {
        if raw.of.value == "conversation.overdue" {
            self.fault(
                &raw.of,
                "conversation.overdue can be counted, it has no age of its own",
                "write oldest: {of: conversation.unanswered}",
            );
            return None;
        }
        let of = self.object(raw)?;
        if let (Object::SourceLastEvent, Some(condition)) = (of, &raw.condition) {
            self.fault(
                condition,
                "source.last_event looks at every event of a source",
                "remove `where`",
            );
        }
        Some(simple(Agg::Oldest { of }, raw))
    }

    fn object(&mut self, raw: &RawObject) -> Option<Object> {
        match raw.of.value.as_str() {
            "contact.waiting" => Some(Object::ContactWaiting),
            "conversation.unanswered" => Some(Object::ConversationUnanswered),
            "conversation.overdue" => Some(Object::ConversationOverdue),
            "case.open" => Some(Object::CaseOpen),
            "source.last_event" => Some(Object::SourceLastEvent),
            other => {
                let fix = did_you_mean(other, OBJECTS);
                self.fault(&raw.of, format!("unknown object {other:?}"), fix);
                None
            }
        }
    }

    /// Checks every CEL text of the file; faults stand inside the text.
    pub(super) fn conditions(&mut self, raw: &RawKpi) {
        let measures = [&raw.measure, &raw.numerator, &raw.denominator];
        let measures: Vec<&RawMeasure> = measures.into_iter().flatten().collect();
        let about = |m: &RawMeasure| match &m.of {
            Some(of) if of.value == "record" => About::Records,
            Some(of)
                if ["reply.", "sequence."]
                    .iter()
                    .any(|w| of.value.starts_with(w)) =>
            {
                About::Objects
            }
            Some(_) | None => About::Events,
        };
        // The filter holds for all measures, which are of one kind where the file is right.
        let replies = measures.iter().any(|m| about(m) == About::Objects);
        let all = if raw.gauge.is_some() || raw.oldest.is_some() || replies {
            About::Objects
        } else {
            let events = measures.is_empty() || measures.iter().any(|m| about(m) == About::Events);
            [About::Records, About::Events][usize::from(events)]
        };
        let mut texts: Vec<(&Spanned<String>, About)> = Vec::new();
        texts.extend(raw.filter.iter().map(|f| (f, all)));
        for m in measures {
            texts.extend(m.condition.iter().map(|c| (c, about(m))));
        }
        for object in [&raw.gauge, &raw.oldest].into_iter().flatten() {
            texts.extend(object.condition.iter().map(|c| (c, About::Objects)));
        }
        let stages = [&raw.base, &raw.conversion].into_iter().flatten();
        texts.extend(stages.map(|s| (&s.condition, About::Events)));
        let mut slots = SlotTable::default();
        for (text, about) in texts {
            if let Err(fault) = cel::compile(&text.value, &mut slots, about) {
                let (start, length) = (text.referenced.into(), fault.length);
                let place = self.page.inside(start, &text.value, fault.offset, length);
                self.page.fault(place, fault.message, fault.fix);
            }
        }
    }
}

fn simple(agg: Agg, raw: &RawObject) -> Formula {
    let condition = raw.condition.as_ref().map(|c| c.value.clone());
    Formula::Simple {
        measure: Measure { agg, condition },
    }
}
