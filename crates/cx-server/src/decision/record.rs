//! In: what was decided. Kept: nothing. Out: its record in `cx.decisions`, a CloudEvent in structured mode.
//! Never knows: why it was decided; who acts on it. `schemas/decisions.md` says what it means.

use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Their CloudEvents `source`.
const SOURCE: &str = "watchfloor";
/// The CloudEvents version.
const VERSION: &str = "1.0";

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum DecisionType {
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
pub(crate) struct DecisionEvent {
    /// `1.0`.
    #[schemars(extend("const" = VERSION))]
    pub(crate) specversion: String,
    /// The same in every replay, 32 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(crate) id: String,
    /// `watchfloor`.
    #[schemars(extend("const" = SOURCE))]
    pub(crate) source: String,
    /// What was decided.
    #[serde(rename = "type")]
    pub(crate) kind: DecisionType,
    /// Log time of the decision, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) time: String,
    /// About what, and where it stands.
    pub(crate) data: DecisionData,
}

/// What a decision is about, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DecisionData {
    /// Time of the message that is owed a reply, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) asked_at: String,
    /// Until when the reply had to be stamped, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub(crate) due: String,
    /// Keyed hash of the conversation's id, 32 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(crate) conversation: String,
    /// Opaque id of the message's customer, 32 hex digits; absent where it belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(crate) customer: Option<String>,
    /// The message's channel.
    pub(crate) channel: String,
    /// Offset in `cx.interactions` of the record whose handling caused it.
    #[schemars(range(min = 0))]
    pub(crate) offset: i64,
    /// Its number among the decisions of that record, from 0.
    pub(crate) index: u32,
    /// Fold version of the engine.
    pub(crate) fold: u32,
    /// Hash of the set of definitions, 64 hex digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(crate) set: String,
}

impl DecisionEvent {
    /// The record of a decision of this id, made at this log time.
    #[must_use]
    pub(crate) fn new(
        kind: DecisionType,
        id: Key128,
        decided_at: Timestamp,
        data: DecisionData,
    ) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_decisions_is_that_of_the_type_and_takes_what_is_written() {
        let schema = serde_json::to_value(schemars::schema_for!(DecisionEvent)).expect("JSON");
        let made = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        let path = root.join("decision.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &made).expect("the file can be written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        let fix = "run with UPDATE_SCHEMAS=1 and read the difference: others build on this file";
        assert!(
            made == kept,
            "decision.schema.json differs from the type: {fix}"
        );
        let options = jsonschema::options().should_validate_formats(true);
        let schema = options.build(&schema).expect("a schema of draft 2020-12");
        let check = |customer: Option<&str>, set: &str, valid: bool| {
            let data = DecisionData {
                asked_at: Timestamp(1_767_225_600_000).to_rfc3339(),
                due: Timestamp(1_767_225_660_000).to_rfc3339(),
                conversation: Key128(7).hex(),
                customer: customer.map(str::to_owned),
                channel: "chat".to_owned(),
                offset: 812,
                index: 0,
                fold: 1,
                set: set.to_owned(),
            };
            let decided_at = Timestamp(1_767_225_780_000);
            let event = DecisionEvent::new(DecisionType::ReplyMet, Key128(1), decided_at, data);
            let written = serde_json::to_value(&event).expect("plain data");
            assert_eq!(schema.is_valid(&written), valid, "{written}");
            let read: DecisionEvent = serde_json::from_value(written).expect("our own words");
            assert_eq!(read, event);
        };
        let set = "b41c".repeat(16);
        check(None, &set, true);
        check(Some(&Key128(9).hex()), &set, true);
        check(Some("anna@example.com"), &set, false);
        check(None, "b41c", false);
    }
}
