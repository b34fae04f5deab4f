//! In: values of one measure. Kept: per pane and combination the extreme, per window the extreme of
//! its panes. Out: least or greatest value over each window. Never knows: what a value means.
//!
//! An extreme cannot be taken back, but only a pane that leaves can lose one: then, and only where
//! the leaving pane held it, the window is looked through again.

use super::layout::Merge;

/// A ring of panes for one measure.
pub(crate) struct Extremes {
    merge: Merge,
    /// One row of combinations per pane.
    rows: Vec<i64>,
    combos: usize,
    ring: i64,
    head: i64,
    ahead: i64,
    lengths: Vec<i64>,
    /// Per window and combination.
    best: Vec<Vec<i64>>,
}

impl Extremes {
    /// `ahead`: how many panes beyond the head may be added to.
    pub(crate) fn new(merge: Merge, combos: usize, lengths: &[i64], ahead: i64) -> Self {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let ring = longest + ahead + 2;
        let rows = usize::try_from(ring).expect("a ring has few panes") * combos;
        Self {
            merge,
            rows: vec![merge.absent(); rows],
            combos,
            ring,
            head: i64::MIN,
            ahead,
            lengths: lengths.to_vec(),
            best: vec![vec![merge.absent(); combos]; lengths.len()],
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
            for window in 0..self.lengths.len() {
                self.step(window);
            }
            let fresh = self.row(self.head + self.ahead);
            self.rows[fresh..fresh + self.combos].fill(absent);
        }
    }

    /// One pane enters a window and one leaves it.
    fn step(&mut self, window: usize) {
        let entering = self.row(self.head);
        let leaving = self.row(self.head - self.lengths[window]);
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
        let panes = self.head - self.lengths[window] + 1..=self.head;
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
            for (length, best) in self.lengths.iter().zip(&mut self.best) {
                if pane > self.head - length {
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
            for window in 0..self.lengths.len() {
                for combo in 0..self.combos {
                    self.best[window][combo] = self.look(window, combo);
                }
            }
        }
        true
    }

    /// The extreme of a combination over window `index` of the lengths given at the start; the
    /// absent value of its merge where there is none.
    pub(crate) fn best(&self, index: usize, combo: usize) -> i64 {
        self.best[index][combo]
    }
}
