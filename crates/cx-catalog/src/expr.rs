//! In: the arithmetic of a derived KPI. Kept: it as a tree. Out: its exact value for given numbers.
//! Never knows: which KPIs the names stand for.
//!
//! Text is parsed by the `cel` crate; of CEL it takes `+ - * /`, brackets, numbers and names. Every
//! number is a fraction in lowest terms; where a sum or product leaves 127 bits before it is
//! shortened, or something is divided by nothing, there is no value. Rounded once, at the end.

use crate::cel::{Fault, place};
use crate::diagnostic::did_you_mean;
use cel::common::ast::{
    CallExpr, Expr as Node, IdedExpr, LiteralValue, SourceInfo, operators as op,
};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Longest expression, bytes.
const LONGEST: usize = 500;
/// Deepest nesting.
const DEEPEST: usize = 32;
/// Most decimals of a number.
const DECIMALS: usize = 6;

/// What is calculated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A number as it is written.
    Number(Fraction),
    /// The value behind a name, by its index.
    Name(usize),
    /// The value below zero.
    Minus(Box<Expr>),
    /// Two values become one.
    Two(Operator, Box<Expr>, Box<Expr>),
}

/// What two values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
}

/// A number as numerator and denominator, in lowest terms; the denominator is above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    above: i128,
    below: i128,
}

impl Fraction {
    /// `value ÷ 10^scale`.
    #[must_use]
    pub fn of_scaled(value: i64, scale: u8) -> Self {
        let below = 10_i128.pow(u32::from(scale.min(12)));
        Self::new(i128::from(value), below).unwrap_or(Self { above: 0, below: 1 })
    }

    /// `None` for a denominator of 0, or where the sign cannot be turned.
    fn new(above: i128, below: i128) -> Option<Self> {
        let by = gcd(above.unsigned_abs(), below.unsigned_abs());
        let by = i128::try_from(by).ok().filter(|_| below != 0)?;
        let (above, below) = (above / by, below / by);
        if below > 0 {
            return Some(Self { above, below });
        }
        Some(Self {
            above: above.checked_neg()?,
            below: below.checked_neg()?,
        })
    }

    fn then(self, operator: Operator, other: Self) -> Option<Self> {
        let sum = |right: i128| {
            let left = self.above.checked_mul(other.below)?;
            let right = right.checked_mul(self.below)?;
            Self::new(
                left.checked_add(right)?,
                self.below.checked_mul(other.below)?,
            )
        };
        match operator {
            Operator::Plus => sum(other.above),
            Operator::Minus => sum(other.above.checked_neg()?),
            Operator::Times => Self::new(
                self.above.checked_mul(other.above)?,
                self.below.checked_mul(other.below)?,
            ),
            Operator::Over => Self::new(
                self.above.checked_mul(other.below)?,
                self.below.checked_mul(other.above)?,
            ),
        }
    }

    /// Which is greater; `None` where that leaves 127 bits.
    #[must_use]
    pub fn compare(self, other: Self) -> Option<Ordering> {
        let (left, right) = (
            self.above.checked_mul(other.below)?,
            other.above.checked_mul(self.below)?,
        );
        Some(left.cmp(&right))
    }

    /// The greatest whole number of steps of 10^-scale that is not above it, and the least that is not
    /// below it; `None` where that leaves 127 bits.
    #[must_use]
    pub fn steps(self, scale: u8) -> Option<(i128, i128)> {
        let ten = 10_i128.pow(u32::from(scale.min(12)));
        let above = self.above.checked_mul(ten)?;
        let floor = above.div_euclid(self.below);
        let exact = above.rem_euclid(self.below) == 0;
        Some((floor, floor + i128::from(!exact)))
    }

    /// Times 10^scale, rounded half to even; `None` where it leaves 64 bits.
    #[must_use]
    pub fn scaled(self, scale: u8) -> Option<i64> {
        let ten = 10_i128.pow(u32::from(scale.min(12)));
        let above = self.above.checked_mul(ten)?;
        let (whole, rest) = (above.div_euclid(self.below), above.rem_euclid(self.below));
        let up = match rest.cmp(&(self.below - rest)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => whole.rem_euclid(2) == 1,
        };
        i64::try_from(whole + i128::from(up)).ok()
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Expr {
    /// Parses an expression over these names.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn parse(source: &str, names: &[&str]) -> Result<Self, Fault> {
        let too_large = |message: String| Fault {
            offset: 0,
            length: 1,
            message,
            fix: "make a KPI of a part of it".to_owned(),
        };
        if source.len() > LONGEST {
            let message = format!("the expression is longer than {LONGEST} characters");
            return Err(too_large(message));
        }
        let deep = || too_large(format!("nested deeper than {DEEPEST}"));
        if place::nesting(source) > DEEPEST {
            return Err(deep());
        }
        let program = ::cel::Program::compile(source).map_err(|e| place::syntax(source, &e))?;
        let root = program.expression();
        if place::depth(root) > DEEPEST {
            return Err(deep());
        }
        let reader = Reader {
            info: program.source_info(),
            names,
            words: &Words {
                unknown: "is none of the metrics",
                known: "every KPI of the expression stands in metrics",
                foreign: (
                    "a derived KPI is plain arithmetic",
                    "write + - * /, brackets, numbers and names of metrics",
                ),
            },
        };
        reader.read(root)
    }

    /// Indices of the names that it uses.
    #[must_use]
    pub fn names(&self) -> BTreeSet<usize> {
        match self {
            Self::Number(_) => BTreeSet::new(),
            Self::Name(i) => BTreeSet::from([*i]),
            Self::Minus(a) => a.names(),
            Self::Two(_, a, b) => a.names().union(&b.names()).copied().collect(),
        }
    }

    /// Its value, given those of the names; `None` where one that it needs is not there, where
    /// something is divided by 0, or where a step leaves 127 bits.
    #[must_use]
    pub fn value(&self, of: &dyn Fn(usize) -> Option<Fraction>) -> Option<Fraction> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(i) => of(*i),
            Self::Minus(a) => {
                let a = a.value(of)?;
                Fraction::new(a.above.checked_neg()?, a.below)
            }
            Self::Two(operator, a, b) => a.value(of)?.then(*operator, b.value(of)?),
        }
    }
}

/// How faults are told to whoever wrote the arithmetic.
pub(crate) struct Words {
    /// After a name that is not known.
    pub(crate) unknown: &'static str,
    /// Where known names come from.
    pub(crate) known: &'static str,
    /// What is wrong with anything else, and what to write instead.
    pub(crate) foreign: (&'static str, &'static str),
}

/// Reads arithmetic out of a parsed text.
pub(crate) struct Reader<'r> {
    pub(crate) info: &'r SourceInfo,
    pub(crate) names: &'r [&'r str],
    pub(crate) words: &'r Words,
}

impl Reader<'_> {
    pub(crate) fn fault(
        &self,
        at: &IdedExpr,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Fault {
        let span = place::span(self.info, at);
        let (offset, length) = place::characters(&self.info.source, span);
        Fault {
            offset,
            length,
            message: message.into(),
            fix: fix.into(),
        }
    }

    pub(crate) fn read(&self, at: &IdedExpr) -> Result<Expr, Fault> {
        match &at.expr {
            Node::Literal(literal) => self.number(at, literal),
            Node::Ident(name) => {
                let found = self.names.iter().position(|known| known == name);
                found.map(Expr::Name).ok_or_else(|| {
                    let near = did_you_mean(name, self.names.iter().copied());
                    let Words { unknown, known, .. } = self.words;
                    let fix = format!("{near}; {known}");
                    self.fault(at, format!("{name} {unknown}"), fix)
                })
            }
            Node::Call(call) => self.call(at, call),
            Node::Unspecified
            | Node::Comprehension(_)
            | Node::List(_)
            | Node::Map(_)
            | Node::Select(_)
            | Node::Struct(_) => Err(self.foreign(at)),
        }
    }

    fn foreign(&self, at: &IdedExpr) -> Fault {
        let (message, fix) = self.words.foreign;
        self.fault(at, message, fix)
    }

    fn number(&self, at: &IdedExpr, literal: &LiteralValue) -> Result<Expr, Fault> {
        let number = match literal {
            LiteralValue::Int(i) => Some(Fraction::of_scaled(*i.inner(), 0)),
            LiteralValue::Double(d) => decimal(*d.inner()),
            LiteralValue::Boolean(_)
            | LiteralValue::Bytes(_)
            | LiteralValue::Null
            | LiteralValue::String(_)
            | LiteralValue::UInt(_) => return Err(self.foreign(at)),
        };
        number.map(Expr::Number).ok_or_else(|| {
            let fix = format!("write at most {DECIMALS} decimals and 12 digits before them");
            self.fault(at, "the number is too long", fix)
        })
    }

    fn call(&self, at: &IdedExpr, call: &CallExpr) -> Result<Expr, Fault> {
        let operator = match (call.func_name.as_str(), call.args.as_slice()) {
            (op::NEGATE, [a]) => return Ok(Expr::Minus(Box::new(self.read(a)?))),
            (op::ADD, [_, _]) => Operator::Plus,
            (op::SUBSTRACT, [_, _]) => Operator::Minus,
            (op::MULTIPLY, [_, _]) => Operator::Times,
            (op::DIVIDE, [_, _]) => Operator::Over,
            _ => return Err(self.foreign(at)),
        };
        let [a, b] = call.args.as_slice() else {
            return Err(self.foreign(at));
        };
        let (a, b) = (self.read(a)?, self.read(b)?);
        Ok(Expr::Two(operator, Box::new(a), Box::new(b)))
    }
}

/// A double as the shortest decimal that means it: what somebody wrote.
fn decimal(number: f64) -> Option<Fraction> {
    let text = number.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    if decimals.len() > DECIMALS || whole.len() > 13 {
        return None;
    }
    let digits: i64 = format!("{whole}{decimals}").parse().ok()?;
    Some(Fraction::of_scaled(
        digits,
        u8::try_from(decimals.len()).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, scale: u8) -> Option<i64> {
        let expr = Expr::parse(text, &["a", "b", "nothing"]).expect("arithmetic");
        let of = |i: usize| [Some(7), Some(3), None][i].map(|v| Fraction::of_scaled(v, 0));
        expr.value(&of).and_then(|f| f.scaled(scale))
    }

    #[test]
    fn arithmetic_is_exact_and_rounds_once_half_to_even() {
        let cases = [
            ("a / b", 3, Some(2_333)),
            ("100 * (a - b) / a", 1, Some(571)),
            ("a - b * 2", 0, Some(1)),
            ("-a + 0.5", 0, Some(-6)),
            ("-a + 1.5", 0, Some(-6)),
            ("(a - b) / 8", 0, Some(0)),
            ("0.1 + 0.2", 4, Some(3_000)),
            ("a / (b - 3)", 0, None),
            ("a + nothing", 0, None),
            (
                "a * 1000000000000 * 1000000000000 * 1000000000000 * 1000000000000",
                0,
                None,
            ),
        ];
        for (text, scale, expected) in cases {
            assert_eq!(value(text, scale), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_arithmetic_is_refused_at_its_place() {
        let cases = [
            ("a + c", 4, "c is none of the metrics"),
            ("a > b", 0, "a derived KPI is plain arithmetic"),
            ("a + \"b\"", 4, "a derived KPI is plain arithmetic"),
            ("a % b", 0, "a derived KPI is plain arithmetic"),
            ("a + 0.1234567", 4, "the number is too long"),
            ("a +", 3, "the expression ends too early"),
        ];
        for (text, offset, message) in cases {
            let fault = Expr::parse(text, &["a", "b"]).expect_err(text);
            assert_eq!((fault.offset, fault.message.as_str()), (offset, message));
        }
    }
}
