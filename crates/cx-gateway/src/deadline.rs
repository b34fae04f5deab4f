//! In: an accepted socket. Kept: until when it must have said something, and its place among the open
//! ones. Out: the same socket, which fails once it is too late. Never knows: HTTP.
//!
//! Until the first byte of an answer goes out a client owes its request: the first byte soon, the head
//! not much later. Whoever sends one byte at a time does not hold a place for long. What follows the head, the
//! house's own work included, may take its time: a broker that is away is waited for. Once it was answered it may
//! be silent for a while only.

use crate::doorkeeper::Place;
use crate::line::Line;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A socket that owes its first request.
pub(crate) struct Timed {
    line: Line,
    place: Place,
    /// None once it was upgraded: whoever took it over sees to the time, without a timer of its own.
    until: Option<Pin<Box<Sleep>>>,
    stage: Stage,
    /// When the last byte went either way.
    moved: Instant,
}

/// How much of the first request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    /// A part of the head, which ends with so many bytes of [`END`].
    Head(u8),
    Whole,
    /// An answer began: to the first request, and maybe to others after it.
    Answered,
}

/// What ends a head.
const END: &[u8; 4] = b"\r\n\r\n";

impl Stage {
    fn after(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |stage, byte| {
            let seen = match stage {
                Self::Whole | Self::Answered => return stage,
                Self::Nothing => 0,
                Self::Head(seen) => seen,
            };
            match (*byte == END[usize::from(seen)], seen) {
                (true, 3) => Self::Whole,
                (true, _) => Self::Head(seen + 1),
                (false, _) => Self::Head(u8::from(*byte == END[0])),
            }
        })
    }
}

impl Timed {
    pub(crate) fn new(line: Line, place: Place) -> Self {
        let limits = place.limits();
        Self {
            line,
            until: Some(Box::pin(sleep(limits.first_byte))),
            stage: Stage::Nothing,
            moved: Instant::now(),
            place,
        }
    }

    /// What comes now is no HTTP.
    pub(crate) fn upgraded(mut self) -> Self {
        self.until = None;
        self
    }

    /// Until when something has to go either way over an upgraded one.
    pub(crate) fn idle_at(&self) -> Instant {
        self.moved + self.place.limits().idle
    }

    /// It was idle for too long, which is counted.
    pub(crate) fn idled(&self) {
        self.place.refuse("idle");
    }

    fn late(&mut self, context: &mut Context<'_>) -> Option<Error> {
        while let Some(until) = &mut self.until
            && until.as_mut().poll(context).is_ready()
        {
            let (reason, words) = match self.stage {
                Stage::Nothing => ("no_first_byte", "nothing was asked"),
                Stage::Head(_) | Stage::Whole => ("slow_request", "the request took too long"),
                Stage::Answered => {
                    let idle = self.moved + self.place.limits().idle;
                    if idle > Instant::now() {
                        until.as_mut().reset(idle);
                        continue;
                    }
                    ("idle", "nothing more was asked")
                }
            };
            self.place.refuse(reason);
            return Some(Error::new(ErrorKind::TimedOut, words));
        }
        None
    }

    /// Bytes were read: whether that was enough of a request to begin another deadline.
    fn read(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        let stage = self.stage.after(bytes);
        let limits = self.place.limits();
        let rest = match (self.stage, stage) {
            (Stage::Nothing, Stage::Head(_)) => Some(limits.head),
            (Stage::Nothing | Stage::Head(_), Stage::Whole) => Some(limits.answer),
            _ => None,
        };
        (self.stage, self.moved) = (stage, Instant::now());
        if let Some(rest) = rest {
            self.rearm(rest, context);
        }
    }

    /// An answer goes out.
    fn wrote(&mut self, context: &mut Context<'_>) {
        self.moved = Instant::now();
        if self.stage != Stage::Answered {
            self.stage = Stage::Answered;
            self.rearm(self.place.limits().idle, context);
        }
    }

    /// Polled once, so that the new deadline wakes this reader.
    fn rearm(&mut self, rest: Duration, context: &mut Context<'_>) {
        let Some(until) = &mut self.until else {
            return;
        };
        until.as_mut().reset(Instant::now() + rest);
        if until.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
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
        let this = &mut *self;
        let filled = &buffer.filled()[before..];
        if !filled.is_empty() {
            this.read(filled, context);
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
        self.wrote(context);
        Pin::new(&mut self.line).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.wrote(context);
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
