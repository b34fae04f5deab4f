//! In: when messages come. Kept: how many more may come. Out: whether one is too many.
//! Never knows: messages.

use std::time::Duration;
use tokio::time::Instant;

/// In this time as many may come again as at once.
const REFILL: Duration = Duration::from_secs(10);

/// A bucket that holds so many messages and fills up again.
#[derive(Debug)]
pub(crate) struct Pace {
    most: f64,
    left: f64,
    at: Instant,
}

impl Pace {
    pub(crate) fn new(most: u32) -> Self {
        let most = f64::from(most);
        Self {
            most,
            left: most,
            at: Instant::now(),
        }
    }

    /// Takes one message in.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let more = passed / REFILL.as_secs_f64() * self.most;
        self.left = (self.left + more).min(self.most);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_come_at_once_and_then_as_many_in_ten_seconds() {
        let mut pace = Pace::new(200);
        let taken = |pace: &mut Pace, now| (0..1_000).filter(|_| pace.allows(now)).count();
        let begun = Instant::now();
        assert_eq!(taken(&mut pace, begun), 200);
        assert_eq!(taken(&mut pace, begun + Duration::from_secs(1)), 20);
        assert_eq!(taken(&mut pace, begun + Duration::from_secs(60)), 200);
    }
}
