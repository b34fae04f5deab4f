//! In: one WebSocket. Kept: a cursor per subscription, at most one frame in flight, no queue.
//! Out: frames. Never knows: other connections.
//!
//! While a frame is in flight nothing is read and nothing is made: a client that does not read
//! costs one frame, and gets one diff when it wakes.

use crate::close::Close;
use crate::desk::{Desk, Doubt};
use crate::fault::Fault;
use crate::hub::Hub;
use crate::lineage::Lineage;
use crate::subscription::{QUIET, Subscription};
use crate::view::{Due, Next, encode};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use cx_model::frame::{ClientFrame, ServerFrame, Since};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// Subscriptions of one connection.
const SUBSCRIPTIONS: usize = 16;
/// Refused frames in a row after which a stream is closed.
const FAULTS: u32 = 5;
/// How long a closing stream may take, bye included.
const CLOSING: Duration = Duration::from_millis(1_200);
/// A newly sealed second without changes goes at once where the last frame is at least this old.
const NEARLY_QUIET: Duration = Duration::from_millis(900);

/// What a connection shares with the rest of the gateway.
pub(crate) struct Room {
    pub(crate) hub: Arc<Hub>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) drain: watch::Receiver<bool>,
    /// Dropped when the connection has ended; nothing is ever sent.
    pub(crate) alive: mpsc::Sender<()>,
}

struct Connection {
    hub: Arc<Hub>,
    desk: Arc<dyn Desk>,
    socket: WebSocket,
    number: u64,
    in_flight: bool,
    subscriptions: Vec<Subscription>,
    asked: Option<Question>,
    faults: u32,
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
        alive,
    } = room;
    let mut connection = Connection {
        number: hub.counts().opened.inc(),
        hub,
        desk,
        socket,
        in_flight: false,
        subscriptions: Vec::new(),
        asked: None,
        faults: 0,
    };
    connection.hub.counts().connections.inc();
    let why = tokio::select! {
        why = connection.talk() => why,
        () = async { drop(drain.wait_for(|d| *d).await) } => Some(Close::Draining),
    };
    if let Some(why) = why {
        connection.close(why).await;
    }
    connection.forget_all();
    connection.hub.counts().connections.dec();
    drop(alive);
}

impl Connection {
    async fn talk(&mut self) -> Option<Close> {
        let mut ticks = self.hub.ticks();
        loop {
            let step = if self.in_flight {
                self.land().await
            } else {
                let quiet = self.quiet_until();
                tokio::select! {
                    message = self.socket.next() => self.received(message).await,
                    _ = ticks.changed() => self.catch_up().await,
                    () = sleep_until(quiet) => self.beat().await,
                    frame = answer(&mut self.asked) => self.put(encode(&frame)).await,
                }
            };
            if let Err(why) = step {
                return why;
            }
        }
    }

    /// Waits until the frame in flight is with the kernel, then looks what is due since.
    async fn land(&mut self) -> Step {
        self.socket.flush().await.map_err(|_| None)?;
        self.in_flight = false;
        self.catch_up().await
    }

    /// Puts one frame on its way. Nothing is in flight here, so this does not wait.
    async fn put(&mut self, text: Utf8Bytes) -> Step {
        let counts = self.hub.counts();
        counts.frames.inc();
        counts.bytes.inc_by(text.len() as u64);
        self.in_flight = true;
        let fed = self.socket.feed(Message::Text(text)).await;
        fed.map_err(|_| None)
    }

    async fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Step {
        match message {
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
            ClientFrame::Sub {
                id,
                board,
                cadence,
                ack,
                since,
            } => {
                if cadence != "sealed" {
                    return self.refuse(Some(id), Fault::Cadence(cadence)).await;
                }
                self.subscribe(id, board, ack, since).await
            }
            ClientFrame::Unsub { id } => {
                if !self.forget(id) {
                    return self.refuse(Some(id), Fault::NotSubscribed(id)).await;
                }
                self.faults = 0;
                self.put(encode(&ServerFrame::End { id })).await
            }
            ClientFrame::Ack { id, seq, g } => self.acknowledge(id, seq, &g).await,
            ClientFrame::Why { id, cell } => match self.doubt(id, cell) {
                Ok(doubt) => {
                    self.faults = 0;
                    let lineage = self.desk.why(doubt);
                    self.asked = Some(Question { id, cell, lineage });
                    Ok(())
                }
                Err(fault) => self.refuse(Some(id), fault).await,
            },
        }
    }

    /// The number that is meant, at the second the client was told last.
    fn doubt(&self, id: u32, cell: u32) -> Result<Doubt, Fault> {
        let subscription = self.subscriptions.iter().find(|s| s.id == id);
        let subscription = subscription.ok_or(Fault::NotSubscribed(id))?;
        let places = &subscription.view.board.source_index;
        let index = usize::try_from(cell).ok().and_then(|c| c.checked_sub(1));
        let place = index.and_then(|i| places.get(i));
        let place = *place.ok_or(Fault::UnknownCell(cell, places.len()))?;
        if self.asked.is_some() {
            return Err(Fault::StillAsking);
        }
        let told = subscription.s.and_then(|s| self.desk.sealed_at(s));
        let sealed = told.or_else(|| self.desk.newest());
        Ok(Doubt {
            cell: place,
            sealed: sealed.ok_or(Fault::NothingSealed)?,
        })
    }

    async fn subscribe(&mut self, id: u32, board: String, ack: bool, since: Option<Since>) -> Step {
        // Before the view: a change between the two is caught up with.
        let changes = self.hub.changes();
        let Some(view) = self.hub.view(&board) else {
            let fault = Fault::UnknownBoard(board, self.hub.names());
            return self.refuse(Some(id), fault).await;
        };
        let again = self.subscriptions.iter().any(|s| s.id == id);
        if !again && self.subscriptions.len() >= SUBSCRIPTIONS {
            return self
                .refuse(Some(id), Fault::TooManySubscriptions(SUBSCRIPTIONS))
                .await;
        }
        self.forget(id);
        self.faults = 0;
        let since = since.filter(|s| s.epoch == view.epoch());
        let next = view.first(id, since.map(|s| s.seq));
        self.hub.counts().encoded.inc_by(u64::from(next.encoded));
        let mut subscription = Subscription::new(id, view, ack);
        subscription.changes = changes;
        subscription.sent(&next);
        self.subscriptions.push(subscription);
        self.put(next.text).await
    }

    async fn acknowledge(&mut self, id: Option<u32>, seq: u64, digest: &str) -> Step {
        let only = self.subscriptions.len() == 1;
        let of = |s: &Subscription| id.map_or(only, |id| s.id == id);
        let Some(at) = self.subscriptions.iter().position(of) else {
            return self
                .refuse(
                    id,
                    id.map_or(Fault::WhichSubscription, Fault::NotSubscribed),
                )
                .await;
        };
        let subscription = &mut self.subscriptions[at];
        let (id, cursor) = (subscription.id, subscription.cursor);
        if !subscription.acknowledged(seq) {
            return self
                .refuse(Some(id), Fault::NeverSent { seq, cursor })
                .await;
        }
        let proves = subscription.view.proves(seq, digest);
        self.faults = 0;
        self.prove(at, proves == Some(true));
        if proves == Some(false) {
            self.hub.counts().disproven.inc();
            return self.say(Some(id), &Fault::Digest { seq }).await;
        }
        self.catch_up().await
    }

    fn prove(&mut self, at: usize, proven: bool) {
        let gauge = &self.hub.counts().proven;
        match (self.subscriptions[at].proven, proven) {
            (false, true) => drop(gauge.inc()),
            (true, false) => drop(gauge.dec()),
            (true, true) | (false, false) => {}
        }
        self.subscriptions[at].proven = proven;
    }

    /// Answers what was wrong; closes after too many in a row.
    async fn refuse(&mut self, id: Option<u32>, fault: Fault) -> Step {
        self.faults += 1;
        self.hub.counts().refuse(fault.code());
        self.say(id, &fault).await?;
        if self.faults < FAULTS {
            return Ok(());
        }
        Err(Some(fault.close()))
    }

    async fn say(&mut self, id: Option<u32>, fault: &Fault) -> Step {
        let (code, detail, fix) = (fault.code().to_owned(), fault.to_string(), fault.fix());
        let error = ServerFrame::Error {
            id,
            code,
            detail,
            fix,
        };
        self.put(encode(&error)).await
    }

    fn forget(&mut self, id: u32) -> bool {
        let Some(at) = self.subscriptions.iter().position(|s| s.id == id) else {
            return false;
        };
        self.prove(at, false);
        self.subscriptions.remove(at);
        true
    }

    fn forget_all(&mut self) {
        while let Some(last) = self.subscriptions.last() {
            self.forget(last.id);
        }
    }

    /// Brings the first subscription that is behind to now; its landing brings the next one.
    /// A screen that is silent for too long is proven no more.
    async fn catch_up(&mut self) -> Step {
        let changes = self.hub.changes();
        for i in 0..self.subscriptions.len() {
            if self.subscriptions[i].changes != changes {
                return self.change(i, changes).await;
            }
            if self.subscriptions[i].overdue() {
                self.prove(i, false);
            }
            let s = &self.subscriptions[i];
            if s.blocked() {
                continue;
            }
            let quiet = s.quiet_until() <= Instant::now() + (QUIET - NEARLY_QUIET);
            match s.view.due(s.id, s.cursor, s.s) {
                Due::Nothing => {}
                Due::Second if !quiet => {}
                Due::Second => return self.heartbeat(i).await,
                Due::Frame(next) => return self.deliver(i, next).await,
            }
        }
        Ok(())
    }

    /// Definitions changed: the board begins again with a snapshot, or is gone.
    async fn change(&mut self, i: usize, changes: u64) -> Step {
        let subscription = &mut self.subscriptions[i];
        let (id, board) = (subscription.id, subscription.view.board.name.clone());
        let Some(view) = self.hub.view(&board) else {
            self.forget(id);
            return self.put(encode(&ServerFrame::End { id })).await;
        };
        let next = view.first(id, None);
        (subscription.changes, subscription.turn) = (changes, next.turn);
        subscription.view = view;
        self.deliver(i, next).await
    }

    async fn deliver(&mut self, i: usize, next: Next) -> Step {
        let counts = self.hub.counts();
        counts.encoded.inc_by(u64::from(next.encoded));
        let subscription = &mut self.subscriptions[i];
        let taken = next.turn - subscription.turn;
        counts.conflated.inc_by(taken.saturating_sub(1));
        subscription.sent(&next);
        self.put(next.text).await
    }

    async fn heartbeat(&mut self, i: usize) -> Step {
        let now = self.desk.now_ms();
        let subscription = &mut self.subscriptions[i];
        let next = subscription.view.heartbeat(subscription.id, now);
        subscription.sent(&next);
        self.put(next.text).await
    }

    fn quiet_until(&self) -> Instant {
        let open = self.subscriptions.iter().filter(|s| !s.blocked());
        let first = open.map(Subscription::quiet_until).min();
        first.unwrap_or_else(|| Instant::now() + QUIET)
    }

    /// A heartbeat where nothing else went for a second.
    async fn beat(&mut self) -> Step {
        let now = Instant::now();
        let quiet = |s: &Subscription| !s.blocked() && s.quiet_until() <= now;
        match self.subscriptions.iter().position(quiet) {
            Some(i) if self.subscriptions[i].view.seq() > self.subscriptions[i].cursor => {
                self.catch_up().await
            }
            Some(i) => self.heartbeat(i).await,
            None => Ok(()),
        }
    }

    /// Says why and waits for the client's answer; one that does not read must not keep the door.
    async fn close(&mut self, why: Close) {
        self.hub.counts().close(why.reason());
        let bye = ServerFrame::Bye {
            reason: why.reason().to_owned(),
            retry_ms: retry_ms(self.number),
        };
        let frame = CloseFrame {
            code: why.code(),
            reason: why.reason().into(),
        };
        let closing = async {
            if why == Close::Draining {
                self.socket.send(Message::Text(encode(&bye))).await?;
            }
            self.socket.send(Message::Close(Some(frame))).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), axum::Error>(())
        };
        drop(timeout(CLOSING, closing).await);
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

/// Spreads those who return over 0.5 to 5 s, by their number alone.
fn retry_ms(number: u64) -> u64 {
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
