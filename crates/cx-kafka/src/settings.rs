//! In: a broker address. Kept: librdkafka's settings. Out: configurations for clients.
//! Never knows: topics.

use rdkafka::ClientConfig;

/// How to reach a broker, and how the two kinds of broker differ.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    bootstrap: String,
    embedded: bool,
}

impl ClientSettings {
    /// For the embedded broker: an empty fetch is parked there for its whole wait, so the wait
    /// is short; retention is by size, so records are compressed.
    #[must_use]
    pub fn embedded(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            embedded: true,
        }
    }

    /// For Apache Kafka.
    #[must_use]
    pub fn broker(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            embedded: false,
        }
    }

    /// The broker's address.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "watchfloor")
            .set("reconnect.backoff.max.ms", "1000");
        config
    }

    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("group.id", "watchfloor")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.queue.backoff.ms", "5")
            .set(
                "fetch.wait.max.ms",
                if self.embedded { "10" } else { "100" },
            );
        config
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.common();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("queue.buffering.max.messages", "20000")
            .set("queue.buffering.max.kbytes", "32768");
        config
    }
}
