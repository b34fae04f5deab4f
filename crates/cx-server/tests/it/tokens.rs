//! Tokens of an issuer on this machine: where its keys come from, when they are read again, what is said of it.

use crate::access::{Folder, asked, page};
use crate::run::{House, now, text, watchfloor};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ISSUER: &str = "https://login.example.com/canary-issuer";
/// A file that changed, or an issuer that came back, is noticed within this time.
const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Key {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Key {
    pub(crate) fn new(kid: &'static str) -> Self {
        let (how, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(how, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).expect("a key");
        Self { pair, kid }
    }

    pub(crate) fn set(&self) -> String {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid});
        json!({"keys": [key]}).to_string()
    }

    fn token(&self, role: &str) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid, "typ": "at+jwt"});
        let claims = json!({
            "iss": ISSUER, "aud": "canary-audience", "sub": "canary-subject", "exp": second() + 600, "nbf": second(),
            "email": "canary-person@example.com", "role": role, "boards": ["care"],
        });
        self.signed(&header, &claims)
    }

    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(claims.to_string().as_bytes())
        );
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", encoded(signature.expect("signed").as_ref()))
    }
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens end by the machine's clock"
)]
pub(crate) fn second() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// Answers every request with a status and a body that the test may change; its address.
fn published(answer: &Arc<Mutex<(u16, String)>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let answer = Arc::clone(answer);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a client");
            let mut lines = BufReader::new(socket.try_clone().expect("a copy")).lines();
            while lines.next().is_some_and(|l| l.is_ok_and(|l| !l.is_empty())) {}
            let (status, body) = answer.lock().expect("no panic").clone();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // The house may have gone.
            drop(socket.write_all((head + &body).as_bytes()));
        }
    });
    format!("http://{address}/keys")
}

fn demo(folder: &Folder, keys: (&str, &str)) -> House {
    folder.demo_with(&[
        ("WATCHFLOOR_ACCESS_TOKENS_ISSUER", ISSUER),
        ("WATCHFLOOR_ACCESS_TOKENS_AUDIENCE", "canary-audience"),
        ("WATCHFLOOR_ACCESS_TOKENS_ROLE_CLAIM", "role"),
        ("WATCHFLOOR_ACCESS_TOKENS_BOARDS_CLAIM", "boards"),
        keys,
    ])
}

fn kept(folder: &Folder, name: &str, token: &str) -> String {
    let file = format!("{}/{name}", folder.path());
    std::fs::write(&file, token).expect("written");
    file
}

fn until(what: &str, mut good: impl FnMut() -> bool) {
    let begun = now();
    while !good() {
        assert!(begun.elapsed() < SOON, "{what}");
    }
}

/// What a person must mend, as somebody with a session hears it.
fn alarms(house: &House, cookie: &str) -> String {
    let (_, _, ready) = page(house, "GET", "/readyz", (cookie, ""));
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    ready["alarms"].to_string()
}

#[test]
fn a_program_comes_in_with_a_token_and_an_issuer_that_fails_changes_nothing_but_is_told() {
    let folder = Folder::new();
    folder.person("ada", "admin", &[]);
    let (first, second) = (Key::new("first"), Key::new("second"));
    let answer = Arc::new(Mutex::new((200, first.set())));
    let url = published(&answer);
    let mut house = demo(&folder, ("WATCHFLOOR_ACCESS_TOKENS_KEYS", &url));
    let good = first.token("viewer");
    let file = kept(&folder, "good", &good);
    let board = ["get", "board", "care"];
    let (code, said) = asked(&house, &file, &board);
    assert!(code == Some(0) && said.contains("sealed"), "{said}");
    let (code, said) = asked(&house, &file, &["watch", "care", "--for", "2s", "--json"]);
    assert!(code == Some(0) && said.lines().count() > 1, "{said}");
    let (code, said) = asked(&house, &file, &["get", "board", "commerce"]);
    assert!(
        code == Some(1) && said.contains("boards of this credential are: care"),
        "{said}"
    );
    let king = kept(&folder, "king", &first.token("canary-king"));
    let (code, said) = asked(&house, &king, &board);
    assert!(
        code == Some(1) && said.contains("exactly one role"),
        "{said}"
    );

    let sign_in = json!({"name": "ada", "password": "canary-password-1"}).to_string();
    let (_, ada, _) = page(&house, "POST", "/v1/session", ("", &sign_in));
    assert_eq!(alarms(&house, &ada), "[]");
    // An unknown key has the keys read again; that fails, and the former ones hold.
    *answer.lock().expect("no panic") = (503, String::new());
    let later = kept(&folder, "later", &second.token("viewer"));
    until("an alarm", || {
        assert_eq!(asked(&house, &later, &board).0, Some(1));
        alarms(&house, &ada).contains("it answered 503")
    });
    assert!(alarms(&house, &ada).contains("the former ones hold"));
    assert_eq!(
        asked(&house, &file, &board).0,
        Some(0),
        "the former ones hold"
    );
    *answer.lock().expect("no panic") = (200, second.set());
    until("the new key", || asked(&house, &later, &board).0 == Some(0));
    assert_eq!(alarms(&house, &ada), "[]");
    let (code, said) = asked(&house, &file, &board);
    assert!(
        code == Some(1) && said.contains("expected a kid that the issuer publishes"),
        "{said}"
    );

    house.signal("INT");
    let (_, said) = house.wait();
    assert!(
        said.contains("TRACE") || said.contains("DEBUG"),
        "as loud as it can be: {said}"
    );
    let parts = good.split('.').map(str::to_owned);
    let secrets = [
        "canary-subject",
        "canary-person",
        "canary-king",
        "canary-password",
    ];
    for secret in parts.chain(secrets.map(str::to_owned)) {
        assert!(!said.contains(&secret), "{secret} stands in the log");
    }
}

#[test]
fn keys_in_a_file_hold_within_seconds_of_their_change() {
    let folder = Folder::new();
    let (first, second) = (Key::new("first"), Key::new("second"));
    let keys = kept(&folder, "keys.json", &first.set());
    let house = demo(&folder, ("WATCHFLOOR_ACCESS_TOKENS_KEYS_FILE", &keys));
    let [early, later] = [&first, &second].map(|key| kept(&folder, key.kid, &key.token("viewer")));
    let board = ["get", "board", "care"];
    assert_eq!(asked(&house, &early, &board).0, Some(0));
    std::fs::write(&keys, second.set()).expect("written");
    until("the new key", || asked(&house, &later, &board).0 == Some(0));
    assert_eq!(
        asked(&house, &early, &board).0,
        Some(1),
        "the former key is gone"
    );
    assert!(house.stop().1);
}

#[test]
fn a_house_does_not_start_with_rules_that_anybody_could_meet() {
    let folder = Folder::new();
    let told = |name: &str, value: &str| {
        let mut command = watchfloor(&[
            "demo",
            "--address",
            "127.0.0.1:0",
            "--closed",
            folder.path(),
        ]);
        let all = [
            ("ISSUER", ISSUER),
            ("AUDIENCE", "watchfloor"),
            ("KEYS", "https://login.example.com/keys"),
            ("ROLE_CLAIM", "role"),
            ("BOARDS_CLAIM", "boards"),
            (name, value),
        ];
        for (name, value) in all {
            command.env(format!("WATCHFLOOR_ACCESS_TOKENS_{name}"), value);
        }
        let output = command.output().expect("it ends");
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    for (name, value, words) in [
        ("ALGORITHMS", "HS256", "no way of signing with a public key"),
        ("ALGORITHMS", "none", "no way of signing with a public key"),
        (
            "KEYS",
            "http://login.example.com/keys",
            "access.tokens.keys",
        ),
        ("AUDIENCE", "", "access.tokens.audience is empty"),
        ("ROLES", "cx=king", "there is no role"),
    ] {
        let said = told(name, value);
        assert!(said.contains(words), "{name}={value}: {said}");
    }
}
