//! In: turns of attempts, promises of replies. Kept: undecided attempts per combination. Out: which measures
//! count what; gauges of undecided attempts. Never knows: why an attempt turned.

use super::dims;
use super::layout::scopes;
use crate::state::attempts::{Turn, Turned};
use crate::state::waiting::{Marks, Moves};
use cx_catalog::compiled::{Compiled, CompiledAgg, View, combos};
use cx_catalog::journey::{Attempts, Replies};

/// Measures of attempts and of promised replies.
pub(crate) struct Journeys {
    /// By journey: what is counted, by which measure, in the order of marks.
    of: Vec<Vec<(Attempts, usize)>>,
    /// What is counted of promised replies, by which measure, in the order of marks.
    replies: Vec<(Replies, usize)>,
    /// By measure, the undecided attempts of each combination; most have none.
    open: Vec<Vec<i64>>,
}

impl Journeys {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut journeys = Self {
            of: vec![Vec::new(); set.journeys.len()],
            replies: Vec::new(),
            open: vec![Vec::new(); set.measures.len()],
        };
        for (i, measure) in set.measures.iter().enumerate() {
            if let CompiledAgg::Attempts(of, journey) = measure.agg {
                journeys.of[journey].push((of, i));
                if of == Attempts::Undecided {
                    journeys.open[i] = vec![0; combos(&measure.dimensions)];
                }
            }
            if let CompiledAgg::Replies(of) = measure.agg {
                journeys.replies.push((of, i));
            }
        }
        journeys
    }

    /// Where the event that begins an attempt counts, by measure of its journey.
    pub(crate) fn marks(
        &self,
        set: &Compiled,
        journey: usize,
        view: View<'_, '_>,
        holds: impl Fn(usize) -> bool,
    ) -> Marks {
        let all = self.of[journey].iter();
        all.map(|(_, i)| holds(*i).then(|| dims::leaf(&set.measures[*i].dimensions, view)))
            .collect()
    }

    /// Where a message counts whose reply is promised; the second value is how many conditions ended in an
    /// error.
    pub(crate) fn promised(
        &self,
        set: &Compiled,
        view: View<'_, '_>,
        holds: impl Fn(usize) -> bool,
    ) -> (Marks, i64) {
        let mut errors = 0;
        let marks = self.replies.iter().map(|(_, i)| {
            if !holds(*i) {
                return None;
            }
            let measure = &set.measures[*i];
            let verdict = (measure.condition)(view);
            errors += i64::from(verdict.is_none());
            (verdict == Some(true)).then(|| dims::leaf(&measure.dimensions, view))
        });
        (marks.collect(), errors)
    }

    /// The measures that count these replies, with where they count this one.
    pub(crate) fn of_reply(&self, of: Replies, marks: &Marks) -> Vec<(usize, [u16; 2])> {
        let both = self.replies.iter().zip(marks.iter());
        let own = both.filter(|((kind, _), _)| *kind == of);
        own.filter_map(|((_, i), mark)| Some((*i, (*mark)?)))
            .collect()
    }

    /// The measures that a turn adds to or takes from, with where.
    pub(crate) fn of_turn(
        &mut self,
        set: &Compiled,
        turned: &Turned,
    ) -> Vec<(usize, [u16; 2], i64)> {
        let mut out = Vec::new();
        let of = self.of.get(turned.journey).map_or(&[][..], Vec::as_slice);
        for ((of, i), mark) in of.iter().zip(turned.marks.iter()) {
            let Some(leaf) = *mark else {
                continue;
            };
            let by = match (turned.turn, of) {
                (Turn::Opened, Attempts::Undecided)
                | (Turn::Decided(_), Attempts::Decided)
                | (Turn::Decided(true) | Turn::Restated, Attempts::Converted)
                | (Turn::Decided(false), Attempts::Dropped) => 1,
                (Turn::Closed, Attempts::Undecided) | (Turn::Restated, Attempts::Dropped) => -1,
                (Turn::Opened | Turn::Closed, _)
                | (Turn::Decided(_) | Turn::Restated, Attempts::Undecided)
                | (Turn::Decided(false), Attempts::Converted)
                | (Turn::Decided(true), Attempts::Dropped)
                | (Turn::Restated, Attempts::Decided) => continue,
            };
            if *of == Attempts::Undecided {
                let (combos, n) = scopes(&set.measures[*i].dimensions, leaf);
                combos[..n].iter().for_each(|c| self.open[*i][*c] += by);
            } else {
                out.push((*i, leaf, by));
            }
        }
        out
    }

    /// Goes on where `old` stops: what marks of promises and of attempts become.
    pub(crate) fn carry(
        &mut self,
        old: &mut Self,
        same: &[Option<usize>],
        (set, before): (&Compiled, &Compiled),
    ) -> (Moves, Vec<Option<(usize, Moves)>>) {
        let from = |own: usize, theirs: &[usize]| {
            let wanted = same[own]?;
            theirs.iter().position(|other| *other == wanted)
        };
        let others: Vec<usize> = old.replies.iter().map(|(_, j)| *j).collect();
        let replies = self.replies.iter();
        let replies = replies.map(|(_, i)| from(*i, &others));
        let replies = replies.collect();
        for (i, j) in same.iter().enumerate() {
            if let (false, Some(j)) = (self.open[i].is_empty(), j) {
                self.open[i] = std::mem::take(&mut old.open[*j]);
            }
        }
        let journeys = before.journeys.iter().enumerate().map(|(there, journey)| {
            let here = set.journeys.iter().position(|j| j.name == journey.name)?;
            let theirs: Vec<usize> = old.of[there].iter().map(|(_, j)| *j).collect();
            let own = self.of[here].iter();
            Some((here, own.map(|(_, i)| from(*i, &theirs)).collect()))
        });
        (replies, journeys.collect())
    }

    /// Undecided attempts of a measure, by combination.
    pub(crate) fn open(&self, measure: usize) -> &[i64] {
        &self.open[measure]
    }
}
