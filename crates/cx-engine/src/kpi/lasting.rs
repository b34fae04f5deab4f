//! In: customer, measure, combination, second. Kept: per customer seen in the last month the panes in which it
//! was seen, a bit each, in the width that a window needs; per window end the count. Out: exact distinct counts
//! over a day and more. Never knows: who the customer is.
//!
//! As for minutes: a pane newly set between its neighbours adds one to those window ends that neither reaches.

mod panes;

pub(crate) use panes::{Packed, Panes};

use super::distinct::Ends;
use super::grain::{self, GRAINS};
use super::layout::Layout;
use super::marks::Mark;
use super::numbers::Numbers;
use super::reach::{Reach, of_grain};
use crate::state::shards::{SHARDS, Shards, Table};
use cx_catalog::across::Across;
use cx_catalog::calendar::{LONGEST_DAY, QUARTER};
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledMeasure, combos};
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
struct Cell {
    grain: usize,
    reach: Reach,
    /// Where it is counted; channels of one measure together.
    ends: usize,
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
    first: Vec<[Option<(usize, usize)>; GRAINS]>,
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
    pub(crate) fn new(set: &Compiled, layout: &Layout) -> Self {
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
            let Shape { cells, ends, .. } = lasting.shapes[i];
            if cells == 0 {
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
                let first = lasting.ends.len();
                lasting.first[i][grain] = Some((lasting.cells.len(), first));
                let reaches = of_grain(grain, grain::ALL[grain].lengths, &layout.days);
                lasting.cells.extend((0..cells).map(|c| Cell {
                    grain,
                    reach: reaches[index].clone(),
                    ends: first + c.min(ends - 1),
                }));
                let fresh = (0..ends).map(|_| (grain, Ends::fresh()));
                lasting.ends.extend(fresh);
            }
        }
        lasting
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
            for (grain, first) in self.first[*measure].iter().enumerate() {
                let Some((first, _)) = first else {
                    continue;
                };
                let many = self.shapes[*measure]
                    .many()
                    .map(|many| *first..first + many);
                let pane = second.div_euclid(grain::ALL[grain].width);
                for combo in combos {
                    let cell = &self.cells[first + combo];
                    let counted = (self.heads[grain], &mut self.ends[cell.ends].1);
                    let own = of_cell(&mut cells, first + combo, pane);
                    changed |= count(&mut cells, own, pane, (cell, many.clone()), counted);
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
        let mut cells: Vec<Option<u32>> = vec![None; old.cells.len()];
        for (i, j) in same.iter().enumerate() {
            let Some(j) = j else {
                continue;
            };
            for grain in 0..GRAINS {
                let both = self.first[i][grain].zip(old.first[*j][grain]);
                let Some(((here, ends), (there, theirs))) = both else {
                    continue;
                };
                for c in 0..self.shapes[i].ends {
                    std::mem::swap(&mut self.ends[ends + c], &mut old.ends[theirs + c]);
                }
                for c in 0..self.shapes[i].cells {
                    cells[there + c] = u32::try_from(here + c).ok();
                }
            }
        }
        self.heads = old.heads;
        std::mem::swap(&mut self.customers, &mut old.customers);
        if (0_u32..).zip(&cells).all(|(i, cell)| *cell == Some(i)) {
            return;
        }
        self.customers.each(|packed| {
            let mut all = packed.cells();
            all.retain(|panes| {
                let cell = cells[panes.cell as usize];
                panes.cell = cell.unwrap_or(panes.cell);
                cell.is_some()
            });
            *packed = Packed::of(&all);
        });
    }

    /// Customers kept.
    pub(crate) fn len(&self) -> usize {
        self.customers.len()
    }

    /// Distinct customers in the window of this grain that ends with its head.
    pub(crate) fn count(&self, measure: usize, combo: usize, grain: usize) -> i64 {
        let first = self.first[measure][grain];
        first.map_or(0, |(_, first)| self.ends[first + combo].1.now())
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

/// Sets a pane of a customer's cell, where others lie beside it if it counts who was seen in two or more;
/// whether it was newly set.
fn count(
    cells: &mut Cells,
    own: usize,
    pane: i64,
    (cell, several): (&Cell, Option<Range<usize>>),
    (head, counted): (i64, &mut Ends),
) -> bool {
    let Some((before, after)) = cells[own].set(pane) else {
        return false;
    };
    let Some((from, to)) = ends(&cell.reach, pane, before, after) else {
        return true;
    };
    let Some(channels) = several else {
        counted.add(head, from, to);
        return true;
    };
    let others = cells.iter().enumerate();
    let others = others.filter(|(at, p)| *at != own && channels.contains(&(p.cell as usize)));
    let others: SmallVec<[&Panes; 16]> = others.map(|(_, panes)| panes).collect();
    if !others.is_empty() {
        let second = second_channel(&others, &cell.reach, (from.max(head), to));
        second.into_iter().for_each(|e| counted.add(head, e, e));
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
