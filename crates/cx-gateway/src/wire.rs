//! In: an upgraded line. Kept: the protocol's state, the frame on its way. Out: messages; frames go out as they
//! are. Never knows: what they say.
//!
//! What is said to a reader is framed already and goes to the kernel without a copy; the protocol's own frames
//! (pong, close) are the library's. The two never mix: while anything is on its way nothing is read, so
//! nothing has to be answered.

use crate::deadline::Timed;
use bytes::{Buf, Bytes};
use std::future::poll_fn;
use std::io::{Error, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Role, WebSocketConfig, WebSocketContext,
};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// A client frame, bytes.
const FRAME: usize = 64 * 1024;
/// What is read at once, bytes: a subscription or an acknowledgement; the buffer grows for whoever says more.
const READ: usize = 128;
/// What the protocol itself may have on its way, bytes.
const CONTROL: usize = 4 * 1024;

/// One WebSocket, the server's end.
pub(crate) struct Wire {
    line: Timed,
    context: WebSocketContext,
    /// What the kernel has not taken yet of the frame on its way.
    rest: Bytes,
    /// A frame is on its way.
    in_flight: bool,
    /// The protocol may have an answer of its own to send.
    answers: bool,
    /// What came was no message: nothing after it is looked at.
    ended: bool,
}

impl Wire {
    /// Over a line that was upgraded; `read` came with the upgrade.
    pub(crate) fn new(line: Timed, read: Bytes) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(0)
            .max_write_buffer_size(CONTROL)
            .max_message_size(Some(FRAME))
            .max_frame_size(Some(FRAME));
        let context = if read.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(read.into(), Role::Server, Some(config))
        };
        Self {
            line,
            context,
            rest: Bytes::new(),
            in_flight: false,
            answers: false,
            ended: false,
        }
    }

    /// The next message, once it is whole. Nothing is on its way.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Message, WsError>> {
        debug_assert!(!self.in_flight());
        let line = &mut self.line;
        if self.ended {
            return Poll::Ready(Err(WsError::AlreadyClosed));
        }
        let message = ready!(blocked(self.context.read(&mut Turn { line, context })));
        self.ended = message.is_err();
        self.answers = matches!(message, Ok(Message::Ping(_)));
        Poll::Ready(message)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Message, WsError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Whether something is on its way, of the protocol's own too.
    pub(crate) fn in_flight(&self) -> bool {
        self.in_flight || self.answers
    }

    /// What it goes over.
    pub(crate) fn line(&self) -> &Timed {
        &self.line
    }

    /// Puts a frame on its way. Nothing is on its way yet.
    pub(crate) fn put(&mut self, frame: Bytes) {
        debug_assert!(!self.in_flight());
        self.in_flight = true;
        self.rest = frame;
    }

    /// Until the kernel has all that is on its way.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.line).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(Error::from(ErrorKind::WriteZero).into()));
            }
            self.rest.advance(written);
        }
        // Others share its bytes: they are kept no longer than needed.
        self.rest = Bytes::new();
        if self.answers {
            let line = &mut self.line;
            ready!(blocked(self.context.flush(&mut Turn { line, context })))?;
            self.answers = false;
        }
        ready!(Pin::new(&mut self.line).poll_flush(context))?;
        self.in_flight = false;
        Poll::Ready(Ok(()))
    }

    /// The same.
    pub(crate) async fn flush(&mut self) -> Result<(), WsError> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    /// Says that it ends, and reads on until the client has said so too.
    pub(crate) async fn close(&mut self, why: CloseFrame) -> Result<(), WsError> {
        self.flush().await?;
        let mut why = Some(why);
        poll_fn(|context| {
            let line = &mut self.line;
            let mut turn = Turn { line, context };
            blocked(match why.take() {
                Some(why) => self.context.close(&mut turn, Some(why)),
                None => self.context.flush(&mut turn),
            })
        })
        .await?;
        self.listen_out().await;
        Ok(())
    }

    /// Reads until there is no more; what the protocol answers goes out meanwhile.
    pub(crate) async fn listen_out(&mut self) {
        loop {
            self.answers = false;
            if self.next().await.is_err() {
                return;
            }
        }
    }
}

/// What the library cannot do now it does later.
fn blocked<T>(done: Result<T, WsError>) -> Poll<Result<T, WsError>> {
    match done {
        Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        Ok(_) | Err(_) => Poll::Ready(done),
    }
}

/// The line as the library reads and writes it, while somebody is there to be woken.
struct Turn<'t, 'c> {
    line: &'t mut Timed,
    context: &'t mut Context<'c>,
}

fn at_once<T>(done: Poll<std::io::Result<T>>) -> std::io::Result<T> {
    match done {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Turn<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        at_once(Pin::new(&mut *self.line).poll_read(self.context, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Turn<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        at_once(Pin::new(&mut *self.line).poll_write(self.context, bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        at_once(Pin::new(&mut *self.line).poll_flush(self.context))
    }
}
