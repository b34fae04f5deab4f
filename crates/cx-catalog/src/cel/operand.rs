//! In: a view of one event. Kept: literals. Out: text and numbers to compare.
//! Never knows: syntax.

use crate::compiled::{Predicate, View};
use crate::fact::Fact;
use cel::common::ast::operators as op;
use cx_model::event::Slot;
use std::cmp::Ordering;

/// An expression with its static type.
pub(super) enum Typed {
    Bool(Predicate),
    Text(Text),
    Int(Number),
    Double(Number),
}

impl Typed {
    /// The type in plain words.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Text(_) => "text",
            Self::Int(_) => "a whole number",
            Self::Double(_) => "a number",
        }
    }
}

/// Text.
pub(super) enum Text {
    Literal(String),
    Slot(usize),
    EventType,
    EventSource,
    EventSubject,
    EventId,
    Outcome,
    Reason,
    If(Box<(Predicate, Text, Text)>),
}

impl Text {
    pub(super) fn value<'x>(&'x self, view: View<'x, 'x>) -> Option<&'x str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Slot(slot) => view.event?.slot(*slot).text(),
            Self::EventType => view.event.map(|e| &*e.kind),
            Self::EventSource => view.event.map(|e| &*e.source),
            Self::EventSubject => view.event?.subject.as_deref(),
            Self::EventId => view.event.map(|e| &*e.id),
            Self::Outcome => Some(view.outcome),
            Self::Reason => Some(view.reason),
            Self::If(parts) => {
                if parts.0(view)? {
                    parts.1.value(view)
                } else {
                    parts.2.value(view)
                }
            }
        }
    }
}

/// A number.
pub(super) enum Number {
    Int(i64),
    Double(f64),
    Slot(usize),
    Fact(Fact),
    Of(fn(i64, i64) -> Option<i64>, Box<(Number, Number)>),
    If(Box<(Predicate, Number, Number)>),
}

impl Number {
    /// `+`, `-` or `*` of two integers; overflow is an error.
    pub(super) fn of(name: &str, a: Self, b: Self) -> Self {
        let how = match name {
            op::ADD => i64::checked_add,
            op::MULTIPLY => i64::checked_mul,
            _ => i64::checked_sub,
        };
        Self::Of(how, Box::new((a, b)))
    }

    pub(super) fn value(&self, view: View<'_, '_>) -> Option<Value> {
        match self {
            Self::Int(i) => Some(Value::Int(*i)),
            Self::Double(d) => Some(Value::Double(*d)),
            Self::Slot(slot) => match view.event?.slot(*slot) {
                Slot::Int(i) => Some(Value::Int(*i)),
                Slot::Double(d) => Some(Value::Double(*d)),
                Slot::Missing | Slot::Mistyped | Slot::Bool(_) | Slot::Text(_) => None,
            },
            Self::Fact(fact) => view.facts.get(*fact).map(Value::Int),
            Self::Of(how, pair) => match (pair.0.value(view)?, pair.1.value(view)?) {
                (Value::Int(a), Value::Int(b)) => how(a, b).map(Value::Int),
                // The type check lets only integers in.
                (Value::Double(_), _) | (_, Value::Double(_)) => None,
            },
            Self::If(parts) => {
                if parts.0(view)? {
                    parts.1.value(view)
                } else {
                    parts.2.value(view)
                }
            }
        }
    }
}

/// A number's value.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Int(i64),
    Double(f64),
}

impl Value {
    /// Exact, also between int and double; `None` for NaN.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Double(b)) => mixed(a, b),
            (Self::Double(a), Self::Int(b)) => mixed(b, a).map(Ordering::reverse),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked just before"
)]
fn mixed(a: i64, b: f64) -> Option<Ordering> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        return None;
    }
    if b >= EDGE {
        return Some(Ordering::Less);
    }
    if b < -EDGE {
        return Some(Ordering::Greater);
    }
    let whole = b.floor();
    Some(a.cmp(&(whole as i64)).then(if b > whole {
        Ordering::Less
    } else {
        Ordering::Equal
    }))
}

/// The test a comparison operator makes of an order.
fn test(name: &str) -> fn(Ordering) -> bool {
    match name {
        op::EQUALS => Ordering::is_eq,
        op::NOT_EQUALS => Ordering::is_ne,
        op::LESS => Ordering::is_lt,
        op::LESS_EQUALS => Ordering::is_le,
        op::GREATER => Ordering::is_gt,
        _ => Ordering::is_ge,
    }
}

/// Compares two texts (by Unicode code points, as CEL does).
pub(super) fn compare_text(name: &str, a: Text, b: Text) -> Predicate {
    match (name, a, b) {
        // The two commonest forms without a detour.
        (op::EQUALS, Text::EventType, Text::Literal(b)) => {
            Box::new(move |v| v.event.map(|e| *e.kind == *b))
        }
        (op::EQUALS, Text::Slot(slot), Text::Literal(b)) => {
            Box::new(move |v| v.event?.slot(slot).text().map(|a| a == b))
        }
        (op::EQUALS, a, b) => Box::new(move |v| Some(a.value(v)? == b.value(v)?)),
        (op::NOT_EQUALS, a, b) => Box::new(move |v| Some(a.value(v)? != b.value(v)?)),
        (name, a, b) => {
            let test = test(name);
            Box::new(move |v| Some(test(a.value(v)?.cmp(b.value(v)?))))
        }
    }
}

/// Compares two numbers, exactly.
pub(super) fn compare_number(name: &str, a: Number, b: Number) -> Predicate {
    let test = test(name);
    match (a, b) {
        (Number::Slot(slot), Number::Int(b)) => Box::new(move |v| match v.event?.slot(slot) {
            Slot::Int(a) => Some(test(a.cmp(&b))),
            Slot::Double(a) => Some(mixed(b, *a).is_some_and(|o| test(o.reverse()))),
            Slot::Missing | Slot::Mistyped | Slot::Bool(_) | Slot::Text(_) => None,
        }),
        (a, b) => Box::new(move |v| Some(a.value(v)?.compare(b.value(v)?).is_some_and(test))),
    }
}

/// Is the text one of the list?
pub(super) fn text_in(text: Text, list: Vec<String>) -> Predicate {
    Box::new(move |v| {
        let text = text.value(v)?;
        Some(list.iter().any(|x| x == text))
    })
}

/// Is the number one of the list?
pub(super) fn number_in(number: Number, list: Vec<Value>) -> Predicate {
    Box::new(move |v| {
        let number = number.value(v)?;
        let same = |x: &Value| number.compare(*x) == Some(Ordering::Equal);
        Some(list.iter().any(same))
    })
}

/// A true-or-false attribute as a condition.
pub(super) fn flag(slot: usize) -> Predicate {
    Box::new(move |v| match v.event?.slot(slot) {
        Slot::Bool(b) => Some(*b),
        Slot::Missing | Slot::Mistyped | Slot::Int(_) | Slot::Double(_) | Slot::Text(_) => None,
    })
}
