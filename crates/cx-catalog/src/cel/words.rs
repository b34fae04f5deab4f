//! In: a checked condition. Kept: nothing. Out: the same in plain English.
//! Never knows: what the condition is for.
//!
//! What has no plain words stays as it was written: a sentence must never say something else.

use super::place;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators as op};

/// How a phrase holds together. One kind inside the other gets brackets: programmers know which of
/// "and" and "or" binds more tightly, readers should not have to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bond {
    Or,
    And,
    Term,
}

/// The condition as words: `the type is "x" and wait_ms is at most 20000`.
#[must_use]
pub fn words(source: &str) -> String {
    match cel::Program::compile(source) {
        Ok(program) => said(program.source_info(), program.expression()).0,
        Err(_) => source.to_owned(),
    }
}

fn said(info: &SourceInfo, at: &IdedExpr) -> (String, Bond) {
    match &at.expr {
        Expr::Call(call) => called(info, at, call),
        // A name that stands alone as a condition is true or false.
        Expr::Select(select) if select.test => (format!("{} is there", name(info, at)), Bond::Term),
        Expr::Select(_) => (format!("{} is true", name(info, at)), Bond::Term),
        Expr::Unspecified
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_) => (written(info, at), Bond::Term),
    }
}

fn called(info: &SourceInfo, at: &IdedExpr, call: &CallExpr) -> (String, Bond) {
    let inside = |at: &IdedExpr, around: Bond| {
        let (text, bond) = said(info, at);
        if bond == around || bond == Bond::Term {
            text
        } else {
            format!("({text})")
        }
    };
    let term = |text: String| (text, Bond::Term);
    let value = |at: &IdedExpr| operand(info, at);
    match (call.func_name.as_str(), call.target.as_deref(), &*call.args) {
        (op::LOGICAL_OR, None, [a, b]) => {
            let text = format!("{} or {}", inside(a, Bond::Or), inside(b, Bond::Or));
            (text, Bond::Or)
        }
        (op::LOGICAL_AND, None, [a, b]) => {
            let text = format!("{} and {}", inside(a, Bond::And), inside(b, Bond::And));
            (text, Bond::And)
        }
        (op::LOGICAL_NOT, None, [a]) => term(negated(info, a)),
        (op::CONDITIONAL, None, [test, a, b]) => term(format!(
            "(where {}: {}, else {})",
            said(info, test).0,
            said(info, a).0,
            said(info, b).0
        )),
        (op::IN, None, [a, b]) => term(format!("{} is one of {}", value(a), value(b))),
        (verb, None, [a, b]) => match compared(verb) {
            Some(words) => term(format!("{} {words} {}", value(a), value(b))),
            None => term(written(info, at)),
        },
        (verb, Some(a), [b]) => match verb {
            "startsWith" => term(format!("{} begins with {}", value(a), value(b))),
            "endsWith" => term(format!("{} ends with {}", value(a), value(b))),
            "contains" => term(format!("{} contains {}", value(a), value(b))),
            _ => term(written(info, at)),
        },
        _ => term(written(info, at)),
    }
}

fn negated(info: &SourceInfo, at: &IdedExpr) -> String {
    if let Expr::Select(select) = &at.expr {
        let is = if select.test { "missing" } else { "false" };
        return format!("{} is {is}", name(info, at));
    }
    format!("not ({})", said(info, at).0)
}

fn compared(verb: &str) -> Option<&'static str> {
    Some(match verb {
        op::EQUALS => "is",
        op::NOT_EQUALS => "is not",
        op::LESS => "is less than",
        op::LESS_EQUALS => "is at most",
        op::GREATER => "is more than",
        op::GREATER_EQUALS => "is at least",
        _ => return None,
    })
}

/// What is compared: a name, a literal, a list; anything else as it was written.
fn operand(info: &SourceInfo, at: &IdedExpr) -> String {
    match &at.expr {
        Expr::Select(select) if !select.test => name(info, at),
        Expr::Literal(LiteralValue::String(s)) => format!("{:?}", s.inner()),
        Expr::List(list) => {
            let all: Vec<String> = list.elements.iter().map(|e| operand(info, e)).collect();
            all.join(", ")
        }
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => written(info, at),
    }
}

/// `data.wait_ms` is called `wait_ms`, `event.type` the type.
fn name(info: &SourceInfo, at: &IdedExpr) -> String {
    let Expr::Select(select) = &at.expr else {
        return written(info, at);
    };
    let Expr::Ident(root) = &select.operand.expr else {
        return written(info, at);
    };
    match (root.as_str(), select.field.as_str()) {
        ("data", field) => field.to_owned(),
        ("fact", field) => format!("the engine's {field}"),
        ("event", "type") => "the type".to_owned(),
        ("event", "source") => "the source".to_owned(),
        ("event", "subject") => "the customer id".to_owned(),
        ("event", "id") => "the event id".to_owned(),
        ("record", "outcome") => "the outcome".to_owned(),
        ("record", "reason") => "the reason".to_owned(),
        _ => written(info, at),
    }
}

fn written(info: &SourceInfo, at: &IdedExpr) -> String {
    let (start, end) = place::span(info, at);
    let source = &info.source;
    let text = source.get(start..end.min(source.len()));
    text.unwrap_or(source).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_plain_english() {
        let check = |source: &str, expected: &str| assert_eq!(words(source), expected);
        check(
            r#"event.type == "cx.contact.answered.v1" && data.wait_ms <= 20000"#,
            r#"the type is "cx.contact.answered.v1" and wait_ms is at most 20000"#,
        );
        check(
            r#"(event.type == "a" || data.outcome != "b") && !has(data.queue)"#,
            r#"(the type is "a" or outcome is not "b") and queue is missing"#,
        );
        check(
            r#"data.channel in ["chat", "web"] || data.page.startsWith("/cart")"#,
            r#"channel is one of "chat", "web" or page begins with "/cart""#,
        );
        check(
            r#"event.type == "a" || event.type == "b" && data.wait_ms > 2"#,
            r#"the type is "a" or (the type is "b" and wait_ms is more than 2)"#,
        );
        check("!data.automated", "automated is false");
        check(
            "has(fact.first_reply_ms)",
            "the engine's first_reply_ms is there",
        );
        check("data.wait_ms + 1 > 2", "data.wait_ms + 1 is more than 2");
        check("!(data.wait_ms > 2)", "not (wait_ms is more than 2)");
        check("no CEL at all (", "no CEL at all (");
    }
}
