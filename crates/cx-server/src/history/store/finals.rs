//! In: final parts of minutes; which seconds, which cells. Kept: nothing. Out: those parts as they were kept;
//! of a quarter of an hour their sum. Never knows: values as they were sealed.

use super::reading::Unpacked;
use super::{Difference, Error, Known, Pen, Store};
use crate::history::finals::{Final, Parts};
use crate::history::minute::Record;
use crate::history::shelf::{Kind, MINUTE, QUARTER, QUARTERS_FOR, Tier};
use crate::snapshots::Disk;
use cx_model::frame::WireParts;
use std::collections::BTreeMap;

impl<D: Disk> Store<D> {
    pub(super) fn known_final(&self, one: &Final) -> Known {
        let ours = self.ours();
        let kept = Parts {
            begin: one.end - MINUTE,
            parts: ours.grouped(&one.parts),
        };
        let record = kept.record();
        let first = self.shelf().known(Kind::Final, kept.begin, &ours.cells.set);
        match first {
            None => Known::New(record),
            Some(first) if first.entry.sum == record.sum => Known::Same,
            Some(first) => {
                let before = self.read_spot(&first, |bytes, _| Parts::read(bytes)).ok();
                Known::Other(Difference {
                    s: one.end,
                    cells: before.map(|before| before.differing(&kept)),
                })
            }
        }
    }

    /// For each of our cells (by their places in the set) the final parts of the `step` seconds before each
    /// of `ends`; `None` where a KPI has none or not all of these seconds are kept.
    #[must_use]
    pub fn finals(&self, ends: &[i64], step: i64, cells: &[usize]) -> Vec<Vec<Option<WireParts>>> {
        let mut all = vec![Vec::with_capacity(ends.len()); cells.len()];
        let mut last = Unpacked::default();
        for end in ends {
            let found = self.parts((end - step, step), cells, &mut last);
            for (i, all) in all.iter_mut().enumerate() {
                all.push(found.as_ref().and_then(|found| found[i]));
            }
        }
        all
    }

    fn parts(
        &self,
        (begin, step): (i64, i64),
        cells: &[usize],
        last: &mut Unpacked,
    ) -> Option<Vec<Option<WireParts>>> {
        let kind = if step == QUARTER {
            Kind::FinalQuarter
        } else {
            Kind::Final
        };
        let read = self.read_kept((kind, begin), last, |bytes, columns| {
            let kept = Parts::read(bytes)?.parts;
            let one = |cell: &usize| columns.of_group(&kept, *cell);
            Some(cells.iter().map(one).collect())
        });
        // What cannot be read is not there.
        if let Some(found) = read.ok().flatten() {
            return Some(found);
        }
        let first = (step == QUARTER).then(|| self.shelf().spots(Kind::Final, begin));
        first.into_iter().flatten().find_map(|spot| {
            let columns = self.shelf().segment(spot.segment)?.columns.clone();
            let sum = self.sum(begin, &columns.cells.set, last)?.parts;
            let one = |cell: &usize| columns.of_group(&sum, *cell);
            Some(cells.iter().map(one).collect())
        })
    }

    /// The sum of a quarter's minutes under one set, where all of them are kept.
    fn sum(&self, begin: i64, set: &str, last: &mut Unpacked) -> Option<Parts> {
        let mut sum: Option<Parts> = None;
        for minute in (begin..begin + QUARTER).step_by(60) {
            let spot = self.shelf().known(Kind::Final, minute, set)?;
            let read = self.parsed(&spot, last, &|bytes: &[u8], _: &_| Parts::read(bytes));
            let next = read.ok()?;
            match &mut sum {
                None => sum = Some(next),
                Some(sum) => sum.add(&next),
            }
        }
        sum
    }

    /// Of a segment of final minutes the sums of whole quarters of an hour stay, also where its
    /// neighbours of the same hour hold some of their minutes.
    pub(super) fn thin_finals(&self, pen: &mut Pen, id: u64) -> Result<(), Error> {
        let Some(segment) = self.shelf().segment(id).cloned() else {
            return Ok(());
        };
        let oldest = self.shelf().latest().unwrap_or(0) - QUARTERS_FOR;
        let quarters = self.shelf().unsummed(&segment);
        let mut last = Unpacked::default();
        let mut days: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
        for begin in quarters.into_iter().filter(|begin| *begin > oldest) {
            if let Some(sum) = self.sum(begin, &segment.columns.cells.set, &mut last) {
                let day = Tier::FinalQuarters.begin(begin);
                days.entry(day).or_default().push(sum.record());
            }
        }
        for (day, records) in days {
            let place = (Tier::FinalQuarters, day);
            self.write(pen, place, &segment.columns, &records)?;
        }
        self.remove(pen, id)
    }
}
