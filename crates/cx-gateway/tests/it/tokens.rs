//! Programs that come with a token of an issuer: whose tokens hold, for what and for how long; and every way
//! to lie in one.

use crate::closed::{Closed, SUB, closed, hear, in_ms, refused, say};
use crate::issuer::{AUDIENCE, ISSUER, Issuer, encoded};
use cx_gateway::access::token::Tokens;
use cx_gateway::access::{Boards, Role};
use cx_model::frame::ServerFrame;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

struct House {
    closed: Closed,
    issuer: Issuer,
    tokens: Arc<Tokens>,
}

impl House {
    fn start() -> Self {
        let issuer = Issuer::new();
        let tokens = issuer.tokens();
        let closed = Closed::with_tokens(Arc::clone(&tokens));
        Self {
            closed,
            issuer,
            tokens,
        }
    }

    async fn ask(&self, token: &str, path: &str) -> crate::rig::Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.closed.rig.ask("GET", path, &headers, b"").await
    }

    /// Why a token does not hold, in the words of a program and of a person; no part of it stands in them.
    async fn refusal(&self, token: &str, status: u16) -> (String, String) {
        let reply = self.ask(token, "/v1/boards/care").await;
        let problem = reply.problem(status);
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!reply.text.contains(part), "{part} in {}", reply.text);
        }
        if status == 401 {
            let challenge = r#"www-authenticate: bearer realm="watchfloor", error="invalid_token""#;
            assert!(reply.head.contains(challenge), "{}", reply.head);
        }
        let fault = &problem["errors"][0];
        assert!(!fault["fix"].as_str().unwrap().is_empty());
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        (word(&fault["field"]), word(&problem["detail"]))
    }

    async fn check(&self, token: &str, reason: &str, words: &str) {
        let (field, detail) = self.refusal(token, 401).await;
        assert_eq!(field, reason, "{detail}");
        assert!(detail.contains(words), "{reason}: {detail}");
    }
}

#[tokio::test]
async fn a_program_with_a_token_is_what_its_claims_say_and_no_more() {
    let house = House::start();
    let token = house.issuer.token();
    let told = house.ask(&token, "/v1/session").await.json();
    assert_eq!(
        (&told["name"], &told["role"], &told["boards"]),
        (&json!("meter"), &json!("engineer"), &json!(["care"]))
    );
    assert!(told["until"].as_i64().unwrap() <= in_ms(300_000));
    assert_eq!(house.ask(&token, "/v1/boards/care").await.status, 200);
    house.ask(&token, "/v1/boards/sales").await.problem(403);
    house.ask(&token, "/metrics").await.problem(403);
    let all = house.issuer.with(&json!({"boards": "*"}));
    assert_eq!(house.ask(&all, "/metrics").await.status, 200);
    let some = house.issuer.with(&json!({"boards": "care, sales"}));
    assert_eq!(house.ask(&some, "/v1/boards/sales").await.status, 200);
    let curve = json!({"alg": "ES256", "kid": "ec", "typ": "application/at+JWT"});
    let curve = house.issuer.headed(&curve);
    assert_eq!(house.ask(&curve, "/v1/boards/care").await.status, 200);
    let audiences = house.issuer.with(&json!({"aud": ["other", AUDIENCE]}));
    assert_eq!(house.ask(&audiences, "/v1/boards/care").await.status, 200);
    let soon = house.issuer.with(&json!({"nbf": in_ms(20_000) / 1_000}));
    assert_eq!(
        house.ask(&soon, "/v1/boards/care").await.status,
        200,
        "clocks differ"
    );
}

#[tokio::test]
async fn who_signed_and_how_is_not_for_the_token_to_say() {
    let house = House::start();
    let issuer = &house.issuer;
    let head = |header: Value| issuer.headed(&header);
    for alg in ["none", "None", "", "HS256", "RS384", "PS256", "ES512"] {
        let token = head(json!({"alg": alg, "kid": "rsa"}));
        let words = format!("expected alg RS256 or ES256, received {alg:?}");
        house.check(&token, "token_algorithm", &words).await;
    }
    // Signed by the curve's key, but in the name of the other one.
    let other = head(json!({"alg": "ES256", "kid": "rsa"}));
    house
        .check(&other, "token_other_key", "expected a key for ES256")
        .await;
    let swapped = head(json!({"alg": "RS256", "kid": "ec"}));
    house
        .check(&swapped, "token_other_key", "is for P-256")
        .await;
    house
        .check(
            &head(json!({"alg": "RS256"})),
            "token_without_kid",
            "received none",
        )
        .await;
    let critical = json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]});
    house
        .check(&head(critical), "token_critical", "received one")
        .await;
    let empty = json!({"alg": "RS256", "kid": "rsa", "crit": null});
    house
        .check(&head(empty), "token_critical", "received one")
        .await;
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt"] {
        let token = head(json!({"alg": "RS256", "kid": "rsa", "typ": typ}));
        house.check(&token, "token_kind", typ).await;
    }
    // Another issuer's key, brought along or pointed at.
    let mallory = Issuer::new();
    let own = mallory.point("ec");
    for header in [
        json!({"alg": "ES256", "kid": "ec", "jwk": own}),
        json!({"alg": "ES256", "kid": "ec", "jku": "https://evil.example/keys"}),
        json!({"alg": "ES256", "kid": "ec", "x5c": ["MIIB"], "x5u": "https://evil.example"}),
        json!({"alg": "ES256", "kid": "ec"}),
    ] {
        house
            .check(
                &mallory.headed(&header),
                "token_signature",
                "not of the key",
            )
            .await;
    }
    let honest = issuer.token();
    let (signed, signature) = honest.rsplit_once('.').unwrap();
    house
        .check(&format!("{signed}."), "token_signature", "not of the key")
        .await;
    let (header, _) = signed.split_once('.').unwrap();
    let admin = issuer.with(&json!({"sub": "root", "boards": "*"}));
    let claims = admin.split('.').nth(1).unwrap();
    let mixed = format!("{header}.{claims}.{signature}");
    house
        .check(&mixed, "token_signature", "not of the key")
        .await;
}

#[tokio::test]
async fn a_token_that_is_over_for_others_or_of_others_does_not_hold() {
    let house = House::start();
    let with = |claims: Value| house.issuer.with(&claims);
    let second = |ms: i64| in_ms(ms) / 1_000;
    for (claims, reason, words) in [
        (json!({"exp": second(-5_000)}), "token_expired", "s ago"),
        (json!({"exp": null}), "token_claim", "the claim exp"),
        (json!({"exp": "tomorrow"}), "token_claim", "the claim exp"),
        (json!({"exp": 1e300}), "token_claim", "the claim exp"),
        (json!({"exp": -1}), "token_claim", "the claim exp"),
        (
            json!({"nbf": second(60_000)}),
            "token_not_yet",
            "expected an nbf",
        ),
        (json!({"nbf": "now"}), "token_claim", "the claim nbf"),
        (json!({"nbf": null}), "token_claim", "nbf: optional"),
        (
            json!({"iss": "https://login.example.com/"}),
            "token_issuer",
            ISSUER,
        ),
        (json!({"iss": [ISSUER]}), "token_claim", "the claim iss"),
        (json!({"iss": null}), "token_claim", "the claim iss"),
        (
            json!({"aud": "billing"}),
            "token_audience",
            "received \"billing\"",
        ),
        (
            json!({"aud": ["billing", "crm"]}),
            "token_audience",
            "\"billing\", \"crm\"",
        ),
        (
            json!({"aud": [AUDIENCE, 1]}),
            "token_audience",
            "received none",
        ),
        (json!({"aud": null}), "token_audience", "received none"),
        (json!({"sub": null}), "token_claim", "the claim sub"),
        (json!({"sub": "a\nb"}), "token_claim", "the claim sub"),
    ] {
        house.check(&with(claims), reason, words).await;
    }
}

#[tokio::test]
async fn who_is_nothing_here_is_refused_and_every_refusal_is_counted_by_its_reason() {
    let house = House::start();
    let with = |claims: Value| house.issuer.with(&claims);
    for claims in [json!({"exp": 1_000_000_000}), json!({"aud": "billing"})] {
        house.refusal(&with(claims), 401).await;
    }
    for (claims, reason, words) in [
        (json!({"realm_access": null}), "token_role", "received 0"),
        (
            json!({"realm_access": {"roles": ["admin", "engineer"]}}),
            "token_role",
            "received 0",
        ),
        (
            json!({"realm_access": {"roles": ["cx-data", "cx-care"]}}),
            "token_role",
            "received 2",
        ),
        (
            json!({"realm_access": {"roles": [["cx-data"]]}}),
            "token_role",
            "received 0",
        ),
        (
            json!({"boards": null}),
            "token_boards",
            "names of boards in boards",
        ),
        (json!({"boards": []}), "token_boards", "received none"),
        (json!({"boards": ""}), "token_boards", "received none"),
        (
            json!({"boards": {"care": true}}),
            "token_boards",
            "received none",
        ),
        (json!({"sub": "ada"}), "token_name", "one of the users file"),
    ] {
        let (field, detail) = house.refusal(&with(claims), 403).await;
        assert_eq!(field, reason, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
    let metrics = house.closed.ask("engineer", "GET", "/metrics").await.text;
    for reason in [
        "token_expired",
        "token_audience",
        "token_role",
        "token_boards",
        "token_name",
    ] {
        let line = format!("watchfloor_refusals_total{{reason=\"{reason}\"}} ");
        assert!(metrics.contains(&line), "{reason} is counted");
    }
}

#[tokio::test]
async fn what_is_no_token_or_too_much_of_one_is_told_so() {
    let house = House::start();
    let huge = house.issuer.with(&json!({"more": "x".repeat(9_000)}));
    house
        .check(&huge, "token_too_long", "at most 8192 bytes")
        .await;
    let honest = house.issuer.token();
    let (header, rest) = honest.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let twice = encoded(br#"{"alg":"none","alg":"RS256","kid":"rsa"}"#);
    let double = house.issuer.headed(&json!({"alg": "RS256", "kid": "rsa"}));
    for (token, words) in [
        ("a.b".to_owned(), "three parts"),
        (format!("{honest}.x.y"), "three parts"),
        ("..".to_owned(), "its header is no JSON"),
        (format!("e30.{claims}.{signature}"), "its header is no JSON"),
        (format!("{twice}.{claims}.{signature}"), "each name once"),
        (
            format!("{header}=.{claims}.{signature}"),
            "its header is no base64url",
        ),
        (
            format!("{header}.{claims}=.{signature}"),
            "its payload is no base64url",
        ),
        (format!("{double}=="), "its signature is no base64url"),
        (
            house
                .issuer
                .signed(&json!({"alg": "RS256", "kid": "rsa"}), &json!(["x"])),
            "its payload",
        ),
    ] {
        house.check(&token, "token_malformed", words).await;
    }
    // Nobody is asked for tokens here.
    let plain = Closed::start();
    let bearer = format!("Bearer {honest}");
    let shown = [("authorization", bearer.as_str())];
    let told = plain
        .rig
        .ask("GET", "/v1/boards", &shown, b"")
        .await
        .problem(401);
    assert_eq!(told["errors"][0]["field"], "token_not_asked_for");
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_and_waited_for_and_two_of_one_name_are_none() {
    let house = House::start();
    let next = Issuer::new();
    let token = next.headed(&json!({"alg": "ES256", "kid": "next"}));
    // Whoever reads the keys says at once that it cannot be done.
    let (tokens, asked) = (Arc::clone(&house.tokens), Arc::clone(&house.issuer.asked));
    let answer = |set: Option<String>| {
        let (tokens, asked) = (Arc::clone(&tokens), Arc::clone(&asked));
        let before = asked.load(Ordering::Relaxed);
        tokio::spawn(async move {
            while asked.load(Ordering::Relaxed) == before {
                tokio::task::yield_now().await;
            }
            if let Some(set) = set {
                tokens.take(set.as_bytes()).unwrap();
            }
            tokens.tried(None);
        })
    };
    let answered = answer(None);
    house
        .check(&token, "token_unknown_kid", "received \"next\"")
        .await;
    answered.await.unwrap();
    let both = json!({"keys": [house.issuer.public, next.point("next")]}).to_string();
    let answered = answer(Some(both));
    assert_eq!(
        house.ask(&token, "/v1/boards/care").await.status,
        200,
        "the new key is known now"
    );
    answered.await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let twins =
        json!({"keys": [house.issuer.public, next.point("next"), Issuer::new().point("next")]});
    tokens.take(twins.to_string().as_bytes()).unwrap();
    house.check(&token, "token_ambiguous_kid", "\"next\"").await;
    assert_eq!(
        asked.load(Ordering::Relaxed),
        2,
        "asking again would not help"
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_token_or_with_the_key_that_signed_it() {
    let house = House::start();
    let short = json!({"exp": in_ms(2_500) as f64 / 1e3});
    let bearer = format!("Bearer {}", house.issuer.with(&short));
    let shown = [("authorization", bearer.as_str())];
    let mut socket = house.closed.stream("/v1/stream", &shown).await.unwrap();
    say(&mut socket, SUB).await;
    // It ends within a minute, so it is told of that at once.
    let mut warned = false;
    for _ in 0..2 {
        let frame = hear(&mut socket).await;
        if let ServerFrame::Note { kind, detail, .. } = frame {
            warned = true;
            assert_eq!(kind, "access_expires");
            assert!(detail.contains("token"), "{detail}");
        } else {
            assert!(matches!(frame, ServerFrame::View { .. }), "{frame:?}");
        }
    }
    assert!(warned);
    assert_eq!(closed(&mut socket).await, 4401, "expired");

    let longer = json!({"exp": in_ms(30_000) / 1_000});
    let bearer = format!("Bearer {}", house.issuer.with(&longer));
    let shown = [("authorization", bearer.as_str())];
    let mut socket = house.closed.stream("/v1/stream", &shown).await.unwrap();
    say(&mut socket, SUB).await;
    for other in [
        json!({"sub": "other"}),
        json!({"boards": "sales"}),
        json!({"exp": 1}),
    ] {
        let auth = json!({"op": "auth", "token": house.issuer.with(&other)});
        say(&mut socket, &auth.to_string()).await;
        while !matches!(hear(&mut socket).await, frame @ ServerFrame::Error { .. } if !refused(&frame).1.is_empty())
        {
        }
    }
    let auth = json!({"op": "auth", "token": house.issuer.token()});
    say(&mut socket, &auth.to_string()).await;
    loop {
        if let ServerFrame::Note {
            on: false, detail, ..
        } = hear(&mut socket).await
        {
            assert!(detail.contains("holds for"), "{detail}");
            break;
        }
    }
    // The issuer takes its key back.
    let left = json!({"keys": [house.issuer.point("ec")]}).to_string();
    house.tokens.take(left.as_bytes()).unwrap();
    house.closed.access.keys_read();
    assert_eq!(closed(&mut socket).await, 4403, "revoked");
}

#[tokio::test]
async fn somebody_who_gets_the_same_name_in_the_users_file_shows_a_token_out() {
    let mut house = House::start();
    let bearer = format!("Bearer {}", house.issuer.token());
    let shown = [("authorization", bearer.as_str())];
    let mut socket = house.closed.stream("/v1/stream", &shown).await.unwrap();
    say(&mut socket, SUB).await;
    house.closed.person("meter", Role::Viewer, Boards::all());
    assert_eq!(closed(&mut socket).await, 4403, "revoked");
    let act = json!({"action": "take_alert", "alert": "a"}).to_string();
    let told = house
        .closed
        .rig
        .ask("POST", "/v1/actions", &shown, act.as_bytes())
        .await;
    assert_eq!(told.problem(403)["errors"][0]["field"], "token_name");
}
