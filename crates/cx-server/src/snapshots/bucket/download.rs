//! In: an object's name. Kept: the piece of it that came last. Out: its bytes. Never knows: what they
//! are.

use super::remote::Remote;
use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::ObjectStoreExt as _;
use std::io::{self, Read};
use std::sync::Arc;

/// An object being read: the client asks for more only when more is wanted. A connection that breaks is
/// taken up again where it broke, unless the object is another one by then.
pub(super) struct Download {
    remote: Arc<Remote>,
    name: String,
    piece: Bytes,
    /// `None` after the last piece or an error.
    rest: Option<BoxStream<'static, object_store::Result<Bytes>>>,
}

impl Download {
    /// # Errors
    /// The store's own.
    pub(super) fn begin(remote: &Arc<Remote>, name: &str) -> io::Result<Self> {
        let (store, key) = (remote.store(), remote.key(name));
        let got = remote.done("read", name, async move { store.get(&key).await })?;
        Ok(Self {
            remote: Arc::clone(remote),
            name: name.to_owned(),
            piece: Bytes::new(),
            rest: Some(got.into_stream()),
        })
    }
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            let next = self.remote.done("read", &self.name, async move {
                Ok(rest.next().await.transpose()?.map(|piece| (piece, rest)))
            })?;
            if let Some((piece, rest)) = next {
                (self.piece, self.rest) = (piece, Some(rest));
            }
        }
        let length = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
