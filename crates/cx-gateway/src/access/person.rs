//! In: names and passwords. Kept: nothing. Out: people of the users file, and whether a password is theirs.
//! Never knows: where the file is.

use super::role::{Boards, Role};
use super::secret;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::LazyLock;

/// Shortest and longest password, bytes.
pub const PASSWORD: (usize, usize) = (12, 256);

/// One person of the users file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Sign-in name, and the name that acts carry: 1 to 64 characters.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// What they may see.
    pub boards: Boards,
    /// Which definitions they own, as `team.role`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers_for: Vec<String>,
    /// argon2id as a PHC string.
    password: String,
}

/// A hash that no password has, so that a name nobody has takes as long as one that somebody has.
static NOBODY: LazyLock<String> = LazyLock::new(|| hashed(&secret::fresh()).unwrap_or_default());

fn hashed(password: &str) -> Result<String, String> {
    let salt: [u8; 16] = secret::random();
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|e| e.to_string())
}

fn fits(password: &str, hash: &str) -> bool {
    let hash = PasswordHash::new(hash);
    hash.is_ok_and(|hash| {
        let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    })
}

impl Person {
    /// Takes some tens of milliseconds: a password is hashed.
    ///
    /// # Errors
    /// A name or password that is too short or too long, in words.
    pub fn new(name: &str, role: Role, boards: Boards, password: &str) -> Result<Self, String> {
        let length = name.chars().count();
        if !(1..=64).contains(&length) || name.trim() != name || name.chars().any(char::is_control)
        {
            return Err("a name has 1 to 64 printable characters, and no space at its ends".into());
        }
        let (least, most) = PASSWORD;
        if !(least..=most).contains(&password.len()) {
            return Err(format!("a password has {least} to {most} bytes"));
        }
        Ok(Self {
            name: name.to_owned(),
            role,
            boards,
            answers_for: Vec::new(),
            password: hashed(password)?,
        })
    }

    /// Changes when the password does: what rests on the old one is over.
    pub(crate) fn stamp(&self) -> String {
        secret::digest(&self.password)
    }
}

/// Whether a password is a person's; of nobody it never is, and takes as long.
pub(crate) fn proves(person: Option<&Person>, password: &str) -> bool {
    let hash = person.map_or(NOBODY.as_str(), |person| &person.password);
    // Both are always done.
    let right = fits(password, hash);
    right && person.is_some()
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({}, {})", self.role, self.boards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Person {
        Person::new(
            "ada",
            Role::Operator,
            Boards::all(),
            "correct horse battery",
        )
        .unwrap()
    }

    #[test]
    fn a_password_is_kept_as_argon2id_and_proves_one_person_only() {
        let ada = ada();
        assert!(ada.password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(proves(Some(&ada), "correct horse battery"));
        assert!(!proves(Some(&ada), "correct horse batterY"));
        assert!(!proves(None, "correct horse battery"));
        assert!(!format!("{ada:?}").contains("argon2"));
    }

    #[test]
    fn a_name_that_nobody_has_is_hashed_at_the_same_price_as_one_that_somebody_has() {
        let price = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(price(&NOBODY), price(&ada().password));
        assert!(!proves(None, ""));
    }

    #[test]
    fn a_short_password_or_an_unprintable_name_is_refused() {
        for (name, password) in [
            ("ada", "short"),
            ("", "long enough it is"),
            ("a\nb", "long enough it is"),
        ] {
            assert!(Person::new(name, Role::Viewer, Boards::all(), password).is_err());
        }
    }
}
