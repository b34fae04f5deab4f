//! In: a JSON reader. Kept: borrowed text. Out: the envelope of one event with its slots.
//! Never knows: limits of meaning; only form, depth and length.

use crate::attribute::{Kind, SlotTable};
use crate::event::Slot;
use crate::limits::Limits;
use crate::reject::{Reason, Rejected};
use crate::time::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

const TOO_DEEP: &str = "nested too deep";

/// What the envelope held; `refused` is the first fault that JSON itself does not see.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) specversion: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) subject: Option<Cow<'a, str>>,
    pub(super) time: Option<Timestamp>,
    pub(super) sequence: Option<Cow<'a, str>>,
    pub(super) data: Vec<Slot<'a>>,
    pub(super) refused: Option<Rejected>,
}

/// Turns a JSON fault into a rejection with line and column.
pub(super) fn rejected(error: &serde_json::Error) -> Rejected {
    let place = format!("line {} column {}", error.line(), error.column());
    let text = error.to_string();
    if text.contains(TOO_DEEP) || text.contains("recursion limit") {
        return Rejected::new(
            Reason::TooDeep,
            place,
            "objects and arrays are nested too deep: flatten the event",
        );
    }
    Rejected::new(
        Reason::InvalidJson,
        place,
        format!("not a JSON object of the CloudEvents format: {text}"),
    )
}

/// Reads one envelope into its place: it is large, and every return would copy it.
pub(super) struct Seed<'s, 'de> {
    pub(super) slots: &'s SlotTable,
    pub(super) limits: &'s Limits,
    pub(super) into: &'s mut Envelope<'de>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent (a JSON object)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let out = self.into;
        let mut data_seen = false;
        while let Some(Text(name)) = map.next_key_seed(TextSeed)? {
            if name == "data" {
                if std::mem::replace(&mut data_seen, true) {
                    return Err(A::Error::custom("key \"data\" stands twice"));
                }
                map.next_value_seed(DataSeed {
                    slots: self.slots,
                    limits: self.limits,
                    into: &mut out.data,
                })?;
                continue;
            }
            let value = map.next_value_seed(ValueSeed {
                depth: 1,
                limits: self.limits,
            })?;
            out.attribute(&name, value)?;
        }
        Ok(())
    }
}

impl<'de> Envelope<'de> {
    pub(super) fn new(slots: &SlotTable) -> Self {
        let mut data = Vec::with_capacity(slots.len());
        data.resize_with(slots.len(), Slot::default);
        Self {
            data,
            ..Self::default()
        }
    }

    /// Takes one attribute; an error is one that stands twice.
    pub(super) fn attribute<E: serde::de::Error>(
        &mut self,
        name: &str,
        value: Value<'de>,
    ) -> Result<(), E> {
        if matches!(value, Value::Null) {
            return Ok(());
        }
        let place = match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.kind,
            "subject" => &mut self.subject,
            "sequence" => &mut self.sequence,
            "time" => return self.time(&value),
            _ => {
                self.extension(name, &value);
                return Ok(());
            }
        };
        if place.is_some() {
            return Err(E::custom(format!("key {name:?} stands twice")));
        }
        if let Value::Text(text) = value {
            *place = Some(text);
        } else {
            let detail = format!("{name} must be a JSON string, in quotes");
            refuse(&mut self.refused, name, detail);
        }
        Ok(())
    }

    fn time<E: serde::de::Error>(&mut self, value: &Value<'_>) -> Result<(), E> {
        if self.time.is_some() {
            return Err(E::custom("key \"time\" stands twice"));
        }
        match instant("time", value) {
            Ok(time) => self.time = Some(time),
            Err(detail) => refuse(&mut self.refused, "time", detail),
        }
        Ok(())
    }

    /// Extension names are lower-case letters and digits, values are no objects or arrays.
    fn extension(&mut self, name: &str, value: &Value<'_>) {
        let named = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let base64 = name == "data_base64" && matches!(value, Value::Text(_));
        if !named && !base64 {
            let detail = format!(
                "attribute names have lower-case letters and digits only, not {name:?}; put other fields into data"
            );
            refuse(&mut self.refused, name, detail);
        } else if matches!(value, Value::Nested) {
            let detail = format!("{name} is an object or array; put it into data");
            refuse(&mut self.refused, name, detail);
        } else if matches!(name, "recordedtime" | "expirytime")
            && let Err(detail) = instant(name, value)
        {
            refuse(&mut self.refused, name, detail);
        }
    }
}

/// The instant that an attribute names; CloudEvents writes every instant as a JSON string.
fn instant(name: &str, value: &Value<'_>) -> Result<Timestamp, String> {
    let Value::Text(text) = value else {
        return Err(format!(
            "{name} must be a JSON string such as \"2026-11-24T14:02:11.250Z\""
        ));
    };
    Timestamp::parse_rfc3339(text).map_err(|why| format!("{name} is {text:?}: {why}"))
}

fn refuse(slot: &mut Option<Rejected>, place: &str, detail: String) {
    if slot.is_none() {
        let place: String = place.chars().take(64).collect();
        *slot = Some(Rejected::new(Reason::InvalidAttribute, place, detail));
    }
}

/// Reads `data` into its slots.
pub(super) struct DataSeed<'s, 'de> {
    pub(super) slots: &'s SlotTable,
    pub(super) limits: &'s Limits,
    pub(super) into: &'s mut [Slot<'de>],
}

impl<'de> DeserializeSeed<'de> for DataSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = 0_u64;
        while let Some(Text(name)) = map.next_key_seed(TextSeed)? {
            let value = map.next_value_seed(ValueSeed {
                depth: 2,
                limits: self.limits,
            })?;
            let Some(slot) = self.slots.slot(&name) else {
                continue;
            };
            if seen & (1 << slot) != 0 {
                return Err(A::Error::custom(format!(
                    "key {name:?} stands twice in data"
                )));
            }
            seen |= 1 << slot;
            self.into[slot] = typed(value, self.slots.kind(slot), self.limits);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq
            .next_element_seed(ValueSeed {
                depth: 2,
                limits: self.limits,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn typed<'a>(value: Value<'a>, kind: Option<Kind>, limits: &Limits) -> Slot<'a> {
    match (value, kind) {
        (Value::Null, _) => Slot::Missing,
        (Value::Bool(b), Some(Kind::Bool)) => Slot::Bool(b),
        (Value::Int(i), Some(Kind::Int | Kind::Double)) => Slot::Int(i),
        (Value::Double(d), Some(Kind::Double)) => Slot::Double(d),
        (Value::Text(t), Some(Kind::Text)) if t.len() <= limits.text_bytes => Slot::Text(t),
        (Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_) | Value::Nested, _) => {
            Slot::Mistyped
        }
    }
}

/// A JSON value; objects and arrays are only checked.
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Nested,
}

struct ValueSeed<'s> {
    depth: usize,
    limits: &'s Limits,
}

impl ValueSeed<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Self {
            depth: self.depth + 1,
            limits: self.limits,
        })
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, i: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(i))
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 64-bit integers JSON numbers are doubles"
    )]
    fn visit_u64<E>(self, u: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(u).map_or(Value::Double(u as f64), Value::Int))
    }
    fn visit_f64<E>(self, d: f64) -> Result<Self::Value, E> {
        Ok(Value::Double(d))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_key_seed(TextSeed)?.is_some() {
            map.next_value_seed(self.deeper()?)?;
        }
        Ok(Value::Nested)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(Value::Nested)
    }
}

struct Text<'a>(Cow<'a, str>);
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}
