//! In: a folder as some earlier process left it. Kept: nothing. Out: a store of what can be believed, and
//! what could not. Never knows: who reads it.

use super::{Bounds, CORRUPT, DONE, Error, Store, TEMPORARY};
use crate::history::cells::{Cells, Columns};
use crate::history::format::{self, Entry, Fault, Place};
use crate::history::shelf::{Segment, Shelf, Tier};
use crate::snapshots::Disk;
use std::io::{self, BufReader, Read, Write as _};
use std::sync::{Arc, Mutex};

const BUFFER: usize = 1 << 20;

/// What opening found that was not as it should be; each with why.
#[derive(Debug, Default)]
pub struct Opened {
    /// Files whose unfinished end was cut off.
    pub cut: Vec<(String, String)>,
    /// Files that were set aside by name; what of them could be believed is kept.
    pub aside: Vec<(String, String)>,
    /// Files that stay as they are and are used as far as they can be.
    pub left: Vec<(String, String)>,
    /// Minutes that two files say differently; the first is believed.
    pub differences: Vec<i64>,
}

/// What of a file is as it was written.
struct Believed {
    columns: Arc<Columns>,
    frames: Vec<(Place, Vec<Entry>)>,
    /// Where believing ends.
    end: u64,
    fault: Option<Fault>,
}

impl<D: Disk> Store<D> {
    /// Reads what is there: an unfinished end is cut off, a corrupt file set aside by name.
    ///
    /// # Errors
    /// [`Error::Io`] for a folder that cannot be listed, or temporary files that cannot be removed.
    pub fn open(disk: D, bounds: Bounds, ours: Cells) -> Result<(Self, Opened), Error> {
        let store = Self {
            ours: Mutex::new(Columns::seen_from(&ours, ours.clone())),
            disk,
            bounds,
            shelf: Mutex::new(Shelf::default()),
        };
        let mut opened = Opened::default();
        let names = store.disk.list();
        let mut names = names.map_err(|e| store.io_error("list", ".", e))?;
        // By time, and within one time in the order of their lives: the first one is believed.
        names.sort();
        for name in &names {
            if name.ends_with(TEMPORARY) {
                let removed = store.disk.remove(name);
                removed.map_err(|e| store.io_error("remove", name, e))?;
            } else if name.ends_with(CORRUPT) {
                let bytes = store.size(name).unwrap_or(0);
                store.shelf().set_aside(name.clone(), bytes);
            }
        }
        for name in &names {
            if let (true, Some((tier, begin))) = (name.ends_with(DONE), named(name)) {
                store.take_file(name, tier, begin, &mut opened);
            }
        }
        // So are the names under which a killed process left them.
        let synced = store.disk.sync_folder();
        synced.map_err(|e| store.io_error("sync the folder of", ".", e))?;
        Ok((store, opened))
    }

    fn take_file(&self, name: &str, tier: Tier, begin: i64, opened: &mut Opened) {
        let read = match self.read_file(name) {
            Ok(read) => read,
            Err(fault) => return self.without_cells(name, &fault, opened),
        };
        let mut file = (name.to_owned(), read.end);
        // A process that was killed may have left what no disk has yet: from now on it counts as kept.
        let durable = self.disk.sync_file(name);
        let unsure = durable.map_err(|error| Fault::Io {
            at: read.end,
            error,
        });
        if let Some(fault) = read.fault.as_ref().or(unsure.as_ref().err()) {
            file = self.mend(name, fault, &read, opened);
        }
        if read.frames.is_empty() {
            return;
        }
        let mut shelf = self.shelf();
        let id = shelf.add(Segment {
            name: file.0,
            tier,
            begin,
            columns: read.columns,
            bytes: file.1,
        });
        for (place, entries) in read.frames {
            opened
                .differences
                .append(&mut shelf.fill(id, place, &entries));
        }
    }

    /// Reads a file as far as it can be believed.
    fn read_file(&self, name: &str) -> Result<Believed, Fault> {
        let at_begin = |error| Fault::Io { at: 0, error };
        let file = self.disk.open(name).map_err(at_begin)?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        let (cells, mut next) = format::read_begin(&mut file)?;
        let ours = self.ours();
        let columns = if cells == ours.cells {
            ours
        } else {
            Columns::seen_from(&ours.cells, cells)
        };
        let mut frames = Vec::new();
        let fault = loop {
            match format::read(&mut file, next) {
                Ok(None) => break None,
                Ok(Some(frame)) => {
                    let Some(entries) = frame.entries() else {
                        let why = "a frame's head cannot be read";
                        break Some(Fault::Corrupt { at: next.at, why });
                    };
                    frames.push((next, entries));
                    next = frame.next;
                }
                Err(fault) => break Some(fault),
            }
        };
        Ok(Believed {
            columns,
            frames,
            end: next.at,
            fault,
        })
    }

    /// A file of which not even the cells are known holds nothing.
    fn without_cells(&self, name: &str, fault: &Fault, opened: &mut Opened) {
        let told = (name.to_owned(), fault.to_string());
        match fault {
            Fault::Torn { .. } if self.disk.remove(name).is_ok() => opened.cut.push(told),
            Fault::Corrupt { .. } => self.put_aside(name, told, opened),
            Fault::Torn { .. } | Fault::Newer | Fault::Io { .. } => opened.left.push(told),
        }
    }

    /// Parts what is believed of a file from the rest; under which name it stands then, and its size.
    fn mend(
        &self,
        name: &str,
        fault: &Fault,
        read: &Believed,
        opened: &mut Opened,
    ) -> (String, u64) {
        let told = (name.to_owned(), fault.to_string());
        let same = (name.to_owned(), read.end);
        let empty = read.frames.is_empty();
        match fault {
            Fault::Torn { .. } => {
                let cut = if empty {
                    self.disk.remove(name)
                } else {
                    self.copy(name, read.end, name)
                };
                let list = if cut.is_ok() {
                    &mut opened.cut
                } else {
                    &mut opened.left
                };
                list.push(told);
                same
            }
            Fault::Corrupt { .. } | Fault::Io { .. } => {
                // Of the same life and time: names sort as before.
                let to = name.trim_end_matches(DONE).to_owned() + "-saved" + DONE;
                if !empty && self.copy(name, read.end, &to).is_err() {
                    opened.left.push(told);
                    return same;
                }
                self.put_aside(name, told, opened);
                (to, read.end)
            }
            Fault::Newer => {
                opened.left.push(told);
                same
            }
        }
    }

    /// Writes the first bytes of a file under a name that then stands for them alone.
    fn copy(&self, name: &str, bytes: u64, to: &str) -> io::Result<()> {
        let temporary = format!("{to}{TEMPORARY}");
        let write = || {
            let mut kept = Vec::new();
            self.disk.open(name)?.take(bytes).read_to_end(&mut kept)?;
            let mut file = self.disk.create(&temporary)?;
            file.write_all(&kept)?;
            file.flush()?;
            file.sync()?;
            self.disk.rename(&temporary, to)?;
            self.disk.sync_folder()
        };
        let written = write();
        if written.is_err() {
            drop(self.disk.remove(&temporary));
        }
        written
    }

    fn put_aside(&self, name: &str, told: (String, String), opened: &mut Opened) {
        let to = format!("{name}{CORRUPT}");
        let bytes = self.size(name).unwrap_or(0);
        if self.disk.rename(name, &to).is_ok() {
            self.shelf().set_aside(to, bytes);
            opened.aside.push(told);
        } else {
            opened.left.push(told);
        }
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        io::copy(&mut self.disk.open(name)?, &mut io::sink())
    }
}

/// Tier and beginning of a file's time, as its name says.
fn named(name: &str) -> Option<(Tier, i64)> {
    let mut parts = name.split('-');
    let letter = parts.next()?.chars().next()?;
    let begin = parts.next()?.parse().ok()?;
    Some((Tier::of_letter(letter)?, begin))
}
