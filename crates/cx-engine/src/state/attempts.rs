//! In: events that begin or convert attempts. Kept: the attempts of each entity until nothing can be
//! decided of them any more. Out: what became of them, and when. Never knows: KPIs, whose marks it carries
//! unseen; what an entity is. `schemas/kpis.md` has the rules in full.

use super::deadlines::Terms;
use super::shards::{Shards, Table};
use super::waiting::{Marks, Moves, moved};
use cx_catalog::journey::Repeat;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most attempts kept of one entity.
const OF_ONE: usize = 32;
/// Most attempts of one partition.
pub(crate) const MOST: usize = 1_000_000;

/// The number of a journey that no set has any more.
pub(crate) const NO_JOURNEY: usize = usize::MAX;

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Attempt {
    at: Timestamp,
    due: Timestamp,
    marks: Marks,
    /// What the event says that the other must not say again.
    said: Key128,
    converted: bool,
    decided: bool,
}

/// The attempts of one entity in one journey.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Entity {
    journey: usize,
    all: Vec<Attempt>,
}

/// What happened to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It began, and is undecided.
    Opened,
    /// It is undecided no more: converted, or begun anew.
    Closed,
    /// Its time is over; whether it was converted.
    Decided(bool),
    /// It was converted after all.
    Restated,
}

/// A turn of an attempt, with what the measures need.
#[derive(Debug, Clone)]
pub(crate) struct Turned {
    pub(crate) journey: usize,
    pub(crate) turn: Turn,
    pub(crate) marks: Marks,
    pub(crate) due: Timestamp,
    /// Log time at which it happened.
    pub(crate) now: Timestamp,
}

/// An event that begins an attempt.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) within_ms: i64,
    pub(crate) repeat: Repeat,
    pub(crate) marks: Marks,
}

/// What an event does.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) converts: bool,
    pub(crate) begins: Option<Base>,
    /// It came later than the horizon.
    pub(crate) late: bool,
}

/// All attempts of one partition.
pub(crate) struct Attempts {
    map: Shards<Entity>,
    dues: BTreeSet<(Timestamp, Key128)>,
    len: usize,
    most: usize,
    terms: Terms,
}

impl Attempt {
    /// The next moment at which something happens to it by time alone.
    fn next(&self, terms: Terms) -> Timestamp {
        if self.decided {
            self.due.plus(terms.horizon_ms).plus(1)
        } else {
            self.due
        }
    }

    fn turned(&self, journey: usize, turn: Turn, now: Timestamp) -> Turned {
        Turned {
            journey,
            turn,
            marks: Arc::clone(&self.marks),
            due: self.due,
            now,
        }
    }

    /// Whether a measure counts it that counts with these marks. Those of an earlier set are in nobody's way:
    /// under a later one a definition that counts otherwise begins empty.
    fn counts(&self, marks: &Marks) -> bool {
        let mut both = self.marks.iter().zip(marks.iter());
        both.any(|(own, other)| own.is_some() && other.is_some())
    }

    fn covers(&self, at: Timestamp) -> bool {
        (self.at..=self.due).contains(&at)
    }
}

impl Entity {
    fn next(&self, terms: Terms) -> Option<Timestamp> {
        self.all.iter().map(|a| a.next(terms)).min()
    }

    fn convert(
        &mut self,
        (at, now): (Timestamp, Timestamp),
        said: Key128,
        late: bool,
    ) -> Vec<Turned> {
        let journey = self.journey;
        let mut turned = Vec::new();
        let open =
            |a: &&mut Attempt| !a.converted && a.covers(at) && (said.0 == 0 || a.said != said);
        for attempt in self.all.iter_mut().filter(open) {
            if attempt.decided && late {
                continue;
            }
            attempt.converted = true;
            let turn = if attempt.decided {
                Turn::Restated
            } else {
                Turn::Closed
            };
            turned.push(attempt.turned(journey, turn, now));
        }
        turned
    }

    /// Takes an event that could begin an attempt; what happens, and whether there is one attempt more.
    fn begin(
        &mut self,
        (at, now): (Timestamp, Timestamp),
        said: Key128,
        base: Base,
    ) -> (Vec<Turned>, bool) {
        let journey = self.journey;
        let due = at.plus(base.within_ms);
        match base.repeat {
            Repeat::First
                if self
                    .all
                    .iter()
                    .any(|a| a.covers(at) && a.counts(&base.marks)) =>
            {
                return (Vec::new(), false);
            }
            Repeat::Last => {
                let mut open = self.all.iter_mut().filter(|a| a.counts(&base.marks));
                if let Some(open) = open.find(|a| !a.decided && !a.converted) {
                    if at < open.at {
                        return (Vec::new(), false);
                    }
                    let closed = open.turned(journey, Turn::Closed, now);
                    (open.at, open.due, open.marks, open.said) = (at, due, base.marks, said);
                    return (vec![closed, open.turned(journey, Turn::Opened, now)], false);
                }
            }
            Repeat::First | Repeat::Every => {}
        }
        let attempt = Attempt {
            at,
            due,
            marks: base.marks,
            said,
            converted: false,
            decided: false,
        };
        let turned = vec![attempt.turned(journey, Turn::Opened, now)];
        self.all.push(attempt);
        (turned, true)
    }

    /// Decides what is due by `until`; `now`: log time, where that is later.
    fn decide(&mut self, until: Timestamp) -> Vec<Turned> {
        let journey = self.journey;
        let mut turned = Vec::new();
        for attempt in self.all.iter_mut().filter(|a| !a.decided && a.due <= until) {
            attempt.decided = true;
            if !attempt.converted {
                turned.push(attempt.turned(journey, Turn::Closed, until));
            }
            let turn = Turn::Decided(attempt.converted);
            turned.push(attempt.turned(journey, turn, until));
        }
        turned
    }
}

impl Attempts {
    pub(crate) fn new(most: usize, terms: Terms) -> Self {
        Self {
            map: Shards::new(),
            dues: BTreeSet::new(),
            len: 0,
            most,
            terms,
        }
    }

    /// Takes an event of an entity at log time `now`; `None` where the limit refused a new attempt. `said`:
    /// what both events must differ in, 0 where nothing.
    pub(crate) fn step(
        &mut self,
        (key, journey): (Key128, usize),
        (at, now): (Timestamp, Timestamp),
        said: Key128,
        stage: Stage,
    ) -> (Vec<Turned>, bool) {
        if stage.begins.is_none() && !self.map.has(key) {
            return (Vec::new(), true);
        }
        let Some(entity) = self.map.enter(key, usize::MAX) else {
            return (Vec::new(), true);
        };
        entity.journey = journey;
        let before = entity.next(self.terms);
        let mut turned = Vec::new();
        if stage.converts {
            turned = entity.convert((at, now), said, stage.late);
        }
        let mut room = true;
        if let Some(base) = stage.begins {
            room = entity.all.len() < OF_ONE && self.len < self.most;
            if room || base.repeat != Repeat::Every {
                let (more, fresh) = entity.begin((at, now), said, base);
                if fresh && !room {
                    entity.all.pop();
                } else {
                    room = true;
                    turned.extend(more);
                    self.len += usize::from(fresh);
                }
            }
        }
        // A wait that was over before it began is decided at once.
        turned.extend(entity.decide(now));
        let (after, gone) = (entity.next(self.terms), entity.all.is_empty());
        if before != after {
            before.iter().for_each(|due| {
                self.dues.remove(&(*due, key));
            });
            self.dues.extend(after.map(|due| (due, key)));
        }
        if gone {
            self.map.remove(key);
        }
        (turned, room)
    }

    /// The next time something is decided or forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.dues.first().map(|(due, _)| *due)
    }

    /// Fires the first thing due at or before `log_time`; `None` when there is nothing.
    pub(crate) fn fire(&mut self, log_time: Timestamp) -> Option<Vec<Turned>> {
        let (due, key) = *self.dues.first()?;
        if due > log_time {
            return None;
        }
        self.dues.pop_first();
        let entity = self.map.get_mut(key)?;
        let turned = entity.decide(due);
        let before = entity.all.len();
        let terms = self.terms;
        entity.all.retain(|a| !a.decided || a.next(terms) > due);
        self.len -= before - entity.all.len();
        match entity.next(terms) {
            Some(next) => {
                self.dues.insert((next, key));
            }
            None => {
                self.map.remove(key);
            }
        }
        Some(turned)
    }

    /// Another set counts them: by journey, its number there and what its marks become. Those of journeys
    /// that are no more stay until they are over and count nowhere.
    pub(crate) fn remark(&mut self, journeys: &[Option<(usize, Moves)>]) {
        self.map.each(|entity| {
            let new = journeys.get(entity.journey).and_then(Option::as_ref);
            let none = Moves::new();
            let (journey, moves) = new.map_or((NO_JOURNEY, &none), |(j, moves)| (*j, moves));
            entity.journey = journey;
            let all = entity.all.iter_mut();
            all.for_each(|a| a.marks = moved(&a.marks, moves));
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All of them as they are now.
    pub(crate) fn cut(&mut self) -> Vec<Arc<Table<Entity>>> {
        self.map.cut()
    }

    /// Takes one from a cut; its undecided attempts, as if they opened.
    pub(crate) fn restore(&mut self, key: Key128, entity: Entity) -> Vec<Turned> {
        let open = entity.all.iter().filter(|a| !a.decided && !a.converted);
        let turned = open.map(|a| a.turned(entity.journey, Turn::Opened, a.at));
        let turned = turned.collect();
        self.len += entity.all.len();
        self.dues
            .extend(entity.next(self.terms).map(|due| (due, key)));
        if let Some(place) = self.map.enter(key, usize::MAX) {
            *place = entity;
        }
        turned
    }
}
