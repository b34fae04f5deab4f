//! In: wire text. Kept: nothing. Out: the frames of the board protocol, both directions.
//! Never knows: sockets. Gateway and client share these words; nobody else does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[cell, value, state]`: a scaled integer or null, and state bits.
pub type WireValue = (u32, Option<i64>, u8);

/// `[cell, kpi, window, dims, info]`.
pub type WireCell = (u32, String, String, BTreeMap<String, String>, WireInfo);

/// `[cells not announced before, values, digest]` of the alerts of a board, see `schemas/alerts.md`.
pub type WireAlerts = (Vec<WireCell>, Vec<WireValue>, String);

/// What a reader needs to understand a cell's integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireInfo {
    /// `percent`, `count`, `seconds` or an ISO 4217 code.
    pub unit: String,
    /// The value is scaled by 10^scale.
    pub scale: u8,
    /// Target, scaled as the value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<i64>,
    /// `up`, `down` or `none`.
    pub direction: String,
    /// SHA-256 of the KPI's definition, 64 hex digits.
    pub definition: String,
}

/// Where a client was: process life and sequence number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// The server's life.
    pub epoch: String,
    /// The last sequence number applied.
    pub seq: u64,
}

/// What a client may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Subscribe to a board.
    Sub {
        /// The client's own number for this subscription.
        id: u32,
        /// Board name.
        board: String,
        /// Only `sealed` so far.
        #[serde(default = "sealed")]
        cadence: String,
        /// The client acknowledges once a second and is counted as proven.
        #[serde(default)]
        ack: bool,
        /// Resume from here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Since>,
    },
    /// Unsubscribe.
    Unsub {
        /// The subscription.
        id: u32,
    },
    /// Acknowledge a frame with the digest of what the client now holds.
    Ack {
        /// The subscription; may be left out where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// Sequence number of the newest frame applied.
        seq: u64,
        /// Digest the client computed, 16 hex digits.
        g: String,
    },
    /// Ask why a cell says what it says; one question of a connection at a time.
    Why {
        /// The subscription.
        id: u32,
        /// One of its cells.
        cell: u32,
    },
}

fn sealed() -> String {
    "sealed".to_owned()
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Answer to `sub`.
    View {
        /// The subscription.
        id: u32,
        /// `snapshot` or `diff`.
        mode: String,
        /// The server's life.
        epoch: String,
        /// Sequence number.
        seq: u64,
        /// Sealed second, if the values are sealed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        s: Option<i64>,
        /// False: live values, nothing is proven.
        sealed: bool,
        /// Cells not announced before.
        cells: Vec<WireCell>,
        /// Values.
        values: Vec<WireValue>,
        /// Digest over all cells of the view, 16 hex digits.
        g: String,
        /// Its alerts, where it has any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alerts: Option<WireAlerts>,
    },
    /// Whole values of the cells that changed.
    D {
        /// The subscription.
        id: u32,
        /// Sequence number.
        seq: u64,
        /// Sealed second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        s: Option<i64>,
        /// Present and false where no second could be sealed for 3 s.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealed: Option<bool>,
        /// The server's clock, ms since the epoch; beside live values only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<i64>,
        /// Partitions that keep the next second from being sealed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waiting_for: Vec<u32>,
        /// Values.
        v: Vec<WireValue>,
        /// Digest over all cells of the view after applying.
        g: String,
        /// Alerts that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alerts: Option<WireAlerts>,
    },
    /// Nothing changed for a second.
    Hb {
        /// The subscription.
        id: u32,
        /// Sequence number.
        seq: u64,
        /// Newest sealed second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        s: Option<i64>,
        /// The server's clock, ms since the epoch.
        now: i64,
        /// Digest over all cells of the view.
        g: String,
    },
    /// Answer to `unsub`.
    End {
        /// The subscription.
        id: u32,
    },
    /// Answer to `why`.
    Why {
        /// The subscription.
        id: u32,
        /// The cell.
        cell: u32,
        /// As `/v1/kpis/{kpi}/why` says it, see `kpi-why.schema.json`.
        lineage: serde_json::Value,
    },
    /// What was wrong, and what to write instead.
    Error {
        /// The subscription, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// Stable name.
        code: String,
        /// What is wrong.
        detail: String,
        /// What to do.
        fix: String,
    },
    /// The server goes away.
    Bye {
        /// Why.
        reason: String,
        /// Come back after this many ms.
        retry_ms: u64,
    },
}
