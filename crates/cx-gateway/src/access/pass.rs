//! In: people who signed in, displays that were paired. Kept: their passes, by the digest of a secret that
//! the browser holds. Out: whose a secret is, as long as it holds. Never knows: cookies, files.

use super::role::{Boards, Role};
use super::secret;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Passes of the house, and sessions of one person; beyond them the oldest one goes.
const MOST: usize = 10_000;
const OF_ONE: usize = 20;

/// What a browser shows instead of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// The digest of its secret.
    digest: String,
    /// Whose it is.
    pub(crate) of: Holder,
    /// From when on, ms since 1970.
    pub(crate) issued: i64,
    /// Until when.
    pub(crate) until: i64,
}

/// Who holds a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Holder {
    /// A person of the users file, as long as their password is the same.
    Person {
        /// Name.
        name: String,
        /// Their password's stamp.
        stamp: String,
    },
    /// A person whom an issuer vouched for, as long as it is asked here.
    Issued(Issued),
    /// A display that shows boards and does nothing else.
    Device {
        /// Its id in lists.
        id: String,
        /// What it is called.
        name: String,
        /// What it shows.
        boards: Boards,
        /// Who let it in.
        by: String,
    },
}

/// A person as their issuer told of them when they signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issued {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) boards: Boards,
    pub(crate) issuer: String,
    /// Owners of definitions for whom they sign; left out by releases that knew none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) answers_for: Vec<String>,
}

/// All passes that hold.
#[derive(Debug, Default)]
pub(crate) struct Passes(HashMap<String, Pass>);

impl Holder {
    /// The person's name, if it is one.
    fn person(&self) -> Option<&str> {
        match self {
            Self::Person { name, .. } => Some(name),
            Self::Issued(issued) => Some(&issued.name),
            Self::Device { .. } => None,
        }
    }
}

impl Passes {
    pub(crate) fn of(all: Vec<Pass>, now: i64) -> Self {
        let holds = all.into_iter().filter(|pass| pass.until > now);
        Self(holds.map(|pass| (pass.digest.clone(), pass)).collect())
    }

    /// A new one; its secret.
    pub(crate) fn issue(&mut self, of: Holder, (issued, until): (i64, i64)) -> String {
        self.0.retain(|_, pass| pass.until > issued);
        if let Some(name) = of.person() {
            self.oldest_goes(OF_ONE, |pass| pass.of.person() == Some(name));
        }
        self.oldest_goes(MOST, |_| true);
        let secret = secret::fresh();
        let digest = secret::digest(&secret);
        let pass = Pass {
            digest: digest.clone(),
            of,
            issued,
            until,
        };
        self.0.insert(digest, pass);
        secret
    }

    fn oldest_goes(&mut self, most: usize, among: impl Fn(&Pass) -> bool) {
        let own = self.0.values().filter(|pass| among(pass));
        if own.clone().count() >= most
            && let Some(oldest) = own.min_by_key(|pass| pass.issued)
        {
            let digest = oldest.digest.clone();
            self.0.remove(&digest);
        }
    }

    pub(crate) fn get(&self, digest: &str) -> Option<&Pass> {
        self.0.get(digest)
    }

    /// Ends one; false where there is none.
    pub(crate) fn end(&mut self, digest: &str) -> bool {
        self.0.remove(digest).is_some()
    }

    /// Ends a display's; false where there is none of that id.
    pub(crate) fn end_device(&mut self, device: &str) -> bool {
        let before = self.0.len();
        let other = |pass: &Pass| !matches!(&pass.of, Holder::Device { id, .. } if id == device);
        self.0.retain(|_, pass| other(pass));
        self.0.len() < before
    }

    /// All that are kept, oldest first.
    pub(crate) fn all(&self) -> Vec<Pass> {
        let mut all: Vec<Pass> = self.0.values().cloned().collect();
        all.sort_by(|a, b| (a.issued, &a.digest).cmp(&(b.issued, &b.digest)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Holder {
        Holder::Person {
            name: "ada".to_owned(),
            stamp: String::new(),
        }
    }

    #[test]
    fn a_pass_is_found_by_its_secret_alone_which_is_not_kept() {
        let mut passes = Passes::default();
        let secret = passes.issue(ada(), (0, 10));
        assert!(passes.get(&secret::digest(&secret)).is_some());
        assert!(passes.get(&secret).is_none());
        assert!(!format!("{passes:?}").contains(&secret));
    }

    #[test]
    fn the_oldest_of_too_many_sessions_of_one_person_goes() {
        let mut passes = Passes::default();
        let first = passes.issue(ada(), (0, 1_000));
        for at in 1..=20 {
            passes.issue(ada(), (at, 1_000));
        }
        assert_eq!(passes.all().len(), OF_ONE);
        assert!(passes.get(&secret::digest(&first)).is_none());
    }

    #[test]
    fn those_that_are_over_are_not_taken_back() {
        let mut passes = Passes::default();
        passes.issue(ada(), (0, 10));
        passes.issue(ada(), (1, 20));
        assert_eq!(Passes::of(passes.all(), 10).all().len(), 1);
    }
}
