//! In: nothing. Kept: nothing. Out: every reason for which somebody is not let in, with what was expected
//! and what was received. Never knows: secrets; none of them ever stands in an answer.

use super::right::Right;
use super::role::{Boards, Role};
use super::token::Fault;
use crate::problem::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fmt;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There was nothing to tell somebody by.
    NoCredential,
    /// What there was is nobody's: which kind of credential, and why.
    Unknown(&'static str, String),
    /// A token that does not hold, or that is nobody's here.
    Token(Fault),
    /// A cookie where the page that sends it is not told.
    NoOrigin,
    /// The role does not reach so far.
    Role(Role, Right),
    /// The credential was made for less.
    Narrow(Right),
    /// The right tells of all boards, which they may not see.
    SomeBoards(Right, Boards),
    /// Another board.
    Board(String, Boards),
    /// A number that stands on none of their boards.
    Cell(Boards),
}

impl Refused {
    /// The label in `/metrics`, the code in frames.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NoCredential => "no_credential",
            Self::Unknown(..) => "unknown_credential",
            Self::Token(fault) => fault.reason(),
            Self::NoOrigin => "no_origin",
            Self::Role(..) => "role",
            Self::Narrow(_) => "narrow_credential",
            Self::SomeBoards(..) | Self::Board(..) | Self::Cell(_) => "board",
        }
    }

    /// What would be right.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::NoCredential | Self::Unknown(..) => {
                "sign in at /sign-in, or send Authorization: Bearer with an API key (watchfloor key add) or a token of the configured issuer".to_owned()
            }
            Self::Token(fault) => fault.fix(),
            Self::NoOrigin => "send the cookie from the house's own page, or use an API key".to_owned(),
            Self::Role(_, right) => format!("ask somebody who is {}", any(right.roles())),
            Self::Narrow(right) => format!("use a credential that has {}", right.name()),
            Self::SomeBoards(..) => "ask with a credential for all boards".to_owned(),
            Self::Board(_, boards) | Self::Cell(boards) => format!("boards of this credential are: {boards}"),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoCredential | Self::Unknown(..) => StatusCode::UNAUTHORIZED,
            Self::Token(fault) => fault.status(),
            Self::NoOrigin
            | Self::Role(..)
            | Self::Narrow(_)
            | Self::SomeBoards(..)
            | Self::Board(..)
            | Self::Cell(_) => StatusCode::FORBIDDEN,
        }
    }

    fn challenge(&self) -> &'static str {
        if matches!(self, Self::Unknown(..) | Self::Token(_)) {
            r#"Bearer realm="watchfloor", error="invalid_token""#
        } else {
            r#"Bearer realm="watchfloor""#
        }
    }
}

/// Roles in words.
fn any(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    names.join(" or ")
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredential => {
                write!(f, "expected a session or an API key, received none")
            }
            Self::Unknown(kind, why) => write!(f, "the {kind} does not hold: {why}"),
            Self::Token(fault) => fault.fmt(f),
            Self::NoOrigin => write!(
                f,
                "a session came without the header origin, which every browser sends here"
            ),
            Self::Role(role, right) => write!(
                f,
                "{} needs {}, and this is {role}",
                right.name(),
                any(right.roles())
            ),
            Self::Narrow(right) => {
                write!(f, "this credential was made for less than {}", right.name())
            }
            Self::SomeBoards(right, boards) => write!(
                f,
                "{} tells of all boards, and this credential is for {boards}",
                right.name()
            ),
            Self::Board(board, _) => {
                let board: String = board.chars().take(64).collect();
                write!(f, "this credential is not for board {board:?}")
            }
            Self::Cell(_) => write!(f, "this number stands on no board of this credential"),
        }
    }
}

impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        let (title, field) = match refused.status() {
            StatusCode::UNAUTHORIZED => ("not signed in", "header authorization"),
            _ => ("not allowed", "credential"),
        };
        let problem = Self::new(refused.status(), title, refused.to_string());
        problem.at(refused.reason(), field, &refused.fix())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Problem::from(&self).into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(self.challenge());
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
