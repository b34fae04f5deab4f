//! In: CEL text. Kept: nothing. Out: a type-checked condition as a closure, or a fault with its
//! offset. Never knows: KPIs, engines. The subset is in `schemas/cel.md`.
//!
//! `||` and `&&` absorb errors as CEL says; `None` is an error.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "CEL's syntax is larger than our subset; whatever is not named is refused"
)]

mod operand;

use crate::compiled::{Predicate, View};
use crate::diagnostic::did_you_mean;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators as op};
use cx_model::attribute::{self, ATTRIBUTES, SlotTable};
use cx_model::event::Slot;
use operand::{Number, Operand, Text, Type};

/// What is wrong with an expression, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Characters from the beginning of the expression.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

/// A compiled condition, with the event types that can make it true (`None`: any).
pub struct Condition {
    /// The closure.
    pub test: Predicate,
    /// Conservative list of event types.
    pub types: Option<Vec<String>>,
}

/// Parses, type-checks and compiles one condition. Attributes it names get slots.
///
/// # Errors
/// The first [`Fault`].
pub fn compile(source: &str, slots: &mut SlotTable, records: bool) -> Result<Condition, Fault> {
    if source.len() > 2_000 {
        return Err(Fault {
            offset: 0,
            message: "the expression is longer than 2,000 characters".to_owned(),
            fix: "split the KPI".to_owned(),
        });
    }
    let program = cel::Program::compile(source).map_err(|errors| {
        let first = errors.errors.first();
        let column = first.map_or(1, |e| e.pos.1);
        Fault {
            offset: usize::try_from(column - 1).unwrap_or(0),
            message: first.map_or_else(String::new, |e| e.msg.clone()),
            fix: "write a CEL expression, see schemas/cel.md".to_owned(),
        }
    })?;
    let root = program.expression();
    let mut compiler = Compiler {
        info: program.source_info(),
        slots,
        records,
    };
    Ok(Condition {
        test: compiler.condition(root)?,
        types: types_of(root),
    })
}

struct Compiler<'c> {
    info: &'c SourceInfo,
    slots: &'c mut SlotTable,
    records: bool,
}

impl Compiler<'_> {
    fn fault(&self, at: &IdedExpr, message: impl Into<String>, fix: impl Into<String>) -> Fault {
        let offset = self.info.offset_for(at.id).map_or(0, |(start, _)| start);
        Fault {
            offset: offset as usize,
            message: message.into(),
            fix: fix.into(),
        }
    }

    fn condition(&mut self, at: &IdedExpr) -> Result<Predicate, Fault> {
        match &at.expr {
            Expr::Literal(LiteralValue::Boolean(b)) => {
                let b = *b.inner();
                Ok(Box::new(move |_| Some(b)))
            }
            Expr::Call(call) => self.call(at, call),
            Expr::Select(select) if select.test => self.has(at),
            Expr::Select(_) | Expr::Ident(_) => match self.operand(at)? {
                Operand::Bool(slot) => Ok(Box::new(move |v| match v.event?.slot(slot) {
                    Slot::Bool(b) => Some(*b),
                    Slot::Missing
                    | Slot::Mistyped
                    | Slot::Int(_)
                    | Slot::Double(_)
                    | Slot::Text(_) => None,
                })),
                Operand::Text(_) | Operand::Number(_) => Err(self.fault(
                    at,
                    "this is no condition (true or false)",
                    "compare it with something, e.g. == \"value\"",
                )),
            },
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_) => Err(self.fault(
                at,
                "this is no condition (true or false)",
                "write a comparison, see schemas/cel.md",
            )),
        }
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<Predicate, Fault> {
        let args = &call.args;
        match (call.func_name.as_str(), args.as_slice()) {
            (op::LOGICAL_AND, [a, b]) => {
                let (a, b) = (self.condition(a)?, self.condition(b)?);
                Ok(Box::new(move |v| match (a(v), || b(v)) {
                    (Some(false), _) => Some(false),
                    (Some(true), b) => b(),
                    (None, b) => (b() == Some(false)).then_some(false),
                }))
            }
            (op::LOGICAL_OR, [a, b]) => {
                let (a, b) = (self.condition(a)?, self.condition(b)?);
                Ok(Box::new(move |v| match (a(v), || b(v)) {
                    (Some(true), _) => Some(true),
                    (Some(false), b) => b(),
                    (None, b) => (b() == Some(true)).then_some(true),
                }))
            }
            (op::LOGICAL_NOT, [a]) => {
                let a = self.condition(a)?;
                Ok(Box::new(move |v| a(v).map(|x| !x)))
            }
            (
                op::EQUALS
                | op::NOT_EQUALS
                | op::LESS
                | op::LESS_EQUALS
                | op::GREATER
                | op::GREATER_EQUALS,
                [a, b],
            ) => self.comparison(at, &call.func_name, (a, b)),
            (op::IN, [a, b]) => self.membership(at, a, b),
            (other, _) => {
                let fix = "allowed are == != < <= > >= && || ! in has() + - *, see schemas/cel.md";
                Err(self.fault(
                    at,
                    format!("{other} is not in the subset of CEL used here"),
                    fix,
                ))
            }
        }
    }

    fn comparison(
        &mut self,
        at: &IdedExpr,
        name: &str,
        (a, b): (&IdedExpr, &IdedExpr),
    ) -> Result<Predicate, Fault> {
        let (left, right) = (self.operand(a)?, self.operand(b)?);
        let test = operand::test(name);
        match (left, right) {
            (Operand::Number(x), Operand::Number(y)) => Ok(Box::new(move |v| {
                let (x, y) = (x.value(v)?, y.value(v)?);
                Some(x.compare(y).is_some_and(test))
            })),
            (Operand::Text(x), Operand::Text(y)) => {
                Ok(Box::new(move |v| Some(test(x.value(v)?.cmp(y.value(v)?)))))
            }
            (left, right) => {
                let message = format!("{} cannot be compared with {}", left.kind(), right.kind());
                let fix = match left.kind() {
                    Type::Text => "write text in quotes: \"…\"",
                    Type::Number => "write a number without quotes",
                    Type::Bool => "use it as it is, or with ! before it",
                };
                Err(self.fault(
                    if matches!(b.expr, Expr::Literal(_)) {
                        b
                    } else {
                        at
                    },
                    message,
                    fix,
                ))
            }
        }
    }

    fn membership(
        &mut self,
        at: &IdedExpr,
        a: &IdedExpr,
        b: &IdedExpr,
    ) -> Result<Predicate, Fault> {
        let Expr::List(list) = &b.expr else {
            return Err(self.fault(b, "`in` needs a list", "write in [\"a\", \"b\"]"));
        };
        let Operand::Text(text) = self.operand(a)? else {
            return Err(self.fault(a, "`in` is for text here", "compare numbers with == and ||"));
        };
        let mut values = Vec::new();
        for element in &list.elements {
            match &element.expr {
                Expr::Literal(LiteralValue::String(s)) => values.push(s.inner().to_owned()),
                _ => {
                    return Err(self.fault(
                        at,
                        "the list must hold text literals",
                        "write in [\"a\", \"b\"]",
                    ));
                }
            }
        }
        Ok(Box::new(move |v| {
            let text = text.value(v)?;
            Some(values.iter().any(|x| x == text))
        }))
    }

    fn has(&mut self, at: &IdedExpr) -> Result<Predicate, Fault> {
        let Expr::Select(select) = &at.expr else {
            return Err(self.fault(
                at,
                "has() needs data.<attribute>",
                "write has(data.wait_ms)",
            ));
        };
        let slot = self.slot(at, &select.field)?;
        Ok(Box::new(move |v| {
            Some(!matches!(v.event?.slot(slot), Slot::Missing))
        }))
    }

    fn slot(&mut self, at: &IdedExpr, name: &str) -> Result<usize, Fault> {
        if attribute::find(name).is_none() {
            let fix = did_you_mean(name, ATTRIBUTES.iter().map(|a| a.name));
            return Err(self.fault(at, format!("unknown attribute data.{name}"), fix));
        }
        self.slots.add(name).ok_or_else(|| {
            self.fault(
                at,
                "more than 32 attributes are in use",
                "use fewer attributes in all definitions",
            )
        })
    }

    fn operand(&mut self, at: &IdedExpr) -> Result<Operand, Fault> {
        match &at.expr {
            Expr::Literal(LiteralValue::String(s)) => {
                Ok(Operand::Text(Text::Literal(s.inner().to_owned())))
            }
            Expr::Literal(LiteralValue::Int(i)) => Ok(Operand::Number(Number::Int(*i.inner()))),
            Expr::Literal(LiteralValue::Double(d)) => {
                Ok(Operand::Number(Number::Double(*d.inner())))
            }
            Expr::Select(select) if !select.test => match &select.operand.expr {
                Expr::Ident(root) => self.name(at, root, &select.field),
                _ => Err(self.fault(
                    at,
                    "names have two parts",
                    "write data.channel, event.type or record.outcome",
                )),
            },
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (op::ADD | op::SUBSTRACT | op::MULTIPLY, [a, b]) => {
                    let (Operand::Number(x), Operand::Number(y)) =
                        (self.operand(a)?, self.operand(b)?)
                    else {
                        return Err(self.fault(
                            at,
                            "arithmetic needs numbers",
                            "use integer attributes such as data.wait_ms",
                        ));
                    };
                    Ok(Operand::Number(Number::of(&call.func_name, x, y)))
                }
                (op::NEGATE, [a]) => match self.operand(a)? {
                    Operand::Number(x) => Ok(Operand::Number(Number::of(
                        op::SUBSTRACT,
                        Number::Int(0),
                        x,
                    ))),
                    Operand::Text(_) | Operand::Bool(_) => {
                        Err(self.fault(at, "only numbers can be negative", "remove the minus"))
                    }
                },
                (other, _) => Err(self.fault(
                    at,
                    format!("{other} is not in the subset of CEL used here"),
                    "see schemas/cel.md",
                )),
            },
            _ => Err(self.fault(
                at,
                "this cannot be compared",
                "write data.<attribute>, event.type, text in quotes or a number",
            )),
        }
    }

    fn name(&mut self, at: &IdedExpr, root: &str, field: &str) -> Result<Operand, Fault> {
        match (root, field) {
            ("event", "type") => Ok(Operand::Text(Text::EventType)),
            ("event", "source") => Ok(Operand::Text(Text::EventSource)),
            ("event", "subject") => Ok(Operand::Text(Text::EventSubject)),
            ("record", "outcome") if self.records => Ok(Operand::Text(Text::Outcome)),
            ("record", "reason") if self.records => Ok(Operand::Text(Text::Reason)),
            ("record", "outcome" | "reason") => Err(self.fault(
                at,
                "record.* is only known to measures of records",
                "write {agg: count, of: record, where: …}",
            )),
            ("data", name) => {
                let slot = self.slot(at, name)?;
                let kind = attribute::find(name).map(|a| a.kind);
                Ok(match kind {
                    Some(attribute::Kind::Text) | None => Operand::Text(Text::Slot(slot)),
                    Some(attribute::Kind::Bool) => Operand::Bool(slot),
                    Some(attribute::Kind::Int | attribute::Kind::Double) => {
                        Operand::Number(Number::Slot(slot))
                    }
                })
            }
            _ => {
                let fix = did_you_mean(
                    &format!("{root}.{field}"),
                    [
                        "event.type",
                        "event.source",
                        "event.subject",
                        "data.channel",
                        "record.outcome",
                        "record.reason",
                    ],
                );
                Err(self.fault(at, format!("unknown name {root}.{field}"), fix))
            }
        }
    }
}

/// Event types that can make the expression true; `None` where any could.
fn types_of(at: &IdedExpr) -> Option<Vec<String>> {
    let Expr::Call(call) = &at.expr else {
        return None;
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (op::LOGICAL_AND, [a, b]) => match (types_of(a), types_of(b)) {
            (Some(a), Some(b)) => Some(a.into_iter().filter(|t| b.contains(t)).collect()),
            (a, b) => a.or(b),
        },
        (op::LOGICAL_OR, [a, b]) => {
            let (mut a, b) = (types_of(a)?, types_of(b)?);
            a.extend(b);
            a.sort();
            a.dedup();
            Some(a)
        }
        (op::EQUALS, [a, b]) if is_event_type(a) => Some(vec![text_of(b)?]),
        (op::IN, [a, b]) if is_event_type(a) => match &b.expr {
            Expr::List(list) => list.elements.iter().map(text_of).collect(),
            _ => None,
        },
        _ => None,
    }
}

fn is_event_type(at: &IdedExpr) -> bool {
    matches!(&at.expr, Expr::Select(s) if s.field == "type" && !s.test && matches!(&s.operand.expr, Expr::Ident(i) if i == "event"))
}

fn text_of(at: &IdedExpr) -> Option<String> {
    match &at.expr {
        Expr::Literal(LiteralValue::String(s)) => Some(s.inner().to_owned()),
        _ => None,
    }
}

/// Both must hold; an error in one and false in the other is false.
#[must_use]
pub fn both(a: Predicate, b: Predicate) -> Predicate {
    Box::new(move |v: View<'_, '_>| match (a(v), || b(v)) {
        (Some(false), _) => Some(false),
        (Some(true), b) => b(),
        (None, b) => (b() == Some(false)).then_some(false),
    })
}
