//! In: parts of one second, perhaps of different sets. Kept: their sum, laid out by the oldest set among
//! them. Out: it, and what of it is not of all partitions. Never knows: cells, other seconds.

use crate::account::Counts;
use crate::effect::Part;
use crate::kpi::layout::Place;
use crate::kpi::tally::{Tally, together};
use crate::plan::Plan;
use cx_model::time::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many parts' tallies are joined at once: one pass costs little more than one of them would.
const TOGETHER: usize = 8;

/// One second that not all partitions have passed.
pub(super) struct Joint {
    /// The oldest set of those that have.
    pub(super) plan: Arc<Plan>,
    pub(super) offsets: Vec<Option<i64>>,
    pub(super) counts: Vec<Counts>,
    pub(super) start: Timestamp,
    pub(super) data_gap: bool,
    pub(super) values: Vec<i64>,
    /// Of all parts once they are [settled](Self::settle).
    pub(super) tallies: Vec<Tally>,
    /// Those of parts that are not among them yet.
    apart: Vec<Box<[Tally]>>,
    /// By measure, whether a partition does not count it.
    pub(super) missing: Vec<bool>,
    /// By set, the second from which all these partitions count what came with it.
    since: BTreeMap<u32, i64>,
}

/// Components laid out by one set.
struct Laid {
    values: Vec<i64>,
    tallies: Vec<Tally>,
    missing: Vec<bool>,
}

impl Joint {
    pub(super) fn empty(plan: &Arc<Plan>, partitions: usize) -> Self {
        let Laid {
            values,
            tallies,
            missing,
        } = Laid::nothing(plan);
        Self {
            plan: Arc::clone(plan),
            offsets: vec![None; partitions],
            counts: vec![Counts::default(); partitions],
            start: Timestamp(i64::MIN),
            data_gap: false,
            values,
            tallies,
            apart: Vec::new(),
            missing,
            since: BTreeMap::new(),
        }
    }

    /// By measure, since when all partitions count it, where it came with a later set.
    pub(super) fn since(&self) -> Vec<Option<Timestamp>> {
        let since = |set: &u32| self.since.get(set).map(|s| Timestamp::from_second(*s));
        self.plan.born.iter().map(since).collect()
    }

    /// Adds a part that is laid out by `plan`.
    pub(super) fn take(&mut self, plan: &Arc<Plan>, part: &Part) {
        let index = usize::try_from(part.partition).unwrap_or(usize::MAX);
        let (size, tallies) = (plan.layout.size, plan.layout.tallies);
        let fits = part.values.len() == size && part.tallies.len() == tallies;
        if !fits || self.offsets.get(index).is_none_or(Option::is_some) {
            return;
        }
        self.offsets[index] = Some(part.next_offset);
        self.start = self.start.max(part.start);
        self.data_gap |= part.counts.data_gap.is_some();
        self.counts[index] = part.counts;
        for (set, s) in part.since.iter() {
            let latest = self.since.entry(*set).or_insert(*s);
            *latest = (*latest).max(*s);
        }
        if plan.number() < self.plan.number() {
            self.settle();
            let mine = (&*self.values, &*self.tallies, &*self.missing);
            let laid = Laid::anew(plan, &self.plan, mine);
            (self.values, self.tallies, self.missing) = (laid.values, laid.tallies, laid.missing);
            self.plan = Arc::clone(plan);
        }
        if plan.number() > self.plan.number() {
            let theirs = (&*part.values, &*part.tallies, &[][..]);
            let laid = Laid::anew(&self.plan, plan, theirs);
            for (own, missing) in self.missing.iter_mut().zip(&laid.missing) {
                *own |= missing;
            }
            self.join(&laid.values);
            self.apart.push(laid.tallies.into());
        } else {
            self.join(&part.values);
            self.apart.push(part.tallies.clone());
        }
        if self.apart.len() >= TOGETHER {
            self.settle();
        }
    }

    /// Joins what is still apart.
    pub(super) fn settle(&mut self) {
        if self.apart.is_empty() {
            return;
        }
        let mut places = Vec::new();
        let before = std::mem::take(&mut self.tallies);
        for (i, twin) in self.plan.layout.twins.iter().copied().enumerate() {
            let apart = &self.apart;
            let all = |i: usize| apart.iter().map(move |part| &part[i]).chain([&before[i]]);
            if twin != i
                && all(i)
                    .zip(all(twin))
                    .all(|(one, other)| Arc::ptr_eq(one, other))
            {
                self.tallies.push(Arc::clone(&self.tallies[twin]));
                continue;
            }
            let some = all(i).filter(|tally| !tally.is_empty());
            let some: SmallVec<[&Tally; 16]> = some.collect();
            self.tallies.push(together(&some, &mut places));
        }
        self.apart.clear();
    }

    fn join(&mut self, values: &[i64]) {
        for (place, measure) in self.plan.layout.places.iter().zip(&self.plan.set.measures) {
            let all = place.base..place.base + place.stride * measure.windows.len();
            place.merge(&mut self.values[all.clone()], &values[all]);
        }
    }
}

impl Laid {
    fn nothing(plan: &Plan) -> Self {
        let mut values = vec![0; plan.layout.size];
        for (place, measure) in plan.layout.places.iter().zip(&plan.set.measures) {
            let end = place.base + place.stride * measure.windows.len();
            for i in (place.base..end).step_by(place.width) {
                values[i] = place.merge.absent();
            }
        }
        Self {
            values,
            tallies: vec![Tally::default(); plan.layout.tallies],
            missing: vec![false; plan.set.measures.len()],
        }
    }

    /// What is laid out by `there`, laid out by `plan`; missing is what `there` does not count the same
    /// way in all its windows.
    fn anew(
        plan: &Plan,
        there: &Plan,
        (values, tallies, missing): (&[i64], &[Tally], &[bool]),
    ) -> Self {
        let mut laid = Self::nothing(plan);
        for (i, j) in plan.same_in(there).into_iter().enumerate() {
            let windows = &plan.set.measures[i].windows;
            let at = j.and_then(|j| {
                let theirs = &there.set.measures[j].windows;
                let at = windows.iter().map(|w| theirs.iter().position(|t| t == w));
                Some((j, at.collect::<Option<Vec<usize>>>()?))
            });
            let Some((j, at)) = at.filter(|(j, _)| missing.get(*j) != Some(&true)) else {
                laid.missing[i] = true;
                continue;
            };
            let (here, theirs): (&Place, &Place) =
                (&plan.layout.places[i], &there.layout.places[j]);
            for (own, other) in at.iter().enumerate() {
                let from = theirs.base + other * theirs.stride;
                let to = here.base + own * here.stride;
                laid.values[to..to + here.stride]
                    .copy_from_slice(&values[from..from + here.stride]);
                if let (Some(to), Some(from)) = (here.tally, theirs.tally) {
                    let (to, from) = (to + own * here.combos, from + other * here.combos);
                    laid.tallies[to..to + here.combos]
                        .clone_from_slice(&tallies[from..from + here.combos]);
                }
            }
        }
        laid
    }
}
