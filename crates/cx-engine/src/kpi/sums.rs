//! In: matching events with the combinations they count in. Kept: everything that is added up by
//! panes. Out: the components of a measure. Never knows: conditions, gauges.

use super::distinct::{Counts, Distinct, Last, Row, Told};
use super::extremes::Extremes;
use super::grain::{self, GRAINS, Grain, MINUTES};
use super::lasting::{self, Lasting};
use super::layout::{Layout, Merge, Place};
use super::marks::{List, Lists, Mark};
use super::meter::Counted;
use super::panes::{Panes, Rows};
use super::profiles::Profile;
use super::reach::{self, Reach};
use super::spots::{Finder, Spots};
use super::tallies::{self, Tallies};
use super::tally::{Tally, bucket};
use crate::plan::Plan;
use cx_catalog::compiled::{CompiledAgg, CompiledMeasure, Of};
use cx_model::attribute::SLOT_CHANNEL;
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use cx_model::window::Window;
use serde::{Deserialize, Serialize};
use smallvec::smallvec;
use std::sync::Arc;

/// Seconds of the panes in which distinct customers are counted.
const MINUTE: i64 = 60;

/// What is added up by panes.
pub(crate) struct Sums {
    /// By grain.
    panes: [Panes; GRAINS],
    pub(crate) distinct: Distinct,
    pub(crate) lasting: Lasting,
    lists: Lists,
    /// By measure and grain; most have none.
    extremes: Vec<Vec<(usize, Extremes)>>,
    /// By measure and grain, for percentiles.
    tallies: Vec<Vec<(usize, Tallies)>>,
    lateness_ms: i64,
    /// The second that all rings are set to.
    second: i64,
    finder: Finder,
}

/// All panes of a cut.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Added {
    panes: Vec<Rows>,
    extremes: Vec<(i64, Vec<i64>)>,
    tallies: Vec<(i64, Vec<tallies::Row>)>,
    distinct: Counts,
    lasting: lasting::Counts,
}

impl Sums {
    pub(crate) fn new(plan: &Plan) -> Self {
        let Plan { set, layout, .. } = plan;
        let pairs = || set.measures.iter().zip(&layout.places);
        let panes = |i: usize| {
            let Grain { lengths, ahead, .. } = grain::ALL[i];
            let reaches = reach::of_grain(i, lengths, &layout.days);
            Panes::new(layout.sizes[i], &reaches, ahead)
        };
        Self {
            panes: std::array::from_fn(panes),
            extremes: pairs()
                .map(|(m, place)| extremes(m, place, &layout.days))
                .collect(),
            tallies: (0..)
                .zip(&layout.places)
                .map(|(i, place)| tallies((i, place), &layout.days))
                .collect(),
            distinct: Distinct::new(set),
            lasting: Lasting::new(plan),
            lists: Lists::new(),
            lateness_ms: set.limits.lateness_ms,
            second: i64::MIN,
            finder: Finder::default(),
        }
    }

    /// Sets every ring to the panes just before second `s`; they never go back.
    pub(crate) fn advance(&mut self, s: i64) {
        if s <= self.second {
            return;
        }
        // All widths are multiples of the finest.
        let finest = |s: i64| s.saturating_sub(1).div_euclid(grain::ALL[0].width);
        let same = finest(s) == finest(self.second);
        self.second = s;
        if same {
            return;
        }
        self.finder.forget();
        let head = |grain: usize| (s - 1).div_euclid(grain::ALL[grain].width);
        for (i, panes) in self.panes.iter_mut().enumerate() {
            panes.advance(head(i));
        }
        self.distinct.advance((s - 1).div_euclid(MINUTE));
        self.lasting.advance(s);
        for (grain, extremes) in self.extremes.iter_mut().flatten() {
            extremes.advance(head(*grain));
        }
        for (grain, tallies) in self.tallies.iter_mut().flatten() {
            tallies.advance(head(*grain));
        }
    }

    /// Where something of this second is added.
    pub(crate) fn spots(&mut self, second: i64, log_time: Timestamp) -> Spots {
        let of = (&self.panes, self.lateness_ms);
        self.finder.find(of, second, log_time)
    }

    /// Adds to one component of a leaf, in every grain in which the measure is needed; [`Place::add_up`]
    /// makes totals of leaves.
    pub(crate) fn put(
        &mut self,
        spots: &Spots,
        place: &Place,
        (combo, component): (usize, usize),
        value: i64,
    ) {
        let at = combo * place.row_width + component;
        for (grain, row) in place.rows() {
            if let Some(spot) = spots.panes[*grain] {
                self.panes[*grain].add(spot, row + at, value);
            }
        }
    }

    /// Counts one event of a profile; what takes a value of the event is [added](Self::add) by itself.
    pub(crate) fn count(&mut self, profile: &Profile, layout: &Layout, spots: &Spots) {
        for (grain, component) in &profile.risen {
            let grain = usize::from(*grain);
            if let Some(spot) = spots.panes[grain] {
                self.panes[grain].add(spot, *component as usize, 1);
            }
        }
        if spots.restates != 0 {
            for (measure, combo) in &profile.others {
                self.restate(spots, &layout.places[*measure], *combo);
            }
        }
    }

    /// Adds one matching event to one measure.
    pub(crate) fn add(
        &mut self,
        (measure, i, place): (&CompiledMeasure, usize, &Place),
        counted: &Counted<'_, '_>,
        combos: &[usize],
        spots: &Spots,
    ) {
        let second = counted.time.second();
        let leaf = combos.last().copied().unwrap_or_default();
        let int = |slot: usize| counted.event.slot(slot).int();
        let value_of = |of: Of| match of {
            Of::Slot(slot) => int(slot),
            Of::Fact(fact) => counted.facts.get(fact),
        };
        // What is added: to the first component of a combination, and to its n.
        let (value, with_n) = match measure.agg {
            CompiledAgg::Count => (Some(1), false),
            CompiledAgg::Sum { of } | CompiledAgg::Average { of } => (value_of(of), true),
            CompiledAgg::Min { slot } | CompiledAgg::Max { slot } => {
                let value = int(slot);
                for (grain, extremes) in &mut self.extremes[i] {
                    if let Some(value) = value {
                        let pane = second.div_euclid(grain::ALL[*grain].width);
                        combos.iter().for_each(|c| extremes.add(pane, *c, value));
                    }
                }
                (value.map(|_| 1), false)
            }
            CompiledAgg::Percentile { of, .. } => {
                let value = value_of(of);
                for (grain, tallies) in &mut self.tallies[i] {
                    if let Some(bucket) = value.map(bucket) {
                        let pane = second.div_euclid(grain::ALL[*grain].width);
                        tallies.add(pane, leaf, bucket);
                    }
                }
                (value.map(|_| 1), false)
            }
            CompiledAgg::CountDistinct
            | CompiledAgg::Channels(_)
            | CompiledAgg::CountRecords
            | CompiledAgg::Replies(_)
            | CompiledAgg::Numbered(_)
            | CompiledAgg::Attempts(..)
            | CompiledAgg::Gauge(_)
            | CompiledAgg::Oldest(_) => (None, false),
        };
        if let Some(value) = value {
            self.put(spots, place, (leaf, 0), value);
            if with_n {
                self.put(spots, place, (leaf, 1), 1);
            }
        }
        if spots.restates != 0 {
            self.restate(spots, place, leaf);
        }
    }

    /// Where an event marks its customer in a measure that counts customers.
    pub(crate) fn mark(
        &self,
        (measure, i): (&CompiledMeasure, usize),
        event: &Event<'_>,
        leaf: [u16; 2],
    ) -> Option<Mark> {
        if matches!(measure.agg, CompiledAgg::Channels(_)) {
            let name = event.slot(SLOT_CHANNEL).text();
            let channel = self.lasting.channel(i, name)?;
            return Some(Mark {
                measure: i,
                combos: smallvec![channel],
            });
        }
        let counts = self.distinct.counts(i);
        counts.then(|| Mark::of(i, &measure.dimensions, leaf))
    }

    /// The numbers of a list of marks.
    pub(crate) fn list(&mut self, marks: &[Mark]) -> List {
        let lasting = &self.lasting;
        self.lists.number(marks, &|measure| lasting.counts(measure))
    }

    /// Marks a customer, who has this row, as seen at this second; whether a limit refused it. What its last
    /// event marked in the same minute is not marked again, nor over days in the same quarter of an hour.
    pub(crate) fn see(
        &mut self,
        (customer, row): (Key128, Option<u32>),
        (marks, list): (&[Mark], List),
        second: i64,
    ) -> bool {
        let mut now = Last::of(list, second);
        let last = row.map_or(Last::NONE, |row| self.distinct.last(row));
        if (last.list, last.minute) == (now.list, now.minute) {
            return false;
        }
        if list.lasting == Lists::NONE {
            (now.lasting, now.quarter) = (last.lasting, last.quarter);
        }
        let again = (last.lasting, last.quarter) == (now.lasting, now.quarter);
        let kept = again || self.lasting.mark(customer, marks, second);
        let Some(row) = row else {
            return !kept || marks.iter().any(|mark| self.distinct.counts(mark.measure));
        };
        for mark in marks {
            self.distinct.mark(row, mark, second.div_euclid(MINUTE));
        }
        if kept {
            self.distinct.note(row, now);
        }
        !kept
    }

    /// Marks the panes that were final already.
    pub(crate) fn restate(&mut self, spots: &Spots, place: &Place, combo: usize) {
        let at = (combo + 1) * place.row_width - 1;
        for (grain, row) in place.rows() {
            let is_final = spots.restates & (1 << grain) != 0;
            if let Some(spot) = spots.panes[*grain].filter(|_| is_final) {
                self.panes[*grain].add(spot, row + at, 1);
            }
        }
    }

    /// The components of one measure over one window.
    pub(crate) fn write(&self, (i, place): (usize, &Place), window: Window, out: &mut Vec<i64>) {
        let distinct = self.distinct.counts(i);
        let Some((grain, index)) = grain::of(distinct, window, place.day) else {
            return;
        };
        let rows = place.rows().iter();
        let row = rows.clone().find(|(own, _)| *own == grain);
        let row = row.map_or(0, |(_, row)| *row);
        let extremes = self.extremes[i].iter().find(|(own, _)| *own == grain);
        let first = out.len();
        let panes = &self.panes[grain];
        if extremes.is_none() && !distinct && !self.lasting.counts(i) {
            out.extend(panes.sums(index, row..row + place.combos * place.row_width));
            place.add_up(&mut out[first..]);
            return;
        }
        for combo in 0..place.combos {
            if distinct && grain == MINUTES {
                out.push(self.distinct.count(i, combo, index));
            } else if distinct || self.lasting.counts(i) {
                out.push(self.lasting.count(i, combo, grain));
            }
            if let Some((_, extremes)) = extremes {
                out.push(extremes.best(index, combo));
            }
            let at = row + combo * place.row_width;
            out.extend(panes.sums(index, at..at + place.row_width));
        }
        place.add_up(&mut out[first..]);
    }

    /// The row of one pane of a grain, which its ring holds.
    pub(crate) fn row(&self, grain: usize, pane: i64) -> &[i64] {
        self.panes[grain].row(pane)
    }

    /// The tallies of one measure over one window.
    pub(crate) fn write_tallies(
        &self,
        (i, place): (usize, &Place),
        window: Window,
        out: &mut Vec<Tally>,
    ) {
        let Some((grain, index)) = grain::of(false, window, place.day) else {
            return;
        };
        let found = self.tallies[i].iter().find(|(own, _)| *own == grain);
        out.extend(found.into_iter().flat_map(|(_, t)| t.sums(index)));
    }

    /// Goes on where `old` stops: `same` names by measure the one there that counted the same.
    pub(crate) fn carry(
        &mut self,
        old: &mut Self,
        same: &[Option<usize>],
        (here, there): (&Layout, &Layout),
    ) {
        for (grain, panes) in self.panes.iter_mut().enumerate() {
            let sizes = (here.sizes[grain], there.sizes[grain]);
            let columns = columns(grain, same, (here, there));
            let rows = panes.cut();
            panes.restore(rows.taking(&old.panes[grain].cut(), sizes, &columns));
        }
        for (i, j) in pairs(same) {
            swap(&mut self.extremes[i], &mut old.extremes[j]);
            // What measures shared there may lie apart here.
            let kept = &old.tallies[there.places[j].keeper];
            for (grain, own) in &mut self.tallies[i] {
                if let Some((_, theirs)) = kept.iter().find(|(other, _)| other == grain) {
                    own.restore(theirs.cut());
                }
            }
        }
        self.finder.forget();
        self.distinct.carry(&mut old.distinct, same);
        self.lasting.carry(&mut old.lasting, same);
        self.lists = Lists::after(&old.lists);
    }

    /// What is added up, as it is now; rows of customers stand apart.
    pub(crate) fn cut(&mut self) -> (Added, Vec<Arc<Vec<Row>>>) {
        let (distinct, rows) = self.distinct.cut();
        let added = Added {
            panes: self.panes.iter().map(Panes::cut).collect(),
            extremes: self.extremes.iter().flatten().map(|e| e.1.cut()).collect(),
            tallies: self.tallies.iter().flatten().map(|t| t.1.cut()).collect(),
            distinct,
            lasting: self.lasting.cut(),
        };
        (added, rows)
    }

    /// Takes what a cut says; false where it is not of this set.
    pub(crate) fn restore(&mut self, cut: Added) -> bool {
        self.finder.forget();
        all(self.panes.iter_mut(), cut.panes, Panes::restore)
            && all(
                self.extremes.iter_mut().flatten().map(|e| &mut e.1),
                cut.extremes,
                Extremes::restore,
            )
            && all(
                self.tallies.iter_mut().flatten().map(|t| &mut t.1),
                cut.tallies,
                Tallies::restore,
            )
            && self.distinct.restore(cut.distinct)
            && self.lasting.restore(cut.lasting)
    }

    /// As [`Distinct::restore_rows`].
    pub(crate) fn restore_rows(&mut self, rows: Vec<Told>) -> bool {
        self.distinct.restore_rows(rows)
    }
}

/// The measures that go on, here and there.
fn pairs(same: &[Option<usize>]) -> impl Iterator<Item = (usize, usize)> {
    same.iter()
        .enumerate()
        .filter_map(|(i, j)| Some((i, (*j)?)))
}

/// What both need, changes its place.
fn swap(here: &mut [(usize, Extremes)], there: &mut [(usize, Extremes)]) {
    for (grain, own) in here {
        if let Some((_, theirs)) = there.iter_mut().find(|(other, _)| other == grain) {
            // Another set may count other days.
            if *grain == grain::DAYS {
                own.restore(theirs.cut());
            } else {
                std::mem::swap(own, theirs);
            }
        }
    }
}

/// Where what goes on lies in the rows of one grain: here, there, how many.
fn columns(
    grain: usize,
    same: &[Option<usize>],
    (here, there): (&Layout, &Layout),
) -> Vec<(usize, usize, usize)> {
    let row = |place: &Place| place.rows().iter().find(|(g, _)| *g == grain).map(|r| r.1);
    let both = pairs(same).filter_map(|(i, j)| {
        let (here, there) = (&here.places[i], &there.places[j]);
        Some((row(here)?, row(there)?, here.combos * here.row_width))
    });
    both.collect()
}

/// Whether each takes its own, and there are as many.
fn all<'o, O: 'o, C>(
    own: impl Iterator<Item = &'o mut O>,
    cut: Vec<C>,
    restore: impl Fn(&mut O, C) -> bool,
) -> bool {
    let own: Vec<&mut O> = own.collect();
    own.len() == cut.len() && own.into_iter().zip(cut).all(|(o, c)| restore(o, c))
}

/// The extremes of a measure in each grain that it needs, where it has any.
fn extremes(measure: &CompiledMeasure, place: &Place, days: &[Reach]) -> Vec<(usize, Extremes)> {
    let merge = match measure.agg {
        CompiledAgg::Min { .. } => Merge::Min,
        CompiledAgg::Max { .. } => Merge::Max,
        CompiledAgg::Count
        | CompiledAgg::CountRecords
        | CompiledAgg::Sum { .. }
        | CompiledAgg::Average { .. }
        | CompiledAgg::Percentile { .. }
        | CompiledAgg::CountDistinct
        | CompiledAgg::Channels(_)
        | CompiledAgg::Replies(_)
        | CompiledAgg::Numbered(_)
        | CompiledAgg::Attempts(..)
        | CompiledAgg::Gauge(_)
        | CompiledAgg::Oldest(_) => return Vec::new(),
    };
    let fresh = |(i, _): &(usize, usize)| {
        let Grain { lengths, ahead, .. } = grain::ALL[*i];
        let reaches = reach::of_grain(*i, lengths, days);
        (*i, Extremes::new(merge, place.combos, &reaches, ahead))
    };
    place.rows().iter().map(fresh).collect()
}

/// The tallies of a measure in each grain that it needs, where it takes percentiles and keeps them itself.
fn tallies((i, place): (usize, &Place), days: &[Reach]) -> Vec<(usize, Tallies)> {
    let fresh = |(i, _): &(usize, usize)| {
        let Grain { lengths, ahead, .. } = grain::ALL[*i];
        let reaches = reach::of_grain(*i, lengths, days);
        (*i, Tallies::new(place.combos, &reaches, ahead))
    };
    let own = place.tally.filter(|_| place.keeper == i);
    let rows = own.map_or(&[][..], |_| place.rows());
    rows.iter().map(fresh).collect()
}
