//! In: customer, measure, combination, second. Kept: per customer seen in the last month the panes in which it
//! was seen, a bit each, in the width that a window needs; per window end the count. Out: exact distinct counts
//! over a day and more. Never knows: who the customer is.
//!
//! As for minutes: a pane newly set between its neighbours adds one to those window ends that neither reaches.

mod panes;

pub(crate) use panes::{Packed, Panes};

use super::distinct::Ends;
use super::grain::{self, GRAINS};
use super::marks::Mark;
use super::numbers::Numbers;
use super::reach::{Reach, of_grain};
use crate::plan::Plan;
use crate::state::shards::{SHARDS, Shards, Table};
use cx_catalog::across::Across;
use cx_catalog::calendar::{LONGEST_DAY, QUARTER};
use cx_catalog::compiled::{CompiledAgg, CompiledMeasure, combos};
use cx_model::ids::Key128;
use panes::Cells;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// The first grain whose windows are longer than an hour.
const FIRST: usize = 2;
/// After so long a customer can change no count any more, seconds: 30 days.
const FORGET_AFTER: i64 = 2_592_000;

/// What customers are seen in, in one window: a combination of a measure, or one of the channels that it counts.
/// Measures that count the same events share it.
struct Cell {
    grain: usize,
    reach: Reach,
    counted: SmallVec<[Count; 2]>,
}

/// Where a cell is counted; channels of one measure together.
struct Count {
    ends: usize,
    /// The cells beside it, where who was seen in two or more of them is counted.
    several: Option<Range<usize>>,
}

/// Where a measure counts in one window.
#[derive(Clone, Copy)]
struct At {
    cells: usize,
    ends: usize,
    /// Whether no measure before it has these cells: it marks them for all.
    leads: bool,
}

/// What a measure has in each window.
#[derive(Default)]
struct Shape {
    cells: usize,
    ends: usize,
    /// Of one that counts channels: their numbers, and what is counted of them.
    channels: Option<(Numbers, Across)>,
}

/// All distinct counts over more than an hour of one partition.
pub(crate) struct Lasting {
    customers: Shards<Packed>,
    /// By measure and grain, where it counts customers: its first cell, and where that is counted.
    first: Vec<[Option<At>; GRAINS]>,
    /// By measure.
    shapes: Vec<Shape>,
    cells: Vec<Cell>,
    /// With the grain of each.
    ends: Vec<(usize, Ends)>,
    heads: [i64; GRAINS],
    most: usize,
}

/// What a cut says beside the customers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    heads: Vec<i64>,
    ends: Vec<Ends>,
}

impl Lasting {
    pub(crate) fn new(plan: &Plan) -> Self {
        let Plan { set, layout, .. } = plan;
        let mut lasting = Self {
            customers: Shards::new(),
            first: vec![[None; GRAINS]; set.measures.len()],
            shapes: set.measures.iter().map(Shape::of).collect(),
            cells: Vec::new(),
            ends: Vec::new(),
            heads: [i64::MIN; GRAINS],
            most: set.limits.customers,
        };
        for (i, measure) in set.measures.iter().enumerate() {
            if lasting.shapes[i].cells == 0 {
                continue;
            }
            let place = &layout.places[i];
            for window in &measure.windows {
                let Some((grain, index)) = grain::of(true, *window, place.day) else {
                    continue;
                };
                if grain < FIRST {
                    continue;
                }
                let reaches = of_grain(grain, grain::ALL[grain].lengths, &layout.days);
                lasting.place((plan, i), grain, &reaches[index]);
            }
        }
        lasting
    }

    /// Gives a measure its place in a window; that of another one where both count the same.
    fn place(&mut self, (plan, i): (&Plan, usize), grain: usize, reach: &Reach) {
        let same = |j: &usize| {
            let at = self.first[*j][grain].filter(|at| self.cells[at.cells].reach == *reach);
            at.filter(|_| alike(plan, *j, i))
        };
        let agg = |measure: usize| plan.set.measures[measure].agg;
        let shared = (0..i).find_map(|j| same(&j));
        let all = (0..i).filter(|j| agg(*j) == agg(i));
        let counted = all.filter_map(|j| same(&j)).next();
        let Shape { cells, ends, .. } = self.shapes[i];
        let at = At {
            cells: shared.map_or(self.cells.len(), |at| at.cells),
            ends: counted.map_or(self.ends.len(), |at| at.ends),
            leads: shared.is_none(),
        };
        self.first[i][grain] = Some(at);
        if shared.is_none() {
            self.cells.extend((0..cells).map(|_| Cell {
                grain,
                reach: reach.clone(),
                counted: SmallVec::new(),
            }));
        }
        if counted.is_none() {
            let fresh = (0..ends).map(|_| (grain, Ends::fresh()));
            self.ends.extend(fresh);
            let several = self.shapes[i].many().map(|many| at.cells..at.cells + many);
            for (c, cell) in self.cells[at.cells..at.cells + cells]
                .iter_mut()
                .enumerate()
            {
                cell.counted.push(Count {
                    ends: at.ends + c.min(ends - 1),
                    several: several.clone(),
                });
            }
        }
    }

    /// Moves the window ends to the panes just before second `s`.
    pub(crate) fn advance(&mut self, s: i64) {
        if self.cells.is_empty() {
            return;
        }
        let before = self.heads;
        for (grain, head) in self.heads.iter_mut().enumerate() {
            *head = (*head).max((s - 1).div_euclid(grain::ALL[grain].width));
        }
        for (grain, ends) in &mut self.ends {
            ends.advance(before[*grain], self.heads[*grain]);
        }
        let quarters = |heads: [i64; GRAINS]| heads[FIRST];
        let (from, to) = (quarters(before), quarters(self.heads));
        let many = i64::try_from(SHARDS).expect("few shards");
        for quarter in from.max(to - many) + 1..=to {
            self.sweep(quarter);
        }
    }

    /// Forgets customers of one shard who were not seen for a month at this quarter of an hour.
    fn sweep(&mut self, quarter: i64) {
        let gone = quarter * QUARTER - FORGET_AFTER;
        let cells = &self.cells;
        let seen = |(cell, newest): (u32, i32)| {
            i64::from(newest) * grain::ALL[cells[cell as usize].grain].width
        };
        self.customers
            .retain(quarter, |all| all.newest().any(|cell| seen(cell) > gone));
    }

    /// Marks a customer as seen at this second in all of these; false where the limit refused it.
    pub(crate) fn mark(&mut self, customer: Key128, marks: &[Mark], second: i64) -> bool {
        if !marks.iter().any(|mark| self.counts(mark.measure)) {
            return true;
        }
        let Some(packed) = self.customers.enter(customer, self.most) else {
            return false;
        };
        let mut cells = packed.cells();
        let mut changed = false;
        for Mark { measure, combos } in marks {
            for (grain, at) in self.first[*measure].iter().enumerate() {
                let Some(At { cells: first, .. }) = at.filter(|at| at.leads) else {
                    continue;
                };
                let pane = second.div_euclid(grain::ALL[grain].width);
                for combo in combos {
                    let cell = &self.cells[first + combo];
                    let own = of_cell(&mut cells, first + combo, pane);
                    let counted = (self.heads[grain], &mut *self.ends);
                    changed |= count(&mut cells, own, pane, cell, counted);
                }
            }
        }
        if changed {
            *packed = Packed::of(&cells);
        }
        true
    }

    /// Goes on where `old` stops: `same` names by measure the one there that counted the same.
    pub(crate) fn carry(&mut self, old: &mut Self, same: &[Option<usize>]) {
        // What measures shared there may lie apart here.
        let mut cells: Vec<SmallVec<[u32; 2]>> = vec![SmallVec::new(); old.cells.len()];
        for (i, j) in same.iter().enumerate() {
            let Some(j) = j else {
                continue;
            };
            for grain in 0..GRAINS {
                let both = self.first[i][grain].zip(old.first[*j][grain]);
                let Some((here, there)) = both else {
                    continue;
                };
                for c in 0..self.shapes[i].ends {
                    self.ends[here.ends + c].clone_from(&old.ends[there.ends + c]);
                }
                for c in 0..self.shapes[i].cells {
                    let own = u32::try_from(here.cells + c).expect("few cells");
                    let known = &mut cells[there.cells + c];
                    known.extend((!known.contains(&own)).then_some(own));
                }
            }
        }
        self.heads = old.heads;
        std::mem::swap(&mut self.customers, &mut old.customers);
        if (0_u32..).zip(&cells).all(|(i, own)| own[..] == [i]) {
            return;
        }
        self.customers.each(|packed| {
            let before = packed.cells();
            let own = before.iter().flat_map(|panes| {
                let own = cells[panes.cell as usize].iter();
                own.map(|cell| panes.of(*cell))
            });
            *packed = Packed::of(&own.collect::<Cells>());
        });
    }

    /// Customers kept.
    pub(crate) fn len(&self) -> usize {
        self.customers.len()
    }

    /// Distinct customers in the window of this grain that ends with its head.
    pub(crate) fn count(&self, measure: usize, combo: usize, grain: usize) -> i64 {
        let first = self.first[measure][grain];
        first.map_or(0, |at| self.ends[at.ends + combo].1.now())
    }

    /// Whether it counts the measure in some window.
    pub(crate) fn counts(&self, measure: usize) -> bool {
        self.first[measure].iter().any(Option::is_some)
    }

    /// The number of a channel of a measure that counts them.
    pub(crate) fn channel(&self, measure: usize, name: Option<&str>) -> Option<usize> {
        let (numbers, _) = self.shapes[measure].channels.as_ref()?;
        numbers.get(name?)
    }

    /// Counts and customers as they are now.
    pub(crate) fn cut(&self) -> Counts {
        Counts {
            heads: self.heads.to_vec(),
            ends: self.ends.iter().map(|(_, ends)| ends.clone()).collect(),
        }
    }

    /// All customers as they are now.
    pub(crate) fn cut_customers(&mut self) -> Vec<Arc<Table<Packed>>> {
        self.customers.cut()
    }

    /// Takes the counts of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, counts: Counts) -> bool {
        let fits = counts.ends.len() == self.ends.len() && counts.ends.iter().all(Ends::is_whole);
        match <[i64; GRAINS]>::try_from(counts.heads) {
            Ok(heads) if fits => {
                self.heads = heads;
                let own = self.ends.iter_mut().zip(counts.ends);
                own.for_each(|((_, own), ends)| *own = ends);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Takes a customer of a cut; false where it is not of this set.
    pub(crate) fn restore_customer(&mut self, customer: Key128, panes: &[Panes]) -> bool {
        let fits = panes.iter().all(|p| (p.cell as usize) < self.cells.len());
        if let Some(place) = self.customers.enter(customer, usize::MAX) {
            *place = Packed::of(panes);
        }
        fits
    }
}

impl Shape {
    fn of(measure: &CompiledMeasure) -> Self {
        match measure.agg {
            CompiledAgg::CountDistinct => {
                let combos = combos(&measure.dimensions);
                Self {
                    cells: combos,
                    ends: combos,
                    channels: None,
                }
            }
            CompiledAgg::Channels(of) => Self {
                cells: measure.names.len(),
                ends: 1,
                channels: Some((Numbers::of(&measure.names), of)),
            },
            CompiledAgg::Count
            | CompiledAgg::CountRecords
            | CompiledAgg::Sum { .. }
            | CompiledAgg::Average { .. }
            | CompiledAgg::Min { .. }
            | CompiledAgg::Max { .. }
            | CompiledAgg::Percentile { .. }
            | CompiledAgg::Replies(_)
            | CompiledAgg::Numbered(_)
            | CompiledAgg::Attempts(..)
            | CompiledAgg::Gauge(_)
            | CompiledAgg::Oldest(_) => Self::default(),
        }
    }

    /// How many channels it has, where it counts who is seen in two or more.
    fn many(&self) -> Option<usize> {
        let (_, of) = self.channels.as_ref()?;
        (*of == Across::Several).then_some(self.cells)
    }
}

/// Whether two measures are seen in the same, at the same times.
fn alike(plan: &Plan, a: usize, b: usize) -> bool {
    let (one, other) = (&plan.set.measures[a], &plan.set.measures[b]);
    let channels = |measure: &CompiledMeasure| matches!(measure.agg, CompiledAgg::Channels(_));
    plan.alike[a] == plan.alike[b] && channels(one) == channels(other) && one.names == other.names
}

/// Sets a pane of a customer's cell; whether it was newly set.
fn count(
    cells: &mut Cells,
    own: usize,
    pane: i64,
    cell: &Cell,
    (head, counts): (i64, &mut [(usize, Ends)]),
) -> bool {
    let Some((before, after)) = cells[own].set(pane) else {
        return false;
    };
    let Some((from, to)) = ends(&cell.reach, pane, before, after) else {
        return true;
    };
    for Count { ends, several } in &cell.counted {
        let (_, counted) = &mut counts[*ends];
        let Some(channels) = several else {
            counted.add(head, from, to);
            continue;
        };
        let others = cells.iter().enumerate();
        let others = others.filter(|(at, p)| *at != own && channels.contains(&(p.cell as usize)));
        let others: SmallVec<[&Panes; 16]> = others.map(|(_, panes)| panes).collect();
        if !others.is_empty() {
            let second = second_channel(&others, &cell.reach, (from.max(head), to));
            second.into_iter().for_each(|e| counted.add(head, e, e));
        }
    }
    true
}

/// Of the window ends that one more channel of a customer reaches, those that exactly one other does: there it
/// is the second.
fn second_channel(others: &[&Panes], reach: &Reach, (from, to): (i64, i64)) -> Vec<i64> {
    let mut reached = vec![0_u8; usize::try_from(to - from + 1).unwrap_or(0)];
    for panes in others {
        let mut last = panes.before(from);
        for (e, reached) in (from..).zip(&mut reached) {
            if panes.seen(e) {
                last = Some(e);
            }
            if last.is_some_and(|last| last >= reach.first(e)) {
                *reached = reached.saturating_add(1);
            }
        }
    }
    let all = (from..).zip(reached);
    all.filter(|(_, reached)| *reached == 1)
        .map(|(e, _)| e)
        .collect()
}

/// The window ends that a pane adds one to, set between these neighbours.
fn ends(reach: &Reach, pane: i64, before: Option<i64>, after: Option<i64>) -> Option<(i64, i64)> {
    let next = |to: i64| after.map_or(to, |n| to.min(n - 1));
    match reach {
        Reach::Panes(length) => {
            let from = before.map_or(pane, |p| pane.max(p + length));
            Some((from, next(pane + length - 1)))
        }
        Reach::Day(_) => {
            let first = reach.first(pane);
            // Days have more than half as many panes as the longest.
            let last = reach.first(first + LONGEST_DAY) - 1;
            before.is_none_or(|p| p < first).then(|| (pane, next(last)))
        }
    }
}

/// Where a cell of a customer lies; a new one where it was never seen there.
fn of_cell(cells: &mut Cells, cell: usize, pane: i64) -> usize {
    let cell = u32::try_from(cell).expect("few cells");
    let known = cells.iter().position(|p| p.cell == cell);
    known.unwrap_or_else(|| {
        cells.push(Panes::fresh(cell, pane));
        cells.len() - 1
    })
}
