//! In: ticks. Kept: who sits where. Out: to each seat what is due to it, heartbeats too. Never knows: frames.
//!
//! A task for each reader would be woken for each frame, which costs more than the frame. So a few ushers go
//! from seat to seat; a reader's own task is for what it says, and for what its kernel did not take at once.

use crate::hub::Hub;
use crate::screen::Seat;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::task::{JoinSet, coop, yield_now};
use tokio::time::{Instant, timeout};

/// Ushers at most, each with a row of its own.
const ROWS: usize = 4;
/// Seats between which others have their turn.
const STEP: usize = 256;
/// Where no tick comes for so long they look who was quiet for too long.
const LOOK: Duration = Duration::from_millis(100);

type Row = HashMap<u64, Arc<Seat>>;

/// All seats, in rows.
pub(crate) struct Rows(Vec<Mutex<Row>>);

/// A place in a row; dropped, it is free.
pub(crate) struct Seated {
    rows: Arc<Rows>,
    number: u64,
}

impl Rows {
    /// As many as can be walked at the same time.
    pub(crate) fn new() -> Self {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        Self((0..most.min(ROWS)).map(|_| Mutex::default()).collect())
    }

    fn row(&self, number: u64) -> MutexGuard<'_, Row> {
        let at = usize::try_from(number).unwrap_or_default() % self.0.len();
        self.0[at].lock().expect("no holder panics")
    }

    /// Places a connection, by its number.
    pub(crate) fn seat(self: &Arc<Self>, number: u64, seat: &Arc<Seat>) -> Seated {
        self.row(number).insert(number, Arc::clone(seat));
        let rows = Arc::clone(self);
        Seated { rows, number }
    }

    /// The ushers; they go when this is dropped.
    pub(crate) fn ushers(self: &Arc<Self>, hub: &Arc<Hub>) -> JoinSet<()> {
        let all = 0..self.0.len();
        all.map(|row| attended(Arc::clone(self), row, Arc::clone(hub)))
            .collect()
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.rows.row(self.number).remove(&self.number);
    }
}

/// An usher who fails has a successor: one reader whose frame cannot be made must not cost the others theirs.
async fn attended(rows: Arc<Rows>, row: usize, hub: Arc<Hub>) {
    loop {
        let mut usher = JoinSet::new();
        usher.spawn(walk(Arc::clone(&rows), row, Arc::clone(&hub)));
        match usher.join_next().await {
            Some(Err(error)) if error.is_panic() => tracing::error!(%error, "an usher failed"),
            Some(Ok(()) | Err(_)) | None => return,
        }
    }
}

/// After each tick to every seat of a row.
async fn walk(rows: Arc<Rows>, row: usize, hub: Arc<Hub>) {
    let mut ticks = hub.ticks();
    let mut seats = Vec::new();
    loop {
        if let Ok(Err(_)) = timeout(LOOK, ticks.changed()).await {
            return;
        }
        {
            let all = rows.0[row].lock().expect("no holder panics");
            seats.extend(all.values().cloned());
        }
        for some in seats.chunks(STEP) {
            let (notes, now) = (hub.notes(), Instant::now());
            // A write that the runtime holds back for fairness' sake would look like one that blocks.
            let shown = async { some.iter().for_each(|seat| seat.show(&notes, now)) };
            coop::unconstrained(shown).await;
            yield_now().await;
        }
        seats.clear();
    }
}
