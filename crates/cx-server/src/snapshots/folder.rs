//! In: snapshots to keep. Kept: the newest few of each partition, in one folder. Out: the newest valid
//! one. Never knows: what a block holds; when to save.

use super::disk::Disk;
use super::format::{Fault, Label, Reader, Writer};
use std::io::{self, BufReader, BufWriter, Read, Write};

const DONE: &str = ".snap";
const TEMPORARY: &str = ".tmp";
const CORRUPT: &str = ".corrupt";
const BUFFER: usize = 1 << 20;

/// What went wrong with a folder of snapshots. What was kept before is still kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder refuses.
    #[error(
        "snapshots: cannot {what} `{name}`: {error}; the older snapshots are kept{}{advice}",
        if advice.is_empty() { "" } else { ": " }
    )]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        name: String,
        /// The system's words.
        error: io::Error,
        /// What to do, where the words do not say it.
        advice: &'static str,
    },
    /// A file that was just written is not what it should be.
    #[error("snapshots: `{name}` was written and cannot be read back: {fault}; check the disk")]
    Unread {
        /// The file.
        name: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// It is of a topic with another number of partitions.
    #[error(
        "snapshots: `{name}` is of {topic} with {found} partitions, there are {wanted} now: the number of partitions is pinned; make the topic as it was, or give a new prefix and folder"
    )]
    Partitions {
        /// The file.
        name: String,
        /// Its topic.
        topic: String,
        /// Its partitions.
        found: u32,
        /// The topic's partitions.
        wanted: u32,
    },
}

/// A snapshot that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// A snapshot that was found.
#[derive(Debug)]
pub struct Loaded<T> {
    /// What it is of.
    pub label: Label,
    /// The size of its file.
    pub bytes: u64,
    /// What was made of its blocks.
    pub made: T,
}

/// The newest usable snapshot, if there is one, and newer ones that were set aside.
#[derive(Debug)]
pub struct Found<T> {
    /// The newest that can be used.
    pub loaded: Option<Loaded<T>>,
    /// Names of newer ones, each with why it cannot.
    pub aside: Vec<(String, String)>,
}

/// One folder of snapshots.
pub struct Folder<D> {
    disk: D,
    keep: usize,
}

impl<D: Disk> Folder<D> {
    /// Takes away what a killed process left unfinished. `keep` is how many of each partition stay,
    /// at least 1.
    ///
    /// # Errors
    /// [`Error::Io`] for a folder that cannot be read and written.
    pub fn open(disk: D, keep: usize) -> Result<Self, Error> {
        let folder = Self {
            disk,
            keep: keep.max(1),
        };
        for name in folder.list()? {
            if name.ends_with(TEMPORARY) {
                folder.remove(&name)?;
            }
        }
        let probe = format!("probe{TEMPORARY}");
        let made = folder.disk.create(&probe).map(drop);
        made.map_err(|e| folder.io_error("write", &probe, e))?;
        folder.remove(&probe)?;
        Ok(folder)
    }

    /// Writes a snapshot and returns what was kept once it is durable and was read back; then the oldest
    /// ones of its partition go. `uid` tells writers apart that would choose the same name.
    ///
    /// # Errors
    /// [`Error`]; then no file of this name is kept.
    pub fn save(
        &self,
        label: &Label,
        uid: u64,
        blocks: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Kept, Error> {
        let name = named(label, uid);
        let temporary = format!("{name}{TEMPORARY}");
        let written = self.write(&temporary, label, blocks);
        let written = written.and_then(|()| {
            let renamed = self.disk.rename(&temporary, &name);
            renamed.map_err(|e| self.io_error("rename", &temporary, e))?;
            let synced = self.disk.sync_folder();
            synced.map_err(|e| self.io_error("sync the folder of", &name, e))?;
            self.verify(&name)
        });
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => {
                // Whatever is left of it: an error here is no news beside the first one.
                drop(self.disk.remove(&temporary));
                drop(self.disk.remove(&name));
                return Err(error);
            }
        };
        self.thin(label.partition)?;
        Ok(Kept { name, bytes })
    }

    /// The newest snapshot of a partition that `make` can use; newer ones are set aside. `make` gets the label and the blocks; what it makes counts only once
    /// the file was read to its end.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Partitions`] for a snapshot of another number of partitions.
    pub fn newest<T>(
        &self,
        partition: u32,
        partitions: u32,
        mut make: impl FnMut(&Label, &mut dyn Iterator<Item = Vec<u8>>) -> Result<T, String>,
    ) -> Result<Found<T>, Error> {
        let mut aside = Vec::new();
        for name in self.of(partition)?.into_iter().rev() {
            let opened = self.disk.open(&name);
            let opened = opened.map_err(|e| self.io_error("read", &name, e))?;
            let why = match Reader::new(buffered(opened)) {
                Err(fault) => fault.to_string(),
                Ok(reader) if reader.label().partitions != partitions => {
                    return Err(Error::Partitions {
                        name,
                        topic: reader.label().topic.clone(),
                        found: reader.label().partitions,
                        wanted: partitions,
                    });
                }
                Ok(reader) if named_partition(&name) != Some(reader.label().partition) => {
                    "it is of another partition than its name says".to_owned()
                }
                Ok(reader) => match made(reader, &mut make) {
                    Ok(loaded) => {
                        let loaded = Some(loaded);
                        return Ok(Found { loaded, aside });
                    }
                    Err(why) => why,
                },
            };
            let to = format!("{name}{CORRUPT}");
            let moved = self.disk.rename(&name, &to);
            moved.map_err(|e| self.io_error("set aside", &name, e))?;
            aside.push((name, why));
        }
        Ok(Found {
            loaded: None,
            aside,
        })
    }

    fn write(
        &self,
        name: &str,
        label: &Label,
        blocks: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), Error> {
        let write = || {
            let file = BufWriter::with_capacity(BUFFER, self.disk.create(name)?);
            let mut writer = Writer::new(file, label)?;
            for block in blocks {
                writer.push(&block)?;
            }
            let mut file = writer.finish()?;
            file.flush()?;
            file.get_mut().sync()
        };
        write().map_err(|e| self.io_error("write", name, e))
    }

    fn verify(&self, name: &str) -> Result<u64, Error> {
        let opened = self.disk.open(name);
        let opened = opened.map_err(|e| self.io_error("read", name, e))?;
        let read = Reader::new(buffered(opened)).and_then(Reader::finish);
        read.map_err(|fault| Error::Unread {
            name: name.to_owned(),
            fault,
        })
    }

    /// Takes away all but the newest ones.
    fn thin(&self, partition: u32) -> Result<(), Error> {
        let all = self.of(partition)?;
        let gone = all.len().saturating_sub(self.keep);
        all[..gone].iter().try_for_each(|name| self.remove(name))
    }

    /// The snapshots of a partition, oldest first.
    fn of(&self, partition: u32) -> Result<Vec<String>, Error> {
        let mut names = self.list()?;
        names.retain(|n| n.ends_with(DONE) && named_partition(n) == Some(partition));
        names.sort();
        Ok(names)
    }

    fn io_error(&self, what: &'static str, name: &str, error: io::Error) -> Error {
        Error::Io {
            what,
            name: name.to_owned(),
            error,
            advice: self.disk.advice(),
        }
    }

    fn list(&self) -> Result<Vec<String>, Error> {
        self.disk.list().map_err(|e| self.io_error("list", ".", e))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let removed = self.disk.remove(name);
        removed.map_err(|e| self.io_error("remove", name, e))
    }
}

fn made<T>(
    mut reader: Reader<impl Read>,
    make: &mut impl FnMut(&Label, &mut dyn Iterator<Item = Vec<u8>>) -> Result<T, String>,
) -> Result<Loaded<T>, String> {
    let label = reader.label().clone();
    let mut fault = None;
    let mut blocks = std::iter::from_fn(|| match reader.next_block() {
        Ok(block) => block,
        Err(found) => {
            fault = Some(found);
            None
        }
    });
    let made = make(&label, &mut blocks);
    match fault {
        Some(fault) => Err(fault.to_string()),
        None => {
            let made = made?;
            let bytes = reader.finish().map_err(|fault| fault.to_string())?;
            Ok(Loaded { label, bytes, made })
        }
    }
}

/// Names sort by partition, then by offset.
fn named(label: &Label, uid: u64) -> String {
    let (partition, offset) = (label.partition, label.next_offset);
    format!("{partition:05}-{offset:020}-{uid:016x}{DONE}")
}

fn named_partition(name: &str) -> Option<u32> {
    name.split('-').next()?.parse().ok()
}

fn buffered(file: Box<dyn Read>) -> BufReader<Box<dyn Read>> {
    BufReader::with_capacity(BUFFER, file)
}
