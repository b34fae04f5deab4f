//! In: a customer who asks the chatbot. Kept: nothing. Out: the dialogue, and a chat with people
//! where the bot gives up. Never knows: queues.

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::source::name::BOT;
use crate::stream::{Medium, Reach};
use cx_model::time::{SECOND, Timestamp};

/// Share of dialogues that end without people.
const CONTAINED: f64 = 0.74;
/// Share of those whose customer comes again all the same, within the hour.
const FALSELY: f64 = 0.12;

impl Company {
    pub(crate) fn ask_bot(&mut self, at: Timestamp, reach: Reach) {
        let id = self.number();
        let draft = |kind| {
            Draft::of(reach.customer, BOT, "chatbot", kind)
                .with("conversation_id", format!("cv-{id}"))
        };
        self.say(at, draft("conversation.started").with("topic", reach.topic));
        let turns = 1 + self.chance.below(4);
        let mut now = at;
        for _ in 0..turns {
            self.say(now, draft("conversation.customer_message"));
            now = now.plus(self.chance.between(600, 2 * SECOND));
            let answer = draft("conversation.bot_message").outbound("bot");
            self.say(now, answer.with("automated", true));
            now = now.plus(self.chance.lognormal(18_000.0, 0.6));
        }
        // What goes wrong with money is nothing for a machine.
        let money = reach.topic == "payment";
        let contained = self.chance.yes(if money { 0.4 } else { CONTAINED });
        let outcome = if contained {
            "contained"
        } else {
            "handed_over"
        };
        if !contained {
            self.say(now, draft("conversation.handoff").outbound("bot"));
            let next = Reach {
                by: Medium::Chat,
                ..reach
            };
            self.plan(now.plus(SECOND), What::Contact(next));
        }
        let closed = draft("conversation.closed").internal("system");
        self.say(now, closed.with("outcome", outcome));
        self.ask_after_bot(now, reach, contained);
        if contained {
            self.comes_again(now, reach, FALSELY);
        }
    }
}
