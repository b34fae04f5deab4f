//! In: objects that begin or cease to be open, seconds. Kept: who is open since when; counts by combination
//! and age band. Out: the counts. Never knows: why they are open.
//!
//! Who grows older moves from band to band by time alone: each second moves those who just became old enough.

use super::layout::scopes;
use cx_catalog::compiled::{CompiledDimension, combos};
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Open objects of one measure by age.
pub(crate) struct Aged {
    dimensions: Vec<CompiledDimension>,
    /// Which of them is the age.
    position: usize,
    /// Until when the bands are right.
    as_of: Timestamp,
    open: BTreeSet<(Timestamp, Key128, [u16; 2])>,
    counts: Vec<i64>,
}

impl Aged {
    /// `None` where no dimension is an age.
    pub(crate) fn of(dimensions: &[CompiledDimension]) -> Option<Self> {
        let position = dimensions.iter().position(|d| !d.bounds_ms.is_empty())?;
        Some(Self {
            dimensions: dimensions.to_vec(),
            position,
            as_of: Timestamp(i64::MIN),
            open: BTreeSet::new(),
            counts: vec![0; combos(dimensions)],
        })
    }

    fn put(&mut self, mut leaf: [u16; 2], band: usize, by: i64) {
        leaf[self.position] = u16::try_from(band + 1).expect("few bands");
        let (combos, n) = scopes(&self.dimensions, leaf);
        combos[..n].iter().for_each(|c| self.counts[*c] += by);
    }

    /// An object begins (+1) or ceases (-1) to be open since `start`.
    pub(crate) fn count(&mut self, start: Timestamp, key: Key128, leaf: [u16; 2], by: i64) {
        let age = self.as_of.since(start);
        let bounds = &self.dimensions[self.position].bounds_ms;
        let band = bounds.iter().filter(|b| age >= **b).count();
        self.put(leaf, band, by);
        if by > 0 {
            self.open.insert((start, key, leaf));
        } else {
            self.open.remove(&(start, key, leaf));
        }
    }

    /// It is this second now.
    pub(crate) fn advance(&mut self, s: i64) {
        let now = Timestamp::from_second(s);
        if now <= self.as_of {
            return;
        }
        let bounds = self.dimensions[self.position].bounds_ms.clone();
        for (band, bound) in bounds.into_iter().enumerate() {
            // Who was younger than the bound until now, and is not any more.
            let edge = |t: Timestamp| (t.plus(1).plus(-bound), Key128(0), [0; 2]);
            let grown = (
                Bound::Included(edge(self.as_of)),
                Bound::Excluded(edge(now)),
            );
            let grown: Vec<[u16; 2]> = self.open.range(grown).map(|(_, _, leaf)| *leaf).collect();
            for leaf in grown {
                self.put(leaf, band, -1);
                self.put(leaf, band + 1, 1);
            }
        }
        self.as_of = now;
    }

    /// Counts by combination, as of the second of the last [`Self::advance`].
    pub(crate) fn counts(&self) -> &[i64] {
        &self.counts
    }
}
