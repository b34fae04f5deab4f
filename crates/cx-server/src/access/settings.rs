//! In: the section `access` of the settings. Kept: nothing. Out: how access is closed, or what to write
//! instead. Never knows: people.

use super::{oidc, tokens};
use anyhow::ensure;
use cx_gateway::access;
use serde::Deserialize;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Whether anybody is asked who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// No: loopback only.
    #[default]
    Open,
    /// Yes, everybody.
    Closed,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("write open or closed".to_owned()),
        }
    }
}

/// Who may come in, and from where.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// Under which addresses the house is reached, beside this machine's own names.
    addresses: Vec<String>,
    /// Origins of pages that may open a stream with a ticket.
    foreign_origins: Vec<String>,
    session_hours: u32,
    /// A proxy in front speaks TLS.
    tls_in_front: bool,
    /// Whose signed tokens programs may come with.
    pub(super) tokens: Option<tokens::Settings>,
    /// Where else people sign in.
    pub(super) oidc: Option<oidc::Settings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Open,
            addresses: Vec::new(),
            foreign_origins: Vec::new(),
            session_hours: 12,
            tls_in_front: false,
            tokens: None,
            oidc: None,
        }
    }
}

fn list(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
    words.map(str::to_owned).collect()
}

impl Settings {
    /// Closed at this machine's own address, and otherwise as the environment says.
    ///
    /// # Errors
    /// What cannot be read, or cannot be.
    pub(crate) fn closed(
        address: SocketAddr,
        from: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let mut settings = Self::default();
        settings.overlay(from)?;
        settings.mode = Mode::Closed;
        settings.check(address, false)?;
        Ok(settings)
    }

    /// Puts the environment's settings over the file's.
    ///
    /// # Errors
    /// What cannot be read.
    pub(crate) fn overlay(&mut self, from: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let set = |name: &str| from(&format!("WATCHFLOOR_ACCESS_{name}"));
        parsed("MODE", set("MODE"), &mut self.mode)?;
        listed(set("ADDRESSES"), &mut self.addresses);
        listed(set("FOREIGN_ORIGINS"), &mut self.foreign_origins);
        parsed(
            "SESSION_HOURS",
            set("SESSION_HOURS"),
            &mut self.session_hours,
        )?;
        parsed("TLS_IN_FRONT", set("TLS_IN_FRONT"), &mut self.tls_in_front)?;
        tokens::overlay(&mut self.tokens, from)?;
        oidc::overlay(&mut self.oidc, from)
    }

    /// # Errors
    /// What is not safe or cannot be, with what to write.
    pub(crate) fn check(&self, address: SocketAddr, tls: bool) -> anyhow::Result<()> {
        let others = !address.ip().is_loopback();
        if let Some(tokens) = &self.tokens {
            tokens.check()?;
        }
        if let Some(oidc) = &self.oidc {
            oidc.check()?;
        }
        if self.mode == Mode::Open {
            ensure!(
                !others,
                "address is {address}, which is not a loopback address, and access.mode is open: whoever reaches it could do everything; write access: {{mode: closed}}, or address: 127.0.0.1:{}",
                address.port()
            );
            return Ok(());
        }
        ensure!(
            !others || tls || self.tls_in_front,
            "address is {address}, and what is sent there is not encrypted: name a certificate and key under tls, or write access.tls_in_front: true where one stands in front of {address}"
        );
        ensure!(
            !others || !self.addresses.is_empty(),
            "access.addresses is empty: write under which addresses the house is reached, e.g. [https://wall.example.com]"
        );
        ensure!(
            (1..=24 * 30).contains(&self.session_hours),
            "access.session_hours is {}: write 1 to 720",
            self.session_hours
        );
        let all = self.addresses.iter().map(|a| ("addresses", a));
        for (name, origin) in all.chain(self.foreign_origins.iter().map(|a| ("foreign_origins", a)))
        {
            ensure!(
                is_origin(origin),
                "access.{name}: {origin:?} is no origin; write https://wall.example.com, with :port where it is not the usual one, and nothing after it"
            );
        }
        Ok(())
    }

    pub(crate) fn gateway(&self) -> access::Settings {
        access::Settings {
            addresses: self.addresses.clone(),
            foreign_origins: self.foreign_origins.clone(),
            session: Duration::from_secs(u64::from(self.session_hours) * 3_600),
        }
    }
}

pub(super) fn listed(text: Option<String>, setting: &mut Vec<String>) {
    if let Some(text) = text {
        *setting = list(&text);
    }
}

pub(super) fn parsed<T: FromStr>(
    name: &str,
    text: Option<String>,
    setting: &mut T,
) -> anyhow::Result<()>
where
    T::Err: std::fmt::Display,
{
    if let Some(text) = text {
        let parsed = text.parse();
        *setting =
            parsed.map_err(|e| anyhow::anyhow!("WATCHFLOOR_ACCESS_{name} is {text:?}: {e}"))?;
    }
    Ok(())
}

fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let mut settings: Settings = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
        let of = |name: &str| {
            let found = environment.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        settings.overlay(&of).map_err(|e| format!("{e:#}"))?;
        Ok(settings)
    }

    #[test]
    fn an_address_that_others_reach_needs_closed_access_tls_and_its_name() {
        let others: SocketAddr = "0.0.0.0:7700".parse().expect("an address");
        let check = |text: &str, words: &str| {
            let said = read(text, &[]).expect("a form").check(others, false);
            match said {
                Ok(()) => assert_eq!(words, "", "{text}"),
                Err(error) => {
                    let error = format!("{error:#}");
                    assert!(
                        !words.is_empty() && error.contains(words),
                        "{text}: {error}"
                    );
                }
            }
        };
        check("{}", "write access: {mode: closed}");
        check("mode: closed", "not encrypted");
        check(
            "{mode: closed, tls_in_front: true}",
            "access.addresses is empty",
        );
        let right = "{mode: closed, tls_in_front: true, addresses: [https://wall.example.com]}";
        check(right, "");
        check(&right.replace(".com]", ".com/]"), "is no origin");
        check(&right.replace("true", "true, session_hours: 0"), "1 to 720");
        let open: SocketAddr = "127.0.0.1:7700".parse().expect("an address");
        read("{}", &[])
            .expect("a form")
            .check(open, false)
            .expect("loopback");
    }

    #[test]
    fn every_setting_comes_from_the_environment_too() {
        let over = [
            ("WATCHFLOOR_ACCESS_MODE", "closed"),
            (
                "WATCHFLOOR_ACCESS_ADDRESSES",
                "https://a.example, https://b.example",
            ),
            ("WATCHFLOOR_ACCESS_SESSION_HOURS", "8"),
        ];
        let settings = read("{}", &over).expect("right");
        assert_eq!(settings.mode, Mode::Closed);
        assert_eq!(settings.addresses[1], "https://b.example");
        assert_eq!(settings.gateway().session, Duration::from_secs(8 * 3_600));
        let wrong = read("{}", &[("WATCHFLOOR_ACCESS_MODE", "ajar")]).expect_err("no mode");
        assert!(wrong.contains("open or closed"), "{wrong}");
    }
}
