//! In: the operations that snapshots use. Kept: the model disk. Out: what it answers.
//! Never knows: what snapshots are.

use cx_server::snapshots::{Disk, DiskFile};
use std::cell::RefCell;
use std::io::{self, Cursor, Read, Write};
use std::rc::Rc;

/// The model, behind the operations that snapshots use.
#[derive(Clone, Default)]
pub(crate) struct Model(pub(crate) Rc<RefCell<cx_sim::disk::Disk>>);

impl Model {
    /// Bytes in all files.
    pub(crate) fn read_all(&self) -> usize {
        let names = self.list().expect("a healthy disk");
        let mut disk = self.0.borrow_mut();
        let sizes = names.iter().map(|n| disk.read(n).expect("there").len());
        sizes.sum()
    }
}

struct Open(Model, usize);

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Model(disk) = &self.0;
        disk.borrow_mut().write(self.1, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Open {
    fn sync(&mut self) -> io::Result<()> {
        self.0.0.borrow_mut().sync(self.1)
    }
}

impl Disk for Model {
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.borrow_mut().create(name)?;
        Ok(Box::new(Open(self.clone(), file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.borrow_mut().rename(from, to)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.borrow_mut().sync_folder()
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        let file = disk.number(name)?;
        disk.sync(file)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.borrow_mut().list()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(self.0.borrow_mut().read(name)?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(name)
    }
}
