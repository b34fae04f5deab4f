//! In: nothing. Kept: nothing. Out: random secrets, and what is kept in their place. Never knows: what
//! they open.
//!
//! A secret has 256 random bits, so that a plain hash of it can be kept and looked up: nobody finds the
//! secret from it, nor a secret that begins like it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A fresh one, 43 letters, digits, `-` and `_`.
pub(crate) fn fresh() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    bytes
}

/// What is kept of a secret: 64 hex digits.
pub(crate) fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}
