//! In: customer, measure, combination, minute. Kept: per customer seen lately a row with a 128-bit
//! map of minutes for each combination; per window end the count. Out: exact distinct counts.
//! Never knows: who the customer is.
//!
//! When minute *m* is newly set between neighbours *p* < *m* < *n*, the count of window length *L*
//! rises by one for every window end from max(*m*, *p* + *L*) to min(*m* + *L* − 1, *n* − 1).

use super::grain::{self, MINUTES};
use super::marks::{List, Lists, Mark};
use crate::state::kept::Kept;
use cx_catalog::calendar::QUARTER;
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledMeasure, combos};
use cx_model::ids::Key128;
use cx_model::window::Window;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// Window lengths in minutes: 5m, 15m, 1h.
pub(crate) const LENGTHS: [i64; 3] = [5, 15, 60];
/// No event is older than horizon (30) + pane, none younger than clamp (5): beyond this a map
/// can no longer change a count.
const FORGET_AFTER: i64 = 100;
const RING: i64 = 192;
/// Rows of one chunk. Rows stay where they are: growing copies nothing.
const CHUNK: usize = 32;
/// Minutes in which every row is looked at once, whether it can be given away.
const ROUND: usize = 16;
/// Most rows: what a customer's record can point to.
pub(crate) const MOST_ROWS: usize = (1 << 24) - 2;
/// Whose row it is while it is nobody's.
const NOBODY: Key128 = Key128(0);

/// The newest minute, and a bit for it and each of the 127 before it. In halves: a `u128` would make
/// every row a quarter larger.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Minutes {
    cell: u32,
    newest: i32,
    bits: [u64; 2],
}

/// What is known of one customer: few combinations, found by looking through them.
#[derive(Clone)]
pub(crate) struct Row {
    key: Key128,
    seen: SmallVec<[Minutes; 3]>,
    last: Last,
}

/// What was marked last of a customer, all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Last {
    /// A list of marks by its number, and the minute.
    pub(crate) list: u32,
    pub(crate) minute: i32,
    /// What of it counts over days, and the quarter of an hour.
    pub(crate) lasting: u32,
    pub(crate) quarter: i32,
}

impl Last {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        list: Lists::NONE,
        minute: 0,
        lasting: Lists::NONE,
        quarter: 0,
    };

    /// What a list marks at this second.
    pub(crate) fn of(list: List, second: i64) -> Self {
        Self {
            list: list.all,
            minute: short(second.div_euclid(60)),
            lasting: list.lasting,
            quarter: short(second.div_euclid(QUARTER)),
        }
    }
}

/// Counts per window end, kept as differences; `now` is the count at the head.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ends {
    now: i64,
    differences: Vec<i64>,
}

/// All distinct measures of one partition.
pub(crate) struct Distinct {
    chunks: Vec<Kept<Vec<Row>>>,
    free: Vec<u32>,
    /// The chunk that is looked at next.
    cursor: usize,
    /// By measure, whether it counts customers.
    counts: Vec<bool>,
    /// By measure, where it counts them by minutes: its first cell.
    cells: Vec<Option<u32>>,
    ends: Vec<[Ends; 3]>,
    head: i64,
    most: usize,
}

impl Distinct {
    pub(crate) fn new(set: &Compiled) -> Self {
        let mut all = 0;
        let counts = |m: &CompiledMeasure| m.agg == CompiledAgg::CountDistinct;
        let cells = set.measures.iter().map(|m| {
            let minutes = counts(m) && m.windows.iter().any(|window| by_minutes(*window));
            let first = small(all);
            all += if minutes { combos(&m.dimensions) } else { 0 };
            minutes.then_some(first)
        });
        let cells = cells.collect();
        let fresh = Ends::fresh;
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            cursor: 0,
            counts: set.measures.iter().map(counts).collect(),
            cells,
            ends: (0..all).map(|_| [fresh(), fresh(), fresh()]).collect(),
            head: i64::MIN,
            most: set.limits.customers.min(MOST_ROWS),
        }
    }

    /// Goes on where `old` stops: `same` names by measure the one there that counted the same. Rows
    /// keep their places; minutes that nobody counts any more are let go.
    pub(crate) fn carry(&mut self, old: &mut Self, same: &[Option<usize>]) {
        let mut cells: Vec<Option<u32>> = vec![None; old.ends.len()];
        for (i, j) in same.iter().enumerate() {
            let there = j.and_then(|j| old.cells[j]);
            let (Some(here), Some(there)) = (self.cells[i], there) else {
                continue;
            };
            let next = self.cells[i + 1..].iter().flatten().next();
            let end = next.map_or(self.ends.len(), |next| *next as usize);
            for (c, ends) in self.ends[here as usize..end].iter_mut().enumerate() {
                let at = there as usize + c;
                std::mem::swap(ends, &mut old.ends[at]);
                cells[at] = Some(here + small(c));
            }
        }
        self.head = old.head;
        self.cursor = old.cursor;
        self.free = std::mem::take(&mut old.free);
        self.chunks = std::mem::take(&mut old.chunks);
        let stays = (0_u32..).zip(&cells).all(|(i, cell)| *cell == Some(i));
        for chunk in self.chunks.iter_mut().filter(|_| !stays) {
            for row in chunk.own() {
                row.seen.retain(|minutes| {
                    let cell = cells[minutes.cell as usize];
                    minutes.cell = cell.unwrap_or(minutes.cell);
                    cell.is_some()
                });
            }
        }
    }

    /// Whether the measure counts customers.
    pub(crate) fn counts(&self, measure: usize) -> bool {
        self.counts[measure]
    }

    /// Moves the window end to `head` (a minute).
    pub(crate) fn advance(&mut self, head: i64) {
        if head <= self.head {
            return;
        }
        let jump = self.head == i64::MIN || head - self.head >= RING;
        for ends in self.ends.iter_mut().flatten() {
            ends.advance(self.head, head);
        }
        let minutes = if jump {
            ROUND
        } else {
            usize::try_from(head - self.head).unwrap_or(ROUND)
        };
        self.head = head;
        let chunks = self.chunks.len().div_ceil(ROUND) * minutes.min(ROUND);
        for _ in 0..chunks {
            self.sweep();
        }
    }

    /// Gives away the rows of the next chunk whose customers can change no count any more. A chunk
    /// that is nobody's gives its memory back; its rows keep their numbers.
    fn sweep(&mut self) {
        self.cursor = (self.cursor + 1) % self.chunks.len();
        let first = self.cursor * CHUNK;
        let chunk = self.chunks[self.cursor].own();
        for (i, row) in chunk.iter_mut().enumerate() {
            if row.key != NOBODY && row.newest() + FORGET_AFTER <= self.head {
                *row = Row::nobodys();
                self.free.push(small(first + i));
            }
        }
        if chunk.len() == CHUNK && chunk.iter().all(|row| row.key == NOBODY) {
            *chunk = Vec::new();
        }
    }

    /// The row of a customer, who was told `known` before: a new one where that is not its own any
    /// more. `None` where the limit refused it or nothing counts customers.
    pub(crate) fn row(&mut self, customer: Key128, known: Option<u32>) -> Option<u32> {
        let own = known.filter(|row| self.key(*row) == Some(customer));
        if own.is_some() || !self.counts.contains(&true) || self.len() >= self.most {
            return own;
        }
        let row = Row::of(customer, SmallVec::new());
        if let Some(free) = self.free.pop() {
            *self.at(free) = row;
            return Some(free);
        }
        if self.chunks.last().is_none_or(|c| size(c) == CHUNK) {
            self.chunks.push(Kept::Own(Vec::with_capacity(CHUNK)));
        }
        let at = self.chunks.len() - 1;
        let chunk = self.chunks[at].own();
        chunk.push(row);
        Some(small(at * CHUNK + chunk.len() - 1))
    }

    fn key(&self, row: u32) -> Option<Key128> {
        let row = row as usize;
        let chunk = self.chunks.get(row / CHUNK)?.get();
        chunk.get(row % CHUNK).map(|row| row.key)
    }

    fn at(&mut self, row: u32) -> &mut Row {
        let row = row as usize;
        let chunk = self.chunks[row / CHUNK].own();
        if chunk.is_empty() {
            *chunk = vec![Row::nobodys(); CHUNK];
        }
        &mut chunk[row % CHUNK]
    }

    /// What was [noted](Self::note) last of the customer of this row.
    pub(crate) fn last(&self, row: u32) -> Last {
        let row = row as usize;
        self.chunks[row / CHUNK].get()[row % CHUNK].last
    }

    /// All of this was marked for the customer of this row.
    pub(crate) fn note(&mut self, row: u32, last: Last) {
        self.at(row).last = last;
    }

    /// Marks the customer of this row as seen in `minute` in all of these combinations of a measure.
    pub(crate) fn mark(&mut self, row: u32, Mark { measure, combos }: &Mark, minute: i64) {
        let Some(first) = self.cells[*measure] else {
            return;
        };
        let seen = &mut self.chunks[row as usize / CHUNK].own()[row as usize % CHUNK].seen;
        for combo in combos {
            let cell = first + small(*combo);
            let Some((before, after)) = minutes(seen, cell, minute).set(minute) else {
                continue;
            };
            let ends = &mut self.ends[cell as usize];
            for (ends, length) in ends.iter_mut().zip(LENGTHS) {
                let from = before.map_or(minute, |p| minute.max(p + length));
                let to = after.map_or(minute + length - 1, |n| (minute + length - 1).min(n - 1));
                ends.add(self.head, from, to);
            }
        }
    }

    /// Customers kept.
    pub(crate) fn len(&self) -> usize {
        let last = self.chunks.last().map_or(0, size);
        let all = self.chunks.len().saturating_sub(1) * CHUNK + last;
        all.saturating_sub(self.free.len())
    }

    /// Distinct customers in the window of `LENGTHS[index]` minutes that ends with the head; 0 for a
    /// measure that does not count customers.
    pub(crate) fn count(&self, measure: usize, combo: usize, index: usize) -> i64 {
        let cell = self.cells[measure].map(|first| first as usize + combo);
        cell.map_or(0, |cell| self.ends[cell][index].now)
    }
}

/// What a cut says beside the rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    head: i64,
    ends: Vec<[Ends; 3]>,
    free: Vec<u32>,
    cursor: usize,
}

/// A row as it stands in a cut.
pub(crate) type Told = (Key128, Vec<Minutes>);

impl Distinct {
    /// Counts and rows as they are now.
    pub(crate) fn cut(&mut self) -> (Counts, Vec<Arc<Vec<Row>>>) {
        let counts = Counts {
            head: self.head,
            ends: self.ends.clone(),
            free: self.free.clone(),
            cursor: self.cursor,
        };
        (counts, self.chunks.iter_mut().map(Kept::share).collect())
    }

    /// Takes the counts of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, counts: Counts) -> bool {
        let fits = counts.ends.len() == self.ends.len();
        let fits = fits && counts.ends.iter().flatten().all(Ends::is_whole);
        if fits {
            (self.head, self.ends) = (counts.head, counts.ends);
            (self.free, self.cursor) = (counts.free, counts.cursor);
        }
        fits
    }

    /// Takes the next chunk of rows of a cut, each to the place it had: which row is given away when
    /// is part of the state. False where they are not of this set.
    pub(crate) fn restore_rows(&mut self, rows: Vec<Told>) -> bool {
        let before = self.chunks.last().is_none_or(|c| size(c) == CHUNK);
        let known = |m: &Minutes| (m.cell as usize) < self.ends.len();
        let fits = before && rows.len() <= CHUNK && rows.iter().flat_map(|r| &r.1).all(known);
        let own = |(key, seen): Told| Row::of(key, seen.into());
        let rows = rows.into_iter().map(own).collect();
        self.chunks.push(Kept::Own(rows));
        fits
    }

    /// Whether all rows are there that a cut spoke of.
    pub(crate) fn whole(&self) -> bool {
        let rows = self.len() + self.free.len();
        let free = self.free.iter().all(|row| (*row as usize) < rows);
        free && self.cursor <= self.chunks.len()
    }
}

/// Whether a window's customers are counted by minutes.
fn by_minutes(window: Window) -> bool {
    // Which day a window of days is makes no difference here.
    grain::of(true, window, 0).is_some_and(|(grain, _)| grain == MINUTES)
}

/// Rows that a chunk stands for: one that gave its memory back is whole.
fn size(chunk: &Kept<Vec<Row>>) -> usize {
    match chunk.get().len() {
        0 => CHUNK,
        some => some,
    }
}

impl Row {
    fn of(key: Key128, seen: SmallVec<[Minutes; 3]>) -> Self {
        Self {
            key,
            seen,
            last: Last::NONE,
        }
    }

    fn nobodys() -> Self {
        Self::of(NOBODY, SmallVec::new())
    }

    pub(crate) fn told(&self) -> Told {
        (self.key, self.seen.to_vec())
    }

    fn newest(&self) -> i64 {
        let all = self.seen.iter().map(|minutes| i64::from(minutes.newest));
        // Never marked: then nothing is lost with it.
        all.max().unwrap_or(-FORGET_AFTER)
    }
}

/// The map of one combination of a customer.
fn minutes(seen: &mut SmallVec<[Minutes; 3]>, cell: u32, minute: i64) -> &mut Minutes {
    let known = seen.iter().position(|m| m.cell == cell);
    let at = known.unwrap_or_else(|| {
        seen.push(Minutes {
            cell,
            newest: short(minute),
            bits: [0; 2],
        });
        seen.len() - 1
    });
    &mut seen[at]
}

/// Rows and cells are few.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("at most 2^24 rows, few cells")
}

/// Minutes since 1970 as they are kept: good for four thousand years.
fn short(minute: i64) -> i32 {
    i32::try_from(minute).unwrap_or(i32::MAX)
}

fn slot(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(RING)).expect("not negative")
}

impl Ends {
    /// Nobody was counted.
    pub(crate) fn fresh() -> Self {
        Self {
            now: 0,
            differences: vec![0; slot(RING - 1) + 1],
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.differences.len() == slot(RING - 1) + 1
    }

    /// The count at the head.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Moves the head.
    pub(crate) fn advance(&mut self, from: i64, to: i64) {
        if from == i64::MIN || to - from >= RING {
            self.now = 0;
            self.differences.fill(0);
            return;
        }
        for end in from + 1..=to {
            self.now += std::mem::take(&mut self.differences[slot(end)]);
        }
    }

    /// Adds one to every window end in `from..=to`; ends before the head are history.
    pub(crate) fn add(&mut self, head: i64, from: i64, to: i64) {
        if to < from.max(head) {
            return;
        }
        if from <= head {
            self.now += 1;
        } else {
            self.differences[slot(from)] += 1;
        }
        self.differences[slot(to + 1)] -= 1;
    }
}

impl Minutes {
    /// Sets a minute; its neighbours if it was newly set, `None` if it was set already or is too
    /// old to matter.
    fn set(&mut self, minute: i64) -> Option<(Option<i64>, Option<i64>)> {
        let mut bits = u128::from(self.bits[0]) | u128::from(self.bits[1]) << 64;
        let mut newest = i64::from(self.newest);
        if minute > newest {
            let by = u32::try_from(minute - newest).unwrap_or(u32::MAX);
            bits = bits.checked_shl(by).unwrap_or(0);
            newest = minute;
            self.newest = short(minute);
        }
        let k = u32::try_from(newest - minute).ok().filter(|k| *k < 128)?;
        if bits & (1 << k) != 0 {
            return None;
        }
        bits |= 1 << k;
        self.bits = [low(bits), low(bits >> 64)];
        let older = bits.checked_shr(k + 1).unwrap_or(0);
        let before = (older != 0).then(|| minute - 1 - i64::from(older.trailing_zeros()));
        let newer = bits & ((1_u128 << k) - 1);
        let after = (newer != 0).then(|| newest - i64::from(127 - newer.leading_zeros()));
        Some((before, after))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low(bits: u128) -> u64 {
    bits as u64
}
