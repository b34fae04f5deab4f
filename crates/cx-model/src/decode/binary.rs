//! In: one record of a log. Kept: nothing. Out: [`Event`], or [`Rejected`] with place and fix.
//! Never knows: what an event means.
//!
//! CloudEvents Kafka protocol binding 1.0.2: a content type that begins with
//! `application/cloudevents` means structured mode; else attributes in `ce_` headers mean binary
//! mode. Without either the event is known by its content, a JSON object: many producers set no
//! headers at all.

use super::json::{DataSeed, Envelope, Value, rejected};
use super::{decode, finish, sized};
use crate::attribute::SlotTable;
use crate::event::Event;
use crate::limits::Limits;
use crate::record::Record;
use crate::reject::{Reason, Rejected};
use serde::de::DeserializeSeed as _;
use std::borrow::Cow;

const STRUCTURED: &[u8] = b"application/cloudevents";

/// Decodes the event of a record, whichever way it stands there.
///
/// # Errors
/// [`Rejected`] names the reason, the place and what to write.
pub fn of_record<'a>(
    record: &Record<'a>,
    slots: &SlotTable,
    limits: &Limits,
) -> Result<Event<'a>, Rejected> {
    let value = record.value.unwrap_or_default();
    let kind = record.content_type.unwrap_or_default();
    match begins(kind, STRUCTURED) {
        Some(format) if begins(format, b"+json").is_some() || unnamed(format) => {
            decode(value, slots, limits)
        }
        Some(format) => Err(unknown(format)),
        None if record.attributes.is_empty() => decode(value, slots, limits),
        None => binary(record, slots, limits),
    }
}

fn binary<'a>(
    record: &Record<'a>,
    slots: &SlotTable,
    limits: &Limits,
) -> Result<Event<'a>, Rejected> {
    let mut kind = record.content_type.unwrap_or_default();
    let mut envelope = Envelope::new(slots);
    for (name, bytes) in record.attributes {
        let bad = |detail: String| {
            Rejected::new(
                Reason::InvalidAttribute,
                format!("header ce_{name}"),
                detail,
            )
        };
        if matches!(*name, "data" | "data_base64") {
            return Err(bad("data is the record's value, no header".to_owned()));
        }
        // The JavaScript SDK writes the type of the data twice; content-type decides.
        if *name == "datacontenttype" {
            kind = record.content_type.unwrap_or(bytes);
            continue;
        }
        let text = std::str::from_utf8(bytes).map_err(|e| bad(format!("not UTF-8: {e}")))?;
        let value = Value::Text(Cow::Borrowed(text));
        let taken: Result<(), serde_json::Error> = envelope.attribute(name, value);
        taken.map_err(|e| bad(e.to_string()))?;
    }
    let data = record.value.unwrap_or_default();
    if !data.is_empty() {
        sized(data, limits)?;
        if is_json(kind) {
            let mut reader = serde_json::Deserializer::from_slice(data);
            let into = &mut envelope.data;
            let seed = DataSeed {
                slots,
                limits,
                into,
            };
            seed.deserialize(&mut reader)
                .and_then(|()| reader.end())
                .map_err(|e| rejected(&e))?;
        }
    }
    finish(envelope, limits)
}

/// What follows the beginning, whatever its case.
fn begins<'b>(text: &'b [u8], beginning: &[u8]) -> Option<&'b [u8]> {
    let (first, rest) = text.split_at_checked(beginning.len())?;
    first.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// No event format is named, only parameters follow.
fn unnamed(format: &[u8]) -> bool {
    format.trim_ascii_start().first().is_none_or(|b| *b == b';')
}

fn unknown(format: &[u8]) -> Rejected {
    let format = String::from_utf8_lossy(format).into_owned();
    let detail = if format.starts_with("-batch") {
        "the Kafka binding has no batch mode: send each event as a record of its own".to_owned()
    } else {
        format!("the event format {format:?} is not understood: send application/cloudevents+json")
    };
    Rejected::new(Reason::InvalidAttribute, "header content-type", detail)
}

/// Whether a media type is JSON; data without one is taken for JSON, as CloudEvents says.
fn is_json(kind: &[u8]) -> bool {
    let media = kind.split(|b| *b == b';').next().unwrap_or_default();
    let media = media.trim_ascii().to_ascii_lowercase();
    media.is_empty() || media.ends_with(b"/json") || media.ends_with(b"+json")
}
