//! In: what stands after `Authorization: Bearer`. Kept: nothing. Out: whose API key or token it is. Never knows:
//! requests.

use super::key::{self, Key};
use super::principal::{Means, Principal};
use super::refused::Refused;
use super::token::{Fault, Signed, Tokens, Told};
use super::{Access, Close, secret};
use std::sync::Arc;

impl Access {
    /// Whoever comes with a signed token of this issuer is who it says.
    #[must_use]
    pub fn with_tokens(self, tokens: Arc<Tokens>) -> Self {
        let tokens = Some(tokens);
        Self { tokens, ..self }
    }

    /// The keys of the issuer of tokens were read anew, well or not: whose key is gone is shown out.
    pub fn keys_read(&self) {
        self.changed.send_replace(());
    }

    /// What a person must mend, in words.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        let programs = self.tokens.as_deref();
        let people = self.sign_on.as_ref().map(|on| on.tokens());
        let issuers = programs.into_iter().chain(people);
        issuers.filter_map(Tokens::alarm).collect()
    }

    pub(super) fn of_bearer(&self, text: &str) -> Result<Principal, Refused> {
        if looks_like_a_token(text) {
            let tokens = self.tokens.as_ref().ok_or(Fault::Unasked);
            let held = tokens.and_then(|tokens| tokens.verify(text, self.now_ms()));
            let held = held.map_err(Refused::Token)?;
            self.own_name(&held.who).map_err(Refused::Token)?;
            return Ok(Principal {
                name: held.who.name,
                role: held.who.role,
                // Programs sign nothing.
                answers_for: Vec::new(),
                boards: held.who.boards,
                only: None,
                until: Some(held.until),
                means: Means::Token(held.by),
            });
        }
        let digest = secret::digest(text);
        let keys = self.keys.read().expect("no holder panics");
        let found = keys.iter().find(|key| key.is(&digest)).map(Key::principal);
        let why = "it was revoked, is over, or never was one";
        found
            .filter(|key| key.until.is_none_or(|until| until > self.now_ms()))
            .ok_or_else(|| Refused::Unknown("API key", why.into()))
    }

    /// Names of the users file are its own: nobody else acts under them.
    pub(super) fn own_name(&self, who: &Told) -> Result<(), Fault> {
        let people = self.people.read().expect("no holder panics");
        if people.iter().any(|person| person.name == who.name) {
            return Err(Fault::NameTaken);
        }
        Ok(())
    }

    /// Whether a token's key still counts, and its name is still its own.
    pub(super) fn token_stands(&self, who: &Principal, by: &Signed) -> Result<(), Close> {
        let stands = self.tokens.as_ref().is_some_and(|tokens| tokens.stands(by));
        let people = self.people.read().expect("no holder panics");
        if stands && people.iter().all(|person| person.name != who.name) {
            return Ok(());
        }
        Err(Close::Revoked)
    }

    /// Has the issuer's keys read again where a token names one that is not known, and waits for it a little.
    pub(crate) async fn learn(&self, text: &str) {
        if let Some(tokens) = &self.tokens
            && looks_like_a_token(text)
        {
            tokens.learn(text).await;
        }
    }
}

/// API keys have no dots.
fn looks_like_a_token(text: &str) -> bool {
    text.contains('.') && !text.starts_with(key::PREFIX)
}
