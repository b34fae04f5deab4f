//! In: requests of browsers that sign in at the issuer. Kept: nothing. Out: where they go next, and the cookie of
//! their session. Never knows: what the issuer said.

use super::under_way::WHILE_MS;
use super::{Back, NotOn, SignOn, encoded};
use crate::access::credential::{self, set_cookie};
use crate::access::failures::OF_ADDRESS;
use crate::access::pass::{Holder, Issued};
use crate::access::peer::Peer;
use crate::access::token::Held;
use crate::access::{Access, Settings};
use crate::hub::Hub;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;

/// Tells a browser that began a sign-in from others. It has to come along when the issuer sends the browser
/// back, which another site's page does: so it is Lax, where the session's own cookie is Strict.
const COOKIE: &str = "__Host-watchfloor-sign-on";
const BEGIN: &str = "/v1/sign-in/issuer";
const CALLBACK: &str = "/v1/sign-in/issuer/callback";

/// `GET /v1/sign-in`: what the page offers whoever is not signed in.
pub(crate) async fn ways(State(access): State<Arc<Access>>) -> Response {
    let issuer = access.sign_on.as_ref().map(|on| {
        let manner = on.manner();
        json!({"label": manner.label, "begin": BEGIN, "ask": manner.ask})
    });
    Json(json!({"issuer": issuer})).into_response()
}

/// `GET /v1/sign-in/issuer?to=/wall/care`.
pub(crate) async fn begin(
    State(access): State<Arc<Access>>,
    State(hub): State<Arc<Hub>>,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(on) = &access.sign_on else {
        return none().into_response();
    };
    let page = pairs(query.as_deref()).find_map(|(name, value)| (name == "to").then_some(value));
    let page = page.filter(|page| is_page(page));
    let page = page.unwrap_or_else(|| "/".to_owned());
    let redirect = format!("{}{CALLBACK}", own(access.settings(), on, &headers));
    let browser = credential::cookie(&headers, COOKIE).filter(|secret| secret.len() == 43);
    let sent = access.count(address).and_then(|()| {
        let now = access.now_ms();
        on.begin((redirect, page.clone()), browser, now)
    });
    match sent {
        Ok(sent) => leads(&sent.to, &[cookie(&sent.browser, WHILE_MS / 1_000)]),
        Err(not_on) => refused(&hub, &not_on, &page),
    }
}

/// `GET /v1/sign-in/issuer/callback`: the issuer sent the browser back.
pub(crate) async fn callback(
    State(access): State<Arc<Access>>,
    State(hub): State<Arc<Hub>>,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(on) = &access.sign_on else {
        return none().into_response();
    };
    let mut back = Back::default();
    for (name, value) in pairs(query.as_deref()) {
        match name {
            "state" => back.state = value,
            "code" => back.code = Some(value),
            "iss" => back.iss = Some(value),
            _ => {}
        }
    }
    let browser = credential::cookie(&headers, COOKIE);
    let now = access.now_ms();
    let (page, held) = on.proved(back, browser.as_deref(), now).await;
    let held = held.and_then(|held| {
        access.own_name(&held.who).map_err(NotOn::Token)?;
        Ok(held)
    });
    match held {
        Ok(held) => {
            let (secret, seconds) = access.issued(on, held, address).await;
            // Led here by another site's page no browser shows a strict cookie: this page asks once more.
            let to = format!("/sign-in?to={}&on", encoded(&page));
            leads(&to, &[set_cookie(&secret, seconds), cookie("", 0)])
        }
        Err(not_on) => refused(&hub, &not_on, &page),
    }
}

impl Access {
    fn count(&self, address: IpAddr) -> Result<(), NotOn> {
        let mut failures = self.failures.lock().expect("no holder panics");
        let key = format!("sign-on {address}");
        let counted = failures.attempt(&key, OF_ADDRESS, self.now_ms());
        counted.map_err(|_| NotOn::TooMany)
    }

    /// A session of whoever proved who they are; its secret, and for how many seconds it holds.
    async fn issued(self: &Arc<Self>, on: &SignOn, held: Held, address: IpAddr) -> (String, i64) {
        self.failures
            .lock()
            .expect("no holder panics")
            .forgive(&format!("sign-on {address}"));
        let of = Holder::Issued(Issued {
            name: held.who.name,
            role: held.who.role,
            boards: held.who.boards,
            issuer: on.rules().issuer.clone(),
            answers_for: held.who.answers_for,
        });
        let session = self.settings().map_or(0, |closed| closed.session.as_secs());
        let seconds = i64::try_from(session).unwrap_or_default();
        let now = self.now_ms();
        let secret = self.passes().issue(of, (now, now + seconds * 1_000));
        let access = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || access.save()).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!("sessions cannot be kept; a restart ends this one");
        }
        (secret, seconds)
    }
}

/// The address that this browser knows the house by.
fn own(settings: Option<&Settings>, on: &SignOn, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let named = settings.and_then(|closed| {
        let mut all = closed.addresses.iter();
        all.find(|address| address.split_once("://").is_some_and(|(_, h)| h == host))
    });
    named.map_or_else(|| format!("{}://{host}", on.manner().scheme), Clone::clone)
}

/// Whether it is a page of this house, and of no other.
fn is_page(to: &str) -> bool {
    let mut bytes = to.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && to.len() <= 512
        && to.bytes().all(|b| (0x21..=0x7e).contains(&b))
}

/// Names and values of a query; what is not well written is left out.
fn pairs(query: Option<&str>) -> impl Iterator<Item = (&str, String)> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name, decoded(value)?))
    })
}

fn decoded(value: &str) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn cookie(secret: &str, seconds: i64) -> String {
    format!("{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax")
}

fn refused(hub: &Hub, not_on: &NotOn, page: &str) -> Response {
    let reason = not_on.reason();
    hub.counts().refuse(reason);
    tracing::info!(reason, "sign-in refused");
    leads(
        &format!("/sign-in?to={}&refused={reason}", encoded(page)),
        &[cookie("", 0)],
    )
}

fn leads(to: &str, cookies: &[String]) -> Response {
    let Ok(to) = HeaderValue::try_from(to) else {
        return none().into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    for cookie in cookies {
        let mut cookie = HeaderValue::try_from(cookie).expect("letters, digits, - and _");
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn none() -> Problem {
    let detail = "people do not sign in at an issuer here";
    let fix = "sign in at /sign-in with name and password, or configure access.oidc";
    let title = "no issuer to sign in at";
    Problem::new(StatusCode::NOT_FOUND, title, detail).at("access", "server", fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_of_this_house() {
        for good in ["/", "/wall/care", "/glossary?kpi=a"] {
            assert!(is_page(good), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/a\n",
            "wall",
        ] {
            assert!(!is_page(bad), "{bad}");
        }
    }

    #[test]
    fn a_query_is_read_as_browsers_write_it() {
        let all: Vec<_> = pairs(Some("a=%2Fwall%2Fcare&b=x+y&c=%zz&d&e=")).collect();
        let text = |s: &str| s.to_owned();
        assert_eq!(
            all,
            [
                ("a", text("/wall/care")),
                ("b", text("x y")),
                ("e", String::new())
            ]
        );
        assert_eq!(decoded("%E2%82%AC").as_deref(), Some("€"));
        assert_eq!(decoded("%FF"), None);
        assert_eq!(decoded("%4"), None);
    }
}
