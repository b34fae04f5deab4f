//! In: nothing. Kept: nothing. Out: what is counted of the numbers that sources give their events (`sequence`).
//! Never knows: which numbers came.

use serde::Serialize;

/// What is counted of a source's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Numbered {
    /// Numbered events that came in the window, early or late, repeats left out.
    #[serde(rename = "sequence.received")]
    Received,
    /// How far the highest number has come since the window before this one, of the same length.
    #[serde(rename = "sequence.expected")]
    Expected,
}

impl Numbered {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Received, Self::Expected];

    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "sequence.received",
            Self::Expected => "sequence.expected",
        }
    }

    /// What they are, in the plural.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Received => "numbered events that came, early or late, repeats left out",
            Self::Expected => {
                "events that sources had numbered: from the highest number of the window before to the highest of this one"
            }
        }
    }
}

/// What the numbers of one source come to: how many came, and from where to where they went. `before`
/// and `highest`: the highest of the window before and of this one; `least`: the least of this one.
#[must_use]
pub fn expected(before: Option<i64>, highest: Option<i64>, least: Option<i64>) -> i64 {
    let from = before.or(least.map(|least| least - 1));
    let passed = highest.zip(from).map(|(highest, from)| highest - from);
    passed.unwrap_or(0).max(0)
}
