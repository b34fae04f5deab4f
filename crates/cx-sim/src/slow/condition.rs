//! In: CEL text. Kept: the crate's own programs. Out: which measures' conditions are true.
//! Never knows: our compiler of conditions.

use super::fact::{Datum, Said};
use super::measure;
use cel::{Context, Program, Value};
use cx_catalog::definition::{Agg, Kpi, Measure};
use cx_model::attribute::{SlotTable, find};
use std::collections::HashMap;

/// All conditions of all measures, and the attributes they name.
pub(super) struct Conditions {
    /// Per measure the programs that must all be true.
    programs: Vec<Vec<Program>>,
    /// As the set's decoder: only fields that definitions name are looked at.
    pub(super) slots: SlotTable,
    /// Names with a slot.
    pub(super) names: Vec<&'static str>,
}

impl Conditions {
    pub(super) fn new(kpis: &[Kpi]) -> Self {
        let mut names: Vec<String> = cx_model::attribute::BUILT_IN
            .iter()
            .map(ToString::to_string)
            .collect();
        for kpi in kpis {
            names.extend(kpi.dimensions.iter().map(|d| d.name.clone()));
            for text in texts(kpi) {
                names.extend(named(text));
            }
            for m in measure::of(kpi) {
                match &m.agg {
                    Agg::Sum { of } | Agg::Average { of } => names.push(of.clone()),
                    Agg::Count
                    | Agg::CountRecords
                    | Agg::CountDistinct
                    | Agg::Gauge { .. }
                    | Agg::Oldest { .. } => {}
                }
            }
        }
        let mut slots = SlotTable::default();
        let mut known = Vec::new();
        for attribute in names.iter().filter_map(|n| find(n)) {
            if slots.add(attribute.name).is_some() && !known.contains(&attribute.name) {
                known.push(attribute.name);
            }
        }
        Self {
            programs: measure::list(kpis).map(|(k, m)| programs(k, m)).collect(),
            slots,
            names: known,
        }
    }

    /// Per measure whether all its conditions are true of this record; an error is false.
    pub(super) fn ask(
        &self,
        library: &Context<'static, 'static>,
        event: Option<&Said>,
        (outcome, reason): (&str, &str),
    ) -> Vec<bool> {
        let mut context = library.new_inner_scope();
        context.add_variable_from_value("data", event.map_or_else(empty, data));
        context.add_variable_from_value("event", event.map_or_else(empty, envelope));
        let record = [("outcome", outcome), ("reason", reason)];
        context.add_variable_from_value("record", map(record.map(|(k, v)| (k, Value::from(v)))));
        let holds = |program: &Program| matches!(program.execute(&context), Ok(Value::Bool(true)));
        self.programs
            .iter()
            .map(|all| all.iter().all(holds))
            .collect()
    }
}

fn texts(kpi: &Kpi) -> impl Iterator<Item = &String> {
    let conditions = measure::of(kpi)
        .into_iter()
        .filter_map(|m| m.condition.as_ref());
    kpi.filter.iter().chain(conditions)
}

fn programs(kpi: &Kpi, measure: &Measure) -> Vec<Program> {
    let texts = kpi.filter.iter().chain(&measure.condition);
    texts
        .map(|text| Program::compile(text).expect("the catalogue checked the condition"))
        .collect()
}

/// Every `data.NAME` in a condition.
fn named(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("data.").skip(1).map(|rest| {
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    })
}

fn data(event: &Said) -> Value {
    map(event.data.iter().map(|(name, datum)| {
        let value = match datum {
            Datum::Bool(b) => Value::Bool(*b),
            Datum::Int(i) => Value::Int(*i),
            Datum::Double(d) => Value::Float(*d),
            Datum::Text(text) => Value::from(text.as_str()),
        };
        (name.as_str(), value)
    }))
}

fn envelope(event: &Said) -> Value {
    let always = [
        ("type", Value::from(event.kind.as_str())),
        ("source", Value::from(event.source.as_str())),
    ];
    let subject = event.subject.as_deref();
    map(always
        .into_iter()
        .chain(subject.map(|s| ("subject", Value::from(s)))))
}

fn empty() -> Value {
    map([])
}

fn map<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v));
    Value::from(fields.collect::<HashMap<String, Value>>())
}
