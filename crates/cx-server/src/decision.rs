//! In: a decision of an engine. Kept: nothing. Out: its record for `cx.decisions`.
//! Never knows: topics, partitions; who reads it.

use cx_catalog::FOLD_VERSION;
mod record;

use self::record::{DecisionData, DecisionEvent, DecisionType};
use cx_engine::{Decision, Ruling};

/// The CloudEvent of a decision made under the set of hash `set`.
pub(crate) fn event(decision: &Decision, set: &str) -> DecisionEvent {
    let kind = match decision.ruling {
        Ruling::ReplyBreached => DecisionType::ReplyBreached,
        Ruling::ReplyMet => DecisionType::ReplyMet,
    };
    let data = DecisionData {
        asked_at: decision.asked_at.to_rfc3339(),
        due: decision.due.to_rfc3339(),
        conversation: decision.conversation.hex(),
        customer: decision.customer.map(|customer| customer.hex()),
        channel: decision.channel.clone(),
        offset: decision.offset,
        index: decision.index,
        fold: FOLD_VERSION,
        set: set.to_owned(),
    };
    DecisionEvent::new(kind, decision.id, decision.decided_at, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::ids::Key128;
    use cx_model::time::Timestamp;

    #[test]
    fn a_decision_is_written_as_a_cloud_event_in_words_that_others_have_read() {
        let decision = Decision {
            id: Key128(0xabc),
            offset: 812,
            index: 1,
            ruling: Ruling::ReplyBreached,
            asked_at: Timestamp(1_767_225_600_000),
            due: Timestamp(1_767_225_660_000),
            decided_at: Timestamp(1_767_225_780_000),
            conversation: Key128(7),
            customer: Some(Key128(u128::MAX)),
            channel: "chat".to_owned(),
        };
        let written = |d: &Decision| serde_json::to_string(&event(d, "b41c")).expect("plain data");
        let expected = format!(
            concat!(
                r#"{{"specversion":"1.0","id":"00000000000000000000000000000abc","source":"watchfloor","#,
                r#""type":"cx.decision.reply_breached.v1","time":"2026-01-01T00:03:00.000Z","#,
                r#""data":{{"asked_at":"2026-01-01T00:00:00.000Z","due":"2026-01-01T00:01:00.000Z","#,
                r#""conversation":"00000000000000000000000000000007","#,
                r#""customer":"ffffffffffffffffffffffffffffffff","channel":"chat","#,
                r#""offset":812,"index":1,"fold":{},"set":"b41c"}}}}"#
            ),
            FOLD_VERSION
        );
        assert_eq!(written(&decision), expected);
        let met = Decision {
            ruling: Ruling::ReplyMet,
            customer: None,
            ..decision
        };
        let text = written(&met);
        assert!(
            text.contains(r#""type":"cx.decision.reply_met.v1""#),
            "{text}"
        );
        assert!(!text.contains("customer"), "{text}");
    }
}
