//! In: CEL text. Kept: nothing. Out: a type-checked condition as a closure, or a fault with its
//! offset. Never knows: KPIs, engines. The subset is in `schemas/cel.md`.
//!
//! `||` and `&&` absorb errors as CEL says; `None` is an error.

mod checker;
mod operand;
pub(crate) mod place;
mod reads;
mod types;
mod words;

use crate::compiled::{Predicate, View};
use crate::definition::Agg;
use crate::fact::Fact;
use cx_model::attribute::SlotTable;

pub(crate) use checker::OUTCOMES;
pub use reads::Reads;
pub use words::words;

/// Longest expression, bytes.
const LONGEST: usize = 2_000;
/// Deepest nesting of brackets and of operators; parser and checker recurse that deep.
const DEEPEST: usize = 64;

/// What is wrong with an expression, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Characters from the beginning of the expression.
    pub offset: usize,
    /// Characters that are meant, at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

/// What a condition is about; it decides which names are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Events that count: attributes and facts.
    Events,
    /// Records by what became of them: attributes, `record.outcome` and `record.reason`.
    Records,
    /// The event that begins a wait, or the newest of a source: attributes.
    Objects,
}

impl About {
    /// What the conditions of a measure are about.
    #[must_use]
    pub fn of(agg: &Agg) -> Self {
        match agg {
            Agg::CountRecords => Self::Records,
            Agg::Gauge { .. }
            | Agg::Oldest { .. }
            | Agg::CountReplies { .. }
            | Agg::CountNumbered { .. } => Self::Objects,
            Agg::Count
            | Agg::Sum { .. }
            | Agg::Average { .. }
            | Agg::Min { .. }
            | Agg::Max { .. }
            | Agg::Percentile { .. }
            | Agg::Attempts { .. }
            | Agg::CountChannels { .. }
            | Agg::CountDistinct => Self::Events,
        }
    }
}

/// A compiled condition, with the event types that can make it true (`None`: any).
pub struct Condition {
    /// The closure.
    pub test: Predicate,
    /// Conservative list of event types, ascending.
    pub types: Option<Vec<String>>,
    /// What it looks at.
    pub reads: Reads,
}

impl Condition {
    /// The condition that always holds.
    #[must_use]
    pub fn always() -> Self {
        Self {
            test: Box::new(|_| Some(true)),
            types: None,
            reads: Reads::default(),
        }
    }

    /// The event yields the fact.
    #[must_use]
    pub fn yields(fact: Fact) -> Self {
        Self {
            test: Box::new(move |v| Some(v.facts.get(fact).is_some())),
            types: Some(vec![fact.info().yielded_by.to_owned()]),
            reads: Reads {
                facts: true,
                ..Reads::default()
            },
        }
    }

    /// Both must hold; an error in one and false in the other is false.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            test: both(self.test, other.test),
            types: types::both(self.types, other.types),
            reads: self.reads.and(other.reads),
        }
    }
}

/// Parses, type-checks and compiles one condition. Attributes it names get slots.
///
/// # Errors
/// The first [`Fault`].
pub fn compile(source: &str, slots: &mut SlotTable, about: About) -> Result<Condition, Fault> {
    if source.len() > LONGEST {
        return Err(too_large(format!(
            "the expression is longer than {LONGEST} characters"
        )));
    }
    let deep = || too_large(format!("nested deeper than {DEEPEST}"));
    if place::nesting(source) > DEEPEST {
        return Err(deep());
    }
    let program = cel::Program::compile(source).map_err(|e| place::syntax(source, &e))?;
    let root = program.expression();
    if place::depth(root) > DEEPEST {
        return Err(deep());
    }
    let mut checker = checker::Checker::new(program.source_info(), slots, about);
    Ok(Condition {
        test: checker.condition(root)?,
        types: types::of(root),
        reads: Reads::of(root, slots),
    })
}

fn too_large(message: String) -> Fault {
    Fault {
        offset: 0,
        length: 1,
        message,
        fix: "split the KPI, or say it with `in [\u{2026}]`".to_owned(),
    }
}

/// Both must hold; an error in one and false in the other is false.
#[must_use]
pub fn both(a: Predicate, b: Predicate) -> Predicate {
    Box::new(move |v: View<'_, '_>| match a(v) {
        Some(false) => Some(false),
        Some(true) => b(v),
        None => b(v).filter(|b| !b),
    })
}

/// One must hold; an error in one and true in the other is true.
fn either(a: Predicate, b: Predicate) -> Predicate {
    Box::new(move |v: View<'_, '_>| match a(v) {
        Some(true) => Some(true),
        Some(false) => b(v),
        None => b(v).filter(|b| *b),
    })
}
