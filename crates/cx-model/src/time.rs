//! In: RFC 3339 text or milliseconds. Kept: nothing. Out: [`Timestamp`], whole seconds.
//! Never knows: any clock. "Now" is always an argument.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since the Unix epoch, UTC. Event time and log time are both of this type.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// One second, in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute, in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour, in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;

impl Timestamp {
    /// The whole second this instant lies in (rounded down, also before 1970).
    #[must_use]
    pub fn second(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// The whole minute this instant lies in (rounded down).
    #[must_use]
    pub fn minute(self) -> i64 {
        self.0.div_euclid(MINUTE)
    }

    /// This instant moved by `ms`; saturates at the ends of the range.
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// `self − earlier` in milliseconds; saturates.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant at the start of whole second `s`.
    #[must_use]
    pub fn from_second(s: i64) -> Self {
        Self(s.saturating_mul(SECOND))
    }

    /// Parses an RFC 3339 date-time with zone; fractions beyond a millisecond are cut off.
    ///
    /// # Errors
    /// Says in words what is wrong with the text.
    pub fn parse_rfc3339(text: &str) -> Result<Self, String> {
        let b = text.as_bytes();
        let shaped = b.len() >= 20
            && b.len() <= 40
            && b[4] == b'-'
            && b[7] == b'-'
            && matches!(b[10], b'T' | b't' | b' ')
            && b[13] == b':'
            && b[16] == b':'
            && b[19] != b','
            && b[..4].iter().all(u8::is_ascii_digit);
        let offset_ok = shaped && {
            let last = b[b.len() - 1];
            matches!(last, b'Z' | b'z')
                || (matches!(b[b.len() - 6], b'+' | b'-') && b[b.len() - 3] == b':')
        };
        if !offset_ok {
            return Err("not an RFC 3339 date-time such as 2026-11-24T14:02:11.250Z".to_owned());
        }
        let parsed: jiff::Timestamp = text
            .parse()
            .map_err(|e| format!("not an RFC 3339 date-time: {e}"))?;
        Ok(Self(
            parsed
                .as_millisecond()
                .min(parsed.as_second() * SECOND + SECOND - 1),
        ))
    }

    /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-24T14:02:11.250Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| format!("{} ms", self.0), |t| format!("{t:.3}"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}
