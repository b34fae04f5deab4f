//! In: `deploy/watchfloor.yaml` and `WATCHFLOOR_…`. Kept: nothing. Out: the settings of one
//! installation, or what to write instead. Never knows: who uses them.

use crate::access::settings::Settings as Access;
use crate::history::kept::Settings as History;
use crate::property::Property;
use crate::snapshots::kept::Settings as Snapshots;
use crate::webhook::Settings as Receiver;
use anyhow::{Context as _, bail, ensure};
use cx_gateway::Certificates;
use cx_kafka::ClientSettings;
use cx_model::record::TimestampKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Most partitions of `cx.interactions`.
const PARTITIONS: u32 = 1_024;
/// Largest configuration file, bytes.
const LARGEST: u64 = 256 * 1_024;

/// One installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the gateway listens.
    pub(crate) address: SocketAddr,
    /// Who may come in.
    #[serde(default)]
    pub(crate) access: Access,
    /// TLS, where it is spoken.
    #[serde(default)]
    pub(crate) tls: Tls,
    /// Folder of definitions.
    pub(crate) catalog: PathBuf,
    /// Folder of secrets.
    pub(crate) data: PathBuf,
    /// How much memory the process may use, MiB; 0 for all that the machine has. Reading stops at
    /// 80 % of it.
    #[serde(default)]
    pub(crate) memory_mib: u64,
    /// Where state is kept, and how often.
    #[serde(default)]
    pub(crate) snapshots: Snapshots,
    /// How much of the past is kept.
    #[serde(default)]
    pub(crate) history: History,
    /// Whom alerts tell, by name.
    #[serde(default)]
    pub(crate) receivers: BTreeMap<String, Receiver>,
    /// The log.
    pub(crate) kafka: Kafka,
}

/// Certificates of the gateway; it speaks TLS where both are named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// PEM: the server's own first, then who signed it.
    certificate: PathBuf,
    /// PEM: its private key.
    key: PathBuf,
}

impl Tls {
    /// What stands before the address: `https` with certificates, else `http`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.certificate.as_os_str().is_empty() {
            return "http";
        }
        "https"
    }

    /// What the files hold; `None` where none is named.
    ///
    /// # Errors
    /// Only one is named; what is wrong with them.
    pub(crate) fn certificates(&self) -> anyhow::Result<Option<Certificates>> {
        let named = [&self.certificate, &self.key].map(|path| !path.as_os_str().is_empty());
        match named {
            [false, false] => Ok(None),
            [true, true] => Ok(Some(
                Certificates::read(&self.certificate, &self.key).context("tls")?,
            )),
            _ => bail!("tls: name both files, certificate and key, or none"),
        }
    }
}

/// How the log is reached and what its topics are like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// `host:port`, several with commas.
    pub(crate) bootstrap: String,
    /// Stands before every topic's name.
    #[serde(default)]
    pub(crate) prefix: String,
    /// Partitions of `cx.interactions`; pinned.
    pub(crate) partitions: u32,
    /// Copies of each partition, where topics are made.
    #[serde(default = "one")]
    pub(crate) replication: u32,
    /// Records keep their writer's time: a replayed history, no live topic.
    #[serde(default)]
    pub(crate) history: bool,
    /// librdkafka's own settings.
    #[serde(default)]
    properties: BTreeMap<String, Property>,
}

fn one() -> u32 {
    1
}

impl Config {
    /// Reads a file and puts the environment's settings over it.
    ///
    /// # Errors
    /// What cannot be read or is out of bounds, with the place and what to write.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        let large = std::fs::metadata(file).is_ok_and(|m| m.len() > LARGEST);
        ensure!(
            !large,
            "{shown} is larger than {LARGEST} bytes: no settings need that"
        );
        let text = std::fs::read_to_string(file).with_context(|| {
            format!("cannot read {shown}: name another one with --config, or begin with deploy/watchfloor.yaml")
        })?;
        Self::read(&text, |name| std::env::var(name).ok()).with_context(|| shown.to_string())
    }

    /// A demo's own topics on somebody's cluster.
    pub(crate) fn of_demo(bootstrap: &str, prefix: &str, partitions: u32) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            access: Access::default(),
            tls: Tls::default(),
            catalog: PathBuf::new(),
            data: PathBuf::new(),
            memory_mib: 0,
            snapshots: Snapshots::default(),
            history: History::default(),
            receivers: BTreeMap::new(),
            kafka: Kafka {
                bootstrap: bootstrap.to_owned(),
                prefix: prefix.to_owned(),
                partitions,
                replication: 1,
                history: true,
                properties: BTreeMap::new(),
            },
        }
    }

    /// A cluster without a file: only what the environment says beside the address.
    ///
    /// # Errors
    /// What is out of bounds.
    pub(crate) fn of_environment(bootstrap: &str) -> anyhow::Result<Self> {
        let mut config = Self::of_demo(bootstrap, "", 1);
        config.overlay(|name| std::env::var(name).ok())?;
        config.check()?;
        Ok(config)
    }

    fn read(text: &str, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let config: Result<Self, _> = serde_saphyr::from_str(text);
        let mut config = config.map_err(|e| anyhow::anyhow!("{e}"))?;
        config.overlay(environment)?;
        config.check()?;
        Ok(config)
    }

    fn overlay(&mut self, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        let from = Environment(environment);
        from.over("ADDRESS", &mut self.address)?;
        from.over("TLS_CERTIFICATE", &mut self.tls.certificate)?;
        from.over("TLS_KEY", &mut self.tls.key)?;
        self.access.overlay(&from.0)?;
        from.over("CATALOG", &mut self.catalog)?;
        from.over("DATA", &mut self.data)?;
        from.over("MEMORY_MIB", &mut self.memory_mib)?;
        let snapshots = &mut self.snapshots;
        let mut folder = PathBuf::new();
        from.over("SNAPSHOTS_FOLDER", &mut folder)?;
        if !folder.as_os_str().is_empty() {
            snapshots.folder = Some(folder);
        }
        snapshots.overlay(&mut |name, text| from.over(name, text))?;
        from.over("SNAPSHOTS_EVERY_S", &mut snapshots.every_s)?;
        from.over("SNAPSHOTS_KEEP", &mut snapshots.keep)?;
        let mut folder = PathBuf::new();
        from.over("HISTORY_FOLDER", &mut folder)?;
        if !folder.as_os_str().is_empty() {
            self.history.folder = Some(folder);
        }
        from.over("HISTORY_MAX_MIB", &mut self.history.max_mib)?;
        let kafka = &mut self.kafka;
        from.over("KAFKA_BOOTSTRAP", &mut kafka.bootstrap)?;
        from.over("KAFKA_PREFIX", &mut kafka.prefix)?;
        from.over("KAFKA_PARTITIONS", &mut kafka.partitions)?;
        from.over("KAFKA_REPLICATION", &mut kafka.replication)?;
        from.over("KAFKA_HISTORY", &mut kafka.history)?;
        let mut properties = String::new();
        from.over("KAFKA_PROPERTIES", &mut properties)?;
        for pair in properties.split(['\n', ';']).map(str::trim) {
            let Some((name, value)) = pair.split_once('=') else {
                ensure!(
                    pair.is_empty(),
                    "WATCHFLOOR_KAFKA_PROPERTIES: {pair:?} is no name=value; write name=value;name=value"
                );
                continue;
            };
            let value = Property::Plain(value.trim().to_owned());
            kafka.properties.insert(name.trim().to_owned(), value);
        }
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        let tls = !self.tls.certificate.as_os_str().is_empty();
        self.access.check(self.address, tls)?;
        self.snapshots.check()?;
        self.history.check()?;
        let kafka = &self.kafka;
        ensure!(
            (1..=PARTITIONS).contains(&kafka.partitions),
            "kafka.partitions is {}: write 1 to {PARTITIONS}",
            kafka.partitions
        );
        ensure!(
            (1..=9).contains(&kafka.replication),
            "kafka.replication is {}: write 1 to 9, 3 where the cluster has three brokers",
            kafka.replication
        );
        let servers = kafka.bootstrap.split(',').map(str::trim);
        for server in servers {
            let port = server
                .rsplit_once(':')
                .map(|(host, port)| (host, port.parse::<u16>()));
            if !matches!(port, Some((host, Ok(1..))) if !host.is_empty()) {
                bail!(
                    "kafka.bootstrap: {server:?} is no host:port; write broker-1:9092,broker-2:9092"
                );
            }
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        ensure!(
            kafka.prefix.len() <= 64 && kafka.prefix.bytes().all(legal),
            "kafka.prefix is {:?}: write at most 64 letters, digits, dots, - or _, e.g. \"test.\"",
            kafka.prefix
        );
        Ok(())
    }
}

impl Kafka {
    /// Who stamps the records of `cx.interactions`.
    pub(crate) fn stamps(&self) -> TimestampKind {
        if self.history {
            TimestampKind::Create
        } else {
            TimestampKind::LogAppend
        }
    }

    /// For Kafka's clients; secrets are read from their files here.
    ///
    /// # Errors
    /// A file that cannot be read, a setting that is not the configuration's to make.
    pub(crate) fn client(&self) -> anyhow::Result<ClientSettings> {
        let mut settings = ClientSettings::broker(&self.bootstrap);
        for (name, property) in &self.properties {
            let value = property.read(&format!("kafka.properties.{name}"))?;
            settings = settings.with(name, &value)?;
        }
        Ok(settings)
    }
}

/// Where settings come from that stand over the file's.
struct Environment<F>(F);

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    fn over<T: FromStr>(&self, name: &str, setting: &mut T) -> anyhow::Result<()>
    where
        T::Err: fmt::Display,
    {
        let name = format!("WATCHFLOOR_{name}");
        if let Some(text) = (self.0)(&name) {
            *setting = text
                .parse()
                .map_err(|e| anyhow::anyhow!("{name} is {text:?}: {e}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../deploy/watchfloor.yaml");

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let of = |name: &str| {
            let found = environment.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::read(text, of).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn the_shipped_file_is_right_and_the_environment_stands_over_it() {
        let plain = read(SHIPPED, &[]).expect("right");
        assert_eq!((plain.kafka.partitions, plain.kafka.history), (24, false));
        let over = [
            ("WATCHFLOOR_KAFKA_BOOTSTRAP", "a:1,b:2"),
            ("WATCHFLOOR_KAFKA_HISTORY", "true"),
            ("WATCHFLOOR_HISTORY_MAX_MIB", "64"),
            (
                "WATCHFLOOR_KAFKA_PROPERTIES",
                "security.protocol=ssl; ssl.ca.location=/ca",
            ),
        ];
        let config = read(SHIPPED, &over).expect("right");
        assert_eq!(config.kafka.bootstrap, "a:1,b:2");
        assert_eq!((plain.history.max_mib, config.history.max_mib), (512, 64));
        assert_eq!(config.kafka.stamps(), TimestampKind::Create);
        let ca = &config.kafka.properties["ssl.ca.location"];
        assert_eq!(*ca, Property::Plain("/ca".to_owned()));
    }

    #[test]
    fn a_cluster_needs_no_file_but_an_address_that_is_one() {
        let config = Config::of_environment("broker:9092").expect("right");
        assert_eq!(config.kafka.bootstrap, "broker:9092");
        let error = Config::of_environment("broker").expect_err("no port");
        assert!(format!("{error}").contains("host:port"), "{error}");
    }

    #[test]
    fn wrong_settings_are_named_with_what_to_write() {
        let check = |from: &str, to: &str, words: &str| {
            let text = SHIPPED.replace(from, to);
            assert_ne!(text, SHIPPED, "{from}");
            let error = read(&text, &[]).expect_err(to);
            assert!(error.contains(words), "{to}: {error}");
        };
        check("partitions: 24", "partitions: 0", "write 1 to 1024");
        check("partitions: 24", "partitions: many", "line");
        check("partitions: 24", "partition: 24", "partition");
        check(
            "bootstrap: 127.0.0.1:39092",
            "bootstrap: localhost",
            "host:port",
        );
        check("max_mib: 512", "max_mib: 1", "write 8 to 1048576");
        check("prefix: \"\"", "prefix: \"a/b\"", "kafka.prefix");
        check("address: 127.0.0.1:7700", "address: here", "line");
        let error = read(SHIPPED, &[("WATCHFLOOR_KAFKA_PARTITIONS", "x")]);
        let error = error.expect_err("no number");
        assert!(error.contains("WATCHFLOOR_KAFKA_PARTITIONS"), "{error}");
    }

    #[test]
    fn a_secret_comes_from_its_file_and_a_promise_cannot_be_configured_away() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "hush\n").expect("written");
        let held = format!(
            "properties: {{sasl.password: {{file: {}}}}}",
            file.path().display()
        );
        let config = read(&SHIPPED.replace("properties: {}", &held), &[]).expect("right");
        let settings = config.kafka.client().expect("readable");
        assert!(format!("{settings:?}").contains("sasl.password"));
        let lost = SHIPPED.replace(
            "properties: {}",
            "properties: {sasl.password: {file: /no/such}}",
        );
        let error = read(&lost, &[])
            .expect("a form")
            .kafka
            .client()
            .expect_err("no file");
        assert!(format!("{error:#}").contains("sasl.password"), "{error:#}");
        let ours = SHIPPED.replace("properties: {}", "properties: {enable.idempotence: false}");
        let error = read(&ours, &[])
            .expect("a form")
            .kafka
            .client()
            .expect_err("ours");
        assert!(format!("{error:#}").contains("promises"), "{error:#}");
    }
}
