//! In: librdkafka's words and statistics. Kept: the newest failure, where each log ends.
//! Out: our own log lines, and what a client can be asked. Never knows: what was sent.

use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Passes librdkafka's words on to our logs and keeps what a client may be asked later.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    failure: Mutex<Option<String>>,
    ends: Mutex<BTreeMap<u32, i64>>,
}

impl Logs {
    /// Why the broker could not be reached, in librdkafka's newest words; else `error`.
    pub(crate) fn why(&self, error: &KafkaError) -> String {
        let failure = self.failure.lock().expect("no holder panics");
        failure.clone().unwrap_or_else(|| error.to_string())
    }

    /// Whether librdkafka has said why it failed.
    pub(crate) fn failed(&self) -> bool {
        self.failure.lock().expect("no holder panics").is_some()
    }

    /// A broker answers: whatever fails from now on is news again, for the same reason too.
    fn recovered(&self) {
        *self.failure.lock().expect("no holder panics") = None;
    }

    /// The offset after the last record of a partition's log, as last heard.
    pub(crate) fn end(&self, partition: u32) -> Option<i64> {
        let ends = self.ends.lock().expect("no holder panics");
        ends.get(&partition).copied()
    }
}

impl ClientContext for Logs {
    fn log(&self, level: Level, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a log is told here too, many times a second; it is news, no error.
        if is_end(&error) {
            return;
        }
        let reason = plain(reason);
        // That all are down says less than why one is.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            return tracing::debug!(reason, "kafka client");
        }
        // While a broker is away the same is said many times a second.
        let mut failure = self.failure.lock().expect("no holder panics");
        if failure.as_deref() == Some(reason) {
            return tracing::debug!(reason, "kafka client");
        }
        *failure = Some(reason.to_owned());
        tracing::warn!(%error, reason, "kafka client");
    }

    fn stats(&self, statistics: Statistics) {
        if statistics.brokers.values().any(|b| b.state == "UP") {
            self.recovered();
        }
        let partitions = statistics.topics.values().flat_map(|t| &t.partitions);
        let known = partitions.filter_map(|(number, partition)| {
            let number = u32::try_from(*number).ok()?;
            (partition.hi_offset >= 0).then_some((number, partition.hi_offset))
        });
        let mut ends = self.ends.lock().expect("no holder panics");
        ends.extend(known);
    }
}

impl ConsumerContext for Logs {}

fn is_end(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF)
}

/// A reason without how long librdkafka was in which state:
/// `127.0.0.1:9092/bootstrap: Connect failed (after 0ms in state CONNECT)`.
fn plain(reason: &str) -> &str {
    reason.split(" (after ").next().unwrap_or(reason)
}

/// One line of librdkafka; its errors heal or come back as results, so none is more than a warning.
/// What its errors say comes as errors too, so that is told once there.
pub(crate) fn log(level: Level, facility: &str, message: &str) {
    match level {
        _ if ["FAIL", "ERROR"].contains(&facility) => {
            tracing::debug!(facility, message, "librdkafka");
        }
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

    #[test]
    fn a_failure_is_told_as_librdkafka_told_it_last() {
        let logs = Logs::default();
        let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        assert_eq!(logs.why(&error), error.to_string());
        logs.error(
            error.clone(),
            "b:9: Connect failed (after 0ms in state CONNECT)",
        );
        logs.error(
            KafkaError::Global(RDKafkaErrorCode::AllBrokersDown),
            "1/1 brokers are down",
        );
        assert_eq!(logs.why(&error), "b:9: Connect failed");
    }

    #[test]
    fn a_failure_is_forgotten_once_a_broker_answers() {
        let logs = Logs::default();
        let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        logs.error(error.clone(), "b:9: Connect failed");
        assert!(logs.failed());
        logs.recovered();
        assert!(!logs.failed());
        assert_eq!(logs.why(&error), error.to_string());
    }
}
