//! In: an issuer's name. Kept: what it says of itself (OpenID Connect Discovery). Out: where people sign in, where its
//! keys are, identity tokens for codes. Never knows: people, tokens' words.

use super::fetch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cx_gateway::access::sign_on::{Door, Grant, Provider};
use cx_gateway::access::token::LARGEST_KEYS;
use reqwest::Url;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::RwLock;

/// Largest answer, bytes.
const LARGEST: usize = 256 * 1_024;

/// One issuer.
pub(crate) struct Issuer {
    /// As it writes its own name.
    name: String,
    client: String,
    /// The file of the client's secret; without one the client is public, and PKCE alone binds the code.
    secret: Option<PathBuf>,
    about: Url,
    said: RwLock<Option<Said>>,
}

/// What it says of itself.
#[derive(Debug, Clone)]
struct Said {
    authorization: Url,
    token: Url,
    keys: Url,
    /// The secret goes into the body; otherwise into a header.
    posts_secret: bool,
    names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Answer {
    id_token: String,
}

impl Issuer {
    /// # Errors
    /// A name that is no address, with what to write.
    pub(super) fn new(name: &str, client: &str, secret: Option<PathBuf>) -> anyhow::Result<Self> {
        let below = format!(
            "{}/.well-known/openid-configuration",
            name.trim_end_matches('/')
        );
        Ok(Self {
            name: name.to_owned(),
            client: client.to_owned(),
            secret,
            about: fetch::address("access.oidc.issuer", &below)?,
            said: RwLock::default(),
        })
    }

    /// Its keys, from where it says that they are; what it says of itself is kept.
    ///
    /// # Errors
    /// Why they cannot be had; what was said before stays.
    pub(super) fn keys(&self) -> Result<Vec<u8>, String> {
        let said = self
            .asked()
            .map_err(|why| format!("{}: {why}", self.about))?;
        let keys = said.keys.clone();
        *self.said.write().expect("no holder panics") = Some(said);
        fetch::get(&keys, LARGEST_KEYS).map_err(|why| format!("{keys}: {why}"))
    }

    fn asked(&self) -> Result<Said, String> {
        let text = fetch::get(&self.about, LARGEST)?;
        let document: Result<Document, _> = serde_json::from_slice(&text);
        let document = document.map_err(|e| {
            format!(
                "no discovery document, line {}: expected issuer, authorization_endpoint, token_endpoint and jwks_uri",
                e.line()
            )
        })?;
        if document.issuer != self.name {
            let other: String = document.issuer.chars().take(128).collect();
            return Err(format!(
                "expected the issuer {:?}, received {other:?}",
                self.name
            ));
        }
        let methods = document.code_challenge_methods_supported;
        if methods.is_some_and(|all| all.iter().all(|one| one != "S256")) {
            return Err("expected code_challenge_methods_supported with S256 (PKCE)".to_owned());
        }
        let methods = document.token_endpoint_auth_methods_supported;
        let posts_secret = methods.is_some_and(|all| {
            let has = |wanted: &str| all.iter().any(|one| one == wanted);
            !has("client_secret_basic") && has("client_secret_post")
        });
        let url = |name: &str, text: &str| fetch::address(name, text).map_err(|e| format!("{e:#}"));
        Ok(Said {
            authorization: url("authorization_endpoint", &document.authorization_endpoint)?,
            token: url("token_endpoint", &document.token_endpoint)?,
            keys: url("jwks_uri", &document.jwks_uri)?,
            posts_secret,
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }

    fn said(&self) -> Option<Said> {
        self.said.read().expect("no holder panics").clone()
    }
}

impl Provider for Issuer {
    fn door(&self) -> Option<Door> {
        let said = self.said()?;
        Some(Door {
            endpoint: said.authorization.into(),
            names_itself: said.names_itself,
        })
    }

    fn exchange(&self, grant: &Grant) -> Result<String, String> {
        let said = self.said().ok_or("it said nothing of itself yet")?;
        let secret = match &self.secret {
            None => None,
            Some(file) => Some(secret(file)?),
        };
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &grant.code),
            ("redirect_uri", &grant.redirect),
            ("code_verifier", &grant.verifier),
        ];
        let mut request = fetch::agent()
            .post(said.token.as_str())
            .header("accept", "application/json");
        match &secret {
            None => form.push(("client_id", &self.client)),
            Some(secret) if said.posts_secret => {
                form.push(("client_id", &self.client));
                form.push(("client_secret", secret));
            }
            Some(secret) => {
                // RFC 6749, 2.3.1: both are written as in a form first.
                let both = [&self.client, secret].map(|half| crate::get::encoded(half));
                let both = STANDARD.encode(both.join(":"));
                request = request.header("authorization", format!("Basic {both}"));
            }
        }
        let text = fetch::answered(request.send_form(form), LARGEST)?;
        let answer: Result<Answer, _> = serde_json::from_slice(&text);
        // What it answered holds tokens.
        let answer = answer.map_err(|_| "expected an answer with an id_token".to_owned())?;
        Ok(answer.id_token)
    }
}

fn secret(file: &std::path::Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file);
    let text =
        text.map_err(|e| format!("access.oidc.client_secret_file: {}: {e}", file.display()))?;
    Ok(text.trim().to_owned())
}
