//! In: a plan, the seconds from which sets hold in a partition. Kept: by measure the event times that
//! it counts. Out: whether it counts one. Never knows: events.

use crate::plan::Plan;
use cx_model::time::Timestamp;

/// Whose number holds from which second on; ascending.
pub(crate) type Since = [(u32, i64)];

/// The event times that each measure counts.
pub(crate) struct Spans {
    /// By measure: from when on, until before when.
    all: Vec<(Timestamp, Timestamp)>,
    /// Times that every measure counts.
    common: (Timestamp, Timestamp),
}

const ALWAYS: (Timestamp, Timestamp) = (Timestamp(i64::MIN), Timestamp(i64::MAX));

impl Spans {
    /// What began with a set counts from its second on; what ends with the newest, until then.
    pub(crate) fn of(plan: &Plan, since: &Since) -> Self {
        let newest = since.last().map(|(_, s)| Timestamp::from_second(*s));
        let span = |(born, ends): (&u32, &bool)| {
            let from = since.iter().find(|(set, _)| set == born);
            let from = from.map_or(ALWAYS.0, |(_, s)| Timestamp::from_second(*s));
            (from, newest.filter(|_| *ends).unwrap_or(ALWAYS.1))
        };
        let all: Vec<_> = plan.born.iter().zip(&plan.ends).map(span).collect();
        let common = all.iter().fold(ALWAYS, |(a, b), (from, until)| {
            (a.max(*from), b.min(*until))
        });
        Self { all, common }
    }

    /// Whether every measure counts what happened at `time`.
    pub(crate) fn open(&self, time: Timestamp) -> bool {
        inside(self.common, time)
    }

    /// Whether a measure does.
    pub(crate) fn holds(&self, measure: usize, time: Timestamp) -> bool {
        inside(self.all[measure], time)
    }
}

fn inside((from, until): (Timestamp, Timestamp), time: Timestamp) -> bool {
    time >= from && time < until
}
