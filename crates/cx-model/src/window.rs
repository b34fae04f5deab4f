//! In: a window's name. Kept: nothing. Out: [`Window`], length and pane. Never knows: which KPI asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far back from a sealed second a number looks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Window {
    /// The state at the second itself (gauges, ages).
    #[serde(rename = "now")]
    Now,
    /// One minute, in panes of 5 s.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes, in panes of 5 s.
    #[serde(rename = "5m")]
    M5,
    /// Fifteen minutes, in panes of one minute.
    #[serde(rename = "15m")]
    M15,
    /// One hour, in panes of one minute.
    #[serde(rename = "1h")]
    H1,
    /// The last 24 hours, in panes of 15 minutes.
    #[serde(rename = "24h")]
    H24,
    /// The business day to date, in panes of 15 minutes; `seconds` is the most that it can be.
    #[serde(rename = "day")]
    Day,
    /// The last seven days, in panes of one hour.
    #[serde(rename = "7d")]
    D7,
    /// The last 28 days, in panes of one day (UTC).
    #[serde(rename = "28d")]
    D28,
}

impl Window {
    /// All windows, shortest first.
    pub const ALL: [Self; 9] = [
        Self::Now,
        Self::M1,
        Self::M5,
        Self::M15,
        Self::H1,
        Self::H24,
        Self::Day,
        Self::D7,
        Self::D28,
    ];

    fn told(self) -> (&'static str, i64, i64) {
        match self {
            Self::Now => ("now", 0, 0),
            Self::M1 => ("1m", 60, 5),
            Self::M5 => ("5m", 300, 5),
            Self::M15 => ("15m", 900, 60),
            Self::H1 => ("1h", 3_600, 60),
            Self::H24 => ("24h", 86_400, 900),
            Self::Day => ("day", 100_800, 900),
            Self::D7 => ("7d", 604_800, 3_600),
            Self::D28 => ("28d", 2_419_200, 86_400),
        }
    }

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.told().0
    }

    /// The window of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.name() == name)
    }

    /// Length in seconds; 0 for `now`.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.told().1
    }

    /// Length of one pane in seconds (it stands with each window); 0 for `now`.
    #[must_use]
    pub fn pane_seconds(self) -> i64 {
        self.told().2
    }
}
