//! In: bytes. Kept: one part that fills and a few on their way. Out: an object, once it is synced.
//! Never knows: what the bytes are.

use super::remote::Remote;
use crate::snapshots::disk::DiskFile;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMultipartOptions, WriteMultipart};
use std::io::{self, Write};
use std::sync::Arc;

/// Length of a part, bytes. S3 takes 10,000 of them, none but the last below 5 MiB.
const PART: usize = 8 << 20;
/// Parts on their way at once.
const ON_THEIR_WAY: usize = 3;
/// Longest object, bytes: S3 copies no longer one at once, and without a copy it gets no name.
const LONGEST: u64 = 5 << 30;

/// An object being written: at most [`ON_THEIR_WAY`] + 1 parts in memory.
pub(super) struct Upload {
    remote: Arc<Remote>,
    name: String,
    length: u64,
    state: State,
}

enum State {
    Open(WriteMultipart),
    Whole,
    Failed,
}

impl Upload {
    /// # Errors
    /// A name that is taken, the store's own.
    pub(super) fn begin(remote: &Arc<Remote>, name: &str) -> io::Result<Self> {
        let (store, key) = (remote.store(), remote.key(name));
        let begun = remote.done("write", name, async move {
            match store.head(&key).await {
                Ok(_) => return Ok(None),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            let options = PutMultipartOptions::default();
            store.put_multipart_opts(&key, options).await.map(Some)
        })?;
        let Some(upload) = begun else {
            let taken = format!("{} is there already", remote.place(name));
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, taken));
        };
        Ok(Self {
            remote: Arc::clone(remote),
            name: name.to_owned(),
            length: 0,
            state: State::Open(WriteMultipart::new_with_chunk_size(upload, PART)),
        })
    }

    /// What was begun; whatever comes next, it has failed until told otherwise.
    fn take(&mut self) -> io::Result<WriteMultipart> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Open(writer) => Ok(writer),
            State::Whole => {
                self.state = State::Whole;
                Err(io::Error::other("the object is whole already"))
            }
            State::Failed => Err(io::Error::other("the upload has failed before")),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // At most one part becomes full by it.
        let bytes = bytes[..bytes.len().min(PART)].to_vec();
        let length = bytes.len();
        if self.length + length as u64 > LONGEST {
            let place = self.remote.place(&self.name);
            return Err(io::Error::other(format!(
                "{place} is longer than 5 GiB, and a store copies no more at once; keep snapshots in a folder (snapshots.folder)"
            )));
        }
        let mut writer = self.take()?;
        let written = self.remote.done("write", &self.name, async move {
            if let Err(error) = writer.wait_for_capacity(ON_THEIR_WAY).await {
                // The first error is the one to tell.
                drop(writer.abort().await);
                return Err(error);
            }
            writer.write(&bytes);
            Ok(writer)
        });
        self.state = State::Open(written?);
        self.length += length as u64;
        Ok(length)
    }

    /// Nothing to do: bytes count once they are synced.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Upload {
    /// The object is there afterwards, whole.
    fn sync(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Whole) {
            return Ok(());
        }
        let writer = self.take()?;
        let finished = writer.finish();
        self.remote.done("write", &self.name, finished)?;
        self.state = State::Whole;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Ok(writer) = self.take() {
            // Nobody is left to hear of an error; the bucket's lifecycle rule takes what stays.
            drop(self.remote.wait(writer.abort()));
        }
    }
}
