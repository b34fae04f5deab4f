//! In: one WebSocket. Kept: its feed, at most one frame in flight, no queue.
//! Out: frames. Never knows: other connections.
//!
//! While a frame is in flight nothing is read and nothing is made: a client that does not read
//! costs one frame, and gets one diff when it wakes.

use crate::access::Access;
use crate::access::credential::Credential;
use crate::access::principal::Principal;
use crate::access::stay;
use crate::close::Close;
use crate::counts::{Age, Counted};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::feed::{Feed, Out, Wish};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::lineage::Lineage;
use crate::pace::Pace;
use crate::payload::Payload;
use crate::shape::{Cadence, Shape};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use cx_model::frame::{ClientFrame, ServerFrame};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// Refused frames in a row after which a stream is closed.
const FAULTS: u32 = 5;
/// How long a closing stream may take, bye included.
const CLOSING: Duration = Duration::from_millis(1_200);

/// What a connection shares with the rest of the gateway.
pub(crate) struct Room {
    pub(crate) hub: Arc<Hub>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) limits: Limits,
    /// Dropped when the connection has ended; nothing is ever sent.
    pub(crate) alive: mpsc::Sender<()>,
    pub(crate) access: Arc<Access>,
    pub(crate) who: Arc<Principal>,
}

struct Connection {
    hub: Arc<Hub>,
    desk: Arc<dyn Desk>,
    access: Arc<Access>,
    /// Whose it is: another credential of theirs may take the place of the one it began with.
    who: watch::Sender<Arc<Principal>>,
    /// When they have to hear that it ends.
    warn_at: Option<Instant>,
    socket: WebSocket,
    number: u64,
    in_flight: bool,
    /// When the values in flight were published.
    published: Option<Age>,
    feed: Feed,
    asked: Option<Question>,
    faults: u32,
    pace: Pace,
    limits: Limits,
    /// When it must have subscribed.
    silent_until: Instant,
}

/// A `why` that the house is answering; a connection has one at most.
struct Question {
    id: u32,
    cell: u32,
    lineage: BoxFuture<'static, Lineage>,
}

/// How a step ended: go on, say why and close, or just end.
type Step = Result<(), Option<Close>>;

/// Serves one socket until it closes or the gateway drains.
pub(crate) async fn run(socket: WebSocket, room: Room) {
    let Room {
        hub,
        desk,
        mut drain,
        limits,
        alive,
        access,
        who,
    } = room;
    let warn_at = stay::warning_at(&access, &who);
    let (who, held) = watch::channel(who);
    let mut connection = Connection {
        number: hub.counts().opened.inc(),
        feed: Feed::new(Arc::clone(&hub), Arc::clone(&desk), held.clone()),
        access: Arc::clone(&access),
        who,
        warn_at,
        pace: Pace::new(limits.messages),
        silent_until: Instant::now() + limits.subscribe,
        limits,
        hub,
        desk,
        socket,
        in_flight: false,
        published: None,
        asked: None,
        faults: 0,
    };
    connection.hub.counts().connections.inc();
    let why = tokio::select! {
        why = connection.talk() => why,
        () = async { drop(drain.wait_for(|d| *d).await) } => Some(Close::Draining),
        why = stay::ended(&access, held) => Some(why),
    };
    if let Some(why) = why {
        connection.close(why).await;
    }
    connection.hub.counts().connections.dec();
    drop(connection);
    drop(alive);
}

impl Connection {
    async fn talk(&mut self) -> Option<Close> {
        let mut ticks = self.hub.ticks();
        // Each frame puts the next heartbeat off; the timer is set anew only when it rings too early.
        let mut quiet = pin!(sleep_until(self.quiet_until()));
        loop {
            let step = if self.in_flight {
                self.land().await
            } else {
                if self.quiet_until() < quiet.deadline() {
                    quiet.as_mut().reset(self.quiet_until());
                }
                tokio::select! {
                    message = self.socket.next() => self.received(message).await,
                    _ = ticks.changed() => self.catch_up().await,
                    () = quiet.as_mut() => {
                        let early = Instant::now() < self.quiet_until();
                        let step = if early { Ok(()) } else { self.beat().await };
                        quiet.as_mut().reset(self.quiet_until());
                        step
                    }
                    frame = answer(&mut self.asked) => self.say(&frame).await,
                    () = stay::at(self.warn_at) => self.warn().await,
                }
            };
            if let Err(why) = step {
                return why;
            }
        }
    }

    /// Waits until the frame in flight is with the kernel, then looks what is due since.
    async fn land(&mut self) -> Step {
        let mut flush = pin!(timeout(self.limits.stuck, self.socket.flush()));
        let flushed = tokio::select! {
            biased;
            flushed = &mut flush => flushed,
            // The kernel took most frames before it comes to this.
            () = std::future::ready(()) => {
                let _waits = Counted::in_gauge(&self.hub.counts().would_block);
                flush.await
            }
        };
        flushed.map_err(|_| Some(Close::Stuck))?.map_err(|_| None)?;
        self.in_flight = false;
        if let Some(published) = self.published.take() {
            self.hub.counts().written(published);
        }
        self.catch_up().await
    }

    /// Puts one frame on its way. Nothing is in flight here, so this does not wait.
    async fn put(&mut self, out: Out) -> Step {
        let counts = self.hub.counts();
        counts.frames.inc();
        counts.bytes.inc_by(out.payload.len() as u64);
        self.in_flight = true;
        self.published = out.published;
        let fed = self.socket.feed(out.payload.message()).await;
        fed.map_err(|_| None)
    }

    async fn say(&mut self, frame: &ServerFrame) -> Step {
        self.put(Out::from(frame)).await
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Step {
        if !self.pace.allows(Instant::now()) {
            return Err(Some(Close::TooFast));
        }
        match message {
            Some(Ok(Message::Text(text))) if self.limits.echo => {
                self.put(Out::from(Payload::Text(text))).await
            }
            Some(Ok(Message::Binary(bytes))) if self.limits.echo => {
                self.put(Out::from(Payload::Binary(bytes))).await
            }
            Some(Ok(Message::Text(text))) => self.heard(&text).await,
            Some(Ok(Message::Binary(_))) => self.refuse(None, Fault::Binary).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) => {
                // Reading on sends the answer to the close and ends with it.
                drop(timeout(CLOSING, self.socket.next()).await);
                Err(None)
            }
            Some(Err(error)) => Err(broken(error)),
            None => Err(None),
        }
    }

    async fn heard(&mut self, text: &str) -> Step {
        let frame = match serde_json::from_str::<ClientFrame>(text) {
            Ok(frame) => frame,
            Err(error) => return self.refuse(None, Fault::Invalid(error.to_string())).await,
        };
        match frame {
            frame @ ClientFrame::Sub { id, .. } => match self.subscribe(frame) {
                Ok(out) => {
                    self.faults = 0;
                    self.put(out).await
                }
                Err(fault) => self.refuse(Some(id), fault).await,
            },
            ClientFrame::Unsub { id } => {
                if !self.feed.forget(id) {
                    return self.refuse(Some(id), Fault::NotSubscribed(id)).await;
                }
                self.faults = 0;
                self.silent_until = Instant::now() + self.limits.subscribe;
                self.say(&ServerFrame::End { id }).await
            }
            ClientFrame::Ack { id, seq, g } => match self.feed.acknowledge(id, seq, &g) {
                Ok(()) => {
                    self.faults = 0;
                    self.catch_up().await
                }
                Err((id, fault @ Fault::Digest { .. })) => {
                    self.faults = 0;
                    self.tell(id, &fault).await
                }
                Err((id, fault)) => self.refuse(id, fault).await,
            },
            ClientFrame::Why { id, cell } => match self.doubt(id, cell) {
                Ok(()) => {
                    self.faults = 0;
                    Ok(())
                }
                Err(fault) => self.refuse(Some(id), fault).await,
            },
            ClientFrame::Auth { token } => match self.prove(token).await {
                Ok(()) => {
                    self.faults = 0;
                    let renewed = stay::renewed(&self.access, &self.who.borrow());
                    self.say(&renewed).await
                }
                Err(fault) => self.refuse(None, fault).await,
            },
        }
    }

    /// Another credential of the same person or program takes the place of the one before.
    async fn prove(&mut self, token: String) -> Result<(), Fault> {
        self.access.learn(&token).await;
        let shown = Credential::bearer(&token);
        let who = self.access.who(&shown).map_err(Fault::Refused)?;
        let held = Arc::clone(&self.who.borrow());
        if who.name != held.name {
            return Err(Fault::SomebodyElse(held.name.clone()));
        }
        self.feed.check(&who).map_err(Fault::Refused)?;
        self.warn_at = stay::warning_at(&self.access, &who);
        self.who.send_replace(Arc::new(who));
        Ok(())
    }

    async fn warn(&mut self) -> Step {
        self.warn_at = None;
        let warning = stay::warning(&self.access, &self.who.borrow());
        self.say(&warning).await
    }

    fn doubt(&mut self, id: u32, cell: u32) -> Result<(), Fault> {
        if self.asked.is_some() {
            // What is wrong with the question itself comes first.
            return Err(self
                .feed
                .doubt(id, cell)
                .err()
                .unwrap_or(Fault::StillAsking));
        }
        let lineage = self.desk.why(self.feed.doubt(id, cell)?);
        self.asked = Some(Question { id, cell, lineage });
        Ok(())
    }

    fn subscribe(&mut self, frame: ClientFrame) -> Result<Out, Fault> {
        let ClientFrame::Sub {
            id,
            board,
            cadence,
            fields,
            enc,
            mode,
            filter,
            ack,
            since,
        } = frame
        else {
            return Err(Fault::Invalid("not a sub".to_owned()));
        };
        let cadence = Cadence::parse(&cadence).ok_or(Fault::Cadence(cadence))?;
        let shape = Shape {
            cadence,
            fields,
            enc,
            filter,
        };
        self.feed.subscribe(Wish {
            id,
            board,
            shape,
            mode,
            ack,
            since,
        })
    }

    /// Answers what was wrong; closes after too many in a row.
    async fn refuse(&mut self, id: Option<u32>, fault: Fault) -> Step {
        self.faults += 1;
        self.hub.counts().refuse(fault.code());
        self.tell(id, &fault).await?;
        if self.faults < FAULTS {
            return Ok(());
        }
        Err(Some(fault.close()))
    }

    async fn tell(&mut self, id: Option<u32>, fault: &Fault) -> Step {
        self.say(&fault.frame(id)).await
    }

    async fn catch_up(&mut self) -> Step {
        match self.feed.due() {
            Some(out) => self.put(out).await,
            None => Ok(()),
        }
    }

    fn quiet_until(&self) -> Instant {
        if self.feed.is_empty() {
            return self.silent_until;
        }
        self.feed.quiet_until()
    }

    /// A heartbeat where nothing else went for a second; the end where nobody subscribed.
    async fn beat(&mut self) -> Step {
        if self.feed.is_empty() {
            return Err(Some(Close::Silent));
        }
        match self.feed.beat() {
            Some(out) => self.put(out).await,
            None => Ok(()),
        }
    }

    /// Says why and waits for the client's answer; one that does not read must not keep the door.
    async fn close(&mut self, why: Close) {
        self.hub.counts().close(why.reason());
        let bye = bye(why.reason(), self.number);
        let frame = CloseFrame {
            code: why.code(),
            reason: why.reason().into(),
        };
        let closing = async {
            if why == Close::Draining {
                self.socket.send(Payload::of(&bye).message()).await?;
            }
            self.socket.send(Message::Close(Some(frame))).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), axum::Error>(())
        };
        drop(timeout_at(Instant::now() + CLOSING, closing).await);
    }
}

/// The answer to the open question, once it is there; never where none is open.
async fn answer(asked: &mut Option<Question>) -> ServerFrame {
    let Some(Question { id, cell, lineage }) = asked else {
        return std::future::pending().await;
    };
    let frame = ServerFrame::Why {
        id: *id,
        cell: *cell,
        lineage: serde_json::to_value(lineage.await).expect("a lineage is plain JSON"),
    };
    *asked = None;
    frame
}

/// The farewell of a connection.
pub(crate) fn bye(reason: &str, number: u64) -> ServerFrame {
    ServerFrame::Bye {
        reason: reason.to_owned(),
        retry_ms: retry_ms(number),
    }
}

/// Spreads those who return over 0.5 to 5 s, by their number alone.
pub(crate) fn retry_ms(number: u64) -> u64 {
    500 + number.wrapping_mul(2_654_435_761) % 4_500
}

fn broken(error: axum::Error) -> Option<Close> {
    let inner = error.into_inner();
    let error = inner.downcast_ref::<WsError>()?;
    let reset = WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake);
    if matches!(error, WsError::Capacity(_)) {
        Some(Close::TooBig)
    } else if matches!(error, WsError::Utf8(_)) {
        Some(Close::NotText)
    } else if matches!(error, WsError::Protocol(_)) && error.to_string() != reset.to_string() {
        Some(Close::Protocol)
    } else {
        None
    }
}
