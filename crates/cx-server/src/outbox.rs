//! In: what a worker writes to `cx.decisions`. Kept: a bunch of it, where its partition catches up. Out: all of it,
//! in order, to the producer. Never knows: what it says.
//!
//! Whatever few records there are wake librdkafka up partition by partition; of a log of days there are many,
//! and nobody waits for one of them.

use crate::common::Common;
use crate::failpoint;
use cx_kafka::Full;
use cx_model::time::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How much a bunch holds at most, bytes and records.
const BYTES: usize = 1024 * 1024;
const RECORDS: usize = 4_096;
/// How long the first of a bunch waits for others, ms.
const BUNCH_MS: i64 = 250;

/// A record for `cx.decisions`.
pub(crate) struct Letter {
    pub(crate) partition: u32,
    pub(crate) key: Option<String>,
    pub(crate) value: Vec<u8>,
}

/// What one worker has not handed over yet.
#[derive(Default)]
pub(crate) struct Outbox {
    held: VecDeque<Letter>,
    bytes: usize,
    /// When the first of them came.
    since: Timestamp,
}

impl Outbox {
    pub(crate) fn put(&mut self, letter: Letter, now: Timestamp) {
        if self.held.is_empty() {
            self.since = now;
        }
        self.bytes += letter.value.len();
        self.held.push_back(letter);
    }

    /// Whether nothing more should wait.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let full = self.bytes >= BYTES || self.held.len() >= RECORDS;
        full || (!self.held.is_empty() && now.since(self.since) >= BUNCH_MS)
    }

    /// Gives all that is held to the producer. Where the house stops meanwhile, only as much as its queue takes:
    /// nothing overtakes what it did not.
    pub(crate) fn hand_over(&mut self, common: &Common) {
        let topic = &common.topics.decisions;
        while let Some(letter) = self.held.front() {
            let partition = Some(letter.partition);
            let key = letter.key.as_deref().map(str::as_bytes);
            let (effects, value) = (&common.effects, &letter.value);
            if !patiently(common, || {
                effects.send(topic, partition, key, value, &[], None)
            }) {
                return;
            }
            self.bytes -= value.len();
            self.held.pop_front();
        }
    }
}

/// Waits while the producer's queue is full: what follows from a record is not lost. False where the house
/// stops first.
pub(crate) fn patiently(common: &Common, send: impl Fn() -> Result<(), Full>) -> bool {
    failpoint::reach(failpoint::PRODUCE);
    while send().is_err() {
        if common.stop.load(Ordering::Relaxed) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    failpoint::reach(failpoint::PRODUCED);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(bytes: usize) -> Letter {
        Letter {
            partition: 0,
            key: None,
            value: vec![0; bytes],
        }
    }

    #[test]
    fn a_bunch_is_due_when_it_is_full_or_its_first_has_waited() {
        let mut outbox = Outbox::default();
        assert!(!outbox.is_due(Timestamp(1_000_000)));
        outbox.put(letter(1), Timestamp(1_000_000));
        outbox.put(letter(1), Timestamp(1_000_200));
        assert!(!outbox.is_due(Timestamp(1_000_249)));
        assert!(outbox.is_due(Timestamp(1_000_250)));
        outbox.put(letter(BYTES - 2), Timestamp(1_000_200));
        assert!(outbox.is_due(Timestamp(1_000_200)));
        let mut outbox = Outbox::default();
        (0..RECORDS).for_each(|_| outbox.put(letter(0), Timestamp(0)));
        assert!(outbox.is_due(Timestamp(0)));
    }
}
