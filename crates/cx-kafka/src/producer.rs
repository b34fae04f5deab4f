//! In: bytes. Kept: one librdkafka producer with a bounded queue, two counters. Out: records in
//! topics. Never knows: what is in them.

use crate::logs::log;
use crate::{ClientSettings, Error};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// The queue is full: slow down and try again; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the producer's queue is full")]
pub struct Full;

/// Writes records; cheap to clone, for any thread. At most 20,000 records or 32 MiB wait in it.
#[derive(Clone)]
pub struct Producer {
    inner: ThreadedProducer<Reports>,
    counts: Arc<Counts>,
    settings: ClientSettings,
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    /// Of the first of them.
    why: OnceLock<String>,
    ages: Mutex<Ages>,
}

/// How many records of each age are on their way; a mark ends an age.
#[derive(Debug, Default)]
struct Ages {
    now: u64,
    on_their_way: BTreeMap<u64, u64>,
}

/// A moment of a producer: what was queued before it, and what after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// Where a record landed.
type Landed = Result<(u32, i64), KafkaError>;

/// Travels with a record through librdkafka.
struct Ticket {
    age: u64,
    /// `None` where nobody waits.
    waiter: Option<oneshot::Sender<Landed>>,
}

struct Reports(Arc<Counts>);

/// What is written, borrowed from the caller.
struct Outgoing<'a> {
    topic: &'a str,
    partition: Option<u32>,
    key: Option<&'a [u8]>,
    value: &'a [u8],
    headers: &'a [(&'a str, &'a [u8])],
    timestamp: Option<i64>,
}

impl Producer {
    /// Makes a producer for what somebody waits for: a record waits 5 ms for others. Connecting happens in
    /// the background.
    ///
    /// # Errors
    /// [`Error::Client`].
    pub fn open(settings: &ClientSettings) -> Result<Self, Error> {
        Self::with_linger(settings, "5")
    }

    /// Makes one for many records in many partitions: a record waits 25 ms for others, for whatever few
    /// there are wakes librdkafka up partition by partition.
    ///
    /// # Errors
    /// [`Error::Client`].
    pub fn open_patient(settings: &ClientSettings) -> Result<Self, Error> {
        Self::with_linger(settings, "25")
    }

    fn with_linger(settings: &ClientSettings, linger_ms: &str) -> Result<Self, Error> {
        let counts = Arc::new(Counts::default());
        let inner = settings
            .producer(linger_ms)
            .create_with_context(Reports(Arc::clone(&counts)))
            .map_err(|e| settings.refused(&e))?;
        Ok(Self {
            inner,
            counts,
            settings: settings.clone(),
        })
    }

    /// Queues a record; never blocks, retries are librdkafka's. Without a partition the key decides
    /// as in Java clients. `timestamp` is in ms since 1970; without one, or with 0, it is this machine's time.
    ///
    /// A record that can never be taken (no such partition, too large) counts in
    /// [`Producer::failed`] like one the broker refuses later, and is logged; it is not `Full`,
    /// which callers may repeat for ever.
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
        let record = Outgoing {
            topic,
            partition,
            key,
            value,
            headers,
            timestamp,
        };
        match self.queue(&record, None) {
            Ok(()) => Ok(()),
            Err(error) if is_full(&error) => Err(Full),
            Err(error) => {
                self.counts.lose(topic, &error);
                Ok(())
            }
        }
    }

    /// Writes a record and waits until the broker has it: its partition and offset.
    ///
    /// # Errors
    /// [`Error::NotDelivered`] at once where the queue is full or the record can never be taken;
    /// after the settings' patience where the broker is silent: then it may still land later.
    pub async fn send_acked(
        &self,
        topic: &str,
        partition: u32,
        key: Option<&[u8]>,
        value: &[u8],
        timestamp: Option<i64>,
    ) -> Result<(u32, i64), Error> {
        let (tell, told) = oneshot::channel();
        let record = Outgoing {
            topic,
            partition: Some(partition),
            key,
            value,
            headers: &[],
            timestamp,
        };
        if let Err(error) = self.queue(&record, Some(tell)) {
            if !is_full(&error) {
                self.counts.fail(topic, &error);
            }
            return Err(self.not_delivered(&error.to_string()));
        }
        let patience = self.settings.patience();
        match tokio::time::timeout(patience, told).await {
            Ok(Ok(Ok(landed))) => Ok(landed),
            Ok(Ok(Err(error))) => Err(self.not_delivered(&error.to_string())),
            Ok(Err(_)) => Err(self.not_delivered("the producer was closed")),
            Err(_) => Err(self.not_delivered(&format!(
                "no answer within {} s, it may still land",
                patience.as_secs_f32()
            ))),
        }
    }

    /// A mark between what was queued so far and what comes.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let mut ages = self.counts.ages();
        ages.now += 1;
        Mark(ages.now)
    }

    /// Whether everything that was queued before the mark was taken by the broker, or is lost for
    /// good and counted.
    #[must_use]
    pub fn handed_over(&self, mark: Mark) -> bool {
        let ages = self.counts.ages();
        ages.on_their_way.range(..mark.0).next().is_none()
    }

    /// Waits until everything queued was delivered, or the deadline.
    ///
    /// # Errors
    /// [`Error::NotDelivered`] with how many are left.
    pub fn flush(&self, deadline: Duration) -> Result<(), Error> {
        self.inner.flush(deadline).map_err(|error| {
            self.not_delivered(&format!("{} records are left: {error}", self.in_flight()))
        })
    }

    /// Records queued or on their way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.inner.in_flight_count()).unwrap_or_default()
    }

    /// Records the broker has taken since the start.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.counts.delivered.load(Ordering::Relaxed)
    }

    /// Records that will never be taken, since the start; each was logged.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.counts.failed.load(Ordering::Relaxed)
    }

    /// Those of them that [`Producer::send`] took, so that nobody else knows.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Why the first of these was not taken.
    #[must_use]
    pub fn lost_why(&self) -> Option<&str> {
        self.counts.why.get().map(String::as_str)
    }

    fn queue(
        &self,
        record: &Outgoing<'_>,
        waiter: Option<oneshot::Sender<Landed>>,
    ) -> Result<(), KafkaError> {
        let age = self.counts.depart();
        let sent = self
            .inner
            .send(record.native(Box::new(Ticket { age, waiter })));
        sent.map_err(|(error, _)| {
            self.counts.arrive(age);
            error
        })
    }

    fn not_delivered(&self, detail: &str) -> Error {
        Error::NotDelivered {
            bootstrap: self.settings.bootstrap().to_owned(),
            detail: detail.to_owned(),
        }
    }
}

impl Counts {
    fn ages(&self) -> MutexGuard<'_, Ages> {
        self.ages.lock().expect("no holder panics")
    }

    /// One more record is on its way; its age.
    fn depart(&self) -> u64 {
        let mut ages = self.ages();
        let now = ages.now;
        *ages.on_their_way.entry(now).or_default() += 1;
        now
    }

    fn arrive(&self, age: u64) {
        let mut ages = self.ages();
        if let Some(left) = ages.on_their_way.get_mut(&age) {
            *left -= 1;
            if *left == 0 {
                ages.on_their_way.remove(&age);
            }
        }
    }

    fn lose(&self, topic: &str, error: &KafkaError) {
        self.why.get_or_init(|| match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => Error::NoTopic {
                topic: topic.to_owned(),
            }
            .to_string(),
            _ => format!("{topic}: {error}"),
        });
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.fail(topic, error);
    }

    fn fail(&self, topic: &str, error: &KafkaError) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, topic, "a record was not delivered");
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down says less than why one is, and is said at every orderly end.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            return tracing::debug!(reason, "kafka producer");
        }
        tracing::warn!(%error, reason, "kafka producer");
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        self.0.arrive(ticket.age);
        let landed = match result {
            Ok(message) => {
                self.0.delivered.fetch_add(1, Ordering::Relaxed);
                let partition = u32::try_from(message.partition()).unwrap_or(u32::MAX);
                Ok((partition, message.offset()))
            }
            Err((error, message)) => {
                if ticket.waiter.is_some() {
                    self.0.fail(message.topic(), error);
                } else {
                    self.0.lose(message.topic(), error);
                }
                Err(error.clone())
            }
        };
        if let Some(tell) = ticket.waiter {
            // Whoever asked may have stopped waiting; the counters know.
            drop(tell.send(landed));
        }
    }
}

impl<'a> Outgoing<'a> {
    fn native(&self, ticket: Box<Ticket>) -> BaseRecord<'a, [u8], [u8], Box<Ticket>> {
        let mut record = BaseRecord::with_opaque_to(self.topic, ticket).payload(self.value);
        record.partition = self.partition.map(|p| i32::try_from(p).unwrap_or(i32::MAX));
        record.key = self.key;
        record.timestamp = self.timestamp;
        if !self.headers.is_empty() {
            let start = OwnedHeaders::new_with_capacity(self.headers.len());
            record.headers = Some(self.headers.iter().fold(start, |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(*value),
                })
            }));
        }
        record
    }
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}
