//! In: a topic, a number of events. Kept: a simulated company while it writes. Out: its history in
//! the topic. Never knows: who reads it.

use crate::clock;
use anyhow::{Result, ensure};
use cx_kafka::{ClientSettings, Producer};
use cx_model::ids::partition_of;
use cx_model::time::HOUR;
use cx_sim::{Company, Config, Faults};
use std::time::Duration;

/// Mean events per second of log time: two million are two hours.
const RATE: i64 = 280;
/// The history begins at least so long before now, and ends well before anybody would take it for live
/// (and before Kafka would refuse its timestamps).
const AGO: i64 = 8 * HOUR;
/// How long the broker may take for what the producer still holds.
const FLUSH: Duration = Duration::from_secs(60);

/// Writes exactly so many records.
///
/// # Errors
/// A broker that does not take them.
pub(crate) fn fill(
    settings: &ClientSettings,
    topic: &str,
    partitions: u32,
    (events, customers): (u64, usize),
) -> Result<()> {
    let producer = Producer::open(settings)?;
    let hours = i64::try_from(events)? / (RATE * 3_600);
    let mut company = Company::new(Config {
        seed: 1,
        customers,
        rate_per_s: RATE as f64,
        start: clock::now().plus(-AGO.max((hours + 2) * HOUR)),
        incident_at: None,
        faults: Faults::calm(),
        diurnal: false,
    });
    for _ in 0..events {
        let next = company.next_emission();
        let partition = Some(partition_of(&next.key, partitions));
        let key = Some(next.key.as_bytes());
        let at = Some(next.at.0);
        while producer
            .send(topic, partition, key, &next.value, &[], at)
            .is_err()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    producer.flush(FLUSH)?;
    ensure!(
        producer.delivered() == events && producer.failed() == 0,
        "{} of {events} records were taken, {} lost",
        producer.delivered(),
        producer.failed()
    );
    Ok(())
}
