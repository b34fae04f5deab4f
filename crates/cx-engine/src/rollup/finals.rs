//! In: final minutes of all partitions. Kept: those that not all gave yet. Out: the minutes' parts, joined.
//! Never knows: sealed seconds.

use super::{OPEN_MINUTES, Rollup};
use crate::effect::Final;
use crate::kpi::finals::MINUTE;
use cx_model::frame::WireParts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all partitions together counted in one minute, as it stood when it became final in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalMinute {
    /// The second at which the minute ended, a multiple of 60.
    pub end: i64,
    /// Number of the set that all partitions counted it under.
    pub set: u32,
    /// Numerator, denominator and n of each of the set's cells, in their order; the same in all windows of
    /// a KPI. `None` for what has no parts of a minute, and for what did not count all the minute.
    pub parts: Arc<[Option<WireParts>]>,
}

/// A minute that not all partitions gave.
struct Open {
    set: u32,
    given: Vec<bool>,
    /// Whether they gave it under several sets: it has no parts then.
    mixed: bool,
    /// By set, the second from which all of them count what came with it.
    since: BTreeMap<u32, i64>,
    values: Vec<i64>,
}

/// Minutes on their way.
#[derive(Default)]
pub(super) struct Minutes {
    open: BTreeMap<i64, Open>,
    /// The newest one that all partitions gave.
    done: Option<i64>,
}

impl Open {
    fn take(&mut self, one: &Final) {
        let index = usize::try_from(one.partition).unwrap_or(usize::MAX);
        let Some(given) = self.given.get_mut(index) else {
            return;
        };
        if std::mem::replace(given, true) {
            return;
        }
        self.mixed |= one.set != self.set || one.values.len() != self.values.len();
        for (set, s) in one.since.iter() {
            let latest = self.since.entry(*set).or_insert(*s);
            *latest = (*latest).max(*s);
        }
        let both = self.values.iter_mut().zip(&one.values);
        both.for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
    }
}

impl Rollup {
    /// Takes a final minute of one partition; the minute of all of them, if it was the last one missing and
    /// all counted under the same set. Minutes that a partition never gives are given up.
    pub fn handle_final(&mut self, one: &Final) -> Option<FinalMinute> {
        let minutes = &mut self.minutes;
        if minutes.done.is_some_and(|done| one.end <= done) {
            return None;
        }
        let partitions = self.newest.len();
        let fresh = || Open {
            set: one.set,
            given: vec![false; partitions],
            mixed: false,
            since: BTreeMap::new(),
            values: vec![0; one.values.len()],
        };
        let open = minutes.open.entry(one.end).or_insert_with(fresh);
        open.take(one);
        if !open.given.iter().all(|given| *given) {
            if minutes.open.len() > OPEN_MINUTES {
                minutes.open.pop_first();
            }
            return None;
        }
        // Each partition gives them in order: older ones will never be whole.
        let later = minutes.open.split_off(&(one.end + 1));
        let open = std::mem::replace(&mut minutes.open, later).remove(&one.end)?;
        minutes.done = Some(one.end);
        let plan = self.plans.get(&open.set).filter(|_| !open.mixed)?;
        let whole = |measure: usize| {
            let since = open.since.get(&plan.born[measure]);
            since.is_none_or(|since| *since <= one.end - MINUTE)
        };
        let parts = plan.minutes.cells(&plan.set, &open.values, whole);
        Some(FinalMinute {
            end: one.end,
            set: open.set,
            parts: parts.into(),
        })
    }
}
