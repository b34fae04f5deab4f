//! In: librdkafka's complaints. Kept: nothing. Out: what is final, with the place and the fix.
//! Never knows: what heals by itself; that is only logged.

/// What can go wrong with Kafka for good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A client could not be made, or its settings are wrong.
    #[error("kafka client for {bootstrap}: {detail}")]
    Client {
        /// Broker address.
        bootstrap: String,
        /// librdkafka's words.
        detail: String,
    },
    /// A setting that belongs to us was given by the configuration.
    #[error("kafka setting {name}: {detail}; remove it from the configuration")]
    Setting {
        /// librdkafka's name of the setting.
        name: String,
        /// Why it cannot be set.
        detail: String,
    },
    /// No broker answered in time.
    #[error(
        "no answer from the kafka broker at {bootstrap} within {seconds} s ({detail}); start it, or correct kafka.bootstrap and, for TLS and SASL, kafka.properties"
    )]
    Unreachable {
        /// Broker address.
        bootstrap: String,
        /// How long was waited.
        seconds: f32,
        /// librdkafka's words.
        detail: String,
    },
    /// The log no longer holds what was asked for, or never did.
    #[error(
        "{topic}: offset {offset} of partition {partition} {}",
        gone(*.offset, *.low, *.high)
    )]
    OffsetGone {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
        /// Offset asked for.
        offset: i64,
        /// First offset the log holds.
        low: i64,
        /// Offset after the last one the log holds.
        high: i64,
    },
    /// The topic is not there.
    #[error("topic {topic} does not exist at this broker; make it with `watchfloor topics create`")]
    NoTopic {
        /// Topic.
        topic: String,
    },
    /// The topic has fewer partitions than asked for.
    #[error(
        "topic {topic} has no partition {partition}, it has {count}; correct the configured partition count"
    )]
    NoPartition {
        /// Topic.
        topic: String,
        /// Partition asked for, counted from 0.
        partition: u32,
        /// Partitions there are.
        count: usize,
    },
    /// A record was not taken by the broker, or not in time (then it may still land).
    #[error("the broker at {bootstrap} did not take a record: {detail}")]
    NotDelivered {
        /// Broker address.
        bootstrap: String,
        /// librdkafka's words.
        detail: String,
    },
    /// Anything else that will not heal.
    #[error("kafka at {bootstrap}: {detail}")]
    Other {
        /// Broker address.
        bootstrap: String,
        /// librdkafka's words.
        detail: String,
    },
}

fn gone(offset: i64, low: i64, high: i64) -> String {
    if offset < low {
        format!(
            "is no longer in the log, which begins at {low}; start at {low} and mark the numbers as incomplete, or give the topic a longer retention"
        )
    } else {
        format!(
            "is not in the log, which ends at {high}; it comes from another topic of that name, so start anew from {low}"
        )
    }
}
