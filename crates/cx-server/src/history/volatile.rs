//! In: file operations. Kept: files, in memory. Out: what was written. Never knows: what they hold.
//!
//! For the embedded broker, which keeps nothing across restarts either.

use crate::snapshots::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};

type Bytes = Arc<Mutex<Vec<u8>>>;

/// A folder that ends with the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Volatile(Arc<Mutex<BTreeMap<String, Bytes>>>);

struct File {
    bytes: Bytes,
    at: usize,
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.bytes.lock().expect("no holder panics");
        held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let held = self.bytes.lock().expect("no holder panics");
        let read = held.get(self.at..).unwrap_or_default().read(bytes)?;
        self.at += read;
        Ok(read)
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Volatile {
    fn file(&self, name: &str) -> io::Result<Bytes> {
        let files = self.0.lock().expect("no holder panics");
        files.get(name).cloned().ok_or(ErrorKind::NotFound.into())
    }
}

impl Disk for Volatile {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut files = self.0.lock().expect("no holder panics");
        if files.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let bytes = Bytes::default();
        files.insert(name.to_owned(), Arc::clone(&bytes));
        Ok(Box::new(File { bytes, at: 0 }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let bytes = self.file(from)?;
        let mut files = self.0.lock().expect("no holder panics");
        files.remove(from);
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let files = self.0.lock().expect("no holder panics");
        Ok(files.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.open_at(name, 0)
    }

    fn open_at(&self, name: &str, at: u64) -> io::Result<Box<dyn Read>> {
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let bytes = self.file(name)?;
        Ok(Box::new(File { bytes, at }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut files = self.0.lock().expect("no holder panics");
        files
            .remove(name)
            .map(drop)
            .ok_or(ErrorKind::NotFound.into())
    }
}
