//! In: where snapshots are kept and how often they are made. Kept: the open folder, how saving goes.
//! Out: the same for every thread of the house. Never knows: what a cut holds.

use super::s3::{Over, Store};
use super::saver::{Journal, WAITING};
use super::{Disk, Folder, Local};
use anyhow::Context as _;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The installation's words about snapshots.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Folder on this machine, `snapshots` in the data folder unless told otherwise; every topic has
    /// one of its own below it.
    pub(crate) folder: Option<PathBuf>,
    /// A store instead of a folder.
    pub(crate) s3: Option<Store>,
    /// How often each partition is saved, seconds.
    pub(crate) every_s: u32,
    /// How many of each partition stay.
    pub(crate) keep: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            s3: None,
            every_s: 60,
            keep: 3,
        }
    }
}

impl Settings {
    /// The environment's settings of a store over the file's.
    ///
    /// # Errors
    /// A setting that cannot be read.
    pub(crate) fn overlay(&mut self, over: Over<'_>) -> anyhow::Result<()> {
        self.s3 = Store::overlaid(self.s3.take(), over)?;
        Ok(())
    }

    /// # Errors
    /// What is out of bounds, with what to write.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.s3.is_none() || self.folder.is_none(),
            "snapshots.folder and snapshots.s3 are both set: keep one"
        );
        self.s3.as_ref().map_or(Ok(()), Store::check)?;
        anyhow::ensure!(
            (1..=3_600).contains(&self.every_s),
            "snapshots.every_s is {}: write 1 to 3600 seconds",
            self.every_s
        );
        anyhow::ensure!(
            (1..=100).contains(&self.keep),
            "snapshots.keep is {}: write 1 to 100, 3 is usual",
            self.keep
        );
        Ok(())
    }
}

/// The snapshots of one topic.
pub(crate) struct Snapshots {
    pub(crate) folder: Folder<Box<dyn Disk + Send + Sync>>,
    pub(crate) every_ms: i64,
    pub(crate) journal: Journal,
    /// Cuts that were taken and not saved yet.
    open: AtomicUsize,
}

impl Snapshots {
    /// Whether a cut may be taken now: a cut that waits costs memory, so there are few.
    pub(crate) fn claim(&self) -> bool {
        let more = |open| (open < WAITING).then_some(open + 1);
        let order = Ordering::Relaxed;
        self.open.fetch_update(order, order, more).is_ok()
    }

    /// A cut that was claimed is saved or given up.
    pub(crate) fn release(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// # Errors
    /// A folder that cannot be made, read or written.
    pub(crate) fn open(settings: &Settings, data: &Path, topic: &str) -> anyhow::Result<Self> {
        let (disk, place): (Box<dyn Disk + Send + Sync>, String) = if let Some(store) = &settings.s3
        {
            let bucket = store.open(topic)?;
            let place = bucket.place();
            (Box::new(bucket), place)
        } else {
            let folder = settings.folder.clone();
            let path = folder.unwrap_or_else(|| data.join("snapshots")).join(topic);
            let local = Local::open(&path).with_context(|| {
                format!(
                    "snapshots.folder: cannot make {}: give its parent the right to write, or name another folder",
                    path.display()
                )
            })?;
            (Box::new(local), format!("folder {}", path.display()))
        };
        let folder = Folder::open(disk, settings.keep as usize);
        Ok(Self {
            folder: folder.with_context(|| format!("snapshots in {place}"))?,
            every_ms: i64::from(settings.every_s) * 1_000,
            journal: Journal::default(),
            open: AtomicUsize::new(0),
        })
    }
}
