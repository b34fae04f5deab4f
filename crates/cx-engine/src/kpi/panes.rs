//! In: additions to a pane. Kept: one row of components per pane, and a running sum per window.
//! Out: the sum over each window. Never knows: what a component means.

/// A ring of pane rows with running sums over the last `lengths[i]` panes before the head.
pub(crate) struct Panes {
    rows: Vec<i64>,
    row_size: usize,
    ring: i64,
    head: i64,
    ahead: i64,
    lengths: Vec<i64>,
    sums: Vec<Vec<i64>>,
}

impl Panes {
    /// `ahead`: how many panes beyond the head may be added to.
    pub(crate) fn new(row_size: usize, lengths: &[i64], ahead: i64) -> Self {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let ring = longest + ahead + 2;
        let rows = usize::try_from(ring).expect("a ring has few panes") * row_size;
        Self {
            rows: vec![0; rows],
            row_size,
            ring,
            head: i64::MIN,
            ahead,
            lengths: lengths.to_vec(),
            sums: vec![vec![0; row_size]; lengths.len()],
        }
    }

    fn start(&self, pane: i64) -> usize {
        usize::try_from(pane.rem_euclid(self.ring)).expect("not negative") * self.row_size
    }

    /// Moves the head; panes leave and enter the windows.
    pub(crate) fn advance(&mut self, head: i64) {
        if self.head == i64::MIN || head - self.head > self.ring {
            self.rows.fill(0);
            self.sums.iter_mut().for_each(|s| s.fill(0));
            self.head = head;
            return;
        }
        while self.head < head {
            self.head += 1;
            let entering = self.start(self.head);
            for (length, sums) in self.lengths.iter().zip(&mut self.sums) {
                let pane = (self.head - length).rem_euclid(self.ring);
                let leaving = usize::try_from(pane).expect("not negative") * self.row_size;
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum += self.rows[entering + i] - self.rows[leaving + i];
                }
            }
            let fresh = self.start(self.head + self.ahead);
            self.rows[fresh..fresh + self.row_size].fill(0);
        }
    }

    /// Adds to one component of one pane; a pane outside the ring is nobody's business any more.
    pub(crate) fn add(&mut self, pane: i64, component: usize, value: i64) {
        let longest = self.ring - self.ahead - 2;
        if pane <= self.head - longest || pane > self.head + self.ahead {
            return;
        }
        let start = self.start(pane);
        self.rows[start + component] += value;
        if pane <= self.head {
            for (length, sums) in self.lengths.iter().zip(&mut self.sums) {
                if pane > self.head - length {
                    sums[component] += value;
                }
            }
        }
    }

    /// The sum of a component over window `index` of the lengths given at the start.
    pub(crate) fn sum(&self, index: usize, component: usize) -> i64 {
        self.sums[index][component]
    }
}
