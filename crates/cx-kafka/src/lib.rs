//! The ear: the only room that knows Kafka. In: topics. Kept: clients. Out: borrowed records,
//! produced records. Never knows: what an event means, the engine, HTTP.

mod ear;
mod embedded;
mod producer;
mod settings;

pub use ear::{Ear, Heard};
pub use embedded::Embedded;
pub use producer::{Full, Producer};
pub use settings::ClientSettings;

/// What can go wrong with Kafka for good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A client could not be made.
    #[error("kafka client for {bootstrap}: {detail}")]
    Client {
        /// Broker address.
        bootstrap: String,
        /// librdkafka's words.
        detail: String,
    },
    /// The log no longer holds what was asked for.
    #[error(
        "{topic}: an offset asked for is not in the log any more ({detail}); start from the log's beginning or from a newer snapshot"
    )]
    OffsetGone {
        /// Topic.
        topic: String,
        /// librdkafka's words.
        detail: String,
    },
    /// The topic is not there.
    #[error(
        "topic {topic} does not exist at this broker; create it with the pinned partition count"
    )]
    NoTopic {
        /// Topic.
        topic: String,
    },
    /// A record was not taken by the broker.
    #[error("the broker did not take a record: {detail}")]
    NotDelivered {
        /// librdkafka's words.
        detail: String,
    },
    /// Anything else that will not heal.
    #[error("kafka: {detail}")]
    Other {
        /// librdkafka's words.
        detail: String,
    },
}
