//! In: an issuer's key set (RFC 7517). Kept: the public keys by their ids. Out: whether a signature is of one
//! of them. Never knows: where the set is from.

use super::algorithm::{Algorithm, Asked};
use super::fault::{Fault, shown};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;

/// Largest set, bytes, and most keys in one.
pub const LARGEST: usize = 256 * 1_024;
const MOST: usize = 100;
/// Bits of a modulus.
const BITS: (usize, usize) = (2_048, 8_192);

/// The keys of one issuer. `None`: two have this id, so that it stands for neither.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(BTreeMap<String, Option<Key>>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The one way of signing that it is for, where its issuer says so.
    alg: Option<String>,
    public: Public,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Curve { name: String, point: Vec<u8> },
    Edwards(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    /// Parts that are nobody's but the issuer's.
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

impl Keys {
    /// The keys of a set that can verify, and what is wrong with others of it.
    ///
    /// # Errors
    /// The set cannot be used at all, in words.
    pub(super) fn read(text: &[u8]) -> Result<(Self, Vec<String>), String> {
        if text.len() > LARGEST {
            return Err(format!("a key set has {LARGEST} bytes at most"));
        }
        let set: Result<Set, _> = serde_json::from_slice(text);
        let set = set.map_err(|e| {
            let place = format!("line {}, column {}", e.line(), e.column());
            format!(r#"no key set, {place}: expected {{"keys": […]}}"#)
        })?;
        if set.keys.len() > MOST {
            return Err(format!("{} keys: {MOST} at most", set.keys.len()));
        }
        let (mut keys, mut faults) = (BTreeMap::new(), Vec::new());
        for (i, jwk) in set.keys.into_iter().enumerate() {
            let fault = |why: &str| format!("keys[{i}]: {why}");
            let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else {
                faults.push(fault("no JSON Web Key"));
                continue;
            };
            if jwk.d || jwk.k {
                return Err(fault(
                    "it has a private part; publish public keys only, and replace this one",
                ));
            }
            if !jwk.verifies() {
                continue;
            }
            let key = match jwk.key() {
                Ok(Some(key)) => key,
                // Of a kind that nothing here could be signed with.
                Ok(None) => continue,
                Err(why) => {
                    faults.push(fault(&why));
                    continue;
                }
            };
            match jwk.kid {
                None => faults.push(fault("it has no kid, so no token can name it")),
                Some(kid) => {
                    let second = keys.contains_key(&kid);
                    if second {
                        faults.push(fault(&format!("a second key has its kid {}", shown(&kid))));
                    }
                    keys.insert(kid, (!second).then_some(key));
                }
            }
        }
        if keys.values().all(Option::is_none) {
            faults.push("no key can be used: RSA of 2048 bits and more, P-256, P-384 and Ed25519 are, each with a kid of its own".to_owned());
            return Err(faults.join("; "));
        }
        Ok((Self(keys), faults))
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names.
    pub(super) fn get(&self, kid: &str) -> Result<&Key, Fault> {
        match self.0.get(kid) {
            None => Err(Fault::UnknownKid(shown(kid))),
            Some(None) => Err(Fault::TwoKeys(shown(kid))),
            Some(Some(key)) => Ok(key),
        }
    }

    /// Whether a key is still what it was.
    pub(super) fn have(&self, kid: &str, key: &Key) -> bool {
        self.get(kid) == Ok(key)
    }
}

impl Jwk {
    /// Whether it is meant for signatures.
    fn verifies(&self) -> bool {
        let operations = self.key_ops.as_ref();
        self.purpose.as_ref().is_none_or(|use_| use_ == "sig")
            && operations.is_none_or(|all| all.iter().any(|one| one == "verify"))
    }

    fn key(&self) -> Result<Option<Key>, String> {
        let Some(public) = self.public()? else {
            return Ok(None);
        };
        let alg = self.alg.clone();
        Ok(Some(Key { alg, public }))
    }

    fn public(&self) -> Result<Option<Public>, String> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (whole(&self.n, "n")?, whole(&self.e, "e")?);
                let bits = n.first().map_or(0, |first| {
                    n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or_default()
                });
                if !(BITS.0..=BITS.1).contains(&bits) {
                    let (least, most) = BITS;
                    return Err(format!("RSA of {bits} bits; {least} to {most} are taken"));
                }
                Ok(Some(Public::Rsa { n, e }))
            }
            ("EC", Some(name @ ("P-256" | "P-384"))) => {
                let long = if name == "P-256" { 32 } else { 48 };
                let (x, y) = (bytes(&self.x, "x")?, bytes(&self.y, "y")?);
                if x.len() != long || y.len() != long {
                    return Err(format!("x and y of {name} have {long} bytes each"));
                }
                // Uncompressed, as SEC 1 writes it.
                let point = [&[4][..], &x, &y].concat();
                let name = name.to_owned();
                Ok(Some(Public::Curve { name, point }))
            }
            ("OKP", Some("Ed25519")) => {
                let x = bytes(&self.x, "x")?;
                if x.len() != 32 {
                    return Err("x of Ed25519 has 32 bytes".to_owned());
                }
                Ok(Some(Public::Edwards(x)))
            }
            (_, _) => Ok(None),
        }
    }
}

fn bytes(text: &str, name: &str) -> Result<Vec<u8>, String> {
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|_| format!("{name} is no base64url without padding"))
}

/// A number without zeros before it.
fn whole(text: &str, name: &str) -> Result<Vec<u8>, String> {
    let all = bytes(text, name)?;
    Ok(all.into_iter().skip_while(|byte| *byte == 0).collect())
}

impl Key {
    /// # Errors
    /// The key is for another way of signing, or did not sign this.
    pub(super) fn verify(
        &self,
        how: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Fault> {
        let named = self.alg.as_deref().unwrap_or(how.name());
        // RFC 9864 calls the one curve of EdDSA that is known here by its own name.
        let named = if named == "Ed25519" { "EdDSA" } else { named };
        if named != how.name() {
            return Err(Fault::OtherKey(shown(named), how));
        }
        let good = match (&self.public, how.asked()) {
            (Public::Rsa { n, e }, Asked::Rsa(how)) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(how, message, signature).is_ok()
            }
            (Public::Curve { name, point }, Asked::Curve(how, curve)) if name == curve => {
                let key = UnparsedPublicKey::new(how, point);
                key.verify(message, signature).is_ok()
            }
            (Public::Edwards(x), Asked::Edwards(how)) => {
                let key = UnparsedPublicKey::new(how, x);
                key.verify(message, signature).is_ok()
            }
            (_, _) => return Err(Fault::OtherKey(self.kind().to_owned(), how)),
        };
        if good { Ok(()) } else { Err(Fault::Signature) }
    }

    fn kind(&self) -> &str {
        match &self.public {
            Public::Rsa { .. } => "RSA",
            Public::Curve { name, .. } => name,
            Public::Edwards(_) => "Ed25519",
        }
    }
}
