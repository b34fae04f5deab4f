//! In: what workers note after each batch. Kept: the newest account per partition. Out: reads for
//! health, metrics and the closing report. Never knows: how an account is made.

use cx_engine::{Account, Gap};
use cx_model::reject::Rejected;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Records that may be unread in a partition that is read as it grows.
const MOMENT: i64 = 1_000;

/// One partition as its owner noted it last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    pub(crate) account: Account,
    pub(crate) log_time: Option<Timestamp>,
    pub(crate) customers: usize,
    pub(crate) contacts: usize,
}

/// How far the log is read since the start, and how far it goes; records of all partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) read: u64,
    pub(crate) end: u64,
}

impl Reach {
    pub(crate) fn words(self) -> String {
        let percent = (self.read * 100).checked_div(self.end).unwrap_or(0);
        format!("{} of {} records ({percent} %)", self.read, self.end)
    }
}

/// All partitions of the house.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    noted: Mutex<BTreeMap<u32, Noted>>,
    /// Where this life began to read; negative before it has.
    from: Vec<AtomicI64>,
    next: Vec<AtomicI64>,
    end: Vec<AtomicI64>,
    reasons: Mutex<BTreeMap<&'static str, i64>>,
    reopened: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            from: (0..partitions).map(|_| AtomicI64::new(-1)).collect(),
            next: (0..partitions).map(|_| AtomicI64::new(0)).collect(),
            end: (0..partitions).map(|_| AtomicI64::new(0)).collect(),
            ..Self::default()
        }
    }

    /// A partition is loaded and goes on at `next`.
    pub(crate) fn begins(&self, partition: u32, next: i64) {
        self.advanced(partition, next);
        if let Some(slot) = self.from.get(partition as usize) {
            slot.store(next, Ordering::Relaxed);
        }
    }

    /// Where this life began to read a partition; `None` before it has.
    pub(crate) fn began(&self, partition: u32) -> Option<i64> {
        let from = self.from.get(partition as usize)?;
        Some(from.load(Ordering::Relaxed)).filter(|from| *from >= 0)
    }

    /// A reader stood still and was replaced, or was to be.
    pub(crate) fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a reader stood still.
    pub(crate) fn reopens(&self) -> u64 {
        self.reopened.load(Ordering::Relaxed)
    }

    pub(crate) fn advanced(&self, partition: u32, next: i64) {
        if let Some(slot) = self.next.get(partition as usize) {
            slot.store(next, Ordering::Relaxed);
        }
    }

    /// Where a partition's log ends, as far as its reader knows.
    pub(crate) fn ends(&self, partition: u32, end: i64) {
        if let Some(slot) = self.end.get(partition as usize) {
            slot.store(end, Ordering::Relaxed);
        }
    }

    /// How far all logs are read.
    pub(crate) fn reach(&self) -> Reach {
        let (read, end) = self.spans().fold((0, 0), |(a, b), span| {
            let (read, end) = span.unwrap_or_default();
            (a + read, b + end)
        });
        let whole = |n: i64| u64::try_from(n).unwrap_or(0);
        Reach {
            read: whole(read),
            end: whole(end),
        }
    }

    /// Partitions that are not loaded, or have more to read than a moment brings.
    pub(crate) fn behind(&self) -> Vec<u32> {
        let behind = |span: Option<(i64, i64)>| span.is_none_or(|(read, end)| end - read > MOMENT);
        let spans = (0..).zip(self.spans());
        spans
            .filter(|(_, span)| behind(*span))
            .map(|(partition, _)| partition)
            .collect()
    }

    /// Of each partition: records read since the start, and records to read; `None` before it is
    /// loaded.
    fn spans(&self) -> impl Iterator<Item = Option<(i64, i64)>> {
        (0..self.next.len()).map(|i| {
            let load = |of: &[AtomicI64]| of[i].load(Ordering::Relaxed);
            let from = load(&self.from);
            let next = load(&self.next);
            (from >= 0).then(|| (next - from, load(&self.end).max(next) - from))
        })
    }

    /// Records that no engine has taken yet; `None` while the end of a log is not known.
    pub(crate) fn lag(&self) -> Option<i64> {
        let pairs = self.next.iter().zip(&self.end);
        pairs
            .map(|(next, end)| {
                let end = end.load(Ordering::Relaxed);
                (end > 0).then(|| (end - next.load(Ordering::Relaxed)).max(0))
            })
            .sum()
    }

    /// Records of the whole log that are taken, over all partitions.
    pub(crate) fn taken(&self) -> i64 {
        self.next.iter().map(|n| n.load(Ordering::Relaxed)).sum()
    }

    /// What is missing, until somebody acknowledges it.
    pub(crate) fn gaps(&self) -> Vec<(u32, Gap)> {
        let noted = self.noted.lock().expect("no holder panics");
        let gaps = noted.iter().map(|(p, n)| (*p, n.account.data_gap));
        gaps.filter_map(|(p, gap)| Some((p, gap?))).collect()
    }

    pub(crate) fn note(
        &self,
        partition: u32,
        (account, log_time, (customers, contacts)): (Account, Option<Timestamp>, (usize, usize)),
    ) {
        let noted = Noted {
            account,
            log_time,
            customers,
            contacts,
        };
        self.noted
            .lock()
            .expect("no holder panics")
            .insert(partition, noted);
    }

    pub(crate) fn dead_letter(&self, rejected: &Rejected) {
        let mut reasons = self.reasons.lock().expect("no holder panics");
        *reasons.entry(rejected.reason.name()).or_default() += 1;
    }

    /// A copy of everything noted, by partition.
    pub(crate) fn read(&self) -> BTreeMap<u32, Noted> {
        self.noted.lock().expect("no holder panics").clone()
    }

    /// Dead letters by reason.
    pub(crate) fn reasons(&self) -> BTreeMap<&'static str, i64> {
        self.reasons.lock().expect("no holder panics").clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_told_only_once_every_log_has_told_its_end() {
        let ledger = Ledger::new(2);
        ledger.advanced(0, 3);
        ledger.ends(0, 10);
        assert_eq!(ledger.lag(), None);
        ledger.ends(1, 4);
        assert_eq!(ledger.lag(), Some(11));
    }
}
