//! In: names below one prefix of a bucket. Kept: a client of the store and its thread. Out: what
//! [`Disk`] promises, from a store that speaks S3. Never knows: what the objects hold.
//!
//! An object is there whole or not at all: an upload becomes one when it is synced, and none when it is
//! dropped. What a killed process began stays in the store as parts of an unfinished upload, which no list
//! shows and the store charges for; a lifecycle rule of the bucket takes them away.

mod access;
mod download;
mod remote;
mod signing;
mod trouble;
mod upload;

pub use access::{Access, Keys};

use super::disk::{Disk, DiskFile};
use download::Download;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use remote::Remote;
use std::io::{self, Read};
use std::sync::Arc;
use upload::Upload;

/// One "folder" of a bucket. Its calls wait for the store on the caller's thread, at most until the retries
/// are used up; they may come from any thread, and never from inside a task of an async runtime, which they
/// would hold up.
#[derive(Debug, Clone)]
pub struct Bucket {
    remote: Arc<Remote>,
}

impl Bucket {
    /// A client for the objects `PREFIX/FOLDER/…`. Asks the store nothing yet.
    ///
    /// # Errors
    /// Settings that fit no store, no thread to be had.
    pub fn open(access: &Access, folder: &str) -> io::Result<Self> {
        let remote = Arc::new(Remote::open(access, folder)?);
        Ok(Self { remote })
    }

    /// Where it is, for people: `s3://bucket/prefix/folder`.
    #[must_use]
    pub fn place(&self) -> String {
        self.remote.place("")
    }
}

impl Disk for Bucket {
    /// Begins an upload: the name is taken once it is synced.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Upload::begin(&self.remote, name)?))
    }

    /// Copies, then deletes. It is two steps, and safe here: the copy appears whole, and under a name that
    /// nobody had, for names hold offset and time. Killed between the two, both names are there with
    /// the same content: the next start takes a temporary one away, and sets a corrupt one aside again.
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (store, old, new) = (
            self.remote.store(),
            self.remote.key(from),
            self.remote.key(to),
        );
        self.remote.done(
            "rename",
            from,
            async move { store.rename(&old, &new).await },
        )
    }

    /// Nothing to do: a name is as durable as its object.
    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let (store, prefix) = (self.remote.store(), self.remote.folder());
        let listed = self.remote.done("list", "", async move {
            store.list_with_delimiter(Some(&prefix)).await
        })?;
        let names = listed.objects.iter();
        let names = names.filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Download::begin(&self.remote, name)?))
    }

    /// One that is not there is no error: S3 itself does not tell.
    fn remove(&self, name: &str) -> io::Result<()> {
        let (store, key): (_, Path) = (self.remote.store(), self.remote.key(name));
        let removed = self
            .remote
            .done("remove", name, async move { store.delete(&key).await });
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Every error of the store says it already.
    fn advice(&self) -> &'static str {
        ""
    }
}
