//! In: activations, plans of later sets, passed seconds. Kept: which sets hold in this partition since
//! when. Out: the meter's passage from one set to the next. Never knows: who decided it; files.
//!
//! A set holds from the second its activation names; in a partition whose log time had come too far by
//! then, from the first second of which nothing was heard yet. Until that second everything is counted
//! under the set before, and beside it what only the new one counts. So whatever both count never stops.

use super::Engine;
use crate::plan::Plan;
use cx_model::attribute::SlotTable;
use cx_model::reject::{Reason, Rejected};
use cx_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longer than any window reaches, seconds.
const MEMORY_S: i64 = 30 * 86_400;
/// Sets that can begin to hold within that time.
const MOST: usize = 1_000;

/// Later sets, as far as one partition knows them.
pub(super) struct Sets {
    /// Told by the house, not yet in force; by number.
    pub(super) known: BTreeMap<u32, Arc<Plan>>,
    /// Number of the last set that was activated, 0 before the first.
    pub(super) number: u32,
    /// By number the second from which it holds, ascending.
    pub(super) since: Arc<[(u32, i64)]>,
    /// The last of them does not hold yet.
    pub(super) coming: bool,
}

impl Sets {
    pub(super) fn none() -> Self {
        Self {
            known: BTreeMap::new(),
            number: 0,
            since: Arc::new([]),
            coming: false,
        }
    }
}

fn refused(field: &str, detail: String) -> Result<(), Rejected> {
    Err(Rejected::new(Reason::ControlInvalid, field, detail))
}

impl Engine {
    /// Tells of a set before the record that activates it is handed in. An activation of a set that
    /// nobody told of is refused.
    pub fn learn(&mut self, plan: &Arc<Plan>) {
        if plan.number() > self.plan.number() {
            self.sets.known.insert(plan.number(), Arc::clone(plan));
        }
    }

    /// Number of the set that was activated last, 0 before the first activation.
    #[must_use]
    pub fn set_number(&self) -> u32 {
        self.sets.number
    }

    /// The attributes that its events must hold.
    #[must_use]
    pub fn slots(&self) -> &SlotTable {
        &self.plan.set.slots
    }

    /// Number of the set in force.
    #[must_use]
    pub fn in_force(&self) -> u32 {
        self.plan.number()
    }

    /// Takes an activation, or says why it does not apply.
    pub(super) fn activate(
        &mut self,
        number: u32,
        hash: &str,
        effective_from: Timestamp,
    ) -> Result<(), Rejected> {
        if number != self.sets.number + 1 {
            let detail = format!("set {number} cannot follow set {}", self.sets.number);
            return refused("data.number", detail);
        }
        if number == 1 {
            self.sets.number = 1;
            return Ok(());
        }
        if self.sets.coming {
            let detail = format!("set {} is not in force yet", self.sets.number);
            return refused("data.number", detail);
        }
        self.follow(number, hash, effective_from.plus(999).second())
    }

    /// The active set, said again: who knows it goes on as before. Who heard no activation, for the log's
    /// beginning is gone, goes on under it.
    pub(super) fn restate(&mut self, number: u32, hash: &str) -> Result<(), Rejected> {
        let known = if self.sets.coming {
            self.sets.known.get(&number)
        } else {
            Some(&self.plan)
        };
        let same = known.is_some_and(|plan| plan.number() == number && plan.set.hash == hash);
        match self.sets.number {
            0 if number > 1 => self.follow(number, hash, self.log_time.second()),
            active if same && (active == 0 || active == number) => {
                self.sets.number = number;
                Ok(())
            }
            active => {
                let detail =
                    format!("set {number} with hash {hash} is not the active one, {active}");
                refused("data.number", detail)
            }
        }
    }

    /// A set comes into force at a second, with all that lie between it and the last one.
    fn follow(&mut self, number: u32, hash: &str, named: i64) -> Result<(), Rejected> {
        let known = self.sets.known.get(&number);
        let Some(plan) = known.filter(|plan| plan.set.hash == hash).map(Arc::clone) else {
            let detail = format!("set {number} has another hash than {hash}");
            return refused("data.hash", detail);
        };
        let old = self.log_time.second() - MEMORY_S;
        let seen = self.sets.since.iter().filter(|(_, s)| *s > old);
        let mut since: Vec<(u32, i64)> = seen.copied().collect();
        if since.len() >= MOST {
            let detail = format!("{MOST} sets began to hold within 30 days");
            return refused("data.number", detail);
        }
        // Stamps up to the clamp ahead may have been heard already.
        let heard = self.log_time.plus(self.plan.set.limits.clamp_ms).second() + 1;
        let first = self.sets.number.max(1) + 1;
        since.extend((first..=number).map(|number| (number, named.max(heard))));
        self.sets.number = number;
        self.sets.since = since.into();
        self.sets.coming = true;
        self.pass_to(Arc::new(Plan::passage(&self.plan, &plan)));
        Ok(())
    }

    /// The second `s` is passed: a set whose second lies before it holds from now on.
    pub(super) fn come(&mut self, s: i64) {
        let last = self.sets.since.last().copied();
        let Some((number, from)) = last.filter(|_| self.sets.coming) else {
            return;
        };
        if s <= from {
            return;
        }
        self.sets.coming = false;
        if let Some(plan) = self.sets.known.remove(&number) {
            self.pass_to(plan);
        }
    }

    /// The meter goes on under another plan.
    fn pass_to(&mut self, plan: Arc<Plan>) {
        let carried = self.meter.carry(Arc::clone(&plan), &self.sets.since);
        if let Some(moves) = carried.contacts {
            self.contacts.remark(&moves);
        }
        if let Some(moves) = carried.conversations {
            self.conversations.remark(&moves);
        }
        if let Some(moves) = carried.cases {
            self.cases.remark(&moves);
        }
        self.conversations.repromise(&carried.replies);
        self.attempts.remark(&carried.journeys);
        self.case_slot = plan.set.slots.slot("case_id");
        self.plan = plan;
        self.meter.advance(self.passed);
    }

    /// The meter of a cut, before its panes are taken: `false` where its sets are not known.
    pub(super) fn resume(&mut self, plans: &[Arc<Plan>], in_force: u32) -> bool {
        let find = |number: u32| plans.iter().find(|p| p.number() == number).cloned();
        let Some(plan) = find(in_force) else {
            return false;
        };
        let coming = self.sets.since.last().filter(|_| self.sets.coming);
        let plan = match coming.map(|(number, _)| find(*number)) {
            None => plan,
            Some(None) => return false,
            Some(Some(next)) => {
                let passage = Arc::new(Plan::passage(&plan, &next));
                self.sets.known.insert(next.number(), next);
                passage
            }
        };
        self.meter = crate::kpi::meter::Meter::new(Arc::clone(&plan));
        self.meter.hold(&self.sets.since);
        self.plan = plan;
        true
    }
}
