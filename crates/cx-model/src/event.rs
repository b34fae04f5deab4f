//! In: what the decoder found. Kept: borrowed text of one record. Out: [`Event`]. Never knows: bytes, Kafka, KPIs.

use crate::time::Timestamp;
use std::borrow::Cow;

/// The value of one attribute of one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Slot<'a> {
    /// The event does not carry it (or carries null).
    #[default]
    Missing,
    /// The event carries it, but not with the declared type.
    Mistyped,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number that is no 64-bit integer.
    Double(f64),
    /// Text.
    Text(Cow<'a, str>),
}

impl Slot<'_> {
    /// The text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let Self::Text(t) = self else { return None };
        Some(t)
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        let Self::Int(i) = self else { return None };
        Some(*i)
    }
}

/// One interaction: a valid CloudEvent 1.0, decoded into slots.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// CloudEvents `id`; unique together with `source`.
    pub id: Cow<'a, str>,
    /// CloudEvents `source`.
    pub source: Cow<'a, str>,
    /// CloudEvents `type`, e.g. `cx.contact.queued.v1`.
    pub kind: Cow<'a, str>,
    /// CloudEvents `subject`: the customer id. `None`: the event belongs to no customer.
    pub subject: Option<Cow<'a, str>>,
    /// CloudEvents `time`; `None` where the sender gave none (then log time is event time).
    pub time: Option<Timestamp>,
    /// CloudEvents `sequence`, as the source wrote it.
    pub sequence: Option<Cow<'a, str>>,
    /// Declared attributes of `data`, by the slot table it was decoded with.
    pub slots: Vec<Slot<'a>>,
}

impl Event<'_> {
    /// The value in a slot; [`Slot::Missing`] beyond the table.
    #[must_use]
    pub fn slot(&self, slot: usize) -> &Slot<'_> {
        self.slots.get(slot).unwrap_or(&Slot::Missing)
    }
}
