//! In: the text of `when` or `clear`. Kept: it as a tree. Out: whether it holds for a number as a screen
//! shows it, and where two of them hold at once. Never knows: time, which alert asks.
//!
//! CEL, parsed by the `cel` crate: comparisons of arithmetic, joined with `&&`, `||` and `!`, which absorb
//! errors as CEL says. What is not there (a number without a value) is an error, so neither true nor false.

mod overlap;

use crate::cel::{Fault, place};
use crate::expr::{Expr, Fraction, Reader, Words};
use cel::common::ast::{Expr as Node, IdedExpr, operators as op};
use std::cmp::Ordering;

/// Longest condition, bytes.
const LONGEST: usize = 300;
/// Deepest nesting.
const DEEPEST: usize = 16;
/// What a condition may name: of any number (`data_gap` is 0 or 1), of a ratio, of the age of a source.
const PLAIN: [&str; 4] = ["value", "n", "target", "data_gap"];
const RATIO: [&str; 6] = [
    "value",
    "n",
    "target",
    "data_gap",
    "numerator",
    "denominator",
];
const SOURCES: [&str; 5] = ["value", "n", "target", "data_gap", "freshness"];
const TARGET: usize = 2;
const DATA_GAP: usize = 3;

const WORDS: Words = Words {
    unknown: "is nothing that an alert can look at",
    known: "numerator and denominator are those of a ratio, freshness is what a source promises, data_gap is 1 where records are missing",
    foreign: (
        "an alert compares numbers",
        "write a comparison such as value < 75 && n >= 20",
    ),
};

/// A number as the screens show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Scaled value; `None` where there is nothing to say.
    pub value: Option<i64>,
    /// How many observations it rests on.
    pub n: i64,
    /// The part above the line.
    pub numerator: i64,
    /// The part below the line, where there is one.
    pub denominator: Option<i64>,
    /// How old the newest event of the cell's source may be, seconds, where it has one source.
    pub freshness: Option<i64>,
    /// Whether the number lacks records that nobody has acknowledged.
    pub data_gap: bool,
}

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Decimals of the value.
    pub scale: u8,
    /// The KPI's target, scaled.
    pub target: Option<i64>,
    /// Which numbers it has beside the value.
    pub kind: Kind,
}

/// Which numbers a KPI has beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `n` only.
    Plain,
    /// A numerator and a denominator.
    Ratio,
    /// What each source promises: the KPI is the age of sources.
    Sources,
}

impl Kind {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &PLAIN,
            Self::Ratio => &RATIO,
            Self::Sources => &SOURCES,
        }
    }
}

/// A checked condition over one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    test: Test,
    subject: Subject,
}

/// The condition as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Compare(Comparison, Expr, Expr),
    Both(Box<Test>, Box<Test>),
    Either(Box<Test>, Box<Test>),
    Not(Box<Test>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// The same with its sides changed over.
    fn turned(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }

    /// What holds where this one does not.
    fn denied(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }
}

impl Threshold {
    /// Parses and checks a condition.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn parse(source: &str, subject: Subject) -> Result<Self, Fault> {
        let deep = |message: String| Fault {
            offset: 0,
            length: 1,
            message,
            fix: "say it with fewer comparisons".to_owned(),
        };
        if source.len() > LONGEST {
            let message = format!("the condition is longer than {LONGEST} characters");
            return Err(deep(message));
        }
        let program = if place::nesting(source) > DEEPEST {
            None
        } else {
            let parsed = ::cel::Program::compile(source);
            Some(parsed.map_err(|e| place::syntax(source, &e))?)
        };
        let program = program.filter(|p| place::depth(p.expression()) <= DEEPEST);
        let Some(program) = program else {
            return Err(deep(format!("nested deeper than {DEEPEST}")));
        };
        let reader = Conditions {
            reader: Reader {
                info: program.source_info(),
                names: subject.kind.names(),
                words: &WORDS,
            },
            subject,
        };
        let root = program.expression();
        let test = reader.test(root)?;
        if !test.looks_at_something() {
            let message = "the condition looks at nothing that changes";
            let fix = "write a comparison such as value < 75 && n >= 20";
            return Err(reader.reader.fault(root, message, fix));
        }
        Ok(Self { test, subject })
    }

    /// Whether it holds; `None` where it needs something that is not there.
    #[must_use]
    pub fn holds(&self, shown: &Shown) -> Option<bool> {
        let of = |name: usize| {
            let whole = |number: i64| Fraction::of_scaled(number, 0);
            let scale = self.subject.scale;
            match (self.subject.kind, name) {
                (_, 0) => Some(Fraction::of_scaled(shown.value?, scale)),
                (_, 1) => Some(whole(shown.n)),
                (_, TARGET) => Some(Fraction::of_scaled(self.subject.target?, scale)),
                (_, DATA_GAP) => Some(whole(shown.data_gap.into())),
                (Kind::Sources, _) => shown.freshness.map(whole),
                (_, 4) => Some(whole(shown.numerator)),
                _ => shown.denominator.map(whole),
            }
        };
        self.test.holds(&of)
    }

    /// Whether it can hold at all, as far as comparisons of one name with a number say.
    #[must_use]
    pub fn possible(&self) -> bool {
        overlap::possible(&self.test, self.subject)
    }

    /// Whether both surely hold for some number that both speak of.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        overlap::overlap(&self.test, &other.test, self.subject)
    }
}

impl Test {
    fn holds(&self, of: &dyn Fn(usize) -> Option<Fraction>) -> Option<bool> {
        match self {
            Self::Compare(how, a, b) => {
                let order = a.value(of)?.compare(b.value(of)?)?;
                Some(how.holds(order))
            }
            Self::Both(a, b) => match a.holds(of) {
                Some(false) => Some(false),
                Some(true) => b.holds(of),
                None => b.holds(of).filter(|b| !b),
            },
            Self::Either(a, b) => match a.holds(of) {
                Some(true) => Some(true),
                Some(false) => b.holds(of),
                None => b.holds(of).filter(|b| *b),
            },
            Self::Not(a) => a.holds(of).map(|a| !a),
        }
    }

    fn looks_at_something(&self) -> bool {
        match self {
            Self::Compare(_, a, b) => {
                let named = |e: &Expr| e.names().iter().any(|name| *name != TARGET);
                named(a) || named(b)
            }
            Self::Both(a, b) | Self::Either(a, b) => {
                a.looks_at_something() && b.looks_at_something()
            }
            Self::Not(a) => a.looks_at_something(),
        }
    }
}

struct Conditions<'c> {
    reader: Reader<'c>,
    subject: Subject,
}

impl Conditions<'_> {
    fn test(&self, at: &IdedExpr) -> Result<Test, Fault> {
        let Node::Call(call) = &at.expr else {
            return Err(self.no_condition(at));
        };
        let two = |make: fn(Box<Test>, Box<Test>) -> Test, a, b| {
            Ok(make(Box::new(self.test(a)?), Box::new(self.test(b)?)))
        };
        let how = match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_AND, [a, b]) => return two(Test::Both, a, b),
            (op::LOGICAL_OR, [a, b]) => return two(Test::Either, a, b),
            (op::LOGICAL_NOT, [a]) => return Ok(Test::Not(Box::new(self.test(a)?))),
            (op::EQUALS, [_, _]) => Comparison::Equal,
            (op::NOT_EQUALS, [_, _]) => Comparison::Unequal,
            (op::LESS, [_, _]) => Comparison::Less,
            (op::LESS_EQUALS, [_, _]) => Comparison::AtMost,
            (op::GREATER, [_, _]) => Comparison::Greater,
            (op::GREATER_EQUALS, [_, _]) => Comparison::AtLeast,
            _ => return Err(self.no_condition(at)),
        };
        let [a, b] = call.args.as_slice() else {
            return Err(self.no_condition(at));
        };
        Ok(Test::Compare(how, self.side(a)?, self.side(b)?))
    }

    /// One side of a comparison.
    fn side(&self, at: &IdedExpr) -> Result<Expr, Fault> {
        let side = self.reader.read(at)?;
        if self.subject.target.is_none() && side.names().contains(&TARGET) {
            let fix = "write target: in the KPI, or a number here";
            return Err(self.reader.fault(at, "the KPI has no target", fix));
        }
        Ok(side)
    }

    fn no_condition(&self, at: &IdedExpr) -> Fault {
        let fix = "write a comparison such as value < 75 && n >= 20";
        self.reader.fault(at, "this is no condition", fix)
    }
}

#[cfg(test)]
mod tests;
