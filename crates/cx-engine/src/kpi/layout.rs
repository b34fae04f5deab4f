//! In: a compiled set. Kept: where each component of each measure lies. Out: indices.
//! Never knows: values.

use super::grain::{self, GRAINS};
use super::reach::{self, Reach};
use cx_catalog::compiled::{Compiled, CompiledAgg, CompiledDimension, CompiledMeasure, combos};
use cx_catalog::definition::Object;
use cx_catalog::journey::Attempts;
use cx_catalog::numbered::Numbered;
use cx_model::window::Window;

/// How parts of several partitions become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Add.
    Sum,
    /// The least ([`ABSENT_MIN`] where there is none).
    Min,
    /// The greatest ([`ABSENT_MAX`] where there is none).
    Max,
}

/// "None" under [`Merge::Min`].
pub(crate) const ABSENT_MIN: i64 = i64::MAX;
/// "None" under [`Merge::Max`].
pub(crate) const ABSENT_MAX: i64 = i64::MIN;

/// One measure's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// First component in a part's values; windows follow one another.
    pub(crate) base: usize,
    /// Components of one window.
    pub(crate) stride: usize,
    /// Components of one combination.
    pub(crate) width: usize,
    /// Combinations.
    pub(crate) combos: usize,
    /// Of them those with one value of the first of two breakdowns; else all.
    inner: usize,
    /// First component in a row of panes of each grain that a window needs; as many as `grains`.
    rows: [(usize, usize); GRAINS],
    /// Grains that a window needs.
    grains: usize,
    /// Components of one combination in a pane row.
    pub(crate) row_width: usize,
    /// How the first component of a combination merges; the others add up.
    pub(crate) merge: Merge,
    /// Which of the set's business days is its own.
    pub(crate) day: usize,
    /// Its first tally in a part, where it takes percentiles; windows follow one another.
    pub(crate) tally: Option<usize>,
    /// The measure that keeps what is counted for those: itself, or one before it that takes other percentiles of
    /// the same.
    pub(crate) keeper: usize,
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) places: Vec<Place>,
    /// Components of one part.
    pub(crate) size: usize,
    /// Tallies of one part.
    pub(crate) tallies: usize,
    /// By tally, the first one that is always the same.
    pub(crate) twins: Vec<usize>,
    /// Components of one row of panes, by grain.
    pub(crate) sizes: [usize; GRAINS],
    /// The different business days of the set.
    pub(crate) days: Vec<Reach>,
}

impl Merge {
    /// What stands for "none".
    pub(crate) fn absent(self) -> i64 {
        match self {
            Self::Sum => 0,
            Self::Min => ABSENT_MIN,
            Self::Max => ABSENT_MAX,
        }
    }

    /// Two become one.
    pub(crate) fn join(self, a: i64, b: i64) -> i64 {
        match self {
            // As the panes do, so that the number of partitions changes nothing.
            Self::Sum => a.wrapping_add(b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

impl Place {
    /// Grains of panes that it needs, each with its first component in a row of them.
    pub(crate) fn rows(&self) -> &[(usize, usize)] {
        &self.rows[..self.grains]
    }

    /// Adds what panes say of leaves to the totals, in the components of one window: an event is added
    /// once, and all its totals follow.
    pub(crate) fn add_up(&self, window: &mut [i64]) {
        let one = self.inner == self.combos;
        for leaf in 1..self.combos {
            let (a, b) = (leaf / self.inner, leaf % self.inner);
            let totals = match (a, b) {
                (0, _) if one => [Some(0), None, None],
                (0, _) | (_, 0) => continue,
                _ => [Some(0), Some(b), Some(a * self.inner)],
            };
            for component in self.width - self.row_width..self.width {
                let value = window[leaf * self.width + component];
                for total in totals.into_iter().flatten() {
                    let total = &mut window[total * self.width + component];
                    *total = total.wrapping_add(value);
                }
            }
        }
    }

    /// The leaves that a combination is the total of; a leaf's own.
    pub(crate) fn leaves(&self, combo: usize) -> impl Iterator<Item = usize> + Clone {
        let (inner, one) = (self.inner, self.inner == self.combos);
        let (a, b) = (combo / inner, combo % inner);
        let within = move |leaf: &usize| match (leaf / inner, leaf % inner) {
            (0, leaf) => one && (b == 0 || leaf == b),
            (outer, leaf) => (a == 0 || outer == a) && leaf != 0 && (b == 0 || leaf == b),
        };
        let least = usize::from(self.combos > 1);
        (least..self.combos).filter(within)
    }

    /// Makes one of the components of two partitions, over all windows.
    pub(crate) fn merge(&self, own: &mut [i64], theirs: &[i64]) {
        if self.merge == Merge::Sum {
            for (own, theirs) in own.iter_mut().zip(theirs) {
                *own = own.wrapping_add(*theirs);
            }
            return;
        }
        let combos = own.chunks_mut(self.width).zip(theirs.chunks(self.width));
        for (own, theirs) in combos {
            for (i, (own, theirs)) in own.iter_mut().zip(theirs).enumerate() {
                let merge = if i == 0 { self.merge } else { Merge::Sum };
                *own = merge.join(*own, *theirs);
            }
        }
    }
}

impl Layout {
    /// `alike`: by measure, the first one that counts the same events.
    pub(crate) fn of(set: &Compiled, alike: &[usize]) -> Self {
        let mut layout = Self {
            places: Vec::new(),
            size: 0,
            tallies: 0,
            twins: Vec::new(),
            sizes: [0; GRAINS],
            days: reach::days(set.measures.iter()),
        };
        for (i, measure) in set.measures.iter().enumerate() {
            let mut place = layout.place(measure, set.sources.len());
            layout.size += place.stride * measure.windows.len();
            let same =
                |j: &usize| alike[*j] == alike[i] && same_numbers(&set.measures[*j], measure);
            place.keeper = (0..i).find(same).unwrap_or(i);
            if let Some(first) = place.tally {
                let kept = layout.places.get(place.keeper).and_then(|p| p.tally);
                let many = place.combos * measure.windows.len();
                let kept = kept.unwrap_or(first);
                layout.twins.extend(kept..kept + many);
                layout.tallies += many;
            }
            let row = place.row_width * place.combos;
            for (grain, _) in place.rows() {
                layout.sizes[*grain] += row;
            }
            layout.places.push(place);
        }
        layout
    }

    fn place(&self, measure: &CompiledMeasure, sources: usize) -> Place {
        let all = combos(&measure.dimensions);
        // Rows hold what is added up by panes: [restated] for distinct counts, whose n lies in
        // its own table, [n, restated] for counts, and for extremes and tallies, which have their own,
        // [sum, n, restated] for sums.
        let (combos, width, row_width, merge) = match measure.agg {
            CompiledAgg::Attempts(Attempts::Undecided, _) | CompiledAgg::Gauge(_) => {
                (all, 1, 0, Merge::Sum)
            }
            CompiledAgg::Count
            | CompiledAgg::CountRecords
            | CompiledAgg::Replies(_)
            | CompiledAgg::Attempts(..)
            | CompiledAgg::Percentile { .. } => (all, 2, 2, Merge::Sum),
            CompiledAgg::Numbered(Numbered::Received) => (measure.names.len(), 1, 0, Merge::Sum),
            CompiledAgg::Numbered(Numbered::Expected) => {
                (3 * measure.names.len(), 1, 0, Merge::Max)
            }
            CompiledAgg::Sum { .. } | CompiledAgg::Average { .. } => (all, 3, 3, Merge::Sum),
            CompiledAgg::Min { .. } => (all, 3, 2, Merge::Min),
            CompiledAgg::Max { .. } => (all, 3, 2, Merge::Max),
            CompiledAgg::CountDistinct | CompiledAgg::Channels(_) => (all, 2, 1, Merge::Sum),
            CompiledAgg::Oldest(Object::SourceLastEvent) => (sources, 1, 0, Merge::Max),
            CompiledAgg::Oldest(_) => (all, 1, 0, Merge::Min),
        };
        let stride = combos * width;
        let distinct = measure.agg == CompiledAgg::CountDistinct;
        let day = Reach::Day(measure.calendar.clone());
        let day = self.days.iter().position(|d| *d == day).unwrap_or(0);
        let needs = |grain| {
            let mut windows = measure.windows.iter();
            let own =
                |w: &Window| grain::of(distinct, *w, day).is_some_and(|(own, _)| own == grain);
            row_width > 0 && windows.any(own)
        };
        let (mut rows, mut grains) = ([(0, 0); GRAINS], 0);
        for grain in (0..GRAINS).filter(|grain| needs(*grain)) {
            rows[grains] = (grain, self.sizes[grain]);
            grains += 1;
        }
        Place {
            base: self.size,
            stride,
            width,
            combos,
            inner: match &measure.dimensions[..] {
                [_, second, ..] => second.values.len() + 2,
                _ => combos,
            },
            rows,
            grains,
            row_width,
            merge,
            day,
            tally: matches!(measure.agg, CompiledAgg::Percentile { .. }).then_some(self.tallies),
            keeper: 0,
        }
    }
}

/// Whether two measures that count the same events take percentiles of the same numbers.
fn same_numbers(a: &CompiledMeasure, b: &CompiledMeasure) -> bool {
    let of = (a.agg, b.agg);
    let (CompiledAgg::Percentile { of: one, .. }, CompiledAgg::Percentile { of: other, .. }) = of
    else {
        return false;
    };
    one == other && a.windows == b.windows && a.calendar == b.calendar
}

/// The combinations that one event counts in, the leaf last: per dimension the value index + 1 (`other` is
/// n + 1).
pub(crate) fn scopes(dimensions: &[CompiledDimension], leaf: [u16; 2]) -> ([usize; 4], usize) {
    let (a, b) = (usize::from(leaf[0]), usize::from(leaf[1]));
    match dimensions {
        [] => ([0; 4], 1),
        [_] => ([0, a, 0, 0], 2),
        [_, second, ..] => {
            let n = second.values.len() + 2;
            ([0, b, a * n, a * n + b], 4)
        }
    }
}

/// Position of a window among a measure's windows.
pub(crate) fn position(windows: &[Window], window: Window) -> Option<usize> {
    windows.iter().position(|w| *w == window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_catalog::compiled::DimensionSource;
    use std::collections::BTreeMap;

    #[test]
    fn a_total_is_made_of_those_leaves_that_count_in_it() {
        let breakdown = |values: u16| CompiledDimension {
            name: String::new(),
            source: DimensionSource::EventSource,
            index: BTreeMap::new(),
            values: (0..values).map(|v| v.to_string()).collect(),
            bounds_ms: Vec::new(),
        };
        for dimensions in [vec![], vec![breakdown(3)], vec![breakdown(1), breakdown(2)]] {
            let combos = combos(&dimensions);
            let inner = match &dimensions[..] {
                [_, second] => second.values.len() + 2,
                _ => combos,
            };
            let ends = |at: usize| dimensions.get(at).map_or(0..=0, |d| 1..=small(&d.values));
            let leaves = ends(0).flat_map(|a| ends(1).map(move |b| [a, b]));
            let mut expected = vec![Vec::new(); combos];
            for leaf in leaves {
                let (all, n) = scopes(&dimensions, leaf);
                all[..n]
                    .iter()
                    .for_each(|total| expected[*total].push(all[n - 1]));
            }
            let place = Place {
                base: 0,
                stride: 0,
                width: 0,
                combos,
                inner,
                rows: [(0, 0); GRAINS],
                grains: 0,
                row_width: 0,
                merge: Merge::Sum,
                day: 0,
                tally: None,
                keeper: 0,
            };
            for (combo, expected) in expected.iter().enumerate() {
                let told: Vec<usize> = place.leaves(combo).collect();
                assert_eq!(told, *expected, "{combo} of {}", dimensions.len());
            }
        }
    }

    /// The number of a breakdown's `other`.
    fn small(values: &[String]) -> u16 {
        u16::try_from(values.len() + 1).expect("few values")
    }
}
