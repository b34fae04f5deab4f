//! In: how far each partition has come. Kept: its log time and whether its log has more.
//! Out: who must wait, so that partitions that catch up stay within an hour of each other.
//! Never knows: clocks, Kafka.

use cx_model::time::{MINUTE, Timestamp};
use std::sync::Mutex;

/// How far ahead of the slowest a partition may read on, ms of log time. A batch may overshoot it;
/// together they stay below the hour that the roll-up counts on.
const AHEAD_MS: i64 = 45 * MINUTE;

/// How far all partitions of the house have come.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<Vec<Mark>>);

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// First and newest log time; `None` before the first record.
    reach: Option<(Timestamp, Timestamp)>,
    /// All of its log is read, for the moment.
    at_end: bool,
}

impl Pace {
    pub(crate) fn new(partitions: u32) -> Self {
        Self(Mutex::new(vec![Mark::default(); partitions as usize]))
    }

    /// Takes note of a partition; the slowest log time of all that have more to read, `None` where
    /// none has. One that has said nothing yet stands where the earliest of the others began.
    pub(crate) fn note(
        &self,
        partition: u32,
        log_time: Option<Timestamp>,
        at_end: bool,
    ) -> Option<Timestamp> {
        let mut marks = self.0.lock().expect("no holder panics");
        if let Some(mark) = marks.get_mut(partition as usize) {
            mark.at_end = at_end;
            mark.reach = log_time.map(|t| (mark.reach.map_or(t, |(first, _)| first), t));
        }
        let earliest = marks.iter().filter_map(|m| m.reach).map(|r| r.0).min();
        let reading = marks.iter().filter(|m| !m.at_end);
        reading
            .filter_map(|m| m.reach.map(|r| r.1).or(earliest))
            .min()
    }
}

/// Whether a partition at `log_time` must wait for the slowest.
pub(crate) fn ahead(log_time: Option<Timestamp>, slowest: Option<Timestamp>) -> bool {
    log_time
        .zip(slowest)
        .is_some_and(|(ours, slowest)| ours.since(slowest) > AHEAD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::time::HOUR;

    const T: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn whoever_is_far_ahead_of_the_slowest_waits() {
        let pace = Pace::new(3);
        pace.note(0, Some(T), false);
        pace.note(1, Some(T.plus(HOUR)), false);
        let slowest = pace.note(2, Some(T.plus(10 * MINUTE)), false);
        assert_eq!(slowest, Some(T));
        assert!(ahead(Some(T.plus(HOUR)), slowest));
        assert!(!ahead(Some(T.plus(10 * MINUTE)), slowest));
    }

    #[test]
    fn nobody_waits_for_a_partition_whose_log_has_no_more() {
        let pace = Pace::new(2);
        pace.note(0, Some(T), true);
        assert_eq!(pace.note(1, Some(T.plus(HOUR)), true), None);
        assert!(!ahead(Some(T.plus(HOUR)), None));
    }

    #[test]
    fn a_partition_not_heard_yet_holds_the_others_near_their_start() {
        let pace = Pace::new(2);
        pace.note(0, Some(T), false);
        let slowest = pace.note(0, Some(T.plus(HOUR)), false);
        assert_eq!(slowest, Some(T));
    }
}
