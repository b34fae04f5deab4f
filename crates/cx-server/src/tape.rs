//! In: records of the embedded broker, as the engines hear them. Kept: all of them, packed, up to a
//! bound. Out: them, as a log that can be counted again. Never knows: what they say.
//!
//! The embedded broker keeps a few megabytes of a partition; a proof from the first record on needs the
//! rest too.

use crate::recount::log::{Head, Log, Take};
use cx_model::record::{Record, TimestampKind};
use cx_model::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// Packed bytes that are kept of one partition; of more, the oldest go.
const MOST: usize = 16 * 1024 * 1024;
/// Plain bytes that are packed at once.
const BLOCK: usize = 256 * 1024;
/// Fast, and small enough.
const LEVEL: i32 = 1;

/// A record on the tape.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    offset: i64,
    timestamp: i64,
    by_writer: bool,
    #[serde(borrow)]
    key: Option<Bytes<'a>>,
    #[serde(borrow)]
    value: Option<Bytes<'a>>,
    #[serde(borrow)]
    control: Option<Bytes<'a>>,
    #[serde(borrow)]
    content_type: Option<Bytes<'a>>,
    #[serde(borrow)]
    attributes: Vec<(&'a str, Bytes<'a>)>,
}

/// Written at once: serde would write a slice byte by byte.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

/// Some records of one partition, one after the other.
#[derive(Clone)]
struct Packed {
    first: i64,
    records: u64,
    bytes: Arc<[u8]>,
}

/// What is kept of one partition.
#[derive(Default)]
struct Reel {
    packed: VecDeque<Packed>,
    size: usize,
    /// Not packed yet: first offset, number, lines.
    open: Option<(i64, u64)>,
    lines: Vec<u8>,
}

/// The tape of one house.
pub(crate) struct Tape {
    topic: String,
    most: usize,
    reels: Vec<Mutex<Reel>>,
}

impl Tape {
    pub(crate) fn new(topic: &str, partitions: u32) -> Self {
        Self::bounded(topic, partitions, MOST)
    }

    fn bounded(topic: &str, partitions: u32, most: usize) -> Self {
        Self {
            topic: topic.to_owned(),
            most,
            reels: (0..partitions).map(|_| Mutex::default()).collect(),
        }
    }

    /// Notes a record, the next one of its partition.
    ///
    /// # Errors
    /// A packer without memory.
    pub(crate) fn note(&self, record: &Record<'_>) -> anyhow::Result<()> {
        let mut reel = self.reel(record.partition);
        let (first, records) = reel.open.unwrap_or((record.offset, 0));
        reel.open = Some((first, records + 1));
        let line = Line {
            offset: record.offset,
            timestamp: record.timestamp.0,
            by_writer: record.timestamp_kind == TimestampKind::Create,
            key: record.key.map(Bytes),
            value: record.value.map(Bytes),
            control: record.control.map(Bytes),
            content_type: record.content_type.map(Bytes),
            attributes: record
                .attributes
                .iter()
                .map(|(n, v)| (*n, Bytes(v)))
                .collect(),
        };
        reel.lines = postcard::to_extend(&line, std::mem::take(&mut reel.lines))?;
        if reel.lines.len() >= BLOCK {
            reel.pack(self.most)?;
        }
        Ok(())
    }

    /// All that is on it now.
    pub(crate) fn log(&self) -> Played {
        let (mut lows, mut reels, mut length) = (Vec::new(), Vec::new(), 0);
        for partition in 0..self.reels.len() {
            let reel = self.reel(u32::try_from(partition).unwrap_or(u32::MAX));
            let open = reel.open.map(|(first, _)| first);
            let first = reel.packed.front().map(|p| p.first).or(open);
            lows.push(first.unwrap_or(0));
            length += reel.packed.iter().map(|p| p.records).sum::<u64>();
            length += reel.open.map_or(0, |(_, records)| records);
            reels.push((reel.packed.clone(), reel.lines.clone()));
        }
        let head = Head {
            topic: self.topic.clone(),
            partitions: u32::try_from(self.reels.len()).unwrap_or(u32::MAX),
            lows,
            gaps_are_losses: true,
            definitions: Vec::new(),
            length: Some(length),
        };
        Played { head, reels }
    }

    fn reel(&self, partition: u32) -> MutexGuard<'_, Reel> {
        let reel = &self.reels[partition as usize];
        reel.lock().expect("no holder panics")
    }
}

impl Reel {
    fn pack(&mut self, most: usize) -> anyhow::Result<()> {
        let Some((first, records)) = self.open.take() else {
            return Ok(());
        };
        let bytes: Arc<[u8]> = zstd::bulk::compress(&self.lines, LEVEL)?.into();
        self.lines.clear();
        self.size += bytes.len();
        self.packed.push_back(Packed {
            first,
            records,
            bytes,
        });
        while self.size > most && self.packed.len() > 1 {
            let gone = self.packed.pop_front();
            self.size -= gone.map_or(0, |p| p.bytes.len());
        }
        Ok(())
    }
}

/// A tape as it was at one moment.
pub(crate) struct Played {
    head: Head,
    reels: Vec<(VecDeque<Packed>, Vec<u8>)>,
}

impl Log for Played {
    fn head(&self) -> &Head {
        &self.head
    }

    fn read(&mut self, until: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()> {
        for (partition, (packed, open)) in self.reels.iter().enumerate() {
            let until = until.and_then(|u| u.get(partition)).copied();
            let number = u32::try_from(partition)?;
            let mut done = false;
            for block in packed {
                if !done {
                    let lines = zstd::stream::decode_all(&block.bytes[..])?;
                    done = play(number, &lines, until, &mut *take)?;
                }
            }
            if !done {
                play(number, open, until, &mut *take)?;
            }
        }
        Ok(())
    }
}

/// Hands over some lines; whether the last record that is wanted was among them.
fn play(
    partition: u32,
    mut lines: &[u8],
    until: Option<i64>,
    take: Take<'_>,
) -> anyhow::Result<bool> {
    while !lines.is_empty() {
        let (line, rest): (Line<'_>, _) = postcard::take_from_bytes(lines)?;
        lines = rest;
        let attributes = line.attributes.iter().map(|(name, v)| (*name, v.0));
        let attributes: Vec<(&str, &[u8])> = attributes.collect();
        take(&Record {
            partition,
            offset: line.offset,
            timestamp: Timestamp(line.timestamp),
            timestamp_kind: if line.by_writer {
                TimestampKind::Create
            } else {
                TimestampKind::LogAppend
            },
            key: line.key.map(|b| b.0),
            value: line.value.map(|b| b.0),
            control: line.control.map(|b| b.0),
            content_type: line.content_type.map(|b| b.0),
            attributes: &attributes,
        })?;
        if until.is_some_and(|until| line.offset >= until) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: u32, offset: i64, value: &[u8]) -> Record<'_> {
        Record {
            partition,
            offset,
            timestamp: Timestamp(offset * 10),
            timestamp_kind: TimestampKind::Create,
            key: None,
            value: Some(value),
            control: (offset % 2 == 0).then_some(b"1;k;00"),
            content_type: None,
            attributes: &[("id", b"7")],
        }
    }

    fn offsets(log: &mut Played, until: Option<&[i64]>) -> Vec<(u32, i64)> {
        let mut seen = Vec::new();
        let read = log.read(until, &mut |r| {
            let even = r.offset % 2 == 0;
            assert_eq!(r.control.is_some(), even);
            assert_eq!(r.attributes, [("id", b"7".as_slice())]);
            assert_eq!(r.timestamp, Timestamp(r.offset * 10));
            seen.push((r.partition, r.offset));
            Ok(())
        });
        read.expect("played");
        seen
    }

    #[test]
    fn what_was_heard_is_played_again_up_to_the_record_that_is_wanted() {
        let tape = Tape::new("t", 2);
        let long = vec![b'x'; BLOCK / 3];
        for offset in 0..10 {
            tape.note(&record(0, offset, &long)).expect("noted");
        }
        tape.note(&record(1, 4, b"v")).expect("noted");
        let mut log = tape.log();
        assert_eq!(
            (log.head().lows.clone(), log.head().length),
            (vec![0, 4], Some(11))
        );
        let all: Vec<(u32, i64)> = (0..10).map(|o| (0, o)).chain([(1, 4)]).collect();
        assert_eq!(offsets(&mut log, None), all);
        assert_eq!(
            offsets(&mut log, Some(&[3, 9])),
            [&all[..4], &all[10..]].concat()
        );
        tape.note(&record(1, 5, b"v")).expect("noted");
        assert_eq!(log.head().length, Some(11), "what came later is not on it");
    }

    #[test]
    fn a_full_tape_lets_its_oldest_records_go_and_says_where_it_begins() {
        let tape = Tape::bounded("t", 1, 100);
        // Random enough not to be packed to nothing.
        let noise: Vec<u8> = (0..BLOCK).map(|i| (i * i / 7).to_le_bytes()[0]).collect();
        for offset in 0..4 {
            tape.note(&record(0, offset, &noise)).expect("noted");
        }
        let mut log = tape.log();
        let low = log.head().lows[0];
        assert!(low > 0, "{low}");
        assert_eq!(offsets(&mut log, None).first(), Some(&(0, low)));
    }
}
