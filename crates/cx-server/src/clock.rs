//! In: nothing. Kept: nothing. Out: the machine's time; the only file that may ask for it.
//! Never knows: log time.

use cx_model::time::Timestamp;
use std::time::SystemTime;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
/// The machine's time of day, ms since the epoch.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
/// A clock for durations.
pub(crate) fn instant() -> std::time::Instant {
    std::time::Instant::now()
}
