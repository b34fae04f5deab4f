//! In: what one reader subscribes and acknowledges. Kept: a cursor per subscription, what it was told
//! of notes. Out: the next frame that is due to it, one at a time. Never knows: doors.
//!
//! All doors use it: WebSocket, server-sent events and lines of JSON carry the same frames.

use crate::access::Right;
use crate::access::principal::Principal;
use crate::access::refused::Refused;
use crate::access::stay::{Held, held};
use crate::counts::{Age, Counted, Counts};
use crate::desk::{Desk, Doubt};
use crate::fault::Fault;
use crate::hub::{Hub, Notes};
use crate::payload::Payload;
use crate::shape::Shape;
use crate::subscription::{QUIET, Subscription};
use crate::view::{Due, Next};
use cx_model::frame::{Fields, Mode, ServerFrame, Since};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Subscriptions of one connection.
pub(crate) const SUBSCRIPTIONS: usize = 16;
/// A newly sealed second without changes goes at once where the last frame is at least this old.
const NEARLY_QUIET: Duration = Duration::from_millis(900);

/// What somebody wants to hear.
pub(crate) struct Wish {
    pub(crate) id: u32,
    pub(crate) board: String,
    pub(crate) shape: Shape,
    pub(crate) mode: Mode,
    pub(crate) ack: bool,
    pub(crate) since: Option<Since>,
}

/// A frame that goes out, and when its values were published.
pub(crate) struct Out {
    pub(crate) payload: Payload,
    pub(crate) published: Option<Age>,
}

impl From<Payload> for Out {
    fn from(payload: Payload) -> Self {
        Self {
            payload,
            published: None,
        }
    }
}

impl From<&ServerFrame> for Out {
    fn from(frame: &ServerFrame) -> Self {
        Self::from(Payload::of(frame))
    }
}

/// One reader.
pub(crate) struct Feed {
    hub: Arc<Hub>,
    desk: Arc<dyn Desk>,
    who: Arc<Held>,
    subscriptions: Vec<Subscription>,
    notes: Notes,
}

impl Feed {
    pub(crate) fn new(hub: Arc<Hub>, desk: Arc<dyn Desk>, who: Arc<Held>) -> Self {
        Self {
            hub,
            desk,
            who,
            subscriptions: Vec::new(),
            notes: Notes::default(),
        }
    }

    /// Whether somebody may hear all that is subscribed to.
    ///
    /// # Errors
    /// What they would have to be.
    pub(crate) fn check(&self, who: &Principal) -> Result<(), Refused> {
        for s in &self.subscriptions {
            heard(who, &s.board, s.view.shape.fields)?;
        }
        Ok(())
    }

    pub(crate) fn counts(&self) -> &Counts {
        self.hub.counts()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// Begins a subscription, in place of one of the same id; its first frame.
    ///
    /// # Errors
    /// A board or parts that its reader may not have, no such board, no such cells, too many of something.
    pub(crate) fn subscribe(&mut self, wish: Wish) -> Result<Out, Fault> {
        let who = held(&self.who);
        allowed(&who, &wish).map_err(Fault::Refused)?;
        let view = self.hub.shaped(&wish.board, &wish.shape)?;
        let again = self.subscriptions.iter().any(|s| s.id == wish.id);
        if !again && self.subscriptions.len() >= SUBSCRIPTIONS {
            return Err(Fault::TooManySubscriptions(SUBSCRIPTIONS));
        }
        self.forget(wish.id);
        let since = wish.since.filter(|s| s.epoch == self.hub.epoch());
        let mut subscription = Subscription::new(wish.id, view, wish.mode, wish.ack);
        subscription.board = wish.board;
        let next = subscription.first(since.map(|s| s.seq));
        self.hub.counts().encoded.inc_by(u64::from(next.encoded));
        subscription.sent(&next);
        if wish.ack {
            self.hub.counts().screens.inc();
        }
        // Most have one: room for three more would be larger than all else.
        self.subscriptions.reserve_exact(1);
        self.subscriptions.push(subscription);
        Ok(out(next))
    }

    /// Ends a subscription; false where there is none of that id.
    pub(crate) fn forget(&mut self, id: u32) -> bool {
        let Some(at) = self.subscriptions.iter().position(|s| s.id == id) else {
            return false;
        };
        self.prove(at, false);
        if self.subscriptions.remove(at).ack {
            self.hub.counts().screens.dec();
        }
        true
    }

    /// Takes an acknowledgement.
    ///
    /// # Errors
    /// No such subscription, a number that was not sent, other values than the server's.
    pub(crate) fn acknowledge(
        &mut self,
        id: Option<u32>,
        seq: u64,
        digest: &str,
    ) -> Result<(), (Option<u32>, Fault)> {
        let only = self.subscriptions.len() == 1;
        let of = |s: &Subscription| id.map_or(only, |id| s.id == id);
        let Some(at) = self.subscriptions.iter().position(of) else {
            let fault = id.map_or(Fault::WhichSubscription, Fault::NotSubscribed);
            return Err((id, fault));
        };
        let subscription = &mut self.subscriptions[at];
        let (id, cursor) = (subscription.id, subscription.cursor);
        if !subscription.acknowledged(seq) {
            return Err((Some(id), Fault::NeverSent { seq, cursor }));
        }
        let proves = subscription.view.proves(seq, digest);
        self.prove(at, proves == Some(true));
        if proves == Some(false) {
            self.hub.counts().disproven.inc();
            return Err((Some(id), Fault::Digest { seq }));
        }
        Ok(())
    }

    /// The number that is meant, at the second the reader was told last.
    ///
    /// # Errors
    /// A reader who may not ask, no such subscription or cell, nothing sealed.
    pub(crate) fn doubt(&self, id: u32, cell: u32) -> Result<Doubt, Fault> {
        let who = held(&self.who);
        who.check(Right::Why).map_err(Fault::Refused)?;
        let subscription = self.subscriptions.iter().find(|s| s.id == id);
        let subscription = subscription.ok_or(Fault::NotSubscribed(id))?;
        let listing = subscription.view.listing();
        let most = listing.cells.len();
        let at = listing.place_of(cell);
        let place = at.ok_or(Fault::UnknownCell(cell, most))?;
        let told = subscription.s.and_then(|s| self.desk.sealed_at(s));
        let sealed = told.or_else(|| self.desk.newest());
        Ok(Doubt {
            cell: place,
            sealed: sealed.ok_or(Fault::NothingSealed)?,
        })
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

    /// What is due first: a note, else the frame that brings the first subscription that is behind
    /// to now. A screen that is silent for too long is proven no more.
    pub(crate) fn due(&mut self) -> Option<Out> {
        let notes = self.hub.notes();
        self.due_beside(&notes)
    }

    /// The same, by whoever looks for many: what stands beside the numbers is looked up once.
    pub(crate) fn due_beside(&mut self, notes: &Notes) -> Option<Out> {
        if self.subscriptions.is_empty() {
            return None;
        }
        if let Some(note) = self.note(notes) {
            return Some(Out::from(&note));
        }
        let ended = self.subscriptions.iter().find(|s| s.view.ended());
        if let Some(id) = ended.map(|s| s.id) {
            self.forget(id);
            return Some(Out::from(&ServerFrame::End { id }));
        }
        for i in 0..self.subscriptions.len() {
            if self.subscriptions[i].overdue() {
                self.prove(i, false);
            }
            let subscription = &mut self.subscriptions[i];
            if subscription.blocked() {
                let gauge = &self.hub.counts().unacknowledged;
                let count = || Counted::in_gauge(gauge);
                subscription.owes.get_or_insert_with(count);
                continue;
            }
            subscription.owes = None;
            if let Some(out) = self.due_to(i) {
                return Some(out);
            }
        }
        None
    }

    fn due_to(&mut self, i: usize) -> Option<Out> {
        let s = &mut self.subscriptions[i];
        match s.due() {
            Due::Nothing => None,
            Due::Redefined(seq, kpis) => {
                s.redefined = seq;
                let detail = format!("another definition is in force: {}", kpis.join(", "));
                let frame = note(Some(s.id), "definition_changed", true, detail);
                Some(Out::from(&frame))
            }
            Due::Second => {
                let quiet = s.quiet_until() <= Instant::now() + (QUIET - NEARLY_QUIET);
                quiet.then(|| self.heartbeat(i)).flatten()
            }
            Due::Frame(next) => Some(self.deliver(i, next)),
            Due::Lagged(to) => {
                let (id, from) = (s.id, s.cursor + 1);
                s.lags();
                self.hub.counts().lagged.inc();
                Some(Out::from(&ServerFrame::Lagged { id, from, to }))
            }
        }
    }

    fn deliver(&mut self, i: usize, next: Next) -> Out {
        let counts = self.hub.counts();
        if next.encoded {
            counts.encoded.inc();
        }
        let subscription = &mut self.subscriptions[i];
        let taken = next.turn.saturating_sub(subscription.turn);
        if taken > 1 {
            counts.conflated.inc_by(taken - 1);
        }
        counts.lag(taken);
        subscription.sent(&next);
        out(next)
    }

    fn heartbeat(&mut self, i: usize) -> Option<Out> {
        let now = self.desk.now_ms();
        let subscription = &mut self.subscriptions[i];
        let (id, cursor) = (subscription.id, subscription.cursor);
        let next = subscription.view.heartbeat(id, cursor, now)?;
        subscription.sent(&next);
        Some(out(next))
    }

    /// A note that this reader has not heard of.
    fn note(&mut self, now: &Notes) -> Option<ServerFrame> {
        if Arc::ptr_eq(now, &self.notes) {
            return None;
        }
        let differs = |(kind, detail): &(&&'static str, &String)| {
            let told = self.notes.get(**kind);
            told != Some(*detail)
        };
        let (begun, over) = (
            now.iter().find(differs),
            self.notes.keys().find(|kind| !now.contains_key(*kind)),
        );
        let mut told = (*self.notes).clone();
        let frame = match (begun, over) {
            (Some((kind, detail)), _) => {
                told.insert(kind, detail.clone());
                note(None, kind, true, detail.clone())
            }
            (None, Some(kind)) => {
                told.remove(kind);
                note(None, kind, false, String::new())
            }
            (None, None) => {
                self.notes = Arc::clone(now);
                return None;
            }
        };
        self.notes = Arc::new(told);
        Some(frame)
    }

    /// When somebody has to hear something.
    pub(crate) fn quiet_until(&self) -> Instant {
        let open = self.subscriptions.iter().filter(|s| !s.blocked());
        let first = open.map(Subscription::quiet_until).min();
        first.unwrap_or_else(|| Instant::now() + QUIET)
    }

    /// A heartbeat where nothing else went for a second.
    pub(crate) fn beat(&mut self, now: Instant) -> Option<Out> {
        let quiet = |s: &Subscription| s.quiet_until() <= now && !s.blocked();
        let i = self.subscriptions.iter().position(quiet)?;
        let out = self.heartbeat(i);
        // Values came meanwhile: they go instead.
        out.or_else(|| self.due())
    }

    /// A number from which all subscriptions can go on together: values are whole, so an older
    /// cursor than some have is also right.
    pub(crate) fn cursor(&self) -> u64 {
        let behind = |s: &&Subscription| s.view.seq() > s.cursor;
        let oldest = self.subscriptions.iter().filter(behind);
        let newest = self.subscriptions.iter().map(|s| s.cursor).max();
        let oldest = oldest.map(|s| s.cursor).min();
        oldest.or(newest).unwrap_or_default()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        while let Some(last) = self.subscriptions.last() {
            self.forget(last.id);
        }
    }
}

/// Whether somebody may hear what they wish for.
///
/// # Errors
/// What they would have to be.
pub(crate) fn allowed(who: &Principal, wish: &Wish) -> Result<(), Refused> {
    heard(who, &wish.board, wish.shape.fields)
}

fn heard(who: &Principal, board: &str, fields: Fields) -> Result<(), Refused> {
    who.check(Right::Read)?;
    who.check_board(board)?;
    if fields == Fields::Parts {
        who.check(Right::Parts)?;
    }
    Ok(())
}

fn out(next: Next) -> Out {
    Out {
        payload: next.payload,
        published: next.published,
    }
}

fn note(id: Option<u32>, kind: &str, on: bool, detail: String) -> ServerFrame {
    let kind = kind.to_owned();
    ServerFrame::Note {
        id,
        kind,
        on,
        detail,
    }
}
