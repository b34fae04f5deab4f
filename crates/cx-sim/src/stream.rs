//! In: the size of the company. Kept: nothing. Out: how often visits, contacts and campaigns come,
//! and by which medium. Never knows: what happens then.

use crate::agenda::What;
use crate::company::Company;
use crate::rhythm::Rhythm;
use cx_model::time::Timestamp;

/// By which medium a customer reaches for the company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    Voice,
    Chat,
    Bot,
    Email,
    Messaging,
    SocialDm,
    SocialPublic,
}

/// One attempt of a customer to reach somebody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) customer: usize,
    pub(crate) by: Medium,
    pub(crate) topic: &'static str,
    /// How often they came for this before.
    pub(crate) tries: u8,
}

/// What comes again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Shop,
    App,
    Contact(Medium),
    Campaign,
}

/// All streams, with how many come in a second where the company has [`UNIT`] events a second.
pub(crate) const STREAMS: [(Stream, f64); 10] = [
    (Stream::Shop, 4.6),
    (Stream::App, 1.3),
    (Stream::Contact(Medium::Voice), 0.12),
    (Stream::Contact(Medium::Chat), 0.08),
    (Stream::Contact(Medium::Bot), 0.08),
    (Stream::Contact(Medium::Email), 0.05),
    (Stream::Contact(Medium::Messaging), 0.03),
    (Stream::Contact(Medium::SocialDm), 0.012),
    (Stream::Contact(Medium::SocialPublic), 0.018),
    (Stream::Campaign, 0.35),
];
/// Calls a second that reach a queue on a calm day, with all who come again (measured); the agents
/// are planned for them.
pub(crate) const CALLS: f64 = 0.12;
/// Chats a second that reach a queue on a calm day (measured).
pub(crate) const CHATS: f64 = 0.12;
/// Events a second that the streams above cause, with all that follows from them (measured).
const UNIT: f64 = 42.6;
/// Events a second that come by the clock, whatever the size (measured).
const CLOCKWORK: f64 = 0.68;
/// Worried people a second at the worst moment of an outage, in a company of the usual size.
const WORRIED: f64 = 0.6;

/// How large a company with this mean rate is, the usual one being 1.
pub(crate) fn scale(rate_per_s: f64) -> f64 {
    ((rate_per_s - CLOCKWORK) / UNIT).max(rate_per_s / UNIT / 4.0)
}

impl Company {
    /// The next one of a stream comes, and the one after it is planned.
    pub(crate) fn arrive(&mut self, at: Timestamp, stream: Stream) {
        let found = STREAMS.iter().find(|(s, _)| same(*s, stream));
        let per_s = found.map_or(0.0, |f| f.1) * self.scale;
        let visits = matches!(stream, Stream::Shop | Stream::App | Stream::Campaign);
        let rhythm = if visits {
            Rhythm::Visits
        } else {
            Rhythm::Contacts
        };
        let peak = if self.config.diurnal {
            rhythm.peak()
        } else {
            1.0
        };
        let next = at.plus(self.chance.exponential(1_000.0 / (per_s * peak)));
        self.plan(next, What::Arrive(stream));
        if self.config.diurnal && !self.chance.yes(rhythm.at(at, self.config.seed) / peak) {
            return;
        }
        match stream {
            Stream::Shop => self.visit(at, false, None),
            Stream::App => self.visit(at, true, None),
            Stream::Campaign => self.campaign(at),
            Stream::Contact(by) => {
                let customer = self.people.anyone(&mut self.chance);
                let topic = self.people.topic(customer, at, &mut self.chance);
                let reach = Reach {
                    customer,
                    by,
                    topic,
                    tries: 0,
                };
                self.reach(at, reach);
            }
        }
    }

    /// A customer reaches for somebody.
    pub(crate) fn reach(&mut self, at: Timestamp, reach: Reach) {
        match reach.by {
            Medium::Voice => self.call(at, reach),
            Medium::Chat => self.ask_in_chat(at, reach),
            Medium::Bot => self.ask_bot(at, reach),
            Medium::Email | Medium::Messaging | Medium::SocialDm | Medium::SocialPublic => {
                self.write(at, reach);
            }
        }
    }

    /// Worried people come for as long as payments fail.
    pub(crate) fn worry(&mut self, at: Timestamp) {
        if self.worried || !self.story.failing(at) {
            return;
        }
        self.worried = true;
        let pause = self.chance.exponential(1_000.0 / (WORRIED * self.scale));
        self.plan(at.plus(pause), What::Worry);
    }

    /// One of them, perhaps: at once in the chat, on the telephone only after a while.
    pub(crate) fn worried_one(&mut self, at: Timestamp) {
        self.worried = false;
        self.worry(at);
        let share = self.story.worry(at);
        if !self.chance.yes(share) {
            return;
        }
        let media = [
            (Medium::Chat, 0.48),
            (Medium::Voice, 0.35),
            (Medium::Bot, 0.05),
            (Medium::Messaging, 0.05),
            (Medium::SocialPublic, 0.07),
        ];
        let by = self.chance.pick(&media);
        let delay = if by == Medium::Voice {
            self.chance.exponential(25_000.0)
        } else {
            0
        };
        let reach = Reach {
            customer: self.people.anyone(&mut self.chance),
            by,
            topic: "payment",
            tries: 0,
        };
        self.plan(at.plus(delay), What::Contact(reach));
    }

    /// Something went wrong for this customer: it is why they come, now or later.
    pub(crate) fn trouble(&mut self, at: Timestamp, customer: usize, topic: &'static str) {
        self.people.troubled(customer, topic, at);
        if !self.chance.yes(0.3) {
            return;
        }
        let mean = if self.story.failing(at) {
            60_000.0
        } else {
            900_000.0
        };
        let media = [
            (Medium::Voice, 0.45),
            (Medium::Chat, 0.25),
            (Medium::Bot, 0.12),
            (Medium::Email, 0.12),
            (Medium::Messaging, 0.06),
        ];
        let by = self.chance.pick(&media);
        let reach = Reach {
            customer,
            by,
            topic,
            tries: 0,
        };
        let delay = self.chance.exponential(mean);
        self.plan(at.plus(delay), What::Contact(reach));
    }
}

fn same(a: Stream, b: Stream) -> bool {
    match (a, b) {
        (Stream::Contact(a), Stream::Contact(b)) => a == b,
        _ => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}
