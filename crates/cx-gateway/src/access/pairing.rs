//! In: displays that ask to be let in. Kept: their codes, until somebody confirms one. Out: a pass for the
//! display that showed the code. Never knows: who may confirm.

use super::secret;
use std::collections::HashMap;

/// How long a code holds, ms.
pub(crate) const HOLDS_MS: i64 = 10 * 60 * 1_000;
/// Codes that wait.
const MOST: usize = 200;
/// Nothing that looks like something else.
const LETTERS: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Displays that wait, by the digest of what each of them alone knows.
#[derive(Debug, Default)]
pub(crate) struct Pairings(HashMap<String, Pairing>);

struct Pairing {
    code: String,
    until: i64,
    /// The secret of its pass and the board to show, once somebody confirmed.
    pass: Option<(String, String)>,
}

impl std::fmt::Debug for Pairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pairing({})", self.pass.is_some())
    }
}

/// How a display's wait goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nobody confirmed it yet.
    Still,
    /// Somebody did: the secret of its pass, and the board.
    Confirmed(String, String),
    /// Its code is over, or never was.
    Over,
}

impl Pairings {
    /// A code to show and a claim to keep; `None` where too many wait.
    pub(crate) fn begin(&mut self, now: i64) -> Option<(String, String)> {
        self.0.retain(|_, pairing| pairing.until > now);
        if self.0.len() >= MOST {
            return None;
        }
        let (code, claim) = (code(), secret::fresh());
        let pairing = Pairing {
            code: code.clone(),
            until: now + HOLDS_MS,
            pass: None,
        };
        self.0.insert(secret::digest(&claim), pairing);
        Some((code, claim))
    }

    /// Gives the display that shows a code its pass; false where none shows it.
    pub(crate) fn confirm(
        &mut self,
        code: &str,
        board: &str,
        now: i64,
        pass: impl FnOnce() -> String,
    ) -> bool {
        let wanted: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        let wanted = wanted.to_ascii_uppercase();
        let shows = |p: &&mut Pairing| {
            p.until > now && p.pass.is_none() && p.code.replace('-', "") == wanted
        };
        let Some(pairing) = self.0.values_mut().find(shows) else {
            return false;
        };
        pairing.pass = Some((pass(), board.to_owned()));
        true
    }

    /// What became of a display's wait; a pass is handed over once.
    pub(crate) fn claim(&mut self, claim: &str, now: i64) -> Waiting {
        let digest = secret::digest(claim);
        match self.0.get(&digest) {
            Some(pairing) if pairing.until > now => {
                if pairing.pass.is_none() {
                    return Waiting::Still;
                }
            }
            Some(_) | None => return Waiting::Over,
        }
        let pass = self.0.remove(&digest).and_then(|pairing| pairing.pass);
        pass.map_or(Waiting::Over, |(secret, board)| {
            Waiting::Confirmed(secret, board)
        })
    }
}

/// Eight letters and digits in two halves.
fn code() -> String {
    let letters = std::iter::repeat_with(secret::random::<1>)
        // 240 is the largest multiple of 30 in a byte: all letters are as likely.
        .filter(|[byte]| *byte < 240)
        .map(|[byte]| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let letters: Vec<char> = letters.take(8).collect();
    let half = |letters: &[char]| letters.iter().collect::<String>();
    format!("{}-{}", half(&letters[..4]), half(&letters[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_gets_its_pass_once_and_only_after_somebody_confirmed_its_code() {
        let mut pairings = Pairings::default();
        let (code, claim) = pairings.begin(0).unwrap();
        assert_eq!(pairings.claim(&claim, 1), Waiting::Still);
        assert!(!pairings.confirm("AAAA-AAAA", "care", 1, || "pass".to_owned()));
        let typed = code.to_lowercase().replace('-', " ");
        assert!(pairings.confirm(&typed, "care", 1, || "pass".to_owned()));
        assert!(!pairings.confirm(&code, "care", 1, || "second".to_owned()));
        assert_eq!(pairings.claim("guess", 2), Waiting::Over);
        let got = Waiting::Confirmed("pass".to_owned(), "care".to_owned());
        assert_eq!(pairings.claim(&claim, 2), got);
        assert_eq!(pairings.claim(&claim, 3), Waiting::Over);
    }

    #[test]
    fn a_code_is_over_after_ten_minutes_and_few_wait() {
        let mut pairings = Pairings::default();
        let (code, claim) = pairings.begin(0).unwrap();
        assert!(!pairings.confirm(&code, "care", HOLDS_MS, || "pass".to_owned()));
        assert_eq!(pairings.claim(&claim, HOLDS_MS), Waiting::Over);
        assert_eq!((0..300).filter_map(|_| pairings.begin(0)).count(), MOST - 1);
    }
}
