//! In: nothing. Kept: nothing. Out: the time. Never knows: what it is used for.

use cx_model::time::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time, for durations.
#[expect(clippy::disallowed_methods, reason = "a bench measures durations")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// The time of day.
#[expect(
    clippy::disallowed_methods,
    reason = "generated history ends some hours before now"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}

/// The time of day, microseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "frames carry the moment they were made"
)]
pub(crate) fn micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}
