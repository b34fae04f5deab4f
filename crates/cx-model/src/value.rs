//! In: parts (integers). Kept: nothing. Out: rounded values, cells, digests. Never knows: how a part was counted.

use crate::frame::WireParts;
use crate::window::Window;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// State bit: the window reaches back before the log's start.
pub const WARMING: u8 = 1;
/// State bit: an event later than the allowed lateness changed a pane of the window.
pub const RESTATED: u8 = 2;
/// State bit: records that the number needs are missing.
pub const DATA_GAP: u8 = 4;
/// State bit: a declared limit refused something the number needs.
pub const LIMITED: u8 = 8;

/// One number of one board: a KPI version, a window and dimension values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// Technical name of the KPI.
    pub kpi: Arc<str>,
    /// SHA-256 of its definition, 64 hex digits.
    pub definition: Arc<str>,
    /// Window.
    pub window: Window,
    /// Dimension values by name; `all` is the total.
    pub dims: BTreeMap<String, String>,
}

/// What a reader needs to understand a cell's integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellInfo {
    /// Which number.
    pub key: CellKey,
    /// `percent`, `count`, `seconds` or an ISO 4217 code.
    pub unit: Arc<str>,
    /// The value is scaled by 10^scale.
    pub scale: u8,
    /// Target, scaled as the value.
    pub target: Option<i64>,
    /// `up`, `down` or `none`: which way is good.
    pub direction: &'static str,
    /// Business name of the KPI.
    pub business_name: Arc<str>,
    /// One line of meaning.
    pub meaning: Arc<str>,
    /// `simple` or `ratio`.
    pub kind: &'static str,
}

/// One cell's value at one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellValue {
    /// Scaled value; `None` where there is nothing to say (ratio with n = 0).
    pub value: Option<i64>,
    /// State bits.
    pub state: u8,
    /// Numerator, or the sum, or the count (unscaled part).
    pub numerator: i64,
    /// Denominator, where the KPI has one.
    pub denominator: Option<i64>,
    /// How many observations the value rests on.
    pub n: i64,
    /// Additions to the numerator and to the denominator by events later than the lateness.
    pub restated: [i64; 2],
}

/// All cells of the active set at one sealed (or live) second.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The second; for live values the newest second any partition passed.
    pub s: i64,
    /// False for live values, which prove nothing.
    pub sealed: bool,
    /// Per partition, `next_offset` of the log the values rest on.
    pub offsets: Arc<[i64]>,
    /// Values in the order of the set's cells.
    pub values: Arc<[CellValue]>,
    /// Panes that ended at or before this second are final.
    pub final_through: i64,
    /// Partitions that keep the next second from being sealed.
    pub waiting_for: Vec<u32>,
}

/// Rounds `numerator × 10^scale ÷ denominator` half to even.
///
/// `None` when the denominator is 0 or the result leaves 64 bits.
#[must_use]
pub fn scaled(numerator: i64, denominator: i64, scale: u8) -> Option<i64> {
    if denominator == 0 {
        return None;
    }
    let mut n = i128::from(numerator) * 10_i128.pow(u32::from(scale.min(12)));
    let mut d = i128::from(denominator);
    if d < 0 {
        n = -n;
        d = -d;
    }
    let quotient = n.div_euclid(d);
    let twice = n.rem_euclid(d) * 2;
    let up = match twice.cmp(&d) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2) == 1,
    };
    i64::try_from(quotient + i128::from(up)).ok()
}

/// The protocol's 64-bit hash of a cell ([`CellKey::digest_prefix`]) with its value, and parts if told.
#[must_use]
pub fn cell_hash_of(p: &str, value: Option<i64>, state: u8, parts: Option<WireParts>) -> u64 {
    let number = |n: Option<i64>| n.map_or_else(|| "null".to_owned(), |n| n.to_string());
    let mut text = format!("{p}{}|{state}", number(value));
    if let Some((numerator, denominator, n)) = parts {
        text += &format!("|{numerator}|{}|{n}", number(denominator));
    }
    fmix64(fnv1a(text.as_bytes()))
}

impl CellKey {
    /// `kpi|definition|window|dim=value,…|`, dimensions sorted by name.
    #[must_use]
    pub fn digest_prefix(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let (dims, window) = (dims.join(","), self.window.name());
        format!("{}|{}|{window}|{dims}|", self.kpi, self.definition)
    }
}

/// The digest as it is printed: 16 lower-case hex digits.
#[must_use]
pub fn digest_text(digest: u64) -> String {
    format!("{digest:016x}")
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn fmix64(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// How a board is laid out on a wall; travels beside the values, never in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Up to nine tiles, in reading order; `cell` is an index into the board's cells.
    pub tiles: Vec<Tile>,
    /// The rail beside the tiles.
    pub rail: Rail,
}

/// One tile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// At most 18 characters.
    pub label: String,
    /// Cell id.
    pub cell: u32,
    /// Words under the number.
    pub foot: String,
    /// Fixed y-range of the sparkline, scaled integers.
    pub range: [i64; 2],
    /// Declared sources that feed it; a silent one makes it stale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// What needs somebody, until alerts exist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rail {
    /// One per declared source: the age of its newest event.
    pub sources: Vec<RailSource>,
    /// Refused records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<RailCell>,
    /// Oldest waiting, one per channel or queue.
    pub overdue: Vec<RailOverdue>,
}

/// A source on the rail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailSource {
    /// CloudEvents `source`.
    pub name: String,
    /// Cell id of its age.
    pub cell: u32,
    /// Who mends it.
    pub owner: String,
    /// How old its newest event may be, seconds.
    pub freshness_s: u32,
}

/// A plain cell on the rail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailCell {
    /// Cell id.
    pub cell: u32,
}

/// An oldest-waiting cell on the rail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RailOverdue {
    /// Words for the row.
    pub label: String,
    /// Cell id.
    pub cell: u32,
}

/// A board: which cells, and how they hang.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Name in addresses.
    pub name: String,
    /// Words in the header.
    pub title: String,
    /// IANA zone of its clock.
    pub zone: String,
    /// Cells; a cell's id on the wire is its index + 1.
    pub cells: Vec<CellInfo>,
    /// For each cell its index among all cells of the set ([`Sealed::values`]).
    pub source_index: Vec<usize>,
    /// Layout, with wire ids.
    pub layout: Layout,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_to_even_in_both_directions() {
        let cases = [
            ((1, 3, 3), Some(333)),
            ((2, 3, 3), Some(667)),
            ((1, 2, 0), Some(0)),
            ((3, 2, 0), Some(2)),
            ((5, 2, 0), Some(2)),
            ((-1, 2, 0), Some(0)),
            ((-3, 2, 0), Some(-2)),
            ((100, 3, 1), Some(333)),
            ((1, 0, 1), None),
            ((i64::MAX, 1, 3), None),
        ];
        for ((n, d, s), expected) in cases {
            assert_eq!(scaled(n, d, s), expected, "{n}/{d} at {s}");
        }
    }
}
