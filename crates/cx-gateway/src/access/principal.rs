//! In: nothing. Kept: nothing. Out: somebody who asks, and what they may. Never knows: how they proved who
//! they are.

use super::refused::Refused;
use super::right::Right;
use super::role::{Boards, Role};
use super::token::Signed;
use axum::Extension;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who asks: the door puts it beside every request.
pub(crate) type Who = Extension<Arc<Principal>>;

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The name that acts carry; empty where nobody is asked for one.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Which definitions they own, as `team.role`.
    pub(crate) answers_for: Vec<String>,
    pub(crate) boards: Boards,
    /// A credential for less than its role may.
    pub(crate) only: Option<BTreeSet<Right>>,
    /// Until when, ms since 1970; `None`: until it is revoked.
    pub(crate) until: Option<i64>,
    pub(crate) means: Means,
}

/// What it rests on: gone, it is nobody any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Means {
    /// Nothing: access is open, and whoever reaches this machine is everybody.
    Open,
    /// Nothing: whoever asks showed no credential, and is nobody.
    Nobody,
    /// A session or a display's pass, by the digest of its secret.
    Pass(String),
    /// An API key, by its id.
    Key(String),
    /// A token of the issuer's, by the key that signed it.
    Token(Signed),
}

impl Principal {
    /// Everybody, where access is open.
    pub(crate) fn open() -> Self {
        Self {
            name: String::new(),
            role: Role::Admin,
            answers_for: Vec::new(),
            boards: Boards::all(),
            only: None,
            until: None,
            means: Means::Open,
        }
    }

    /// Whoever showed no credential where one is needed.
    pub(crate) fn nobody() -> Self {
        Self {
            role: Role::Viewer,
            boards: Boards::of([""; 0]),
            only: Some(BTreeSet::new()),
            means: Means::Nobody,
            ..Self::open()
        }
    }

    /// Nobody was asked who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.means == Means::Open
    }

    /// The one question: whether somebody may do something.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.check(right).is_ok()
    }

    /// # Errors
    /// What they are, and what they would have to be.
    pub(crate) fn check(&self, right: Right) -> Result<(), Refused> {
        if self.means == Means::Nobody {
            return Err(Refused::NoCredential);
        }
        if !right.roles().contains(&self.role) {
            return Err(Refused::Role(self.role, right));
        }
        if self
            .only
            .as_ref()
            .is_some_and(|only| !only.contains(&right))
        {
            return Err(Refused::Narrow(right));
        }
        if right.of_all_boards() && !self.boards.are_all() {
            return Err(Refused::SomeBoards(right, self.boards.clone()));
        }
        Ok(())
    }

    /// # Errors
    /// Which boards they may see instead.
    pub(crate) fn check_board(&self, board: &str) -> Result<(), Refused> {
        if self.boards.have(board) {
            return Ok(());
        }
        Err(Refused::Board(board.to_owned(), self.boards.clone()))
    }
}
