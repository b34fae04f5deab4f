//! In: nodes and parse errors of the `cel` crate. Kept: nothing. Out: where they stand, in
//! characters. Never knows: what is wrong there.
//!
//! The crate gives bytes for nodes (a selection stands at its dot, a call at its operator) and
//! characters from 1 for parse errors.

use super::Fault;
use cel::common::ast::{Expr, IdedExpr, SourceInfo};

/// First and one-past-last byte of a node with everything below it.
pub(crate) fn span(info: &SourceInfo, at: &IdedExpr) -> (usize, usize) {
    let (start, stop) = info.offset_for(at.id).unwrap_or((0, 0));
    let own = (start as usize, stop as usize + 1);
    let join = |a: (usize, usize), b: (usize, usize)| (a.0.min(b.0), a.1.max(b.1));
    match &at.expr {
        // `has(` begins before its operand, which is what the reader looks for.
        Expr::Select(select) => {
            let operand = span(info, &select.operand);
            let dot = if select.test { operand.1 } else { own.0 };
            (operand.0, dot + 1 + select.field.len())
        }
        Expr::Call(call) => call
            .args
            .iter()
            .chain(call.target.as_deref())
            .map(|a| span(info, a))
            .fold(own, join),
        Expr::List(list) => {
            let inner = list.elements.iter().map(|e| span(info, e)).fold(own, join);
            (inner.0, inner.1 + 1)
        }
        Expr::Unspecified
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_) => own,
    }
}

/// How deep brackets and runs of `!` and `-` nest in a text that may be no CEL at all.
pub(crate) fn nesting(source: &str) -> usize {
    let (mut open, mut run, mut most) = (0_usize, 0_usize, 0_usize);
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '!' | '-' => run += 1,
            c if c.is_whitespace() => {}
            _ => run = 0,
        }
        most = most.max(open + run);
    }
    most
}

/// Height of the tree, without recursion.
pub(crate) fn depth(root: &IdedExpr) -> usize {
    let mut open = vec![(root, 1)];
    let mut most = 0;
    while let Some((at, depth)) = open.pop() {
        most = most.max(depth);
        match &at.expr {
            Expr::Select(select) => open.push((&select.operand, depth + 1)),
            Expr::Call(call) => {
                let below = call.args.iter().chain(call.target.as_deref());
                open.extend(below.map(|b| (b, depth + 1)));
            }
            Expr::List(list) => open.extend(list.elements.iter().map(|e| (e, depth + 1))),
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_) => {}
        }
    }
    most
}

/// Bytes to (characters before, characters within).
pub(crate) fn characters(source: &str, (start, end): (usize, usize)) -> (usize, usize) {
    let chars = |bytes: usize| {
        source
            .char_indices()
            .take_while(|(i, _)| *i < bytes)
            .count()
    };
    let (before, through) = (chars(start), chars(end));
    (before, through.saturating_sub(before).max(1))
}

/// The first parse error in the words of somebody who writes definitions.
pub(crate) fn syntax(source: &str, errors: &cel::ParseErrors) -> Fault {
    let (line, column) = errors.errors.first().map_or((1, 1), |e| e.pos);
    let number = |n: isize| usize::try_from(n - 1).unwrap_or(0);
    let before: usize = source
        .split_inclusive('\n')
        .take(number(line))
        .map(|l| l.chars().count())
        .sum();
    let offset = (before + number(column)).min(source.chars().count());
    let rest = source.chars().skip(offset).take(24);
    let rest: String = rest.take_while(|c| !c.is_whitespace()).collect();
    let said = errors.errors.first().map_or("", |e| e.msg.as_str());
    let (message, fix) = if rest.is_empty() {
        (
            "the expression ends too early".to_owned(),
            "complete it: something is missing here, perhaps a value or a closing bracket",
        )
    } else if said.contains("token recognition") && (rest.starts_with(['\'', '"'])) {
        (
            "the text is not closed".to_owned(),
            "close it with the same quote it begins with",
        )
    } else if rest.starts_with('=') {
        (
            format!("`{}` was not expected here", rest),
            "write == for \"equals\"",
        )
    } else {
        (
            format!("`{}` was not expected here", rest),
            "write a CEL condition such as data.channel == \"chat\" && data.wait_ms > 20000",
        )
    };
    Fault {
        offset,
        length: 1,
        message,
        fix: fix.to_owned(),
    }
}
