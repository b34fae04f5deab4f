//! In: sealed minutes, one folder. Kept: segments in it, and which minute lies where. Out: minutes and
//! lines of the past. Never knows: threads, clocks, what a number means.
//!
//! A minute counts as kept once its frame and the name of its file were synced. A file that failed is
//! never added to again. Reading works beside writing.

mod finals;
mod opening;
mod reading;
mod thinning;

use super::cells::{Cells, Columns};
use super::finals::Final;
use super::format::{self, Entry, FULL, Place};
use super::minute::{Minute, Record};
use super::shelf::{Extent, Kind, MINUTE, Segment, Shelf, Span, Tier};
use crate::snapshots::{Disk, DiskFile};
use cx_model::value::Sealed;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

pub use opening::Opened;
pub use reading::{Found, Line};

const DONE: &str = ".hist";
const TEMPORARY: &str = ".tmp";
const CORRUPT: &str = ".corrupt";
/// Minutes of one writing.
const MOST: usize = 120;

/// What went wrong. What was kept before is still kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder refuses.
    #[error("history: cannot {what} `{name}`: {error}; what was kept before is kept: {advice}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        name: String,
        /// The system's words.
        error: io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// A minute that was kept cannot be read.
    #[error("history: the minute at second {s} cannot be read from `{name}`: {why}")]
    Unread {
        /// The minute.
        s: i64,
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// How much may be kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of all files.
    pub bytes: u64,
}

/// A minute that was sealed twice under one set, with other numbers. The first is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The minute.
    pub s: i64,
    /// Cells that differ; 0 where only the offsets do. `None`: the first one cannot be read.
    pub cells: Option<usize>,
}

/// What became of minutes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Written.
    pub written: usize,
    /// Kept already, with the same numbers.
    pub again: usize,
    /// Kept already, with other numbers.
    pub differences: Vec<Difference>,
}

/// Files that are being written; one writer has it.
pub struct Pen {
    /// Tells the files of one life from those of others.
    uid: u64,
    number: u32,
    open: BTreeMap<Tier, Open>,
}

struct Open {
    name: String,
    /// `None` before its first frame is durable.
    id: Option<u64>,
    place: (Tier, i64),
    columns: Arc<Columns>,
    file: Box<dyn DiskFile>,
    next: Place,
}

/// One folder of history.
pub struct Store<D> {
    disk: D,
    bounds: Bounds,
    /// What is sealed now; cells are only ever added at the end.
    ours: Mutex<Arc<Columns>>,
    shelf: Mutex<Shelf>,
}

/// How one kind of minutes is taken in.
struct Intake<'i, T> {
    /// By which second it is kept.
    second: fn(&T) -> i64,
    /// Where, while another second is the newest.
    place: fn(i64, i64) -> Option<(Tier, i64)>,
    known: &'i dyn Fn(&T) -> Known,
}

/// Whether a minute is kept already.
enum Known {
    New(Record),
    Same,
    Other(Difference),
}

impl Pen {
    /// `uid` differs from those of earlier lives and grows.
    #[must_use]
    pub fn new(uid: u64) -> Self {
        Self {
            uid,
            number: 0,
            open: BTreeMap::new(),
        }
    }

    /// The segments that may still be added to.
    fn held(&self) -> Vec<Option<u64>> {
        self.open.values().map(|open| open.id).collect()
    }

    /// Lets go of a segment.
    fn close(&mut self, id: u64) {
        self.open.retain(|_, open| open.id != Some(id));
    }

    fn name(&mut self, (tier, begin): (Tier, i64)) -> String {
        self.number += 1;
        let (letter, uid, number) = (tier.letter(), self.uid, self.number);
        format!("{letter}-{begin:012}-{uid:016x}-{number:06}{DONE}")
    }
}

impl<D: Disk> Store<D> {
    /// Takes minutes in until none waits; those that were dealt with are gone from `waiting`, also where
    /// an error ends it. What is older than it would be kept is passed over.
    ///
    /// # Errors
    /// [`Error::Io`]; the next attempt begins a new file.
    pub fn append(
        &self,
        pen: &mut Pen,
        waiting: &mut VecDeque<Sealed>,
        taken: &mut Taken,
    ) -> Result<(), Error> {
        let intake = Intake {
            second: |sealed: &Sealed| sealed.s,
            place: Tier::of,
            known: &|sealed| self.known(sealed),
        };
        self.take_in(pen, waiting, taken, &intake)
    }

    /// As [`Store::append`], of final parts; their minutes are taken for what has been active until now.
    ///
    /// # Errors
    /// As there.
    pub fn append_finals(
        &self,
        pen: &mut Pen,
        waiting: &mut VecDeque<Final>,
        taken: &mut Taken,
    ) -> Result<(), Error> {
        let intake = Intake {
            second: |one: &Final| one.end - MINUTE,
            place: Tier::of_final,
            known: &|one| self.known_final(one),
        };
        self.take_in(pen, waiting, taken, &intake)
    }

    /// Takes in what waits.
    fn take_in<T>(
        &self,
        pen: &mut Pen,
        waiting: &mut VecDeque<T>,
        taken: &mut Taken,
        intake: &Intake<'_, T>,
    ) -> Result<(), Error> {
        while let Some(first) = waiting.front() {
            let first = (intake.second)(first);
            let newest = self.shelf().latest().unwrap_or(first).max(first);
            let mut place = None;
            let mut records: Vec<Record> = Vec::new();
            let mut now = Taken::default();
            let mut dealt = 0;
            for one in waiting.iter().take(MOST) {
                let s = (intake.second)(one);
                let here = (intake.place)(s, newest);
                let twice = records.iter().any(|r| r.s == s);
                if twice || (here.is_some() && place.is_some() && here != place) {
                    break;
                }
                dealt += 1;
                if here.is_none() {
                    continue;
                }
                place = here;
                match (intake.known)(one) {
                    Known::New(record) => records.push(record),
                    Known::Same => now.again += 1,
                    Known::Other(difference) => now.differences.push(difference),
                }
            }
            if let Some(place) = place.filter(|_| !records.is_empty()) {
                self.write(pen, place, &self.ours(), &records)?;
            }
            waiting.drain(..dealt);
            taken.written += records.len();
            taken.again += now.again;
            taken.differences.append(&mut now.differences);
        }
        Ok(())
    }

    /// What there is.
    pub(crate) fn extent(&self) -> Extent {
        self.shelf().extent()
    }

    /// The kept minute that is nearest to a second.
    #[must_use]
    pub fn nearest(&self, s: i64) -> Option<i64> {
        self.shelf().nearest(s)
    }

    /// Minutes that are kept of those asked for.
    #[must_use]
    pub fn listed(&self, span: Span) -> Vec<i64> {
        self.shelf().listed(span)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shelf().bytes()
    }

    /// More is sealed from now on: these cells begin with those of before.
    pub(crate) fn grow(&self, cells: Cells) {
        let columns = Columns::seen_from(&cells, cells.clone());
        *self.ours.lock().expect("no holder panics") = columns;
    }

    fn ours(&self) -> Arc<Columns> {
        Arc::clone(&self.ours.lock().expect("no holder panics"))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no holder panics")
    }

    fn known(&self, sealed: &Sealed) -> Known {
        let minute = Minute::of(sealed);
        let record = minute.record();
        let set = &self.ours().cells.set;
        let first = self.shelf().known(Kind::Sealed, sealed.s, set);
        match first {
            None => Known::New(record),
            Some(first) if first.entry.sum == record.sum => Known::Same,
            Some(first) => {
                let kept = self.read_spot(&first, |bytes, _| Minute::read(bytes)).ok();
                Known::Other(Difference {
                    s: sealed.s,
                    cells: kept.map(|kept| kept.differing(&minute)),
                })
            }
        }
    }

    /// Adds records to the segment of their time, and returns once they are durable.
    fn write(
        &self,
        pen: &mut Pen,
        place: (Tier, i64),
        columns: &Arc<Columns>,
        records: &[Record],
    ) -> Result<(), Error> {
        let fits = |open: &Open| open.place == place && Arc::ptr_eq(&open.columns, columns);
        // Taken out: what fails on the way is not added to again.
        let mut open = match pen.open.remove(&place.0).filter(fits) {
            Some(open) => open,
            None => self.begin(pen.name(place), place, columns)?,
        };
        match self.push(&mut open, records) {
            Ok(()) => {
                pen.open.insert(place.0, open);
                Ok(())
            }
            Err(error) => {
                if open.id.is_none() {
                    // An error here is no news beside the first one.
                    drop(self.disk.remove(&open.name));
                }
                Err(self.io_error("write", &open.name, error))
            }
        }
    }

    fn begin(
        &self,
        name: String,
        place: (Tier, i64),
        columns: &Arc<Columns>,
    ) -> Result<Open, Error> {
        let (bytes, next) =
            format::begin(&columns.cells).map_err(|e| self.io_error("begin", &name, e))?;
        let file = self.disk.create(&name);
        let mut file = file.map_err(|e| self.io_error("make", &name, e))?;
        if let Err(error) = file.write_all(&bytes) {
            drop(self.disk.remove(&name));
            return Err(self.io_error("write", &name, error));
        }
        Ok(Open {
            name,
            id: None,
            place,
            columns: Arc::clone(columns),
            file,
            next,
        })
    }

    fn push(&self, open: &mut Open, records: &[Record]) -> io::Result<()> {
        let mut frames: Vec<(Place, Vec<Entry>)> = Vec::new();
        let mut next = open.next;
        for some in in_frames(records) {
            let (bytes, entries, after) = format::records(next, some)?;
            open.file.write_all(&bytes)?;
            frames.push((next, entries));
            next = after;
        }
        open.file.flush()?;
        open.file.sync()?;
        if open.id.is_none() {
            self.disk.sync_folder()?;
        }
        open.next = next;
        let mut shelf = self.shelf();
        let id = *open.id.get_or_insert_with(|| {
            shelf.add(Segment {
                name: open.name.clone(),
                tier: open.place.0,
                begin: open.place.1,
                columns: Arc::clone(&open.columns),
                bytes: 0,
            })
        });
        shelf.grown(id, next.at);
        for (place, entries) in frames {
            shelf.fill(id, place, &entries);
        }
        Ok(())
    }

    fn io_error(&self, what: &'static str, name: &str, error: io::Error) -> Error {
        Error::Io {
            what,
            name: name.to_owned(),
            error,
            advice: self.disk.advice(),
        }
    }
}

/// Records by the frames they will lie in.
fn in_frames(records: &[Record]) -> Vec<&[Record]> {
    let mut frames = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (i, record) in records.iter().enumerate() {
        if i > from && bytes + record.bytes.len() > FULL {
            frames.push(&records[from..i]);
            (from, bytes) = (i, 0);
        }
        bytes += record.bytes.len();
    }
    if from < records.len() {
        frames.push(&records[from..]);
    }
    frames
}
