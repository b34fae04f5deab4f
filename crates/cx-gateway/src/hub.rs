//! In: sealed seconds. Kept: one view per board, one sequence counter. Out: ticks and views.
//! Never knows: sockets.

use crate::counts::Counts;
use crate::view::View;
use cx_model::value::{Board, CellInfo, Sealed};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// By the part of a cell's text that never changes (see
/// [`CellKey::digest_prefix`](cx_model::value::CellKey::digest_prefix)): the second an alert was raised, and
/// its state bits.
pub type AlertStates = BTreeMap<String, (i64, u8)>;

type Views = BTreeMap<String, Arc<View>>;
/// Boards, and all alerts there are.
type Coming = (Vec<Arc<Board>>, Vec<CellInfo>);

fn views(boards: Vec<Arc<Board>>, epoch: &str) -> Views {
    let views = boards.into_iter();
    views
        .map(|b| (b.name.clone(), Arc::new(View::new(b, epoch))))
        .collect()
}

/// All boards of one process life.
pub struct Hub {
    epoch: String,
    seq: AtomicU64,
    views: RwLock<Views>,
    /// How often definitions changed.
    changes: AtomicU64,
    /// Boards of other definitions, shown from the next second on.
    coming: Mutex<Option<Coming>>,
    /// Alerts as they were published last.
    alerts: Mutex<AlertStates>,
    tick: watch::Sender<()>,
    counts: Counts,
}

impl Hub {
    /// A hub for these boards; `epoch` names the process's life.
    #[must_use]
    pub fn new(epoch: String, boards: Vec<Arc<Board>>) -> Self {
        let views = RwLock::new(views(boards, &epoch));
        let (tick, _) = watch::channel(());
        Self {
            epoch,
            seq: AtomicU64::new(0),
            views,
            changes: AtomicU64::new(0),
            coming: Mutex::new(None),
            alerts: Mutex::default(),
            tick,
            counts: Counts::new(),
        }
    }

    /// Gives every view the alerts of its KPIs; before anybody subscribes.
    pub fn watch(&self, alerts: &[CellInfo]) {
        self.views().values().for_each(|view| view.watch(alerts));
    }

    /// Takes all alerts that are not at rest, by what their cell's hash begins with: the second raised and
    /// state bits. Boards where one changed are due at once.
    pub fn publish_alerts(&self, open: AlertStates) {
        let mut changed = false;
        for view in self.views().values() {
            changed |= view.take_alerts(&open, &self.seq);
        }
        *self.alerts.lock().expect("no holder panics") = open;
        if changed {
            self.tick.send_replace(());
        }
    }

    /// Takes a second's values (sealed, or live where none could be sealed) to every view.
    /// `now_ms` is the machine's clock; it travels beside live values only.
    pub fn publish(&self, sealed: &Sealed, now_ms: i64) {
        let coming = self.coming.lock().expect("no holder panics").take();
        let Some((boards, alerts)) = coming else {
            for view in self.views().values() {
                view.take(sealed, &self.seq, now_ms);
            }
            self.tick.send_replace(());
            return;
        };
        let change = self.changes.load(Ordering::Relaxed) + 1;
        let fresh = views(boards, &format!("{}.{change}", self.epoch));
        let open = self.alerts.lock().expect("no holder panics");
        for view in fresh.values() {
            view.watch(&alerts);
            view.take_alerts(&open, &self.seq);
            view.take(sealed, &self.seq, now_ms);
        }
        drop(open);
        *self.views.write().expect("no holder panics") = fresh;
        self.changes.store(change, Ordering::Release);
        self.tick.send_replace(());
    }

    /// Definitions changed: from the next second on these are the boards, and all alerts there are. Cells get
    /// new ids under a new epoch, and every subscription a snapshot.
    pub fn change(&self, boards: Vec<Arc<Board>>, alerts: Vec<CellInfo>) {
        *self.coming.lock().expect("no holder panics") = Some((boards, alerts));
    }

    fn views(&self) -> RwLockReadGuard<'_, Views> {
        self.views.read().expect("no holder panics")
    }

    /// How often definitions changed in this life.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
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

    pub(crate) fn view(&self, board: &str) -> Option<Arc<View>> {
        self.views().get(board).cloned()
    }

    pub(crate) fn names(&self) -> String {
        let views = self.views();
        let names: Vec<&str> = views.keys().map(String::as_str).collect();
        names.join(", ")
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<()> {
        self.tick.subscribe()
    }
}
