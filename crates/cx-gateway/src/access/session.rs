//! In: a name and a password. Kept: nothing. Out: a session's cookie; who is signed in. Never knows: how
//! passwords are kept.

use super::credential::{Credential, set_cookie};
use super::door::rights;
use super::peer::Peer;
use super::principal::{Principal, Who};
use super::{Access, NotIn};
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const FIX: &str = r#"write {"name": "ada", "password": "…"}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    password: String,
}

/// `GET /v1/session`: who asks, and what they may.
pub(crate) async fn show(State(access): State<Arc<Access>>, Extension(who): Who) -> Response {
    Json(shown(&access, &who)).into_response()
}

fn shown(access: &Access, who: &Principal) -> Value {
    let mode = if access.is_closed() { "closed" } else { "open" };
    json!({
        "mode": mode, "name": who.name, "role": who.role, "boards": who.boards,
        "until": who.until, "rights": rights(who), "answers_for": who.answers_for,
    })
}

/// `POST /v1/session`.
pub(crate) async fn begin(
    State(access): State<Arc<Access>>,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    body: Bytes,
) -> Response {
    if !access.is_closed() {
        return open().into_response();
    }
    let Ok(Asked { name, password }) = serde_json::from_slice(&body) else {
        // The parser's words could hold the password.
        let detail = "expected a name and a password";
        return Problem::new(StatusCode::BAD_REQUEST, "no sign-in", detail)
            .at("body", "body", FIX)
            .into_response();
    };
    match access.sign_in(name, password, address).await {
        Ok(secret) => signed_in(&access, &secret),
        Err(not_in) => refused(not_in),
    }
}

/// Access is open: nobody signs in.
pub(crate) fn open() -> Problem {
    let detail = "access is open here: whoever reaches this address may do everything";
    let fix = "set access.mode to closed in the configuration";
    Problem::new(StatusCode::CONFLICT, "access is open", detail).at("access", "server", fix)
}

fn signed_in(access: &Access, secret: &str) -> Response {
    let who = access.who(&Credential::Cookie(secret.to_owned()));
    match who {
        Ok(who) => with_cookie(access, (secret, who.until), shown(access, &who)),
        Err(refused) => refused.into_response(),
    }
}

/// An answer that gives a browser its pass.
pub(crate) fn with_cookie(
    access: &Access,
    (secret, until): (&str, Option<i64>),
    body: Value,
) -> Response {
    let seconds = until.map_or(0, |until| (until - access.now_ms()) / 1_000);
    let mut response = Json(body).into_response();
    let cookie = HeaderValue::try_from(set_cookie(secret, seconds));
    let mut cookie = cookie.expect("a secret is letters, digits, - and _");
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

fn refused(not_in: NotIn) -> Response {
    match not_in {
        NotIn::Wrong => {
            tracing::info!(reason = "wrong_password", "sign-in refused");
            let detail = "name and password do not belong together";
            let fix = "write both again; an admin can set a new password with watchfloor user add";
            let title = "not signed in";
            let problem = Problem::new(StatusCode::UNAUTHORIZED, title, detail);
            let mut response = problem.at("password", "body", fix).into_response();
            let scheme = HeaderValue::from_static(r#"Bearer realm="watchfloor""#);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
            response
        }
        NotIn::Wait(seconds) => {
            tracing::info!(reason = "too_many_failures", "sign-in refused");
            too_many(seconds)
        }
    }
}

/// Somebody tries too often.
pub(crate) fn too_many(seconds: i64) -> Response {
    let detail = format!("too many attempts of this name or address: wait {seconds} s");
    let title = "too many attempts";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, title, detail);
    let fix = "try again then; nobody else's attempts are affected";
    let mut response = problem.at("attempts", "server", fix).into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}

/// `DELETE /v1/session`: the cookie's pass ends, everywhere it is open.
pub(crate) async fn end(State(access): State<Arc<Access>>, headers: HeaderMap) -> Response {
    let Credential::Cookie(secret) = Credential::of(&headers) else {
        let detail = "expected the session's cookie, received none";
        return Problem::new(StatusCode::BAD_REQUEST, "no session", detail)
            .at("cookie", "header cookie", "there is nothing to end")
            .into_response();
    };
    let ending = Arc::clone(&access);
    let ended = tokio::task::spawn_blocking(move || ending.sign_out(&secret)).await;
    match ended {
        Ok(Ok(_)) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            let cookie = HeaderValue::try_from(set_cookie("", 0));
            let cookie = cookie.expect("a cookie without a value");
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Ok(Err(_)) | Err(_) => unkept().into_response(),
    }
}

/// What ended would come back with a restart.
pub(crate) fn unkept() -> Problem {
    let detail = "it is ended, but that cannot be written down: a restart would bring it back";
    let fix = "make room on the disk of the setting data, then end it again";
    let title = "it cannot be kept";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, title, detail).at("data", "server", fix)
}
