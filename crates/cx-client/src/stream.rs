//! In: a socket's frames. Kept: one verified view, one socket, the newest acknowledgement.
//! Out: updates, one at a time. Never knows: what the numbers mean.
//!
//! A lost connection resumes from the cursor held; a digest that differs asks for a diff since the
//! last proof, then for a snapshot; all without the caller's help.

use crate::{Error, View, compact};
use cx_model::frame::{ClientFrame, Encoding, Fields, Filter, Mode, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How often a screen says what it holds.
const ACK: Duration = Duration::from_secs(1);
/// Bytes after which it says so earlier: the server stops at 64 KiB.
const ACK_BYTES: usize = 32 * 1024;
/// A stream is lost where nothing came for this long; heartbeats come each second.
const SILENCE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
/// The first and the longest wait between attempts, ms.
const RETRY_MS: (u64, u64) = (200, 5_000);
/// Snapshots in a row that may not fit before it is an error.
const MISMATCHES: u32 = 3;
const ID: u32 = 1;
/// Codes with which a house shows somebody out.
const DENIED: [u16; 3] = [4401, 4403, 4406];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One applied and verified frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Cells whose values the frame carried; all of them after a snapshot.
    pub cells: Vec<u32>,
    /// Sequence number.
    pub seq: u64,
    /// Newest sealed second.
    pub s: Option<i64>,
    /// False: live values.
    pub sealed: bool,
    /// `snapshot` or `diff` where a subscription just began or resumed.
    pub mode: Option<String>,
}

/// What to hear of a board; the default is sealed seconds, values only, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// `sealed`, `live50`, `live100`, `live250`, `live500` or `live1000`.
    pub cadence: String,
    /// Values, or also their parts.
    pub fields: Fields,
    /// JSON or binary frames.
    pub enc: Encoding,
    /// The newest values, or every published number.
    pub mode: Mode,
    /// Which cells.
    pub filter: Filter,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            cadence: "sealed".to_owned(),
            fields: Fields::default(),
            enc: Encoding::default(),
            mode: Mode::default(),
            filter: Filter::default(),
        }
    }
}

/// A board, read for as long as the caller asks for the next update.
pub struct BoardStream {
    url: String,
    /// An API key, for a house whose access is closed.
    token: Option<String>,
    board: String,
    wish: Wish,
    socket: Option<Socket>,
    view: View,
    /// Set by `bye` and by failures: not before this.
    retry_at: Instant,
    failures: u32,
    mismatches: u32,
    /// A view was asked for: what was still on its way before it is not for us.
    mending: bool,
    heard_at: Instant,
    ack_at: Instant,
    unacked: usize,
    reconnects: u64,
}

/// What one step of waiting brought.
enum Heard {
    Update(Update),
    Nothing,
    Lost,
}

impl BoardStream {
    /// Connects to `ws://host:port/v1/stream` and subscribes to a board. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Connect`] and [`Error::Timeout`]: there is nobody at the address. Whether the
    /// board exists is said by the first [`next`](Self::next).
    pub async fn connect(url: &str, board: &str) -> Result<Self, Error> {
        Self::connect_for(url, board, Wish::default()).await
    }

    /// As [`connect`](Self::connect), for other frames than the usual ones.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_for(url: &str, board: &str, wish: Wish) -> Result<Self, Error> {
        Self::connect_as(url, None, board, wish).await
    }

    /// As [`connect_for`](Self::connect_for), showing an API key.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`Error::Denied`] where the key is none of the house's.
    pub async fn connect_as(
        url: &str,
        token: Option<String>,
        board: &str,
        wish: Wish,
    ) -> Result<Self, Error> {
        let now = Instant::now();
        let mut stream = Self {
            url: url.to_owned(),
            token,
            board: board.to_owned(),
            wish,
            socket: None,
            view: View::default(),
            retry_at: now,
            failures: 0,
            mismatches: 0,
            mending: false,
            heard_at: now,
            ack_at: now,
            unacked: 0,
            reconnects: 0,
        };
        stream.open().await?;
        Ok(stream)
    }

    /// The board as it is held now.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// How often the connection was lost and found again.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Ends the socket as a broken network would; the next update resumes.
    pub fn drop_connection(&mut self) {
        self.socket = None;
    }

    /// Waits for the next verified update; connects again as often as needed, for ever. May be
    /// dropped while it waits.
    ///
    /// # Errors
    /// [`Error::Refused`] where the server does not serve this board, [`Error::Mismatch`] where
    /// even snapshots do not fit their digest, [`Error::Window`] and [`Error::Frame`] where the
    /// server speaks another version.
    pub async fn next(&mut self) -> Result<Update, Error> {
        loop {
            if self.socket.is_none() {
                sleep_until(self.retry_at).await;
                match self.open().await {
                    Ok(()) => self.reconnects += 1,
                    Err(Error::Connect { .. } | Error::Timeout { .. }) => self.back_off(),
                    Err(error) => return Err(error),
                }
                continue;
            }
            match self.hear().await? {
                Heard::Update(update) => return Ok(update),
                Heard::Nothing => {}
                Heard::Lost => {
                    self.socket = None;
                    if self.retry_at <= Instant::now() {
                        self.back_off();
                    }
                }
            }
        }
    }

    /// Waits 0.2 to 5 s, half of it by chance, so that many do not return at once.
    fn back_off(&mut self) {
        let longest = RETRY_MS.0 << self.failures.min(5);
        let ms = longest.min(RETRY_MS.1);
        let chance = RandomState::new().hash_one(self.failures) % (ms / 2);
        self.failures += 1;
        self.retry_at = Instant::now() + Duration::from_millis(ms / 2 + chance);
    }

    async fn open(&mut self) -> Result<(), Error> {
        let url = self.url.clone();
        let request = self.request().map_err(|source| self.no_stream(source))?;
        let connecting = timeout(CONNECT, connect_async(request)).await;
        let seconds = CONNECT.as_secs();
        let connected = connecting.map_err(|_| Error::Timeout { url, seconds })?;
        let (socket, _) = connected.map_err(|source| self.no_stream(source))?;
        self.socket = Some(socket);
        self.heard_at = Instant::now();
        self.subscribe().await;
        Ok(())
    }

    fn request(&self) -> Result<Request, WsError> {
        let mut request = self.url.as_str().into_client_request()?;
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    fn no_stream(&self, source: WsError) -> Error {
        if let WsError::Http(answer) = &source
            && [401, 403].contains(&answer.status().as_u16())
        {
            let body = answer.body().as_deref().unwrap_or_default();
            let told: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let detail = told["detail"].as_str().unwrap_or("not let in");
            return Error::Denied {
                detail: detail.to_owned(),
            };
        }
        let (url, source) = (self.url.clone(), Box::new(source));
        Error::Connect { url, source }
    }

    async fn subscribe(&mut self) {
        let since = (!self.view.epoch.is_empty()).then(|| self.view.verified());
        let Wish {
            cadence,
            fields,
            enc,
            mode,
            filter,
        } = self.wish.clone();
        self.unacked = 0;
        self.mending = true;
        self.send(&ClientFrame::Sub {
            id: ID,
            board: self.board.clone(),
            cadence,
            fields,
            enc,
            mode,
            filter,
            ack: true,
            since,
        })
        .await;
    }

    /// Sends a frame; a socket that does not take it is lost.
    async fn send(&mut self, frame: &ClientFrame) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        let text = serde_json::to_string(frame).expect("frames are plain JSON");
        if socket.send(Message::text(text)).await.is_err() {
            self.socket = None;
        }
    }

    async fn hear(&mut self) -> Result<Heard, Error> {
        let Some(socket) = &mut self.socket else {
            return Ok(Heard::Lost);
        };
        let owing = self.unacked > 0;
        let silent = self.heard_at + SILENCE;
        let message = tokio::select! {
            message = socket.next() => message,
            () = sleep_until(self.ack_at), if owing => {
                self.acknowledge().await;
                return Ok(Heard::Nothing);
            }
            () = sleep_until(silent) => return Ok(Heard::Lost),
        };
        self.heard_at = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                let frame = serde_json::from_str(text.as_str());
                let frame = frame.map_err(|source| Error::Frame {
                    text: text.chars().take(200).collect(),
                    source,
                })?;
                self.read(frame, text.len()).await
            }
            Some(Ok(Message::Binary(bytes))) => {
                let frame = compact::decode(&bytes);
                let frame = frame.ok_or(Error::Binary { bytes: bytes.len() })?;
                self.read(frame, bytes.len()).await
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Heard::Nothing),
            // It was revoked, is over, or is for other boards by now.
            Some(Ok(Message::Close(Some(close)))) if DENIED.contains(&u16::from(close.code)) => {
                Err(Error::Denied {
                    detail: close.reason.to_string(),
                })
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Ok(Heard::Lost),
        }
    }

    async fn read(&mut self, frame: ServerFrame, bytes: usize) -> Result<Heard, Error> {
        let (mode, values) = match &frame {
            ServerFrame::View { mode, values, .. } => (Some(mode.clone()), values.as_slice()),
            ServerFrame::D { v, .. } => (None, v.as_slice()),
            ServerFrame::Hb { .. } => (None, [].as_slice()),
            ServerFrame::Lagged { .. }
            | ServerFrame::Note { .. }
            | ServerFrame::End { .. }
            | ServerFrame::Why { .. } => return Ok(Heard::Nothing),
            ServerFrame::Bye { retry_ms, .. } => {
                self.retry_at = Instant::now() + Duration::from_millis(*retry_ms);
                return Ok(Heard::Lost);
            }
            ServerFrame::Error { .. } => return self.refused(frame).await,
        };
        if mode.is_none() && (self.mending || self.view.epoch.is_empty()) {
            // Still on its way when this view was given up; the snapshot follows.
            return Ok(Heard::Nothing);
        }
        let cells = values.iter().map(|(cell, ..)| *cell).collect();
        if let Err(error) = self.view.apply(&frame) {
            return self.start_again(error).await;
        }
        (self.failures, self.mismatches, self.mending) = (0, 0, false);
        self.unacked += bytes;
        if self.unacked > ACK_BYTES || self.ack_at <= Instant::now() {
            self.acknowledge().await;
        }
        let (seq, s, sealed) = (self.view.seq, self.view.s, self.view.sealed);
        Ok(Heard::Update(Update {
            cells,
            seq,
            s,
            sealed,
            mode,
        }))
    }

    async fn acknowledge(&mut self) {
        self.unacked = 0;
        self.ack_at = Instant::now() + ACK;
        let (seq, g) = (self.view.seq, self.view.digest.clone());
        let id = Some(ID);
        self.send(&ClientFrame::Ack { id, seq, g }).await;
    }

    async fn refused(&mut self, frame: ServerFrame) -> Result<Heard, Error> {
        let ServerFrame::Error {
            code, detail, fix, ..
        } = frame
        else {
            return Ok(Heard::Nothing);
        };
        let error = Error::Refused { code, detail, fix };
        if matches!(&error, Error::Refused { code, .. } if code == "digest_mismatch") {
            return self.start_again(error).await;
        }
        Err(error)
    }

    /// What is held is wrong: asks for a diff since the last proof, then for everything, a few times.
    async fn start_again(&mut self, why: Error) -> Result<Heard, Error> {
        if self.mismatches > 0 || self.view.verified().seq == 0 {
            self.view = View::default();
        }
        self.mismatches += 1;
        self.mending = true;
        if self.mismatches > MISMATCHES {
            return Err(why);
        }
        // A server that is wrong each time must not be asked in a tight loop.
        sleep(Duration::from_millis(50)).await;
        self.subscribe().await;
        Ok(Heard::Nothing)
    }
}
