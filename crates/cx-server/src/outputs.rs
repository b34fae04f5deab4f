//! In: how many records wait for Kafka, how many it took. Kept: since when it takes none. Out: whether
//! somebody must look. Never knows: what is written.

use cx_kafka::Producer;
use cx_model::time::{SECOND, Timestamp};
use std::sync::Mutex;

/// How long Kafka may take nothing while something waits, ms.
const PATIENCE_MS: i64 = 10 * SECOND;

/// How writing goes.
#[derive(Debug, Default)]
pub(crate) struct Outputs(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    delivered: u64,
    waiting: usize,
    /// When a record was taken last, or nothing waited.
    well_at: Timestamp,
}

impl Outputs {
    pub(crate) fn look(&self, producers: [&Producer; 2], now: Timestamp) {
        let delivered = producers.map(Producer::delivered).iter().sum();
        let waiting = producers.map(Producer::in_flight).iter().sum();
        self.note((delivered, waiting), now);
    }

    fn note(&self, (delivered, waiting): (u64, usize), now: Timestamp) {
        let mut noted = self.0.lock().expect("no holder panics");
        if delivered != noted.delivered || waiting == 0 || noted.waiting == 0 {
            noted.well_at = now;
        }
        noted.delivered = delivered;
        noted.waiting = waiting;
    }

    /// What to say where Kafka takes nothing.
    pub(crate) fn alarm(&self, now: Timestamp) -> Option<String> {
        let noted = self.0.lock().expect("no holder panics");
        let since = now.since(noted.well_at);
        (noted.waiting > 0 && since >= PATIENCE_MS).then(|| {
            format!(
                "Kafka has taken no record for {} s, {} wait; reading slows down, nothing is lost",
                since.div_euclid(SECOND),
                noted.waiting
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_takes_nothing_is_told_after_ten_seconds_until_it_takes_again() {
        let at = |s: i64| Timestamp(s * SECOND);
        let outputs = Outputs::default();
        outputs.note((0, 0), at(100));
        outputs.note((0, 3), at(200));
        assert_eq!(outputs.alarm(at(209)), None);
        let told = outputs.alarm(at(210)).expect("an alarm");
        assert!(told.contains("10 s, 3 wait"), "{told}");
        outputs.note((1, 2), at(211));
        assert_eq!(outputs.alarm(at(220)), None);
        outputs.note((3, 0), at(300));
        assert_eq!(outputs.alarm(at(900)), None);
    }
}
