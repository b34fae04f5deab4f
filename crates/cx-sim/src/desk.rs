//! In: letters, messages and posts. Kept: nothing. Out: acknowledgements, answers (some after their
//! time, some never) and what customers write back. Never knows: queues; nobody waits at a desk.

use crate::company::Company;
use crate::draft::Draft;
use crate::source::name::{MAIL, MESSAGING, SOCIAL};
use crate::stream::{Medium, Reach};
use cx_model::time::{SECOND, Timestamp};

/// How one medium is answered.
struct Manner {
    channel: &'static str,
    source: &'static str,
    /// Mean time to an answer, ms, and σ of its logarithm.
    answer: (f64, f64),
    /// Seconds until a machine says that the message has arrived.
    acknowledged: Option<i64>,
    /// Share that nobody ever answers.
    never: f64,
}

fn manner(by: Medium) -> Manner {
    let (channel, source, answer, acknowledged, never) = match by {
        Medium::Messaging => ("messaging", MESSAGING, (200_000.0, 0.8), Some(1), 0.03),
        Medium::SocialDm => ("social_dm", SOCIAL, (900_000.0, 0.9), None, 0.06),
        Medium::SocialPublic => ("social_public", SOCIAL, (1_100_000.0, 0.9), None, 0.18),
        Medium::Email | Medium::Voice | Medium::Chat | Medium::Bot => {
            ("email", MAIL, (1_700_000.0, 0.9), Some(4), 0.04)
        }
    };
    Manner {
        channel,
        source,
        answer,
        acknowledged,
        never,
    }
}

/// One exchange of letters.
struct Exchange {
    reach: Reach,
    id: u64,
    manner: Manner,
}

impl Exchange {
    fn draft(&self, kind: &'static str) -> Draft {
        Draft::of(
            self.reach.customer,
            self.manner.source,
            self.manner.channel,
            kind,
        )
        .with("conversation_id", format!("cv-{}", self.id))
    }
}

impl Company {
    pub(crate) fn write(&mut self, at: Timestamp, reach: Reach) {
        let exchange = Exchange {
            reach,
            id: self.number(),
            manner: manner(reach.by),
        };
        self.first_message(at, &exchange);
        // In an outage the desks have more to do, and all wait longer.
        let busy = 1.0 + self.story.worry(at);
        let (mean, sigma) = exchange.manner.answer;
        let mut asked = at;
        for round in 0..3 {
            if self.chance.yes(exchange.manner.never) {
                return;
            }
            let answered = asked.plus(self.chance.lognormal(mean * busy, sigma));
            if round == 0 {
                self.truth
                    .replied(answered, exchange.manner.channel, answered.since(at));
            }
            let draft = exchange
                .draft("conversation.agent_message")
                .outbound("agent");
            self.say(answered, draft.with("automated", false));
            if self.chance.yes(0.7) {
                let closed = answered.plus(self.chance.exponential(120_000.0));
                let draft = exchange.draft("conversation.closed").internal("agent");
                self.say(closed, draft.with("outcome", "handled"));
                self.aftermath(closed, reach, exchange.manner.channel, answered.since(at));
                return;
            }
            asked = answered.plus(self.chance.lognormal(240_000.0, 1.0));
            self.say(asked, exchange.draft("conversation.customer_message"));
        }
    }

    fn first_message(&mut self, at: Timestamp, exchange: &Exchange) {
        let started = exchange.draft("conversation.started");
        self.say(at, started.with("topic", exchange.reach.topic));
        let message = exchange.draft("conversation.customer_message");
        let mood = if exchange.reach.topic == "payment" {
            -0.5
        } else {
            0.05
        };
        let sentiment = (mood + 0.4 * self.chance.normal()).clamp(-1.0, 1.0);
        self.say(at, message);
        if exchange.reach.by == Medium::SocialPublic {
            self.say(at, exchange.draft("social.mention"));
        }
        let hundredths = (sentiment * 100.0).round() / 100.0;
        let scored = exchange
            .draft("feedback.sentiment_scored")
            .internal("system");
        self.say(at.plus(900), scored.with("sentiment", hundredths));
        if let Some(after) = exchange.manner.acknowledged {
            let heard = exchange
                .draft("conversation.agent_message")
                .outbound("system");
            self.say(at.plus(after * SECOND), heard.with("automated", true));
        }
    }
}
