//! In: nothing. Kept: nothing. Out: everything that can be wrong with a token, with what was expected and what
//! was received. Never knows: the token; no part of its text ever stands in words.

use super::algorithm::Algorithm;
use crate::access::Role;
use axum::http::StatusCode;
use std::fmt;

/// Why a token does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Tokens are not asked for here.
    Unasked,
    /// Longer than any credential: its bytes, and the most there may be.
    Long(usize, usize),
    /// No token; what one is like.
    Malformed(&'static str),
    /// Another kind of token.
    Kind(String),
    /// Signed in a way that is not configured: the ways that are, and its own.
    Algorithm(String, String),
    /// An extension that must be understood, and is not.
    Critical,
    /// It names no key.
    NoKid,
    /// The issuer's keys are not known yet.
    NoKeys,
    /// It names a key that the issuer does not publish.
    UnknownKid(String),
    /// The key that it names is two.
    TwoKeys(String),
    /// The key that it names is for other signatures.
    OtherKey(String, Algorithm),
    /// The key did not sign this.
    Signature,
    /// A claim is not there, or is something else: which, and what it has to be.
    Claim(String, &'static str),
    /// The issuer that is configured, and its own.
    Issuer(String, String),
    /// Whom it has to be for, and whom it is for.
    Audience(String, String),
    /// It is over, since so many seconds.
    Expired(i64),
    /// It begins in so many seconds.
    NotYet(i64),
    /// It answers another sign-in than this.
    Nonce,
    /// The claim, and how many of its words are roles here.
    Role(String, usize),
    /// The claim names no board.
    Boards(String),
    /// The name it gives is one of the users file: who acts must be told apart.
    NameTaken,
}

/// A word from outside, short enough to be told.
pub(super) fn shown(word: &str) -> String {
    let short: String = word.chars().take(64).collect();
    format!("{short:?}")
}

impl Fault {
    /// All words that may be labels in `/metrics`.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unasked => "token_not_asked_for",
            Self::Long(..) => "token_too_long",
            Self::Malformed(_) => "token_malformed",
            Self::Kind(_) => "token_kind",
            Self::Algorithm(..) => "token_algorithm",
            Self::Critical => "token_critical",
            Self::NoKid => "token_without_kid",
            Self::NoKeys => "token_no_keys_yet",
            Self::UnknownKid(_) => "token_unknown_kid",
            Self::TwoKeys(_) => "token_ambiguous_kid",
            Self::OtherKey(..) => "token_other_key",
            Self::Signature => "token_signature",
            Self::Claim(..) => "token_claim",
            Self::Issuer(..) => "token_issuer",
            Self::Audience(..) => "token_audience",
            Self::Expired(_) => "token_expired",
            Self::NotYet(_) => "token_not_yet",
            Self::Nonce => "token_nonce",
            Self::Role(..) => "token_role",
            Self::Boards(_) => "token_boards",
            Self::NameTaken => "token_name",
        }
    }

    /// Whether it proves who somebody is, who is nothing here.
    pub(crate) fn proved(&self) -> bool {
        matches!(self, Self::Role(..) | Self::Boards(_) | Self::NameTaken)
    }

    pub(crate) fn status(&self) -> StatusCode {
        if self.proved() {
            return StatusCode::FORBIDDEN;
        }
        StatusCode::UNAUTHORIZED
    }

    /// What would be right.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Unasked => "send an API key (watchfloor key add), or configure access.tokens".to_owned(),
            Self::Long(_, most) => format!("send at most {most} bytes; leave claims out that nobody reads"),
            Self::Malformed(_) | Self::Kind(_) => {
                "send the access token as the issuer gave it".to_owned()
            }
            Self::Algorithm(expected, _) => {
                format!("have the issuer sign with {expected}, or configure access.tokens.algorithms")
            }
            Self::Critical => "have the issuer leave the header crit out".to_owned(),
            Self::NoKid => "have the issuer name its key in the header kid".to_owned(),
            Self::NoKeys => "try again in a moment; if it stays so, see alarms at /readyz".to_owned(),
            Self::UnknownKid(_) => {
                "get a new token; if it stays so, compare access.tokens.keys with where the issuer publishes its keys".to_owned()
            }
            Self::TwoKeys(_) | Self::OtherKey(..) => {
                "have the issuer give each key a kid of its own and the alg that it signs with".to_owned()
            }
            Self::Signature => "send the token unchanged; it is of another issuer, or was altered".to_owned(),
            Self::Claim(name, what) => format!("have the issuer write {name}: {what}"),
            Self::Issuer(..) | Self::Audience(..) => {
                "ask the issuer for a token that is for Watchfloor, or correct access.tokens".to_owned()
            }
            Self::Expired(_) => "get a new token".to_owned(),
            Self::NotYet(_) => "wait, or set the clocks of issuer and Watchfloor right".to_owned(),
            Self::Nonce => "begin the sign-in again".to_owned(),
            Self::Role(claim, _) => format!("ask whoever runs the issuer for exactly one role of Watchfloor in {claim}"),
            Self::Boards(claim) => format!(r#"ask whoever runs the issuer for boards in {claim}: ["care"], or "*" for all"#),
            Self::NameTaken => "use another name at the issuer, or let that person sign in by password only".to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("expected an API key, received what looks like a token"),
            Self::Long(bytes, most) => write!(
                f,
                "expected a credential of at most {most} bytes, received {bytes}"
            ),
            Self::Malformed(what) => write!(f, "expected a signed token (JWT): {what}"),
            Self::Kind(kind) => write!(f, "expected typ JWT or at+jwt, received {kind}"),
            Self::Algorithm(expected, received) => {
                write!(f, "expected alg {expected}, received {received}")
            }
            Self::Critical => f.write_str("expected no header crit, received one"),
            Self::NoKid => f.write_str("expected a header kid, received none"),
            Self::NoKeys => f.write_str("the issuer's keys could not be read yet"),
            Self::UnknownKid(kid) => write!(
                f,
                "expected a kid that the issuer publishes, received {kid}"
            ),
            Self::TwoKeys(kid) => write!(
                f,
                "expected a kid of one key, received {kid}, which the issuer gave to two"
            ),
            Self::OtherKey(kind, alg) => write!(
                f,
                "expected a key for {alg}, and the one that is named is for {kind}"
            ),
            Self::Signature => f.write_str("the signature is not of the key that is named"),
            Self::Claim(name, what) => write!(
                f,
                "expected the claim {name}: {what}; received none, or something else"
            ),
            Self::Issuer(expected, received) => {
                write!(f, "expected iss {expected:?}, received {received}")
            }
            Self::Audience(expected, received) => {
                write!(f, "expected aud {expected:?}, received {received}")
            }
            Self::Expired(seconds) => write!(
                f,
                "expected an exp that is still to come, received one of {seconds} s ago"
            ),
            Self::NotYet(seconds) => write!(
                f,
                "expected an nbf that is over, received one in {seconds} s"
            ),
            Self::Nonce => {
                f.write_str("expected the nonce of this sign-in, received none or another")
            }
            Self::Role(claim, known) => {
                let all = Role::ALL.map(Role::name).join(", ");
                write!(
                    f,
                    "expected exactly one role of this house in {claim} ({all}, or a word that stands for one), received {known}"
                )
            }
            Self::Boards(claim) => write!(f, "expected names of boards in {claim}, received none"),
            Self::NameTaken => {
                f.write_str("expected a name of its own, received one of the users file")
            }
        }
    }
}
