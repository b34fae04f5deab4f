//! In: the section `access.oidc` of the settings. Kept: nothing. Out: how people sign in at an issuer, or what to
//! write instead. Never knows: people.

use super::issuer::{Keeper, Source};
use super::provider::Issuer;
use super::settings::{listed, parsed};
use super::tokens;
use crate::user;
use anyhow::{Context as _, ensure};
use cx_gateway::access::Role;
use cx_gateway::access::sign_on::{Manner, SignOn};
use cx_gateway::access::token::{Algorithm, Kind, Rules, Wanted};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the issuer is asked what it is like and for its keys.
const EVERY: Duration = Duration::from_secs(300);

/// Where people sign in beside the users file.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its own name; the discovery document stands below it.
    issuer: String,
    client_id: String,
    /// Without it the client is a public one.
    client_secret_file: PathBuf,
    /// Beside `openid`.
    scopes: Vec<String>,
    algorithms: Vec<Algorithm>,
    name_claim: String,
    role_claim: String,
    boards_claim: String,
    roles: BTreeMap<String, Role>,
    /// Where the words of `answers_for` stand; empty: in the role claim.
    owners_claim: String,
    /// Words that stand for owners of definitions, `TEAM.ROLE`; none: the issuer's people sign nothing.
    answers_for: BTreeMap<String, Vec<String>>,
    /// What the button says after *Sign in with*.
    label: String,
    /// Whom to ask who has no role here.
    ask: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            scopes: Vec::new(),
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
            name_claim: "sub".to_owned(),
            role_claim: String::new(),
            boards_claim: String::new(),
            roles: BTreeMap::new(),
            owners_claim: String::new(),
            answers_for: BTreeMap::new(),
            label: "your organization's account".to_owned(),
            ask: "whoever runs Watchfloor here".to_owned(),
        }
    }
}

/// Puts the environment's settings over the file's, which may have none of them.
///
/// # Errors
/// What cannot be read.
pub(super) fn overlay(
    settings: &mut Option<Settings>,
    from: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let mut over = settings.clone().unwrap_or_default();
    let mut any = false;
    let mut set = |name: &str| {
        let found = from(&format!("WATCHFLOOR_ACCESS_OIDC_{name}"));
        any |= found.is_some();
        found
    };
    for (name, setting) in [
        ("ISSUER", &mut over.issuer),
        ("CLIENT_ID", &mut over.client_id),
        ("NAME_CLAIM", &mut over.name_claim),
        ("ROLE_CLAIM", &mut over.role_claim),
        ("BOARDS_CLAIM", &mut over.boards_claim),
        ("OWNERS_CLAIM", &mut over.owners_claim),
        ("LABEL", &mut over.label),
        ("ASK", &mut over.ask),
    ] {
        parsed(&format!("OIDC_{name}"), set(name), setting)?;
    }
    let file = set("CLIENT_SECRET_FILE");
    parsed(
        "OIDC_CLIENT_SECRET_FILE",
        file,
        &mut over.client_secret_file,
    )?;
    listed(set("SCOPES"), &mut over.scopes);
    if let Some(text) = set("ALGORITHMS") {
        over.algorithms = tokens::algorithms("WATCHFLOOR_ACCESS_OIDC_ALGORITHMS", &text)?;
    }
    if let Some(text) = set("ROLES") {
        over.roles = tokens::roles("WATCHFLOOR_ACCESS_OIDC_ROLES", &text)?;
    }
    if let Some(text) = set("ANSWERS_FOR") {
        over.answers_for = owners("WATCHFLOOR_ACCESS_OIDC_ANSWERS_FOR", &text)?;
    }
    if any {
        *settings = Some(over);
    }
    Ok(())
}

/// `cx-care-leads=care.operations,cx-data=data.platform`; a word may come again.
fn owners(name: &str, text: &str) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for pair in text.split(',') {
        let (word, owner) = pair
            .trim()
            .rsplit_once('=')
            .with_context(|| format!("{name} is {text:?}: write word=TEAM.ROLE,word=TEAM.ROLE"))?;
        all.entry(word.to_owned())
            .or_default()
            .push(owner.to_owned());
    }
    Ok(all)
}

impl Settings {
    /// # Errors
    /// What is missing or cannot be, with what to write.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.client_id.is_empty(),
            "access.oidc.client_id is empty: write the name that the issuer gave this house"
        );
        ensure!(
            !self.algorithms.is_empty(),
            "access.oidc.algorithms is empty: write how the issuer signs, [RS256]"
        );
        for (name, value) in [
            ("name_claim", &self.name_claim),
            ("role_claim", &self.role_claim),
            ("boards_claim", &self.boards_claim),
        ] {
            tokens::claim(&format!("access.oidc.{name}"), value)?;
        }
        ensure!(
            self.owners_claim.is_empty() || !self.answers_for.is_empty(),
            "access.oidc.owners_claim is {:?} and access.oidc.answers_for is empty: write which of its words stand for which owners, {{cx-care-leads: [care.operations]}}",
            self.owners_claim
        );
        tokens::claim("access.oidc.owners_claim", self.owners_claim())?;
        for (word, owners) in &self.answers_for {
            ensure!(
                !word.is_empty() && !owners.is_empty(),
                "access.oidc.answers_for.{word:?} has {} owners: write a word of the claim and its owners, {{cx-care-leads: [care.operations]}}",
                owners.len()
            );
            for owner in owners {
                user::owner(owner).with_context(|| format!("access.oidc.answers_for.{word}"))?;
            }
        }
        for (name, value) in [("label", &self.label), ("ask", &self.ask)] {
            let length = value.chars().count();
            ensure!(
                (1..=120).contains(&length) && !value.chars().any(char::is_control),
                "access.oidc.{name} has {length} characters: write 1 to 120"
            );
        }
        let word =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        ensure!(
            self.scopes.iter().all(word),
            "access.oidc.scopes: write single words, [profile, roles]"
        );
        if let Some(file) = self.secret() {
            let text = std::fs::read_to_string(&file);
            let text = text.with_context(|| {
                format!(
                    "access.oidc.client_secret_file: cannot read {}",
                    file.display()
                )
            })?;
            ensure!(
                !text.trim().is_empty(),
                "access.oidc.client_secret_file: {} is empty; leave the setting out where the issuer gave no secret",
                file.display()
            );
        }
        self.provider().map(drop)
    }

    fn owners_claim(&self) -> &str {
        if self.owners_claim.is_empty() {
            return &self.role_claim;
        }
        &self.owners_claim
    }

    fn secret(&self) -> Option<PathBuf> {
        let file = &self.client_secret_file;
        (!file.as_os_str().is_empty()).then(|| file.clone())
    }

    fn provider(&self) -> anyhow::Result<Issuer> {
        Issuer::new(&self.issuer, &self.client_id, self.secret())
    }

    /// With what this machine's own names are reached by: http or https.
    ///
    /// # Errors
    /// As [`Settings::check`].
    pub(super) fn sign_on(&self, scheme: &'static str) -> anyhow::Result<(SignOn, Keeper)> {
        let provider = Arc::new(self.provider()?);
        let rules = Rules {
            issuer: self.issuer.clone(),
            audience: self.client_id.clone(),
            algorithms: self.algorithms.iter().copied().collect(),
            kind: Kind::Identity,
            // OpenID Connect knows no such claim in an id_token.
            nbf_required: false,
            wanted: Wanted {
                name: self.name_claim.clone(),
                role: self.role_claim.clone(),
                roles: self.roles.clone(),
                boards: self.boards_claim.clone(),
                owners: (self.owners_claim().to_owned(), self.answers_for.clone()),
            },
        };
        let source = Source::Issuer(Arc::clone(&provider));
        let keeper = Keeper::new(rules, source, EVERY);
        let manner = Manner {
            label: self.label.clone(),
            ask: self.ask.clone(),
            client: self.client_id.clone(),
            scopes: self.scopes.clone(),
            scheme,
        };
        Ok((SignOn::new(manner, keeper.tokens(), provider), keeper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "{issuer: 'https://login.example.com', client_id: watchfloor, role_claim: role, boards_claim: boards}";

    fn read(text: &str) -> Result<(), String> {
        let read: Result<Settings, _> = serde_saphyr::from_str(text);
        let settings = read.map_err(|e| e.to_string())?;
        settings.check().map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn what_is_missing_or_unsafe_is_named_with_what_to_write() {
        read(RIGHT).expect("right");
        for (from, to, words) in [
            (
                "client_id: watchfloor",
                "client_id: ''",
                "access.oidc.client_id is empty",
            ),
            ("'https://login", "'http://login", "access.oidc.issuer"),
            ("role_claim: role,", "", "access.oidc.role_claim is empty"),
            ("issuer", "scopes: ['a b'], issuer", "access.oidc.scopes"),
            (
                "issuer",
                "algorithms: [HS256], issuer",
                "write some of RS256",
            ),
            ("issuer", "ask: '', issuer", "access.oidc.ask"),
            (
                "issuer",
                "owners_claim: groups, issuer",
                "access.oidc.answers_for is empty",
            ),
            (
                "issuer",
                "owners_claim: /, answers_for: {a: [care.lead]}, issuer",
                "access.oidc.owners_claim is empty",
            ),
            (
                "issuer",
                "answers_for: {cx-care: [Care]}, issuer",
                "access.oidc.answers_for.cx-care: \"Care\" is no owner; write TEAM.ROLE",
            ),
            (
                "issuer",
                "answers_for: {cx-care: []}, issuer",
                "has 0 owners",
            ),
            ("issuer", "answers_for: {cx-care: care.lead}, issuer", ""),
            ("issuer", "answer_for: {}, issuer", "answer_for"),
            (
                "issuer",
                "client_secret_file: /no/such, issuer",
                "cannot read /no/such",
            ),
        ] {
            let text = RIGHT.replacen(from, to, 1);
            let told = read(&text).expect_err(to);
            assert!(told.contains(words), "{told}");
        }
    }
}
