//! In: partitions of one topic from explicit offsets. Kept: one librdkafka consumer, polled by the
//! caller's thread, and the next offset of each partition. Out: borrowed records, ends of log.
//! Never knows: groups, commits, meaning.

use crate::logs::Logs;
use crate::{ClientSettings, Error};
use cx_model::record::{Record, TimestampKind};
use cx_model::time::Timestamp;
use cx_model::vocabulary::HEADER_CONTROL;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp as Stamp};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// Headers of CloudEvents' Kafka binding.
const CLOUDEVENTS: &str = "ce_";
const CONTENT_TYPE: &str = "content-type";
/// How long and how often a client that cannot reach its broker is asked why.
const POLL: Duration = Duration::from_millis(25);
const POLLS: u32 = 20;
/// Most that one poll hands over.
const BATCH: usize = 1_000;
/// Most records of a run.
const RUN: usize = 32;

/// What the ear hears.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// A record.
    Record(Record<'a>),
    /// The end of a partition's log, for the moment. Said again whenever reading catches up.
    End {
        /// The partition.
        partition: u32,
        /// Offset after the last record handed over.
        offset: i64,
    },
}

/// What the ear hears, records together that follow one another in one partition.
#[derive(Debug, Clone, Copy)]
pub enum Run<'a> {
    /// At least one record, at most 32.
    Records(&'a [Record<'a>]),
    /// As [`Heard::End`].
    End {
        /// The partition.
        partition: u32,
        /// Offset after the last record handed over.
        offset: i64,
    },
}

/// A reader of some partitions of one topic, for one thread.
pub struct Ear {
    consumer: BaseConsumer<Logs>,
    settings: ClientSettings,
    topic: String,
    /// Partition to next offset.
    next: BTreeMap<u32, i64>,
}

impl Ear {
    /// Begins to read at the given (partition, offset)s, each of which must be in its log or at
    /// its end. Waits for the broker as long as the settings' patience.
    ///
    /// # Errors
    /// [`Error::Client`], [`Error::Unreachable`], [`Error::NoTopic`], [`Error::NoPartition`],
    /// [`Error::OffsetGone`].
    pub fn open(
        settings: &ClientSettings,
        topic: &str,
        starts: &[(u32, i64)],
    ) -> Result<Self, Error> {
        let partitions: Vec<u32> = starts.iter().map(|(p, _)| *p).collect();
        let mut ear = Self::connect(settings, topic, &partitions)?;
        ear.start(starts)?;
        Ok(ear)
    }

    /// Reaches the partitions without reading yet. Waits for the broker as long as the settings'
    /// patience.
    ///
    /// # Errors
    /// [`Error::Client`], [`Error::Unreachable`], [`Error::NoTopic`], [`Error::NoPartition`].
    pub fn connect(
        settings: &ClientSettings,
        topic: &str,
        partitions: &[u32],
    ) -> Result<Self, Error> {
        let ear = Self {
            consumer: settings
                .consumer()
                .create_with_context(Logs::default())
                .map_err(|e| settings.refused(&e))?,
            settings: settings.clone(),
            topic: topic.to_owned(),
            next: partitions.iter().map(|p| (*p, 0)).collect(),
        };
        ear.check_partitions()?;
        Ok(ear)
    }

    /// Begins to read (or begins anew) at the given (partition, offset)s.
    ///
    /// # Errors
    /// [`Error::OffsetGone`] for one that is neither in its log nor at its end;
    /// [`Error::Unreachable`].
    pub fn start(&mut self, starts: &[(u32, i64)]) -> Result<(), Error> {
        self.next = starts.iter().copied().collect();
        if let Some(gone) = self.offset_gone()? {
            return Err(gone);
        }
        let assigned = self.consumer.assign(&self.list(&self.next)?);
        assigned.map_err(|e| self.settings.refused(&e))
    }

    /// Goes on where it stands with a new client; as it was where that fails. All partitions are
    /// fetched again, paused ones too.
    ///
    /// # Errors
    /// Those of [`Ear::open`].
    pub fn reopen(&mut self) -> Result<(), Error> {
        let starts: Vec<(u32, i64)> = self.next.iter().map(|(p, next)| (*p, *next)).collect();
        *self = Self::open(&self.settings, &self.topic, &starts)?;
        Ok(())
    }

    /// Waits up to `timeout` for something to hear, then hands over what is there, at most 1,000.
    /// Returns how many. Faults that librdkafka heals by itself (a broker away) are only logged.
    ///
    /// # Errors
    /// [`Error::OffsetGone`] when reading fell behind the log's retention, [`Error::NoTopic`] when
    /// the topic was removed, [`Error::Other`] when the broker refuses us.
    pub fn poll(
        &mut self,
        timeout: Duration,
        handle: &mut dyn FnMut(Heard<'_>),
    ) -> Result<usize, Error> {
        self.poll_runs(timeout, &mut |run| match run {
            Run::Records(records) => records.iter().for_each(|r| handle(Heard::Record(*r))),
            Run::End { partition, offset } => handle(Heard::End { partition, offset }),
        })
    }

    /// As [`Ear::poll`], for whoever does with several records what is dearer with one after the other.
    ///
    /// # Errors
    /// Those of [`Ear::poll`].
    pub fn poll_runs(
        &mut self,
        timeout: Duration,
        handle: &mut dyn FnMut(Run<'_>),
    ) -> Result<usize, Error> {
        let mut wait = timeout;
        let mut heard = 0;
        let mut run: Vec<BorrowedMessage<'_>> = Vec::with_capacity(RUN);
        while heard < BATCH {
            let polled = self.consumer.poll(wait);
            wait = Duration::ZERO;
            let goes_on = match (&polled, run.first()) {
                (Some(Ok(message)), Some(first)) => {
                    message.partition() == first.partition() && run.len() < RUN
                }
                _ => run.is_empty(),
            };
            if !goes_on {
                hand_over(&mut run, &mut self.next, handle);
            }
            match polled {
                None => break,
                Some(Ok(message)) => {
                    run.push(message);
                    heard += 1;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    let partition = number(partition);
                    let offset = self.next.get(&partition).copied().unwrap_or_default();
                    handle(Run::End { partition, offset });
                    heard += 1;
                }
                Some(Err(error)) => self.fault(&error)?,
            }
        }
        hand_over(&mut run, &mut self.next, handle);
        Ok(heard)
    }

    /// The offset after the last record of a partition's log, at most a second old; `None` before
    /// the broker has told it.
    #[must_use]
    pub fn end(&self, partition: u32) -> Option<i64> {
        self.consumer.context().end(partition)
    }

    /// Stops fetching a partition; nothing of it is handed over until [`Ear::resume`].
    ///
    /// # Errors
    /// [`Error::NoPartition`] for one that is not read here.
    pub fn pause(&mut self, partition: u32) -> Result<(), Error> {
        let list = self.one(partition)?;
        let paused = self.consumer.pause(&list);
        paused.map_err(|e| self.other(&e))
    }

    /// Goes on with a paused partition, without a gap.
    ///
    /// # Errors
    /// [`Error::NoPartition`] for one that is not read here.
    pub fn resume(&mut self, partition: u32) -> Result<(), Error> {
        let list = self.one(partition)?;
        let resumed = self.consumer.resume(&list);
        resumed.map_err(|e| self.other(&e))
    }

    fn one(&self, partition: u32) -> Result<TopicPartitionList, Error> {
        let Some(offset) = self.next.get(&partition) else {
            return Err(Error::NoPartition {
                topic: self.topic.clone(),
                partition,
                count: self.next.len(),
            });
        };
        self.list(&BTreeMap::from([(partition, *offset)]))
    }

    fn list(&self, offsets: &BTreeMap<u32, i64>) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.topic, native(*partition), Offset::Offset(*offset))
                .map_err(|e| self.other(&e))?;
        }
        Ok(list)
    }

    /// How many partitions a topic has. Waits for the broker as long as the settings' patience.
    ///
    /// # Errors
    /// [`Error::Client`], [`Error::Unreachable`], [`Error::NoTopic`].
    pub fn partitions(settings: &ClientSettings, topic: &str) -> Result<u32, Error> {
        let count = Self::connect(settings, topic, &[])?.count()?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn count(&self) -> Result<usize, Error> {
        let metadata = self
            .consumer
            .fetch_metadata(Some(&self.topic), self.settings.patience())
            .map_err(|e| unreachable(&self.consumer, &self.settings, &e))?;
        let found = metadata.topics().iter().find(|t| t.name() == self.topic);
        match found.map_or(0, |topic| topic.partitions().len()) {
            0 => Err(Error::NoTopic {
                topic: self.topic.clone(),
            }),
            count => Ok(count),
        }
    }

    fn check_partitions(&self) -> Result<(), Error> {
        let count = self.count()?;
        match self.next.keys().find(|p| **p as usize >= count) {
            Some(partition) => Err(Error::NoPartition {
                topic: self.topic.clone(),
                partition: *partition,
                count,
            }),
            None => Ok(()),
        }
    }

    /// The first partition whose next offset its log does not hold.
    fn offset_gone(&self) -> Result<Option<Error>, Error> {
        for (partition, offset) in &self.next {
            let (low, high) = self.bounds(*partition)?;
            if *offset < low || *offset > high {
                return Ok(Some(Error::OffsetGone {
                    topic: self.topic.clone(),
                    partition: *partition,
                    offset: *offset,
                    low,
                    high,
                }));
            }
        }
        Ok(None)
    }

    /// First offset of a partition's log, and the one after its last. A partition that was made a
    /// moment ago, or whose broker went away, has no leader yet: then the answer is waited for.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub fn bounds(&self, partition: u32) -> Result<(i64, i64), Error> {
        let patience = self.settings.patience();
        let mut left = patience.as_millis() / POLL.as_millis();
        loop {
            let asked = self
                .consumer
                .fetch_watermarks(&self.topic, native(partition), patience);
            match asked {
                Ok(found) => return Ok(found),
                Err(error) if left > 0 && electing(&error) => left -= 1,
                Err(error) => return Err(unreachable(&self.consumer, &self.settings, &error)),
            }
            // Only waits: nothing is assigned yet, or the reader is about to end with an error.
            drop(self.consumer.poll(POLL));
        }
    }

    /// Final or healing by itself: librdkafka has hundreds of codes, few are final.
    fn fault(&self, error: &KafkaError) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            // librdkafka does not say which partition: ask the log itself.
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                Err(self.offset_gone()?.unwrap_or_else(|| self.other(error)))
            }
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                Err(Error::NoTopic {
                    topic: self.topic.clone(),
                })
            }
            Some(
                Code::Fatal
                | Code::Authentication
                | Code::TopicAuthorizationFailed
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedFeature,
            ) => Err(self.other(error)),
            _ => {
                // The client itself has warned already.
                tracing::debug!(%error, topic = self.topic, "kafka consumer, goes on");
                Ok(())
            }
        }
    }

    fn other(&self, error: &KafkaError) -> Error {
        Error::Other {
            bootstrap: self.settings.bootstrap().to_owned(),
            detail: format!("{}: {error}", self.topic),
        }
    }
}

fn electing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition
        )
    )
}

/// No broker, and why: librdkafka tells it only to who polls.
pub(crate) fn unreachable(
    consumer: &BaseConsumer<Logs>,
    settings: &ClientSettings,
    error: &KafkaError,
) -> Error {
    for _ in 0..POLLS {
        if consumer.context().failed() {
            break;
        }
        // Its result is an error we are about to tell anyway.
        drop(consumer.poll(POLL));
    }
    Error::Unreachable {
        bootstrap: settings.bootstrap().to_owned(),
        seconds: settings.patience().as_secs_f32(),
        detail: consumer.context().why(error),
    }
}

/// Kafka's partition numbers are never negative in a record.
fn number(partition: i32) -> u32 {
    u32::try_from(partition).unwrap_or(u32::MAX)
}

fn native(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// The headers that somebody looks at. Most records have none; then nothing is allocated.
#[derive(Default)]
struct Noted<'m> {
    control: Option<&'m [u8]>,
    content_type: Option<&'m [u8]>,
    attributes: Vec<(&'m str, &'m [u8])>,
}

impl<'m> Noted<'m> {
    fn of<H: Headers>(headers: Option<&'m H>) -> Self {
        let mut noted = Self::default();
        for header in headers.into_iter().flat_map(H::iter) {
            let value = header.value.unwrap_or_default();
            if let Some(name) = header.key.strip_prefix(CLOUDEVENTS) {
                // Kafka's headers may have no value: then the event lacks the attribute.
                let written = header.value.map(|value| (name, value));
                noted.attributes.extend(written);
            } else if header.key == HEADER_CONTROL {
                noted.control = Some(value);
            } else if header.key.eq_ignore_ascii_case(CONTENT_TYPE) {
                noted.content_type = Some(value);
            }
        }
        noted
    }
}

fn hand_over(
    run: &mut Vec<BorrowedMessage<'_>>,
    next: &mut BTreeMap<u32, i64>,
    handle: &mut dyn FnMut(Run<'_>),
) {
    let headers: Vec<Noted<'_>> = run.iter().map(|m| Noted::of(m.headers())).collect();
    let records = run.iter().zip(&headers);
    let records: Vec<Record<'_>> = records.map(|(m, headers)| record(m, headers)).collect();
    if let Some(last) = records.last() {
        next.insert(last.partition, last.offset + 1);
        handle(Run::Records(&records));
    }
    drop(records);
    drop(headers);
    run.clear();
}

fn record<'a>(message: &'a BorrowedMessage<'_>, headers: &'a Noted<'a>) -> Record<'a> {
    let (timestamp, timestamp_kind) = match message.timestamp() {
        Stamp::LogAppendTime(ms) => (ms, TimestampKind::LogAppend),
        Stamp::CreateTime(ms) => (ms, TimestampKind::Create),
        Stamp::NotAvailable => (0, TimestampKind::Create),
    };
    Record {
        partition: number(message.partition()),
        offset: message.offset(),
        timestamp: Timestamp(timestamp),
        timestamp_kind,
        key: message.key(),
        value: message.payload(),
        control: headers.control,
        content_type: headers.content_type,
        attributes: &headers.attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::message::{Header, OwnedHeaders};

    #[test]
    fn a_header_without_value_is_an_attribute_that_the_event_lacks() {
        let header = |key, value| Header { key, value };
        let headers = OwnedHeaders::new()
            .insert(header("ce_id", Some("1")))
            .insert(header("ce_subject", None))
            .insert(header("ce_source", Some("")))
            .insert(header("Content-Type", Some("application/json")))
            .insert(header("other", Some("x")));
        let noted = Noted::of(Some(&headers));
        let expected = [("id", b"1".as_slice()), ("source", b"".as_slice())];
        assert_eq!(noted.attributes, expected);
        assert_eq!(noted.content_type, Some(b"application/json".as_slice()));
        assert_eq!(noted.control, None);
    }
}
