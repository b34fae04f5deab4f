//! In: seconds, cells that come and go, notes. Kept: one channel per board, one sequence counter.
//! Out: ticks and views. Never knows: sockets.

use crate::channel::{Channel, NoView};
use crate::counts::Counts;
use crate::fault::Fault;
use crate::listing::Listing;
use crate::shape::Shape;
use crate::view::View;
use cx_model::value::{Board, CellInfo, Sealed};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// What stands beside the numbers now, by kind, in words.
pub(crate) type Notes = Arc<BTreeMap<&'static str, String>>;
/// By the part of a cell's text that never changes (see
/// [`CellKey::digest_prefix`](cx_model::value::CellKey::digest_prefix)): the second an alert was raised, and
/// its state bits.
pub type AlertStates = BTreeMap<String, (i64, u8)>;
/// Boards, and all alerts there are.
type Coming = (Vec<Arc<Board>>, Vec<CellInfo>);

type Channels = BTreeMap<String, Channel>;

/// All boards of one process life.
pub struct Hub {
    epoch: String,
    seq: AtomicU64,
    channels: RwLock<Channels>,
    /// Boards of other definitions, shown from the next second on.
    coming: Mutex<Option<Coming>>,
    notes: Mutex<Notes>,
    tick: watch::Sender<()>,
    counts: Counts,
}

impl Hub {
    /// A hub for these boards; `epoch` names the process's life.
    #[must_use]
    pub fn new(epoch: String, boards: Vec<Arc<Board>>) -> Self {
        let channels = boards
            .into_iter()
            .map(|b| (b.name.clone(), Channel::new(b, &epoch)))
            .collect();
        let (tick, _) = watch::channel(());
        Self {
            epoch,
            seq: AtomicU64::new(0),
            channels: RwLock::new(channels),
            coming: Mutex::default(),
            notes: Mutex::default(),
            tick,
            counts: Counts::new(),
        }
    }

    /// Takes a second's values (sealed, or live where none could be sealed) to every view.
    /// `now_ms` is the machine's clock; it travels beside live values only.
    pub fn publish(&self, sealed: &Sealed, now_ms: i64) {
        let coming = self.coming.lock().expect("no holder panics").take();
        match coming {
            Some((boards, alerts)) => {
                self.renew(boards, sealed, now_ms);
                self.watch(&alerts);
            }
            None => {
                for channel in self.channels().values() {
                    channel.publish(sealed, &self.seq, now_ms);
                }
            }
        }
        self.tick.send_replace(());
    }

    /// Gives every board the alerts of its KPIs. Where these are others than before, every subscription
    /// gets a snapshot.
    pub fn watch(&self, alerts: &[CellInfo]) {
        for channel in self.channels().values() {
            channel.watch(alerts, &self.seq);
        }
    }

    /// Takes all alerts that are not at rest, by what their cell's hash begins with: the second raised and
    /// state bits. Boards where one changed are due at once.
    pub fn publish_alerts(&self, open: &AlertStates) {
        let mut changed = false;
        for channel in self.channels().values() {
            changed |= channel.take_alerts(open, &self.seq);
        }
        if changed {
            self.tick.send_replace(());
        }
    }

    /// Definitions changed: from the next second on these are the boards, and all alerts there are. Cells
    /// that stay keep their ids, others are announced or gone; who watches a board that is gone is told
    /// its end.
    pub fn change(&self, boards: Vec<Arc<Board>>, alerts: Vec<CellInfo>) {
        *self.coming.lock().expect("no holder panics") = Some((boards, alerts));
    }

    fn renew(&self, boards: Vec<Arc<Board>>, sealed: &Sealed, now_ms: i64) {
        let mut channels = self.channels.write().expect("no holder panics");
        let mut old = std::mem::take(&mut *channels);
        for board in boards {
            let name = board.name.clone();
            let channel = if let Some(channel) = old.remove(&name) {
                channel.renew(&board, sealed, &self.seq, now_ms);
                channel
            } else {
                let channel = Channel::new(board, &self.epoch);
                channel.publish(sealed, &self.seq, now_ms);
                channel
            };
            channels.insert(name, channel);
        }
        old.values().for_each(Channel::end);
    }

    fn channels(&self) -> RwLockReadGuard<'_, Channels> {
        self.channels.read().expect("no holder panics")
    }

    /// Takes what the engines hold at this moment to the live views only; a view takes at most one
    /// in each stretch of its rhythm.
    pub fn live(&self, values: &Sealed, now_ms: i64) {
        for channel in self.channels().values() {
            channel.live(values, &self.seq, now_ms);
        }
        self.tick.send_replace(());
    }

    /// The fastest live rhythm that somebody looks at, ms: how often [`Hub::live`] is worth calling.
    #[must_use]
    pub fn fastest(&self) -> Option<i64> {
        self.channels().values().filter_map(Channel::fastest).min()
    }

    /// Tells all streams that something stands beside the numbers, or no longer (`None`).
    pub(crate) fn note(&self, kind: &'static str, detail: Option<String>) {
        let mut notes = self.notes.lock().expect("no holder panics");
        if notes.get(kind) == detail.as_ref() {
            return;
        }
        let mut new = BTreeMap::clone(&notes);
        match detail {
            Some(detail) => new.insert(kind, detail),
            None => new.remove(kind),
        };
        *notes = Arc::new(new);
        drop(notes);
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

    /// Subscriptions that acknowledge, proven or not yet.
    #[must_use]
    pub fn screens(&self) -> u64 {
        u64::try_from(self.counts.screens.get()).unwrap_or(0)
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

    pub(crate) fn notes(&self) -> Notes {
        Arc::clone(&self.notes.lock().expect("no holder panics"))
    }

    /// The view that everybody gets who wishes for nothing.
    pub(crate) fn view(&self, board: &str) -> Option<Arc<View>> {
        self.channels().get(board).map(Channel::usual)
    }

    /// A board's cells with their ids.
    pub(crate) fn listing(&self, board: &str) -> Option<Arc<Listing>> {
        self.channels().get(board).map(Channel::listing)
    }

    /// The view of a shape.
    ///
    /// # Errors
    /// No such board, no cell in it, too many views of it.
    pub(crate) fn shaped(&self, board: &str, shape: &Shape) -> Result<Arc<View>, Fault> {
        let channels = self.channels();
        let Some(channel) = channels.get(board) else {
            drop(channels);
            return Err(Fault::UnknownBoard(board.to_owned(), self.names()));
        };
        let view = channel.view(shape, &self.epoch, &self.seq);
        view.map_err(|none| match none {
            NoView::Empty => Fault::EmptyFilter(board.to_owned()),
            NoView::TooMany => Fault::TooManyViews,
        })
    }

    pub(crate) fn names(&self) -> String {
        let channels = self.channels();
        let names: Vec<&str> = channels.keys().map(String::as_str).collect();
        names.join(", ")
    }

    pub(crate) fn ticks(&self) -> watch::Receiver<()> {
        self.tick.subscribe()
    }
}
