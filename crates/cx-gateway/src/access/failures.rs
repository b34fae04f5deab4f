//! In: attempts to sign in. Kept: how many failed lately, of each name and each address. Out: whether one
//! more may be made. Never knows: passwords.

use std::collections::HashMap;

/// How long a failure counts, ms.
pub(crate) const WINDOW_MS: i64 = 5 * 60 * 1_000;
/// Failures of one name, and of one address.
pub(crate) const OF_NAME: u32 = 8;
pub(crate) const OF_ADDRESS: u32 = 40;
/// Names and addresses that are told apart; beyond them all others share one count.
const MOST: usize = 10_000;

/// Failures by what they are counted under.
#[derive(Debug, Default)]
pub(crate) struct Failures(HashMap<String, Count>);

#[derive(Debug, Clone, Copy)]
struct Count {
    failed: u32,
    /// When they are forgotten.
    until: i64,
}

impl Failures {
    /// Counts an attempt as failed before it is made, so that many at once are counted, too.
    ///
    /// # Errors
    /// How long to wait, s, where there were too many.
    pub(crate) fn attempt(&mut self, key: &str, most: u32, now: i64) -> Result<(), i64> {
        if self.0.len() >= MOST {
            self.0.retain(|_, count| count.until > now);
        }
        let full = self.0.len() >= MOST && !self.0.contains_key(key);
        let key = if full { "" } else { key };
        let fresh = Count {
            failed: 0,
            until: now + WINDOW_MS,
        };
        let count = self.0.entry(key.to_owned()).or_insert(fresh);
        if count.until <= now {
            *count = fresh;
        }
        if count.failed >= most {
            return Err((count.until - now).div_euclid(1_000) + 1);
        }
        count.failed += 1;
        Ok(())
    }

    /// It did not fail.
    pub(crate) fn forgive(&mut self, key: &str) {
        if let Some(count) = self.0.get_mut(key) {
            count.failed = count.failed.saturating_sub(1);
        }
    }

    /// Somebody proved who they are: their name begins again.
    pub(crate) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_eight_failures_a_name_waits_until_they_are_forgotten() {
        let mut failures = Failures::default();
        for _ in 0..OF_NAME {
            assert_eq!(failures.attempt("ada", OF_NAME, 0), Ok(()));
        }
        assert_eq!(failures.attempt("ada", OF_NAME, 1_000), Err(300));
        assert_eq!(failures.attempt("ben", OF_NAME, 1_000), Ok(()));
        assert_eq!(failures.attempt("ada", OF_NAME, WINDOW_MS), Ok(()));
    }

    #[test]
    fn whoever_asks_under_ever_new_names_takes_bounded_memory() {
        let mut failures = Failures::default();
        for i in 0..3 * MOST {
            let told = failures.attempt(&i.to_string(), OF_NAME, 0);
            assert!(told.is_ok() || i >= MOST);
        }
        assert!(failures.0.len() <= MOST + 1);
        assert!(failures.attempt("new", OF_NAME, 0).is_err());
    }
}
