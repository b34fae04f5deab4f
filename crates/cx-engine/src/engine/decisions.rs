//! In: what was decided of deadlines. Kept: how many decisions the record at hand has caused.
//! Out: decisions with their ids and places. Never knows: why they were decided.

use super::Engine;
use crate::effect::{Decision, Effect, Ruling};
use crate::state::deadlines::Ruled;
use cx_catalog::journey::Replies;
use cx_model::ids::{HashKey, Key128};
use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the next decision stands: the record that is being handled, or else the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    offset: i64,
    index: u32,
}

impl Place {
    /// Before the first decision of a record.
    pub(super) fn of(offset: i64) -> Self {
        Self { offset, index: 0 }
    }

    /// The record at `offset` comes. What its log time fired already, if that was announced, keeps
    /// its numbers.
    pub(super) fn reach(&mut self, offset: i64) {
        if self.offset != offset {
            *self = Self::of(offset);
        }
    }
}

impl Engine {
    pub(super) fn decide(&mut self, conversation: Key128, ruled: Ruled) {
        let Place { offset, index } = self.place;
        self.place.index += 1;
        let (due, decided) = (ruled.promise.due, ruled.decided_at);
        let by = match ruled.ruling {
            Ruling::ReplyBreached => {
                self.account.breached += 1;
                1
            }
            Ruling::ReplyMet => {
                self.account.met += 1;
                -1
            }
        };
        // A breach counts at its due time, until it is taken back.
        let of = (Replies::Decided, &ruled.promise.marks);
        self.meter.reply(of, (due, decided), by);
        let channel = self.plan.set.channels.get(ruled.promise.channel);
        let id = id(
            self.config.hash_key,
            ruled.ruling,
            conversation,
            ruled.asked_at,
        );
        self.effects.push_back(Effect::Decision(Decision {
            id,
            offset,
            index,
            ruling: ruled.ruling,
            asked_at: ruled.asked_at,
            due: ruled.promise.due,
            decided_at: ruled.decided_at,
            conversation,
            customer: ruled.promise.customer,
            channel: channel.cloned().unwrap_or_default(),
        }));
    }
}

fn id(key: HashKey, ruling: Ruling, conversation: Key128, asked_at: Timestamp) -> Key128 {
    let conversation = conversation.hex();
    let asked_at = asked_at.0.to_string();
    key.hash(&["decision", ruling.name(), &conversation, &asked_at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_others_have_stored_do_not_change() {
        let of = |ruling| {
            let id = id(HashKey(1, 2), ruling, Key128(7), Timestamp(1_000));
            id.hex()
        };
        assert_eq!(
            [of(Ruling::ReplyBreached), of(Ruling::ReplyMet)],
            [
                "514d9ba5d73ca1a5573c27ba82d77559",
                "84060ea9341769c61c6d56e2dac101e4"
            ]
        );
    }
}
