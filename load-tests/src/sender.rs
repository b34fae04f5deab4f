//! In: a topic, a rate. Kept: a simulated company. Out: its events as they happen, and how many the house
//! takes at most. Never knows: what is measured.

use crate::clock;
use crate::house::{House, Installation};
use anyhow::{Result, ensure};
use cx_kafka::{ClientSettings, Producer};
use cx_model::ids::partition_of;
use cx_sim::{Company, Config, Faults};
use std::time::{Duration, Instant};

/// People of the company.
const CUSTOMERS: usize = 100_000;
/// More events per second than any machine takes.
const FASTEST: f64 = 1e6;
/// Records that may be on their way while the greatest rate is looked for.
const AHEAD: u64 = 20_000;
/// How often the house is asked how far it is.
const ASK: Duration = Duration::from_millis(100);
const FLUSH: Duration = Duration::from_secs(60);
/// How long the company collects events of a partition before it writes them. With 5 ms the broker got more than
/// 4,000 batches of five events a second, and spent half a core on that alone.
const LINGER_MS: &str = "25";

/// Writes what a company sends, as fast as it is told to. The company's own time goes slower than the clock, so
/// that nothing lies in the future; its events come up to a minute after their time.
pub(crate) struct Sender {
    producer: Producer,
    topic: String,
    partitions: u32,
    company: Company,
    sent: u64,
}

impl Sender {
    /// # Errors
    /// No producer.
    pub(crate) fn open(at: &Installation) -> Result<Self> {
        let settings = ClientSettings::broker(&at.bootstrap).with("linger.ms", LINGER_MS)?;
        Ok(Self {
            producer: Producer::open(&settings)?,
            topic: at.topic(),
            partitions: at.partitions,
            company: Company::new(Config {
                seed: 1,
                customers: CUSTOMERS,
                rate_per_s: FASTEST,
                start: clock::now(),
                incident_at: None,
                faults: Faults::calm(),
                diurnal: false,
            }),
            sent: 0,
        })
    }

    /// How many it has sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends as fast as the house takes it, for so long; events per second.
    ///
    /// # Errors
    /// A house that does not answer.
    pub(crate) fn greatest(&mut self, house: &House, long: Duration) -> Result<f64> {
        let begun = clock::instant();
        let mut asked: Option<Instant> = None;
        let (before, mut applied) = (house.applied()?, 0);
        while begun.elapsed() < long {
            if asked.is_none_or(|asked| asked.elapsed() >= ASK) {
                applied = house.applied()? - before;
                asked = Some(clock::instant());
            }
            if self.sent >= applied + AHEAD {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            for _ in 0..100 {
                self.send()?;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let rate = (house.applied()? - before) as f64 / begun.elapsed().as_secs_f64();
        Ok(rate)
    }

    /// Sends until so many were sent.
    ///
    /// # Errors
    /// A producer that takes nothing.
    pub(crate) fn up_to(&mut self, number: u64) -> Result<()> {
        while self.sent < number {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let next = self.company.next_emission();
        let partition = Some(partition_of(&next.key, self.partitions));
        let key = Some(next.key.as_bytes());
        let begun = clock::instant();
        while self
            .producer
            .send(&self.topic, partition, key, &next.value, &[], None)
            .is_err()
        {
            ensure!(begun.elapsed() < FLUSH, "the broker takes nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits until the broker has all.
    ///
    /// # Errors
    /// Records that were lost on their way.
    pub(crate) fn finish(&self) -> Result<()> {
        self.producer.flush(FLUSH)?;
        ensure!(
            self.producer.failed() == 0,
            "records were lost on their way"
        );
        Ok(())
    }
}
