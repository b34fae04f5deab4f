//! In: one WebSocket. Kept: what its reader asked, and until when. Out: answers; what is due to it by itself
//! goes out from its seat. Never knows: other connections.
//!
//! While a frame is in flight nothing is read and nothing is made: a client that does not read
//! costs one frame, and gets one diff when it wakes. What is rare is boxed: a task is as large as the largest
//! moment of its life.

use crate::access::Access;
use crate::access::credential::Credential;
use crate::access::principal::Principal;
use crate::access::stay::{self, Held, Leave, held};
use crate::close::Close;
use crate::counts::Counted;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::feed::{Feed, Out, Wish};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::lineage::Lineage;
use crate::pace::Pace;
use crate::payload::Payload;
use crate::screen::{Screen, Seat, Taken};
use crate::shape::{Cadence, Shape};
use crate::usher::{Rows, Seated};
use crate::wire::Wire;
use cx_model::frame::{ClientFrame, ServerFrame};
use futures_util::future::BoxFuture;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// Refused frames in a row after which a stream is closed.
const FAULTS: u32 = 5;
/// How long a closing stream may take, bye included.
const CLOSING: Duration = Duration::from_millis(1_200);

/// What a connection shares with the rest of the gateway.
pub(crate) struct Room {
    pub(crate) hub: Arc<Hub>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) leave: Leave,
    pub(crate) limits: Arc<Limits>,
    /// Dropped when the connection has ended; nothing is ever sent.
    pub(crate) alive: mpsc::Sender<()>,
    pub(crate) access: Arc<Access>,
    pub(crate) rows: Arc<Rows>,
    pub(crate) who: Arc<Principal>,
}

struct Connection {
    hub: Arc<Hub>,
    desk: Arc<dyn Desk>,
    access: Arc<Access>,
    /// Whose it is: another credential of theirs may take the place of the one it began with.
    who: Arc<Held>,
    /// When they have to hear that it ends.
    warn_at: Option<Instant>,
    seat: Arc<Seat>,
    _seated: Seated,
    /// Out of its seat: this task alone writes to it.
    screen: Option<Box<Screen>>,
    number: u64,
    asked: Option<Question>,
    faults: u32,
    pace: Pace,
    limits: Arc<Limits>,
    /// Another credential holds than when it was looked at last.
    renewed: bool,
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

/// What there is to do.
enum Call {
    Screen(Taken),
    Answer(Box<ServerFrame>),
    /// It may have been silent for too long.
    Over,
    Warn,
}

/// Serves one socket until it closes or the gateway drains.
pub(crate) fn run(wire: Wire, room: Room) -> impl Future<Output = ()> {
    let Room {
        hub,
        desk,
        leave,
        limits,
        alive,
        access,
        rows,
        who,
    } = room;
    let warn_at = stay::warning_at(&access, &who);
    let who = Arc::new(Held::new(who));
    let feed = Feed::new(Arc::clone(&hub), Arc::clone(&desk), Arc::clone(&who));
    let number = hub.counts().opened.inc();
    let seat = Arc::default();
    let connection = Box::new(Connection {
        number,
        access,
        who,
        warn_at,
        pace: Pace::new(limits.messages),
        silent_until: Instant::now() + limits.subscribe,
        limits,
        screen: Some(Box::new(Screen::new(feed, wire))),
        _seated: rows.seat(number, &seat),
        seat,
        hub,
        desk,
        asked: None,
        faults: 0,
        renewed: false,
    });
    connection.serve(leave, alive)
}

impl Connection {
    async fn serve(mut self: Box<Self>, mut leave: Leave, alive: mpsc::Sender<()>) {
        self.hub.counts().connections.inc();
        let access = Arc::clone(&self.access);
        let why = loop {
            self.renewed = false;
            let who = held(&self.who);
            tokio::select! {
                step = self.talk() => if let Err(why) = step {
                    break why;
                },
                why = stay::ended(&access, who, &mut leave) => break Some(why),
            }
        };
        if let Some(why) = why {
            Box::pin(self.close(why)).await;
        }
        self.hub.counts().connections.dec();
        drop(self);
        drop(alive);
    }

    /// Until it ends, or another credential holds.
    async fn talk(&mut self) -> Step {
        // What happens puts it off; the timer is set anew only when it rings too early, or would too late.
        let mut over = pin!(sleep_until(self.over_at()));
        while !self.renewed {
            self.land().await?;
            if self.over_at() < over.deadline() {
                over.as_mut().reset(self.over_at());
            }
            self.screen = self.screen.take().and_then(|s| self.seat.put_back(s));
            if self.screen.is_some() {
                continue;
            }
            let (screen, call) = tokio::select! {
                (screen, taken) = poll_fn(|context| self.seat.poll(context)) => (screen, Call::Screen(taken)),
                () = over.as_mut() => (self.seat.take(), Call::Over),
                frame = answer(&mut self.asked) => (self.seat.take(), Call::Answer(frame)),
                () = stay::at(self.warn_at) => (self.seat.take(), Call::Warn),
            };
            self.screen = screen;
            // The usher may have been here meanwhile.
            self.land().await?;
            Box::pin(self.called(call)).await?;
            if over.is_elapsed() {
                over.as_mut().reset(self.over_at());
            }
        }
        Ok(())
    }

    /// Its screen, which is out of its seat.
    fn screen(&mut self) -> &mut Screen {
        self.screen.as_mut().expect("it is out of its seat")
    }

    async fn called(&mut self, call: Call) -> Step {
        match call {
            Call::Screen(Taken::Message(message)) => self.received(message).await,
            Call::Screen(Taken::InFlight) => Ok(()),
            Call::Answer(frame) => self.say(&frame),
            Call::Over => self.over(),
            Call::Warn => self.warn(),
        }
    }

    /// Waits until what is in flight is with the kernel.
    async fn land(&mut self) -> Step {
        if !self.screen().in_flight() {
            return Ok(());
        }
        // The kernel takes most frames at once.
        let screen = self.screen();
        let landed = poll_fn(|context| Poll::Ready(screen.poll_land(context))).await;
        match landed {
            Poll::Ready(landed) => landed.map_err(|_| None),
            Poll::Pending => Box::pin(self.blocked()).await,
        }
    }

    async fn blocked(&mut self) -> Step {
        let _waits = Counted::in_gauge(&self.hub.counts().would_block);
        let stuck = self.limits.stuck;
        let screen = self.screen();
        let landed = timeout(stuck, poll_fn(|context| screen.poll_land(context))).await;
        landed.map_err(|_| Some(Close::Stuck))?.map_err(|_| None)
    }

    /// Puts one frame on its way. Nothing is in flight here, so this does not wait.
    fn put(&mut self, out: Out) -> Step {
        self.screen().put(out);
        Ok(())
    }

    fn say(&mut self, frame: &ServerFrame) -> Step {
        self.put(Out::from(frame))
    }

    async fn received(&mut self, message: Result<Message, WsError>) -> Step {
        if !self.pace.allows(Instant::now()) {
            return Err(Some(Close::TooFast));
        }
        match message {
            Ok(Message::Text(text)) if self.limits.echo => {
                self.put(Out::from(Payload::text_of(&[&text])))
            }
            Ok(Message::Binary(bytes)) if self.limits.echo => {
                self.put(Out::from(Payload::binary_of(&[&bytes])))
            }
            Ok(Message::Text(text)) => self.heard(&text).await,
            Ok(Message::Binary(_)) => self.refuse(None, Fault::Binary),
            // The answer to a ping goes out before anything else.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(()),
            Ok(Message::Close(_)) => {
                // Reading on sends the answer to the close and ends with it.
                drop(timeout(CLOSING, self.screen().wire.listen_out()).await);
                Err(None)
            }
            Err(error) => Err(broken(&error)),
        }
    }

    async fn heard(&mut self, text: &str) -> Step {
        let frame = match serde_json::from_str::<ClientFrame>(text) {
            Ok(frame) => frame,
            Err(error) => return self.refuse(None, Fault::Invalid(error.to_string())),
        };
        match frame {
            frame @ ClientFrame::Sub { id, .. } => match self.subscribe(frame) {
                Ok(out) => {
                    self.faults = 0;
                    self.put(out)
                }
                Err(fault) => self.refuse(Some(id), fault),
            },
            ClientFrame::Unsub { id } => {
                if !self.screen().feed.forget(id) {
                    return self.refuse(Some(id), Fault::NotSubscribed(id));
                }
                self.faults = 0;
                self.silent_until = Instant::now() + self.limits.subscribe;
                self.say(&ServerFrame::End { id })
            }
            ClientFrame::Ack { id, seq, g } => match self.screen().feed.acknowledge(id, seq, &g) {
                Ok(()) => {
                    self.faults = 0;
                    Ok(())
                }
                Err((id, fault @ Fault::Digest { .. })) => {
                    self.faults = 0;
                    self.tell(id, &fault)
                }
                Err((id, fault)) => self.refuse(id, fault),
            },
            ClientFrame::Why { id, cell } => match self.doubt(id, cell) {
                Ok(()) => {
                    self.faults = 0;
                    Ok(())
                }
                Err(fault) => self.refuse(Some(id), fault),
            },
            ClientFrame::Auth { token } => match self.prove(token).await {
                Ok(()) => {
                    self.faults = 0;
                    let renewed = stay::renewed(&self.access, &held(&self.who));
                    self.say(&renewed)
                }
                Err(fault) => self.refuse(None, fault),
            },
        }
    }

    /// Another credential of the same person or program takes the place of the one before.
    async fn prove(&mut self, token: String) -> Result<(), Fault> {
        self.access.learn(&token).await;
        let shown = Credential::bearer(&token);
        let who = self.access.who(&shown).map_err(Fault::Refused)?;
        let before = held(&self.who);
        if who.name != before.name {
            return Err(Fault::SomebodyElse(before.name.clone()));
        }
        self.screen().feed.check(&who).map_err(Fault::Refused)?;
        self.warn_at = stay::warning_at(&self.access, &who);
        *self.who.lock().expect("no holder panics") = Arc::new(who);
        self.renewed = true;
        Ok(())
    }

    fn warn(&mut self) -> Step {
        self.warn_at = None;
        let warning = stay::warning(&self.access, &held(&self.who));
        self.say(&warning)
    }

    fn doubt(&mut self, id: u32, cell: u32) -> Result<(), Fault> {
        if self.asked.is_some() {
            // What is wrong with the question itself comes first.
            return Err(self
                .screen()
                .feed
                .doubt(id, cell)
                .err()
                .unwrap_or(Fault::StillAsking));
        }
        let doubt = self.screen().feed.doubt(id, cell)?;
        let lineage = self.desk.why(doubt);
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
        self.screen().feed.subscribe(Wish {
            id,
            board,
            shape,
            mode,
            ack,
            since,
        })
    }

    /// Answers what was wrong; closes after too many in a row.
    fn refuse(&mut self, id: Option<u32>, fault: Fault) -> Step {
        self.faults += 1;
        self.hub.counts().refuse(fault.code());
        self.tell(id, &fault)?;
        if self.faults < FAULTS {
            return Ok(());
        }
        Err(Some(fault.close()))
    }

    fn tell(&mut self, id: Option<u32>, fault: &Fault) -> Step {
        self.say(&fault.frame(id))
    }

    /// When it has to end, if nothing happens until then.
    fn over_at(&self) -> Instant {
        let screen = self.screen.as_ref().expect("it is out of its seat");
        let idle_at = screen.wire.line().idle_at();
        if screen.feed.is_empty() {
            return self.silent_until.min(idle_at);
        }
        idle_at
    }

    /// The end where nobody subscribed, or nothing went over the line.
    fn over(&mut self) -> Step {
        let now = Instant::now();
        let screen = self.screen();
        if screen.wire.line().idle_at() <= now {
            screen.wire.line().idled();
            return Err(None);
        }
        if screen.feed.is_empty() && self.silent_until <= now {
            return Err(Some(Close::Silent));
        }
        Ok(())
    }

    /// Says why and waits for the client's answer; one that does not read must not keep the door.
    async fn close(&mut self, why: Close) {
        self.hub.counts().close(why.reason());
        let Some(mut screen) = self.screen.take().or_else(|| self.seat.take()) else {
            return;
        };
        let frame = CloseFrame {
            code: why.code().into(),
            reason: why.reason().into(),
        };
        let closing = async {
            let wire = &mut screen.wire;
            wire.flush().await?;
            if why == Close::Draining {
                wire.put(Payload::of(&bye(why.reason(), self.number)).framed());
            }
            wire.close(frame).await
        };
        drop(timeout_at(Instant::now() + CLOSING, closing).await);
    }
}

/// The answer to the open question, once it is there; never where none is open.
async fn answer(asked: &mut Option<Question>) -> Box<ServerFrame> {
    let Some(Question { id, cell, lineage }) = asked else {
        return std::future::pending().await;
    };
    let frame = ServerFrame::Why {
        id: *id,
        cell: *cell,
        lineage: serde_json::to_value(lineage.await).expect("a lineage is plain JSON"),
    };
    *asked = None;
    Box::new(frame)
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

fn broken(error: &WsError) -> Option<Close> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn made<A, B, F: Fn(A, B) -> R, R>(_: &F) -> usize {
        size_of::<R>()
    }

    /// There is one of each for every screen: whoever makes one larger should know it.
    #[test]
    fn what_every_connection_keeps_is_small() {
        let all = [
            ("task", made(&run), 608),
            ("connection", size_of::<Connection>(), 192),
            ("screen", size_of::<Screen>(), 512),
        ];
        for (what, bytes, most) in all {
            assert!(bytes <= most, "{what}: {bytes} bytes, {most} at most");
        }
    }
}
