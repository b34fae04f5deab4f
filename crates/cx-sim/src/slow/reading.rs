//! In: records as Kafka holds them. Kept: the records of all partitions with their names. Out: them.
//! Never knows: KPIs, how a control record is signed.

use super::LogRecord;
use super::meaning::{Begun, Content, Named, Namer};
use cx_model::attribute::{ATTRIBUTES, Kind, SlotTable};
use cx_model::control::Control;
use cx_model::decode::of_record;
use cx_model::limits::Limits;
use cx_model::record::Record;
use cx_model::reject::Reason;
use cx_model::time::Timestamp;
use cx_model::window::Window;
use serde_json::{Map, Value};

/// Logs on their way to the slow model, record by record, each partition in the order of its offsets.
pub struct Reading {
    limits: Limits,
    slots: SlotTable,
    partitions: Vec<Namer>,
}

impl Reading {
    /// Nothing read yet; `slots` are the attributes that somebody looks at.
    #[must_use]
    pub fn new(limits: Limits, slots: SlotTable, partitions: u32) -> Self {
        let namer = |p| Namer::new((p, partitions), limits);
        Self {
            limits,
            slots,
            partitions: (0..partitions).map(namer).collect(),
        }
    }

    /// The hashes of the sets that may be activated, from set 1 on.
    #[must_use]
    pub fn among(mut self, hashes: &[String]) -> Self {
        self.partitions.iter_mut().for_each(|p| p.among(hashes));
        self
    }

    /// Only second `s` will be asked for: what it cannot rest on is not kept.
    #[must_use]
    pub fn only(mut self, s: i64) -> Self {
        let longest = Window::ALL.iter().map(|w| w.seconds() + w.pane_seconds());
        // An attempt that is decided in a window began up to 28 days before.
        let reach = longest.max().unwrap_or(0) + 28 * 86_400;
        let from = Timestamp::from_second(s - reach - 60).plus(-self.limits.clamp_ms);
        self.partitions.iter_mut().for_each(|p| p.only(from));
        self
    }

    /// The next record of its partition; `steers`: what it says or why it is refused, where it has the
    /// header of a control record.
    ///
    /// # Panics
    /// A partition that was not announced.
    pub fn record(&mut self, record: &Record<'_>, steers: Option<Result<Control, Reason>>) {
        let content = match steers {
            Some(Ok(control)) => Content::Control(control),
            Some(Err(reason)) => Content::Refused(reason),
            None => self.event(record),
        };
        let stamp = (record.timestamp, record.timestamp_kind);
        self.partitions[record.partition as usize].take(stamp, content);
    }

    /// A record of a test: structured, known to be a control record where it is one.
    pub fn plain(&mut self, partition: u32, record: &LogRecord) {
        let control = record.control.clone().map(Ok);
        let record = Record {
            partition,
            offset: 0,
            timestamp: record.timestamp,
            timestamp_kind: record.timestamp_kind,
            key: None,
            value: Some(&record.value),
            control: None,
            content_type: None,
            attributes: &[],
        };
        self.record(&record, control);
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// All records with their names, and what later sets began to hold when, by partition.
    pub(super) fn done(self) -> Vec<(Vec<Named>, Vec<Begun>)> {
        self.partitions.into_iter().map(Namer::done).collect()
    }

    fn event(&self, record: &Record<'_>) -> Content {
        match of_record(record, &self.slots, &self.limits) {
            Ok(event) => Content::Event(seen(json(record), &self.limits), event.time),
            Err(rejected) => Content::Refused(rejected.reason),
        }
    }
}

/// A decoded record as one JSON object, in whichever mode it stands there.
fn json(record: &Record<'_>) -> Value {
    let value = record.value.unwrap_or_default();
    let kind = record.content_type.unwrap_or_default();
    let structured = begins(kind, b"application/cloudevents");
    if structured || record.attributes.is_empty() {
        return serde_json::from_slice(value).unwrap_or_default();
    }
    let mut event = Map::new();
    for (name, bytes) in record.attributes {
        let text = String::from_utf8_lossy(bytes).into_owned();
        event.insert((*name).to_owned(), text.into());
    }
    let stated = event.remove("datacontenttype").unwrap_or_default();
    let media = match record.content_type {
        Some(kind) => String::from_utf8_lossy(kind).into_owned(),
        None => stated.as_str().unwrap_or_default().to_owned(),
    };
    let media = media.split(';').next().unwrap_or_default().trim();
    let media = media.to_ascii_lowercase();
    if media.is_empty() || media.ends_with("/json") || media.ends_with("+json") {
        let data = serde_json::from_slice(value).unwrap_or_default();
        event.insert("data".to_owned(), data);
    }
    Value::Object(event)
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    let first = text.get(..with.len());
    first.is_some_and(|first| first.eq_ignore_ascii_case(with))
}

/// Without what nobody looks at: data that is no object, undeclared attributes, others of another type
/// than they are declared with, texts that are too long. A condition on them is an error, as if they
/// were not there.
fn seen(mut event: Value, limits: &Limits) -> Value {
    if let Some(envelope) = event.as_object_mut() {
        envelope.retain(|name, _| !matches!(name.as_str(), "specversion" | "datacontenttype"));
    }
    if let Some(data) = event.get_mut("data") {
        if let Some(fields) = data.as_object_mut() {
            fields.retain(|name, value| fits(name, value, limits));
        } else {
            *data = Value::Null;
        }
    }
    event
}

fn fits(name: &str, value: &Value, limits: &Limits) -> bool {
    let declared = ATTRIBUTES.iter().find(|a| a.name == name);
    match declared.map(|a| a.kind) {
        None => false,
        Some(Kind::Bool) => value.is_boolean(),
        Some(Kind::Int) => value.is_i64(),
        Some(Kind::Double) => value.is_number(),
        Some(Kind::Text) => value.as_str().is_some_and(|t| t.len() <= limits.text_bytes),
    }
}
