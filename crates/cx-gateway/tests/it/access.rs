//! Closed access over real sockets: who comes in with what, what each may hear, and who is shown out.

use crate::closed::{Closed, PASSWORD, SUB, closed, hear, in_ms, refused, say};
use crate::rig::Rig;
use cx_gateway::access::{Boards, Key, Right, Role};
use cx_model::frame::ServerFrame;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;

#[tokio::test]
async fn without_a_credential_nothing_is_told_but_what_is_public() {
    let house = Closed::start();
    let contract = std::fs::read_to_string("../../schemas/openapi.json").unwrap();
    let contract: Value = serde_json::from_str(&contract).unwrap();
    let mut asked = 0;
    for (path, operations) in contract["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let address = path.replace(['{', '}'], "");
            let method = method.to_uppercase();
            let reply = house.rig.ask(&method, &address, &[], b"").await;
            let public = operation["security"] == json!([]);
            let page = operation["responses"]["303"].is_object();
            let out = if page { 303 } else { 401 };
            asked += 1;
            assert_eq!(
                reply.status == out,
                !public,
                "{method} {address}: {reply:?}"
            );
            if reply.status == 401 {
                let problem = reply.problem(401);
                assert_eq!(problem["errors"][0]["field"], "no_credential");
                assert!(
                    reply
                        .head
                        .contains("www-authenticate: bearer realm=\"watchfloor\"")
                );
            }
        }
    }
    assert!(asked > 30, "{asked}");
    let nobody = house.stream("/v1/stream", &[]).await;
    assert!(matches!(nobody, Err(Error::Http(answer)) if answer.status() == 401));
}

#[tokio::test]
async fn a_person_signs_in_looks_around_and_signs_out() {
    let house = Closed::start();
    let ada = house.cookie("ada").await;
    let told = house
        .page(&ada, "GET", "/v1/session", &Value::Null)
        .await
        .json();
    assert_eq!(
        (&told["name"], &told["role"], &told["mode"]),
        (&json!("ada"), &json!("operator"), &json!("closed"))
    );
    assert_eq!(
        house
            .page(&ada, "GET", "/v1/boards/care", &Value::Null)
            .await
            .status,
        200
    );
    // Acts carry who is signed in, whatever is written.
    let act = json!({"action": "take_alert", "alert": "a", "by": "Mallory", "role": "king"});
    assert_eq!(
        house.page(&ada, "POST", "/v1/actions", &act).await.status,
        202
    );
    let acts = house.rig.house.acts.lock().unwrap().clone();
    assert_eq!(
        (acts[0].by.as_str(), acts[0].role.as_str()),
        ("ada", "operator")
    );
    let origin = format!("http://{}", house.rig.address);
    let headers = [("cookie", ada.as_str()), ("origin", origin.as_str())];
    let mut socket = house.stream("/v1/stream", &headers).await.unwrap();
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    assert_eq!(
        house
            .page(&ada, "DELETE", "/v1/session", &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(closed(&mut socket).await, 4403, "revoked");
    house
        .page(&ada, "GET", "/v1/boards/care", &Value::Null)
        .await
        .problem(401);
    assert!(
        house.kept.lock().unwrap().is_empty(),
        "a restart does not bring it back"
    );
}

#[tokio::test]
async fn a_session_outlives_the_process_and_ends_with_the_password() {
    let mut house = Closed::start();
    let ada = house.cookie("ada").await;
    let passes = house.kept.lock().unwrap().clone();
    let mut again = Closed::with(Duration::from_secs(60), passes);
    // The same person, of the same file.
    again.people.clone_from(&house.people);
    again.set();
    assert_eq!(
        again
            .page(&ada, "GET", "/v1/session", &Value::Null)
            .await
            .status,
        200
    );
    house.people.clear();
    house.person("ada", Role::Operator, Boards::all());
    house
        .page(&ada, "GET", "/v1/session", &Value::Null)
        .await
        .problem(401);
}

#[tokio::test]
async fn wrong_passwords_say_nothing_and_too_many_have_to_wait() {
    let house = Closed::start();
    let wrong = house.sign_in("ada", "incorrect horse").await.problem(401);
    let nobody = house
        .sign_in("nobody", "incorrect horse")
        .await
        .problem(401);
    assert_eq!(
        wrong["detail"], nobody["detail"],
        "names are not told apart"
    );
    for _ in 0..7 {
        house.sign_in("ada", "incorrect horse").await.problem(401);
    }
    let reply = house.sign_in("ada", PASSWORD).await;
    reply.problem(429);
    assert!(reply.head.contains("retry-after: "), "{}", reply.head);
    assert_eq!(
        house.sign_in("vic", PASSWORD).await.status,
        200,
        "others do not wait"
    );
    let body = json!({"name": "ada", "password": PASSWORD, "more": "canary"});
    let reply = house.page("", "POST", "/v1/session", &body).await;
    reply.problem(400);
    assert!(!reply.text.contains("canary"), "{}", reply.text);
}

#[tokio::test]
async fn a_cookie_counts_only_from_a_page_of_this_house() {
    let house = Closed::start();
    let ada = house.cookie("ada").await;
    let body = br#"{"action":"take_alert","alert":"a"}"#;
    let shown = [("cookie", ada.as_str())];
    let without = house.rig.ask("POST", "/v1/actions", &shown, body).await;
    assert_eq!(without.problem(403)["errors"][0]["field"], "no_origin");
    let foreign = [("cookie", ada.as_str()), ("origin", "https://evil.example")];
    let told = house
        .rig
        .ask("POST", "/v1/actions", &foreign, body)
        .await
        .problem(403);
    let words = told["detail"].as_str().unwrap();
    let own = format!(
        "expected http://{}, received \"https://evil.example\"",
        house.rig.address
    );
    assert_eq!(words, own);
    assert!(house.stream("/v1/stream", &foreign).await.is_err());
    assert!(
        house
            .stream("/v1/stream", &[("cookie", &ada)])
            .await
            .is_err()
    );
    let host = [("host", "evil.example"), ("cookie", ada.as_str())];
    let told = house
        .rig
        .ask("GET", "/v1/boards", &host, b"")
        .await
        .problem(421);
    assert!(
        told["detail"]
            .as_str()
            .unwrap()
            .contains("https://wall.example.com, received \"evil.example\"")
    );
    let named = [
        ("host", "wall.example.com"),
        ("cookie", ada.as_str()),
        ("origin", "https://wall.example.com"),
    ];
    assert_eq!(
        house.rig.ask("GET", "/v1/boards", &named, b"").await.status,
        200
    );
}

#[tokio::test]
async fn who_may_see_one_board_hears_of_no_other() {
    let house = Closed::start();
    let told = house.ask("narrow", "GET", "/v1/boards").await.json();
    let names: Vec<&Value> = told["boards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["board"])
        .collect();
    assert_eq!(names, [&json!("care")]);
    house
        .ask("narrow", "GET", "/v1/boards/sales")
        .await
        .problem(403);
    house
        .ask("narrow", "GET", "/v1/boards/s%61les/trend")
        .await
        .problem(403);
    // The board is read at the door as its handler reads it.
    let told = house.ask("narrow", "GET", "/v1/boards/c%61re").await;
    assert_eq!(told.status, 200, "{told:?}");
    house
        .ask("narrow", "GET", "/v1/boards/nowhere")
        .await
        .problem(403);
    let kpis = house.ask("narrow", "GET", "/v1/kpis").await.text;
    assert!(
        kpis.contains("waiting") && !kpis.contains("orders"),
        "{kpis}"
    );
    house
        .ask("narrow", "GET", "/v1/kpis/orders")
        .await
        .problem(403);
    house.ask("narrow", "GET", "/metrics").await.problem(403);
    let mut socket = house.stream_as("narrow").await;
    say(&mut socket, r#"{"op":"sub","id":1,"board":"sales"}"#).await;
    let frame = hear(&mut socket).await;
    assert_eq!(
        refused(&frame),
        ("board", "boards of this credential are: care")
    );
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    for accept in ["text/event-stream", "application/x-ndjson"] {
        let bearer = house.bearer("narrow");
        let headers = [("authorization", bearer.as_str()), ("accept", accept)];
        house
            .rig
            .ask("GET", "/v1/stream?board=sales", &headers, b"")
            .await
            .problem(403);
    }
}

#[tokio::test]
async fn each_class_of_frame_asks_for_its_own_right() {
    let house = Closed::start();
    let mut socket = house.stream_as("viewer").await;
    say(
        &mut socket,
        r#"{"op":"sub","id":1,"board":"care","fields":"parts"}"#,
    )
    .await;
    let frame = hear(&mut socket).await;
    let fix = "ask somebody who is operator or marketer or engineer or admin";
    assert_eq!(refused(&frame), ("role", fix));
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    say(&mut socket, r#"{"op":"why","id":1,"cell":1}"#).await;
    assert_eq!(refused(&hear(&mut socket).await).0, "role");
    for (method, path) in [
        ("GET", "/v1/kpis/waiting/why"),
        ("POST", "/v1/customers/lookup"),
        ("POST", "/v1/events"),
        ("POST", "/v1/actions"),
        ("GET", "/v1/definitions"),
        ("POST", "/v1/recount"),
        ("GET", "/v1/devices"),
        ("GET", "/metrics"),
    ] {
        house.ask("viewer", method, path).await.problem(403);
    }
    assert_eq!(house.ask("engineer", "GET", "/metrics").await.status, 200);
    let mut socket = house.stream_as("engineer").await;
    say(
        &mut socket,
        r#"{"op":"sub","id":1,"board":"care","fields":"parts"}"#,
    )
    .await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    // Five in a row that its sender may not have: it is shown out.
    for _ in 0..5 {
        say(
            &mut socket,
            r#"{"op":"sub","id":2,"board":"care","fields":"parts","cadence":"none"}"#,
        )
        .await;
    }
    assert_eq!(closed(&mut socket).await, 4400);
    let mut socket = house.stream_as("viewer").await;
    for _ in 0..5 {
        say(
            &mut socket,
            r#"{"op":"sub","id":1,"board":"care","fields":"parts"}"#,
        )
        .await;
    }
    assert_eq!(closed(&mut socket).await, 4406);
}

#[tokio::test]
async fn a_key_may_be_for_less_than_its_role_and_may_end() {
    let mut house = Closed::start();
    let only = Some(BTreeSet::from([Right::Metrics]));
    house.key("prometheus", (Role::Engineer, Boards::all()), only, None);
    house.key(
        "short",
        (Role::Engineer, Boards::all()),
        None,
        Some(in_ms(1_500)),
    );
    house.key(
        "over",
        (Role::Engineer, Boards::all()),
        None,
        Some(in_ms(-1)),
    );
    assert_eq!(house.ask("prometheus", "GET", "/metrics").await.status, 200);
    house
        .ask("prometheus", "GET", "/v1/boards")
        .await
        .problem(403);
    house.ask("over", "GET", "/v1/boards").await.problem(401);
    let mut socket = house.stream_as("short").await;
    say(&mut socket, SUB).await;
    let mut frames = [hear(&mut socket).await, hear(&mut socket).await];
    frames.sort_by_key(|f| matches!(f, ServerFrame::Note { .. }));
    let ServerFrame::Note { kind, on: true, .. } = &frames[1] else {
        panic!("a warning comes a minute before: {frames:?}");
    };
    assert_eq!(kind, "access_expires");
    // Another key of somebody else does not do; another one of the same program does.
    let other = house.texts["engineer"].clone();
    say(
        &mut socket,
        &json!({"op": "auth", "token": other}).to_string(),
    )
    .await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::Error { .. }));
    assert_eq!(closed(&mut socket).await, 4401, "expired");
    house.ask("short", "GET", "/v1/boards").await.problem(401);
}

#[tokio::test]
async fn a_stream_goes_on_with_another_credential_of_the_same_program() {
    let mut house = Closed::start();
    house.key(
        "first",
        (Role::Engineer, Boards::all()),
        None,
        Some(in_ms(1_500)),
    );
    let (mut key, text) = Key::fresh("first", (Role::Engineer, Boards::all()), None, None);
    key.name = "first".to_owned();
    house.keys.push(key);
    house.set();
    let mut socket = house.stream_as("first").await;
    say(&mut socket, SUB).await;
    say(
        &mut socket,
        &json!({"op": "auth", "token": text}).to_string(),
    )
    .await;
    let mut renewed = false;
    while !renewed {
        renewed = matches!(hear(&mut socket).await, ServerFrame::Note { on: false, .. });
    }
    let gone = timeout(Duration::from_millis(2_500), closed(&mut socket)).await;
    assert!(gone.is_err(), "it goes on beyond the first key's end");
}

#[tokio::test]
async fn who_is_taken_out_of_the_file_is_shown_out_of_every_stream() {
    let mut house = Closed::start();
    let mut socket = house.stream_as("engineer").await;
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    let mut other = house.stream_as("viewer").await;
    say(&mut other, SUB).await;
    assert!(matches!(hear(&mut other).await, ServerFrame::View { .. }));
    house.keys.retain(|key| key.name != "engineer");
    house.set();
    assert_eq!(closed(&mut socket).await, 4403);
    house.rig.seal(101, &[4, 5, 6]);
    assert!(
        matches!(hear(&mut other).await, ServerFrame::D { .. }),
        "the neighbour never notices"
    );
}

#[tokio::test]
async fn open_access_asks_nobody_and_says_so() {
    let rig = Rig::start(1);
    let told = rig.get("/v1/session").await.json();
    assert_eq!(
        (&told["mode"], &told["boards"]),
        (&json!("open"), &json!(["*"]))
    );
    let body = br#"{"name":"ada","password":"x"}"#;
    rig.ask("POST", "/v1/session", &[], body).await.problem(409);
    rig.ask("POST", "/v1/pairings", &[], b"").await.problem(409);
}
