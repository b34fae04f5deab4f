//! In: calls and chats. Kept: the queues and agents of both. Out: each contact's steps from the
//! machine that asks what it is about, through the queue, to the agent's notes afterwards.
//! Never knows: what is said, and whether it helped.

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::queue::{Contact, Queue, agents};
use crate::source::name::{CHAT, CONTACT_CENTRE};
use crate::stream::{self, Reach};
use cx_model::time::{SECOND, Timestamp};
use std::collections::BTreeMap;

/// Channels with queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    Voice,
    Chat,
}

/// A queue: of a line, by skill.
pub(crate) type Lane = (Line, usize);

/// Skills, each with a queue of its own on both lines.
const SKILLS: [&str; 3] = ["service", "sales", "billing"];
/// Share of the contacts that each gets on a calm day.
const SHARES: [f64; 3] = [0.49, 0.31, 0.20];
/// Chats that an agent serves at once.
const AT_ONCE: u8 = 3;
/// Mean time of a conversation, ms, and σ of its logarithm (cv 0.9).
const TALK: (f64, f64) = (420_000.0, 0.77);
/// Mean notes afterwards, ms, and σ of their logarithm.
const NOTES: (f64, f64) = (60_000.0, 0.5);
/// Mean patience, ms.
const PATIENCE: f64 = 180_000.0;
/// Share of customers who leave as soon as they hear that they must wait.
const BALKS: f64 = 0.025;
/// Share of chats given up without a word.
const SILENT: f64 = 0.45;
/// Share of calls that the machine settles.
const SETTLED: f64 = 0.15;

impl Line {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice_call",
            Self::Chat => "chat",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Voice => CONTACT_CENTRE,
            Self::Chat => CHAT,
        }
    }
}

/// A contact that was answered, until it ends.
#[derive(Debug)]
pub(crate) struct Served {
    lane: Lane,
    contact: Contact,
    agent: usize,
    wait: i64,
    talk: i64,
}

/// The queues of a company of this size.
pub(crate) fn lanes(scale: f64) -> BTreeMap<Lane, Queue> {
    let mut lanes = BTreeMap::new();
    for (line, per_s, reserve, at_once) in [
        (Line::Voice, stream::CALLS, 0.8, 1),
        (Line::Chat, stream::CHATS, 0.8, AT_ONCE),
    ] {
        for (skill, share) in SHARES.iter().enumerate() {
            let erlangs = per_s * scale * share * (TALK.0 + NOTES.0) / 1_000.0;
            let agents = agents(erlangs, reserve, at_once);
            lanes.insert((line, skill), Queue::new(agents, at_once));
        }
    }
    lanes
}

fn skill(topic: &str) -> usize {
    match topic {
        "payment" | "invoice" => 2,
        "order" | "product" => 1,
        _ => 0,
    }
}

impl Company {
    fn lane(&mut self, lane: Lane) -> &mut Queue {
        self.lanes.get_mut(&lane).expect("all lanes exist")
    }

    /// A call: first the machine asks what it is about, and settles some.
    pub(crate) fn call(&mut self, at: Timestamp, reach: Reach) {
        let id = self.number();
        let draft = |kind| {
            Draft::of(reach.customer, CONTACT_CENTRE, "voicebot_ivr", kind)
                .with("contact_id", format!("call-{id}"))
        };
        self.say(at, draft("contact.initiated"));
        let asked = at.plus(3 * SECOND);
        let entered = draft("contact.self_service_entered").with("topic", reach.topic);
        self.say(asked, entered);
        let spoken = self.chance.between(12 * SECOND, 35 * SECOND);
        if reach.tries == 0 && self.chance.yes(SETTLED) {
            let ended = draft("contact.ended")
                .with("outcome", "self_service")
                .with("ended_by", "customer")
                .with("duration_ms", spoken);
            self.say(asked.plus(spoken), ended);
            return;
        }
        let contact = Contact {
            id,
            reach,
            queued_at: asked.plus(spoken),
            conversation: 0,
            gone: false,
            transferred: false,
        };
        self.plan(contact.queued_at, What::Queue(Box::new(contact)));
    }

    /// A chat with people: the first message is written while waiting.
    pub(crate) fn ask_in_chat(&mut self, at: Timestamp, reach: Reach) {
        let contact = Contact {
            id: self.number(),
            reach,
            queued_at: at,
            conversation: self.number(),
            gone: false,
            transferred: false,
        };
        self.chat_begins(at, &contact);
        self.enter(at, contact);
    }

    fn contact_draft(lane: Lane, contact: &Contact, kind: &'static str) -> Draft {
        let line = lane.0;
        let short = if line == Line::Voice { "call" } else { "chat" };
        let draft = Draft::of(contact.reach.customer, line.source(), line.name(), kind)
            .with("contact_id", format!("{short}-{}", contact.id))
            .with("queue", SKILLS[lane.1]);
        match line {
            Line::Voice => draft,
            Line::Chat => draft.with("conversation_id", conversation(contact)),
        }
    }

    /// A contact enters its queue.
    pub(crate) fn enter(&mut self, at: Timestamp, mut contact: Contact) {
        contact.queued_at = at;
        let line = if contact.conversation == 0 {
            Line::Voice
        } else {
            Line::Chat
        };
        let lane = (line, skill(contact.reach.topic));
        self.truth.queue(at, line.name()).queued += 1;
        let draft = Self::contact_draft(lane, &contact, "contact.queued");
        self.say(at, draft.with("topic", contact.reach.topic));
        let (id, balks) = (contact.id, self.chance.yes(BALKS));
        self.lane(lane).come(contact);
        self.serve(at, lane);
        let patience = if balks {
            self.chance.between(500, 3 * SECOND)
        } else {
            self.chance.exponential(PATIENCE)
        };
        self.plan(at.plus(patience), What::Patience { lane, contact: id });
    }

    fn serve(&mut self, at: Timestamp, lane: Lane) {
        while let Some((contact, agent)) = self.lane(lane).serve() {
            if self.lane(lane).load(agent) == 1 {
                self.agent_is(at, lane, agent, "busy");
            }
            self.answer(at, lane, contact, agent);
        }
    }

    fn answer(&mut self, at: Timestamp, lane: Lane, contact: Contact, agent: usize) {
        let at = at.plus(self.chance.between(0, 3 * SECOND));
        let wait = at.since(contact.queued_at);
        let queue = self.truth.queue(at, lane.0.name());
        queue.answered += 1;
        queue.answered_in_20_s += i64::from(wait <= 20 * SECOND);
        queue.wait_ms += wait;
        let draft = Self::contact_draft(lane, &contact, "contact.answered")
            .outbound("agent")
            .with("agent_id", agent_id(lane, agent))
            .with("wait_ms", wait);
        self.say(at, draft);
        let mut talk = self.chance.lognormal(TALK.0, TALK.1);
        if contact.gone {
            talk = self.chance.between(60 * SECOND, 90 * SECOND);
        }
        if lane.0 == Line::Chat {
            self.chat_goes_on(at, &contact, talk);
        }
        let end = at.plus(talk);
        let served = Served {
            lane,
            contact,
            agent,
            wait,
            talk,
        };
        self.plan(end, What::Done(Box::new(served)));
    }

    /// A customer's patience ends; nothing happens where the contact waits no more.
    pub(crate) fn lose_patience(&mut self, at: Timestamp, lane: Lane, id: u64) {
        let silent = lane.0 == Line::Chat && self.chance.yes(SILENT);
        if silent {
            if let Some(contact) = self.lane(lane).waits(id) {
                contact.gone = true;
            }
            return;
        }
        let Some(contact) = self.lane(lane).leave(id) else {
            return;
        };
        let wait = at.since(contact.queued_at);
        if lane.0 == Line::Voice && wait > 30 * SECOND && self.chance.yes(0.1) {
            self.truth.queue(at, lane.0.name()).called_back += 1;
            let left = Self::contact_draft(lane, &contact, "contact.dequeued");
            self.say(at, left.with("reason", "callback").with("wait_ms", wait));
            self.promise_call_back(at, &contact);
            return;
        }
        self.truth.queue(at, lane.0.name()).abandoned += 1;
        let ended = Self::contact_draft(lane, &contact, "contact.ended")
            .with("outcome", "abandoned")
            .with("wait_ms", wait)
            .with("ended_by", "customer");
        self.say(at, ended);
        if lane.0 == Line::Chat {
            self.chat_closes(at, &contact, "abandoned");
        }
        self.comes_again(at, contact.reach, 0.4);
    }

    /// An answered contact ends; its agent takes notes.
    pub(crate) fn done(&mut self, at: Timestamp, served: Served) {
        let Served {
            lane,
            contact,
            agent,
            wait,
            talk,
        } = served;
        let passed_on = lane.0 == Line::Voice && !contact.transferred && self.chance.yes(0.04);
        let outcome = match (contact.gone, passed_on) {
            (true, _) => "silent",
            (false, true) => "transferred",
            (false, false) => "handled",
        };
        if passed_on {
            let moved = Self::contact_draft(lane, &contact, "contact.transferred");
            self.say(at, moved.outbound("agent").with("talk_ms", talk));
        } else {
            let ended = Self::contact_draft(lane, &contact, "contact.ended")
                .with("outcome", outcome)
                .with("wait_ms", wait)
                .with("talk_ms", talk)
                .with("ended_by", if contact.gone { "system" } else { "customer" });
            self.say(at, ended);
        }
        let notes = if contact.gone {
            2 * SECOND
        } else {
            self.chance.lognormal(NOTES.0, NOTES.1)
        };
        if lane.0 == Line::Voice {
            self.notes(at, lane, &contact, agent, notes);
        }
        self.plan(at.plus(notes), What::Free { lane, agent });
        if lane.0 == Line::Chat {
            self.chat_closes(at, &contact, outcome);
        }
        match outcome {
            "handled" => self.aftermath(at, contact.reach, lane.0.name(), wait),
            "transferred" => {
                let mut next = contact;
                next.transferred = true;
                next.reach.topic = if skill(next.reach.topic) == 2 {
                    "order"
                } else {
                    "invoice"
                };
                self.plan(at.plus(SECOND), What::Queue(Box::new(next)));
            }
            _ => self.comes_again(at, contact.reach, 0.3),
        }
    }

    fn notes(&mut self, at: Timestamp, lane: Lane, contact: &Contact, agent: usize, ms: i64) {
        let draft = |kind| {
            Self::contact_draft(lane, contact, kind)
                .internal("agent")
                .with("agent_id", agent_id(lane, agent))
        };
        self.agent_is(at, lane, agent, "wrap_up");
        self.say(at, draft("contact.wrapup_started"));
        let ended = draft("contact.wrapup_ended").with("wrapup_ms", ms);
        self.say(at.plus(ms), ended);
    }

    /// An agent has a hand free.
    pub(crate) fn agent_free(&mut self, at: Timestamp, lane: Lane, agent: usize) {
        self.lane(lane).freed(agent);
        self.serve(at, lane);
        if self.lane(lane).load(agent) == 0 {
            self.agent_is(at, lane, agent, "available");
        }
    }

    fn agent_is(&mut self, at: Timestamp, lane: Lane, agent: usize, state: &'static str) {
        let id = agent_id(lane, agent);
        let draft = Draft::system(lane.0.source(), "agent.state_changed", id.clone())
            .internal("agent")
            .with("agent_id", id)
            .with("state", state)
            .with("queue", SKILLS[lane.1]);
        self.say(at, draft);
    }
}

/// The name of a contact's exchange of messages.
pub(crate) fn conversation(contact: &Contact) -> String {
    format!("cv-{}", contact.conversation)
}

fn agent_id(lane: Lane, agent: usize) -> String {
    format!("{}-{}-{agent}", lane.0.name(), SKILLS[lane.1])
}
