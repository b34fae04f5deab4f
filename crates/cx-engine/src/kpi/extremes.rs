//! In: values of one measure. Kept: per pane and combination the extreme, per window the extreme of
//! its panes. Out: least or greatest value over each window. Never knows: what a value means.
//!
//! An extreme cannot be taken back, but only a pane that leaves can lose one: then, and only where
//! the leaving pane held it, the window is looked through again.

use super::layout::Merge;
use super::reach::{Reach, longest};

/// A ring of panes for one measure.
pub(crate) struct Extremes {
    merge: Merge,
    /// One row of combinations per pane.
    rows: Vec<i64>,
    combos: usize,
    ring: i64,
    head: i64,
    ahead: i64,
    reaches: Vec<Reach>,
    /// Per window and combination.
    best: Vec<Vec<i64>>,
}

impl Extremes {
    /// `ahead`: how many panes beyond the head may be added to.
    pub(crate) fn new(merge: Merge, combos: usize, reaches: &[Reach], ahead: i64) -> Self {
        let ring = longest(reaches) + ahead + 2;
        let rows = usize::try_from(ring).expect("a ring has few panes") * combos;
        Self {
            merge,
            rows: vec![merge.absent(); rows],
            combos,
            ring,
            head: i64::MIN,
            ahead,
            reaches: reaches.to_vec(),
            best: vec![vec![merge.absent(); combos]; reaches.len()],
        }
    }

    fn row(&self, pane: i64) -> usize {
        usize::try_from(pane.rem_euclid(self.ring)).expect("not negative") * self.combos
    }

    /// Moves the head; panes leave and enter the windows.
    pub(crate) fn advance(&mut self, head: i64) {
        let absent = self.merge.absent();
        if self.head == i64::MIN || head - self.head > self.ring {
            self.rows.fill(absent);
            self.best.iter_mut().for_each(|b| b.fill(absent));
            self.head = head;
            return;
        }
        while self.head < head {
            self.head += 1;
            for window in 0..self.reaches.len() {
                self.step(window);
            }
            let fresh = self.row(self.head + self.ahead);
            self.rows[fresh..fresh + self.combos].fill(absent);
        }
    }

    /// One pane enters a window and one leaves it, but all of a day at its end.
    fn step(&mut self, window: usize) {
        let entering = self.row(self.head);
        let reach = &self.reaches[window];
        let (before, first) = (reach.first(self.head - 1), reach.first(self.head));
        if first - before != 1 {
            for combo in (0..self.combos).filter(|_| first > before) {
                self.best[window][combo] = self.look(window, combo);
            }
            for combo in (0..self.combos).filter(|_| first == before) {
                let best = self.best[window][combo];
                self.best[window][combo] = self.merge.join(best, self.rows[entering + combo]);
            }
            return;
        }
        let leaving = self.row(before);
        for combo in 0..self.combos {
            let gone = self.rows[leaving + combo];
            let best = self.best[window][combo];
            self.best[window][combo] = if gone == best && gone != self.merge.absent() {
                self.look(window, combo)
            } else {
                self.merge.join(best, self.rows[entering + combo])
            };
        }
    }

    fn look(&self, window: usize, combo: usize) -> i64 {
        let panes = self.reaches[window].first(self.head)..=self.head;
        panes.fold(self.merge.absent(), |best, pane| {
            self.merge.join(best, self.rows[self.row(pane) + combo])
        })
    }

    /// Takes a value into one pane; a pane outside the ring is nobody's business any more.
    pub(crate) fn add(&mut self, pane: i64, combo: usize, value: i64) {
        let longest = self.ring - self.ahead - 2;
        if pane <= self.head - longest || pane > self.head + self.ahead {
            return;
        }
        let at = self.row(pane) + combo;
        self.rows[at] = self.merge.join(self.rows[at], value);
        if pane <= self.head {
            for (reach, best) in self.reaches.iter().zip(&mut self.best) {
                if pane >= reach.first(self.head) {
                    best[combo] = self.merge.join(best[combo], value);
                }
            }
        }
    }

    /// The rows as they are now.
    pub(crate) fn cut(&self) -> (i64, Vec<i64>) {
        (self.head, self.rows.clone())
    }

    /// Takes the rows of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, (head, rows): (i64, Vec<i64>)) -> bool {
        if rows.len() != self.rows.len() {
            return false;
        }
        (self.head, self.rows) = (head, rows);
        if self.head != i64::MIN {
            for window in 0..self.reaches.len() {
                for combo in 0..self.combos {
                    self.best[window][combo] = self.look(window, combo);
                }
            }
        }
        true
    }

    /// The extreme of a combination over window `index` of those given at the start; the
    /// absent value of its merge where there is none.
    pub(crate) fn best(&self, index: usize, combo: usize) -> i64 {
        self.best[index][combo]
    }
}
