//! In: how people sign in at an issuer (OpenID Connect, authorization code with PKCE). Kept: sign-ins that are
//! under way. Out: where a browser goes, and who came back. Never knows: how the issuer is asked.
//!
//! The issuer's word is taken once: whoever comes back gets a session of the house like anybody else.

pub(crate) mod pages;
mod under_way;

use super::pass::Issued;
use super::token::{Fault, Held, Kind, Rules, Tokens};
use super::{Access, secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use under_way::{Begun, UnderWay};

/// Requests to the issuer at the same time.
const ASKED: usize = 8;

/// What a browser is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The authorization endpoint.
    pub endpoint: String,
    /// Whether whoever comes back brings the issuer's name along (RFC 9207).
    pub names_itself: bool,
}

/// What a browser came back with.
pub struct Grant {
    /// The authorization code.
    pub code: String,
    /// What the challenge was made of.
    pub verifier: String,
    /// Where the browser was sent back to.
    pub redirect: String,
}

/// The issuer, as far as it has to be asked.
pub trait Provider: Send + Sync {
    /// Where people sign in; `None`: not known yet.
    fn door(&self) -> Option<Door>;

    /// The identity token for a code; blocks.
    ///
    /// # Errors
    /// Why there is none, without what was sent or answered.
    fn exchange(&self, grant: &Grant) -> Result<String, String>;
}

/// How it is told and asked for.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What the button says after *Sign in with*.
    pub label: String,
    /// Whom to ask who has no role.
    pub ask: String,
    /// The house's name at the issuer.
    pub client: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// What this machine's own names are reached by: http or https.
    pub scheme: &'static str,
}

/// Signing in at an issuer.
pub struct SignOn {
    manner: Manner,
    tokens: Arc<Tokens>,
    provider: Arc<dyn Provider>,
    under_way: Mutex<UnderWay>,
    asked: Semaphore,
}

/// Why somebody who came back is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotOn {
    /// Nothing is known of where the issuer is, or it does not answer.
    Unreachable,
    /// This browser did not begin it, or too long ago.
    Stranger,
    /// Another issuer came back.
    OtherIssuer,
    /// The issuer let nobody in.
    Denied,
    /// The issuer gave nothing for the code.
    NoToken,
    /// What it gave does not hold, or is nobody's here.
    Token(Fault),
    /// Too many begin.
    TooMany,
}

impl NotOn {
    /// The label in `/metrics`, and the word for the page.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable => "sign_on_unreachable",
            Self::Stranger => "sign_on_not_begun_here",
            Self::OtherIssuer => "sign_on_other_issuer",
            Self::Denied => "sign_on_denied",
            Self::NoToken => "sign_on_no_token",
            Self::Token(fault) => fault.reason(),
            Self::TooMany => "sign_on_too_many",
        }
    }
}

/// Where a browser is sent, and what it has to bring back.
pub(crate) struct Sent {
    pub(crate) to: String,
    pub(crate) browser: String,
}

/// What is in the address that a browser came back to.
#[derive(Default)]
pub(crate) struct Back {
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    pub(crate) iss: Option<String>,
}

impl SignOn {
    /// Believes the identity tokens that `tokens` does.
    #[must_use]
    pub fn new(manner: Manner, tokens: Arc<Tokens>, provider: Arc<dyn Provider>) -> Self {
        debug_assert_eq!(tokens.rules().kind, Kind::Identity);
        Self {
            manner,
            tokens,
            provider,
            under_way: Mutex::default(),
            asked: Semaphore::new(ASKED),
        }
    }

    pub(crate) fn manner(&self) -> &Manner {
        &self.manner
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(super) fn rules(&self) -> &Rules {
        self.tokens.rules()
    }

    /// Sends a browser to the issuer, to come back to `redirect` and be led to the page `page`.
    pub(crate) fn begin(
        &self,
        (redirect, page): (String, String),
        browser: Option<String>,
        now: i64,
    ) -> Result<Sent, NotOn> {
        let door = self.provider.door().ok_or(NotOn::Unreachable)?;
        let browser = browser.unwrap_or_else(secret::fresh);
        let (state, nonce, verifier) = (secret::fresh(), secret::fresh(), secret::fresh());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut scope = "openid".to_owned();
        for more in self.manner.scopes.iter().filter(|s| *s != "openid") {
            scope = format!("{scope} {more}");
        }
        let mut to = door.endpoint;
        let mut sign = if to.contains('?') { '&' } else { '?' };
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &self.manner.client),
            ("redirect_uri", &redirect),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ] {
            to = format!("{to}{sign}{name}={}", encoded(value));
            sign = '&';
        }
        let begun = Begun {
            browser: secret::digest(&browser),
            nonce,
            verifier,
            redirect,
            page,
        };
        let mut under_way = self.under_way.lock().expect("no holder panics");
        under_way.add(secret::digest(&state), begun, now);
        Ok(Sent { to, browser })
    }

    /// Takes what was begun, once, if this browser began it.
    fn taken(&self, state: &str, browser: Option<&str>, now: i64) -> Result<Begun, NotOn> {
        let mut under_way = self.under_way.lock().expect("no holder panics");
        let begun = under_way.take(&secret::digest(state), now);
        let begun = begun.ok_or(NotOn::Stranger)?;
        let same = browser.is_some_and(|browser| secret::digest(browser) == begun.browser);
        if same {
            Ok(begun)
        } else {
            Err(NotOn::Stranger)
        }
    }

    /// Who came back, and the page that they wanted; where nobody did, the page as far as it is known.
    async fn proved(
        self: &Arc<Self>,
        back: Back,
        browser: Option<&str>,
        now: i64,
    ) -> (String, Result<Held, NotOn>) {
        let begun = match self.taken(&back.state, browser, now) {
            Ok(begun) => begun,
            Err(not_on) => return ("/".to_owned(), Err(not_on)),
        };
        let page = begun.page.clone();
        (page, self.held(back, begun, now).await)
    }

    async fn held(self: &Arc<Self>, back: Back, begun: Begun, now: i64) -> Result<Held, NotOn> {
        let names_itself = self.provider.door().is_some_and(|door| door.names_itself);
        let own = back.iss.as_ref() == Some(&self.rules().issuer);
        if !own && (names_itself || back.iss.is_some()) {
            return Err(NotOn::OtherIssuer);
        }
        let grant = Grant {
            code: back.code.ok_or(NotOn::Denied)?,
            verifier: begun.verifier,
            redirect: begun.redirect,
        };
        let _place = self.asked.acquire().await.expect("it is never closed");
        let provider = Arc::clone(&self.provider);
        let asked = tokio::task::spawn_blocking(move || provider.exchange(&grant)).await;
        let token = match asked {
            Ok(Ok(token)) => token,
            Ok(Err(why)) => {
                tracing::warn!(why, "the issuer gave no token for a code");
                return Err(NotOn::NoToken);
            }
            Err(_) => return Err(NotOn::NoToken),
        };
        self.tokens.learn(&token).await;
        let held = self.tokens.verify(&token, now).map_err(NotOn::Token)?;
        self.own(&held, &begun.nonce).map_err(NotOn::Token)?;
        Ok(held)
    }

    /// Whether a token answers this sign-in, and was made for this house.
    fn own(&self, held: &Held, nonce: &str) -> Result<(), Fault> {
        let said = |name: &str| held.claims.get(name).and_then(serde_json::Value::as_str);
        if said("nonce") != Some(nonce) {
            return Err(Fault::Nonce);
        }
        let client = self.manner.client.as_str();
        let several = held.claims.get("aud").is_some_and(|aud| {
            let all = aud.as_array();
            all.is_some_and(|all| all.len() > 1)
        });
        match said("azp") {
            Some(party) if party == client => Ok(()),
            None if !several => Ok(()),
            Some(_) | None => Err(Fault::Claim(
                "azp".to_owned(),
                "the client that is configured",
            )),
        }
    }
}

impl Access {
    /// People may also sign in at an issuer.
    #[must_use]
    pub fn with_sign_on(self, sign_on: SignOn) -> Self {
        let sign_on = Some(Arc::new(sign_on));
        Self { sign_on, ..self }
    }

    /// For which owners somebody signs whom an issuer vouched for: those that the configuration still gives to
    /// some of its people. `None`: it is not asked here any more, or their name is not their own.
    pub(super) fn still_issued(&self, issued: &Issued) -> Option<Vec<String>> {
        let on = self.sign_on.as_ref()?;
        let people = self.people.read().expect("no holder panics");
        let own = people.iter().all(|person| person.name != issued.name);
        let stands = own && on.rules().issuer == issued.issuer;
        let wanted = &on.rules().wanted;
        let owners = issued.answers_for.iter().filter(|own| wanted.owns(own));
        stands.then(|| owners.cloned().collect())
    }
}

/// A value inside a query.
pub(crate) fn encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let each = value.bytes().map(|b| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    });
    each.collect()
}
