//! In: nothing. Kept: nothing. Out: the roles, and the boards that somebody may see. Never knows: who
//! has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What somebody is here; one of five.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at boards.
    Viewer,
    /// Cares for what the wall shows.
    Operator,
    /// Answers for meanings.
    Marketer,
    /// Answers for data, sends and reads with programs.
    Engineer,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Operator,
        Self::Marketer,
        Self::Engineer,
        Self::Admin,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Marketer => "marketer",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("there is no role {text:?}; write one of {all}")
        })
    }
}

/// Boards by name; `*` stands for all, also those that come later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boards(BTreeSet<String>);

impl Boards {
    const ALL: &str = "*";

    /// All there are and will be.
    #[must_use]
    pub fn all() -> Self {
        Self(BTreeSet::from([Self::ALL.to_owned()]))
    }

    /// These only.
    pub fn of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Whether it is all.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.0.contains(Self::ALL)
    }

    /// Whether a board is among them.
    #[must_use]
    pub fn have(&self, board: &str) -> bool {
        self.are_all() || self.0.contains(board)
    }

    /// Those of `other` that are among these.
    pub(crate) fn narrowed(&self, other: Self) -> Self {
        if other.are_all() {
            return self.clone();
        }
        Self(other.0.into_iter().filter(|b| self.have(b)).collect())
    }
}

impl fmt::Display for Boards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.are_all() {
            return f.write_str("all boards");
        }
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

impl FromStr for Boards {
    type Err = String;

    /// `care,sales`, or `*`.
    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let good = |n: &&str| !n.is_empty() && n.len() <= 64 && !n.chars().any(char::is_control);
        if names.iter().all(good) {
            Ok(Self::of(names))
        } else {
            Err(format!(
                "{text:?} names no boards; write care,sales, or * for all"
            ))
        }
    }
}
