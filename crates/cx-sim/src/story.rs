//! In: when payments break or are mended. Kept: the outages. Out: whether payments fail, and how
//! many worried people come because of it. Never knows: who they are.

use cx_model::time::{MINUTE, SECOND, Timestamp};

/// How long payments fail, ms.
const LASTS: i64 = 15 * MINUTE;
/// How long after one scheduled outage the next begins, ms.
const CYCLE: i64 = 35 * MINUTE;
/// Share of payments that fail.
const CALM: f64 = 0.02;
/// Share that fails in an outage.
const BROKEN: f64 = 0.35;

/// Payments fail from `from` until before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outage {
    from: Timestamp,
    until: Timestamp,
}

impl Outage {
    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// The outages of payments, past, present and the next one scheduled.
#[derive(Debug, Default)]
pub(crate) struct Story {
    outages: Vec<Outage>,
}

impl Story {
    pub(crate) fn new(first: Option<Timestamp>) -> Self {
        let mut story = Self::default();
        if let Some(from) = first {
            story.schedule(from);
        }
        story
    }

    fn schedule(&mut self, from: Timestamp) {
        let until = from.plus(LASTS);
        self.outages.push(Outage { from, until });
    }

    /// A scheduled outage begins: the next one is entered in the book; when it begins.
    pub(crate) fn begins(&mut self, at: Timestamp) -> Timestamp {
        let next = at.plus(CYCLE);
        self.outages.retain(|o| at.since(o.until) < CYCLE);
        self.schedule(next);
        next
    }

    /// Payments break at `at`; while they fail already, they fail longer. Whether this is new.
    pub(crate) fn breaks(&mut self, at: Timestamp) -> bool {
        if let Some(now) = self.outages.iter_mut().find(|o| o.holds(at)) {
            now.until = now.until.max(at.plus(LASTS));
            return false;
        }
        self.schedule(at);
        true
    }

    /// Payments are mended at `at`.
    pub(crate) fn mended(&mut self, at: Timestamp) {
        for outage in self.outages.iter_mut().filter(|o| o.holds(at)) {
            outage.until = at;
        }
    }

    pub(crate) fn failing(&self, at: Timestamp) -> bool {
        self.outages.iter().any(|o| o.holds(at))
    }

    /// Probability that a payment tried at `at` fails.
    pub(crate) fn failure(&self, at: Timestamp) -> f64 {
        if self.failing(at) { BROKEN } else { CALM }
    }

    /// How long payments have been failing at `at`, ms.
    pub(crate) fn since(&self, at: Timestamp) -> Option<i64> {
        let outage = self.outages.iter().filter(|o| o.holds(at));
        outage.map(|o| at.since(o.from)).max()
    }

    /// How many worried people come at `at`, as a share of the worst moment: quickly more, and
    /// fewer once the company has said publicly what is wrong.
    #[expect(clippy::cast_precision_loss, reason = "minutes of an outage")]
    pub(crate) fn worry(&self, at: Timestamp) -> f64 {
        let Some(since) = self.since(at) else {
            return 0.0;
        };
        let rise = (since as f64 / (10 * SECOND) as f64).min(1.0);
        let told = (since - 2 * MINUTE).max(0) as f64 / (3 * MINUTE) as f64;
        rise * (0.22 + 0.78 * (-told).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn payments_fail_for_fifteen_minutes_and_again_every_thirty_five() {
        let mut story = Story::new(Some(T));
        assert_eq!(story.begins(T), T.plus(CYCLE));
        for (minute, failing) in [(-1, false), (0, true), (14, true), (15, false), (35, true)] {
            assert_eq!(story.failing(T.plus(minute * MINUTE)), failing, "{minute}");
        }
    }

    #[test]
    fn mended_payments_stay_well_until_they_break_again() {
        let mut story = Story::new(None);
        assert!(story.breaks(T));
        assert!(!story.breaks(T.plus(MINUTE)), "longer, not twice");
        assert!(story.failing(T.plus(15 * MINUTE)));
        story.mended(T.plus(5 * MINUTE));
        assert!(!story.failing(T.plus(5 * MINUTE)));
        assert!(story.breaks(T.plus(6 * MINUTE)));
        assert!(story.failing(T.plus(20 * MINUTE)));
    }

    #[test]
    fn worry_rises_within_seconds_and_falls_once_people_were_told() {
        let story = Story::new(Some(T));
        let at = |s: i64| story.worry(T.plus(s * SECOND));
        assert!(story.worry(T.plus(-1)) == 0.0 && at(5) < at(10) && at(10) == at(120));
        assert!(at(840) < 0.3 * at(120) && at(840) > 0.2);
    }
}
