//! In: the simulated company, shared with its stage. Kept: how far it was written. Out: records, never further ahead of
//! the engine than the embedded broker can hold. Never knows: what the records say.

use crate::clock;
use crate::common::Common;
use cx_model::ids::partition_of;
use cx_sim::{Company, Emission};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Most records written and not yet taken by an engine.
const WINDOW: i64 = 10_000;

/// Writes the company's records: history as fast as it is folded, then in real time.
pub(crate) fn run(common: &Common, company: &Mutex<Company>) {
    let next = || company.lock().expect("no holder panics");
    let mut written = 0;
    while !common.stop.load(Ordering::Relaxed) {
        let ahead = written - common.ledger.taken();
        if next().peek_at() > clock::now() {
            // Control records begin only when all history lies before them.
            if ahead <= 0 {
                common.live.store(true, Ordering::Release);
            }
            std::thread::sleep(Duration::from_millis(5));
        } else if ahead >= WINDOW {
            std::thread::sleep(Duration::from_millis(1));
        } else {
            let emission = next().next_emission();
            while !write(common, &emission) {
                if common.stop.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            written += 1;
        }
    }
}

fn write(common: &Common, emission: &Emission) -> bool {
    let partition = partition_of(&emission.key, common.partitions);
    let key = Some(emission.key.as_bytes());
    let topic = &common.topics.interactions;
    let at = Some(emission.at.0);
    let sent = common
        .producer
        .send(topic, Some(partition), key, &emission.value, &[], at);
    sent.is_ok()
}
