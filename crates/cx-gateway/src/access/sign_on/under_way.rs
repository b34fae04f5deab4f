//! In: sign-ins that begin. Kept: what each has to come back with, for a while. Out: the same, once. Never knows:
//! the issuer.

use std::collections::HashMap;

/// How long somebody may take at the issuer, ms.
pub(crate) const WHILE_MS: i64 = 10 * 60 * 1_000;
/// Most that are under way; beyond them the oldest one goes.
const MOST: usize = 10_000;

/// A sign-in that was begun.
pub(super) struct Begun {
    /// The digest of what the browser keeps.
    pub(super) browser: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) redirect: String,
    pub(super) page: String,
}

/// All of them, by the digest of their state.
#[derive(Default)]
pub(super) struct UnderWay(HashMap<String, (Begun, i64)>);

impl UnderWay {
    pub(super) fn add(&mut self, state: String, begun: Begun, now: i64) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, until)| *until > now);
        }
        if self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(state, (begun, now + WHILE_MS));
    }

    pub(super) fn take(&mut self, state: &str, now: i64) -> Option<Begun> {
        let (begun, until) = self.0.remove(state)?;
        (until > now).then_some(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Begun {
        Begun {
            browser: String::new(),
            nonce: String::new(),
            verifier: String::new(),
            redirect: String::new(),
            page: "/".to_owned(),
        }
    }

    #[test]
    fn each_comes_back_once_and_not_after_ten_minutes() {
        let mut all = UnderWay::default();
        all.add("a".to_owned(), begun(), 0);
        all.add("b".to_owned(), begun(), 0);
        assert!(all.take("a", WHILE_MS - 1).is_some());
        assert!(all.take("a", WHILE_MS - 1).is_none());
        assert!(all.take("b", WHILE_MS).is_none());
    }

    #[test]
    fn whoever_begins_ever_again_takes_bounded_memory_and_the_oldest_goes() {
        let mut all = UnderWay::default();
        for i in 0..=MOST {
            all.add(i.to_string(), begun(), i64::try_from(i).unwrap());
        }
        assert_eq!(all.0.len(), MOST);
        assert!(all.take("0", 0).is_none() && all.take("1", 0).is_some());
    }
}
