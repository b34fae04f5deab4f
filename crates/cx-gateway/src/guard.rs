//! In: requests and answers. Kept: nothing. Out: refusals of foreign hosts and origins; answers
//! with security headers, every error as problem details. Never knows: what is asked for.

use crate::access::door;
use crate::access::{Access, Settings};
use crate::hub::Hub;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Only names of this machine and its configured addresses may be asked for, and only their own pages may
/// ask: another site's page in the same browser must not read or send anything here (DNS rebinding, forged
/// requests). Then the door says who asks and whether they may.
pub(crate) async fn guard(
    State(hub): State<Arc<Hub>>,
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let refusal = refusal(access.settings(), &request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let page = door::is_page(&request);
    let response = match refusal {
        Some((reason, problem)) => {
            hub.counts().refuse(reason);
            tracing::info!(reason, detail = problem.detail(), "request refused");
            problem.into_response()
        }
        None => match door::admit(&access, &mut request).await {
            Ok(()) => next.run(request).await,
            Err(refused) => {
                hub.counts().refuse(refused.reason());
                door::told(refused, &path, page)
            }
        },
    };
    let mut response = as_problem(response, method.as_str(), &path);
    secure(response.headers_mut());
    response
}

fn refusal(closed: Option<&Settings>, request: &Request) -> Option<(&'static str, Problem)> {
    let (uri, headers) = (request.uri(), request.headers());
    let addresses = closed.map_or(&[][..], |closed| &closed.addresses);
    let host = host(uri, headers);
    let own: Vec<String> = if is_local(&host) {
        ["http", "https"]
            .map(|scheme| format!("{scheme}://{host}"))
            .into()
    } else {
        let named = |address: &&String| address.split_once("://").is_some_and(|(_, h)| h == host);
        addresses.iter().filter(named).cloned().collect()
    };
    if own.is_empty() {
        let known = addresses.iter().map(|address| format!(", {address}"));
        let known: String = known.collect();
        let detail = format!("expected localhost, 127.0.0.1 or [::1]{known}, received {host:?}");
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong host", detail);
        let fix = "open the address that the program printed";
        return Some(("host", problem.at("host", "header host", fix)));
    }
    let origin = foreign_origin(headers, &own)?;
    let foreign = closed.map_or(&[][..], |closed| &closed.foreign_origins);
    if foreign.contains(&origin) && door::ticket(request).is_some() {
        return None;
    }
    let detail = format!("expected {}, received {origin:?}", own[0]);
    let problem = Problem::new(StatusCode::FORBIDDEN, "wrong origin", detail);
    let fix = "open the display at the address that the program printed";
    Some(("origin", problem.at("origin", "header origin", fix)))
}

/// What the request was sent to; two hosts are none.
fn host(uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(authority) = uri.authority() {
        return authority.as_str().to_owned();
    }
    let mut all = headers.get_all(header::HOST).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => String::from_utf8_lossy(one.as_bytes()).into_owned(),
        (Some(_) | None, _) => String::new(),
    }
}

fn is_local(host: &str) -> bool {
    let port = |p: &str| p.bytes().all(|b| b.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, digits)) if port(digits) && !name.ends_with(':') => name,
        Some(_) | None => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn foreign_origin(headers: &HeaderMap, own: &[String]) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?;
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let is_own = own.iter().any(|own| origin.eq_ignore_ascii_case(own));
    (!is_own).then(|| origin.into_owned())
}

/// Errors of the web framework itself are plain text; the contract is problem details.
fn as_problem(response: Response, method: &str, path: &str) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|k| k.as_bytes().starts_with(b"text/plain"));
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = format!("{method} {path}: {status}");
    let problem = Problem::new(status, "the request cannot be understood", detail);
    let fix = "correct the address, its query or the body";
    let mut mended = problem.at("request", path, fix).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        mended.headers_mut().insert(header::ALLOW, allow.clone());
    }
    mended
}

/// Whoever came over TLS once comes so for a year.
pub(crate) async fn stay(mut response: Response) -> Response {
    let year = HeaderValue::from_static("max-age=31536000");
    let headers = response.headers_mut();
    headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    response
}

fn secure(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let caching = headers.entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_this_machine() {
        let local = [
            "localhost",
            "LocalHost:7700",
            "127.0.0.1:7700",
            "127.0.0.2",
            "[::1]",
            "[::1]:7700",
        ];
        for host in local {
            assert!(is_local(host), "{host}");
        }
        let foreign = [
            "",
            "example.com",
            "localhost.example.com:7700",
            "127.0.0.1.nip.io",
            "10.0.0.1:7700",
            "localhost:x",
            "[::2]:1",
            "user@localhost",
        ];
        for host in foreign {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host_itself() {
        let check = |origin: &'static str, foreign: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            let found = foreign_origin(&headers, &["http://127.0.0.1:7700".to_owned()]);
            assert_eq!(found.is_some(), foreign, "{origin}");
        };
        check("http://127.0.0.1:7700", false);
        check("http://127.0.0.1:7701", true);
        check("http://evil.example", true);
        check("null", true);
        assert_eq!(foreign_origin(&HeaderMap::new(), &[]), None);
    }
}
