//! In: where history is kept and how much of it; sealed seconds. Kept: the newest whole minutes, and the
//! store once it was read. Out: the same for every thread of the house. Never knows: HTTP.

use super::cells::Cells;
use super::finals::Final;
use super::journal::Journal;
use super::recent::{Moment, Recent};
use super::shelf::{Extent, Span};
use super::store::{Bounds, Error, Line, Opened, Store};
use super::volatile::Volatile;
use super::writer::Handed;
use crate::snapshots::{Disk, Local};
use anyhow::Context as _;
use cx_catalog::compiled::Compiled;
use cx_model::frame::WireParts;
use cx_model::value::{CellInfo, Sealed};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, OnceLock};
use tokio::sync::watch;

const MIB: u64 = 1 << 20;
/// Most that is kept in memory, MiB.
const IN_MEMORY: u64 = 64;
/// Cells of all minutes on their way to the writer, about.
const CELLS_WAITING: usize = 1 << 20;

/// The installation's words about history.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Folder on this machine, `history` in the data folder unless told otherwise; every topic has
    /// one of its own below it.
    pub(crate) folder: Option<PathBuf>,
    /// Most that is kept, MiB.
    pub(crate) max_mib: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            max_mib: 512,
        }
    }
}

impl Settings {
    /// # Errors
    /// What is out of bounds, with what to write.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (8..=1_048_576).contains(&self.max_mib),
            "history.max_mib is {}: write 8 to 1048576, 512 is usual",
            self.max_mib
        );
        Ok(())
    }
}

/// Where it is.
enum Place {
    Folder(Local),
    Memory(Volatile),
}

/// A store that threads share.
pub(crate) type Shared = Store<Box<dyn Disk + Send + Sync>>;

/// The history of one topic.
pub(crate) struct History {
    place: Place,
    bounds: Bounds,
    cells: Mutex<Cells>,
    recent: Recent,
    pub(crate) journal: Journal,
    store: OnceLock<Shared>,
    /// Whether what an earlier life kept was read.
    ready: watch::Sender<bool>,
    /// Up to this minute all that was sealed is kept, or was missed for good.
    through: AtomicI64,
}

impl History {
    /// In a folder; in memory without one.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub(crate) fn open(
        settings: &Settings,
        data: Option<&Path>,
        topic: &str,
        set: &Compiled,
    ) -> anyhow::Result<Self> {
        let (place, most) = match data {
            None => (
                Place::Memory(Volatile::default()),
                settings.max_mib.min(IN_MEMORY),
            ),
            Some(data) => {
                let folder = settings.folder.clone();
                let path = folder.unwrap_or_else(|| data.join("history")).join(topic);
                let local = Local::open(&path).with_context(|| {
                    format!(
                        "history.folder: cannot make {}: give its parent the right to write, or name another folder",
                        path.display()
                    )
                })?;
                (Place::Folder(local), settings.max_mib)
            }
        };
        Ok(Self {
            place,
            bounds: Bounds { bytes: most * MIB },
            cells: Mutex::new(Cells::of(&set.hash, &set.cells)),
            recent: Recent::default(),
            journal: Journal::default(),
            store: OnceLock::new(),
            ready: watch::Sender::new(false),
            through: AtomicI64::new(i64::MIN),
        })
    }

    /// Whether it outlives the process.
    pub(crate) fn outlives(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// Most bytes that are kept.
    pub(crate) fn most(&self) -> u64 {
        self.bounds.bytes
    }

    /// Minutes that may wait for the writer; as many final ones beside them.
    pub(crate) fn waiting(&self) -> usize {
        2 * (CELLS_WAITING / self.cells().keys.len().max(1)).clamp(64, 2_048)
    }

    fn cells(&self) -> Cells {
        self.cells.lock().expect("no holder panics").clone()
    }

    /// More is sealed from now on, under another set: these cells begin with those of before.
    pub(crate) fn grow(&self, set: &str, cells: &[CellInfo]) {
        let cells = Cells::of(set, cells);
        *self.cells.lock().expect("no holder panics") = cells.clone();
        if let Some(store) = self.store.get() {
            store.grow(cells);
        }
    }

    /// Reads what an earlier life kept.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(super) fn begin(&self) -> Result<&Shared, Error> {
        let disk: Box<dyn Disk + Send + Sync> = match &self.place {
            Place::Folder(local) => Box::new(local.clone()),
            Place::Memory(memory) => Box::new(memory.clone()),
        };
        let (store, opened): (Shared, Opened) = Store::open(disk, self.bounds, self.cells())?;
        self.journal.opened(&opened);
        let store = self.store.get_or_init(|| store);
        self.remember(store);
        self.ready.send_replace(true);
        Ok(store)
    }

    fn remember(&self, store: &Shared) {
        let Some(newest) = store.extent().newest else {
            return;
        };
        let span = Span {
            from: newest - 60 * i64::try_from(super::recent::MOST - 1).unwrap_or(0),
            to: newest,
            step: 60,
        };
        for s in store.listed(span) {
            match store.minute(s) {
                Ok(found) => found
                    .into_iter()
                    .for_each(|found| self.recent.remember(found.into())),
                Err(error) => {
                    tracing::error!(%error, "history");
                    self.journal.unread(1);
                }
            }
        }
        self.through.fetch_max(newest, Ordering::Release);
    }

    /// A second that was sealed: whole minutes are kept. Never waits.
    pub(crate) fn seal(&self, sealed: &Sealed, writer: &SyncSender<Handed>) {
        if sealed.s.rem_euclid(60) != 0 {
            return;
        }
        self.recent.seal(sealed);
        if writer.try_send(Handed::Sealed(sealed.clone())).is_err() {
            self.journal.missed(sealed.s);
        }
    }

    /// A minute that became final in all partitions. Never waits. It comes before the seal of the minute in
    /// which it did: what is kept up to there holds it.
    pub(crate) fn finish(&self, one: Final, writer: &SyncSender<Handed>) {
        let end = one.end;
        if writer.try_send(Handed::Final(one)).is_err() {
            self.journal.missed(end);
        }
    }

    /// All that was sealed up to this minute was dealt with.
    pub(super) fn passed(&self, s: i64) {
        self.through.fetch_max(s, Ordering::Release);
    }

    /// Whether a minute is still to be kept, and can be.
    pub(crate) fn lacks(&self, minute: i64) -> bool {
        self.through() < minute && self.journal.read().failing.is_none()
    }

    /// The minute up to which all that was sealed is kept.
    pub(crate) fn through(&self) -> i64 {
        self.through.load(Ordering::Acquire)
    }

    /// Becomes true once what an earlier life kept was read.
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// A whole minute that is kept. Reads files: not for threads that may not wait.
    ///
    /// # Errors
    /// It is kept and cannot be read.
    pub(crate) fn minute(&self, s: i64) -> Result<Option<Moment>, Error> {
        if let Some(moment) = self.recent.at(s) {
            return Ok(Some(moment));
        }
        let Some(store) = self.store.get() else {
            return Ok(None);
        };
        let found = store.minute(s).inspect_err(|error| {
            tracing::error!(%error, "history");
            self.journal.unread(1);
        });
        Ok(found?.map(Moment::from))
    }

    /// The newest minutes, from memory.
    pub(crate) fn newest_line(&self, cells: &[usize]) -> Line {
        let all = Span {
            from: i64::MIN,
            to: i64::MAX,
            step: 60,
        };
        self.recent.line(all, cells)
    }

    /// Minutes of a span. Reads files where memory does not go back so far.
    pub(crate) fn line(&self, span: Span, cells: &[usize]) -> Line {
        let Some(oldest) = self.recent.oldest() else {
            return Line::default();
        };
        // Memory holds all there is from its oldest minute on, also what is not written yet.
        let newer = self.recent.line(span, cells);
        let Some(store) = self.store.get().filter(|_| span.from < oldest) else {
            return newer;
        };
        let to = span.to.min(oldest - 1);
        let mut line = store.line(Span { to, ..span }, cells);
        self.journal.unread(line.unread);
        line.s.extend(newer.s);
        for (all, more) in line.values.iter_mut().zip(newer.values) {
            all.extend(more);
        }
        line
    }

    /// As [`Store::finals`]; nothing that is not written yet. Reads files.
    pub(crate) fn finals(
        &self,
        ends: &[i64],
        step: i64,
        cells: &[usize],
    ) -> Vec<Vec<Option<WireParts>>> {
        match self.store.get() {
            Some(store) => store.finals(ends, step, cells),
            None => vec![vec![None; ends.len()]; cells.len()],
        }
    }

    /// The kept minute that is nearest to a second.
    pub(crate) fn nearest(&self, s: i64) -> Option<i64> {
        let stored = self.store.get().and_then(|store| store.nearest(s));
        let both = [self.recent.nearest(s), stored].into_iter().flatten();
        both.min_by_key(|found| found.abs_diff(s))
    }

    pub(crate) fn oldest_in_memory(&self) -> Option<i64> {
        self.recent.oldest()
    }

    /// What there is.
    pub(crate) fn extent(&self) -> Extent {
        let mut extent = self.store.get().map(Store::extent).unwrap_or_default();
        extent.newest = extent.newest.max(self.recent.newest());
        extent
    }
}
