//! In: an accepted socket. Kept: until when it must have said something, and its place among the open
//! ones. Out: the same socket, which fails once it is too late. Never knows: HTTP.
//!
//! Until the first byte of an answer goes out a client owes its request: the first byte soon, the head
//! not much later. Whoever sends one byte at a time does not hold a place for long. What follows the head, the
//! house's own work included, may take its time: a broker that is away is waited for.

use crate::doorkeeper::Place;
use crate::line::Line;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A socket that owes its first request.
pub(crate) struct Timed {
    line: Line,
    place: Place,
    /// `None` once an answer began.
    owed: Option<Owed>,
}

struct Owed {
    until: Pin<Box<Sleep>>,
    stage: Stage,
}

/// How much of the first request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    /// A part of the head, which ends with so many bytes of [`END`].
    Head(usize),
    Whole,
}

/// What ends a head.
const END: &[u8; 4] = b"\r\n\r\n";

impl Stage {
    fn after(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |stage, byte| {
            let seen = match stage {
                Self::Whole => return stage,
                Self::Nothing => 0,
                Self::Head(seen) => seen,
            };
            match (*byte == END[seen], seen) {
                (true, 3) => Self::Whole,
                (true, _) => Self::Head(seen + 1),
                (false, _) => Self::Head(usize::from(*byte == END[0])),
            }
        })
    }
}

impl Timed {
    pub(crate) fn new(line: Line, place: Place) -> Self {
        let limits = place.limits();
        let owed = Owed {
            until: Box::pin(sleep(limits.first_byte)),
            stage: Stage::Nothing,
        };
        Self {
            line,
            place,
            owed: Some(owed),
        }
    }

    fn late(&mut self, context: &mut Context<'_>) -> Option<Error> {
        let owed = self.owed.as_mut()?;
        if owed.until.as_mut().poll(context).is_pending() {
            return None;
        }
        let (reason, words) = match owed.stage {
            Stage::Nothing => ("no_first_byte", "nothing was asked"),
            Stage::Head(_) | Stage::Whole => ("slow_request", "the request took too long"),
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
        let read = Pin::new(&mut self.line).poll_read(context, buffer);
        if matches!((&read, &self.line), (Poll::Ready(Err(_)), Line::Over)) {
            self.place.refuse("no_tls");
        }
        let limits = self.place.limits();
        if let Some(owed) = &mut self.owed {
            let stage = owed.stage.after(&buffer.filled()[before..]);
            let rest = match (owed.stage, stage) {
                (Stage::Nothing, Stage::Head(_)) => Some(limits.head),
                (Stage::Nothing | Stage::Head(_), Stage::Whole) => Some(limits.answer),
                _ => None,
            };
            owed.stage = stage;
            if let Some(rest) = rest {
                owed.until = Box::pin(sleep(rest));
                // Polled once, so that the new deadline wakes this reader.
                if owed.until.as_mut().poll(context).is_ready() {
                    context.waker().wake_by_ref();
                }
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
        Pin::new(&mut self.line).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.owed = None;
        Pin::new(&mut self.line).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_whole_wherever_it_was_cut() {
        let request = b"POST / HTTP/1.1\r\nhost: a\r\r\n\r\nbody";
        let end = request.len() - 4;
        for cut in 1..end {
            let part = Stage::Nothing.after(&request[..cut]);
            assert!(matches!(part, Stage::Head(_)), "{cut}: {part:?}");
            assert_eq!(part.after(&request[cut..]), Stage::Whole, "{cut}");
        }
        assert_eq!(Stage::Nothing.after(b""), Stage::Nothing);
    }
}
