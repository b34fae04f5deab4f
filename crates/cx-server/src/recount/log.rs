//! In: nothing. Kept: nothing. Out: what a log is to a recount. Never knows: where it lies.

use cx_model::record::Record;
use serde_json::Value;

/// What is known of a log before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The topic it is, or was written from: control records are signed for it.
    pub(crate) topic: String,
    pub(crate) partitions: u32,
    /// By partition, the first offset that was still there.
    pub(crate) lows: Vec<i64>,
    /// As on the embedded broker: an offset without a record is a lost one.
    pub(crate) gaps_are_losses: bool,
    /// The sets that were written down beside it, as they stand in `cx.definitions`, from set 1 on.
    pub(crate) definitions: Vec<Value>,
    /// How many records there are, where that is known.
    pub(crate) length: Option<u64>,
}

/// Takes one record.
pub(crate) type Take<'t> = &'t mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>;

/// A log that can be read from its first record on.
pub(crate) trait Log {
    fn head(&self) -> &Head;

    /// Hands over the records of all partitions, each partition in the order of its offsets: with
    /// `until`, up to and with the first one at or after that offset; without, to its end as it is now.
    ///
    /// # Errors
    /// A log that cannot be read; those of `take`.
    fn read(&mut self, until: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()>;
}
