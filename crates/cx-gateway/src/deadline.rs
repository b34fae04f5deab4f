//! In: an accepted socket. Kept: until when it must have said something, and its place among the open
//! ones. Out: the same socket, which fails once it is too late. Never knows: HTTP.
//!
//! Until the first byte of an answer goes out a client owes its request: the first byte soon, the rest
//! not much later. Whoever sends one byte at a time does not hold a place for long.

use crate::doorkeeper::Place;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// A socket that owes its first request.
pub(crate) struct Timed {
    stream: TcpStream,
    place: Place,
    /// `None` once an answer began.
    owed: Option<Owed>,
}

struct Owed {
    until: Pin<Box<Sleep>>,
    /// How long the rest may take after the first byte; `None` once that came.
    rest: Option<Duration>,
}

impl Timed {
    pub(crate) fn new(stream: TcpStream, place: Place) -> Self {
        let limits = place.limits();
        let owed = Owed {
            until: Box::pin(sleep(limits.first_byte)),
            rest: Some(limits.head),
        };
        Self {
            stream,
            place,
            owed: Some(owed),
        }
    }

    fn late(&mut self, context: &mut Context<'_>) -> Option<Error> {
        let owed = self.owed.as_mut()?;
        if owed.until.as_mut().poll(context).is_pending() {
            return None;
        }
        let (reason, words) = match owed.rest {
            Some(_) => ("no_first_byte", "nothing was asked"),
            None => ("slow_request", "the request took too long"),
        };
        self.owed = None;
        self.place.refuse(reason);
        Some(Error::new(ErrorKind::TimedOut, words))
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(late) = self.late(context) {
            return Poll::Ready(Err(late));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = buffer.filled().len() > before;
        if let (true, Some(owed)) = (came, &mut self.owed)
            && let Some(rest) = owed.rest.take()
        {
            owed.until = Box::pin(sleep(rest));
            // Polled once, so that the new deadline wakes this reader.
            if owed.until.as_mut().poll(context).is_ready() {
                context.waker().wake_by_ref();
            }
        }
        read
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.owed = None;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.owed = None;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
