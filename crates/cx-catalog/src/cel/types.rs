//! In: a parsed condition. Kept: nothing. Out: the event types that can make it true.
//! Never knows: what else it asks. Conservative: where in doubt, any type can.

use crate::fact;
use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators as op};

/// Operators that are an error, and so not true, where an operand is missing.
const STRICT: [&str; 7] = [
    op::EQUALS,
    op::NOT_EQUALS,
    op::LESS,
    op::LESS_EQUALS,
    op::GREATER,
    op::GREATER_EQUALS,
    op::IN,
];

/// Event types that can make the expression true, ascending; `None` where any could.
pub(super) fn of(at: &IdedExpr) -> Option<Vec<String>> {
    let Expr::Call(call) = &at.expr else {
        return yielded_by(at, true);
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (op::LOGICAL_AND, [a, b]) => both(of(a), of(b)),
        (op::LOGICAL_OR, [a, b]) => {
            let (mut a, b) = (of(a)?, of(b)?);
            a.extend(b);
            Some(sorted(a))
        }
        (op::EQUALS, [a, b]) if is_event_type(a) => Some(vec![text(b)?]),
        (op::EQUALS, [a, b]) if is_event_type(b) => Some(vec![text(a)?]),
        (op::IN, [a, b]) if is_event_type(a) => {
            let Expr::List(list) = &b.expr else {
                return None;
            };
            let names: Option<Vec<String>> = list.elements.iter().map(text).collect();
            names.map(sorted)
        }
        (name, [a, b]) if STRICT.contains(&name) => {
            both(yielded_by(a, false), yielded_by(b, false))
        }
        _ => None,
    }
}

/// Types that are possible under both conditions.
pub(super) fn both(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.into_iter().filter(|t| b.contains(t)).collect()),
        (a, b) => a.or(b),
    }
}

/// The type that yields the fact which stands here, or which `has()` asks for.
fn yielded_by(at: &IdedExpr, asked: bool) -> Option<Vec<String>> {
    let Expr::Select(select) = &at.expr else {
        return None;
    };
    let of_fact = matches!(&select.operand.expr, Expr::Ident(name) if name == "fact");
    let found = fact::find(&select.field).filter(|_| of_fact && select.test == asked);
    found.map(|f| vec![f.yielded_by.to_owned()])
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

fn is_event_type(at: &IdedExpr) -> bool {
    let Expr::Select(select) = &at.expr else {
        return false;
    };
    let of_event = matches!(&select.operand.expr, Expr::Ident(name) if name == "event");
    of_event && select.field == "type" && !select.test
}

fn text(at: &IdedExpr) -> Option<String> {
    if let Expr::Literal(LiteralValue::String(s)) = &at.expr {
        Some(s.inner().to_owned())
    } else {
        None
    }
}
