//! In: a chat with people, as it begins, is answered and ends. Kept: nothing. Out: its messages.
//! Never knows: queues.

use crate::company::Company;
use crate::draft::Draft;
use crate::floor::conversation;
use crate::queue::Contact;
use crate::source::name::CHAT;
use cx_model::time::{SECOND, Timestamp};

/// Mean pause between two messages, ms, and σ of its logarithm.
const PAUSE: (f64, f64) = (55_000.0, 0.6);

impl Company {
    fn chat_draft(contact: &Contact, kind: &'static str) -> Draft {
        Draft::of(contact.reach.customer, CHAT, "chat", kind)
            .with("conversation_id", conversation(contact))
            .with("contact_id", format!("chat-{}", contact.id))
    }

    pub(crate) fn chat_begins(&mut self, at: Timestamp, contact: &Contact) {
        let started = Self::chat_draft(contact, "conversation.started");
        self.say(at, started.with("topic", contact.reach.topic));
        self.say(
            at,
            Self::chat_draft(contact, "conversation.customer_message"),
        );
    }

    /// Agent and customer write in turn until the end; one who left writes no more.
    pub(crate) fn chat_goes_on(&mut self, answered: Timestamp, contact: &Contact, talk: i64) {
        let end = answered.plus(talk);
        let mut at = answered.plus(self.chance.between(2 * SECOND, 12 * SECOND));
        if at >= end {
            return;
        }
        self.truth.replied(at, "chat", at.since(contact.queued_at));
        let mut agent = true;
        while at < end {
            let kind = if agent {
                "conversation.agent_message"
            } else {
                "conversation.customer_message"
            };
            let draft = Self::chat_draft(contact, kind);
            let draft = if agent {
                draft.outbound("agent").with("automated", false)
            } else {
                draft
            };
            self.say(at, draft);
            if contact.gone {
                return;
            }
            agent = !agent;
            at = at.plus(self.chance.lognormal(PAUSE.0, PAUSE.1));
        }
    }

    pub(crate) fn chat_closes(&mut self, at: Timestamp, contact: &Contact, outcome: &'static str) {
        let closed = Self::chat_draft(contact, "conversation.closed");
        self.say(at, closed.internal("system").with("outcome", outcome));
    }
}
