//! In: an address. Kept: one socket and what was read of it. Out: the texts that a server sends. Never knows:
//! what they mean.
//!
//! A display of a bench costs as little as it can: ten thousand of them stand in one thread, beside the server.

use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// What is read at once.
const CHUNK: usize = 2_048;

/// A client's end of a WebSocket.
pub(crate) struct Line {
    tcp: TcpStream,
    held: Vec<u8>,
    /// Bytes of the held ones that were given out.
    given: usize,
}

impl Line {
    /// Opens it and asks for the upgrade; with a receive buffer of its own where one is named.
    ///
    /// # Errors
    /// Nobody there, no upgrade.
    pub(crate) async fn open(address: SocketAddr, receive: Option<u32>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut tcp = socket.connect(address).await?;
        tcp.set_nodelay(true)?;
        let request = format!(
            "GET /v1/stream HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await?;
        let mut line = Self {
            tcp,
            held: Vec::new(),
            given: 0,
        };
        let end = loop {
            line.read().await?;
            if let Some(at) = line.held.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&line.held[..end]);
        ensure!(head.starts_with("HTTP/1.1 101 "), "no upgrade: {head}");
        line.given = end;
        Ok(line)
    }

    async fn read(&mut self) -> Result<()> {
        self.held.drain(..self.given);
        self.given = 0;
        self.held.reserve(CHUNK);
        let read = self.tcp.read_buf(&mut self.held).await?;
        ensure!(read > 0, "the server has closed");
        Ok(())
    }

    /// The next text. Nothing is lost where it is not waited for to the end.
    ///
    /// # Errors
    /// A server that closes, a frame that a server must not send.
    pub(crate) async fn next(&mut self) -> Result<&str> {
        loop {
            if let Some((opcode, from, to)) = frame(&self.held[self.given..]) {
                let (from, to) = (self.given + from, self.given + to);
                self.given = to;
                match opcode {
                    1 => return Ok(std::str::from_utf8(&self.held[from..to])?),
                    // Bun and `ws` may ask whether somebody is there; nobody waits that long here.
                    9 | 10 => {}
                    8 => bail!("the server says why: {:?}", self.held[from..to].get(2..)),
                    other => bail!("a frame of kind {other}"),
                }
                continue;
            }
            self.read().await?;
            if self.held.capacity() > 64 * CHUNK {
                self.held.shrink_to(CHUNK);
            }
        }
    }

    /// Says a text. The mask is zeros: any is allowed.
    ///
    /// # Errors
    /// A server that has closed.
    pub(crate) async fn say(&mut self, text: &str) -> Result<()> {
        let length = u16::try_from(text.len()).context("a long text")?;
        let mut frame = vec![0x81];
        if length < 126 {
            frame.push(0x80 | length.to_le_bytes()[0]);
        } else {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        Ok(self.tcp.write_all(&frame).await?)
    }
}

/// The first whole frame: its opcode, where its bytes begin and end.
fn frame(held: &[u8]) -> Option<(u8, usize, usize)> {
    let (opcode, short) = (held.first()? & 0x0f, held.get(1)? & 0x7f);
    let (from, length) = match short {
        126 => (
            4,
            usize::from(u16::from_be_bytes(held.get(2..4)?.try_into().ok()?)),
        ),
        127 => {
            let long = u64::from_be_bytes(held.get(2..10)?.try_into().ok()?);
            (10, usize::try_from(long).ok()?)
        }
        short => (2, usize::from(short)),
    };
    (held.len() >= from + length).then_some((opcode, from, from + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_seen_only_when_it_is_whole() {
        let check = |held: &[u8], expected| assert_eq!(frame(held), expected, "{held:?}");
        check(&[0x81], None);
        check(&[0x81, 2, b'a'], None);
        check(&[0x81, 2, b'a', b'b', 0x81], Some((1, 2, 4)));
        let mut long = vec![0x81, 126, 1, 0];
        long.extend([b'x'; 255]);
        check(&long, None);
        long.push(b'x');
        check(&long, Some((1, 4, 260)));
        check(&[0x88, 0], Some((8, 2, 2)));
    }
}
