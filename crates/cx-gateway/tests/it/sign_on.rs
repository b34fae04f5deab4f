//! People who sign in at an issuer: an honest one, a hostile one, and browsers that did not begin it.

use crate::closed::{Closed, cookie};
use crate::issuer::{CARE, ISSUER, Issuer, encoded};
use crate::rig::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cx_gateway::access::sign_on::{Door, Grant, Manner, Provider, SignOn};
use cx_gateway::access::{Boards, Pass, Role};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const CLIENT: &str = "watchfloor-client";
const CODE: &str = "canary-code";

/// The token endpoint: what it gives for [`CODE`], and what it was asked with.
#[derive(Default)]
struct Desk {
    gives: Mutex<String>,
    asked: Mutex<Option<(String, String)>>,
    names_itself: bool,
    hidden: bool,
}

impl Provider for Desk {
    fn door(&self) -> Option<Door> {
        let endpoint = format!("{ISSUER}/authorize?tenant=cx");
        (!self.hidden).then_some(Door {
            endpoint,
            names_itself: self.names_itself,
        })
    }

    fn exchange(&self, grant: &Grant) -> Result<String, String> {
        let asked = (grant.verifier.clone(), grant.redirect.clone());
        *self.asked.lock().unwrap() = Some(asked);
        if grant.code != CODE {
            return Err("it answered 400".to_owned());
        }
        Ok(self.gives.lock().unwrap().clone())
    }
}

struct House {
    closed: Closed,
    issuer: Issuer,
    desk: Arc<Desk>,
}

/// A browser on its way to the issuer.
struct Sent {
    asked: HashMap<String, String>,
    cookie: String,
}

impl House {
    fn with(desk: Desk, passes: Vec<Pass>) -> Self {
        let (issuer, desk) = (Issuer::new(), Arc::new(desk));
        let manner = Manner {
            label: "our directory".to_owned(),
            ask: "the service desk".to_owned(),
            client: CLIENT.to_owned(),
            scopes: vec!["openid".to_owned(), "cx".to_owned()],
            scheme: "http",
        };
        let provider: Arc<dyn Provider> = Arc::clone(&desk) as _;
        let on = SignOn::new(manner, issuer.identities(CLIENT), provider);
        let closed = Closed::with_sign_on(on, passes);
        Self {
            closed,
            issuer,
            desk,
        }
    }

    fn start() -> Self {
        Self::with(Desk::default(), Vec::new())
    }

    async fn get(&self, path: &str, cookie: &str) -> Reply {
        let shown = [("cookie", cookie)];
        self.closed.rig.ask("GET", path, &shown, b"").await
    }

    async fn begin(&self, to: &str) -> Sent {
        let reply = self.get(&format!("/v1/sign-in/issuer?to={to}"), "").await;
        assert_eq!(reply.status, 303, "{reply:?}");
        let to = location(&reply);
        let (_, query) = to.split_once('?').unwrap();
        let set = header(&reply, "set-cookie");
        assert!(set.contains("; HttpOnly; Secure; SameSite=Lax"), "{set}");
        Sent {
            asked: pairs(query),
            cookie: set.split(';').next().unwrap().to_owned(),
        }
    }

    /// Has the issuer vouch for somebody, with other claims than the usual ones.
    fn vouches(&self, sent: &Sent, other: &Value) {
        let mut claims = json!({"aud": CLIENT, "nonce": sent.asked["nonce"], "sub": "olga"});
        for (name, value) in other.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut all = Issuer::claims();
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let token = self
            .issuer
            .signed(&json!({"alg": "RS256", "kid": "rsa"}), &all);
        *self.desk.gives.lock().unwrap() = token;
    }

    async fn back(&self, sent: &Sent, query: &str) -> Reply {
        let path = format!(
            "/v1/sign-in/issuer/callback?state={}&{query}",
            sent.asked["state"]
        );
        self.get(&path, &sent.cookie).await
    }

    /// Nobody is let in; the word for why.
    fn refusal(reply: &Reply) -> String {
        assert_eq!(reply.status, 303, "{reply:?}");
        assert!(!reply.raw.contains("__Host-watchfloor="), "{}", reply.raw);
        let to = location(reply);
        assert!(!to.contains("canary") && !to.contains("ey"), "{to}");
        let (_, query) = to.split_once('?').unwrap();
        pairs(query)["refused"].clone()
    }
}

fn header(reply: &Reply, name: &str) -> String {
    let lines = reply.raw.lines();
    let all = lines.filter_map(|line| line.split_once(": "));
    let mut own = all.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    own.next()
        .unwrap_or_else(|| panic!("no {name}: {}", reply.raw))
        .1
        .to_owned()
}

fn location(reply: &Reply) -> String {
    header(reply, "location")
}

fn pairs(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let text = |value: &str| {
        value
            .replace("%2F", "/")
            .replace("%3A", ":")
            .replace("%20", " ")
    };
    pairs
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect()
}

#[tokio::test]
async fn a_person_comes_back_from_the_issuer_with_a_session_of_this_house() {
    let house = House::start();
    let ways = house.get("/v1/sign-in", "").await.json();
    let issuer =
        json!({"label": "our directory", "begin": "/v1/sign-in/issuer", "ask": "the service desk"});
    assert_eq!(ways, json!({"issuer": issuer}));
    let sent = house.begin("%2Fwall%2Fcare").await;
    let redirect = format!(
        "http://{}/v1/sign-in/issuer/callback",
        house.closed.rig.address
    );
    for (name, value) in [
        ("tenant", "cx"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", &redirect),
        ("scope", "openid cx"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(
            sent.asked.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    house.vouches(&sent, &json!({}));
    let reply = house.back(&sent, &format!("code={CODE}")).await;
    assert_eq!(location(&reply), "/sign-in?to=%2Fwall%2Fcare&on");
    let (verifier, back) = house.desk.asked.lock().unwrap().clone().unwrap();
    let challenge = encoded(digest(&SHA256, verifier.as_bytes()).as_ref());
    assert_eq!(
        (&challenge, &back),
        (&sent.asked["code_challenge"], &redirect)
    );
    assert!(URL_SAFE_NO_PAD.decode(&verifier).unwrap().len() >= 32);

    let olga = cookie(&reply);
    let told = house.get("/v1/session", &olga).await.json();
    assert_eq!(
        (&told["name"], &told["role"], &told["boards"]),
        (&json!("olga"), &json!("engineer"), &json!(["care"]))
    );
    assert_eq!(house.get("/v1/boards/care", &olga).await.status, 200);
    house.get("/v1/boards/sales", &olga).await.problem(403);
    // The session outlives the process, and not the trust in its issuer.
    let passes = house.closed.kept.lock().unwrap().clone();
    let again = House::with(Desk::default(), passes.clone());
    assert_eq!(again.get("/v1/session", &olga).await.status, 200);
    let without = Closed::with(std::time::Duration::from_secs(60), passes);
    let shown = [("cookie", olga.as_str())];
    without
        .rig
        .ask("GET", "/v1/session", &shown, b"")
        .await
        .problem(401);
    let mut house = house;
    house.closed.person("olga", Role::Admin, Boards::all());
    house.get("/v1/session", &olga).await.problem(401);
}

#[tokio::test]
async fn people_of_an_issuer_answer_for_what_their_words_stand_for_and_nothing_else() {
    let house = House::start();
    let mut cookies = Vec::new();
    for (groups, own) in [
        (json!(null), json!([])),
        (json!("king"), json!([])),
        (json!(["leads", 7]), json!([])),
        // The words are another claim's than the role's.
        (json!(["cx-data"]), json!([])),
        (json!("leads"), json!([CARE])),
        (
            json!(["king", "leads", "platform"]),
            json!([CARE, "data.platform"]),
        ),
    ] {
        let sent = house.begin("/").await;
        house.vouches(&sent, &json!({"groups": groups}));
        let olga = cookie(&house.back(&sent, &format!("code={CODE}")).await);
        let told = house.get("/v1/session", &olga).await.json();
        assert_eq!(told["answers_for"], own, "{groups}");
        cookies.push(olga);
    }
    // What the configuration gives to nobody any more is gone from sessions that had it, also after a restart.
    let passes = house.closed.kept.lock().unwrap().clone();
    let kept = serde_json::to_string(&passes).unwrap();
    let other = kept.replace("data.platform", "data.former");
    let again = House::with(Desk::default(), serde_json::from_str(&other).unwrap());
    let told = again.get("/v1/session", &cookies[5]).await.json();
    assert_eq!(told["answers_for"], json!([CARE]));
    // Passes of a release that knew no owners hold, and own nothing.
    let former = kept.replace(r#","answers_for":["care.operations"]"#, "");
    assert_ne!(former, kept);
    let again = House::with(Desk::default(), serde_json::from_str(&former).unwrap());
    let told = again.get("/v1/session", &cookies[4]).await.json();
    assert_eq!(told["answers_for"], json!([]));
    // Who may sign is told in words: names of the issuer's people are not known here.
    assert_eq!(
        house.closed.access.holders("data.platform"),
        ["whose groups has platform"]
    );
    assert_eq!(
        house.closed.access.holders("data.former"),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn only_the_browser_that_began_it_comes_back_once() {
    let house = House::start();
    let sent = house.begin("/").await;
    house.vouches(&sent, &json!({}));
    let code = format!("code={CODE}");
    // Another browser began one of its own, or none.
    let other = house.begin("/").await;
    let path = format!(
        "/v1/sign-in/issuer/callback?state={}&{code}",
        sent.asked["state"]
    );
    let reply = house.get(&path, &other.cookie).await;
    assert_eq!(House::refusal(&reply), "sign_on_not_begun_here");
    assert!(
        house.desk.asked.lock().unwrap().is_none(),
        "no code is used up for strangers"
    );
    // What a stranger tried is over for all.
    let reply = house.back(&sent, &code).await;
    assert_eq!(House::refusal(&reply), "sign_on_not_begun_here");
    let sent = house.begin("/").await;
    house.vouches(&sent, &json!({}));
    assert!(
        house
            .back(&sent, &code)
            .await
            .raw
            .contains("__Host-watchfloor=")
    );
    let reply = house.back(&sent, &code).await;
    assert_eq!(House::refusal(&reply), "sign_on_not_begun_here");
    for query in ["", "?state=", "?state=x&code=y", "?%%%=%"] {
        let reply = house
            .get(&format!("/v1/sign-in/issuer/callback{query}"), "")
            .await;
        assert_eq!(House::refusal(&reply), "sign_on_not_begun_here", "{query}");
    }
    for to in [
        "//evil.example",
        "%2F%2Fevil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "%2Fa%0Ab",
    ] {
        let sent = house.begin(to).await;
        house.vouches(&sent, &json!({}));
        assert_eq!(
            location(&house.back(&sent, &code).await),
            "/sign-in?to=%2F&on",
            "{to}"
        );
    }
}

#[tokio::test]
async fn what_the_issuer_gives_has_to_be_for_this_house_and_this_sign_in() {
    let house = House::start();
    for (other, reason) in [
        (json!({"nonce": "another"}), "token_nonce"),
        (json!({"nonce": null}), "token_nonce"),
        (json!({"aud": "another-client"}), "token_audience"),
        (json!({"aud": [CLIENT, "another-client"]}), "token_claim"),
        (
            json!({"aud": [CLIENT, "another-client"], "azp": "another-client"}),
            "token_claim",
        ),
        (json!({"azp": "another-client"}), "token_claim"),
        (json!({"iss": "https://evil.example"}), "token_issuer"),
        (json!({"exp": 1_000_000_000}), "token_expired"),
        (json!({"realm_access": null}), "token_role"),
        (json!({"boards": []}), "token_boards"),
        (json!({"sub": "ada"}), "token_name"),
    ] {
        let sent = house.begin("/").await;
        house.vouches(&sent, &other);
        let reply = house.back(&sent, &format!("code={CODE}")).await;
        assert_eq!(House::refusal(&reply), reason, "{other}");
    }
    // An access token is none of identity, whatever it claims.
    let sent = house.begin("/").await;
    let mut claims = Issuer::claims();
    claims["aud"] = json!(CLIENT);
    claims["nonce"] = json!(sent.asked["nonce"]);
    let header = json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"});
    *house.desk.gives.lock().unwrap() = house.issuer.signed(&header, &claims);
    let reply = house.back(&sent, &format!("code={CODE}")).await;
    assert_eq!(House::refusal(&reply), "token_kind");
    for (query, reason) in [
        ("code=another", "sign_on_no_token"),
        ("error=access_denied", "sign_on_denied"),
        (
            "code=canary-code&iss=https%3A%2F%2Fevil.example",
            "sign_on_other_issuer",
        ),
    ] {
        let sent = house.begin("/").await;
        house.vouches(&sent, &json!({}));
        assert_eq!(House::refusal(&house.back(&sent, query).await), reason);
    }
    let metrics = house.closed.ask("engineer", "GET", "/metrics").await.text;
    for reason in ["token_nonce", "sign_on_other_issuer", "sign_on_no_token"] {
        let line = format!("watchfloor_refusals_total{{reason=\"{reason}\"}} ");
        assert!(metrics.contains(&line), "{reason} is counted");
    }
}

#[tokio::test]
async fn an_issuer_that_names_itself_always_does_and_one_that_is_not_there_is_told() {
    let desk = Desk {
        names_itself: true,
        ..Desk::default()
    };
    let house = House::with(desk, Vec::new());
    let sent = house.begin("/").await;
    house.vouches(&sent, &json!({"aud": [CLIENT], "azp": CLIENT}));
    let reply = house.back(&sent, &format!("code={CODE}")).await;
    assert_eq!(House::refusal(&reply), "sign_on_other_issuer");
    let sent = house.begin("/").await;
    house.vouches(&sent, &json!({"aud": [CLIENT], "azp": CLIENT}));
    let query = format!("code={CODE}&iss=https%3A%2F%2Flogin.example.com");
    assert!(
        house
            .back(&sent, &query)
            .await
            .raw
            .contains("__Host-watchfloor=")
    );
    let desk = Desk {
        hidden: true,
        ..Desk::default()
    };
    let house = House::with(desk, Vec::new());
    let reply = house.get("/v1/sign-in/issuer?to=/wall/care", "").await;
    assert_eq!(
        location(&reply),
        "/sign-in?to=%2Fwall%2Fcare&refused=sign_on_unreachable"
    );
    for _ in 0..40 {
        house.get("/v1/sign-in/issuer", "").await;
    }
    let reply = house.get("/v1/sign-in/issuer", "").await;
    assert_eq!(House::refusal(&reply), "sign_on_too_many");
    let plain = Closed::start();
    let ways = plain.rig.ask("GET", "/v1/sign-in", &[], b"").await.json();
    assert_eq!(ways, json!({"issuer": null}));
    plain
        .rig
        .ask("GET", "/v1/sign-in/issuer", &[], b"")
        .await
        .problem(404);
    plain
        .rig
        .ask("GET", "/v1/sign-in/issuer/callback?code=a", &[], b"")
        .await
        .problem(404);
}
