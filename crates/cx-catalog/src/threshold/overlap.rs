//! In: conditions as trees. Kept: nothing. Out: whether they can hold, and whether two hold at once, as far
//! as comparisons of one name with a number decide it. Never knows: text.
//!
//! A condition becomes a choice of boxes, each a range per name in the steps that are shown: so 4 < n and
//! n < 5 have nothing in common. What cannot be decided is never called an overlap.

use super::{Comparison, Subject, TARGET, Test};
use crate::expr::{Expr, Fraction};
use std::collections::BTreeMap;

/// Most boxes of one condition; beyond them nothing is decided.
const BOXES: usize = 64;

/// A range per name, in steps, both ends included.
type Ranges = BTreeMap<usize, (i128, i128)>;

pub(super) fn possible(test: &Test, subject: Subject) -> bool {
    boxes(test, false, subject).is_none_or(|all| !all.is_empty())
}

pub(super) fn overlap(a: &Test, b: &Test, subject: Subject) -> bool {
    let both = boxes(a, false, subject).zip(boxes(b, false, subject));
    both.is_some_and(|(a, b)| {
        let together = |a: &Ranges, b: &Ranges| {
            a.keys().any(|name| b.contains_key(name)) && met(a, b).is_some()
        };
        a.iter().any(|a| b.iter().any(|b| together(a, b)))
    })
}

/// The boxes in which a condition holds; `None` where it is not made of simple comparisons.
fn boxes(test: &Test, denied: bool, subject: Subject) -> Option<Vec<Ranges>> {
    let found = match (test, denied) {
        (Test::Not(a), denied) => boxes(a, !denied, subject)?,
        (Test::Compare(how, a, b), denied) => {
            let how = if denied { how.denied() } else { *how };
            compared(how, a, b, subject)?
        }
        (Test::Both(a, b), false) | (Test::Either(a, b), true) => {
            let (a, b) = (boxes(a, denied, subject)?, boxes(b, denied, subject)?);
            let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
            pairs.filter_map(|(a, b)| met(a, b)).collect()
        }
        (Test::Either(a, b), false) | (Test::Both(a, b), true) => {
            let (mut a, b) = (boxes(a, denied, subject)?, boxes(b, denied, subject)?);
            a.extend(b);
            a
        }
    };
    (found.len() <= BOXES).then_some(found)
}

/// What two boxes have in common, if anything.
fn met(a: &Ranges, b: &Ranges) -> Option<Ranges> {
    let mut out = a.clone();
    for (name, (low, high)) in b {
        let range = out.entry(*name).or_insert((*low, *high));
        *range = (range.0.max(*low), range.1.min(*high));
    }
    out.values().all(|(low, high)| low <= high).then_some(out)
}

fn compared(how: Comparison, a: &Expr, b: &Expr, subject: Subject) -> Option<Vec<Ranges>> {
    let fixed = |e: &Expr| {
        e.value(&|name| {
            let target = subject.target.filter(|_| name == TARGET)?;
            Some(Fraction::of_scaled(target, subject.scale))
        })
    };
    let (how, name, number) = match (a, b) {
        (Expr::Name(name), number) if *name != TARGET => (how, *name, fixed(number)?),
        (number, Expr::Name(name)) if *name != TARGET => (how.turned(), *name, fixed(number)?),
        _ => return None,
    };
    // Only the value can have decimals, and only it can be below zero.
    let (scale, least) = if name == 0 {
        (subject.scale, i128::MIN)
    } else {
        (0, 0)
    };
    let (floor, ceiling) = number.steps(scale)?;
    let below = (least, ceiling - 1);
    let above = (floor + 1, i128::MAX);
    let ranges = match how {
        Comparison::Equal => vec![(ceiling, floor)],
        Comparison::Unequal => vec![below, above],
        Comparison::Less => vec![below],
        Comparison::AtMost => vec![(least, floor)],
        Comparison::Greater => vec![above],
        Comparison::AtLeast => vec![(ceiling.max(least), i128::MAX)],
    };
    let real = ranges.into_iter().filter(|(low, high)| low <= high);
    Some(real.map(|range| Ranges::from([(name, range)])).collect())
}
