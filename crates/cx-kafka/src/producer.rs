//! In: bytes. Kept: one librdkafka producer with a bounded queue. Out: records in topics.
//! Never knows: what is in them.

use crate::{ClientSettings, Error};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::Timeout;
use std::time::Duration;

/// The queue is full: slow down and try again; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the producer's queue is full")]
pub struct Full;

/// Writes records; cheap to clone, for any thread.
#[derive(Clone)]
pub struct Producer {
    inner: FutureProducer,
}

/// One record to write: topic, partition, key, value, headers, timestamp (ms).
type Outgoing<'a> = (
    &'a str,
    Option<u32>,
    Option<&'a [u8]>,
    &'a [u8],
    &'a [(&'a str, &'a [u8])],
    Option<i64>,
);

impl Producer {
    /// Makes a producer; connecting happens in the background.
    ///
    /// # Errors
    /// [`Error::Client`].
    pub fn open(settings: &ClientSettings) -> Result<Self, Error> {
        let inner = settings
            .producer()
            .create()
            .map_err(|e: KafkaError| Error::Client {
                bootstrap: settings.bootstrap().to_owned(),
                detail: e.to_string(),
            })?;
        Ok(Self { inner })
    }

    /// Queues a record; never blocks, retries are librdkafka's.
    ///
    /// # Errors
    /// [`Full`].
    pub fn send(
        &self,
        topic: &str,
        partition: Option<u32>,
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[(&str, &[u8])],
        timestamp: Option<i64>,
    ) -> Result<(), Full> {
        let record = (topic, partition, key, value, headers, timestamp);
        match self.inner.send_result(outgoing(&record)) {
            Ok(_delivery) => Ok(()),
            Err((error, _)) => {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    tracing::error!(%error, topic, "a record could not be queued");
                }
                Err(Full)
            }
        }
    }

    /// Writes a record and waits until the broker has it: its partition and offset.
    ///
    /// # Errors
    /// [`Error::NotDelivered`] after 10 s, or at once where the record can never be taken.
    pub async fn send_acked(
        &self,
        topic: &str,
        partition: u32,
        key: Option<&[u8]>,
        value: &[u8],
        timestamp: Option<i64>,
    ) -> Result<(u32, i64), Error> {
        let record = (topic, Some(partition), key, value, &[] as &[_], timestamp);
        let patience = Timeout::After(Duration::from_secs(10));
        let delivery = self.inner.send(outgoing(&record), patience);
        match delivery.await {
            Ok(d) => Ok((u32::try_from(d.partition).unwrap_or(u32::MAX), d.offset)),
            Err((error, _)) => Err(Error::NotDelivered {
                detail: error.to_string(),
            }),
        }
    }

    /// Waits until everything queued was delivered, or the deadline.
    ///
    /// # Errors
    /// [`Error::NotDelivered`] with what is left.
    pub fn flush(&self, deadline: Duration) -> Result<(), Error> {
        self.inner.flush(deadline).map_err(|e| Error::NotDelivered {
            detail: e.to_string(),
        })
    }

    /// Records queued or on their way.
    #[must_use]
    pub fn in_flight(&self) -> i32 {
        self.inner.in_flight_count()
    }
}

fn outgoing<'a>(
    (topic, partition, key, value, headers, timestamp): &Outgoing<'a>,
) -> FutureRecord<'a, [u8], [u8]> {
    let mut record = FutureRecord::to(topic).payload(*value);
    if let Some(p) = partition {
        record = record.partition(i32::try_from(*p).unwrap_or(i32::MAX));
    }
    if let Some(key) = key {
        record = record.key(*key);
    }
    if let Some(ms) = timestamp {
        record = record.timestamp(*ms);
    }
    if !headers.is_empty() {
        let start = OwnedHeaders::new_with_capacity(headers.len());
        let all = headers.iter().fold(start, |all, (key, value)| {
            all.insert(Header {
                key,
                value: Some(*value),
            })
        });
        record = record.headers(all);
    }
    record
}
