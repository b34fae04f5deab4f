//! In: campaigns and orders to confirm. Kept: nothing. Out: messages sent, delivered, opened and
//! clicked, and visits that come of it. Never knows: who may be written to (that is decided before).

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::source::name::{MAIL, MESSAGING};
use cx_model::time::{SECOND, Timestamp};

/// How one medium's messages fare: bounced, opened, clicked.
type Fate = (f64, f64, f64);

impl Company {
    /// One message of a campaign.
    pub(crate) fn campaign(&mut self, at: Timestamp) {
        let choices = [("email", 0.5), ("push", 0.35), ("sms", 0.15)];
        let channel = self.chance.pick(&choices);
        let customer = self.people.anyone(&mut self.chance);
        let campaign = 1 + self.chance.below(4) as u64;
        let fate = match channel {
            "email" => (0.006, 0.157, 0.020),
            "push" => (0.02, 0.08, 0.03),
            _ => (0.01, 0.0, 0.04),
        };
        let clicked = self.message(at, customer, channel, Some(campaign), fate);
        if let Some(clicked) = clicked {
            self.plan(
                clicked.plus(2 * SECOND),
                What::FollowsLink(customer, campaign),
            );
        }
    }

    /// An order's confirmation.
    pub(crate) fn confirm_order(&mut self, at: Timestamp, customer: usize, order: u64) {
        let channel = if order.is_multiple_of(3) {
            "push"
        } else {
            "email"
        };
        let sent = at.plus(self.chance.between(SECOND, 5 * SECOND));
        self.message(sent, customer, channel, None, (0.004, 0.5, 0.05));
    }

    /// One message and its fate; when its link was clicked.
    fn message(
        &mut self,
        at: Timestamp,
        customer: usize,
        channel: &'static str,
        campaign: Option<u64>,
        (bounced, opened, clicked): Fate,
    ) -> Option<Timestamp> {
        let source = if channel == "email" { MAIL } else { MESSAGING };
        let id = self.number();
        let draft = |kind| {
            let draft = Draft::of(customer, source, channel, kind)
                .with("message_id", format!("m-{id}"))
                .with("automated", true);
            match campaign {
                Some(campaign) => draft.with("campaign_id", format!("cmp-{campaign}")),
                None => draft,
            }
        };
        self.say(at, draft("message.sent").outbound("system"));
        let arrived = at.plus(self.chance.lognormal(2_500.0, 0.8));
        if self.chance.yes(bounced) {
            self.say(arrived, draft("message.bounced").outbound("system"));
            return None;
        }
        self.say(arrived, draft("message.delivered").outbound("system"));
        let looked = arrived.plus(self.chance.lognormal(420_000.0, 1.1));
        if self.chance.yes(opened) {
            self.say(looked, draft("message.opened"));
        }
        if !self.chance.yes(clicked) {
            return None;
        }
        let at = looked.plus(self.chance.lognormal(9_000.0, 0.6));
        self.say(at, draft("message.clicked"));
        Some(at)
    }
}
