//! In: partitions of one topic from explicit offsets. Kept: one librdkafka consumer, polled by the
//! caller's thread. Out: borrowed records, ends of log. Never knows: groups, meaning.

use crate::{ClientSettings, Error};
use cx_model::record::{Record, TimestampKind};
use cx_model::time::Timestamp;
use cx_model::vocabulary::HEADER_CONTROL;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp as Stamp};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// Most records handed over by one poll.
const BATCH: usize = 1_000;

/// What the ear hears.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// A record.
    Record(Record<'a>),
    /// The end of a partition's log, for the moment.
    End {
        /// The partition.
        partition: u32,
    },
}

/// A reader of some partitions of one topic.
pub struct Ear {
    consumer: BaseConsumer,
    topic: String,
}

impl Ear {
    /// Begins to read at the given (partition, offset)s.
    ///
    /// # Errors
    /// [`Error::Client`].
    pub fn open(
        settings: &ClientSettings,
        topic: &str,
        starts: &[(u32, i64)],
    ) -> Result<Self, Error> {
        let refused = |e: KafkaError| Error::Client {
            bootstrap: settings.bootstrap().to_owned(),
            detail: e.to_string(),
        };
        let consumer: BaseConsumer = settings.consumer().create().map_err(refused)?;
        let mut list = TopicPartitionList::new();
        for (partition, offset) in starts {
            let partition = i32::try_from(*partition).unwrap_or(i32::MAX);
            list.add_partition_offset(topic, partition, Offset::Offset(*offset))
                .map_err(refused)?;
        }
        consumer.assign(&list).map_err(refused)?;
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
        })
    }

    /// Waits up to `timeout` for the first record, then hands over what is there, up to a bounded
    /// batch. Faults that librdkafka heals by itself (a broker away) are only logged.
    ///
    /// # Errors
    /// [`Error::OffsetGone`], [`Error::NoTopic`].
    pub fn poll(
        &mut self,
        timeout: Duration,
        handle: &mut dyn FnMut(Heard<'_>),
    ) -> Result<usize, Error> {
        let mut wait = timeout;
        for n in 0..BATCH {
            match self.consumer.poll(wait) {
                None => return Ok(n),
                Some(Ok(message)) => handle(Heard::Record(record(&message))),
                Some(Err(KafkaError::PartitionEOF(p))) => {
                    handle(Heard::End {
                        partition: u32::try_from(p).unwrap_or(u32::MAX),
                    });
                }
                Some(Err(e)) => self.fault(&e)?,
            }
            wait = Duration::ZERO;
        }
        Ok(BATCH)
    }

    fn fault(&self, error: &KafkaError) -> Result<(), Error> {
        let topic = self.topic.clone();
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => Err(Error::OffsetGone {
                topic,
                detail: error.to_string(),
            }),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                Err(Error::NoTopic { topic })
            }
            _ => {
                tracing::warn!(%error, "kafka consumer, goes on");
                Ok(())
            }
        }
    }
}

fn record<'a>(message: &'a BorrowedMessage<'_>) -> Record<'a> {
    let (timestamp, timestamp_kind) = match message.timestamp() {
        Stamp::LogAppendTime(ms) => (ms, TimestampKind::LogAppend),
        Stamp::CreateTime(ms) => (ms, TimestampKind::Create),
        Stamp::NotAvailable => (0, TimestampKind::Create),
    };
    let control = message.headers().and_then(|headers| {
        headers
            .iter()
            .find(|h| h.key == HEADER_CONTROL)
            .map(|h| h.value.unwrap_or_default())
    });
    Record {
        partition: u32::try_from(message.partition()).unwrap_or(u32::MAX),
        offset: message.offset(),
        timestamp: Timestamp(timestamp),
        timestamp_kind,
        key: message.key(),
        value: message.payload(),
        control,
    }
}
