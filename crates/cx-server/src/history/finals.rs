//! In: what a minute held when it became final. Kept: nothing. Out: what is kept of it as bytes and back; the
//! sum of several. Never knows: files; which cell stands where; what is sealed.

use super::minute::Record;
use cx_model::frame::WireParts;
use serde::{Deserialize, Serialize};

/// The final parts of one minute: numerator, denominator and n.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Final {
    /// The second at which the minute ended, a multiple of 60.
    pub end: i64,
    /// By cell; the same in all windows of a KPI and combination.
    pub parts: Vec<Option<WireParts>>,
}

/// Those of a minute or of a quarter of an hour, as they lie in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// The second at which it began: the minutes of a quarter lie within one hour so.
    pub(crate) begin: i64,
    /// By KPI and combination; `None` where a KPI has none, or did not count all the time.
    pub(crate) parts: Vec<Option<WireParts>>,
}

impl Parts {
    pub(crate) fn record(&self) -> Record {
        let bytes = postcard::to_stdvec(self).expect("plain data, and memory is to be had");
        Record::of(self.begin, bytes)
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Adds what came right after it.
    pub(crate) fn add(&mut self, next: &Self) {
        self.parts.truncate(next.parts.len());
        for (own, next) in self.parts.iter_mut().zip(&next.parts) {
            *own = own.zip(*next).and_then(|(own, next)| joined(own, next));
        }
    }

    /// How many differ.
    pub(crate) fn differing(&self, other: &Self) -> usize {
        let all = 0..self.parts.len().max(other.parts.len());
        all.filter(|i| self.parts.get(*i) != other.parts.get(*i))
            .count()
    }
}

/// As the panes do, modulo 2^64; nothing where only one has a denominator.
fn joined(one: WireParts, other: WireParts) -> Option<WireParts> {
    let below = match (one.1, other.1) {
        (Some(a), Some(b)) => Some(a.wrapping_add(b)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let (above, n) = (one.0.wrapping_add(other.0), one.2.wrapping_add(other.2));
    Some((above, below, n))
}
