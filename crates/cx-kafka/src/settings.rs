//! In: a broker address, settings of the installation. Kept: them. Out: configurations for clients.
//! Never knows: topics.

use crate::Error;
use rdkafka::ClientConfig;
use std::collections::BTreeMap;
use std::time::Duration;

/// Settings our promises rest on; a configuration may not change them.
const OURS: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "message.timeout.ms",
    "partitioner",
];

/// How to reach a broker, and how the two kinds of broker differ.
#[derive(Clone)]
pub struct ClientSettings {
    bootstrap: String,
    embedded: bool,
    patience: Duration,
    extra: BTreeMap<String, String>,
}

/// Values of the installation's own settings may be secrets.
impl std::fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSettings")
            .field("bootstrap", &self.bootstrap)
            .field("embedded", &self.embedded)
            .field("patience", &self.patience)
            .field("extra", &self.extra.keys())
            .finish()
    }
}

impl ClientSettings {
    /// For the [embedded broker](crate::Embedded). An empty fetch is parked there for its whole
    /// wait, so the wait is short; it keeps a size, not a time, so records are compressed.
    #[must_use]
    pub fn embedded(bootstrap: impl Into<String>) -> Self {
        Self {
            embedded: true,
            ..Self::broker(bootstrap)
        }
    }

    /// For Apache Kafka: `host:port`, several with commas.
    #[must_use]
    pub fn broker(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            embedded: false,
            patience: Duration::from_secs(10),
            extra: BTreeMap::new(),
        }
    }

    /// How long to wait for a broker before saying that it does not answer (10 s unless told).
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// One of librdkafka's own settings (TLS, SASL, sizes), for every client.
    ///
    /// # Errors
    /// [`Error::Setting`] for one that our promises rest on. A name or value that librdkafka does
    /// not know is refused by `open`.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, Error> {
        if OURS.contains(&name) {
            return Err(Error::Setting {
                name: name.to_owned(),
                detail: "is set by watchfloor, its promises rest on it".to_owned(),
            });
        }
        self.extra.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// The broker's address.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// How long clients wait for a broker.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn refused(&self, error: &rdkafka::error::KafkaError) -> Error {
        Error::Client {
            bootstrap: self.bootstrap.clone(),
            detail: error.to_string(),
        }
    }

    pub(crate) fn consumer(&self) -> ClientConfig {
        self.config(&[
            // librdkafka wants a name for a group even where nothing is committed or joined.
            ("group.id", "watchfloor"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "error"),
            ("allow.auto.create.topics", "false"),
            ("isolation.level", "read_committed"),
            ("check.crcs", "true"),
            ("queued.min.messages", "10000"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.max.bytes", "4194304"),
            // Where each log ends comes with them.
            ("statistics.interval.ms", "1000"),
            // After a full queue librdkafka would wait a second before it fetches again.
            ("fetch.queue.backoff.ms", "5"),
            (
                "fetch.wait.max.ms",
                if self.embedded { "10" } else { "100" },
            ),
        ])
    }

    /// `linger_ms`: how long a record waits for others that go with it.
    pub(crate) fn producer(&self, linger_ms: &str) -> ClientConfig {
        self.config(&[
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // Never: a full queue slows the caller down, a timeout would lose the record.
            ("message.timeout.ms", "0"),
            ("compression.type", "lz4"),
            // What Java clients do with the key; librdkafka's own default differs.
            ("partitioner", "murmur2_random"),
            ("linger.ms", linger_ms),
            // A refused record is put aside whole, whatever its topic took, and a set of
            // definitions is one record; the broker's own limits stand per topic.
            ("message.max.bytes", "9000000"),
            ("queue.buffering.max.messages", "20000"),
            ("queue.buffering.max.kbytes", "32768"),
        ])
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        self.config(&[])
    }

    fn config(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "watchfloor")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "30000")
            .set("enable.metrics.push", "false");
        for (name, value) in ours {
            config.set(*name, *value);
        }
        for (name, value) in &self.extra {
            config.set(name, value);
        }
        config
    }
}
