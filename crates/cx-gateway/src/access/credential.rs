//! In: the head of a request. Kept: nothing. Out: what it shows to tell somebody by. Never knows: whose it
//! is.

use axum::http::{HeaderMap, Method, header};

/// The cookie: `__Host-` binds it to this host, to `/` and to TLS (browsers take loopback for as good).
pub(crate) const COOKIE: &str = "__Host-watchfloor";
/// Longest credential, bytes.
pub(super) const LONGEST: usize = 8 * 1_024;

/// What a request shows.
#[derive(PartialEq, Eq)]
pub(crate) enum Credential {
    Nothing,
    /// `Authorization: Bearer`.
    Bearer(String),
    /// The same with more bytes than anything that is taken: how many.
    Long(usize),
    Cookie(String),
}

impl Credential {
    /// A bearer stands before a cookie.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let text = value.to_str().unwrap_or_default();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            let token = token.trim();
            let token = if scheme.eq_ignore_ascii_case("bearer") {
                token
            } else {
                ""
            };
            return Self::bearer(token);
        }
        cookie(headers, COOKIE).map_or(Self::Nothing, Self::Cookie)
    }

    /// An API key or a token.
    pub(crate) fn bearer(text: &str) -> Self {
        if text.len() > LONGEST {
            return Self::Long(text.len());
        }
        Self::Bearer(text.to_owned())
    }
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|all| all.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then(|| value.to_owned())
    })
}

/// Whether a request can change something or opens a stream: with a cookie it must say which page it is
/// from.
pub(crate) fn needs_origin(method: &Method, headers: &HeaderMap) -> bool {
    !method.is_safe() || headers.contains_key(header::UPGRADE)
}

/// Sets the cookie for so many seconds; 0 takes it away.
pub(crate) fn set_cookie(secret: &str, seconds: i64) -> String {
    format!("{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_credential_is_found_among_others_and_a_bearer_stands_first() {
        let check = |pairs: &[(header::HeaderName, &'static str)], expected: &Credential| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, HeaderValue::from_static(value));
            }
            assert!(Credential::of(&headers) == *expected, "{pairs:?}");
        };
        let cookie = "a=b; __Host-watchfloor=xyz; c=d";
        check(&[], &Credential::Nothing);
        check(&[(header::COOKIE, "watchfloor=xyz")], &Credential::Nothing);
        check(
            &[(header::COOKIE, cookie)],
            &Credential::Cookie("xyz".to_owned()),
        );
        let bearer = (header::AUTHORIZATION, "bearer  wf_1");
        check(
            &[(header::COOKIE, cookie), bearer],
            &Credential::Bearer("wf_1".to_owned()),
        );
        check(
            &[(header::AUTHORIZATION, "Basic YTpi")],
            &Credential::Bearer(String::new()),
        );
    }
}
