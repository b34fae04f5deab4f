//! An issuer of tokens as hostile or honest as a test needs it: ring signs, nothing of ours.

use crate::closed::in_ms;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cx_gateway::access::Role;
use cx_gateway::access::token::{Algorithm, Kind, Rules, Tokens, Wanted};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{self, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const AUDIENCE: &str = "watchfloor";
/// An owner of definitions.
pub(crate) const CARE: &str = "care.operations";

/// Keys `rsa` (RFC 7515's own) and `ec` (made anew).
pub(crate) struct Issuer {
    rsa: rsa::KeyPair,
    ec: EcdsaKeyPair,
    pub(crate) public: Value,
    pub(crate) pem: String,
    /// How often its keys were asked for.
    pub(crate) asked: Arc<AtomicUsize>,
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let vectors: Value = serde_json::from_str(include_str!("../vectors/jose.json")).unwrap();
        let key = vectors["rs256"]["key"].clone();
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let rsa = rsa::KeyPair::from_components(&rsa::KeyPairComponents {
            public_key: rsa::PublicKeyComponents {
                n: part("n"),
                e: part("e"),
            },
            d: part("d"),
            p: part("p"),
            q: part("q"),
            dP: part("dp"),
            dQ: part("dq"),
            qInv: part("qi"),
        });
        Self {
            rsa: rsa.unwrap(),
            ec: curve(),
            public: json!({"kty": "RSA", "n": key["n"], "e": key["e"], "kid": "rsa", "use": "sig", "alg": "RS256"}),
            pem: vectors["rs256"]["pem"].as_str().unwrap().to_owned(),
            asked: Arc::default(),
        }
    }

    /// What it publishes.
    pub(crate) fn set(&self) -> String {
        json!({"keys": [self.public, self.point("ec")]}).to_string()
    }

    pub(crate) fn point(&self, kid: &str) -> Value {
        let point = &self.ec.public_key().as_ref()[1..];
        let (x, y) = (encoded(&point[..32]), encoded(&point[32..]));
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid})
    }

    /// Whoever believes it.
    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        self.believed(Kind::Access, AUDIENCE)
    }

    /// Whoever believes what it says of people who sign in.
    pub(crate) fn identities(&self, client: &str) -> Arc<Tokens> {
        self.believed(Kind::Identity, client)
    }

    fn believed(&self, kind: Kind, audience: &str) -> Arc<Tokens> {
        let rules = Rules {
            issuer: ISSUER.to_owned(),
            audience: audience.to_owned(),
            algorithms: BTreeSet::from([Algorithm::Rs256, Algorithm::Es256]),
            kind,
            nbf_required: kind == Kind::Access,
            wanted: Wanted {
                name: "sub".to_owned(),
                role: "/realm_access/roles".to_owned(),
                roles: BTreeMap::from([
                    ("cx-care".to_owned(), Role::Operator),
                    ("cx-data".to_owned(), Role::Engineer),
                ]),
                boards: "boards".to_owned(),
                owners: (
                    "groups".to_owned(),
                    BTreeMap::from([
                        ("leads".to_owned(), vec![CARE.to_owned()]),
                        (
                            "platform".to_owned(),
                            vec!["data.platform".to_owned(), CARE.to_owned()],
                        ),
                    ]),
                ),
            },
        };
        let asked = Arc::clone(&self.asked);
        let ask = Box::new(move || {
            asked.fetch_add(1, Ordering::Relaxed);
        });
        let tokens = Tokens::new(rules, ask);
        tokens.take(self.set().as_bytes()).unwrap();
        Arc::new(tokens)
    }

    /// Claims that hold for five minutes.
    pub(crate) fn claims() -> Value {
        let now = in_ms(0) / 1_000;
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "meter", "exp": now + 300, "nbf": now - 1,
            "realm_access": {"roles": ["offline_access", "cx-data"]}, "boards": ["care"],
        })
    }

    /// Signs by the key that `alg` is of, whatever the header says.
    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = self.signature(header["alg"].as_str().unwrap_or_default(), &message);
        format!("{message}.{}", encoded(&signature))
    }

    fn signature(&self, alg: &str, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match alg {
            "RS256" | "RS384" => {
                let how: &dyn signature::RsaEncoding = if alg == "RS256" {
                    &signature::RSA_PKCS1_SHA256
                } else {
                    &signature::RSA_PKCS1_SHA384
                };
                let mut signed = vec![0; self.rsa.public().modulus_len()];
                let done = self.rsa.sign(how, &random, message.as_bytes(), &mut signed);
                done.unwrap();
                signed
            }
            "ES256" => {
                let signed = self.ec.sign(&random, message.as_bytes());
                signed.unwrap().as_ref().to_vec()
            }
            // The public key as if it were a secret.
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.pem.as_bytes());
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// An honest token.
    pub(crate) fn token(&self) -> String {
        self.with(&json!({}))
    }

    /// One with other claims; `null` takes one away.
    pub(crate) fn with(&self, other: &Value) -> String {
        let mut claims = Self::claims();
        for (name, value) in other.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.signed(
            &json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}),
            &claims,
        )
    }

    /// One with another header.
    pub(crate) fn headed(&self, header: &Value) -> String {
        self.signed(header, &Self::claims())
    }
}

fn curve() -> EcdsaKeyPair {
    let (how, random) = (
        &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        SystemRandom::new(),
    );
    let key = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).unwrap()
}
