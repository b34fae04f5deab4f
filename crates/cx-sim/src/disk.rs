//! A disk that loses what was not synced. In: file operations, a seed, planned faults. Kept: what is
//! written, and what of it is durable. Out: what is left after a crash. Never knows: what files hold.
//!
//! Bytes of a file are durable once the file was synced, names once the folder was. A power cut leaves
//! of the rest what chance leaves: some first part of the unsynced bytes, perhaps with a flipped bit in
//! them, and some first part of the unsynced changes of names.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};

/// What goes wrong, counted in operations (from 0) and bytes.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// From this operation on nothing works any more.
    pub crash_at: Option<u64>,
    /// This operation fails, if it is a sync; what was to be synced is lost.
    pub sync_fails_at: Option<u64>,
    /// Bytes that fit, over all files.
    pub room: Option<usize>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was killed: the system keeps what was written.
    Killed,
    /// The machine lost its power: only what was synced is sure.
    PowerCut,
}

#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    durable: usize,
}

#[derive(Debug, Clone)]
enum Change {
    Set(String, usize),
    Gone(String),
}

/// One folder on it.
#[derive(Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    unsynced: Vec<Change>,
    plan: Plan,
    operations: u64,
    crashed: bool,
}

impl Disk {
    /// The same disk, with other things going wrong from now on; counting begins again.
    pub fn plan(&mut self, plan: Plan) {
        self.plan = plan;
        self.operations = 0;
    }

    /// Operations since the last plan.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// What is there when the next process starts; nothing goes wrong any more.
    pub fn end(&mut self, end: End, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        if end == End::PowerCut {
            let kept = rng.random_range(0..=self.unsynced.len());
            self.names = self.durable.clone();
            for change in &self.unsynced[..kept] {
                apply(&mut self.names, change);
            }
            for file in &mut self.files {
                tear(file, &mut rng);
            }
        }
        self.durable = self.names.clone();
        self.unsynced.clear();
        self.plan(Plan::default());
        self.crashed = false;
    }

    /// One bit of one file is not what it was, as disks do over the years.
    pub fn rot(&mut self, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let all: Vec<usize> = self.names.values().copied().collect();
        if all.is_empty() {
            return;
        }
        let bytes = &mut self.files[all[rng.random_range(0..all.len())]].bytes;
        if !bytes.is_empty() {
            let at = rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << rng.random_range(0..8);
        }
    }

    /// A new file of this name: its number.
    ///
    /// # Errors
    /// A planned fault; a name that is taken.
    pub fn create(&mut self, name: &str) -> Result<usize> {
        self.operation()?;
        if self.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.files.push(File::default());
        let file = self.files.len() - 1;
        self.change(Change::Set(name.to_owned(), file));
        Ok(file)
    }

    /// Appends to a file.
    ///
    /// # Errors
    /// A planned fault; then a part may have been written.
    pub fn write(&mut self, file: usize, bytes: &[u8]) -> Result<()> {
        // A crash may come after any byte.
        let crashes = self.plan.crash_at == Some(self.operations);
        let used: usize = self
            .names
            .values()
            .map(|f| self.files[*f].bytes.len())
            .sum();
        let room = self
            .plan
            .room
            .map_or(bytes.len(), |r| r.saturating_sub(used));
        let some = if crashes {
            bytes.len() / 2
        } else {
            room.min(bytes.len())
        };
        self.files[file].bytes.extend(&bytes[..some]);
        self.operation()?;
        if some < bytes.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// Makes a file's bytes durable.
    ///
    /// # Errors
    /// A planned fault; after one of a sync the unsynced bytes are lost, though they are still read.
    pub fn sync(&mut self, file: usize) -> Result<()> {
        self.sync_operation()?;
        self.files[file].durable = self.files[file].bytes.len();
        Ok(())
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// A planned fault; a name that is not there.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.operation()?;
        let file = self.number(from)?;
        self.change(Change::Gone(from.to_owned()));
        self.change(Change::Set(to.to_owned(), file));
        Ok(())
    }

    /// Makes all names durable.
    ///
    /// # Errors
    /// A planned fault.
    pub fn sync_folder(&mut self) -> Result<()> {
        self.sync_operation()?;
        self.durable = self.names.clone();
        self.unsynced.clear();
        Ok(())
    }

    /// All names.
    ///
    /// # Errors
    /// A planned fault.
    pub fn list(&mut self) -> Result<Vec<String>> {
        self.operation()?;
        Ok(self.names.keys().cloned().collect())
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// A planned fault; a name that is not there.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        self.operation()?;
        let file = self.number(name)?;
        Ok(self.files[file].bytes.clone())
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// A planned fault; a name that is not there.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.operation()?;
        self.number(name)?;
        self.change(Change::Gone(name.to_owned()));
        Ok(())
    }

    /// The number of the file that has this name.
    ///
    /// # Errors
    /// A name that is not there.
    pub fn number(&self, name: &str) -> Result<usize> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.unsynced.push(change);
    }

    fn operation(&mut self) -> Result<()> {
        self.crashed |= self.plan.crash_at.is_some_and(|at| self.operations >= at);
        self.operations += 1;
        if self.crashed {
            return Err(Error::other("the process is gone"));
        }
        Ok(())
    }

    fn sync_operation(&mut self) -> Result<()> {
        let fails = self.plan.sync_fails_at == Some(self.operations);
        self.operation()?;
        if fails {
            return Err(Error::other("the disk could not write"));
        }
        Ok(())
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Set(name, file) => names.insert(name.clone(), *file),
        Change::Gone(name) => names.remove(name),
    };
}

/// Some first part of what was not synced is left, perhaps not as it was written.
fn tear(file: &mut File, rng: &mut StdRng) {
    let left = rng.random_range(file.durable..=file.bytes.len());
    file.bytes.truncate(left);
    if left > file.durable && rng.random_bool(0.3) {
        let at = rng.random_range(file.durable..left);
        file.bytes[at] ^= 1 << rng.random_range(0..8);
    }
    file.durable = left;
}
