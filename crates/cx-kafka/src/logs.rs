//! In: librdkafka's own log lines. Kept: nothing. Out: tracing events. Never knows: what was sent.

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// Passes librdkafka's words on to our logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logs;

impl ClientContext for Logs {
    fn log(&self, level: Level, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a log is told here too, many times a second; it is news, no error.
        if !is_end(&error) {
            tracing::warn!(%error, reason, "kafka client");
        }
    }
}

impl ConsumerContext for Logs {}

fn is_end(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_no_error_and_a_lost_broker_is_one() {
        assert!(is_end(&KafkaError::Global(RDKafkaErrorCode::PartitionEOF)));
        assert!(!is_end(&KafkaError::Global(
            RDKafkaErrorCode::AllBrokersDown
        )));
    }
}
