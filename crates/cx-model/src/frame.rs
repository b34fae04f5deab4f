//! In: wire text. Kept: nothing. Out: the frames of the board protocol, both directions.
//! Never knows: sockets. Gateway and client share these words; nobody else does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// `[cell, value, state]`: a scaled integer or null, and state bits.
pub type WireValue = (u32, Option<i64>, u8);

/// `[numerator, denominator, n]` of a value.
pub type WireParts = (i64, Option<i64>, i64);

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

/// What is told of a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fields {
    /// Value and state bits.
    #[default]
    Value,
    /// Also numerator, denominator and n.
    Parts,
}

/// How frames are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// JSON in text messages.
    #[default]
    Json,
    /// `d` and `hb` in binary messages, the others as JSON.
    Binary,
}

/// What a client that falls behind gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The newest value of each cell.
    #[default]
    Latest,
    /// Each published sequence number of the last 60 s, or `lagged`.
    Every,
}

/// Which cells; a list that is empty or left out takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Technical names of KPIs.
    pub kpis: BTreeSet<String>,
    /// Windows.
    pub windows: BTreeSet<String>,
    /// Values by dimension; a cell without the dimension is left out.
    pub dims: BTreeMap<String, BTreeSet<String>>,
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
        /// `sealed`, or live values every so many ms: `live50`, `live100`, `live250`, `live500`, `live1000`.
        #[serde(default = "sealed")]
        cadence: String,
        /// What is told of a cell.
        #[serde(default)]
        fields: Fields,
        /// How frames are written.
        #[serde(default)]
        enc: Encoding,
        /// What a client that falls behind gets.
        #[serde(default)]
        mode: Mode,
        /// Which cells.
        #[serde(default)]
        filter: Filter,
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
    /// Show another credential of one's own before the one that the stream began with ends.
    Auth {
        /// An API key or a signed token (JWT), as after `Authorization: Bearer`.
        token: String,
    },
}

fn sealed() -> String {
    "sealed".to_owned()
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Answer to `sub`; later a whole new start (`snapshot`) where a cursor is too old.
    View {
        /// The subscription.
        id: u32,
        /// `snapshot`, `diff`, or `delta`: each number since follows in a frame of its own.
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
        /// Cells that are no more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<u32>,
        /// Values.
        values: Vec<WireValue>,
        /// Their parts in the same order, where `fields` is `parts`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<WireParts>,
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
        /// Cells not announced before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cells: Vec<WireCell>,
        /// Cells that are no more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<u32>,
        /// Values.
        v: Vec<WireValue>,
        /// Their parts in the same order, where `fields` is `parts`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<WireParts>,
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
    /// What a reader of `mode: every` missed: one diff follows in their place.
    Lagged {
        /// The subscription.
        id: u32,
        /// The first sequence number not told one by one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// Something that stands beside the numbers began or ended.
    Note {
        /// The subscription, where it concerns only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// `recovering`, `data_gap`, `not_sealed`, `definition_changed` or `access_expires`.
        kind: String,
        /// False: it is over.
        on: bool,
        /// In words.
        detail: String,
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
