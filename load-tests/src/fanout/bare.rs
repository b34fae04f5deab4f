//! In: one frame, a rhythm. Kept: open sockets. Out: that frame to each of them, one write after the other.
//! Never knows: WebSocket, but for its first answer.
//!
//! Nobody can send to many cheaper without leaving sockets: no task, no runtime, no state of a reader.

use super::served::AT_MOST;
use crate::clock;
use crate::report::say;
use anyhow::{Context as _, Result};
use clap::Args;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

/// What is sent.
#[derive(Args)]
pub(crate) struct Options {
    /// The text; `@` stands for the moment in microseconds.
    #[arg(long, env = "FANOUT_FRAME")]
    frame: String,
    /// How often, ms.
    #[arg(long, env = "FANOUT_INTERVAL_MS")]
    interval_ms: u64,
}

/// Sends until whoever started it lets go of its input.
///
/// # Errors
/// A frame without a place for the moment, no address to listen at.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let (before, after) = options.frame.split_once('@').context("no @ in the frame")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    say(&format!("http://{}", listener.local_addr()?));
    let open = Arc::new(Mutex::new(Vec::new()));
    let doors = Arc::clone(&open);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            if welcome(&socket).is_ok() {
                doors.lock().expect("no holder panics").push(socket);
            }
        }
    });
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(0)
    });
    let begun = clock::instant();
    while begun.elapsed() < AT_MOST {
        let frame = framed(&format!("{before}{}{after}", clock::micros()));
        open.lock()
            .expect("no holder panics")
            .retain_mut(|socket: &mut TcpStream| sent(socket, &frame));
        std::thread::sleep(Duration::from_millis(options.interval_ms));
    }
    Ok(true)
}

/// False where the socket is of no use any more. A full one misses the frame.
fn sent(socket: &mut TcpStream, frame: &[u8]) -> bool {
    match socket.write(frame) {
        Ok(written) => written == frame.len(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

/// A text message of a server: head and bytes.
fn framed(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

/// Reads the request for an upgrade and grants it.
fn welcome(socket: &TcpStream) -> Result<()> {
    socket.set_read_timeout(PATIENCE)?;
    socket.set_nodelay(true)?;
    let mut key = None;
    for line in BufReader::new(socket).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("sec-websocket-key") {
            key = Some(derive_accept_key(value.as_bytes()));
        }
    }
    let key = key.context("no key")?;
    let mut socket = socket;
    write!(
        socket,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    )?;
    socket.set_nonblocking(true)?;
    Ok(())
}
