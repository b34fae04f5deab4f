//! The ear and the producer against the embedded broker.

mod ear;
mod producer;

use cx_kafka::{ClientSettings, Ear, Embedded, Error, Heard, Producer};
use cx_model::record::TimestampKind;
use std::time::Duration;

/// A record as a test compares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    partition: u32,
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    control: Option<Vec<u8>>,
}

/// A broker with topic `t`, and what is needed to reach it.
fn broker(partitions: u32) -> (Embedded, ClientSettings, Producer) {
    let broker = Embedded::start(&[("t", partitions)]).expect("the embedded broker starts");
    let settings = ClientSettings::embedded(broker.bootstrap());
    let producer = Producer::open(&settings).expect("the producer opens");
    (broker, settings, producer)
}

/// Sends a value to a partition at a time and waits until it is in the log.
fn put(producer: &Producer, partition: u32, value: &[u8], timestamp: i64) {
    let sent = producer.send("t", Some(partition), None, value, &[], Some(timestamp));
    sent.expect("room in the queue");
    producer.flush(Duration::from_secs(10)).expect("delivered");
}

/// Partition and offset of each end of log that was heard.
type Ends = Vec<(u32, i64)>;

/// Reads until `ends` ends of log were heard; 20 s at most.
fn read(ear: &mut Ear, ends: usize) -> Result<(Vec<Seen>, Ends), Error> {
    let (mut seen, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        if ended.len() >= ends {
            break;
        }
        ear.poll(Duration::from_millis(50), &mut |heard| match heard {
            Heard::Record(r) => {
                assert_eq!(r.timestamp_kind, TimestampKind::Create);
                seen.push(Seen {
                    partition: r.partition,
                    offset: r.offset,
                    timestamp: r.timestamp.0,
                    key: r.key.map(<[u8]>::to_vec),
                    value: r.value.unwrap_or_default().to_vec(),
                    control: r.control.map(<[u8]>::to_vec),
                });
            }
            Heard::End { partition, offset } => ended.push((partition, offset)),
        })?;
    }
    Ok((seen, ended))
}

/// Bytes that no compression makes smaller.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(step).collect()
}
