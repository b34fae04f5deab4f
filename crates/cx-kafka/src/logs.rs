//! In: librdkafka's own log lines. Kept: nothing. Out: tracing events, and delivery reports to
//! whoever waits for them. Never knows: what was sent.

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Passes librdkafka's words on to our logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logs;

impl ClientContext for Logs {
    fn log(&self, level: Level, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is news for the reader, no error.
        if error.rdkafka_error_code() != Some(rdkafka::types::RDKafkaErrorCode::PartitionEOF) {
            tracing::warn!(%error, reason, "kafka client");
        }
    }
}

impl ConsumerContext for Logs {}

/// One line of librdkafka; its errors heal or come back as results, so none is more than a warning.
pub(crate) fn log(level: Level, facility: &str, message: &str) {
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error | Level::Warning => {
            tracing::warn!(facility, message, "librdkafka");
        }
        Level::Notice | Level::Info => tracing::info!(facility, message, "librdkafka"),
        Level::Debug => tracing::debug!(facility, message, "librdkafka"),
    }
}
