//! In: a view of one event. Kept: literals. Out: text and numbers to compare.
//! Never knows: syntax.

use crate::compiled::View;
use cel::common::ast::operators as op;
use cx_model::event::Slot;
use std::cmp::Ordering;
use std::fmt;

/// The static type of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true/false",
        })
    }
}

/// Something that can be compared.
pub(super) enum Operand {
    Text(Text),
    Number(Number),
    Bool(usize),
}

impl Operand {
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::Text,
            Self::Number(_) => Type::Number,
            Self::Bool(_) => Type::Bool,
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
    Outcome,
    Reason,
}

impl Text {
    pub(super) fn value<'x>(&'x self, view: View<'x, 'x>) -> Option<&'x str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Slot(slot) => view.event?.slot(*slot).text(),
            Self::EventType => view.event.map(|e| &*e.kind),
            Self::EventSource => view.event.map(|e| &*e.source),
            Self::EventSubject => view.event?.subject.as_deref(),
            Self::Outcome => Some(view.outcome),
            Self::Reason => Some(view.reason),
        }
    }
}

/// A number.
pub(super) enum Number {
    Int(i64),
    Double(f64),
    Slot(usize),
    Add(Box<(Number, Number)>),
    Subtract(Box<(Number, Number)>),
    Multiply(Box<(Number, Number)>),
}

impl Number {
    pub(super) fn of(name: &str, a: Self, b: Self) -> Self {
        let both = Box::new((a, b));
        match name {
            op::ADD => Self::Add(both),
            op::MULTIPLY => Self::Multiply(both),
            _ => Self::Subtract(both),
        }
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
            Self::Add(p) => {
                p.0.value(view)?
                    .with(p.1.value(view)?, i64::checked_add, |a, b| a + b)
            }
            Self::Subtract(p) => {
                p.0.value(view)?
                    .with(p.1.value(view)?, i64::checked_sub, |a, b| a - b)
            }
            Self::Multiply(p) => {
                p.0.value(view)?
                    .with(p.1.value(view)?, i64::checked_mul, |a, b| a * b)
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
    /// CEL has no arithmetic between int and double: that is an error, as is overflow.
    fn with(
        self,
        other: Self,
        int: fn(i64, i64) -> Option<i64>,
        double: fn(f64, f64) -> f64,
    ) -> Option<Self> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => int(a, b).map(Self::Int),
            (Self::Double(a), Self::Double(b)) => Some(Self::Double(double(a, b))),
            (Self::Int(_), Self::Double(_)) | (Self::Double(_), Self::Int(_)) => None,
        }
    }

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
pub(super) fn test(name: &str) -> fn(Ordering) -> bool {
    match name {
        op::EQUALS => Ordering::is_eq,
        op::NOT_EQUALS => Ordering::is_ne,
        op::LESS => Ordering::is_lt,
        op::LESS_EQUALS => Ordering::is_le,
        op::GREATER => Ordering::is_gt,
        _ => Ordering::is_ge,
    }
}
