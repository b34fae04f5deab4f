//! In: cuts of engines, one after another. Kept: at most two of them, and how saving went.
//! Out: durable snapshots. Never knows: when to cut, what a cut holds.
//!
//! A cut is written once all that its records caused was handed over: what a snapshot holds is done. The
//! minutes that they let pass are caused too: a start that goes on from it seals them never again.

use super::Label;
use super::kept::Snapshots;
use crate::history::kept::History;
use crate::{clock, failpoint};
use cx_engine::Cut;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Cuts on their way to the saver; beyond them the next one is taken later.
pub(crate) const WAITING: usize = 2;
const LOOK: Duration = Duration::from_millis(20);
/// How long a cut waits for history at most: other partitions may be far behind.
const HISTORY: Duration = Duration::from_secs(2);

/// A cut to be saved.
pub(crate) struct Job {
    pub(crate) label: Label,
    pub(crate) cut: Cut,
    /// The last whole minute that its records let pass, seconds since 1970.
    pub(crate) minute: i64,
    /// Whether all that its records caused was handed over.
    pub(crate) done: Box<dyn Fn() -> bool + Send>,
}

/// A snapshot that is durable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saved {
    /// When it was cut; for one that was found at the start, when that was.
    pub(crate) at: Timestamp,
    pub(crate) next_offset: i64,
    pub(crate) bytes: u64,
    pub(crate) took_ms: i64,
}

/// How saving goes.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    saved: BTreeMap<u32, Saved>,
    /// Files that could not be used at the start, and why.
    aside: Vec<(String, String)>,
    failures: u64,
    /// Why the newest attempt failed; `None` after one that did not.
    failing: Option<String>,
}

impl Journal {
    pub(crate) fn note(&self, partition: u32, saved: Saved) {
        let mut inner = self.inner.lock().expect("no holder panics");
        inner.saved.insert(partition, saved);
        inner.failing = None;
    }

    fn fail(&self, why: String) {
        let mut inner = self.inner.lock().expect("no holder panics");
        inner.failures += 1;
        inner.failing = Some(why);
    }

    /// The newest snapshot of every partition that has one.
    pub(crate) fn saved(&self) -> BTreeMap<u32, Saved> {
        self.inner.lock().expect("no holder panics").saved.clone()
    }

    pub(crate) fn set_aside(&self, files: Vec<(String, String)>) {
        let mut inner = self.inner.lock().expect("no holder panics");
        inner.aside.extend(files);
    }

    /// Files that could not be used at the start, and why.
    pub(crate) fn aside(&self) -> Vec<(String, String)> {
        self.inner.lock().expect("no holder panics").aside.clone()
    }

    /// Attempts that failed since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.inner.lock().expect("no holder panics").failures
    }

    /// Why nothing newer is kept, if saving fails.
    pub(crate) fn failing(&self) -> Option<String> {
        let inner = self.inner.lock().expect("no holder panics");
        inner.failing.clone()
    }
}

/// Saves until told to stop or until nobody cuts any more. What fails is told, and tried again with
/// the next cut.
pub(crate) fn run(
    jobs: &Receiver<Job>,
    snapshots: &Snapshots,
    history: &History,
    stop: &AtomicBool,
) {
    let stopped = || stop.load(Ordering::Relaxed);
    // How far history was when it was waited for in vain.
    let mut given_up = None;
    while !stopped() {
        let job = match jobs.recv_timeout(LOOK) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let at = clock::now();
        while !(job.done)() {
            if stopped() {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let begun = clock::instant();
        while !stopped() && history.lacks(job.minute) && given_up != Some(history.through()) {
            if begun.elapsed() > HISTORY {
                given_up = Some(history.through());
            }
            std::thread::sleep(LOOK);
        }
        failpoint::reach(failpoint::ACKNOWLEDGED);
        save(job, at, snapshots);
        snapshots.release();
    }
}

fn save(
    job: Job,
    at: Timestamp,
    Snapshots {
        folder, journal, ..
    }: &Snapshots,
) {
    let Job { label, cut, .. } = job;
    let begun = clock::instant();
    let blocks = cut.blocks().map(|block| {
        postcard::to_stdvec(&block).expect("a block is plain data, and memory is to be had")
    });
    let uid = u64::try_from(at.0).unwrap_or_default();
    match folder.save(&label, uid, blocks) {
        Ok(kept) => {
            let took = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
            let saved = Saved {
                at,
                next_offset: label.next_offset,
                bytes: kept.bytes,
                took_ms: took,
            };
            journal.note(label.partition, saved);
            failpoint::reach(failpoint::KEPT);
        }
        Err(error) => {
            tracing::error!(%error, partition = label.partition, "no snapshot was kept");
            journal.fail(error.to_string());
        }
    }
}
