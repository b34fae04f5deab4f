//! In: a file with one record a line, as the recount in Python writes and reads it too. Kept: its head.
//! Out: its records, as a log; such files. Never knows: what records say.

use super::log::{Head, Log, Take};
use anyhow::{Context as _, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cx_model::record::{Record, TimestampKind};
use cx_model::time::Timestamp;
use cx_model::vocabulary::{HEADER_CONTROL, TOPIC_INTERACTIONS};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

const CLOUDEVENTS: &str = "ce_";
const CONTENT_TYPE: &str = "content-type";

/// The first line, where it says of the log what no record can.
#[derive(Deserialize, Serialize, Default)]
struct First {
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    partitions: Option<u32>,
    #[serde(default)]
    lows: Option<Vec<i64>>,
    #[serde(default)]
    gaps_are_losses: bool,
    #[serde(default)]
    definitions: Vec<Value>,
}

/// Any other line.
#[derive(Deserialize, Serialize)]
struct Line {
    partition: u32,
    offset: i64,
    timestamp: i64,
    timestamp_kind: Kind,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    headers: Option<Vec<(String, Option<String>)>>,
}

#[derive(Deserialize, Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Create,
    LogAppend,
}

/// A file of records.
pub(crate) struct Dump {
    path: PathBuf,
    head: Head,
    /// The first line is no record.
    headed: bool,
}

impl Dump {
    /// Reads its first line. Where that does not say how many partitions the topic has, `partitions`
    /// must: the number is never guessed.
    ///
    /// # Errors
    /// A file that cannot be read or is no such file.
    pub(crate) fn open(path: &Path, partitions: Option<u32>) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let mut line = String::new();
        BufReader::new(file)
            .read_line(&mut line)
            .with_context(|| format!("cannot read {shown}"))?;
        let value: Value = serde_json::from_str(&line).with_context(|| {
            format!("{shown}, line 1: no JSON; a log is one record a line, see load-tests/recount")
        })?;
        let headed = value.get("offset").is_none();
        let first: First = if headed {
            serde_json::from_value(value).with_context(|| format!("{shown}, line 1"))?
        } else {
            First::default()
        };
        let partitions = partitions.or(first.partitions).with_context(|| {
            format!("{shown} does not say how many partitions the topic has: give --partitions")
        })?;
        let lows = first.lows.unwrap_or_else(|| vec![0; partitions as usize]);
        ensure!(
            partitions > 0 && lows.len() == partitions as usize,
            "{shown}: lows has {} entries for {partitions} partitions",
            lows.len()
        );
        let head = Head {
            topic: first.topic.unwrap_or_else(|| TOPIC_INTERACTIONS.to_owned()),
            partitions,
            lows,
            gaps_are_losses: first.gaps_are_losses,
            definitions: first.definitions,
            length: None,
        };
        Ok(Self {
            path: path.to_owned(),
            head,
            headed,
        })
    }
}

impl Log for Dump {
    fn head(&self) -> &Head {
        &self.head
    }

    fn read(&mut self, until: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()> {
        let shown = self.path.display();
        let lines = BufReader::with_capacity(1 << 20, File::open(&self.path)?).lines();
        let mut next = self.head.lows.clone();
        let mut ended = BTreeSet::new();
        for (number, line) in (1..).zip(lines).skip(usize::from(self.headed)) {
            let place = || format!("{shown}, line {number}");
            let line: Line = serde_json::from_str(&line?).with_context(place)?;
            let expected = next.get_mut(line.partition as usize).ok_or_else(|| {
                let all = self.head.partitions;
                anyhow!("{}: partition {} of {all}", place(), line.partition)
            })?;
            ensure!(
                line.offset >= *expected,
                "{}: offset {} stands after {}; sort the log by offset",
                place(),
                line.offset,
                *expected - 1
            );
            *expected = line.offset + 1;
            let until = until.and_then(|u| u.get(line.partition as usize));
            if until.is_some_and(|until| line.offset >= *until) && !ended.insert(line.partition) {
                continue;
            }
            line.hand(&mut *take).with_context(place)?;
        }
        Ok(())
    }
}

impl Line {
    fn hand(&self, take: Take<'_>) -> anyhow::Result<()> {
        let (key, value) = (bytes(self.key.as_ref())?, bytes(self.value.as_ref())?);
        let mut headers = Vec::new();
        for (name, value) in self.headers.iter().flatten() {
            headers.push((name.as_str(), bytes(value.as_ref())?.unwrap_or_default()));
        }
        // As the ear hears them: of one name the last header counts.
        let last = |wanted: &str, same: fn(&str, &str) -> bool| {
            let found = headers.iter().rev().find(|(name, _)| same(name, wanted));
            found.map(|(_, value)| value.as_slice())
        };
        let attributes = headers
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(CLOUDEVENTS)?, value.as_slice())));
        let attributes: Vec<(&str, &[u8])> = attributes.collect();
        take(&Record {
            partition: self.partition,
            offset: self.offset,
            timestamp: Timestamp(self.timestamp),
            timestamp_kind: match self.timestamp_kind {
                Kind::Create => TimestampKind::Create,
                Kind::LogAppend => TimestampKind::LogAppend,
            },
            key: key.as_deref(),
            value: value.as_deref(),
            control: last(HEADER_CONTROL, |a, b| a == b),
            content_type: last(CONTENT_TYPE, str::eq_ignore_ascii_case),
            attributes: &attributes,
        })
    }
}

fn bytes(text: Option<&String>) -> anyhow::Result<Option<Vec<u8>>> {
    Ok(text.map(|text| STANDARD.decode(text)).transpose()?)
}

/// A dump that is being written.
pub(crate) struct Writer {
    out: BufWriter<File>,
    path: PathBuf,
}

impl Writer {
    /// Begins a file with what is known of the log.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn begin(path: &Path, head: &Head) -> anyhow::Result<Self> {
        let shown = || format!("cannot write {}", path.display());
        let mut writer = Self {
            out: BufWriter::new(File::create(path).with_context(shown)?),
            path: path.to_owned(),
        };
        writer.line(&First {
            topic: Some(head.topic.clone()),
            partitions: Some(head.partitions),
            lows: Some(head.lows.clone()),
            gaps_are_losses: head.gaps_are_losses,
            definitions: head.definitions.clone(),
        })?;
        Ok(writer)
    }

    /// Writes one record, with the headers that somebody looks at.
    ///
    /// # Errors
    /// A full disk.
    pub(crate) fn record(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let text = |bytes: &[u8]| STANDARD.encode(bytes);
        let one = |name: &str, value| (name.to_owned(), Some(text(value)));
        let control = record.control.map(|v| one(HEADER_CONTROL, v));
        let kind = record.content_type.map(|v| one(CONTENT_TYPE, v));
        let attributes = record.attributes.iter();
        let attributes = attributes.map(|(name, v)| one(&format!("{CLOUDEVENTS}{name}"), v));
        self.line(&Line {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp.0,
            timestamp_kind: match record.timestamp_kind {
                TimestampKind::Create => Kind::Create,
                TimestampKind::LogAppend => Kind::LogAppend,
            },
            key: record.key.map(text),
            value: record.value.map(text),
            headers: Some(control.into_iter().chain(kind).chain(attributes).collect()),
        })
    }

    /// Everything stands in the file.
    ///
    /// # Errors
    /// A full disk.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        let shown = || format!("cannot write {}", self.path.display());
        self.out.flush().with_context(shown)
    }

    fn line(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        let shown = || format!("cannot write {}", self.path.display());
        serde_json::to_writer(&mut self.out, line).with_context(shown)?;
        self.out.write_all(b"\n").with_context(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(path: &Path, until: Option<&[i64]>) -> Vec<(u32, i64, Option<Vec<u8>>)> {
        let mut seen = Vec::new();
        let mut dump = Dump::open(path, None).expect("a log");
        let read = dump.read(until, &mut |r| {
            seen.push((r.partition, r.offset, r.value.map(<[u8]>::to_vec)));
            Ok(())
        });
        read.expect("right");
        seen
    }

    fn record((partition, offset): (u32, i64), value: Option<&[u8]>) -> Record<'_> {
        Record {
            partition,
            offset,
            timestamp: Timestamp(5),
            timestamp_kind: TimestampKind::Create,
            key: Some(b"k"),
            value,
            control: Some(b"1;k;00"),
            content_type: Some(b"application/json"),
            attributes: &[("id", b"7")],
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_after_the_record_that_was_asked_for() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let head = Head {
            topic: "t".to_owned(),
            partitions: 2,
            lows: vec![3, 0],
            gaps_are_losses: true,
            definitions: vec![serde_json::json!({"set": 1, "hash": "ab"})],
            length: None,
        };
        let mut writer = Writer::begin(file.path(), &head).expect("written");
        let all = [(0, 3), (1, 0), (0, 5), (0, 6)];
        for (partition, offset) in all {
            let value = (offset != 5).then_some(b"v".as_slice());
            let put = writer.record(&record((partition, offset), value));
            put.expect("written");
        }
        writer.end().expect("written");
        let found = Dump::open(file.path(), None).expect("a log").head;
        assert_eq!(found, head);
        let seen = records(file.path(), None);
        let places: Vec<(u32, i64)> = seen.iter().map(|(p, o, _)| (*p, *o)).collect();
        assert_eq!(places, all);
        assert_eq!(seen[2].2, None, "a tombstone");
        assert_eq!(records(file.path(), Some(&[4, 0])).len(), 3);
        let mut dump = Dump::open(file.path(), None).expect("a log");
        let read = dump.read(None, &mut |r| {
            let same = record((0, 0), None);
            assert_eq!((r.key, r.control), (same.key, same.control));
            assert_eq!(r.content_type, same.content_type);
            assert_eq!(r.attributes, same.attributes);
            Ok(())
        });
        read.expect("right");
    }

    #[test]
    fn a_file_that_is_no_log_is_named_with_the_line() {
        let check = |text: &str, partitions: Option<u32>, words: &str| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            let read = Dump::open(file.path(), partitions)
                .and_then(|mut dump| dump.read(None, &mut |_| Ok(())));
            let error = format!("{:#}", read.expect_err(words));
            assert!(error.contains(words), "{error}");
        };
        let line = |partition: u32, offset: i64, kind: &str| {
            format!(
                r#"{{"partition":{partition},"offset":{offset},"timestamp":1,"timestamp_kind":"{kind}"}}"#
            )
        };
        check("no log", None, "line 1: no JSON");
        check(&line(0, 0, "create"), None, "give --partitions");
        check(&line(1, 0, "create"), Some(1), "partition 1 of 1");
        check(&line(0, 0, "never"), Some(1), "line 1");
        let twice = format!("{}\n{}", line(0, 4, "create"), line(0, 4, "create"));
        check(&twice, Some(1), "line 2: offset 4 stands after 4");
    }
}
