//! A person who signs in at an issuer on this machine, through the built program: discovery, code, session; and
//! what stands of it in the log.

use crate::access::Folder;
use crate::run::{House, now, text};
use crate::tokens::{Key, encoded, second};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CODE: &str = "canary-code";
const SECRET: &str = "canary secret/&=";
const SOON: Duration = Duration::from_secs(30);

/// What the issuer heard and says.
struct Said {
    key: Key,
    /// As the discovery document names it.
    name: String,
    nonce: String,
    roles: Value,
    /// Authorization and form of the last question for a token.
    asked: (String, String),
}

#[derive(Clone)]
struct Issuer {
    said: Arc<Mutex<Said>>,
    url: String,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let said = Said {
            key: Key::new("only"),
            name: url.clone(),
            nonce: String::new(),
            roles: json!(["operator"]),
            asked: Default::default(),
        };
        let issuer = Self {
            said: Arc::new(Mutex::new(said)),
            url,
        };
        let serving = issuer.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                serving.serve(socket.expect("a client"));
            }
        });
        issuer
    }

    /// Its next token answers this sign-in.
    fn answers(&self, asked: &HashMap<String, String>) {
        let mut said = self.said.lock().expect("no panic");
        said.nonce.clone_from(&asked["nonce"]);
    }

    /// The verifier that came with the last code; the secret came as RFC 6749 writes it.
    fn exchanged(&self) -> String {
        let (basic, form) = self.said.lock().expect("no panic").asked.clone();
        let both = STANDARD.encode("canary-client:canary%20secret%2F%26%3D");
        assert_eq!(basic, format!("Basic {both}"));
        assert!(form.contains("grant_type=authorization_code"), "{form}");
        assert!(!form.contains("client_secret"), "{form}");
        let verifier = form.split("code_verifier=").nth(1);
        let verifier = verifier.and_then(|v| v.split('&').next());
        verifier.expect("a verifier").to_owned()
    }

    fn serve(&self, mut socket: TcpStream) {
        let mut from = BufReader::new(socket.try_clone().expect("a copy"));
        let mut line = String::new();
        from.read_line(&mut line).expect("a request");
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut header = String::new();
            from.read_line(&mut header).expect("headers");
            let Some((name, value)) = header.trim().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        from.read_exact(&mut body).expect("a body");
        let (status, answer) = self.answer(&path, (header("authorization"), text(&body)));
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        // The house may have gone.
        drop(socket.write_all((head + &answer).as_bytes()));
    }

    fn answer(&self, path: &str, asked: (String, String)) -> (u16, String) {
        let mut said = self.said.lock().expect("no panic");
        let url = &self.url;
        match path {
            "/.well-known/openid-configuration" => (
                200,
                json!({
                    "issuer": said.name, "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
                    "code_challenge_methods_supported": ["S256"],
                })
                .to_string(),
            ),
            "/keys" => (200, said.key.set()),
            "/token" => {
                said.asked = asked;
                if !said.asked.1.contains(&format!("code={CODE}&")) {
                    return (400, json!({"error": "invalid_grant"}).to_string());
                }
                let claims = json!({
                    "iss": url, "aud": "canary-client", "sub": "canary-subject", "exp": second() + 600,
                    "nonce": said.nonce, "email": "canary-person@example.com", "roles": said.roles, "boards": "*",
                });
                let token = said
                    .key
                    .signed(&json!({"alg": "ES256", "kid": "only"}), &claims);
                (200, json!({"access_token": "canary-access", "token_type": "Bearer", "id_token": token}).to_string())
            }
            _ => (404, String::new()),
        }
    }
}

/// A GET of a browser that goes nowhere by itself: status, headers of a name, body.
fn get(house: &House, path: &str, cookie: &str) -> (u16, HashMap<String, Vec<String>>, String) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false);
    let agent = ureq::Agent::new_with_config(config.build());
    let asked = agent
        .get(format!("{}{path}", house.url))
        .header("cookie", cookie);
    let answer = asked.call().expect("an answer");
    let status = answer.status().as_u16();
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in answer.headers() {
        let all = headers.entry(name.to_string()).or_default();
        all.push(text(value.as_bytes()));
    }
    let body = answer.into_body().read_to_string().expect("text");
    (status, headers, body)
}

/// Begins; what was asked of the issuer, and the browser's cookie.
fn begun(house: &House) -> (HashMap<String, String>, String) {
    let (status, headers, _) = get(house, "/v1/sign-in/issuer?to=%2Fwall%2Fcare", "");
    assert_eq!(status, 303);
    let to = &headers["location"][0];
    let (_, query) = to.split_once('?').unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let asked = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cookie = headers["set-cookie"][0]
        .split(';')
        .next()
        .unwrap_or_default();
    (asked.collect(), cookie.to_owned())
}

fn back(house: &House, state: &str, code: &str, cookie: &str) -> HashMap<String, Vec<String>> {
    let path = format!("/v1/sign-in/issuer/callback?state={state}&code={code}");
    let (status, headers, _) = get(house, &path, cookie);
    assert_eq!(status, 303);
    headers
}

/// Signs somebody in; what was asked of the issuer, and the session's cookie.
fn signed_in(house: &House, issuer: &Issuer) -> (HashMap<String, String>, String) {
    let (asked, browser) = begun(house);
    issuer.answers(&asked);
    let headers = back(house, &asked["state"], CODE, &browser);
    assert_eq!(headers["location"][0], "/sign-in?to=%2Fwall%2Fcare&on");
    let cookies = headers["set-cookie"].iter();
    let mut pairs = cookies.filter_map(|c| c.split(';').next());
    let session = pairs.find(|c| c.starts_with("__Host-watchfloor="));
    (asked, session.expect("a session").to_owned())
}

#[test]
fn a_person_of_an_issuer_signs_what_their_words_answer_for_and_nothing_else() {
    let folder = Folder::new();
    folder.person("ada", "admin", &[]);
    let issuer = Issuer::start();
    let house = folder.demo_with(&[
        ("WATCHFLOOR_ACCESS_OIDC_ISSUER", &issuer.url),
        ("WATCHFLOOR_ACCESS_OIDC_CLIENT_ID", "canary-client"),
        ("WATCHFLOOR_ACCESS_OIDC_ROLE_CLAIM", "roles"),
        ("WATCHFLOOR_ACCESS_OIDC_BOARDS_CLAIM", "boards"),
        (
            "WATCHFLOOR_ACCESS_OIDC_ANSWERS_FOR",
            "care-leads=care.operations,care-leads=care.lead",
        ),
    ]);
    let (_, stranger) = signed_in(&house, &issuer);
    issuer.said.lock().expect("no panic").roles = json!(["operator", "care-leads"]);
    let (_, lead) = signed_in(&house, &issuer);
    let json = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let own = |session: &str| json(&get(&house, "/v1/session", session).2)["answers_for"].clone();
    assert_eq!(own(&stranger), json!([]));
    assert_eq!(own(&lead), json!(["care.lead", "care.operations"]));

    let signs = |session: &str, kpi: &str| {
        let shown = json(&get(&house, &format!("/v1/kpis/{kpi}"), session).2);
        let word = json!({
            "word": "sign", "kpi": kpi, "definition": shown["definition"],
            "role": "business", "by": "Mallory",
        });
        let (status, _, said) = crate::access::page(
            &house,
            "POST",
            "/v1/definitions",
            (session, &word.to_string()),
        );
        (status, json(&said))
    };
    let (status, refused) = signs(&stranger, "service_level_voice");
    let words = refused.to_string();
    assert_eq!(status, 403, "{words}");
    assert!(
        words.contains("canary-subject has no role here: whose roles has care-leads may sign"),
        "{words}"
    );
    let (status, refused) = signs(&lead, "orders");
    assert_eq!(status, 403, "{refused}");
    let (status, signed) = signs(&lead, "service_level_voice");
    assert_eq!(status, 202, "{signed}");
    let one = &signed["signatures"][0];
    assert_eq!(
        (&one["by"], &one["as"], &one["demo"]),
        (
            &json!("canary-subject"),
            &json!("care.operations"),
            &json!(false)
        )
    );
    assert!(house.stop().1);
}

#[test]
fn a_person_signs_in_at_an_issuer_and_nothing_of_it_stands_in_the_log() {
    let folder = Folder::new();
    folder.person("ada", "admin", &[]);
    let issuer = Issuer::start();
    let file = format!("{}/client-secret", folder.path());
    std::fs::write(&file, format!("{SECRET}\n")).expect("written");
    let mut house = folder.demo_with(&[
        ("WATCHFLOOR_ACCESS_OIDC_ISSUER", &issuer.url),
        ("WATCHFLOOR_ACCESS_OIDC_CLIENT_ID", "canary-client"),
        ("WATCHFLOOR_ACCESS_OIDC_CLIENT_SECRET_FILE", &file),
        ("WATCHFLOOR_ACCESS_OIDC_ROLE_CLAIM", "roles"),
        ("WATCHFLOOR_ACCESS_OIDC_BOARDS_CLAIM", "boards"),
        ("WATCHFLOOR_ACCESS_OIDC_ASK", "the service desk"),
    ]);
    let (_, _, ways) = get(&house, "/v1/sign-in", "");
    assert!(ways.contains("the service desk"), "{ways}");

    let (asked, session) = signed_in(&house, &issuer);
    let (_, _, who) = get(&house, "/v1/session", &session);
    let who: Value = serde_json::from_str(&who).expect("JSON");
    assert_eq!(
        (&who["name"], &who["role"]),
        (&json!("canary-subject"), &json!("operator"))
    );
    let verifier = issuer.exchanged();

    issuer.said.lock().expect("no panic").roles = json!(["canary-king"]);
    for (code, reason) in [(CODE, "token_role"), ("canary-wrong", "sign_on_no_token")] {
        let (again, browser) = begun(&house);
        issuer.answers(&again);
        let headers = back(&house, &again["state"], code, &browser);
        let to = &headers["location"][0];
        assert!(to.ends_with(&format!("&refused={reason}")), "{to}");
    }

    house.signal("INT");
    let (_, said) = house.wait();
    let secret = session.split('=').nth(1).expect("a secret");
    let header = encoded(b"{\"alg\":\"ES256\",");
    let made = [&verifier, secret, &asked["state"], &asked["nonce"], &header];
    silent(&said, &made);
}

/// Nothing that was made here or at the issuer stands in a log that is as loud as it can be.
fn silent(said: &str, made: &[&str]) {
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "{said}");
    let canaries = [
        "canary-code",
        "canary-wrong",
        "canary-subject",
        "canary-person",
        "canary-king",
        "canary-access",
        "canary secret",
        "canary%20secret",
    ];
    for hidden in canaries.iter().chain(made) {
        assert!(!said.contains(hidden), "{hidden} stands in the log");
    }
}

#[test]
fn an_issuer_that_calls_itself_another_is_not_believed_and_that_is_told() {
    let folder = Folder::new();
    folder.person("ada", "admin", &[]);
    let issuer = Issuer::start();
    issuer.said.lock().expect("no panic").name = "https://evil.example".to_owned();
    let house = folder.demo_with(&[
        ("WATCHFLOOR_ACCESS_OIDC_ISSUER", &issuer.url),
        ("WATCHFLOOR_ACCESS_OIDC_CLIENT_ID", "canary-client"),
        ("WATCHFLOOR_ACCESS_OIDC_ROLE_CLAIM", "roles"),
        ("WATCHFLOOR_ACCESS_OIDC_BOARDS_CLAIM", "boards"),
    ]);
    let begin = || get(&house, "/v1/sign-in/issuer", "").1["location"][0].clone();
    assert_eq!(begin(), "/sign-in?to=%2F&refused=sign_on_unreachable");
    let sign_in = json!({"name": "ada", "password": "canary-password-1"}).to_string();
    let (_, ada, _) = crate::access::page(&house, "POST", "/v1/session", ("", &sign_in));
    let alarms = || get(&house, "/readyz", &ada).2;
    let since = now();
    let mut told = String::new();
    while !told.contains("received \\\"https://evil.example\\\"") {
        assert!(since.elapsed() < SOON, "{told}");
        told = alarms();
    }
    assert!(
        told.contains("until they are read its tokens are refused"),
        "{told}"
    );
    issuer
        .said
        .lock()
        .expect("no panic")
        .name
        .clone_from(&issuer.url);
    while alarms().contains("cannot be read") {
        assert!(since.elapsed() < SOON, "it is asked again");
    }
    assert!(begin().starts_with(&issuer.url));
    assert!(house.stop().1);
}
