//! In: the simulated company. Kept: how far it was written. Out: records, never further ahead of
//! the engine than the embedded broker can hold. Never knows: what the records say.

use crate::clock;
use crate::worker::Common;
use cx_model::ids::partition_of;
use cx_model::time::Timestamp;
use cx_model::vocabulary::TOPIC_INTERACTIONS;
use cx_sim::Company;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Most records written and not yet taken by an engine.
const WINDOW: i64 = 10_000;

/// Writes the company's records: history as fast as it is folded, then in real time.
pub(crate) fn run(common: &Arc<Common>, mut company: Company, written: &AtomicI64) {
    while !common.stop.load(Ordering::Relaxed) {
        let now = clock::now();
        if company.peek_at() > now {
            if !common.live.load(Ordering::Relaxed) && caught_up(common, written) {
                common.live.store(true, Ordering::Release);
            }
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        if ahead(common, written) >= WINDOW {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let emission = company.next_emission();
        while !write(common, &emission.key, &emission.value, emission.at) {
            if common.stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        written.fetch_add(1, Ordering::Relaxed);
    }
}

fn write(common: &Common, key: &str, value: &[u8], at: Timestamp) -> bool {
    let partition = partition_of(key, common.partitions);
    let key = Some(key.as_bytes());
    common
        .producer
        .send(
            TOPIC_INTERACTIONS,
            Some(partition),
            key,
            value,
            &[],
            Some(at.0),
        )
        .is_ok()
}

fn ahead(common: &Common, written: &AtomicI64) -> i64 {
    written.load(Ordering::Relaxed) - common.ledger.taken()
}

fn caught_up(common: &Common, written: &AtomicI64) -> bool {
    ahead(common, written) <= 0
}
