//! In: nothing. Kept: nothing. Out: every bound that can change a value.
//! Never knows: process memory; these limits are part of the activated set.

use serde::{Deserialize, Serialize};

/// Bounds per partition and per event. Part of the set's hash: changing one is a new set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest record value, bytes.
    pub event_bytes: usize,
    /// Deepest nesting of JSON objects and arrays.
    pub depth: usize,
    /// Longest `id`, `source`, `type`, `subject` or attribute text that is looked at, bytes.
    pub text_bytes: usize,
    /// How late an event may be (log time − event time) and still count, ms.
    pub horizon_ms: i64,
    /// How long after a pane's end it is still provisional, ms.
    pub lateness_ms: i64,
    /// How far ahead of log time an event may be stamped before it is clamped, ms.
    pub clamp_ms: i64,
    /// How far ahead of log time event or record may be before it is refused, ms.
    pub future_ms: i64,
    /// How many minutes of log time an event id is remembered.
    pub repeat_minutes: i64,
    /// Most event ids remembered.
    pub repeats: usize,
    /// Most customers kept; when there are more, those who are idle longest give way.
    pub customers: usize,
    /// Who was not seen for this long may give way, ms of log time; sooner they could be counted twice.
    pub customer_idle_ms: i64,
    /// Most contacts kept.
    pub contacts: usize,
    /// Most conversations kept; for as long as contacts.
    pub conversations: usize,
    /// How long after its last step a contact that ended is kept, ms of log time.
    pub contact_closed_ms: i64,
    /// How long after its last step a contact that never ended is kept, ms of log time.
    pub contact_open_ms: i64,
    /// Most unregistered names (types, channels, sources) counted by name.
    pub unregistered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        use crate::time::{HOUR, MINUTE};
        Self {
            event_bytes: 256 * 1024,
            depth: 32,
            text_bytes: 256,
            horizon_ms: 30 * MINUTE,
            lateness_ms: 2 * MINUTE,
            clamp_ms: 5 * MINUTE,
            future_ms: HOUR,
            repeat_minutes: 35,
            repeats: 20_000_000,
            customers: 10_000_000,
            customer_idle_ms: 2 * HOUR,
            contacts: 1_000_000,
            conversations: 1_000_000,
            contact_closed_ms: 35 * MINUTE,
            contact_open_ms: 24 * HOUR,
            unregistered: 64,
        }
    }
}
