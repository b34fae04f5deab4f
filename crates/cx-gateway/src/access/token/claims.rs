//! In: what a token claims, whose signature is right. Kept: nothing. Out: who it is of and what they may; or what
//! is missing. Never knows: signatures.

use super::Claims;
use super::fault::{Fault, shown};
use crate::access::{Boards, Role};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How much later than here it may be where the issuer is, s.
const LEEWAY_S: i64 = 30;
/// The last second that can be told.
const LAST_S: f64 = 253_402_300_799.0;
const BOARDS: usize = 1_000;

/// Which claims say who somebody is here. A name is one of the token's own (`role`), or a JSON pointer
/// (`/realm_access/roles`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name that acts carry.
    pub name: String,
    /// One word or several, of which exactly one is a role.
    pub role: String,
    /// Words that stand for roles; empty: the roles' own names do.
    pub roles: BTreeMap<String, Role>,
    /// Names of boards; `*` stands for all.
    pub boards: String,
    /// Words that stand for owners of definitions (`team.role`), and the claim where they stand. Without words
    /// nobody owns any.
    pub owners: (String, BTreeMap<String, Vec<String>>),
}

/// Somebody whom a token tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) boards: Boards,
    /// Whose definitions they sign, as `team.role`.
    pub(crate) answers_for: Vec<String>,
}

impl Wanted {
    pub(super) fn told(&self, claims: &Claims) -> Result<Told, Fault> {
        Ok(Told {
            name: self.name(claims)?,
            role: self.role(claims)?,
            boards: self.boards(claims)?,
            answers_for: self.answers_for(claims),
        })
    }

    /// No word, or none that is known: nothing is theirs to sign.
    fn answers_for(&self, claims: &Claims) -> Vec<String> {
        let (claim, owners) = &self.owners;
        let words = words(found(claims, claim));
        let own = words.iter().filter_map(|word| owners.get(*word)).flatten();
        let own: BTreeSet<&String> = own.collect();
        own.into_iter().cloned().collect()
    }

    /// Whose an owner is, in words.
    pub(crate) fn owning(&self, owner: &str) -> Vec<String> {
        let (claim, owners) = &self.owners;
        let theirs = owners
            .iter()
            .filter(|(_, own)| own.iter().any(|o| o == owner));
        theirs
            .map(|(word, _)| format!("whose {claim} has {word}"))
            .collect()
    }

    /// Whether anybody can still be told to answer for an owner.
    pub(crate) fn owns(&self, owner: &str) -> bool {
        self.owners.1.values().flatten().any(|own| own == owner)
    }

    fn name(&self, claims: &Claims) -> Result<String, Fault> {
        let name = found(claims, &self.name).and_then(Value::as_str);
        let name = name.filter(|name| {
            let length = name.chars().count();
            (1..=64).contains(&length)
                && name.trim() == *name
                && !name.chars().any(char::is_control)
        });
        let what = "a name of 1 to 64 printable characters";
        name.map(str::to_owned)
            .ok_or_else(|| Fault::Claim(self.name.clone(), what))
    }

    /// Two roles are none: which one counts would be a guess.
    fn role(&self, claims: &Claims) -> Result<Role, Fault> {
        let words = words(found(claims, &self.role));
        let known = |word: &&str| {
            if self.roles.is_empty() {
                return word.parse().ok();
            }
            self.roles.get(*word).copied()
        };
        let known: BTreeSet<Role> = words.iter().filter_map(known).collect();
        match (known.first(), known.len()) {
            (Some(role), 1) => Ok(*role),
            (_, many) => Err(Fault::Role(self.role.clone(), many)),
        }
    }

    fn boards(&self, claims: &Claims) -> Result<Boards, Fault> {
        let none = || Fault::Boards(self.boards.clone());
        let words = words(found(claims, &self.boards));
        if words.is_empty() || words.len() > BOARDS {
            return Err(none());
        }
        words.join(",").parse().map_err(|_| none())
    }
}

fn found<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    let Some(path) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let first = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
    if rest.is_empty() {
        return Some(first);
    }
    first.pointer(&format!("/{rest}"))
}

/// A word, or a list of nothing but words; what is neither is none.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => {
            let words: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            words.unwrap_or_default()
        }
        Some(_) | None => Vec::new(),
    }
}

/// From when until when it holds, by the machine's time in ms; until when.
pub(super) fn until(claims: &Claims, now: i64, nbf_required: bool) -> Result<i64, Fault> {
    let exp = second(claims, "exp")?;
    let exp = exp.ok_or_else(|| Fault::Claim("exp".to_owned(), "until when, in s since 1970"))?;
    if exp <= now {
        return Err(Fault::Expired((now - exp).div_euclid(1_000)));
    }
    match second(claims, "nbf")? {
        Some(nbf) if nbf > now + LEEWAY_S * 1_000 => {
            Err(Fault::NotYet((nbf - now).div_euclid(1_000)))
        }
        None if nbf_required => {
            let what = "from when, in s since 1970; access.tokens.nbf: optional is for issuers that never say it";
            Err(Fault::Claim("nbf".to_owned(), what))
        }
        Some(_) | None => Ok(exp),
    }
}

/// A moment of RFC 7519, in ms; it may have a fraction.
#[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
fn second(claims: &Claims, name: &str) -> Result<Option<i64>, Fault> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|s| (0.0..=LAST_S).contains(s));
    let ms = seconds.map(|s| (s * 1e3).floor() as i64);
    let what = "a number of seconds since 1970";
    ms.map(Some)
        .ok_or_else(|| Fault::Claim(name.to_owned(), what))
}

pub(super) fn issuer(claims: &Claims, expected: &str) -> Result<(), Fault> {
    let received = claims.get("iss").and_then(Value::as_str);
    match received {
        Some(received) if received == expected => Ok(()),
        Some(other) => Err(Fault::Issuer(expected.to_owned(), shown(other))),
        None => Err(Fault::Claim(
            "iss".to_owned(),
            "the issuer that is configured",
        )),
    }
}

pub(super) fn audience(claims: &Claims, expected: &str) -> Result<(), Fault> {
    let received = words(claims.get("aud"));
    if received.contains(&expected) {
        return Ok(());
    }
    let received: Vec<String> = received.iter().take(4).map(|one| shown(one)).collect();
    let received = if received.is_empty() {
        "none".to_owned()
    } else {
        received.join(", ")
    };
    Err(Fault::Audience(expected.to_owned(), received))
}
