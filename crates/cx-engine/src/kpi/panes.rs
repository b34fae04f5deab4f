//! In: additions to a pane. Kept: one row of components per pane, and a running sum per window of those before the
//! head.
//! Out: the sum over each window. Never knows: what a component means.
//!
//! Sums are taken modulo 2^64: a senseless amount leaves no trace once it has left the window, whatever
//! stood beside it, and nothing panics.

use super::reach::{Reach, longest};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The rows of a cut; the sums follow from them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rows {
    head: i64,
    rows: Vec<i64>,
}

impl Rows {
    /// These rows, of another width and empty, with columns of `old` in place: (here, there, how many).
    pub(crate) fn taking(
        mut self,
        old: &Self,
        (width, theirs): (usize, usize),
        columns: &[(usize, usize, usize)],
    ) -> Self {
        self.head = old.head;
        if width > 0 && theirs > 0 {
            let rows = self.rows.chunks_mut(width).zip(old.rows.chunks(theirs));
            for (row, from) in rows {
                for (here, there, n) in columns {
                    row[*here..here + n].copy_from_slice(&from[*there..there + n]);
                }
            }
        }
        self
    }
}

/// A ring of pane rows with running sums over the panes that each window reaches.
pub(crate) struct Panes {
    rows: Vec<i64>,
    row_size: usize,
    ring: i64,
    head: i64,
    ahead: i64,
    reaches: Vec<Reach>,
    /// By window, then by component, of the panes before the head: most additions come to the head or
    /// beyond, and touch its row alone.
    sums: Vec<i64>,
}

/// One pane of a ring and the windows whose sums hold it, found once for all that is added to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    start: usize,
    windows: u8,
}

impl Panes {
    /// `ahead`: how many panes beyond the head may be added to. At most eight windows.
    pub(crate) fn new(row_size: usize, reaches: &[Reach], ahead: i64) -> Self {
        let ring = longest(reaches) + ahead + 2;
        let rows = usize::try_from(ring).expect("a ring has few panes") * row_size;
        Self {
            rows: vec![0; rows],
            row_size,
            ring,
            head: i64::MIN,
            ahead,
            reaches: reaches.to_vec(),
            sums: vec![0; row_size * reaches.len()],
        }
    }

    /// Whether nothing is ever added here.
    pub(crate) fn is_empty(&self) -> bool {
        self.row_size == 0
    }

    fn start(&self, pane: i64) -> usize {
        start(pane, self.ring, self.row_size)
    }

    /// Moves the head; panes leave and enter the windows.
    pub(crate) fn advance(&mut self, head: i64) {
        if head == self.head {
            return;
        }
        if self.head == i64::MIN || head - self.head > self.ring {
            self.rows.fill(0);
            self.sums.fill(0);
            self.head = head;
            return;
        }
        while self.head < head {
            let before = self.head;
            self.head += 1;
            for window in 0..self.reaches.len() {
                self.join(window, before, i64::wrapping_add);
                let reach = &self.reaches[window];
                // One, but all of a day at its end.
                for pane in reach.first(before)..reach.first(self.head) {
                    self.join(window, pane, i64::wrapping_sub);
                }
            }
            let fresh = self.start(self.head + self.ahead);
            self.rows[fresh..fresh + self.row_size].fill(0);
        }
    }

    /// Puts a pane into a window's sums, or takes it out.
    fn join(&mut self, window: usize, pane: i64, by: impl Fn(i64, i64) -> i64) {
        let start = self.start(pane);
        let row = &self.rows[start..start + self.row_size];
        let sums = &mut self.sums[window * self.row_size..][..self.row_size];
        let both = sums.iter_mut().zip(row);
        both.for_each(|(sum, value)| *sum = by(*sum, *value));
    }

    /// Where a pane lies; `None` outside the ring: it is nobody's business any more.
    pub(crate) fn spot(&self, pane: i64) -> Option<Spot> {
        let longest = self.ring - self.ahead - 2;
        if pane <= self.head - longest || pane > self.head + self.ahead {
            return None;
        }
        let mut windows = 0;
        for (i, reach) in self.reaches.iter().enumerate() {
            let inside = pane < self.head && pane >= reach.first(self.head);
            windows |= u8::from(inside) << i;
        }
        let start = self.start(pane);
        Some(Spot { start, windows })
    }

    /// Adds to one component of one pane.
    pub(crate) fn add(&mut self, spot: Spot, component: usize, value: i64) {
        let cell = &mut self.rows[spot.start + component];
        *cell = cell.wrapping_add(value);
        let mut windows = spot.windows;
        while windows != 0 {
            let window = windows.trailing_zeros() as usize;
            let sum = &mut self.sums[window * self.row_size + component];
            *sum = sum.wrapping_add(value);
            windows &= windows - 1;
        }
    }

    /// The row of a pane that the ring holds.
    pub(crate) fn row(&self, pane: i64) -> &[i64] {
        debug_assert!(self.is_empty() || self.spot(pane).is_some(), "{pane}");
        &self.rows[self.start(pane)..][..self.row_size]
    }

    /// The rows as they are now.
    pub(crate) fn cut(&self) -> Rows {
        Rows {
            head: self.head,
            rows: self.rows.clone(),
        }
    }

    /// Takes the rows of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, cut: Rows) -> bool {
        if cut.rows.len() != self.rows.len() {
            return false;
        }
        (self.head, self.rows) = (cut.head, cut.rows);
        self.sums.fill(0);
        if self.head == i64::MIN {
            return true;
        }
        for window in 0..self.reaches.len() {
            for pane in self.reaches[window].first(self.head)..self.head {
                self.join(window, pane, i64::wrapping_add);
            }
        }
        true
    }

    /// The sums of these components over window `index` of those given at the start.
    pub(crate) fn sums(&self, index: usize, components: Range<usize>) -> impl Iterator<Item = i64> {
        let head = &self.rows[self.start(self.head)..][..self.row_size];
        let sums = &self.sums[index * self.row_size..][..self.row_size];
        let both = sums[components.clone()].iter().zip(&head[components]);
        both.map(|(sum, head)| sum.wrapping_add(*head))
    }
}

/// Where the row of a pane begins.
fn start(pane: i64, ring: i64, row_size: usize) -> usize {
    usize::try_from(pane.rem_euclid(ring)).expect("not negative") * row_size
}
