//! In: addresses that the configuration names. Kept: nothing. Out: what stands there, or why it could not be had.
//! Never knows: what it means. TLS is the system's, and believes whom the system believes (`SSL_CERT_FILE`).

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;
use std::net::IpAddr;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address that secrets and keys may come from: https, or http of this machine.
///
/// # Errors
/// What to write instead, with the setting's name.
pub(crate) fn address(setting: &str, text: &str) -> anyhow::Result<Url> {
    let wrong = || format!("{setting} is {text:?}: write https://host/path");
    let url = Url::parse(text).with_context(wrong)?;
    match (url.scheme(), is_local(&url)) {
        ("https", _) | ("http", true) => {}
        ("http", false) => bail!(
            "{setting} is {text:?}, and what comes from there could be anybody's: write https://, http:// only where the host is this machine (127.0.0.1, localhost)"
        ),
        (_, _) => bail!(wrong()),
    }
    ensure!(
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none(),
        "{setting}: leave user, password and everything from # on out"
    );
    ensure!(url.host_str().is_some(), wrong());
    Ok(url)
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// What an address answers to a GET, `most` bytes at most; redirects are not followed.
///
/// # Errors
/// Why it could not be had, without what was answered.
pub(crate) fn get(url: &Url, most: usize) -> Result<Vec<u8>, String> {
    let request = agent()
        .get(url.as_str())
        .header("accept", "application/json");
    answered(request.call(), most)
}

/// An answer's body, where it is 200.
pub(super) fn answered(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    most: usize,
) -> Result<Vec<u8>, String> {
    let mut answer = answer.map_err(|error| words(&error))?;
    if answer.status().as_u16() != 200 {
        return Err(format!("it answered {}", answer.status().as_u16()));
    }
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let body = answer.body_mut().with_config().limit(most);
    body.read_to_vec().map_err(|error| words(&error))
}

pub(super) fn agent() -> ureq::Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier);
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("watchfloor")
        .tls_config(tls.build())
        .timeout_global(Some(PATIENCE));
    ureq::Agent::new_with_config(config.build())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "another room's enum, which grows; what is not named here is told as no answer"
)]
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::NativeTls(_) | ureq::Error::Tls(_) => {
            "its certificate is not believed: SSL_CERT_FILE names a PEM file of whom to believe"
        }
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::BodyExceedsLimit(_) => "it answered more than is ever needed",
        ureq::Error::HostNotFound => "its name cannot be resolved",
        _ => "no connection, or no answer that is HTTP",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in [
            "https://login.example.com/keys",
            "https://10.0.0.8:8443/keys",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://[::1]:1/keys",
        ] {
            address("access.tokens.keys", good).expect(good);
        }
        for (bad, words) in [
            ("http://login.example.com/keys", "https://"),
            ("http://localhost.example.com/keys", "https://"),
            ("http://10.0.0.8/keys", "https://"),
            ("ftp://login.example.com/keys", "https://host/path"),
            ("login.example.com/keys", "https://host/path"),
            ("https://me:hush@login.example.com/", "leave user"),
            ("https://login.example.com/#keys", "leave user"),
        ] {
            let told = format!("{:#}", address("access.tokens.keys", bad).expect_err(bad));
            assert!(
                told.contains(words) && told.contains("access.tokens.keys"),
                "{told}"
            );
        }
    }
}
