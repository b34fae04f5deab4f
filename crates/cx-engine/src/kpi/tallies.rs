//! In: numbers of one measure. Kept: per pane a tally of each combination, per window the tallies of its panes
//! before the head. Out: those of the windows. Never knows: percentiles.

use super::reach::{Reach, longest};
use super::tally::{Tally, join, put};
use std::sync::Arc;

/// What one pane holds: by combination and bucket, ascending. Of most combinations it has few buckets or none.
pub(crate) type Row = Vec<((u16, i16), i64)>;

/// A ring of panes for one measure.
pub(crate) struct Tallies {
    rows: Vec<Row>,
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
        Self {
            rows: vec![Row::new(); usize::try_from(ring).expect("a ring has few panes")],
            combos,
            ring,
            head: i64::MIN,
            ahead,
            reaches: reaches.to_vec(),
            sums: vec![Tally::default(); combos * reaches.len()],
        }
    }

    fn at(&self, pane: i64) -> usize {
        usize::try_from(pane.rem_euclid(self.ring)).expect("not negative")
    }

    /// Moves the head; panes leave and enter the windows.
    pub(crate) fn advance(&mut self, head: i64) {
        if head == self.head {
            return;
        }
        if self.head == i64::MIN || head - self.head > self.ring {
            self.rows.fill(Row::new());
            self.sums.fill(Tally::default());
            self.head = head;
            return;
        }
        while self.head < head {
            let before = self.head;
            self.head += 1;
            for window in 0..self.reaches.len() {
                self.join(window, before, 1);
                let reach = &self.reaches[window];
                // One leaves, but all of a day at its end.
                for pane in reach.first(before)..reach.first(self.head) {
                    self.join(window, pane, -1);
                }
            }
            let fresh = self.at(self.head + self.ahead);
            self.rows[fresh] = Row::new();
        }
    }

    /// Puts a pane into a window's tallies, or takes it out.
    fn join(&mut self, window: usize, pane: i64, sign: i64) {
        let at = self.at(pane);
        let sums = &mut self.sums[window * self.combos..][..self.combos];
        for (combo, counts) in by_combo(&self.rows[at]) {
            join(Arc::make_mut(&mut sums[combo]), counts, sign);
        }
    }

    /// Takes one number's bucket into one pane; a pane outside the ring is nobody's business any more.
    pub(crate) fn add(&mut self, pane: i64, combo: usize, bucket: i16) {
        let longest = self.ring - self.ahead - 2;
        if pane <= self.head - longest || pane > self.head + self.ahead {
            return;
        }
        let at = self.at(pane);
        put(&mut self.rows[at], (small(combo), bucket), 1);
        if pane < self.head {
            for (window, reach) in self.reaches.iter().enumerate() {
                if pane >= reach.first(self.head) {
                    let sum = &mut self.sums[window * self.combos + combo];
                    put(Arc::make_mut(sum), bucket, 1);
                }
            }
        }
    }

    /// The tallies of a window, by combination.
    pub(crate) fn sums(&self, window: usize) -> Vec<Tally> {
        let mut sums = self.sums[window * self.combos..][..self.combos].to_vec();
        for (combo, counts) in by_combo(&self.rows[self.at(self.head)]) {
            join(Arc::make_mut(&mut sums[combo]), counts, 1);
        }
        sums
    }

    /// The rows as they are now.
    pub(crate) fn cut(&self) -> (i64, Vec<Row>) {
        (self.head, self.rows.clone())
    }

    /// Takes the rows of a cut; false where they are not those of this set.
    pub(crate) fn restore(&mut self, (head, rows): (i64, Vec<Row>)) -> bool {
        let known = |((combo, _), _): &((u16, i16), i64)| usize::from(*combo) < self.combos;
        if rows.len() != self.rows.len() || !rows.iter().flatten().all(known) {
            return false;
        }
        (self.head, self.rows) = (head, rows);
        self.sums.fill(Tally::default());
        if self.head == i64::MIN {
            return true;
        }
        for window in 0..self.reaches.len() {
            for pane in self.reaches[window].first(self.head)..self.head {
                self.join(window, pane, 1);
            }
        }
        true
    }
}

/// The combinations of a row, each with its buckets.
fn by_combo(
    row: &Row,
) -> impl Iterator<Item = (usize, impl ExactSizeIterator<Item = (i16, i64)> + '_)> {
    let groups = row.chunk_by(|((a, _), _), ((b, _), _)| a == b);
    groups.map(|group| {
        let counts = group.iter().map(|((_, bucket), count)| (*bucket, *count));
        (usize::from(group[0].0.0), counts)
    })
}

fn small(combo: usize) -> u16 {
    u16::try_from(combo).expect("breakdowns have few combinations")
}
