//! In: what the configuration says of receivers. Kept: the same. Out: receivers with their keys.
//! Never knows: what they are told.

use super::sign::Key;
use crate::property::Property;
use anyhow::{Context as _, bail, ensure};
use cx_catalog::definition::Kpi;
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most receivers.
const RECEIVERS: usize = 64;

/// One receiver as it is configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where requests go; without it and `secret` the receiver has a name and is told nothing.
    url: Option<String>,
    /// `whsec_` and base64 of 24 to 64 bytes, in a file.
    secret: Option<Property>,
    /// Addresses of this machine and its networks are allowed, and http.
    #[serde(default)]
    allow_private: bool,
}

/// One receiver, ready to be told.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: Url,
    pub(crate) key: Key,
    pub(crate) allow_private: bool,
}

/// Receivers with their keys, all that definitions name among them; `None` for one without an address.
///
/// # Errors
/// What is missing or cannot be, with what to write.
pub(crate) fn opened(
    settings: &BTreeMap<String, Settings>,
    kpis: &[Kpi],
) -> anyhow::Result<BTreeMap<String, Option<Receiver>>> {
    ensure!(
        settings.len() <= RECEIVERS,
        "receivers: {} of them, {RECEIVERS} at most",
        settings.len()
    );
    if let Some(fault) = stranger(kpis, |to| settings.contains_key(to)) {
        bail!(fault);
    }
    let open = settings.iter().map(|(name, settings)| {
        let receiver = settings.open(name)?;
        Ok((name.clone(), receiver))
    });
    open.collect()
}

/// The first receiver that definitions name and nobody knows, with what to write.
pub(crate) fn stranger(kpis: &[Kpi], knows: impl Fn(&str) -> bool) -> Option<String> {
    let named = kpis.iter().flat_map(|kpi| {
        let notify = kpi.alerts.iter().flat_map(|alert| &alert.notify);
        notify.map(move |notify| (kpi, &notify.to))
    });
    let mut strangers = named.filter(|(_, to)| !knows(to));
    strangers.next().map(|(kpi, to)| {
        format!(
            "{}: an alert of {} notifies {to:?}, which is no receiver of the configuration; write receivers: {{{to}: {{url: https://…, secret: {{file: …}}}}}}, or {{{to}: {{}}}} to tell it nothing yet, or take it out of notify",
            kpi.file, kpi.kpi
        )
    })
}

impl Settings {
    fn open(&self, name: &str) -> anyhow::Result<Option<Receiver>> {
        let field = format!("receivers.{name}");
        let (url, secret) = match (&self.url, &self.secret) {
            (Some(url), Some(secret)) => (url, secret),
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                bail!("{field} has a secret and no url: write url: https://host/path")
            }
            (Some(_), None) => {
                bail!("{field} has a url and no secret: write secret: {{file: /path}}")
            }
        };
        let url = Url::parse(url)
            .with_context(|| format!("{field}.url is {url:?}: write https://host/path"))?;
        match (url.scheme(), self.allow_private) {
            ("https", _) | ("http", true) => {}
            ("http", false) => bail!("{field}.url is http: write https, or allow_private: true"),
            (other, _) => bail!("{field}.url is {other}: write https://host/path"),
        }
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "{field}.url names a user: requests are signed, leave user and password out"
        );
        let Property::File(_) = secret else {
            bail!("{field}.secret stands in the configuration: write secret: {{file: /path}}");
        };
        let secret = secret.read(&format!("{field}.secret"))?;
        let key = Key::parse(&secret).with_context(|| {
            format!("{field}.secret: write whsec_ and base64 of 24 to 64 bytes into its file")
        })?;
        Ok(Some(Receiver {
            url,
            key,
            allow_private: self.allow_private,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The error of one receiver, with its secret in a file.
    fn refused(url: &str, more: &str, secret: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), secret).expect("written");
        let path = file.path().display();
        let yaml = format!("care: {{url: {url:?}, secret: {{file: {path}}}{more}}}");
        let settings = serde_saphyr::from_str(&yaml).expect("a form");
        match opened(&settings, &[]) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_receiver_without_an_address_has_a_name_and_is_told_nothing() {
        let settings = serde_saphyr::from_str("{care: {}}").expect("a form");
        let open = opened(&settings, &[]).expect("right");
        assert!(open["care"].is_none());
        for (half, words) in [
            (
                "{care: {url: https://a.example}}",
                "has a url and no secret",
            ),
            ("{care: {secret: {file: /x}}}", "has a secret and no url"),
        ] {
            let settings = serde_saphyr::from_str(half).expect("a form");
            let error = opened(&settings, &[]).expect_err("half").to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_receiver_that_cannot_be_is_refused_with_its_field_and_what_to_write() {
        let good = "https://hooks.example.com/cx";
        assert_eq!(refused(good, "", SECRET), "");
        assert_eq!(
            refused("http://10.0.0.1/", ", allow_private: true", SECRET),
            ""
        );
        for (url, secret, words) in [
            (
                "hooks",
                SECRET,
                "receivers.care.url is \"hooks\": write https://host/path",
            ),
            (
                "http://a.example/",
                SECRET,
                "write https, or allow_private: true",
            ),
            ("file:///etc/passwd", SECRET, "receivers.care.url is file"),
            (
                "https://me:pw@a.example/",
                SECRET,
                "leave user and password out",
            ),
            (good, "secret", "receivers.care.secret: write whsec_"),
        ] {
            let error = refused(url, "", secret);
            assert!(error.contains(words), "{url}: {error}");
            assert!(secret.len() < 10 || !error.contains(secret), "{error}");
        }
        let plain = "care: {url: https://a.example/, secret: whsec_x}";
        let settings = serde_saphyr::from_str(plain).expect("a form");
        let error = opened(&settings, &[]).expect_err("in the open").to_string();
        assert!(error.contains("write secret: {file: /path}"), "{error}");
    }

    #[test]
    fn an_alert_that_notifies_nobody_known_is_refused_with_what_to_write() {
        let kpi = include_str!("../../../cx-catalog/tests/design.yaml");
        let declared = cx_catalog::Declared {
            channels: vec!["voice_call".to_owned()],
            sources: Vec::new(),
            ..cx_catalog::Declared::default()
        };
        let kpi = cx_catalog::parse_kpi("kpis/voice.yaml", kpi, &declared).expect("right");
        let error = opened(&BTreeMap::new(), &[kpi])
            .expect_err("nobody")
            .to_string();
        let words = "kpis/voice.yaml: an alert of service_level_voice notifies \"care_oncall\"";
        assert!(
            error.contains(words) && error.contains("write receivers:"),
            "{error}"
        );
    }
}
