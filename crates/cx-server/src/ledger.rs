//! In: what workers note after each batch. Kept: the newest account per partition. Out: reads for
//! health, metrics and the closing report. Never knows: how an account is made.

use cx_engine::Account;
use cx_model::reject::Rejected;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// One partition as its owner noted it last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    pub(crate) account: Account,
    pub(crate) log_time: Option<Timestamp>,
    pub(crate) customers: usize,
    pub(crate) contacts: usize,
}

/// All partitions of the house.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    noted: Mutex<BTreeMap<u32, Noted>>,
    next: Vec<AtomicI64>,
    reasons: Mutex<BTreeMap<&'static str, i64>>,
}

impl Ledger {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            next: (0..partitions).map(|_| AtomicI64::new(0)).collect(),
            ..Self::default()
        }
    }

    pub(crate) fn advanced(&self, partition: u32, next: i64) {
        if let Some(slot) = self.next.get(partition as usize) {
            slot.store(next, Ordering::Relaxed);
        }
    }

    /// Records taken so far, over all partitions.
    pub(crate) fn taken(&self) -> i64 {
        self.next.iter().map(|n| n.load(Ordering::Relaxed)).sum()
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
