//! In: a parsed expression. Kept: slots of the attributes it names. Out: closures, or the first
//! fault. Never knows: files; when a closure runs.

use super::operand::{self, Number, Text, Typed, Value};
use super::{About, Fault, both, either, place};
use crate::compiled::Predicate;
use crate::diagnostic::{did_you_mean, did_you_mean_attribute};
use crate::fact::{self, FACTS, Fact};
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators as op};
use cx_model::attribute::{self, Kind, SlotTable};
use cx_model::event::Slot;
use cx_model::reject::Reason;

/// What becomes of a record.
pub(crate) const OUTCOMES: [&str; 5] = ["applied", "duplicate", "late", "dead_lettered", "control"];

const OPERATORS: &str = "the subset has == != < <= > >= && || ! in ?: + - * has(), startsWith(), \
                         endsWith(), contains(); see schemas/cel.md";

pub(super) struct Checker<'c> {
    info: &'c SourceInfo,
    slots: &'c mut SlotTable,
    about: About,
}

impl<'c> Checker<'c> {
    pub(super) fn new(info: &'c SourceInfo, slots: &'c mut SlotTable, about: About) -> Self {
        Self { info, slots, about }
    }

    fn fault(&self, at: &IdedExpr, message: impl Into<String>, fix: impl Into<String>) -> Fault {
        let span = place::span(self.info, at);
        let (offset, length) = place::characters(&self.info.source, span);
        Fault {
            offset,
            length,
            message: message.into(),
            fix: fix.into(),
        }
    }

    /// The text of a node as it was written.
    fn written(&self, at: &IdedExpr) -> &str {
        let (start, end) = place::span(self.info, at);
        let source = &self.info.source;
        source.get(start..end.min(source.len())).unwrap_or("this")
    }

    pub(super) fn condition(&mut self, at: &IdedExpr) -> Result<Predicate, Fault> {
        match self.typed(at)? {
            Typed::Bool(test) => Ok(test),
            other @ (Typed::Text(_) | Typed::Int(_) | Typed::Double(_)) => Err(self.fault(
                at,
                format!("{} is {}, not a condition", self.written(at), other.words()),
                "compare it with something, e.g. == \"value\" or > 0",
            )),
        }
    }

    fn typed(&mut self, at: &IdedExpr) -> Result<Typed, Fault> {
        match &at.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Select(select) if select.test => self.has(at, &select.operand, &select.field),
            Expr::Select(select) => {
                let Expr::Ident(root) = &select.operand.expr else {
                    return Err(self.fault(
                        at,
                        "names have two parts",
                        "write data.<attribute>, fact.<fact>, event.type or record.outcome",
                    ));
                };
                self.name(at, root, &select.field)
            }
            Expr::Ident(name) => {
                let fix = if attribute::find(name).is_some() {
                    format!("write data.{name}; text goes in quotes: \"{name}\"")
                } else {
                    format!("text goes in quotes: \"{name}\"; names are data.…, event.…, record.…")
                };
                Err(self.fault(at, format!("unknown name {name}"), fix))
            }
            Expr::Call(call) => self.call(at, call),
            Expr::List(_) => Err(self.fault(
                at,
                "a list can only stand after `in`",
                "write data.channel in [\"chat\", \"web\"]",
            )),
            Expr::Comprehension(_) => Err(self.fault(
                at,
                "all(), exists(), map() and filter() are not in the subset of CEL used here",
                OPERATORS,
            )),
            Expr::Unspecified | Expr::Map(_) | Expr::Struct(_) => {
                Err(self.fault(at, "this is not in the subset of CEL used here", OPERATORS))
            }
        }
    }

    fn literal(&self, at: &IdedExpr, literal: &LiteralValue) -> Result<Typed, Fault> {
        let (message, fix) = match literal {
            LiteralValue::Boolean(b) => {
                let b = *b.inner();
                return Ok(Typed::Bool(Box::new(move |_| Some(b))));
            }
            LiteralValue::Int(i) => return Ok(Typed::Int(Number::Int(*i.inner()))),
            LiteralValue::Double(d) => return Ok(Typed::Double(Number::Double(*d.inner()))),
            LiteralValue::String(s) => {
                return Ok(Typed::Text(Text::Literal(s.inner().to_owned())));
            }
            LiteralValue::UInt(i) => (
                "unsigned numbers are not used here",
                format!("write {} without u", i.inner()),
            ),
            LiteralValue::Null => (
                "null is not used here: an attribute is there or missing",
                "write has(data.…) or !has(data.…)".to_owned(),
            ),
            LiteralValue::Bytes(_) => (
                "bytes are not used here",
                "write text in quotes without b".to_owned(),
            ),
        };
        Err(self.fault(at, message, fix))
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<Typed, Fault> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            (op::LOGICAL_AND, None, [a, b]) => {
                Ok(Typed::Bool(both(self.condition(a)?, self.condition(b)?)))
            }
            (op::LOGICAL_OR, None, [a, b]) => {
                Ok(Typed::Bool(either(self.condition(a)?, self.condition(b)?)))
            }
            (op::LOGICAL_NOT, None, [a]) => {
                let a = self.condition(a)?;
                Ok(Typed::Bool(Box::new(move |v| a(v).map(|x| !x))))
            }
            (
                op::EQUALS
                | op::NOT_EQUALS
                | op::LESS
                | op::LESS_EQUALS
                | op::GREATER
                | op::GREATER_EQUALS,
                None,
                [a, b],
            ) => self.comparison(at, name, (a, b)).map(Typed::Bool),
            (op::IN, None, [a, b]) => self.membership(a, b).map(Typed::Bool),
            (op::CONDITIONAL, None, [test, a, b]) => self.choice(at, test, (a, b)),
            (op::ADD | op::SUBSTRACT | op::MULTIPLY, None, [a, b]) => {
                let (x, y) = (self.integer(a)?, self.integer(b)?);
                Ok(Typed::Int(Number::of(name, x, y)))
            }
            (op::NEGATE, None, [a]) => {
                let a = self.integer(a)?;
                Ok(Typed::Int(Number::of(op::SUBSTRACT, Number::Int(0), a)))
            }
            ("startsWith" | "endsWith" | "contains", Some(text), [part]) => {
                let (text, part) = (self.text(text)?, self.text(part)?);
                Ok(Typed::Bool(part_of(name, text, part)))
            }
            _ => {
                let shown = name.trim_matches(['_', '@', '[', ']']);
                Err(self.fault(
                    at,
                    format!("`{shown}` is not in the subset of CEL used here"),
                    OPERATORS,
                ))
            }
        }
    }

    fn integer(&mut self, at: &IdedExpr) -> Result<Number, Fault> {
        match self.typed(at)? {
            Typed::Int(number) => Ok(number),
            other @ (Typed::Bool(_) | Typed::Text(_) | Typed::Double(_)) => Err(self.fault(
                at,
                format!("{} is {}", self.written(at), other.words()),
                "+ - * need whole numbers, such as data.wait_ms or 1000",
            )),
        }
    }

    fn text(&mut self, at: &IdedExpr) -> Result<Text, Fault> {
        match self.typed(at)? {
            Typed::Text(text) => Ok(text),
            other @ (Typed::Bool(_) | Typed::Int(_) | Typed::Double(_)) => Err(self.fault(
                at,
                format!("{} is {}", self.written(at), other.words()),
                "startsWith(), endsWith() and contains() need text, such as data.page or \"/cart\"",
            )),
        }
    }

    fn comparison(
        &mut self,
        at: &IdedExpr,
        name: &str,
        (a, b): (&IdedExpr, &IdedExpr),
    ) -> Result<Predicate, Fault> {
        match (self.typed(a)?, self.typed(b)?) {
            (Typed::Int(x) | Typed::Double(x), Typed::Int(y) | Typed::Double(y)) => {
                Ok(operand::compare_number(name, x, y))
            }
            (Typed::Text(x), Typed::Text(y)) => {
                self.closed_words(b, &x, &y)?;
                self.closed_words(a, &y, &x)?;
                Ok(operand::compare_text(name, x, y))
            }
            (Typed::Bool(x), Typed::Bool(y)) if name == op::EQUALS => {
                Ok(Box::new(move |v| Some(x(v)? == y(v)?)))
            }
            (Typed::Bool(x), Typed::Bool(y)) if name == op::NOT_EQUALS => {
                Ok(Box::new(move |v| Some(x(v)? != y(v)?)))
            }
            (left, right) => Err(self.mixed(at, (a, &left), (b, &right))),
        }
    }

    fn mixed(
        &self,
        at: &IdedExpr,
        (a, left): (&IdedExpr, &Typed),
        (b, right): (&IdedExpr, &Typed),
    ) -> Fault {
        let message = format!(
            "{} is {}, {} is {}: they cannot be compared",
            self.written(a),
            left.words(),
            self.written(b),
            right.words()
        );
        let literal = |at: &IdedExpr| matches!(at.expr, Expr::Literal(_));
        let (place, other) = match (literal(a), literal(b)) {
            (_, true) => (b, left),
            (true, false) => (a, right),
            (false, false) => (at, left),
        };
        let written = self.written(place);
        let fix = match other {
            Typed::Text(_) if literal(place) => format!("write text in quotes: \"{written}\""),
            Typed::Int(_) | Typed::Double(_) if literal(place) => format!(
                "write a number without quotes: {}",
                written.trim_matches(['"', '\''])
            ),
            Typed::Bool(_) => "write true or false, or use the condition as it is".to_owned(),
            Typed::Text(_) | Typed::Int(_) | Typed::Double(_) => {
                "compare text with text and numbers with numbers".to_owned()
            }
        };
        self.fault(place, message, fix)
    }

    /// Outcomes and reasons are closed lists: a misspelt one would never be true.
    fn closed_words(&self, at: &IdedExpr, name: &Text, word: &Text) -> Result<(), Fault> {
        let Text::Literal(word) = word else {
            return Ok(());
        };
        let known: Vec<&str> = match name {
            Text::Outcome => OUTCOMES.to_vec(),
            Text::Reason => Reason::ALL.map(Reason::name).to_vec(),
            Text::Literal(_)
            | Text::Slot(_)
            | Text::EventType
            | Text::EventSource
            | Text::EventSubject
            | Text::EventId
            | Text::If(_) => return Ok(()),
        };
        if known.contains(&word.as_str()) {
            return Ok(());
        }
        let fix = did_you_mean(word, known);
        Err(self.fault(at, format!("no record has {word:?}"), fix))
    }

    fn membership(&mut self, a: &IdedExpr, b: &IdedExpr) -> Result<Predicate, Fault> {
        let Expr::List(list) = &b.expr else {
            return Err(self.fault(b, "`in` needs a list", "write in [\"a\", \"b\"]"));
        };
        if list.elements.is_empty() {
            return Err(self.fault(b, "the list is empty", "write in [\"a\", \"b\"]"));
        }
        match self.typed(a)? {
            Typed::Text(text) => {
                let mut values = Vec::new();
                for element in &list.elements {
                    let Expr::Literal(LiteralValue::String(s)) = &element.expr else {
                        return Err(self.element(element, a, "text in quotes"));
                    };
                    let word = Text::Literal(s.inner().to_owned());
                    self.closed_words(element, &text, &word)?;
                    values.push(s.inner().to_owned());
                }
                Ok(operand::text_in(text, values))
            }
            Typed::Int(number) | Typed::Double(number) => {
                let mut values = Vec::new();
                for element in &list.elements {
                    let value = number_literal(element);
                    let fault = || self.element(element, a, "numbers without quotes");
                    values.push(value.ok_or_else(fault)?);
                }
                Ok(operand::number_in(number, values))
            }
            Typed::Bool(_) => Err(self.fault(
                a,
                "`in` is for text and numbers",
                "use the condition as it is, or with ! before it",
            )),
        }
    }

    fn element(&self, element: &IdedExpr, of: &IdedExpr, what: &str) -> Fault {
        let message = format!(
            "{} cannot stand in a list for {}",
            self.written(element),
            self.written(of)
        );
        self.fault(element, message, format!("write {what}"))
    }

    fn choice(
        &mut self,
        at: &IdedExpr,
        test: &IdedExpr,
        (a, b): (&IdedExpr, &IdedExpr),
    ) -> Result<Typed, Fault> {
        let test = self.condition(test)?;
        match (self.typed(a)?, self.typed(b)?) {
            (Typed::Bool(a), Typed::Bool(b)) => {
                Ok(Typed::Bool(Box::new(
                    move |v| {
                        if test(v)? { a(v) } else { b(v) }
                    },
                )))
            }
            (Typed::Text(a), Typed::Text(b)) => Ok(Typed::Text(Text::If(Box::new((test, a, b))))),
            (Typed::Int(a), Typed::Int(b)) => Ok(Typed::Int(Number::If(Box::new((test, a, b))))),
            (Typed::Double(a), Typed::Double(b)) => {
                Ok(Typed::Double(Number::If(Box::new((test, a, b)))))
            }
            (left, right) => Err(self.fault(
                at,
                format!(
                    "the two sides of ?: are {} and {}",
                    left.words(),
                    right.words()
                ),
                "make both the same kind",
            )),
        }
    }

    fn has(&mut self, at: &IdedExpr, root: &IdedExpr, field: &str) -> Result<Typed, Fault> {
        let root = if let Expr::Ident(name) = &root.expr {
            name.as_str()
        } else {
            ""
        };
        match (root, field) {
            ("data", name) => {
                let slot = self.slot(at, name)?;
                Ok(Typed::Bool(Box::new(move |v| {
                    Some(!matches!(v.event?.slot(slot), Slot::Missing))
                })))
            }
            ("event", "subject") => Ok(Typed::Bool(Box::new(|v| Some(v.event?.subject.is_some())))),
            ("fact", name) => {
                let fact = self.fact(at, name)?;
                Ok(Typed::Bool(Box::new(move |v| {
                    Some(v.facts.get(fact).is_some())
                })))
            }
            _ => Err(self.fault(
                at,
                "has() asks whether an attribute, a fact or the subject is there",
                "write has(data.wait_ms), has(fact.reply_ms) or has(event.subject)",
            )),
        }
    }

    fn slot(&mut self, at: &IdedExpr, name: &str) -> Result<usize, Fault> {
        if attribute::find(name).is_none() {
            let fix = if fact::find(name).is_some() {
                format!("it is a fact: write fact.{name}")
            } else {
                did_you_mean_attribute(name)
            };
            return Err(self.fault(at, format!("unknown attribute data.{name}"), fix));
        }
        let slot = self.slots.add(name);
        slot.ok_or_else(|| {
            let most = attribute::MAX_SLOTS;
            self.fault(
                at,
                format!("more than {most} attributes are in use"),
                "use fewer attributes in all definitions together",
            )
        })
    }

    /// A fact, where the condition may look at one.
    fn fact(&self, at: &IdedExpr, name: &str) -> Result<Fact, Fault> {
        let Some(info) = fact::find(name) else {
            let known: Vec<String> = FACTS.iter().map(|f| format!("fact.{}", f.name)).collect();
            let fix = did_you_mean(&format!("fact.{name}"), known.iter().map(String::as_str));
            return Err(self.fault(at, format!("unknown fact fact.{name}"), fix));
        };
        let (message, fix) = match self.about {
            About::Events => return Ok(info.fact),
            About::Records => (
                "facts are not known to measures of records",
                "count events: leave `of: record` out",
            ),
            About::Objects => (
                "the event that begins a wait yields no fact",
                "gauge and oldest look at the attributes of that event, such as data.channel",
            ),
        };
        Err(self.fault(at, message, fix))
    }

    fn name(&mut self, at: &IdedExpr, root: &str, field: &str) -> Result<Typed, Fault> {
        let text = match (root, field) {
            ("event", "type") => Text::EventType,
            ("event", "source") => Text::EventSource,
            ("event", "subject") => Text::EventSubject,
            ("event", "id") => Text::EventId,
            ("record", "outcome") if self.about == About::Records => Text::Outcome,
            ("record", "reason") if self.about == About::Records => Text::Reason,
            ("record", "outcome" | "reason") => {
                return Err(self.fault(
                    at,
                    "record.* is only known to measures of records",
                    "write {agg: count, of: record, where: …}",
                ));
            }
            ("data", name) => return self.attribute(at, name),
            ("fact", name) => return Ok(Typed::Int(Number::Fact(self.fact(at, name)?))),
            ("event", "time") => {
                return Err(self.fault(
                    at,
                    "times are not in the subset of CEL used here",
                    "windows look at the time; a condition cannot",
                ));
            }
            _ => {
                let known = [
                    "event.type",
                    "event.source",
                    "event.subject",
                    "event.id",
                    "record.outcome",
                    "record.reason",
                ];
                let fix = if attribute::find(field).is_some() {
                    format!("did you mean \"data.{field}\"?")
                } else {
                    did_you_mean(&format!("{root}.{field}"), known)
                };
                return Err(self.fault(at, format!("unknown name {root}.{field}"), fix));
            }
        };
        Ok(Typed::Text(text))
    }

    fn attribute(&mut self, at: &IdedExpr, name: &str) -> Result<Typed, Fault> {
        let slot = self.slot(at, name)?;
        let kind = attribute::find(name).map_or(Kind::Text, |a| a.kind);
        Ok(match kind {
            Kind::Text => Typed::Text(Text::Slot(slot)),
            Kind::Bool => Typed::Bool(operand::flag(slot)),
            Kind::Int => Typed::Int(Number::Slot(slot)),
            Kind::Double => Typed::Double(Number::Slot(slot)),
        })
    }
}

fn number_literal(at: &IdedExpr) -> Option<Value> {
    if let Expr::Literal(LiteralValue::Int(i)) = &at.expr {
        Some(Value::Int(*i.inner()))
    } else if let Expr::Literal(LiteralValue::Double(d)) = &at.expr {
        Some(Value::Double(*d.inner()))
    } else {
        None
    }
}

fn part_of(name: &str, text: Text, part: Text) -> Predicate {
    match name {
        "startsWith" => Box::new(move |v| Some(text.value(v)?.starts_with(part.value(v)?))),
        "endsWith" => Box::new(move |v| Some(text.value(v)?.ends_with(part.value(v)?))),
        _ => Box::new(move |v| Some(text.value(v)?.contains(part.value(v)?))),
    }
}
