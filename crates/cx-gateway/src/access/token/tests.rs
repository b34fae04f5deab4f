//! The standards' own vectors, and sets of keys that are not quite right.

use super::keys::Keys;
use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).unwrap()
}

/// A key of the standards without its private part, under a name.
fn public(name: &str, kid: &str) -> Value {
    let mut key = vectors()[name]["key"].clone();
    let members = key.as_object_mut().unwrap();
    members.retain(|name, _| ["kty", "n", "e", "crv", "x", "y"].contains(&name.as_str()));
    members.insert("kid".to_owned(), kid.into());
    key
}

fn set(keys: &[Value]) -> Result<(Keys, Vec<String>), String> {
    Keys::read(json!({"keys": keys}).to_string().as_bytes())
}

#[test]
fn signatures_of_the_standards_hold_and_a_changed_bit_breaks_them() {
    for (name, how) in [
        ("rs256", Algorithm::Rs256),
        ("es256", Algorithm::Es256),
        ("eddsa", Algorithm::EdDsa),
    ] {
        let token = vectors()[name]["token"].as_str().unwrap().to_owned();
        let token = Compact::read(&token).unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(token.header.alg, how.name());
        let (keys, faults) = set(&[public(name, "a")]).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        let key = keys.get("a").unwrap();
        assert_eq!(key.verify(how, token.signed, &token.signature), Ok(()));
        for at in [0, token.signature.len() - 1] {
            let mut other = token.signature.clone();
            other[at] ^= 1;
            let told = key.verify(how, token.signed, &other);
            assert_eq!(told, Err(Fault::Signature));
        }
        let mut other = token.signed.to_vec();
        other[30] ^= 1;
        assert_eq!(
            key.verify(how, &other, &token.signature),
            Err(Fault::Signature)
        );
        for another in Algorithm::ALL.into_iter().filter(|a| *a != how) {
            key.verify(another, token.signed, &token.signature)
                .expect_err("only the one way that it was signed in");
        }
    }
}

#[test]
fn a_key_is_for_signatures_only_and_for_the_one_way_that_its_issuer_names() {
    let with = |member: &str, value: Value| {
        let mut key = public("rs256", "a");
        key[member] = value;
        key
    };
    for other in [
        with("use", json!("enc")),
        with("key_ops", json!(["sign", "wrapKey"])),
        with("kty", json!("oct")),
        with("kty", json!("XYZ")),
    ] {
        let told = set(&[other]).unwrap_err();
        assert!(told.contains("no key can be used"), "{told}");
    }
    let (keys, _) = set(&[with("alg", json!("PS256"))]).unwrap();
    let told = keys.get("a").unwrap().verify(Algorithm::Rs256, b"", b"");
    assert_eq!(
        told,
        Err(Fault::OtherKey("\"PS256\"".to_owned(), Algorithm::Rs256))
    );
}

#[test]
fn what_is_wrong_with_a_set_is_told_and_the_others_of_it_count() {
    let good = public("es256", "good");
    let mut short = public("rs256", "short");
    short["n"] = json!("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPd");
    let mut nameless = public("es256", "x");
    nameless.as_object_mut().unwrap().remove("kid");
    let mut bent = public("es256", "bent");
    bent["x"] = json!("AAAA");
    let mut padded = public("es256", "padded");
    padded["y"] = json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0=");
    let twins = [
        public("es256", "twin"),
        public("rs256", "twin"),
        public("eddsa", "twin"),
    ];
    let all = [&[good, short, nameless, bent, padded, json!(1)][..], &twins].concat();
    let (keys, faults) = set(&all).unwrap();
    keys.get("good").unwrap();
    assert_eq!(keys.get("twin"), Err(Fault::TwoKeys("\"twin\"".to_owned())));
    let faults = faults.join("\n");
    for words in [
        "keys[1]: RSA of 336 bits; 2048 to 8192 are taken",
        "keys[2]: it has no kid",
        "keys[3]: x and y of P-256 have 32 bytes each",
        "keys[4]: y is no base64url without padding",
        "keys[5]: no JSON Web Key",
        "keys[7]: a second key has its kid \"twin\"",
        "keys[8]: a second key has its kid \"twin\"",
    ] {
        assert!(faults.contains(words), "{words}: {faults}");
    }
}

#[test]
fn a_set_that_publishes_a_secret_or_is_none_is_refused_and_the_former_keys_stay() {
    let tokens = Tokens::new(
        Rules {
            issuer: "https://issuer.example".to_owned(),
            audience: "watchfloor".to_owned(),
            algorithms: BTreeSet::from([Algorithm::Es256]),
            kind: Kind::Access,
            nbf_required: true,
            wanted: Wanted {
                name: "sub".to_owned(),
                role: "role".to_owned(),
                roles: BTreeMap::new(),
                boards: "boards".to_owned(),
                owners: Default::default(),
            },
        },
        Box::new(|| {}),
    );
    tokens
        .take(
            json!({"keys": [public("es256", "a")]})
                .to_string()
                .as_bytes(),
        )
        .unwrap();
    let private = vectors()["rs256"]["key"].clone();
    let many: Vec<Value> = (0..101).map(|i| public("es256", &i.to_string())).collect();
    let large = vec![b' '; LARGEST_KEYS + 1];
    for (set, words) in [
        (
            json!({"keys": [private]}).to_string().into_bytes(),
            "private part",
        ),
        (
            json!({"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]})
                .to_string()
                .into_bytes(),
            "private part",
        ),
        (
            json!({"keys": []}).to_string().into_bytes(),
            "no key can be used",
        ),
        (
            json!({"keys": many}).to_string().into_bytes(),
            "100 at most",
        ),
        (b"<html>".to_vec(), "line 1, column 1"),
        (large, "bytes at most"),
    ] {
        let told = tokens.take(&set).unwrap_err();
        assert!(told.contains(words), "{told}");
    }
    tokens.tried(Some("it answered 500".to_owned()));
    let alarm = tokens.alarm().unwrap();
    assert!(
        alarm.contains("https://issuer.example") && alarm.contains("the former ones hold"),
        "{alarm}"
    );
    let keys = tokens.keys.read().unwrap();
    keys.get("a").unwrap();
}

#[test]
fn an_unsigned_token_of_the_standard_is_refused_by_its_name() {
    // RFC 7515 A.5.
    let signed = vectors()["es256"]["token"].as_str().unwrap().to_owned();
    let payload = signed.split('.').nth(1).unwrap();
    let token = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let read = Compact::read(&token).unwrap_or_else(|_| panic!("three parts"));
    assert_eq!(
        (read.header.alg.as_str(), read.signature.len()),
        ("none", 0)
    );
    "none".parse::<Algorithm>().unwrap_err();
}
