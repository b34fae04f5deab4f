//! In: the answers and the promised replies of one life of a conversation. Kept: all of them.
//! Out: what is decided of each, recounted from all answers whenever somebody asks, as
//! `schemas/decisions.md` has it. Never knows: how an engine keeps deadlines; timers.

use super::attempts::Change;
use super::meaning::Named;
use cx_catalog::journey::Replies;
use cx_model::limits::Limits;
use cx_model::time::Timestamp;

/// Most deadlines of one conversation that are undecided or may be restated.
const DEADLINES: usize = 8;

/// What the log decides of one deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Position in the log of the record that brings it.
    pub offset: usize,
    /// `reply_breached` or `reply_met`.
    pub ruling: &'static str,
    /// Time of the message.
    pub asked_at: Timestamp,
    /// Until when the reply had to be stamped.
    pub due: Timestamp,
    /// Log time of the decision.
    pub decided_at: Timestamp,
    /// `data.conversation_id`.
    pub conversation: String,
    /// `subject` of the message.
    pub customer: Option<String>,
    /// `data.channel` of the message.
    pub channel: String,
}

/// A reply or an end.
struct Answer {
    position: usize,
    time: Timestamp,
    log_time: Timestamp,
}

struct Deadline<'r> {
    by: &'r Named,
    due: Timestamp,
    began: Timestamp,
    /// Position of the record with which it began.
    position: usize,
    /// There was no room for it at all.
    refused: bool,
    /// It made room for another: from the answer of this number on none restates it.
    crowded_out: Option<usize>,
}

/// All deadlines and answers of one life.
#[derive(Default)]
pub(super) struct Deadlines<'r> {
    answers: Vec<Answer>,
    all: Vec<Deadline<'r>>,
}

impl Deadline<'_> {
    fn decided_at(&self, limits: &Limits) -> Timestamp {
        self.due.max(self.began).plus(limits.lateness_ms)
    }

    fn in_time<'a>(&self, answers: &'a [Answer]) -> impl Iterator<Item = (usize, &'a Answer)> {
        let times = self.by.time..=self.due;
        let numbered = answers.iter().enumerate();
        numbered.filter(move |(_, a)| times.contains(&a.time))
    }

    fn hindered(&self, answers: &[Answer], limits: &Limits) -> bool {
        let until = self.decided_at(limits);
        self.in_time(answers).any(|(_, a)| a.log_time < until)
    }

    /// The answer that takes the breach back.
    fn restated<'a>(&self, answers: &'a [Answer], limits: &Limits) -> Option<&'a Answer> {
        let breached = self.decided_at(limits);
        let last = self.crowded_out.unwrap_or(usize::MAX);
        let mut all = self.in_time(answers).filter(|(n, a)| {
            let recent = a.log_time.since(a.time) <= limits.horizon_ms;
            recent && a.log_time >= breached && *n < last
        });
        all.next().map(|(_, a)| a)
    }

    /// Something may still be decided of it at log time `now`.
    fn stands(&self, answers: &[Answer], now: Timestamp, limits: &Limits) -> bool {
        let past = self.breached(now, limits) && now.since(self.due) > limits.horizon_ms;
        let settled = self.hindered(answers, limits) || self.restated(answers, limits).is_some();
        !self.refused && self.crowded_out.is_none() && !past && !settled
    }

    fn breached(&self, now: Timestamp, limits: &Limits) -> bool {
        self.decided_at(limits) <= now
    }
}

impl<'r> Deadlines<'r> {
    pub(super) fn answered(&mut self, position: usize, by: &Named) {
        self.answers.push(Answer {
            position,
            time: by.time,
            log_time: by.log_time,
        });
    }

    /// A message is the oldest unanswered one after the record at `position`; the first time its
    /// deadline begins.
    pub(super) fn oldest(
        &mut self,
        (position, now): (usize, Timestamp),
        (by, due): (&'r Named, Timestamp),
        limits: &Limits,
    ) {
        if self.all.iter().any(|d| std::ptr::eq(d.by, by)) {
            return;
        }
        let standing = (0..self.all.len())
            .filter(|i| self.all[*i].stands(&self.answers, now, limits))
            .collect::<Vec<_>>();
        let mut one = Deadline {
            by,
            due,
            began: now,
            position,
            refused: false,
            crowded_out: None,
        };
        if standing.len() >= DEADLINES {
            let breached = standing
                .into_iter()
                .filter(|i| self.all[*i].breached(now, limits));
            let first = breached.min_by_key(|i| (self.all[*i].due, self.all[*i].by.time));
            match first {
                Some(i) => self.all[i].crowded_out = Some(self.answers.len()),
                None => one.refused = true,
            }
        }
        self.all.push(one);
    }

    /// From when on nothing can be decided any more, seen at log time `now`.
    pub(super) fn settled(&self, now: Timestamp, limits: &Limits) -> Option<Timestamp> {
        let standing = self
            .all
            .iter()
            .filter(|d| d.stands(&self.answers, now, limits));
        let ends = standing.map(|d| {
            let restatable = d.due.plus(limits.horizon_ms).plus(1);
            restatable.max(d.decided_at(limits))
        });
        ends.max()
    }

    /// How many found no room or lost it.
    pub(super) fn unkept(&self) -> usize {
        let lost = |d: &&Deadline<'_>| d.refused || d.crowded_out.is_some();
        self.all.iter().filter(lost).count()
    }

    /// What counts of them at second `s`: a reply in time where it stands, a breach at its due time until it is
    /// taken back.
    pub(super) fn changes(&self, s: i64, of: Replies, limits: &Limits) -> Vec<Change<'r>> {
        let mut changes = Vec::new();
        for d in self.all.iter().filter(|d| !d.refused) {
            let mut change = |count, time, log_time| {
                changes.push(Change {
                    by: d.by,
                    count,
                    time,
                    log_time,
                });
            };
            let decided = of == Replies::Decided;
            let at = d.decided_at(limits);
            let first = d.in_time(&self.answers).next().map(|(_, a)| a);
            let kept = if d.hindered(&self.answers, limits) {
                // What came later than the horizon counts in no window.
                first.filter(|a| a.log_time.since(a.time) <= limits.horizon_ms)
            } else {
                if decided && at <= Timestamp::from_second(s) {
                    change(1, d.due, at);
                }
                d.restated(&self.answers, limits)
            };
            if let Some(reply) = kept {
                if decided && !d.hindered(&self.answers, limits) {
                    change(-1, d.due, reply.log_time);
                }
                change(1, reply.time, reply.log_time);
            }
        }
        changes
    }

    /// What is decided by the end of the log.
    pub(super) fn decisions(
        &self,
        conversation: &str,
        log: &[Named],
        limits: &Limits,
    ) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for d in self.all.iter().filter(|d| !d.refused) {
            if d.hindered(&self.answers, limits) {
                continue;
            }
            let at = d.decided_at(limits);
            let after = log.iter().enumerate().skip(d.position + 1);
            let mut firing = after.filter(|(_, r)| r.log_time >= at).map(|(i, _)| i);
            let Some(offset) = firing.next() else {
                continue;
            };
            let said = |ruling, offset, decided_at| Decision {
                offset,
                ruling,
                asked_at: d.by.time,
                due: d.due,
                decided_at,
                conversation: conversation.to_owned(),
                customer: d.by.event["subject"].as_str().map(str::to_owned),
                channel: d.by.event["data"]["channel"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            };
            decisions.push(said("reply_breached", offset, at));
            if let Some(answer) = d.restated(&self.answers, limits) {
                decisions.push(said("reply_met", answer.position, answer.log_time));
            }
        }
        decisions
    }
}
