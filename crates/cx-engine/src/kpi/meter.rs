//! In: events and records with their outcome. Kept: panes, distinct maps, gauges of one partition.
//! Out: the components of one second. Never knows: other partitions; how a value is rounded.

use super::dims::Leaves;
use super::distinct::{Row, Told};
use super::finals;
use super::journeys::Journeys;
use super::lasting::{Packed, Panes};
use super::layout::scopes;
use super::marks::{List, Mark, Marks};
use super::numbered::{self, Numbered};
use super::objects::{Family, Objects};
use super::outcomes::PLAIN;
use super::profiles::Profiles;
use super::spans::{Since, Spans};
use super::spots::Spots;
use super::sums::{Added, Sums};
use super::tally::Tally;
use crate::plan::Plan;
use crate::state::attempts::Turned;
use crate::state::shards::Table;
use crate::state::waiting::{self, Moves};
use cx_catalog::compiled::{CompiledAgg, View};
use cx_catalog::fact::Facts;
use cx_catalog::journey::{Attempts, Replies};
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Outcomes of events that were not seen before.
const SEEN_FIRST: [&str; 2] = ["applied", "late"];

/// One partition's measuring.
pub(crate) struct Meter {
    plan: Arc<Plan>,
    sums: Sums,
    pub(crate) objects: Objects,
    pub(crate) journeys: Journeys,
    numbered: Numbered,
    leaves: Leaves,
    profiles: Profiles,
    spans: Spans,
    /// Records of this second of log time by outcome, not yet added to the measures that count every one.
    tide: ([i64; PLAIN.len()], Timestamp),
}

/// What marks become under another plan, where they do not stay.
pub(crate) struct Carried {
    pub(crate) contacts: Option<Moves>,
    pub(crate) conversations: Option<Moves>,
    pub(crate) cases: Option<Moves>,
    pub(crate) replies: Moves,
    /// By journey there, its number here, and what its marks become.
    pub(crate) journeys: Vec<Option<(usize, Moves)>>,
}

/// One event as the meter needs it.
pub(crate) struct Counted<'c, 'a> {
    pub(crate) event: &'c Event<'a>,
    /// What its type means, by [`Names`](super::names::Names).
    pub(crate) kind: usize,
    pub(crate) customer: Option<Key128>,
    /// The number of its channel, where that is registered.
    pub(crate) channel: Option<usize>,
    /// Where the minutes of the customer are kept, if there was room.
    pub(crate) row: Option<u32>,
    pub(crate) time: Timestamp,
    pub(crate) log_time: Timestamp,
    pub(crate) facts: Facts,
}

/// What is measured at a cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    added: Added,
    newest: Vec<Vec<i64>>,
    numbered: numbered::Cut,
}

/// What counting refused or could not decide.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub(crate) cel_errors: i64,
    pub(crate) limited: bool,
}

impl Meter {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let Plan { set, .. } = &*plan;
        Self {
            sums: Sums::new(&plan),
            objects: Objects::new(set),
            journeys: Journeys::new(set),
            numbered: Numbered::new(set),
            leaves: plan.dims.leaves(),
            profiles: Profiles::default(),
            spans: Spans::of(&plan, &[]),
            tide: ([0; PLAIN.len()], Timestamp(0)),
            plan,
        }
    }

    /// From which seconds on sets hold here.
    pub(crate) fn hold(&mut self, since: &Since) {
        self.settle();
        self.spans = Spans::of(&self.plan, since);
    }

    /// Goes on under another plan: what both count is not interrupted. What marks of contacts and of
    /// conversations become, where they do not stay.
    pub(crate) fn carry(&mut self, plan: Arc<Plan>, since: &Since) -> Carried {
        self.settle();
        let same = plan.same_in(&self.plan);
        let mut fresh = Self::new(plan);
        let layouts = (&fresh.plan.layout, &self.plan.layout);
        fresh.sums.carry(&mut self.sums, &same, layouts);
        fresh.numbered.carry(&self.numbered, &same);
        let [contacts, conversations, cases] = fresh.objects.carry(&mut self.objects, &same);
        let plans = (&*fresh.plan.set, &*self.plan.set);
        let (replies, journeys) = fresh.journeys.carry(&mut self.journeys, &same, plans);
        fresh.hold(since);
        *self = fresh;
        Carried {
            contacts,
            conversations,
            cases,
            replies,
            journeys,
        }
    }

    /// Whether a measure counts what happened at `time`.
    pub(crate) fn holds(&self, measure: usize, time: Timestamp) -> bool {
        self.spans.holds(measure, time)
    }

    /// Where the event that begins an attempt counts; `None` where no measure judges it.
    pub(crate) fn begins(
        &self,
        journey: usize,
        time: Timestamp,
        view: View<'_, '_>,
    ) -> Option<waiting::Marks> {
        let holds = |measure| self.holds(measure, time);
        let marks = self.journeys.marks(&self.plan.set, journey, view, holds);
        marks.iter().any(Option::is_some).then_some(marks)
    }

    /// Where a message counts whose reply is promised; how many conditions ended in an error.
    pub(crate) fn promised(&self, time: Timestamp, view: View<'_, '_>) -> (waiting::Marks, i64) {
        let holds = |measure| self.holds(measure, time);
        self.journeys.promised(&self.plan.set, view, holds)
    }

    /// What the measures of a family say of the event that begins a wait; how many conditions ended in
    /// an error.
    pub(crate) fn marks(
        &self,
        family: Family,
        time: Timestamp,
        view: View<'_, '_>,
    ) -> (waiting::Marks, i64) {
        let holds = |measure| self.holds(measure, time);
        self.objects.marks(&self.plan.set, family, view, holds)
    }

    /// An event of a declared source; returns how many conditions ended in an error.
    pub(crate) fn source(&mut self, source: usize, time: Timestamp, view: View<'_, '_>) -> i64 {
        let (objects, spans) = (&mut self.objects, &self.spans);
        let holds = |measure| spans.holds(measure, time);
        objects.source(&self.plan.set, source, time, view, holds)
    }

    /// Sets every ring to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        self.settle();
        self.sums.advance(s);
        self.objects.advance(s);
        self.numbered.advance(s);
    }

    /// Customers whose minutes are kept.
    pub(crate) fn recent(&self) -> usize {
        self.sums.distinct.len()
    }

    /// Customers who are counted over a day and more.
    pub(crate) fn lasting(&self) -> usize {
        self.sums.lasting.len()
    }

    /// Where the minutes of a customer are kept, who was told `known` before.
    pub(crate) fn row(&mut self, customer: Key128, known: Option<u32>) -> Option<u32> {
        self.sums.distinct.row(customer, known)
    }

    /// Counts an applied event in those of its type's measures whose condition it fulfils.
    pub(crate) fn count(&mut self, counted: &Counted<'_, '_>) -> Troubles {
        let mut troubles = Troubles::default();
        let Plan {
            set,
            names,
            layout,
            looks,
            ..
        } = &*self.plan;
        let second = counted.time.second();
        let spots = self.sums.spots(second, counted.log_time);
        let open = self.spans.open(counted.time);
        let of = (counted.kind, counted.event);
        let known = match open {
            true => self.profiles.find(&self.plan, of, &mut self.sums),
            false => None,
        };
        let mut told: (&[Mark], List) = (&[], List::NONE);
        let mut rest = &*names[counted.kind].measures;
        if let Some(known) = known {
            let profile = &*known.profile;
            self.sums.count(profile, layout, &spots);
            for (i, leaf) in &profile.valued {
                let (measure, place) = (&set.measures[*i], &layout.places[*i]);
                let (combos, n) = scopes(&measure.dimensions, *leaf);
                self.sums
                    .add((measure, *i, place), counted, &combos[..n], &spots);
            }
            troubles.cel_errors += profile.cel_errors;
            told = (&profile.marks, known.list);
            rest = looks.asked(counted.kind);
        }
        let mut marks = Marks::new();
        if !rest.is_empty() {
            let asked = Asked {
                plan: &self.plan,
                spans: (!open).then_some(&self.spans),
                leaves: &mut self.leaves,
                spots,
            };
            troubles.cel_errors += asked.count(rest, counted, &mut self.sums, &mut marks);
        }
        let Some(customer) = counted.customer else {
            return troubles;
        };
        if !marks.is_empty() {
            // In the order of measures, whichever way they were found.
            marks.extend(told.0.iter().cloned());
            marks.sort_unstable_by_key(|mark| mark.measure);
            told = (&marks, self.sums.list(&marks));
        }
        if !told.0.is_empty() {
            troubles.limited = self.sums.see((customer, counted.row), told, second);
        }
        troubles
    }

    /// An attempt took a turn.
    pub(crate) fn turn(&mut self, turned: &Turned) {
        for (measure, leaf, by) in self.journeys.of_turn(&self.plan.set, turned) {
            self.add((measure, leaf), (turned.due, turned.now), by);
        }
    }

    /// A promised reply was decided, or is not any more.
    pub(crate) fn reply(
        &mut self,
        (of, marks): (Replies, &waiting::Marks),
        times: (Timestamp, Timestamp),
        by: i64,
    ) {
        for (measure, leaf) in self.journeys.of_reply(of, marks) {
            self.add((measure, leaf), times, by);
        }
    }

    /// Adds to a count at a time of its own, known at log time `now`.
    fn add(&mut self, (i, leaf): (usize, [u16; 2]), (at, now): (Timestamp, Timestamp), by: i64) {
        // What falls due in a silence is further ahead of the last second than panes reach.
        self.settle();
        self.sums.advance(now.second());
        let spots = self.sums.spots(at.second(), now);
        let Plan { set, layout, .. } = &*self.plan;
        let (combos, n) = scopes(&set.measures[i].dimensions, leaf);
        let (place, combo) = (&layout.places[i], combos[n - 1]);
        self.sums.put(&spots, place, (combo, 0), by);
        self.sums.restate(&spots, place, combo);
    }

    /// Adds the records of the second that is over to the measures that count every one of them.
    fn settle(&mut self) {
        let (tide, log_time) = std::mem::take(&mut self.tide);
        let Plan {
            layout, outcomes, ..
        } = &*self.plan;
        if tide == [0; PLAIN.len()] {
            return;
        }
        let spots = self.sums.spots(log_time.second(), log_time);
        for (outcome, records) in tide.into_iter().enumerate() {
            let all = outcomes.plain(outcome).always.iter();
            for i in all.filter(|i| self.spans.holds(**i, log_time)) {
                self.sums.put(&spots, &layout.places[*i], (0, 0), records);
            }
        }
    }

    /// Counts a record by what became of it, at log time; the number of errors in conditions.
    pub(crate) fn count_record(&mut self, view: View<'_, '_>, log_time: Timestamp) -> i64 {
        let outcome = PLAIN.iter().position(|plain| *plain == view.outcome);
        if let Some(outcome) = outcome {
            self.tide.0[outcome] += 1;
            self.tide.1 = log_time;
        }
        if !self.numbered.is_empty()
            && SEEN_FIRST.contains(&view.outcome)
            && let Some(event) = view.event
        {
            let spans = &self.spans;
            let holds = |measure| spans.holds(measure, log_time);
            self.numbered.note(event, log_time, holds);
        }
        let asked = &self.plan.outcomes.of(outcome).asked;
        if asked.is_empty() {
            return 0;
        }
        let mut errors = 0;
        let Plan {
            set, dims, layout, ..
        } = &*self.plan;
        self.leaves.begin();
        let spots = self.sums.spots(log_time.second(), log_time);
        for i in asked {
            let measure = &set.measures[*i];
            match (measure.condition)(view) {
                Some(true) if self.spans.holds(*i, log_time) => {
                    let leaf = dims.leaf(&mut self.leaves, *i, (view, None));
                    let (combos, n) = scopes(&measure.dimensions, leaf);
                    self.sums
                        .put(&spots, &layout.places[*i], (combos[n - 1], 0), 1);
                }
                Some(_) => {}
                None => errors += 1,
            }
        }
        errors
    }

    /// What is measured, as it is now; rows of customers stand apart.
    pub(crate) fn cut(&mut self) -> (Measured, Vec<Arc<Vec<Row>>>) {
        self.settle();
        let (added, rows) = self.sums.cut();
        let measured = Measured {
            added,
            newest: self.objects.cut(),
            numbered: self.numbered.cut(),
        };
        (measured, rows)
    }

    /// Customers who are counted over days, as they are now.
    pub(crate) fn cut_lasting(&mut self) -> Vec<Arc<Table<Packed>>> {
        self.sums.lasting.cut_customers()
    }

    /// Takes one of them; false where it is not of this set.
    pub(crate) fn restore_lasting(&mut self, customer: Key128, panes: &[Panes]) -> bool {
        self.sums.lasting.restore_customer(customer, panes)
    }

    /// Takes what a cut says; false where it is not of this set.
    pub(crate) fn restore(&mut self, cut: Measured) -> bool {
        self.sums.restore(cut.added)
            && self.objects.restore(cut.newest)
            && self.numbered.restore(cut.numbered)
    }

    /// Takes rows of customers in their order; false where they are not those of this set.
    pub(crate) fn restore_rows(&mut self, rows: Vec<Told>) -> bool {
        self.sums.restore_rows(rows)
    }

    /// Whether all rows are there that a cut spoke of.
    pub(crate) fn whole(&self) -> bool {
        self.sums.distinct.whole()
    }

    /// All components for second `s`; the rings must have been advanced to it.
    pub(crate) fn components(&self) -> Box<[i64]> {
        let Plan { set, layout, .. } = &*self.plan;
        let mut out = Vec::with_capacity(layout.size);
        for (i, measure) in set.measures[..self.plan.shown].iter().enumerate() {
            if matches!(measure.agg, CompiledAgg::Attempts(Attempts::Undecided, _)) {
                out.extend(self.journeys.open(i));
                continue;
            }
            if matches!(measure.agg, CompiledAgg::Numbered(_)) {
                self.numbered.write(i, &mut out);
                continue;
            }
            if matches!(measure.agg, CompiledAgg::Gauge(_) | CompiledAgg::Oldest(_)) {
                self.objects.write(i, &mut out);
                continue;
            }
            for window in &measure.windows {
                self.sums.write((i, &layout.places[i]), *window, &mut out);
            }
        }
        let next = layout.places.get(self.plan.shown);
        let size = next.map_or(layout.size, |place| place.base);
        debug_assert_eq!(out.len(), size, "layout and components agree");
        out.into_boxed_slice()
    }

    /// What was counted in the minute before second `end`, which the rings still hold.
    pub(crate) fn minute(&self, end: i64) -> Box<[i64]> {
        finals::minute(&self.plan, &self.sums, end)
    }

    /// All tallies for the second of [`Self::components`].
    pub(crate) fn tallies(&self) -> Box<[Tally]> {
        let Plan { set, layout, .. } = &*self.plan;
        let mut out = Vec::with_capacity(layout.tallies);
        for (i, measure) in set.measures[..self.plan.shown].iter().enumerate() {
            let place = &layout.places[i];
            let kept = layout.places[place.keeper].tally;
            if let Some(kept) = kept.filter(|_| place.keeper != i) {
                out.extend_from_within(kept..kept + place.combos * measure.windows.len());
                continue;
            }
            for window in &measure.windows {
                self.sums.write_tallies((i, place), *window, &mut out);
            }
        }
        let mut later = layout.places[self.plan.shown..].iter();
        let tallies = later.find_map(|place| place.tally);
        let tallies = tallies.unwrap_or(layout.tallies);
        debug_assert_eq!(out.len(), tallies, "layout and tallies agree");
        out.into_boxed_slice()
    }
}

/// What it takes to ask measures of one event.
struct Asked<'m> {
    plan: &'m Plan,
    /// Where some measure does not count at the event's time.
    spans: Option<&'m Spans>,
    leaves: &'m mut Leaves,
    spots: Spots,
}

impl Asked<'_> {
    /// Counts the event in those whose condition it fulfils; how many conditions ended in an error.
    fn count(
        self,
        measures: &[usize],
        counted: &Counted<'_, '_>,
        sums: &mut Sums,
        marks: &mut Marks,
    ) -> i64 {
        let Plan {
            set, dims, layout, ..
        } = self.plan;
        let view = View {
            event: Some(counted.event),
            outcome: "applied",
            reason: "",
            facts: &counted.facts,
        };
        let mut errors = 0;
        self.leaves.begin();
        for i in measures {
            if self.spans.is_some_and(|s| !s.holds(*i, counted.time)) {
                continue;
            }
            let measure = &set.measures[*i];
            match (measure.condition)(view) {
                Some(true) => {
                    let leaf = dims.leaf(self.leaves, *i, (view, counted.channel));
                    let (combos, n) = scopes(&measure.dimensions, leaf);
                    let place = (measure, *i, &layout.places[*i]);
                    sums.add(place, counted, &combos[..n], &self.spots);
                    if counted.customer.is_some() {
                        marks.extend(sums.mark((measure, *i), counted.event, leaf));
                    }
                }
                Some(false) => {}
                None => errors += 1,
            }
        }
        errors
    }
}
