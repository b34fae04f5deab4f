//! In: nothing. Kept: nothing. Out: the ways of signing a token that can be configured. Never knows: keys.
//!
//! All of them have a public key that is of no use for signing: none and HS… are not among them.

use ring::signature::{self, EcdsaVerificationAlgorithm, EdDSAParameters, RsaParameters};
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// A way of signing (RFC 7518, RFC 8037), by its name in a token's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// How a key of each kind is asked.
pub(super) enum Asked {
    Rsa(&'static RsaParameters),
    /// With the curve's name.
    Curve(&'static EcdsaVerificationAlgorithm, &'static str),
    Edwards(&'static EdDSAParameters),
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) fn asked(self) -> Asked {
        match self {
            Self::Rs256 => Asked::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Asked::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Asked::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Asked::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Asked::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Asked::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Asked::Curve(&signature::ECDSA_P256_SHA256_FIXED, "P-256"),
            Self::Es384 => Asked::Curve(&signature::ECDSA_P384_SHA384_FIXED, "P-384"),
            Self::EdDsa => Asked::Edwards(&signature::ED25519),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no way of signing with a public key; write some of {all}")
        })
    }
}

impl TryFrom<String> for Algorithm {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
