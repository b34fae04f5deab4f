//! In: a sealed whole minute. Kept: nothing. Out: what is kept of it, one column after the other, as bytes
//! and back. Never knows: files; which cell stands where.

use cx_model::value::{CellValue, Sealed};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What is kept of one sealed minute. The order is the bytes' order: a line reads only up to its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// The second that was sealed.
    pub s: i64,
    /// Panes that ended at or before this second were final.
    pub final_through: i64,
    /// Per partition, `next_offset` of the log the values rest on.
    pub offsets: Vec<i64>,
    /// Scaled values.
    pub values: Vec<Option<i64>>,
    /// State bits.
    pub states: Vec<u8>,
    /// Numerators, sums or counts.
    pub numerators: Vec<i64>,
    /// Denominators.
    pub denominators: Vec<Option<i64>>,
    /// How many observations each value rests on.
    pub counts: Vec<i64>,
    /// How many additions came after their pane was final, above and below the line.
    pub restated: Vec<[i64; 2]>,
}

/// The beginning of a minute, which is all that a line needs.
#[derive(Deserialize)]
pub(crate) struct Beginning {
    _s: i64,
    _final_through: i64,
    _offsets: Vec<i64>,
    pub(crate) values: Vec<Option<i64>>,
}

/// A minute, or its final parts, as they lie in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) s: i64,
    /// By what two sealings are compared.
    pub(crate) sum: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Record {
    pub(crate) fn of(s: i64, bytes: Vec<u8>) -> Self {
        let sum = Sha256::digest(&bytes);
        let sum = sum.first_chunk().expect("32 bytes");
        Self {
            s,
            sum: u64::from_le_bytes(*sum),
            bytes,
        }
    }
}

impl Minute {
    /// What is kept of a sealed second.
    #[must_use]
    pub fn of(sealed: &Sealed) -> Self {
        let values = &sealed.values;
        Self {
            s: sealed.s,
            final_through: sealed.final_through,
            offsets: sealed.offsets.to_vec(),
            values: values.iter().map(|v| v.value).collect(),
            states: values.iter().map(|v| v.state).collect(),
            numerators: values.iter().map(|v| v.numerator).collect(),
            denominators: values.iter().map(|v| v.denominator).collect(),
            counts: values.iter().map(|v| v.n).collect(),
            restated: values.iter().map(|v| v.restated).collect(),
        }
    }

    /// One of its cells.
    pub(crate) fn cell(&self, at: usize) -> Option<CellValue> {
        Some(CellValue {
            value: *self.values.get(at)?,
            state: *self.states.get(at)?,
            numerator: *self.numerators.get(at)?,
            denominator: *self.denominators.get(at)?,
            n: *self.counts.get(at)?,
            restated: *self.restated.get(at)?,
        })
    }

    pub(crate) fn record(&self) -> Record {
        let bytes = postcard::to_stdvec(self).expect("plain data, and memory is to be had");
        Record::of(self.s, bytes)
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// How many cells of two minutes of the same set differ, where their offsets do not.
    pub(crate) fn differing(&self, other: &Self) -> usize {
        let all = 0..self.values.len().max(other.values.len());
        all.filter(|i| self.cell(*i) != other.cell(*i)).count()
    }
}

impl Beginning {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        postcard::take_from_bytes(bytes)
            .ok()
            .map(|(begin, _)| begin)
    }
}
