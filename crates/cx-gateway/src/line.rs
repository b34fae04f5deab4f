//! In: an accepted socket. Kept: its TLS, where the house has a certificate. Out: bytes as they were meant.
//! Never knows: HTTP.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// What TLS may hold that the kernel did not take, bytes: one frame on its way, no queue.
const HELD: usize = 16 * 1_024;

/// What an accepted client speaks through.
pub(crate) enum Line {
    Plain(TcpStream),
    /// Both sides still agree on keys: on the first read, so that nobody at the door waits for it.
    Greeting(Box<Accept<TcpStream>>),
    Secured(Box<TlsStream<TcpStream>>),
    /// They did not agree.
    Over,
}

impl Line {
    pub(crate) fn new(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Self {
        match acceptor {
            None => Self::Plain(stream),
            Some(acceptor) => Self::Greeting(Box::new(acceptor.accept(stream))),
        }
    }

    /// Goes on with the greeting, if there is one.
    fn greet(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Self::Greeting(accept) = self else {
            return Poll::Ready(Ok(()));
        };
        match ready!(Pin::new(accept).poll(context)) {
            Ok(mut stream) => {
                stream.get_mut().1.set_buffer_limit(Some(HELD));
                *self = Self::Secured(Box::new(stream));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                *self = Self::Over;
                Poll::Ready(Err(error))
            }
        }
    }
}

fn over<T>() -> Poll<std::io::Result<T>> {
    Poll::Ready(Err(Error::from(ErrorKind::NotConnected)))
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        ready!(self.greet(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Secured(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Greeting(_) | Self::Over => over(),
        }
    }
}

impl AsyncWrite for Line {
    /// One slice by itself is cheaper for the kernel than a list of one.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        ready!(self.greet(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Greeting(_) | Self::Over => over(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        ready!(self.greet(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Greeting(_) | Self::Over => over(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        ready!(self.greet(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(stream).poll_flush(context),
            Self::Greeting(_) | Self::Over => over(),
        }
    }

    /// One that was never greeted is just closed.
    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Greeting(_) | Self::Over => Poll::Ready(Ok(())),
        }
    }
}
