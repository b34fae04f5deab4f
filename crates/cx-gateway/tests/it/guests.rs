//! Guests of a closed house: pages of foreign origins with a ticket, screens that were paired.

use crate::closed::{Closed, INTRANET, SUB, closed, cookie, hear, refused, say};
use cx_model::frame::ServerFrame;
use serde_json::{Value, json};

#[tokio::test]
async fn a_page_elsewhere_opens_one_stream_with_one_ticket() {
    let house = Closed::start();
    let bearer = house.bearer("engineer");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let ask = json!({"origin": INTRANET, "boards": ["care"]}).to_string();
    let reply = house
        .rig
        .ask("POST", "/v1/tickets", &headers, ask.as_bytes())
        .await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let path = format!(
        "/v1/stream?ticket={}",
        reply.json()["ticket"].as_str().unwrap()
    );
    let stolen = house
        .stream(&path, &[("origin", "https://evil.example")])
        .await;
    assert!(stolen.is_err());
    let mut socket = house.stream(&path, &[("origin", INTRANET)]).await.unwrap();
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    say(&mut socket, r#"{"op":"sub","id":2,"board":"sales"}"#).await;
    assert_eq!(refused(&hear(&mut socket).await).0, "board");
    assert!(
        house.stream(&path, &[("origin", INTRANET)]).await.is_err(),
        "it is used up"
    );
    // It opens nothing but a stream.
    let reply = house
        .rig
        .ask("GET", "/v1/boards?ticket=x", &[("origin", INTRANET)], b"")
        .await;
    reply.problem(403);
    let ask = json!({"origin": "https://evil.example", "boards": ["care"]}).to_string();
    house
        .rig
        .ask("POST", "/v1/tickets", &headers, ask.as_bytes())
        .await
        .problem(400);
}

#[tokio::test]
async fn a_screen_shows_a_code_and_gets_its_pass_once_somebody_who_may_wrote_it() {
    let house = Closed::start();
    let ada = house.cookie("ada").await;
    let pairing = house.page("", "POST", "/v1/pairings", &Value::Null).await;
    assert_eq!(pairing.status, 201, "{pairing:?}");
    let pairing = pairing.json();
    let claim = json!({"claim": pairing["claim"]});
    assert_eq!(
        house
            .page("", "POST", "/v1/pairings/claim", &claim)
            .await
            .status,
        202
    );
    let confirm = json!({"code": pairing["code"], "name": "north wall", "board": "care"});
    house
        .page("", "POST", "/v1/devices", &confirm)
        .await
        .problem(401);
    let vic = house.cookie("vic").await;
    house
        .page(&vic, "POST", "/v1/devices", &confirm)
        .await
        .problem(403);
    assert_eq!(
        house
            .page(&ada, "POST", "/v1/devices", &confirm)
            .await
            .status,
        201
    );
    let claimed = house.page("", "POST", "/v1/pairings/claim", &claim).await;
    assert_eq!(
        (claimed.status, &claimed.json()["board"]),
        (200, &json!("care"))
    );
    cookie(&claimed);
    house
        .page("", "POST", "/v1/pairings/claim", &claim)
        .await
        .problem(410);
}

#[tokio::test]
async fn a_screen_sees_one_board_until_it_is_shown_out() {
    let house = Closed::start();
    let ada = house.cookie("ada").await;
    let screen = house.screen(&ada).await;
    assert_eq!(
        house
            .page(&screen, "GET", "/v1/boards/care", &Value::Null)
            .await
            .status,
        200
    );
    house
        .page(&screen, "GET", "/v1/boards/sales", &Value::Null)
        .await
        .problem(403);
    house
        .page(&screen, "POST", "/v1/actions", &json!({}))
        .await
        .problem(403);
    let origin = format!("http://{}", house.rig.address);
    let headers = [("cookie", screen.as_str()), ("origin", origin.as_str())];
    let mut socket = house.stream("/v1/stream", &headers).await.unwrap();
    say(&mut socket, SUB).await;
    assert!(matches!(hear(&mut socket).await, ServerFrame::View { .. }));
    let listed = house
        .page(&ada, "GET", "/v1/devices", &Value::Null)
        .await
        .json();
    let one = &listed["devices"][0];
    assert_eq!(
        (&one["name"], &one["by"]),
        (&json!("north wall"), &json!("ada"))
    );
    let path = format!("/v1/devices/{}", one["device"].as_str().unwrap());
    assert_eq!(
        house.page(&ada, "DELETE", &path, &Value::Null).await.status,
        204
    );
    assert_eq!(closed(&mut socket).await, 4403);
    house
        .page(&screen, "GET", "/v1/boards/care", &Value::Null)
        .await
        .problem(401);
    house
        .page(&ada, "DELETE", &path, &Value::Null)
        .await
        .problem(404);
}
