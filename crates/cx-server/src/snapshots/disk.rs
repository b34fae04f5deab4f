//! In: names in one folder. Kept: that folder. Out: the few operations a durable file needs.
//! Never knows: what the files hold.

use crate::failpoint;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file being written.
pub trait DiskFile: Write {
    /// Returns once everything written is on stable storage.
    ///
    /// # Errors
    /// The storage's own. Afterwards nothing of the file may be believed.
    fn sync(&mut self) -> io::Result<()>;
}

/// One folder. Tests have a model that loses what was not synced.
pub trait Disk {
    /// A new, empty file.
    ///
    /// # Errors
    /// The folder's own, and a name that is taken.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name; one that had it is gone.
    ///
    /// # Errors
    /// The folder's own.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Returns once all names are on stable storage.
    ///
    /// # Errors
    /// The storage's own.
    fn sync_folder(&self) -> io::Result<()>;

    /// Returns once all that is in a file is on stable storage, whoever wrote it. Where files are durable
    /// once they are there, at once.
    ///
    /// # Errors
    /// The storage's own.
    fn sync_file(&self, name: &str) -> io::Result<()> {
        let _durable = name;
        Ok(())
    }

    /// All names.
    ///
    /// # Errors
    /// The folder's own.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Reads a file from its beginning.
    ///
    /// # Errors
    /// The folder's own.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read>>;

    /// Reads a file from its byte `at` on.
    ///
    /// # Errors
    /// The folder's own.
    fn open_at(&self, name: &str, at: u64) -> io::Result<Box<dyn Read>> {
        let mut file = self.open(name)?;
        io::copy(&mut file.by_ref().take(at), &mut io::sink())?;
        Ok(file)
    }

    /// Takes a file away.
    ///
    /// # Errors
    /// The folder's own.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// What to do about an error of it, where its errors do not say so themselves.
    fn advice(&self) -> &'static str {
        "give the folder room and the right to write"
    }
}

impl<D: Disk + ?Sized> Disk for Box<D> {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        (**self).create(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn sync_folder(&self) -> io::Result<()> {
        (**self).sync_folder()
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        (**self).sync_file(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        (**self).list()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        (**self).open(name)
    }

    fn open_at(&self, name: &str, at: u64) -> io::Result<Box<dyn Read>> {
        (**self).open_at(name, at)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        (**self).remove(name)
    }

    fn advice(&self) -> &'static str {
        (**self).advice()
    }
}

/// A folder of this machine.
#[derive(Debug, Clone)]
pub struct Local(PathBuf);

impl Local {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// The system's own.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self(folder.to_owned()))
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        failpoint::reach(failpoint::SYNC);
        self.sync_all()
    }
}

impl Disk for Local {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = File::create_new(self.0.join(name))?;
        failpoint::reach(failpoint::WRITE);
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        failpoint::reach(failpoint::RENAME);
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn sync_folder(&self) -> io::Result<()> {
        failpoint::reach(failpoint::SYNC_FOLDER);
        File::open(&self.0)?.sync_all()
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        File::open(self.0.join(name))?.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(self.0.join(name))?))
    }

    fn open_at(&self, name: &str, at: u64) -> io::Result<Box<dyn Read>> {
        let mut file = File::open(self.0.join(name))?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Box::new(file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }
}
