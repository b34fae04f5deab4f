//! In: contacts that ended, and what was promised in them. Kept: nothing. Out: cases with their
//! steps, promises kept or broken, and customers who come again. Never knows: queues.

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::queue::Contact;
use crate::source::name::CRM;
use crate::stream::{Medium, Reach};
use cx_model::time::{MINUTE, Timestamp};

/// Share of contacts that settle the matter.
const SETTLED: f64 = 0.7;
/// Of those whose matter is open: who comes again by another medium.
const SWITCHES: f64 = 0.18;
/// Who comes again by the same.
const REPEATS: f64 = 0.2;
/// How often a customer comes for one matter at most.
const TRIES: u8 = 3;
/// How long a case may take, as promised, ms.
const CASE_DUE: i64 = 45 * MINUTE;
/// How long until a promised call-back, ms.
const CALL_BACK_DUE: i64 = 20 * MINUTE;

impl Company {
    /// What follows a contact that was handled.
    pub(crate) fn aftermath(
        &mut self,
        at: Timestamp,
        reach: Reach,
        channel: &'static str,
        wait: i64,
    ) {
        let settled = self.chance.yes(SETTLED);
        self.ask_after_contact(at, reach, channel, (wait, settled));
        if settled {
            return;
        }
        self.case(at, reach);
        if reach.tries < TRIES && self.chance.yes(SWITCHES) {
            let other = match reach.by {
                Medium::Voice => Medium::Chat,
                Medium::Chat | Medium::Bot | Medium::Email | Medium::Messaging => Medium::Voice,
                Medium::SocialDm | Medium::SocialPublic => Medium::Email,
            };
            self.comes_again(at, Reach { by: other, ..reach }, 1.0);
        } else {
            self.comes_again(at, reach, REPEATS);
        }
    }

    /// Perhaps the customer comes again for the same matter, in a while.
    pub(crate) fn comes_again(&mut self, at: Timestamp, reach: Reach, chance: f64) {
        if reach.tries >= TRIES || !self.chance.yes(chance) {
            return;
        }
        let delay = self.chance.lognormal(1_200_000.0, 0.9);
        let tries = reach.tries + 1;
        self.plan(at.plus(delay), What::Contact(Reach { tries, ..reach }));
    }

    fn case(&mut self, at: Timestamp, reach: Reach) {
        let id = self.number();
        let draft = |kind| {
            Draft::of(reach.customer, CRM, "crm_backoffice", kind)
                .internal("agent")
                .with("case_id", format!("case-{id}"))
                .with("topic", reach.topic)
        };
        self.truth.minute(at).cases_opened += 1;
        self.say(at, draft("case.opened"));
        let assigned = at.plus(self.chance.exponential(120_000.0));
        self.say(assigned, draft("case.assigned"));
        let resolved = assigned.plus(self.chance.lognormal(1_500_000.0, 0.8));
        self.say(resolved, draft("case.resolved").with("outcome", "handled"));
        self.promise(at, resolved, CASE_DUE, &draft);
        if self.chance.yes(0.08) {
            let again = resolved.plus(self.chance.lognormal(1_200_000.0, 0.8));
            self.say(again, draft("case.reopened"));
            let at_last = again.plus(self.chance.lognormal(1_500_000.0, 0.8));
            self.say(at_last, draft("case.resolved").with("outcome", "handled"));
        }
    }

    /// A customer rather waits for a call than on the line.
    pub(crate) fn promise_call_back(&mut self, at: Timestamp, contact: &Contact) {
        let reach = contact.reach;
        let id = contact.id;
        let draft = |kind| {
            Draft::of(reach.customer, CRM, "voice_call", kind)
                .outbound("agent")
                .with("contact_id", format!("call-{id}"))
                .with("topic", reach.topic)
        };
        let due = at.plus(CALL_BACK_DUE).to_rfc3339();
        self.say(at, draft("contact.callback_scheduled").with("due", due));
        let called = at.plus(self.chance.lognormal(780_000.0, 0.6));
        self.promise(at, called, CALL_BACK_DUE, &draft);
    }

    /// A promise is made, and kept in time or broken when it is due.
    fn promise(
        &mut self,
        at: Timestamp,
        done: Timestamp,
        within: i64,
        draft: &impl Fn(&'static str) -> Draft,
    ) {
        let id = format!("pr-{}", self.number());
        let due = at.plus(within);
        let said = |kind| draft(kind).with("promise_id", id.clone());
        let made = said("promise.made")
            .with("due", due.to_rfc3339())
            .with("subject_ref", id.clone())
            .with("calendar", "always");
        self.truth.minute(at).promises[0] += 1;
        self.say(at, made);
        let (when, kind, slot) = if done <= due {
            (done, "promise.kept", 1)
        } else {
            (due, "promise.broken", 2)
        };
        self.truth.minute(when).promises[slot] += 1;
        let said = said(kind);
        let said = if kind == "promise.kept" {
            said.with("delay_ms", when.since(due))
        } else {
            said
        };
        self.say(when, said);
    }
}
