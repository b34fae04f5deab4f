//! In: a board's cells and seconds. Kept: its views, its newest values, the ids given out.
//! Out: the view that somebody asks for. Never knows: who asks.

use crate::hub::AlertStates;
use crate::listing::{Listing, Roster};
use crate::shape::{Cadence, Shape};
use crate::view::View;
use cx_model::value::{Board, CellInfo, Sealed};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Views of one board.
pub(crate) const VIEWS: usize = 64;
/// How long live values of the engines keep those of sealed seconds out of live views, ms.
const LIVE_FOR_MS: i64 = 2_000;

/// One board with all its views.
#[derive(Debug)]
pub(crate) struct Channel {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    roster: Roster,
    listing: Arc<Listing>,
    /// The one that everybody gets who wishes for nothing; it stays.
    usual: Arc<View>,
    others: Vec<Arc<View>>,
    newest: Option<(Sealed, i64)>,
    live_at: i64,
    /// All alerts that may be told here, and those that are not at rest.
    alerts: Vec<CellInfo>,
    open: AlertStates,
}

/// No view for what was asked.
pub(crate) enum NoView {
    /// No cell passes the filter.
    Empty,
    /// The board has as many as it may have.
    TooMany,
}

impl Channel {
    pub(crate) fn new(board: Arc<Board>, epoch: &str) -> Self {
        let mut roster = Roster::default();
        let listing = Arc::new(roster.list(&board));
        let usual = Arc::new(View::new(Shape::default(), epoch, &listing, 0));
        let inner = Inner {
            roster,
            listing,
            usual,
            others: Vec::new(),
            newest: None,
            live_at: i64::MIN / 2,
            alerts: Vec::new(),
            open: AlertStates::new(),
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder panics")
    }

    pub(crate) fn usual(&self) -> Arc<View> {
        Arc::clone(&self.inner().usual)
    }

    pub(crate) fn listing(&self) -> Arc<Listing> {
        Arc::clone(&self.inner().listing)
    }

    /// The view of that shape, made if nobody has it yet.
    pub(crate) fn view(
        &self,
        shape: &Shape,
        epoch: &str,
        counter: &AtomicU64,
    ) -> Result<Arc<View>, NoView> {
        let mut inner = self.inner();
        if *shape == Shape::default() {
            return Ok(Arc::clone(&inner.usual));
        }
        if let Some(view) = inner.others.iter().find(|view| view.shape == *shape) {
            return Ok(Arc::clone(view));
        }
        inner.others.retain(|view| Arc::strong_count(view) > 1);
        if inner.others.len() + 1 >= VIEWS {
            return Err(NoView::TooMany);
        }
        let begun = counter.fetch_add(1, Ordering::Relaxed) + 1;
        let view = Arc::new(View::new(shape.clone(), epoch, &inner.listing, begun));
        if view.is_empty() {
            return Err(NoView::Empty);
        }
        if let Some((sealed, now)) = &inner.newest {
            view.take((&inner.listing, sealed), counter, *now);
        }
        view.watch(&inner.alerts, counter);
        view.take_alerts(&inner.open, counter);
        inner.others.push(Arc::clone(&view));
        Ok(view)
    }

    /// Takes a second's values to every view; a second that could not be sealed as well.
    pub(crate) fn publish(&self, sealed: &Sealed, counter: &AtomicU64, now: i64) {
        let mut inner = self.inner();
        let live = now - inner.live_at > LIVE_FOR_MS;
        inner.give(sealed, counter, now, |cadence| {
            live || cadence == Cadence::Sealed
        });
        inner.newest = Some((sealed.clone(), now));
    }

    /// Takes what the engines hold this moment to the live views.
    pub(crate) fn live(&self, values: &Sealed, counter: &AtomicU64, now: i64) {
        let mut inner = self.inner();
        inner.live_at = now;
        inner.give(values, counter, now, |cadence| cadence != Cadence::Sealed);
    }

    /// Gives every view the alerts of its KPIs.
    pub(crate) fn watch(&self, alerts: &[CellInfo], counter: &AtomicU64) {
        let mut inner = self.inner();
        inner.alerts = alerts.to_vec();
        for view in inner.others.iter().chain([&inner.usual]) {
            view.watch(alerts, counter);
            view.take_alerts(&inner.open, counter);
        }
    }

    /// Takes the alerts that are not at rest to every view; true where one of them changed.
    pub(crate) fn take_alerts(&self, open: &AlertStates, counter: &AtomicU64) -> bool {
        let mut inner = self.inner();
        inner.open.clone_from(open);
        let views = inner.others.iter().chain([&inner.usual]);
        let changed = views.filter(|view| view.take_alerts(open, counter));
        changed.count() > 0
    }

    /// Another set of definitions: cells that stay keep their ids.
    pub(crate) fn renew(&self, board: &Arc<Board>, values: &Sealed, counter: &AtomicU64, now: i64) {
        let mut inner = self.inner();
        inner.listing = Arc::new(inner.roster.list(board));
        inner.give(values, counter, now, |_| true);
        inner.newest = Some((values.clone(), now));
    }

    /// The board is no more.
    pub(crate) fn end(&self) {
        let inner = self.inner();
        let views = inner.others.iter().chain([&inner.usual]);
        views.for_each(|view| view.end());
    }

    /// The fastest rhythm that somebody looks at, ms.
    pub(crate) fn fastest(&self) -> Option<i64> {
        let inner = self.inner();
        let looked_at = inner.others.iter().filter(|v| Arc::strong_count(v) > 1);
        looked_at.filter_map(|v| v.shape.cadence.live_ms()).min()
    }
}

impl Inner {
    fn give(
        &mut self,
        sealed: &Sealed,
        counter: &AtomicU64,
        now: i64,
        to: impl Fn(Cadence) -> bool,
    ) {
        for view in self.others.iter().chain([&self.usual]) {
            if to(view.shape.cadence) {
                view.take((&self.listing, sealed), counter, now);
            }
        }
    }
}
