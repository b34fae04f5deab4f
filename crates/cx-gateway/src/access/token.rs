//! In: an issuer's rules, its keys whenever they are read, tokens. Kept: the keys. Out: whom a token is of, or why
//! it does not hold. Never knows: where keys are from, what anybody may.
//!
//! Signatures are ring's, which TLS needs anyway; what stands around them is ours, because all of it is a
//! refusal: which algorithm, which key, which claims. Nothing in a token chooses how it is verified.

mod algorithm;
mod claims;
mod compact;
mod fault;
mod keys;

pub use algorithm::Algorithm;
pub(crate) use claims::Told;
pub use claims::Wanted;
pub use fault::Fault;
pub use keys::LARGEST as LARGEST_KEYS;

use compact::Compact;
use keys::{Key, Keys};
use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// How long somebody waits for keys to be read again, whose token names one that is not known.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a token claims.
pub(crate) type Claims = serde_json::Map<String, serde_json::Value>;

/// Asks for the keys to be read again; how often that is done is up to whoever reads them.
pub type Ask = Box<dyn Fn() + Send + Sync>;

/// What tokens are for: each is refused where the other one is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For programs: `typ` is JWT, at+jwt (RFC 9068) or missing.
    Access,
    /// For one sign-in of one person: `typ` is JWT or missing.
    Identity,
}

/// What is believed of an issuer.
#[derive(Debug, Clone)]
pub struct Rules {
    /// As `iss` says it, letter by letter.
    pub issuer: String,
    /// `aud` has to name it.
    pub audience: String,
    /// The ways of signing that count.
    pub algorithms: BTreeSet<Algorithm>,
    /// What the tokens are for.
    pub kind: Kind,
    /// Whether a token has to say from when it holds (`nbf`).
    pub nbf_required: bool,
    /// Which claims say who somebody is.
    pub wanted: Wanted,
}

/// Tokens of one issuer.
pub struct Tokens {
    rules: Rules,
    keys: RwLock<Keys>,
    ask: Ask,
    /// Why the keys could not be read the last time, whenever they were tried to be.
    tried: watch::Sender<Option<String>>,
}

/// Somebody whose token holds.
pub(crate) struct Held {
    pub(crate) who: Told,
    pub(crate) until: i64,
    pub(crate) by: Signed,
    pub(crate) claims: Claims,
}

/// The key that signed: gone, its tokens are nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed(String, Arc<Key>);

impl Tokens {
    /// Without keys: until some are read no token holds.
    #[must_use]
    pub fn new(rules: Rules, ask: Ask) -> Self {
        Self {
            rules,
            keys: RwLock::default(),
            ask,
            tried: watch::Sender::new(None),
        }
    }

    /// What is believed of the issuer.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// These are the issuer's keys from now on; what is wrong with some of them.
    ///
    /// # Errors
    /// They cannot be used, in words; the former ones stay.
    pub fn take(&self, set: &[u8]) -> Result<Vec<String>, String> {
        let (keys, faults) = Keys::read(set)?;
        *self.keys.write().expect("no holder panics") = keys;
        Ok(faults)
    }

    /// An attempt to read the keys is over, well or not: whoever waits for it goes on.
    pub fn tried(&self, trouble: Option<String>) {
        self.tried.send_replace(trouble);
    }

    /// What a person must mend, in words.
    #[must_use]
    pub fn alarm(&self) -> Option<String> {
        let why = self.tried.borrow().clone()?;
        let none = self.keys.read().expect("no holder panics").are_none();
        let so = if none {
            "until they are read its tokens are refused"
        } else {
            "the former ones hold"
        };
        let issuer = &self.rules.issuer;
        Some(format!("the keys of {issuer} cannot be read ({why}); {so}"))
    }

    /// Why the keys could not be read the last time.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.tried.borrow().clone()
    }

    /// Whom a token is of, at a time in ms since 1970.
    pub(crate) fn verify(&self, text: &str, now: i64) -> Result<Held, Fault> {
        let token = Compact::read(text)?;
        let (kid, how) = self.named(&token)?;
        let key = {
            let keys = self.keys.read().expect("no holder panics");
            if keys.are_none() {
                return Err(Fault::NoKeys);
            }
            keys.get(kid)?.clone()
        };
        key.verify(how, token.signed, &token.signature)?;
        let claims = token.claims()?;
        claims::issuer(&claims, &self.rules.issuer)?;
        claims::audience(&claims, &self.rules.audience)?;
        let until = claims::until(&claims, now, self.rules.nbf_required)?;
        Ok(Held {
            who: self.rules.wanted.told(&claims)?,
            until,
            by: Signed(kid.to_owned(), Arc::new(key)),
            claims,
        })
    }

    /// The key that a header names and how it has to have signed; what the header says is only compared.
    fn named<'c>(&self, token: &'c Compact<'_>) -> Result<(&'c str, Algorithm), Fault> {
        let header = &token.header;
        if let Some(typ) = &header.typ
            && !self.rules.kind.is(typ)
        {
            return Err(Fault::Kind(fault::shown(typ)));
        }
        let ways = &self.rules.algorithms;
        let how = ways.iter().find(|way| way.name() == header.alg);
        let how = how.ok_or_else(|| {
            let all: Vec<&str> = ways.iter().map(|way| way.name()).collect();
            Fault::Algorithm(all.join(" or "), fault::shown(&header.alg))
        })?;
        if header.crit {
            return Err(Fault::Critical);
        }
        let kid = header.kid.as_deref().ok_or(Fault::NoKid)?;
        Ok((kid, *how))
    }

    /// Whether the key that signed still counts.
    pub(crate) fn stands(&self, by: &Signed) -> bool {
        let keys = self.keys.read().expect("no holder panics");
        keys.have(&by.0, &by.1)
    }

    /// Waits until the keys were read again where a token names one that is not known. Its words are
    /// not believed for that: whoever reads the keys does so rarely, however many ask.
    pub(crate) async fn learn(&self, text: &str) {
        let unknown = Compact::read(text).is_ok_and(|token| {
            self.named(&token).is_ok_and(|(kid, _)| {
                let keys = self.keys.read().expect("no holder panics");
                matches!(keys.get(kid), Err(Fault::UnknownKid(_)))
            })
        });
        if !unknown {
            return;
        }
        let mut tried = self.tried.subscribe();
        (self.ask)();
        // Where nobody reads them in time the token is refused as it stands.
        drop(tokio::time::timeout(PATIENCE, tried.changed()).await);
    }
}

impl Kind {
    fn is(self, typ: &str) -> bool {
        let typ = typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        match self {
            Self::Access => matches!(typ, "jwt" | "at+jwt"),
            Self::Identity => typ == "jwt",
        }
    }
}

#[cfg(test)]
mod tests;
