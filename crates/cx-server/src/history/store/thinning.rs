//! In: nothing but the newest minute. Kept: nothing. Out: files that are too old or too many go; of their
//! minutes the quarters of an hour stay. Never knows: who asks for them.

use super::{Error, Pen, Store};
use crate::history::minute::Record;
use crate::history::shelf::{QUARTERS_FOR, Tier};
use crate::snapshots::Disk;
use std::collections::BTreeMap;

impl<D: Disk> Store<D> {
    /// Thins what is older than 26 hours, lets go of what is older than 35 days or beyond the limit of
    /// bytes; the newest minute that went only because of that limit.
    ///
    /// # Errors
    /// [`Error::Io`]; nothing is lost, the next call tries again.
    pub fn tidy(&self, pen: &mut Pen) -> Result<Option<i64>, Error> {
        let old = self.shelf().old(Tier::Minutes);
        for id in old {
            self.thin(pen, id)?;
        }
        let old = self.shelf().old(Tier::Finals);
        for id in old {
            self.thin_finals(pen, id)?;
        }
        for tier in [Tier::Quarters, Tier::FinalQuarters] {
            let old = self.shelf().old(tier);
            for id in old {
                self.remove(pen, id)?;
            }
        }
        self.bound(pen)
    }

    fn thin(&self, pen: &mut Pen, id: u64) -> Result<(), Error> {
        let (spots, segment) = {
            let shelf = self.shelf();
            (shelf.only_here(id), shelf.segment(id).cloned())
        };
        let Some(segment) = segment else {
            return Ok(());
        };
        let oldest = self.shelf().newest().unwrap_or(0) - QUARTERS_FOR;
        let mut days: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
        for spot in spots.into_iter().filter(|spot| spot.entry.s > oldest) {
            // One that cannot be read any more is lost either way.
            if let Ok(bytes) = self.read_spot(&spot, |bytes, _| Some(bytes.to_vec())) {
                let (s, sum) = (spot.entry.s, spot.entry.sum);
                let day = Tier::Quarters.begin(s);
                days.entry(day).or_default().push(Record { s, sum, bytes });
            }
        }
        for (day, records) in days {
            self.write(pen, (Tier::Quarters, day), &segment.columns, &records)?;
        }
        self.remove(pen, id)
    }

    pub(super) fn remove(&self, pen: &mut Pen, id: u64) -> Result<(), Error> {
        let name = self.shelf().segment(id).map(|s| s.name.clone());
        let Some(name) = name else {
            return Ok(());
        };
        pen.close(id);
        let removed = self.disk.remove(&name);
        removed.map_err(|e| self.io_error("remove", &name, e))?;
        self.shelf().remove(id);
        Ok(())
    }

    /// Files that cannot be used go first: they serve nobody.
    fn bound(&self, pen: &mut Pen) -> Result<Option<i64>, Error> {
        let mut early = None;
        while self.bytes() > self.bounds.bytes {
            let useless = self.shelf().useless();
            if let Some(name) = useless {
                let removed = self.disk.remove(&name);
                removed.map_err(|e| self.io_error("remove", &name, e))?;
                self.shelf().forget_aside(&name);
                continue;
            }
            let oldest = self.shelf().oldest(&pen.held());
            let Some(id) = oldest else {
                break;
            };
            let end = self.shelf().segment(id).map(|s| s.begin + s.tier.length());
            self.remove(pen, id)?;
            early = early.max(end);
        }
        Ok(early)
    }
}
