//! In: bytes of one record or HTTP body. Kept: nothing. Out: [`Event`], or [`Rejected`] with
//! place and fix. Never knows: where bytes come from; what an event means.
//!
//! CloudEvents 1.0, JSON format; records also in binary mode, see `binary.rs`. An attribute that is null counts as absent
//! (JSON format 2.2). Fields of `data` nobody named are checked for depth and skipped.

mod binary;
mod json;

pub use binary::of_record;

use crate::attribute::SlotTable;
use crate::event::Event;
use crate::limits::Limits;
use crate::reject::{Reason, Rejected};
use json::{Envelope, Seed};
use serde::de::DeserializeSeed;

/// Decodes one structured CloudEvent.
///
/// # Errors
/// [`Rejected`] names the reason, the place and what to write.
pub fn decode<'a>(
    bytes: &'a [u8],
    slots: &SlotTable,
    limits: &Limits,
) -> Result<Event<'a>, Rejected> {
    sized(bytes, limits)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut envelope = Envelope::new(slots);
    let into = &mut envelope;
    let seed = Seed {
        slots,
        limits,
        into,
    };
    seed.deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|e| json::rejected(&e))?;
    finish(envelope, limits)
}

fn sized(bytes: &[u8], limits: &Limits) -> Result<(), Rejected> {
    if bytes.is_empty() {
        return Err(Rejected::new(
            Reason::Empty,
            "record",
            "the record has no value; send a CloudEvent",
        ));
    }
    if bytes.len() > limits.event_bytes {
        let detail = format!(
            "{} bytes; an event may have {} at most: send large content by reference",
            bytes.len(),
            limits.event_bytes
        );
        return Err(Rejected::new(Reason::TooLarge, "record", detail));
    }
    Ok(())
}

fn finish<'a>(envelope: Envelope<'a>, limits: &Limits) -> Result<Event<'a>, Rejected> {
    if let Some(rejected) = envelope.refused {
        return Err(rejected);
    }
    let missing = |name: &str| {
        let detail = format!("CloudEvents attribute {name} is required: add \"{name}\"");
        Rejected::new(Reason::MissingAttribute, name, detail)
    };
    match envelope.specversion.as_deref() {
        Some("1.0") => {}
        Some(other) => {
            let detail = format!("specversion is {other:?}; only \"1.0\" is understood");
            return Err(Rejected::new(
                Reason::InvalidAttribute,
                "specversion",
                detail,
            ));
        }
        None => return Err(missing("specversion")),
    }
    let event = Event {
        id: envelope.id.ok_or_else(|| missing("id"))?,
        source: envelope.source.ok_or_else(|| missing("source"))?,
        kind: envelope.kind.ok_or_else(|| missing("type"))?,
        subject: envelope.subject,
        time: envelope.time,
        sequence: envelope.sequence,
        slots: envelope.data,
    };
    for (name, text) in [
        ("id", &event.id),
        ("source", &event.source),
        ("type", &event.kind),
    ]
    .into_iter()
    .chain(event.subject.as_ref().map(|s| ("subject", s)))
    {
        if text.is_empty() {
            let detail = format!("{name} is empty; leave it out or give it a value");
            return Err(Rejected::new(Reason::InvalidAttribute, name, detail));
        }
        if text.len() > limits.text_bytes {
            let detail = format!(
                "{name} has {} bytes, {} at most",
                text.len(),
                limits.text_bytes
            );
            return Err(Rejected::new(Reason::TooLong, name, detail));
        }
    }
    Ok(event)
}

#[cfg(test)]
mod tests;
