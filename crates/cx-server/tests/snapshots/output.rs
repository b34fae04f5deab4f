//! Law 9's other side: topics that take what follows from the log some time after it was handed to the
//! producer, in order, and never see what a life that ended had still queued.

use cx_engine::Effect;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::{BTreeSet, VecDeque};

/// Offset of a record, number within it; `u32::MAX` says that all of the record's are written.
pub(crate) type Place = (i64, u32);

/// One topic and what is on its way to it.
#[derive(Default)]
struct Topic {
    taken: Vec<Place>,
    queued: VecDeque<Place>,
}

/// The topics of decisions and of dead letters; they take in no common order.
#[derive(Default)]
pub(crate) struct Output {
    decisions: Topic,
    dead_letters: Topic,
    /// The highest place that earlier lives wrote a decision for.
    highest: Option<Place>,
    /// The log minute that was marked last.
    through: i64,
    /// In one of so many moments the broker takes something.
    slow: u32,
}

/// How much was handed over when a cut was made.
pub(crate) type Mark = (usize, usize);

impl Topic {
    fn handed_over(&self) -> usize {
        self.taken.len() + self.queued.len()
    }

    fn take(&mut self, some: usize) {
        let some = some.min(self.queued.len());
        self.taken.extend(self.queued.drain(..some));
    }
}

impl Output {
    /// A life ends: what was queued is gone; the next one looks at what is written.
    pub(crate) fn next_life(&mut self, slow: u32) {
        self.slow = slow;
        self.decisions.queued.clear();
        self.dead_letters.queued.clear();
        self.highest = self.decisions.taken.iter().copied().max();
        self.through = i64::MIN;
    }

    /// What a record caused, and where log time is after it.
    pub(crate) fn hand_over(&mut self, offset: i64, effects: &[Effect], minute: i64) {
        for effect in effects {
            match effect {
                Effect::Decision(decision) => {
                    let place = (decision.offset, decision.index);
                    if self.highest.is_none_or(|highest| place > highest) {
                        self.decisions.queued.push_back(place);
                    }
                }
                Effect::DeadLetter { offset, .. } => {
                    self.dead_letters.queued.push_back((*offset, 0));
                }
                Effect::Part(_) | Effect::Final(_) => {}
            }
        }
        if minute > self.through {
            self.through = minute;
            if self.highest.is_none_or(|(highest, _)| offset > highest) {
                self.decisions.queued.push_back((offset, u32::MAX));
            }
        }
    }

    /// The broker takes some of it.
    pub(crate) fn pass(&mut self, rng: &mut StdRng) {
        if !rng.random_ratio(1, self.slow) {
            return;
        }
        self.decisions.take(rng.random_range(0..3));
        self.dead_letters.take(rng.random_range(0..3));
    }

    /// The broker takes all of it.
    pub(crate) fn drain(&mut self) {
        self.decisions.take(usize::MAX);
        self.dead_letters.take(usize::MAX);
    }

    pub(crate) fn mark(&self) -> Mark {
        let Self {
            decisions,
            dead_letters,
            ..
        } = self;
        (decisions.handed_over(), dead_letters.handed_over())
    }

    /// Whether all that was handed over before the mark is taken.
    pub(crate) fn taken(&self, mark: Mark) -> bool {
        let (decisions, dead_letters) = mark;
        self.decisions.taken.len() >= decisions && self.dead_letters.taken.len() >= dead_letters
    }

    /// Panics unless every decision was written once, every refused record at least once, and nothing
    /// else.
    pub(crate) fn check(&self, decisions: &[Place], refused: &BTreeSet<i64>) {
        let written = self.decisions.taken.iter().filter(|p| p.1 != u32::MAX);
        let written: Vec<Place> = written.copied().collect();
        assert_eq!(written, decisions, "decisions written, in order");
        let aside: BTreeSet<i64> = self.dead_letters.taken.iter().map(|p| p.0).collect();
        assert_eq!(&aside, refused, "records put aside");
    }
}
