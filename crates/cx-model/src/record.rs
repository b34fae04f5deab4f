//! In: nothing. Kept: nothing. Out: Kafka's envelope as other rooms see it. Never knows: rdkafka.

use crate::time::Timestamp;

/// Who set the record's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampKind {
    /// The broker, on append: live topics.
    LogAppend,
    /// The producer: the embedded broker and history topics.
    Create,
}

/// One record of a log, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Partition it was read from.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Who set it.
    pub timestamp_kind: TimestampKind,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// The value of header `cx-control`, if there is one.
    pub control: Option<&'a [u8]>,
    /// The value of header `content-type`, if there is one.
    pub content_type: Option<&'a [u8]>,
    /// Headers that begin with `ce_`, without it: CloudEvents attributes in binary mode.
    pub attributes: &'a [(&'a str, &'a [u8])],
}
