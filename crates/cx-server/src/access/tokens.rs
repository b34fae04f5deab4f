//! In: the section `access.tokens` of the settings. Kept: nothing. Out: which tokens hold, or what to write
//! instead. Never knows: tokens.

use super::fetch;
use super::issuer::{Keeper, Source};
use super::settings::parsed;
use crate::property::Property;
use anyhow::{Context as _, ensure};
use cx_gateway::access::Role;
use cx_gateway::access::token::{Algorithm, Kind, Rules, Wanted};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How often keys are read anew, s: shortest and longest.
const EVERY_S: (u32, u32) = (10, 86_400);

/// Whose tokens programs may come with.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// As tokens say it in `iss`, letter by letter.
    issuer: String,
    /// What they have to say in `aud`.
    audience: String,
    /// Where the issuer's keys are.
    keys: Option<Property>,
    algorithms: Vec<Algorithm>,
    name_claim: String,
    role_claim: String,
    boards_claim: String,
    /// Words of the role claim that stand for roles; none: the roles' own names do.
    roles: BTreeMap<String, Role>,
    refresh_s: u32,
    /// Whether its tokens have to say from when they hold.
    nbf: Nbf,
}

/// `access.tokens.nbf`. Some issuers never say it: Keycloak and Auth0 unless told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Nbf {
    Required,
    Optional,
}

impl FromStr for Nbf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "required" => Ok(Self::Required),
            "optional" => Ok(Self::Optional),
            other => Err(format!("{other:?} is neither required nor optional")),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            keys: None,
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
            name_claim: "sub".to_owned(),
            role_claim: String::new(),
            boards_claim: String::new(),
            roles: BTreeMap::new(),
            refresh_s: 300,
            nbf: Nbf::Required,
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
        let found = from(&format!("WATCHFLOOR_ACCESS_TOKENS_{name}"));
        any |= found.is_some();
        found
    };
    for (name, setting) in [
        ("ISSUER", &mut over.issuer),
        ("AUDIENCE", &mut over.audience),
        ("NAME_CLAIM", &mut over.name_claim),
        ("ROLE_CLAIM", &mut over.role_claim),
        ("BOARDS_CLAIM", &mut over.boards_claim),
    ] {
        parsed(&format!("TOKENS_{name}"), set(name), setting)?;
    }
    if let Some(url) = set("KEYS") {
        over.keys = Some(Property::Plain(url));
    }
    if let Some(file) = set("KEYS_FILE") {
        over.keys = Some(Property::File(PathBuf::from(file)));
    }
    if let Some(text) = set("ALGORITHMS") {
        over.algorithms = algorithms("WATCHFLOOR_ACCESS_TOKENS_ALGORITHMS", &text)?;
    }
    if let Some(text) = set("ROLES") {
        over.roles = roles("WATCHFLOOR_ACCESS_TOKENS_ROLES", &text)?;
    }
    parsed("TOKENS_REFRESH_S", set("REFRESH_S"), &mut over.refresh_s)?;
    parsed("TOKENS_NBF", set("NBF"), &mut over.nbf)?;
    if any {
        *settings = Some(over);
    }
    Ok(())
}

/// `RS256,ES256`.
pub(super) fn algorithms(name: &str, text: &str) -> anyhow::Result<Vec<Algorithm>> {
    let words = text.split(',').map(str::trim);
    let all: Result<Vec<Algorithm>, String> = words.map(str::parse).collect();
    all.map_err(|e| anyhow::anyhow!("{name}: {e}"))
}

/// `cx-admins=admin,cx-care=operator`.
pub(super) fn roles(name: &str, text: &str) -> anyhow::Result<BTreeMap<String, Role>> {
    let pairs = text.split(',').map(|pair| {
        let pair = pair.trim().rsplit_once('=');
        let (word, role) =
            pair.with_context(|| format!("{name} is {text:?}: write word=role,word=role"))?;
        let role = role.parse().map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
        Ok((word.to_owned(), role))
    });
    pairs.collect()
}

/// A claim, as it is configured.
pub(super) fn claim(setting: &str, name: &str) -> anyhow::Result<()> {
    ensure!(
        !name.is_empty() && name != "/",
        "{setting} is empty: write the name of a claim, role, or a path to one, /realm_access/roles"
    );
    Ok(())
}

impl Settings {
    /// # Errors
    /// What is missing or cannot be, with what to write.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, value, example) in [
            (
                "issuer",
                &self.issuer,
                "what its tokens say in iss, https://login.example.com",
            ),
            (
                "audience",
                &self.audience,
                "what its tokens say in aud, watchfloor",
            ),
        ] {
            ensure!(
                !value.is_empty(),
                "access.tokens.{name} is empty: write {example}"
            );
        }
        ensure!(
            !self.algorithms.is_empty(),
            "access.tokens.algorithms is empty: write how the issuer signs, [RS256]"
        );
        for (name, value) in [
            ("name_claim", &self.name_claim),
            ("role_claim", &self.role_claim),
            ("boards_claim", &self.boards_claim),
        ] {
            claim(&format!("access.tokens.{name}"), value)?;
        }
        let (least, most) = EVERY_S;
        ensure!(
            (least..=most).contains(&self.refresh_s),
            "access.tokens.refresh_s is {}: write {least} to {most}",
            self.refresh_s
        );
        self.source().map(drop)
    }

    fn source(&self) -> anyhow::Result<Source> {
        match &self.keys {
            Some(Property::File(file)) => Ok(Source::File(file.clone())),
            Some(Property::Plain(url)) => {
                fetch::address("access.tokens.keys", url).map(Source::Address)
            }
            None => anyhow::bail!(
                "access.tokens.keys is missing: write where the issuer publishes its keys, https://login.example.com/keys, or {{file: keys.json}}"
            ),
        }
    }

    /// # Errors
    /// As [`Settings::check`].
    pub(super) fn keeper(&self) -> anyhow::Result<Keeper> {
        let rules = Rules {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithms: self.algorithms.iter().copied().collect(),
            kind: Kind::Access,
            nbf_required: self.nbf == Nbf::Required,
            wanted: Wanted {
                name: self.name_claim.clone(),
                role: self.role_claim.clone(),
                roles: self.roles.clone(),
                boards: self.boards_claim.clone(),
                // Programs sign nothing.
                owners: Default::default(),
            },
        };
        let every = Duration::from_secs(self.refresh_s.into());
        Ok(Keeper::new(rules, self.source()?, every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "{issuer: 'https://login.example.com', audience: watchfloor, keys: 'https://login.example.com/keys', role_claim: role, boards_claim: boards}";

    fn read(text: &str) -> Result<Settings, String> {
        let read: Result<Settings, _> = serde_saphyr::from_str(text);
        let settings = read.map_err(|e| e.to_string())?;
        settings.check().map_err(|e| format!("{e:#}"))?;
        Ok(settings)
    }

    #[test]
    fn what_is_missing_or_unsafe_is_named_with_what_to_write() {
        let check = |from: &str, to: &str, words: &str| {
            let text = RIGHT.replace(from, to);
            assert_ne!(text, RIGHT, "{from}");
            let told = read(&text).expect_err(to);
            assert!(told.contains(words), "{told}");
        };
        read(RIGHT).expect("right");
        check(
            "audience: watchfloor",
            "audience: ''",
            "access.tokens.audience is empty",
        );
        check(
            "issuer: 'https://login.example.com',",
            "",
            "access.tokens.issuer is empty",
        );
        check("role_claim: role,", "", "access.tokens.role_claim is empty");
        check(
            ", boards_claim: boards",
            "",
            "access.tokens.boards_claim is empty",
        );
        check("keys: 'https", "keys: 'http", "write https://");
        check("audience", "refresh_s: 1, audience", "write 10 to 86400");
        check("audience", "nbf: never, audience", "optional");
        for never in ["none", "HS256", "rs256"] {
            check(
                "audience",
                &format!("algorithms: [{never}], audience"),
                "write some of RS256",
            );
        }
        check("audience", "roles: {cx-kings: king}, audience", "king");
        check(
            "keys: 'https://login.example.com/keys',",
            "",
            "access.tokens.keys is missing",
        );
    }

    #[test]
    fn all_of_it_comes_from_the_environment_too() {
        let over = [
            ("ISSUER", "https://a.example"),
            ("AUDIENCE", "cx"),
            ("KEYS_FILE", "/keys.json"),
            ("ALGORITHMS", "ES256, EdDSA"),
            ("ROLE_CLAIM", "/realm_access/roles"),
            ("BOARDS_CLAIM", "boards"),
            ("ROLES", "cx-admins=admin"),
        ];
        let from = |name: &str| {
            let name = name.strip_prefix("WATCHFLOOR_ACCESS_TOKENS_")?;
            let found = over.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut settings = None;
        overlay(&mut settings, &from).expect("right");
        let settings = settings.expect("some");
        settings.check().expect("right");
        assert_eq!(settings.algorithms, [Algorithm::Es256, Algorithm::EdDsa]);
        assert_eq!(settings.roles["cx-admins"], Role::Admin);
        let source = settings.source().expect("a file");
        assert!(matches!(source, Source::File(file) if file.ends_with("keys.json")));
        let mut none = None;
        overlay(&mut none, &|_| None).expect("nothing");
        assert!(none.is_none());
    }
}
