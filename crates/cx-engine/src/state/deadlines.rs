//! In: one conversation's promised replies; when it was answered. Kept: the deadlines that are to be
//! decided or may be restated, eight at most. Out: what was decided of them.
//! Never knows: which messages are unanswered; ids; timers.
//!
//! A deadline is met by an answer stamped at or after its message and at or before the due time.
//! Without one it is breached at its moment; one that still comes inside the horizon restates it.
//! `schemas/decisions.md` has the rules in full.

use super::waiting::{Marks, Moves, moved};
use crate::effect::Ruling;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most deadlines kept of one conversation.
const MOST: usize = 8;

/// How long a deadline stays open; limits of the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// From the due time to the decision, ms of log time.
    pub(crate) lateness_ms: i64,
    /// How old an answer may be when it comes and still restate, ms.
    pub(crate) horizon_ms: i64,
}

/// A reply that is owed to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    pub(crate) due: Timestamp,
    pub(crate) customer: Option<Key128>,
    /// Its number in the set.
    pub(crate) channel: usize,
    /// Where it counts when it is decided.
    pub(crate) marks: Marks,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Deadline {
    asked_at: Timestamp,
    promise: Promise,
    decide_at: Timestamp,
    breached: bool,
}

/// A decision about one deadline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ruled {
    pub(crate) ruling: Ruling,
    pub(crate) asked_at: Timestamp,
    pub(crate) decided_at: Timestamp,
    pub(crate) promise: Promise,
}

/// Those of one conversation, in the order in which they were opened.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Deadlines(Vec<Deadline>);

impl Deadlines {
    /// The message of `asked_at` is owed a reply from log time `now` on. False where this one or a
    /// breached one found no room.
    pub(crate) fn open(
        &mut self,
        (asked_at, now): (Timestamp, Timestamp),
        promise: Promise,
        terms: Terms,
    ) -> bool {
        let full = self.0.len() >= MOST;
        if full {
            let breached = (0..self.0.len()).filter(|i| self.0[*i].breached);
            let first = breached.min_by_key(|i| (self.0[*i].promise.due, self.0[*i].asked_at));
            let Some(first) = first else {
                return false;
            };
            self.0.remove(first);
        }
        self.0.push(Deadline {
            asked_at,
            // A message that came after its due time came late, and so may its reply.
            decide_at: promise.due.max(now).plus(terms.lateness_ms),
            promise,
            breached: false,
        });
        !full
    }

    /// A reply or an end stamped `time` came at log time `now`: the breaches that it restates, and all
    /// promises that it kept.
    pub(crate) fn answer(
        &mut self,
        (time, now): (Timestamp, Timestamp),
        terms: Terms,
    ) -> (Vec<Ruled>, Vec<Promise>) {
        let restates = now.since(time) <= terms.horizon_ms;
        let (mut met, mut kept) = (Vec::new(), Vec::new());
        self.0.retain(|d| {
            let in_time = d.asked_at <= time && time <= d.promise.due;
            if in_time && (restates || !d.breached) {
                kept.push(d.promise.clone());
            }
            if in_time && d.breached && restates {
                met.push(d.ruled(Ruling::ReplyMet, now));
            }
            !in_time || d.breached && !restates
        });
        (met, kept)
    }

    /// When the next one is decided.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.first().map(|i| self.0[i].decide_at)
    }

    /// The next one is decided now: a breach.
    pub(crate) fn breach(&mut self) -> Option<Ruled> {
        let first = self.first()?;
        let deadline = &mut self.0[first];
        deadline.breached = true;
        Some(deadline.ruled(Ruling::ReplyBreached, deadline.decide_at))
    }

    /// Drops the breached ones that no answer can restate any more.
    pub(crate) fn forget(&mut self, now: Timestamp, terms: Terms) {
        self.0
            .retain(|d| !d.breached || now.since(d.promise.due) <= terms.horizon_ms);
    }

    /// Until when an answer can change what is decided; `None` without deadlines.
    pub(crate) fn open_until(&self, terms: Terms) -> Option<Timestamp> {
        let ends = self.0.iter().map(|d| {
            let restated = d.promise.due.plus(terms.horizon_ms).plus(1);
            restated.max(d.decide_at)
        });
        ends.max()
    }

    /// Another set counts them.
    pub(crate) fn repromise(&mut self, moves: &Moves) {
        let promises = self.0.iter_mut().map(|d| &mut d.promise);
        promises.for_each(|p| p.marks = moved(&p.marks, moves));
    }

    fn first(&self) -> Option<usize> {
        let open = (0..self.0.len()).filter(|i| !self.0[*i].breached);
        open.min_by_key(|i| (self.0[*i].decide_at, self.0[*i].asked_at))
    }
}

impl Deadline {
    fn ruled(&self, ruling: Ruling, decided_at: Timestamp) -> Ruled {
        Ruled {
            ruling,
            asked_at: self.asked_at,
            decided_at,
            promise: self.promise.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        lateness_ms: 100,
        horizon_ms: 1_000,
    };

    fn open(deadlines: &mut Deadlines, asked: i64, due: i64, now: i64) -> bool {
        let promise = Promise {
            due: Timestamp(due),
            customer: None,
            channel: 0,
            marks: Marks::default(),
        };
        deadlines.open((Timestamp(asked), Timestamp(now)), promise, TERMS)
    }

    fn answer(deadlines: &mut Deadlines, time: i64, now: i64) -> Vec<i64> {
        let (met, _) = deadlines.answer((Timestamp(time), Timestamp(now)), TERMS);
        assert!(met.iter().all(|r| r.ruling == Ruling::ReplyMet));
        assert!(met.iter().all(|r| r.decided_at == Timestamp(now)));
        met.into_iter().map(|r| r.asked_at.0).collect()
    }

    fn breach(deadlines: &mut Deadlines) -> Option<(i64, i64)> {
        let ruled = deadlines.breach()?;
        assert_eq!(ruled.ruling, Ruling::ReplyBreached);
        Some((ruled.asked_at.0, ruled.decided_at.0))
    }

    #[test]
    fn an_answer_hinders_a_breach_only_from_its_message_to_its_due_time() {
        for (time, hinders) in [(9, false), (10, true), (50, true), (51, false)] {
            let mut deadlines = Deadlines::default();
            assert!(open(&mut deadlines, 10, 50, 10));
            assert_eq!(answer(&mut deadlines, time, 60), [0; 0], "no restatement");
            let expected = (!hinders).then_some((10, 150));
            assert_eq!(breach(&mut deadlines), expected, "answered at {time}");
        }
    }

    #[test]
    fn a_breach_is_restated_once_by_an_answer_in_time_that_comes_inside_the_horizon() {
        for (time, now, met) in [(50, 1_050, true), (51, 1_000, false), (50, 1_051, false)] {
            let mut deadlines = Deadlines::default();
            open(&mut deadlines, 10, 50, 10);
            assert_eq!(breach(&mut deadlines), Some((10, 150)));
            let expected: &[i64] = if met { &[10] } else { &[] };
            assert_eq!(answer(&mut deadlines, time, now), expected);
            assert_eq!(answer(&mut deadlines, 50, 150).is_empty(), met);
        }
    }

    #[test]
    fn lateness_runs_from_the_message_where_that_came_after_its_due_time() {
        let mut deadlines = Deadlines::default();
        open(&mut deadlines, 10, 50, 70);
        open(&mut deadlines, 5, 60, 5);
        assert_eq!(deadlines.next(), Some(Timestamp(160)));
        assert_eq!(breach(&mut deadlines), Some((5, 160)));
        assert_eq!(breach(&mut deadlines), Some((10, 170)));
        assert_eq!(breach(&mut deadlines), None, "each is decided once");
    }

    #[test]
    fn of_too_many_the_first_breached_one_goes_and_without_one_the_new_one() {
        let mut deadlines = Deadlines::default();
        assert!((0..8).all(|i| open(&mut deadlines, i, 100 - i, 10)));
        assert!(!open(&mut deadlines, 8, 101, 10), "all eight are undecided");
        assert_eq!(breach(&mut deadlines), Some((7, 193)));
        assert_eq!(breach(&mut deadlines), Some((6, 194)));
        assert!(!open(&mut deadlines, 9, 102, 10));
        assert_eq!(
            answer(&mut deadlines, 9, 300),
            [6],
            "7 went, 0 to 5 are met"
        );
        assert_eq!(breach(&mut deadlines), None);
    }

    #[test]
    fn a_deadline_is_dropped_when_nothing_can_change_it_any_more() {
        let mut deadlines = Deadlines::default();
        open(&mut deadlines, 10, 50, 10);
        deadlines.forget(Timestamp(5_000), TERMS);
        assert_eq!(deadlines.open_until(TERMS), Some(Timestamp(1_051)));
        breach(&mut deadlines);
        deadlines.forget(Timestamp(1_050), TERMS);
        assert_eq!(deadlines.open_until(TERMS), Some(Timestamp(1_051)));
        deadlines.forget(Timestamp(1_051), TERMS);
        assert_eq!(deadlines.open_until(TERMS), None);
    }
}
