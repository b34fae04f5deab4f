//! In: which minutes, which cells. Kept: nothing. Out: their numbers as they were sealed. Never knows:
//! the set of now beyond its keys.

use super::{Error, Store};
use crate::history::cells::Columns;
use crate::history::format::{self, Fault};
use crate::history::minute::{Beginning, Minute};
use crate::history::shelf::{Kind, Span, Spot};
use crate::snapshots::Disk;
use cx_model::value::CellValue;
use std::sync::Arc;

/// A minute of the past in the order of the set that is active now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The second.
    pub s: i64,
    /// Panes that ended at or before this second were final.
    pub final_through: i64,
    /// Per partition, `next_offset` of the log the values rest on.
    pub offsets: Vec<i64>,
    /// `None` for a cell that was not counted then under its present definition.
    pub cells: Vec<Option<CellValue>>,
}

/// Values of some cells at kept minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The minutes.
    pub s: Vec<i64>,
    /// For each cell its values there.
    pub values: Vec<Vec<Option<i64>>>,
    /// Minutes that were kept and could not be read.
    pub unread: usize,
}

/// A frame that was unpacked last.
#[derive(Default)]
pub(super) struct Unpacked {
    /// Its segment and place.
    of: Option<(u64, u64)>,
    body: Vec<u8>,
}

impl<D: Disk> Store<D> {
    /// A kept minute; `None` where it is not.
    ///
    /// # Errors
    /// [`Error::Unread`].
    pub fn minute(&self, s: i64) -> Result<Option<Found>, Error> {
        let ours = self.ours().cells.keys.len();
        let sealed = (Kind::Sealed, s);
        self.read_kept(sealed, &mut Unpacked::default(), |bytes, columns| {
            let minute = Minute::read(bytes)?;
            Some(Found {
                s: minute.s,
                final_through: minute.final_through,
                cells: columns.arrange(ours, |at| minute.cell(at)),
                offsets: minute.offsets,
            })
        })
    }

    /// Values of our cells (by their places in the set) at the kept minutes of a span.
    #[must_use]
    pub fn line(&self, span: Span, cells: &[usize]) -> Line {
        let mut line = Line {
            values: vec![Vec::new(); cells.len()],
            ..Line::default()
        };
        let mut last = Unpacked::default();
        for s in self.listed(span) {
            let read = self.read_kept((Kind::Sealed, s), &mut last, |bytes, columns| {
                let values = Beginning::read(bytes)?.values;
                let one = |cell: &usize| {
                    let at = columns.place(*cell)?;
                    values.get(at).copied().flatten()
                };
                Some(cells.iter().map(one).collect::<Vec<_>>())
            });
            match read {
                Ok(Some(values)) => {
                    line.s.push(s);
                    for (all, value) in line.values.iter_mut().zip(values) {
                        all.push(value);
                    }
                }
                // Gone meanwhile: it grew too old.
                Ok(None) => {}
                Err(_) => line.unread += 1,
            }
        }
        line
    }

    /// Reads one record from where it is known to lie.
    pub(super) fn read_spot<T>(
        &self,
        spot: &Spot,
        parse: impl Fn(&[u8], &Columns) -> Option<T>,
    ) -> Result<T, Error> {
        self.parsed(spot, &mut Unpacked::default(), &parse)
    }

    pub(super) fn read_kept<T>(
        &self,
        (kind, s): (Kind, i64),
        last: &mut Unpacked,
        parse: impl Fn(&[u8], &Columns) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let mut fault = None;
        // A second look: thinning may have moved it between looking and reading.
        for _ in 0..2 {
            let spots = self.shelf().spots(kind, s);
            if spots.is_empty() && fault.is_none() {
                return Ok(None);
            }
            for spot in spots {
                match self.parsed(&spot, last, &parse) {
                    Ok(parsed) => return Ok(Some(parsed)),
                    Err(error) => fault = Some(error),
                }
            }
        }
        fault.map_or(Ok(None), Err)
    }

    pub(super) fn parsed<T>(
        &self,
        spot: &Spot,
        last: &mut Unpacked,
        parse: &impl Fn(&[u8], &Columns) -> Option<T>,
    ) -> Result<T, Error> {
        let segment = self.shelf().segment(spot.segment).cloned();
        let unread = |name: &str, why: String| Error::Unread {
            s: spot.entry.s,
            name: name.to_owned(),
            why,
        };
        let Some(segment) = segment else {
            return Err(unread("?", "its file is gone".to_owned()));
        };
        let of = Some((spot.segment, spot.place.at));
        if last.of != of {
            let body = self.unpack(&segment.name, spot);
            last.body = body.map_err(|fault| unread(&segment.name, fault.to_string()))?;
            last.of = of;
        }
        let columns: &Arc<Columns> = &segment.columns;
        let parsed = spot.entry.of(&last.body).and_then(|b| parse(b, columns));
        parsed.ok_or_else(|| unread(&segment.name, "its record cannot be read".to_owned()))
    }

    fn unpack(&self, name: &str, spot: &Spot) -> Result<Vec<u8>, Fault> {
        let at = spot.place.at;
        let opened = self.disk.open_at(name, at);
        let mut opened = opened.map_err(|error| Fault::Io { at, error })?;
        let frame = format::read(&mut opened, spot.place)?;
        let body = frame.and_then(|frame| frame.body());
        body.ok_or(Fault::Corrupt {
            at,
            why: "a frame cannot be unpacked",
        })
    }
}
