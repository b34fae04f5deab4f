//! In: what was decided. Kept: nothing. Out: its record in `cx.decisions`, a CloudEvent in structured mode.
//! Never knows: why it was decided; who acts on it. `schemas/decisions.md` says what it means.

use crate::ids::Key128;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Their CloudEvents `source`.
const SOURCE: &str = "watchfloor";
/// The CloudEvents version.
const VERSION: &str = "1.0";

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DecisionType {
    /// A message was not answered in time.
    #[serde(rename = "cx.decision.reply_breached.v1")]
    ReplyBreached,
    /// A breach is taken back: the reply was in time, and came late.
    #[serde(rename = "cx.decision.reply_met.v1")]
    ReplyMet,
}

/// A decision as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Decision")]
pub struct DecisionEvent {
    /// `1.0`.
    #[schemars(extend("const" = VERSION))]
    pub specversion: String,
    /// The same in every replay, 32 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub id: String,
    /// `watchfloor`.
    #[schemars(extend("const" = SOURCE))]
    pub source: String,
    /// What was decided.
    #[serde(rename = "type")]
    pub kind: DecisionType,
    /// Log time of the decision, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// About what, and where it stands.
    pub data: DecisionData,
}

/// What a decision is about, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionData {
    /// Time of the message that is owed a reply, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub asked_at: String,
    /// Until when the reply had to be stamped, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub due: String,
    /// Keyed hash of the conversation's id, 32 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub conversation: String,
    /// Opaque id of the message's customer, 32 hex digits; absent where it belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub customer: Option<String>,
    /// The message's channel.
    pub channel: String,
    /// Offset in `cx.interactions` of the record whose handling caused it.
    #[schemars(range(min = 0))]
    pub offset: i64,
    /// Its number among the decisions of that record, from 0.
    pub index: u32,
    /// Fold version of the engine.
    pub fold: u32,
    /// Hash of the set of definitions, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub set: String,
}

impl DecisionEvent {
    /// The record of a decision of this id, made at this log time.
    #[must_use]
    pub fn new(kind: DecisionType, id: Key128, decided_at: Timestamp, data: DecisionData) -> Self {
        Self {
            specversion: VERSION.to_owned(),
            id: id.hex(),
            source: SOURCE.to_owned(),
            kind,
            time: decided_at.to_rfc3339(),
            data,
        }
    }
}
