//! In: where an issuer publishes its keys. Kept: when they were read. Out: the keys, whenever they may be others:
//! every so often, when a file changed, and when a token names one that is not known. Never knows: tokens.

use super::fetch;
use super::provider::Issuer;
use crate::clock;
use cx_gateway::access::Access;
use cx_gateway::access::token::{LARGEST_KEYS, Rules, Tokens};
use reqwest::Url;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Whatever tokens say, and whether or not it went well, an issuer is not asked more often than this.
const AGAIN_MS: i64 = 10_000;

/// Where keys are.
pub(crate) enum Source {
    Address(Url),
    File(PathBuf),
    /// Where it says itself that they are.
    Issuer(Arc<Issuer>),
}

/// When keys are read.
#[derive(Debug)]
struct Rhythm {
    every_ms: i64,
    last: Option<i64>,
    failed: bool,
}

impl Rhythm {
    fn due(&self, now: i64, asked: bool) -> bool {
        let Some(last) = self.last else {
            return true;
        };
        let since = now - last;
        // A clock that was set back would never come round again.
        since < 0 || since >= self.every_ms || (since >= AGAIN_MS && (asked || self.failed))
    }
}

/// What is read anew, and whom it is told to.
struct Reader {
    source: Source,
    changed: Option<SystemTime>,
    rhythm: Rhythm,
    told: Option<String>,
}

impl Source {
    fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Address(url) => fetch::get(url, LARGEST_KEYS),
            Self::Issuer(issuer) => issuer.keys(),
            Self::File(file) => {
                let large = file.metadata().is_ok_and(|m| m.len() > LARGEST_KEYS as u64);
                if large {
                    return Err(format!("a key set has {LARGEST_KEYS} bytes at most"));
                }
                std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))
            }
        }
    }

    /// When it was changed, where that can be seen.
    fn changed(&self) -> Option<SystemTime> {
        match self {
            Self::Address(_) | Self::Issuer(_) => None,
            Self::File(file) => file.metadata().and_then(|m| m.modified()).ok(),
        }
    }
}

/// Tokens of an issuer, and the thread that reads its keys once [`Keeper::keep`] is called.
pub(crate) struct Keeper {
    tokens: Arc<Tokens>,
    asked: Receiver<()>,
    reader: Reader,
}

impl Keeper {
    pub(crate) fn new(rules: Rules, source: Source, every: Duration) -> Self {
        let (ask, asked) = sync_channel(1);
        let ask = move || {
            // One that waits already stands for all.
            ask.try_send(()).ok();
        };
        Self {
            tokens: Arc::new(Tokens::new(rules, Box::new(ask))),
            asked,
            reader: Reader::new(source, every),
        }
    }

    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// Reads the keys from now on, as long as anybody asks who somebody is.
    ///
    /// # Errors
    /// No thread to be had.
    pub(crate) fn keep(self, access: &Arc<Access>) -> std::io::Result<()> {
        let (access, tokens) = (Arc::downgrade(access), Arc::downgrade(&self.tokens));
        let (asked, mut reader) = (self.asked, self.reader);
        std::thread::Builder::new()
            .name("issuer".to_owned())
            .spawn(move || {
                let mut wanted = false;
                while reader.look(&tokens, &access, wanted) {
                    wanted = match asked.recv_timeout(LOOK) {
                        Ok(()) => true,
                        Err(RecvTimeoutError::Timeout) => false,
                        Err(RecvTimeoutError::Disconnected) => return,
                    };
                }
            })?;
        Ok(())
    }
}

impl Reader {
    fn new(source: Source, every: Duration) -> Self {
        let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        Self {
            source,
            changed: None,
            rhythm: Rhythm {
                every_ms,
                last: None,
                failed: false,
            },
            told: None,
        }
    }

    /// Reads the keys if it is time to; false where nobody needs them any more.
    fn look(&mut self, tokens: &Weak<Tokens>, access: &Weak<Access>, asked: bool) -> bool {
        let (Some(tokens), Some(access)) = (tokens.upgrade(), access.upgrade()) else {
            return false;
        };
        let (now, changed) = (clock::now().0, self.source.changed());
        if !self.rhythm.due(now, asked) && changed == self.changed {
            if asked {
                // It was tried just before: nobody waits for nothing.
                tokens.tried(tokens.trouble());
            }
            return true;
        }
        self.changed = changed;
        self.rhythm.last = Some(now);
        let taken = self.source.read().and_then(|set| tokens.take(&set));
        self.rhythm.failed = taken.is_err();
        let issuer = &tokens.rules().issuer;
        match &taken {
            Ok(faults) => {
                if self.told.is_none() {
                    tracing::info!(issuer, "the keys of the issuer were read");
                }
                self.tell(issuer, faults.join("; "));
            }
            Err(why) => self.tell(issuer, why.clone()),
        }
        let trouble = taken.err();
        tokens.tried(trouble);
        access.keys_read();
        true
    }

    /// Says once what is wrong.
    fn tell(&mut self, issuer: &str, words: String) {
        if !words.is_empty() && self.told.as_ref() != Some(&words) {
            tracing::error!(issuer, "keys of the issuer: {words}");
        }
        self.told = Some(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_have_the_issuer_asked_rarely_and_it_is_asked_every_so_often_anyway() {
        let mut rhythm = Rhythm {
            every_ms: 300_000,
            last: None,
            failed: false,
        };
        assert!(rhythm.due(0, false), "at the start");
        rhythm.last = Some(0);
        assert!(!rhythm.due(9_999, true), "however many ask");
        assert!(rhythm.due(10_000, true));
        assert!(!rhythm.due(299_999, false));
        assert!(rhythm.due(300_000, false));
        rhythm.failed = true;
        assert!(!rhythm.due(9_999, false) && rhythm.due(10_000, false));
        assert!(rhythm.due(-1, false), "the clock was set back");
    }
}
