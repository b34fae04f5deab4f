//! In: parts of all partitions. Kept: open seconds, the last 120 sealed ones.
//! Out: sealed seconds, live values. Never knows: clocks; which values matter to whom.

use crate::account::Counts;
use crate::effect::Part;
use crate::kpi::cells::{Joined, cells};
use crate::plan::Plan;
use cx_catalog::compiled::Compiled;
use cx_model::value::Sealed;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

mod finals;
mod joint;

pub use finals::FinalMinute;
use finals::Minutes;
use joint::Joint;

const OPEN_SECONDS: usize = 120;
const OPEN_MINUTES: usize = 180;
/// How many sealed seconds stay in memory.
const RECENT: usize = 120;

/// Joins the partitions. A second's values are those of the newest set that holds in all of them.
pub struct Rollup {
    plans: BTreeMap<u32, Arc<Plan>>,
    open: BTreeMap<i64, Joint>,
    newest: Vec<Option<Part>>,
    sealed_s: Option<i64>,
    recent: VecDeque<Sealed>,
    /// The set of each of those seconds.
    sets: VecDeque<Arc<Plan>>,
    /// What became of the records of each partition, for each of those seconds.
    counts: VecDeque<Arc<[Counts]>>,
    gaps: u64,
    /// Final minutes that not all partitions gave yet.
    minutes: Minutes,
}

impl Rollup {
    /// A roll-up that has seen nothing.
    #[must_use]
    pub fn new(set: Arc<Compiled>, partitions: u32) -> Self {
        Self::of(&Arc::new(Plan::new(set)), partitions)
    }

    /// As [`Self::new`], with a plan that is made already.
    #[must_use]
    pub fn of(plan: &Arc<Plan>, partitions: u32) -> Self {
        Self {
            plans: [(plan.number(), Arc::clone(plan))].into(),
            open: BTreeMap::new(),
            newest: (0..partitions).map(|_| None).collect(),
            sealed_s: None,
            recent: VecDeque::new(),
            sets: VecDeque::new(),
            counts: VecDeque::new(),
            gaps: 0,
            minutes: Minutes::default(),
        }
    }

    /// Tells of a set before the first part under it.
    pub fn learn(&mut self, plan: &Arc<Plan>) {
        self.plans.insert(plan.number(), Arc::clone(plan));
    }

    /// The set of a sealed second that [`Rollup::sealed_at`] knows.
    #[must_use]
    pub fn set_at(&self, s: i64) -> Option<&Arc<Compiled>> {
        let at = self.recent.iter().position(|sealed| sealed.s == s)?;
        self.sets.get(at).map(|plan| &plan.set)
    }

    /// The set of live values.
    #[must_use]
    pub fn live_set(&self) -> Option<u32> {
        self.newest.iter().flatten().map(|part| part.set).min()
    }

    /// The set of the newest sealed second; before the first one, the oldest that is known.
    #[must_use]
    pub fn set(&self) -> &Arc<Compiled> {
        let newest = self.sets.back().or_else(|| self.plans.values().next());
        &newest.expect("told of one at the start").set
    }

    /// Takes a part; the second it seals, if it was the last one missing.
    pub fn handle_part(&mut self, part: Part) -> Option<Sealed> {
        if self.sealed_s.is_some_and(|s| part.s <= s) {
            return None;
        }
        let partitions = self.newest.len();
        let plan = self.plans.get(&part.set)?;
        let joint = self
            .open
            .entry(part.s)
            .or_insert_with(|| Joint::empty(plan, partitions));
        joint.take(plan, &part);
        let s = part.s;
        let index = usize::try_from(part.partition).unwrap_or(usize::MAX);
        if let Some(newest) = self.newest.get_mut(index) {
            *newest = Some(part);
        }
        if self.open[&s].offsets.iter().all(Option::is_some) {
            return Some(self.seal(s));
        }
        self.bound();
        None
    }

    /// Values of whatever each partition passed last: nothing is proven by them.
    #[must_use]
    pub fn live(&self) -> Option<Sealed> {
        self.at_moment(&[]).map(|(_, sealed)| sealed)
    }

    /// Values of what each partition holds at this moment, or passed last where that is not given:
    /// nothing is proven by them. With the number of the set whose values they are.
    #[must_use]
    pub fn at_moment(&self, moments: &[Option<Part>]) -> Option<(u32, Sealed)> {
        let passed = self.newest.iter().enumerate();
        let held: Vec<&Part> = passed
            .filter_map(|(at, passed)| {
                let moment = moments.get(at).and_then(Option::as_ref);
                let held = moment.into_iter().chain(passed);
                held.max_by_key(|part| part.next_offset)
            })
            .collect();
        let oldest = held.iter().map(|part| part.set).min()?;
        let newest = held.iter().map(|part| part.s).max()?;
        let mut joint = Joint::empty(self.plans.get(&oldest)?, self.newest.len());
        for part in held {
            joint.take(self.plans.get(&part.set)?, part);
        }
        joint.settle();
        Some((oldest, self.sealed(newest, &joint, false)))
    }

    /// Partitions that keep the next second from being sealed.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<u32> {
        let newest = self.newest.iter().flatten().map(|p| p.s).max();
        let behind = |p: &Option<Part>| p.as_ref().map(|p| p.s) < newest || newest.is_none();
        (0_u32..)
            .zip(&self.newest)
            .filter(|(_, p)| behind(p))
            .map(|(i, _)| i)
            .collect()
    }

    /// The newest sealed second.
    #[must_use]
    pub fn newest(&self) -> Option<&Sealed> {
        self.recent.back()
    }

    /// A sealed second among the last 120.
    #[must_use]
    pub fn sealed_at(&self, s: i64) -> Option<&Sealed> {
        self.recent.iter().find(|sealed| sealed.s == s)
    }

    /// What became of the records of each partition below the offsets of a sealed second that
    /// [`Rollup::sealed_at`] knows.
    #[must_use]
    pub fn counts_at(&self, s: i64) -> Option<Arc<[Counts]>> {
        let at = self.recent.iter().position(|sealed| sealed.s == s)?;
        self.counts.get(at).cloned()
    }

    /// The oldest sealed second in memory.
    #[must_use]
    pub fn oldest(&self) -> Option<&Sealed> {
        self.recent.front()
    }

    /// The second in memory that is nearest to another; of two the later one.
    #[must_use]
    pub fn nearest(&self, s: i64) -> Option<i64> {
        let all = self.recent.iter().rev().map(|sealed| sealed.s);
        all.min_by_key(|sealed| sealed.abs_diff(s))
    }

    /// Seconds that were given up because not all partitions passed them in time.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    fn seal(&mut self, s: i64) -> Sealed {
        let later = self.open.split_off(&(s + 1));
        let mut done = std::mem::replace(&mut self.open, later);
        let mut joint = done.remove(&s).expect("the second is open");
        joint.settle();
        let sealed = self.sealed(s, &joint, true);
        self.sealed_s = Some(s);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
            self.sets.pop_front();
            self.counts.pop_front();
        }
        self.recent.push_back(sealed.clone());
        self.sets.push_back(joint.plan);
        self.counts.push_back(joint.counts.into());
        sealed
    }

    fn sealed(&self, s: i64, joint: &Joint, sealed: bool) -> Sealed {
        let Plan { set, layout, .. } = &*joint.plan;
        let joined = Joined {
            s,
            start: joint.start,
            since: &joint.since(),
            missing: &joint.missing,
            data_gap: joint.data_gap,
            values: &joint.values,
            tallies: &joint.tallies,
        };
        let offsets: Vec<i64> = joint.offsets.iter().map(|o| o.unwrap_or(0)).collect();
        Sealed {
            s,
            sealed,
            offsets: offsets.into(),
            values: cells(set, layout, &joined).into(),
            final_through: s - set.limits.lateness_ms.div_euclid(1_000),
            waiting_for: if sealed {
                Vec::new()
            } else {
                self.waiting_for()
            },
        }
    }

    /// Gives up the oldest open seconds and minutes beyond what may be open.
    fn bound(&mut self) {
        for (whole, most) in [(false, OPEN_SECONDS), (true, OPEN_MINUTES)] {
            let of_kind = |s: &&i64| (**s).rem_euclid(60) == 0;
            while self.open.keys().filter(|s| of_kind(s) == whole).count() > most {
                let oldest = self.open.keys().find(|s| of_kind(s) == whole).copied();
                self.open.remove(&oldest.expect("counted above"));
                self.gaps += 1;
            }
        }
    }
}
