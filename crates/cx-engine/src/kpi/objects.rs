//! In: contacts and conversations that begin or cease to wait, newest events of sources. Kept:
//! counts or ordered starts per combination. Out: gauges and ages. Never knows: why they wait.

use super::aged::Aged;
use super::layout::{ABSENT_MAX, ABSENT_MIN, scopes};
use crate::state::waiting::{Change, Marks, Moves, Waiting};
use cx_catalog::compiled::{Compiled, CompiledAgg, View, combos};
use cx_catalog::definition::Object;
use cx_catalog::fact::Facts;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use std::collections::BTreeSet;

/// What waits; objects of one family carry marks of the same measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Contacts,
    Conversations,
    Cases,
}

/// The waiting objects of one measure, by combination.
struct Waitings {
    measure: usize,
    /// Only those that are overdue count.
    overdue: bool,
    kept: Kept,
}

enum Kept {
    Counts(Vec<i64>),
    Starts(Vec<BTreeSet<(Timestamp, Key128)>>),
    Aged(Box<Aged>),
}

/// The newest event time per declared source, of one measure.
struct Newest {
    measure: usize,
    /// It takes every event: what its condition says of none, it says of any.
    every: bool,
    by_source: Vec<i64>,
}

const NO_EVENT: View<'_, '_> = View {
    event: None,
    outcome: "applied",
    reason: "",
    facts: &Facts::NONE,
};

/// All gauges and ages of one partition.
#[derive(Default)]
pub(crate) struct Objects {
    contacts: Vec<Waitings>,
    conversations: Vec<Waitings>,
    cases: Vec<Waitings>,
    newest: Vec<Newest>,
}

impl Objects {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut objects = Self::default();
        for (measure, m) in set.measures.iter().enumerate() {
            let all = combos(&m.dimensions);
            let (of, kept) = match m.agg {
                CompiledAgg::Gauge(of) => {
                    let aged = Aged::of(&m.dimensions).map(|aged| Kept::Aged(Box::new(aged)));
                    (of, aged.unwrap_or_else(|| Kept::Counts(vec![0; all])))
                }
                CompiledAgg::Oldest(of) => (of, Kept::Starts(vec![BTreeSet::new(); all])),
                CompiledAgg::Count
                | CompiledAgg::CountRecords
                | CompiledAgg::Sum { .. }
                | CompiledAgg::Average { .. }
                | CompiledAgg::Min { .. }
                | CompiledAgg::Max { .. }
                | CompiledAgg::Percentile { .. }
                | CompiledAgg::CountDistinct
                | CompiledAgg::Channels(_)
                | CompiledAgg::Replies(_)
                | CompiledAgg::Numbered(_)
                | CompiledAgg::Attempts(..) => continue,
            };
            let waitings = |overdue| Waitings {
                measure,
                overdue,
                kept,
            };
            match of {
                Object::ContactWaiting => objects.contacts.push(waitings(false)),
                Object::ConversationUnanswered => objects.conversations.push(waitings(false)),
                Object::ConversationOverdue => objects.conversations.push(waitings(true)),
                Object::CaseOpen => objects.cases.push(waitings(false)),
                Object::SourceLastEvent => objects.newest.push(Newest {
                    measure,
                    every: (m.condition)(NO_EVENT) == Some(true),
                    by_source: vec![ABSENT_MAX; set.sources.len()],
                }),
            }
        }
        objects
    }

    /// Goes on where `old` stops: `same` names by measure the one there that counted the same. What marks
    /// of contacts and of conversations become, where they do not stay: by mark the one before.
    pub(crate) fn carry(&mut self, old: &mut Self, same: &[Option<usize>]) -> [Option<Moves>; 3] {
        for kept in &mut self.newest {
            let theirs = old.newest.iter_mut();
            let mut theirs = theirs.filter(|o| same[kept.measure] == Some(o.measure));
            if let Some(theirs) = theirs.next() {
                kept.by_source = std::mem::take(&mut theirs.by_source);
            }
        }
        [
            carry(&mut self.contacts, &mut old.contacts, same),
            carry(&mut self.conversations, &mut old.conversations, same),
            carry(&mut self.cases, &mut old.cases, same),
        ]
    }

    /// What the measures of a family say of the event that begins a wait; the second value is how
    /// many conditions ended in an error.
    pub(crate) fn marks(
        &self,
        set: &Compiled,
        family: Family,
        view: View<'_, '_>,
        holds: impl Fn(usize) -> bool,
    ) -> (Marks, i64) {
        let mut errors = 0;
        let waitings = match family {
            Family::Contacts => &self.contacts,
            Family::Conversations => &self.conversations,
            Family::Cases => &self.cases,
        };
        let marks = waitings.iter().map(|w| {
            if !holds(w.measure) {
                return None;
            }
            let measure = &set.measures[w.measure];
            match (measure.condition)(view) {
                Some(true) => Some(super::dims::leaf(&measure.dimensions, view)),
                Some(false) => None,
                None => {
                    errors += 1;
                    None
                }
            }
        });
        (marks.collect(), errors)
    }

    /// An object began or ceased to wait, or became overdue.
    pub(crate) fn change(&mut self, set: &Compiled, family: Family, key: Key128, change: &Change) {
        if change.before == change.after {
            return;
        }
        let waitings = match family {
            Family::Contacts => &mut self.contacts,
            Family::Conversations => &mut self.conversations,
            Family::Cases => &mut self.cases,
        };
        for (before, sign) in [(&change.before, -1), (&change.after, 1)] {
            if let Some(waiting) = before {
                count(waitings, set, key, waiting, sign);
            }
        }
    }

    /// Whether anybody counts cases.
    pub(crate) fn counts_cases(&self) -> bool {
        !self.cases.is_empty()
    }

    /// It is this second now: who is open grows older.
    pub(crate) fn advance(&mut self, s: i64) {
        let all = self.contacts.iter_mut().chain(&mut self.conversations);
        for waitings in all.chain(&mut self.cases) {
            if let Kept::Aged(aged) = &mut waitings.kept {
                aged.advance(s);
            }
        }
    }

    /// An event of a declared source; returns how many conditions ended in an error.
    pub(crate) fn source(
        &mut self,
        set: &Compiled,
        source: usize,
        time: Timestamp,
        view: View<'_, '_>,
        holds: impl Fn(usize) -> bool,
    ) -> i64 {
        let mut errors = 0;
        let newest = self.newest.iter_mut();
        for kept in newest.filter(|kept| holds(kept.measure)) {
            let said = if kept.every {
                Some(true)
            } else {
                (set.measures[kept.measure].condition)(view)
            };
            match said {
                Some(true) => {
                    kept.by_source[source] = kept.by_source[source].max(time.0);
                }
                Some(false) => {}
                None => errors += 1,
            }
        }
        errors
    }

    /// The newest event of each source, by measure of such ages.
    pub(crate) fn cut(&self) -> Vec<Vec<i64>> {
        self.newest.iter().map(|n| n.by_source.clone()).collect()
    }

    /// Takes those of a cut; false where they are not those of this set. What waits comes with
    /// its contacts and conversations.
    pub(crate) fn restore(&mut self, newest: Vec<Vec<i64>>) -> bool {
        let fits = newest.len() == self.newest.len();
        let mut pairs = self.newest.iter_mut().zip(newest);
        fits && pairs.all(|(kept, by_source)| {
            let fits = by_source.len() == kept.by_source.len();
            if fits {
                kept.by_source = by_source;
            }
            fits
        })
    }

    /// Writes the measure's components for the second being emitted.
    pub(crate) fn write(&self, measure: usize, out: &mut Vec<i64>) {
        let waitings = self.contacts.iter().chain(&self.conversations);
        let mut waitings = waitings.chain(&self.cases);
        if let Some(found) = waitings.find(|w| w.measure == measure) {
            match &found.kept {
                Kept::Counts(counts) => out.extend(counts),
                Kept::Aged(aged) => out.extend(aged.counts()),
                Kept::Starts(starts) => {
                    let least = |s: &BTreeSet<(Timestamp, Key128)>| s.first().map(|(t, _)| t.0);
                    out.extend(starts.iter().map(|s| least(s).unwrap_or(ABSENT_MIN)));
                }
            }
        } else if let Some(kept) = self.newest.iter().find(|n| n.measure == measure) {
            out.extend(&kept.by_source);
        }
    }
}

/// What waits goes on being counted where it was. Marks stay where none of them moves; more of them than
/// before say nothing of what waits already.
fn carry(here: &mut [Waitings], there: &mut [Waitings], same: &[Option<usize>]) -> Option<Moves> {
    let moves: Moves = here
        .iter()
        .map(|w| {
            there
                .iter()
                .position(|o| same[w.measure] == Some(o.measure))
        })
        .collect();
    for (own, from) in here.iter_mut().zip(&moves) {
        if let Some(from) = from {
            std::mem::swap(&mut own.kept, &mut there[*from].kept);
        }
    }
    let stays = moves.len() >= there.len() && (0..there.len()).all(|i| moves[i] == Some(i));
    (!stays).then_some(moves)
}

fn count(waitings: &mut [Waitings], set: &Compiled, key: Key128, waiting: &Waiting, sign: i64) {
    for (of, mark) in waitings.iter_mut().zip(waiting.marks.iter()) {
        let Some(leaf) = mark.filter(|_| waiting.overdue || !of.overdue) else {
            continue;
        };
        if let Kept::Aged(aged) = &mut of.kept {
            aged.count(waiting.start, key, leaf, sign);
            continue;
        }
        let (combos, n) = scopes(&set.measures[of.measure].dimensions, leaf);
        for combo in &combos[..n] {
            match &mut of.kept {
                Kept::Counts(counts) => counts[*combo] += sign,
                Kept::Aged(_) => {}
                Kept::Starts(starts) if sign > 0 => {
                    starts[*combo].insert((waiting.start, key));
                }
                Kept::Starts(starts) => {
                    starts[*combo].remove(&(waiting.start, key));
                }
            }
        }
    }
}
