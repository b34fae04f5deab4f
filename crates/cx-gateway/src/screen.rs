//! In: what is due to one reader. Kept: its feed, its wire, at most one frame in flight. Out: frames, one at a
//! time. Never knows: messages, other readers.

use crate::counts::Age;
use crate::feed::{Feed, Out};
use crate::hub::Notes;
use crate::wire::Wire;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

/// One reader's end. Whoever holds it may write to it: its own task, or the usher while it lies in its
/// [`Seat`].
pub(crate) struct Screen {
    pub(crate) feed: Feed,
    pub(crate) wire: Wire,
    /// When the values in flight were published.
    published: Option<Age>,
    /// Its task.
    task: Waker,
}

impl Screen {
    pub(crate) fn new(feed: Feed, wire: Wire) -> Self {
        Self {
            feed,
            wire,
            published: None,
            task: Waker::noop().clone(),
        }
    }

    /// Puts one frame on its way. Nothing is in flight yet, so this does not wait.
    pub(crate) fn put(&mut self, out: Out) {
        let counts = self.feed.counts();
        counts.frames.inc();
        counts.bytes.inc_by(out.payload.len() as u64);
        self.published = out.published;
        self.wire.put(out.payload.framed());
    }

    /// Puts what is due on its way; false where nothing is.
    pub(crate) fn catch_up(&mut self) -> bool {
        match self.feed.due() {
            Some(out) => self.put(out),
            None => return false,
        }
        true
    }

    /// What goes next: values, or that there are none.
    fn next(&mut self, notes: &Notes, now: Instant) -> Option<Out> {
        let due = self.feed.due_beside(notes);
        due.or_else(|| self.feed.beat(now))
    }

    /// Whether something is on its way.
    pub(crate) fn in_flight(&self) -> bool {
        self.wire.in_flight()
    }

    /// Until the kernel has what is on its way.
    pub(crate) fn poll_land(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        ready!(self.wire.poll_flush(context))?;
        if let Some(published) = self.published.take() {
            self.feed.counts().written(published);
        }
        Poll::Ready(Ok(()))
    }
}

/// Where a screen lies while nobody speaks. Its task takes it out for as long as it has to; who finds it
/// gone need not wait: before it is put back its task looks what is due.
#[derive(Default)]
pub(crate) struct Seat(Mutex<Option<Box<Screen>>>);

/// Why a screen was taken out.
pub(crate) enum Taken {
    Message(Result<Message, WsError>),
    /// The kernel did not take what the usher gave it.
    InFlight,
}

impl Seat {
    fn held(&self) -> MutexGuard<'_, Option<Box<Screen>>> {
        self.0.lock().expect("no holder panics")
    }

    /// Takes it out.
    pub(crate) fn take(&self) -> Option<Box<Screen>> {
        self.held().take()
    }

    /// Puts it back, unless something is due to it since.
    pub(crate) fn put_back(&self, mut screen: Box<Screen>) -> Option<Box<Screen>> {
        // Held while it looks: what is published from here on finds the screen in its seat.
        let mut held = self.held();
        if screen.in_flight() || screen.catch_up() {
            return Some(screen);
        }
        *held = Some(screen);
        None
    }

    /// Waits, in its task, until it has to be taken out.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<(Option<Box<Screen>>, Taken)> {
        let mut held = self.held();
        let Some(screen) = held.as_mut() else {
            return Poll::Pending;
        };
        screen.task.clone_from(context.waker());
        let taken = if screen.in_flight() {
            Taken::InFlight
        } else {
            Taken::Message(ready!(screen.wire.poll_next(context)))
        };
        Poll::Ready((held.take(), taken))
    }

    /// Gives it what is due, else a heartbeat where it was quiet for too long, as far as the kernel takes it
    /// at once; its task sees to the rest.
    pub(crate) fn show(&self, notes: &Notes, now: Instant) {
        // Where it failed before, its task ends once it wakes.
        let Ok(mut held) = self.0.lock() else {
            return;
        };
        let Some(screen) = held.as_mut().filter(|screen| !screen.in_flight()) else {
            return;
        };
        let mut nobody = Context::from_waker(Waker::noop());
        while let Some(out) = screen.next(notes, now) {
            screen.put(out);
            // What failed fails again in its task, which ends with it.
            if !matches!(screen.poll_land(&mut nobody), Poll::Ready(Ok(()))) {
                screen.task.wake_by_ref();
                return;
            }
        }
    }
}
