//! In: numbers of one measure. Kept: per pane and combination a tally, per window the tally of its
//! panes. Out: those of the windows. Never knows: percentiles.

use super::reach::{Reach, longest};
use super::tally::{Counts, Tally, join, put};
use std::sync::Arc;

/// A ring of panes for one measure.
pub(crate) struct Tallies {
    /// One row of combinations per pane; most are empty.
    rows: Vec<Counts>,
    combos: usize,
    ring: i64,
    head: i64,
    ahead: i64,
    reaches: Vec<Reach>,
    /// By window, then by combination.
    sums: Vec<Tally>,
}

impl Tallies {
    /// `ahead`: how many panes beyond the head may be added to.
    pub(crate) fn new(combos: usize, reaches: &[Reach], ahead: i64) -> Self {
        let ring = longest(reaches) + ahead + 2;
        let rows = usize::try_from(ring).expect("a ring has few panes") * combos;
        Self {
            rows: vec![Counts::new(); rows],
            combos,
            ring,
            head: i64::MIN,
            ahead,
            reaches: reaches.to_vec(),
            sums: vec![Tally::default(); combos * reaches.len()],
        }
    }

    fn row(&self, pane: i64) -> usize {
        usize::try_from(pane.rem_euclid(self.ring)).expect("not negative") * self.combos
    }

    /// Moves the head; panes leave and enter the windows.
    pub(crate) fn advance(&mut self, head: i64) {
        if head == self.head {
            return;
        }
        if self.head == i64::MIN || head - self.head > self.ring {
            self.rows.fill(Counts::new());
            self.sums.fill(Tally::default());
            self.head = head;
            return;
        }
        while self.head < head {
            self.head += 1;
            for (window, reach) in self.reaches.iter().enumerate() {
                let gone = reach.first(self.head - 1)..reach.first(self.head);
                let gone = gone.map(|pane| (pane, -1));
                // One leaves, but all of a day at its end.
                for (pane, sign) in [(self.head, 1)].into_iter().chain(gone) {
                    let row = self.row(pane);
                    for combo in 0..self.combos {
                        let counts = &self.rows[row + combo];
                        if !counts.is_empty() {
                            let sum = &mut self.sums[window * self.combos + combo];
                            join(Arc::make_mut(sum), counts, sign);
                        }
                    }
                }
            }
            let fresh = self.row(self.head + self.ahead);
            self.rows[fresh..fresh + self.combos].fill(Counts::new());
        }
    }

    /// Takes one number's bucket into one pane; a pane outside the ring is nobody's business any more.
    pub(crate) fn add(&mut self, pane: i64, combo: usize, bucket: i16) {
        let longest = self.ring - self.ahead - 2;
        if pane <= self.head - longest || pane > self.head + self.ahead {
            return;
        }
        let at = self.row(pane) + combo;
        put(&mut self.rows[at], bucket, 1);
        if pane <= self.head {
            for (window, reach) in self.reaches.iter().enumerate() {
                if pane >= reach.first(self.head) {
                    let sum = &mut self.sums[window * self.combos + combo];
                    put(Arc::make_mut(sum), bucket, 1);
                }
            }
        }
    }

    /// The tallies of a window, by combination.
    pub(crate) fn sums(&self, window: usize) -> &[Tally] {
        &self.sums[window * self.combos..][..self.combos]
    }

    /// The rows as they are now.
    pub(crate) fn cut(&self) -> (i64, Vec<Counts>) {
        (self.head, self.rows.clone())
    }

    /// Takes the rows of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, (head, rows): (i64, Vec<Counts>)) -> bool {
        if rows.len() != self.rows.len() {
            return false;
        }
        (self.head, self.rows) = (head, rows);
        self.sums.fill(Tally::default());
        if self.head == i64::MIN {
            return true;
        }
        for (window, reach) in self.reaches.iter().enumerate() {
            for pane in reach.first(self.head)..=self.head {
                let row = self.row(pane);
                for combo in 0..self.combos {
                    let sum = &mut self.sums[window * self.combos + combo];
                    join(Arc::make_mut(sum), &self.rows[row + combo], 1);
                }
            }
        }
        true
    }
}
