//! In: nothing. Kept: nothing. Out: API keys of programs. Never knows: where they are kept.

use super::principal::{Means, Principal};
use super::right::Right;
use super::role::{Boards, Role};
use super::secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What every key begins with, so that a lost one is found by whoever looks for secrets.
pub(super) const PREFIX: &str = "wf_";

/// One key: all but the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it begins with after `wf_`: eight hex digits, which lists show.
    pub id: String,
    /// The name that acts carry.
    pub name: String,
    /// What it is here.
    pub role: Role,
    /// What it may see.
    pub boards: Boards,
    /// It may do less than its role: these only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<Right>>,
    /// Until when, ms since 1970; `None`: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// SHA-256 of the whole key.
    digest: String,
}

impl Key {
    /// A fresh one, and its text, which is nowhere else.
    #[must_use]
    pub fn fresh(
        name: &str,
        (role, boards): (Role, Boards),
        only: Option<BTreeSet<Right>>,
        until: Option<i64>,
    ) -> (Self, String) {
        let id = secret::hex(&secret::random::<4>());
        let text = format!("{PREFIX}{id}_{}", secret::fresh());
        let key = Self {
            id,
            name: name.to_owned(),
            role,
            boards,
            only,
            until,
            digest: secret::digest(&text),
        };
        (key, text)
    }

    /// Whether a text is this key.
    pub(crate) fn is(&self, digest: &str) -> bool {
        self.digest == digest
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal {
            name: self.name.clone(),
            role: self.role,
            // Programs sign nothing.
            answers_for: Vec::new(),
            boards: self.boards.clone(),
            only: self.only.clone(),
            until: self.until,
            means: Means::Key(self.id.clone()),
        }
    }
}
