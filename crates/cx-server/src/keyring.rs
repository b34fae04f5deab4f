//! In: control records. Kept: the keys they are signed with. Out: [`Control`], or why it is not one.
//! Never knows: who asks for them, or what an engine does with them.

use cx_model::control::{Act, Control};
use cx_model::record::{Record, TimestampKind};
use cx_model::reject::{Reason, Rejected};
use cx_model::time::Timestamp;
use cx_model::vocabulary::{CONTROL_ACTIVATION, CONTROL_ACTIVE, CONTROL_CLOCK, CONTROL_GAP};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with a header of another form.
const FORM: &str = "header cx-control is not `counter;key id;hex HMAC`";

/// The keys by id that control records are signed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keyring(BTreeMap<String, Vec<u8>>);

/// A control record's key id that nobody here knows: the partition must stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownKey {
    /// Offset of the record.
    pub(crate) offset: i64,
    /// Id of the missing key.
    pub(crate) key_id: String,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, key_id } = self;
        write!(
            f,
            "control record at offset {offset} is signed with key {key_id:?}, which is not among the configured keys; add that key, the partition cannot go on without it"
        )
    }
}

impl std::error::Error for UnknownKey {}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    specversion: &'a str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Serialize, Deserialize)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<i64>,
}

/// A control record ready to be produced.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// Record value: a structured CloudEvent.
    pub(crate) value: Vec<u8>,
    /// Value of header `cx-control`: `counter;key id;hex HMAC`.
    pub(crate) header: String,
    /// The timestamp it was signed for.
    pub(crate) timestamp: Timestamp,
}

impl Keyring {
    /// A ring with one more key (at least 16 bytes, from a secret file).
    #[must_use]
    pub(crate) fn with(mut self, id: impl Into<String>, key: impl Into<Vec<u8>>) -> Self {
        self.0.insert(id.into(), key.into());
        self
    }

    /// Writes and signs a control record; `None` when the ring lacks the key.
    #[must_use]
    pub(crate) fn sign(
        &self,
        key_id: &str,
        place: (&str, u32, TimestampKind),
        control: &Control,
        timestamp: Timestamp,
    ) -> Option<Signed> {
        let (topic, partition, kind) = place;
        let data = match &control.act {
            Act::Clock => Data::default(),
            Act::Activate {
                number,
                hash,
                effective_from,
            } => Data {
                number: Some(*number),
                hash: Some(hash.clone()),
                effective_from: (*number > 1).then(|| effective_from.to_rfc3339()),
                ..Data::default()
            },
            Act::Restate(number, hash) => Data {
                number: Some(*number),
                hash: Some(hash.clone()),
                ..Data::default()
            },
            Act::Acknowledge { through } => Data {
                through: Some(*through),
                ..Data::default()
            },
        };
        let envelope = Envelope {
            specversion: "1.0",
            id: format!("{topic}:{partition}:{}", control.counter),
            source: "watchfloor",
            kind: kind_of(&control.act),
            time: timestamp.to_rfc3339(),
            data,
        };
        let value = serde_json::to_vec(&envelope).expect("a control record is plain JSON");
        let text = Signable {
            topic,
            partition,
            counter: control.counter,
            key_id,
            kind,
            timestamp,
        };
        let mac = self.mac(&text, &value)?;
        let header = format!(
            "{};{key_id};{}",
            control.counter,
            hex(&mac.finalize().into_bytes())
        );
        Some(Signed {
            value,
            header,
            timestamp,
        })
    }

    /// Reads a control record. `Ok(Err(_))`: dead-letter it.
    ///
    /// # Errors
    /// [`UnknownKey`]: the partition must stop.
    pub(crate) fn read(
        &self,
        topic: &str,
        record: &Record<'_>,
    ) -> Result<Result<Control, Rejected>, UnknownKey> {
        let header = record.control.unwrap_or_default();
        let Some((counter, key_id, mac)) = parse_header(header) else {
            return Ok(Err(forged(FORM)));
        };
        if !self.0.contains_key(key_id) {
            return Err(UnknownKey {
                offset: record.offset,
                key_id: key_id.to_owned(),
            });
        }
        let value = record.value.unwrap_or_default();
        let text = Signable {
            topic,
            partition: record.partition,
            counter,
            key_id,
            kind: record.timestamp_kind,
            timestamp: record.timestamp,
        };
        let right = self
            .mac(&text, value)
            .is_some_and(|m| m.verify_slice(&mac).is_ok());
        if !right {
            return Ok(Err(forged(
                "the signature does not fit topic, partition, counter and value",
            )));
        }
        Ok(act_of(value).map(|act| Control { counter, act }))
    }

    /// Reads a control record as if its signature were right: for who has no keys.
    ///
    /// # Errors
    /// It is none, whoever signed it.
    pub(crate) fn on_trust(record: &Record<'_>) -> Result<Control, Rejected> {
        let header = std::str::from_utf8(record.control.unwrap_or_default());
        let mut parts = header.unwrap_or_default().split(';');
        let counter = parts.next().and_then(|counter| counter.parse().ok());
        let (Some(counter), 2) = (counter, parts.count()) else {
            return Err(forged(FORM));
        };
        act_of(record.value.unwrap_or_default()).map(|act| Control { counter, act })
    }

    fn mac(&self, text: &Signable<'_>, value: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.get(text.key_id)?).ok()?;
        mac.update(
            format!(
                "{}\n{}\n{}\n{}\n",
                text.topic, text.partition, text.counter, text.key_id
            )
            .as_bytes(),
        );
        if text.kind == TimestampKind::Create {
            mac.update(format!("{}\n", text.timestamp.0).as_bytes());
        }
        mac.update(value);
        Some(mac)
    }
}

fn kind_of(act: &Act) -> &'static str {
    match act {
        Act::Clock => CONTROL_CLOCK,
        Act::Activate { .. } => CONTROL_ACTIVATION,
        Act::Restate(..) => CONTROL_ACTIVE,
        Act::Acknowledge { .. } => CONTROL_GAP,
    }
}

struct Signable<'a> {
    topic: &'a str,
    partition: u32,
    counter: u64,
    key_id: &'a str,
    kind: TimestampKind,
    timestamp: Timestamp,
}

fn forged(detail: &str) -> Rejected {
    Rejected::new(Reason::ControlForged, "header cx-control", detail)
}

fn parse_header(header: &[u8]) -> Option<(u64, &str, Vec<u8>)> {
    let mut parts = std::str::from_utf8(header).ok()?.split(';');
    let (counter, key_id, mac) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || mac.len() != 64 || !mac.is_ascii() {
        return None;
    }
    let bytes = (0..32).map(|i| u8::from_str_radix(&mac[2 * i..2 * i + 2], 16));
    Some((
        counter.parse().ok()?,
        key_id,
        bytes.collect::<Result<_, _>>().ok()?,
    ))
}

fn act_of(value: &[u8]) -> Result<Act, Rejected> {
    let invalid = |detail: String| Rejected::new(Reason::ControlInvalid, "value", detail);
    let envelope: Envelope<'_> =
        serde_json::from_slice(value).map_err(|e| invalid(format!("not a control event: {e}")))?;
    let needs = |what: &str| Err(invalid(format!("{} needs {what}", envelope.kind)));
    let Data {
        number,
        hash,
        effective_from,
        through,
    } = envelope.data;
    match envelope.kind {
        CONTROL_CLOCK => Ok(Act::Clock),
        CONTROL_ACTIVATION => {
            let from = effective_from.as_deref().map(Timestamp::parse_rfc3339);
            match (number, hash, from) {
                (Some(number), Some(hash), Some(Ok(effective_from))) => Ok(Act::Activate {
                    number,
                    hash,
                    effective_from,
                }),
                // It holds for every event time.
                (Some(1), Some(hash), None) => Ok(Act::Activate {
                    number: 1,
                    hash,
                    effective_from: Timestamp(0),
                }),
                _ => {
                    needs("data.number, data.hash and, after set 1, data.effective_from as a time")
                }
            }
        }
        CONTROL_ACTIVE => match (number, hash) {
            (Some(number), Some(hash)) => Ok(Act::Restate(number, hash)),
            _ => needs("data.number and data.hash"),
        },
        CONTROL_GAP => match through {
            Some(through) => Ok(Act::Acknowledge { through }),
            None => needs("data.through"),
        },
        other => Err(invalid(format!("unknown control type {other:?}"))),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
            write!(text, "{b:02x}").expect("writing to a string cannot fail");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(signed: &Signed) -> Record<'_> {
        Record {
            partition: 3,
            offset: 7,
            timestamp: signed.timestamp,
            timestamp_kind: TimestampKind::Create,
            key: None,
            value: Some(&signed.value),
            content_type: None,
            attributes: &[],
            control: Some(signed.header.as_bytes()),
        }
    }

    #[test]
    fn reads_back_what_it_signed_and_refuses_every_change() {
        let ring = Keyring::default().with("k1", *b"0123456789abcdef");
        let control = Control {
            counter: 4,
            act: Act::Activate {
                number: 2,
                hash: "ab".into(),
                effective_from: Timestamp(400_000),
            },
        };
        let place = ("t", 3, TimestampKind::Create);
        let signed = ring
            .sign("k1", place, &control, Timestamp(5_000))
            .expect("k1 is known");
        let good = record(&signed);
        assert_eq!(Keyring::on_trust(&good), Ok(control.clone()));
        assert_eq!(ring.read("t", &good), Ok(Ok(control)));

        let other = signed.header.replacen("4;", "5;", 1);
        let later = Timestamp(5_001);
        let value = Some(b"{}".as_slice());
        let control = |header| Some(str::as_bytes(header));
        let changed = [
            ("u", good),
            (
                "t",
                Record {
                    partition: 2,
                    ..good
                },
            ),
            (
                "t",
                Record {
                    timestamp: later,
                    ..good
                },
            ),
            ("t", Record { value, ..good }),
            (
                "t",
                Record {
                    control: control("x"),
                    ..good
                },
            ),
            (
                "t",
                Record {
                    control: control(&other),
                    ..good
                },
            ),
        ];
        for (topic, record) in changed {
            let refused = ring.read(topic, &record).expect("known key");
            let reason = refused.expect_err("changed").reason;
            assert_eq!(reason, Reason::ControlForged, "{topic} {record:?}");
        }
        let stranger = signed.header.replace(";k1;", ";k2;");
        let foreign = Record {
            control: control(&stranger),
            ..good
        };
        assert!(ring.read("t", &foreign).is_err());
    }
}
