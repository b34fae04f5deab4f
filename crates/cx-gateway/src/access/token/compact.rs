//! In: a text. Kept: nothing. Out: the parts of a signed token (RFC 7515, compact form). Never knows: whether
//! a word of it is true. Keys that a header brings along are not even read.

use super::fault::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, de};
use std::fmt;

/// What a header says of how to verify. Other members are for others; a name that comes twice is refused.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    pub(super) typ: Option<String>,
    /// Whether it names extensions that whoever does not know them must refuse; none is known here.
    #[serde(default, deserialize_with = "present")]
    pub(super) crit: bool,
}

/// A token's parts.
pub(super) struct Compact<'t> {
    pub(super) header: Header,
    /// What the signature is of.
    pub(super) signed: &'t [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

impl<'t> Compact<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self, Fault> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            let what = "a token has three parts with dots between them; one of five is encrypted";
            return Err(Fault::Malformed(what));
        };
        let signed = &text.as_bytes()[..header.len() + 1 + payload.len()];
        let header = decoded(header, "its header is no base64url without padding")?;
        // The parser's words could hold pieces of it.
        let header = serde_json::from_slice(&header);
        let header = header.map_err(|_| {
            Fault::Malformed("its header is no JSON object with alg, each name once")
        })?;
        Ok(Self {
            header,
            signed,
            payload: decoded(payload, "its payload is no base64url without padding")?,
            signature: decoded(signature, "its signature is no base64url without padding")?,
        })
    }

    /// What it claims, each name once.
    pub(super) fn claims(&self) -> Result<super::Claims, Fault> {
        let claims: Result<Once, _> = serde_json::from_slice(&self.payload);
        let claims = claims
            .map_err(|_| Fault::Malformed("its payload is no JSON object with each name once"))?;
        Ok(claims.0)
    }
}

fn decoded(part: &str, fault: &'static str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Fault::Malformed(fault))
}

/// An object in which no name comes twice: readers could differ in which one counts.
struct Once(super::Claims);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> de::Visitor<'de> for Members {
            type Value = Once;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut from: A) -> Result<Once, A::Error> {
                let mut all = super::Claims::new();
                while let Some((name, value)) = from.next_entry::<String, serde_json::Value>()? {
                    if all.insert(name, value).is_some() {
                        return Err(de::Error::custom("twice"));
                    }
                }
                Ok(Once(all))
            }
        }
        from.deserialize_map(Members)
    }
}
