//! In: sealed seconds. Kept: one view per board, one sequence counter. Out: ticks and views.
//! Never knows: sockets.

use crate::counts::Counts;
use crate::view::View;
use cx_model::value::{Board, Sealed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// All boards of one process life.
pub struct Hub {
    epoch: String,
    seq: AtomicU64,
    views: BTreeMap<String, Arc<View>>,
    tick: watch::Sender<()>,
    counts: Counts,
}

impl Hub {
    /// A hub for these boards; `epoch` names the process's life.
    #[must_use]
    pub fn new(epoch: String, boards: Vec<Arc<Board>>) -> Self {
        let views = boards
            .into_iter()
            .map(|b| (b.name.clone(), Arc::new(View::new(b, &epoch))))
            .collect();
        let (tick, _) = watch::channel(());
        Self {
            epoch,
            seq: AtomicU64::new(0),
            views,
            tick,
            counts: Counts::new(),
        }
    }

    /// Takes a second's values (sealed, or live where none could be sealed) to every view.
    /// `now_ms` is the machine's clock; it travels beside live values only.
    pub fn publish(&self, sealed: &Sealed, now_ms: i64) {
        for view in self.views.values() {
            view.take(sealed, &self.seq, now_ms);
        }
        self.tick.send_replace(());
    }

    /// Frames sent so far, over all connections.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.counts.frames.get()
    }

    /// Open streams.
    #[must_use]
    pub fn connections(&self) -> u64 {
        u64::try_from(self.counts.connections.get()).unwrap_or(0)
    }

    /// Subscriptions whose newest acknowledged digest is the one of that sequence number here.
    #[must_use]
    pub fn proven(&self) -> u64 {
        u64::try_from(self.counts.proven.get()).unwrap_or(0)
    }

    /// The newest sequence number given out.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(crate) fn view(&self, board: &str) -> Option<Arc<View>> {
        self.views.get(board).cloned()
    }

    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.views.keys().map(String::as_str).collect();
        names.join(", ")
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<()> {
        self.tick.subscribe()
    }
}
