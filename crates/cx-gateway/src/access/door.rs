//! In: requests. Kept: nothing. Out: who asks, beside the request; or why they are not let in. Never knows:
//! what is asked for beyond its address. The one place where HTTP is checked.

use super::credential::{Credential, needs_origin};
use super::principal::Principal;
use super::refused::Refused;
use super::right::{self, Need};
use super::{Access, Right};
use axum::RequestExt as _;
use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Streams, which alone take tickets.
const STREAM: &str = "/v1/stream";
const TICKET: &str = "ticket";

/// Puts who asks beside the request.
///
/// # Errors
/// Why they are not let in.
pub(crate) async fn admit(access: &Access, request: &mut Request) -> Result<(), Refused> {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(|route| route.as_str().to_owned());
    let need = match &route {
        // Files of the display, and what is nowhere.
        None => Need::Nothing,
        Some(route) => match right::need(request.method().as_str(), route) {
            Some(need) => need,
            // Another method of a route that is there: its own handler says so.
            None if right::known(route) => Need::Nothing,
            None => return Err(Refused::NoCredential),
        },
    };
    let board = board(request).await;
    let shown = Shown::by(request);
    if let Credential::Bearer(text) = &shown.credential {
        access.learn(text).await;
    }
    let who = who(access, shown);
    match (need, &who) {
        (Need::Nothing, _) => {}
        (Need::Page | Need::Somebody, who) => drop(who.as_ref().map_err(Refused::clone)?),
        (Need::Right(right), who) => who.as_ref().map_err(Refused::clone)?.check(right)?,
        (Need::Board(right), who) => {
            let who = who.as_ref().map_err(Refused::clone)?;
            who.check(right)?;
            who.check_board(&board)?;
        }
    }
    let who = who.unwrap_or_else(|_| Principal::nobody());
    request.extensions_mut().insert(Arc::new(who));
    Ok(())
}

/// What a request shows to tell somebody by.
struct Shown {
    ticket: Option<String>,
    credential: Credential,
    origin: Option<String>,
    needs_origin: bool,
}

impl Shown {
    fn by(request: &Request) -> Self {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN);
        Self {
            ticket: ticket(request),
            credential: Credential::of(headers),
            origin: origin.map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned()),
            needs_origin: needs_origin(request.method(), headers),
        }
    }
}

fn who(access: &Access, shown: Shown) -> Result<Principal, Refused> {
    if let Some(ticket) = shown.ticket {
        return access.take_ticket(&ticket, &shown.origin.unwrap_or_default());
    }
    let who = access.who(&shown.credential)?;
    let cookie = matches!(shown.credential, Credential::Cookie(_)) && !who.is_open();
    if cookie && shown.origin.is_none() && shown.needs_origin {
        return Err(Refused::NoOrigin);
    }
    Ok(who)
}

/// The ticket that a WebSocket is to be opened with.
pub(crate) fn ticket(request: &Request) -> Option<String> {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    if request.uri().path() != STREAM || !upgrades {
        return None;
    }
    let mut pairs = request.uri().query()?.split('&');
    let ticket = pairs.find_map(|pair| pair.strip_prefix(TICKET)?.strip_prefix('='));
    ticket.map(str::to_owned)
}

/// The board in a path, read as handlers read it; empty where there is none.
async fn board(request: &mut Request) -> String {
    let all = request.extract_parts::<RawPathParams>().await;
    let all = all.ok();
    let board = all
        .as_ref()
        .and_then(|all| all.iter().find(|(name, _)| *name == "board"));
    board.map_or_else(String::new, |(_, board)| board.to_owned())
}

/// How a refusal is told: a page leads to the sign-in and back.
pub(crate) fn told(refused: Refused, request_path: &str, page: bool) -> Response {
    if !page || !matches!(refused, Refused::NoCredential | Refused::Unknown(..)) {
        return refused.into_response();
    }
    let to = format!("/sign-in?to={request_path}");
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => refused.into_response(),
    }
}

/// Whether a request is for a page.
pub(crate) fn is_page(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    let need = route.and_then(|route| right::need(request.method().as_str(), route.as_str()));
    need == Some(Need::Page)
}

/// Rights that somebody has, by name.
pub(crate) fn rights(who: &Principal) -> Vec<&'static str> {
    let has = Right::all().filter(|right| who.may(*right));
    has.map(Right::name).collect()
}
