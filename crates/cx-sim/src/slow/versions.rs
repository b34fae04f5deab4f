//! In: all sets, when each began to hold in each partition. Kept: them. Out: which definition of a KPI
//! judges which record at a second. Never knows: what a definition counts.

use super::conditions;
use super::meaning::{Begun, Named};
use cx_catalog::definition::{Agg, Kpi};
use cx_model::limits::Limits;
use cx_model::time::Timestamp;
use cx_model::window::Window;

/// All sets by number, from 1 on, and by partition when later ones began to hold.
pub(super) struct Versions<'m> {
    pub(super) sets: Vec<&'m [Kpi]>,
    pub(super) since: Vec<Vec<Begun>>,
}

/// One KPI as its set defines it.
pub(super) struct Version<'k> {
    pub(super) kpi: &'k Kpi,
    /// By partition the event times that it judges: from, until before.
    spans: Vec<(Timestamp, Timestamp)>,
    /// A partition judges otherwise by now.
    pub(super) missing: bool,
}

impl<'m> Versions<'m> {
    /// The newest set that holds at `s` in all partitions.
    pub(super) fn in_force(&self, s: i64) -> u32 {
        let all = self.since.iter().map(|since| newest(since, s));
        all.min().unwrap_or(1)
    }

    /// Its KPIs.
    pub(super) fn at(&self, s: i64) -> &'m [Kpi] {
        self.set(self.in_force(s))
    }

    /// The KPIs of the set that holds at `s` in every partition; `None` where they are not of one set.
    pub(super) fn only(&self, s: i64) -> Option<&'m [Kpi]> {
        let mut all = self.since.iter().map(|since| newest(since, s));
        let first = all.next().unwrap_or(1);
        all.all(|set| set == first).then(|| self.set(first))
    }

    fn set(&self, number: u32) -> &'m [Kpi] {
        self.sets[number as usize - 1]
    }

    /// A KPI of the set in force at `s`.
    pub(super) fn version<'k>(&self, kpi: &'k Kpi, s: i64) -> Version<'k> {
        let number = self.in_force(s);
        let born = self.born(kpi, number);
        let span = |since: &Vec<Begun>| {
            let begun = since.iter().find(|(set, _)| *set == born);
            // A later set under which the KPI counts otherwise, or not at all.
            let ended = since
                .iter()
                .find(|(set, _)| *set > number && self.continues(kpi, *set).is_none());
            let time = |(_, s): &Begun| Timestamp::from_second(*s);
            (
                begun.map_or(Timestamp(i64::MIN), time),
                ended.map_or(Timestamp(i64::MAX), time),
            )
        };
        let there = |since: &Vec<Begun>| {
            let set = newest(since, s);
            let goes_on = (number + 1..=set).all(|n| self.continues(kpi, n).is_some());
            let windows = self.set(set).iter().find(|k| k.kpi == kpi.kpi);
            goes_on && windows.is_some_and(|k| kpi.windows.iter().all(|w| k.windows.contains(w)))
        };
        Version {
            kpi,
            spans: self.since.iter().map(span).collect(),
            missing: !self.since.iter().all(there),
        }
    }

    /// The set from which on the KPI has been counted as it is now.
    fn born(&self, kpi: &Kpi, number: u32) -> u32 {
        let mut born = number;
        let mut now = kpi;
        while born > 1 {
            let before = self.set(born - 1).iter().find(|k| k.kpi == now.kpi);
            let Some(before) = before.filter(|before| same(before, now)) else {
                break;
            };
            (born, now) = (born - 1, before);
        }
        born
    }

    /// The KPI in a later set, where it goes on there from the set before.
    fn continues(&self, kpi: &Kpi, number: u32) -> Option<&'m Kpi> {
        let find = |n| self.set(n).iter().find(|k| k.kpi == kpi.kpi);
        let (before, now) = (find(number - 1)?, find(number)?);
        same(before, now).then_some(now)
    }
}

/// Whether what was counted for one KPI is what the other counts: nothing but words, target, decimals,
/// owners and the like differs, and no window is new.
fn same(before: &Kpi, now: &Kpi) -> bool {
    before.formula == now.formula
        && before.filter == now.filter
        && before.dimensions == now.dimensions
        && now.windows.iter().all(|w| before.windows.contains(w))
        && (!now.windows.contains(&Window::Day) || before.calendar == now.calendar)
}

/// The set that holds at `s` in one partition.
fn newest(since: &[Begun], s: i64) -> u32 {
    let holds = since.iter().rev().find(|(_, from)| *from < s);
    holds.map_or(1, |(set, _)| *set)
}

impl Version<'_> {
    /// Whether a record is judged by this definition: events by their time, outcomes of records by log
    /// time.
    pub(super) fn judges(&self, r: &Named, records: bool) -> bool {
        let (from, until) = self.spans[r.partition];
        let time = if records { r.log_time } else { r.time };
        time >= from && time < until
    }

    /// Whether it judges what happened from `begin` on in every partition.
    pub(super) fn judges_all(&self, begin: Timestamp) -> bool {
        self.spans.iter().all(|(from, _)| *from <= begin)
    }

    /// Whether not all that the window reaches back to was judged by it.
    pub(super) fn warming(
        &self,
        (window, begins): (Window, Timestamp),
        (s, start): (i64, Option<Timestamp>),
        limits: &Limits,
    ) -> bool {
        if self.missing {
            return true;
        }
        let later = self.spans.iter().map(|(from, _)| *from);
        let later = later.filter(|from| *from > Timestamp(i64::MIN)).max();
        let s = Timestamp::from_second(s);
        // An attempt that is decided in the window began so long before.
        let within = conditions::measures(self.kpi).into_iter().find_map(|m| {
            let Agg::Attempts { journey, .. } = &m.agg else {
                return None;
            };
            Some(i64::from(journey.within_s) * 1_000)
        });
        if window == Window::Now {
            let kept = within.unwrap_or(limits.contact_open_ms);
            return later.is_some_and(|from| s.since(from) < kept);
        }
        let begun = later.max(start);
        begun.is_some_and(|begun| begins.since(begun) < within.unwrap_or(0))
    }
}
