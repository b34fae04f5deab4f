//! In: sealed whole minutes. Kept: the newest 180 of them. Out: the same, and lines through them. Never
//! knows: files.

use super::shelf::Span;
use super::store::{Found, Line};
use cx_model::value::Sealed;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// How many whole minutes stay in memory.
pub(crate) const MOST: usize = 180;

/// A sealed second of the past.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) sealed: Sealed,
    /// Cells that were not counted then under their present definitions.
    pub(crate) unknown: Arc<[usize]>,
}

impl From<Found> for Moment {
    fn from(found: Found) -> Self {
        let all = found.cells.iter().enumerate();
        let unknown = all.filter(|(_, cell)| cell.is_none()).map(|(i, _)| i);
        Self {
            unknown: unknown.collect(),
            sealed: Sealed {
                s: found.s,
                sealed: true,
                offsets: found.offsets.into(),
                values: found.cells.iter().map(|c| c.unwrap_or_default()).collect(),
                final_through: found.final_through,
                waiting_for: Vec::new(),
            },
        }
    }
}

/// The newest whole minutes.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<BTreeMap<i64, Moment>>);

impl Recent {
    fn minutes(&self) -> MutexGuard<'_, BTreeMap<i64, Moment>> {
        self.0.lock().expect("no holder panics")
    }

    /// A minute that was sealed now; one that is there already stays.
    pub(crate) fn seal(&self, sealed: &Sealed) {
        let mut minutes = self.minutes();
        minutes.entry(sealed.s).or_insert_with(|| Moment {
            sealed: sealed.clone(),
            unknown: Arc::default(),
        });
        bound(&mut minutes);
    }

    /// A minute that was kept by an earlier life: it was the first.
    pub(crate) fn remember(&self, moment: Moment) {
        let mut minutes = self.minutes();
        minutes.insert(moment.sealed.s, moment);
        bound(&mut minutes);
    }

    pub(crate) fn at(&self, s: i64) -> Option<Moment> {
        self.minutes().get(&s).cloned()
    }

    /// The minute that is nearest to a second; of two the later one.
    pub(crate) fn nearest(&self, s: i64) -> Option<i64> {
        let minutes = self.minutes();
        let before = minutes.range(..=s).next_back();
        let after = minutes.range(s..).next();
        let both = [after, before].into_iter().flatten().map(|(s, _)| *s);
        both.min_by_key(|found| found.abs_diff(s))
    }

    pub(crate) fn newest(&self) -> Option<i64> {
        self.minutes().last_key_value().map(|(s, _)| *s)
    }

    pub(crate) fn oldest(&self) -> Option<i64> {
        self.minutes().first_key_value().map(|(s, _)| *s)
    }

    /// Values of cells at the minutes of a span.
    pub(crate) fn line(&self, span: Span, cells: &[usize]) -> Line {
        let minutes = self.minutes();
        let asked = minutes.iter().filter(|(s, _)| span.holds(**s));
        let (s, asked): (Vec<i64>, Vec<&Moment>) = asked.map(|(s, moment)| (*s, moment)).unzip();
        let one = |cell: &usize| {
            let value = |moment: &&Moment| moment.sealed.values.get(*cell).and_then(|v| v.value);
            asked.iter().map(value).collect()
        };
        Line {
            values: cells.iter().map(one).collect(),
            s,
            unread: 0,
        }
    }
}

fn bound(minutes: &mut BTreeMap<i64, Moment>) {
    while minutes.len() > MOST {
        minutes.pop_first();
    }
}
