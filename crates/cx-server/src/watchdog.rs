//! In: whether there is more to read, and how far reading has come. Kept: since when it stands still.
//! Out: whether that is too long. Never knows: Kafka.

use cx_model::time::{SECOND, Timestamp};

/// How long reading may stand still while there is more to read, ms.
const PATIENCE_MS: i64 = 30 * SECOND;

/// Notices a client that neither reads nor says why.
#[derive(Debug)]
pub(crate) struct Watchdog {
    position: i64,
    moved_at: Timestamp,
}

impl Watchdog {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            position: -1,
            moved_at: now,
        }
    }

    /// Whether reading has stood still for too long; says so again after as long.
    pub(crate) fn stuck(&mut self, now: Timestamp, more: bool, position: i64) -> bool {
        let still = more && position == self.position;
        let stuck = still && now.since(self.moved_at) >= PATIENCE_MS;
        if !still || stuck {
            self.position = position;
            self.moved_at = now;
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_still_is_noticed_after_half_a_minute_and_only_where_there_is_more() {
        let at = |s: i64| Timestamp(s * SECOND);
        let mut dog = Watchdog::new(at(0));
        assert!(!dog.stuck(at(1), true, 5));
        assert!(!dog.stuck(at(30), true, 5));
        assert!(dog.stuck(at(31), true, 5));
        assert!(!dog.stuck(at(60), true, 5), "a new client gets as long");
        assert!(dog.stuck(at(61), true, 5));
        assert!(!dog.stuck(at(90), true, 6));
        assert!(!dog.stuck(at(200), false, 6));
        assert!(!dog.stuck(at(229), true, 6));
    }
}
