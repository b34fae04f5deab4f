//! In: a configuration. Kept: everybody and everything in it, and what happens next. Out: emissions
//! in order of time. Never knows: real time; the caller paces.
//!
//! Visits walk from page to order; calls and chats queue for agents; letters lie on desks. The
//! story: payments fail for some minutes, worried people reach for the chat at once and for the
//! telephone a little later, the queues grow, and all recovers. Each of these has a room of its
//! own beside this one.

use crate::agenda::{Agenda, What};
use crate::chance::Chance;
use crate::config::Config;
use crate::draft::Draft;
use crate::emission::Emission;
use crate::floor::{self, Lane};
use crate::ledger::Truth;
use crate::population::Population;
use crate::queue::Queue;
use crate::source::Doors;
use crate::story::Story;
use crate::stream::{self, STREAMS};
use cx_model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// A simulated company; endless.
#[derive(Debug)]
pub struct Company {
    pub(crate) config: Config,
    pub(crate) scale: f64,
    pub(crate) chance: Chance,
    /// The dice of what happens aside, and whether that is now: the story does not feel it.
    pub(crate) other_chance: Chance,
    pub(crate) aside: bool,
    agenda: Agenda,
    next_number: u64,
    /// How many events each source has said.
    said: BTreeMap<&'static str, u64>,
    pub(crate) people: Population,
    pub(crate) lanes: BTreeMap<Lane, Queue>,
    pub(crate) ready: VecDeque<Emission>,
    pub(crate) truth: Truth,
    pub(crate) now: Timestamp,
    pub(crate) doors: Doors,
    pub(crate) story: Story,
    /// Whether a next worried customer is planned.
    pub(crate) worried: bool,
}

impl Company {
    /// Opens the company at its start.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let scale = stream::scale(config.rate_per_s);
        let start = config.start;
        let mut company = Self {
            scale,
            chance: Chance::new(config.seed),
            other_chance: Chance::new(config.seed.wrapping_add(1 << 32)),
            aside: false,
            agenda: Agenda::default(),
            next_number: 0,
            said: BTreeMap::new(),
            people: Population::new(config.customers),
            lanes: floor::lanes(scale),
            ready: VecDeque::new(),
            truth: Truth::default(),
            now: start,
            doors: Doors::default(),
            story: Story::new(config.incident_at),
            worried: false,
            config,
        };
        for (stream, _) in STREAMS {
            company.plan(start, What::Arrive(stream));
        }
        company.start_clockwork(start);
        company.plan_source_outage();
        if let Some(at) = company.config.incident_at {
            company.plan(at, What::Outage);
        }
        company
    }

    /// When the next record is appended.
    pub fn peek_at(&mut self) -> Timestamp {
        self.fill();
        self.ready.front().map_or(self.now, |e| e.at)
    }

    /// The next record, in order of time.
    pub fn next_emission(&mut self) -> Emission {
        self.fill();
        self.ready.pop_front().expect("the company never ends")
    }

    /// What is true.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    fn fill(&mut self) {
        while self.ready.is_empty() {
            let Some((at, what)) = self.agenda.next() else {
                return;
            };
            self.now = self.now.max(at);
            self.happen(self.now, what);
        }
    }

    pub(crate) fn plan(&mut self, at: Timestamp, what: What) {
        self.agenda.plan(at, what);
    }

    fn happen(&mut self, at: Timestamp, what: What) {
        match what {
            What::Arrive(stream) => self.arrive(at, stream),
            What::Visit(visit) => self.go(at, visit),
            What::FollowsLink(customer, campaign) => {
                self.visit(at, false, Some((customer, campaign)));
            }
            What::Contact(reach) => self.reach(at, reach),
            What::Queue(contact) => self.enter(at, *contact),
            What::Patience { lane, contact } => self.lose_patience(at, lane, contact),
            What::Done(served) => self.done(at, *served),
            What::Free { lane, agent } => self.agent_free(at, lane, agent),
            What::Say(draft) => self.say_planned(at, &draft),
            What::Append(late) => self.append(Emission { at, ..*late }),
            What::Outage => {
                let next = self.story.begins(at);
                self.plan(next, What::Outage);
                self.incident(at);
                self.worry(at);
            }
            What::Worry => self.worried_one(at),
            What::Beat(source) => self.beat(at, source),
            What::IncidentWatch(id) => self.watch(at, id),
            What::SourceStops(source) => {
                self.stop_source(source);
            }
            What::SourceStarts(source) => {
                self.start_source(source);
            }
        }
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Says something at its time: now, or when it comes.
    pub(crate) fn say(&mut self, at: Timestamp, mut draft: Draft) {
        draft.aside |= self.aside;
        if at > self.now {
            self.plan(at, What::Say(Box::new(draft)));
        } else {
            self.say_planned(at, &draft);
        }
    }

    fn say_planned(&mut self, at: Timestamp, draft: &Draft) {
        if draft.aside && !self.aside {
            self.aside(|company| company.say_now(at, draft));
        } else {
            self.say_now(at, draft);
        }
    }

    /// With dice of its own: how much of it there is changes nothing of the story.
    pub(crate) fn aside(&mut self, act: impl FnOnce(&mut Self)) {
        self.aside = true;
        std::mem::swap(&mut self.chance, &mut self.other_chance);
        act(self);
        std::mem::swap(&mut self.chance, &mut self.other_chance);
        self.aside = false;
    }

    fn say_now(&mut self, at: Timestamp, draft: &Draft) {
        let stamped = at.plus(draft.clock_off);
        self.truth.minute(stamped).events += 1;
        self.truth.events += 1;
        self.truth.clocks_off += i64::from(draft.clock_off != 0);
        let id = self.number();
        let said = self.said.entry(draft.source).or_default();
        *said += 1;
        let sequence = *said;
        let emission = |id| Emission {
            at,
            source: draft.source,
            key: draft.key(),
            value: draft.bytes(id, sequence, stamped),
        };
        let first = emission(id);
        if draft.is_a_page() && self.chance.yes(self.config.faults.collisions) {
            self.truth.collisions += 1;
            let again = draft.clone().with("page", "/collided");
            let value = again.bytes(id, sequence, stamped);
            self.later(Emission {
                at: at.plus(40),
                value,
                ..first.clone()
            });
        }
        self.deliver(first);
    }

    pub(crate) fn later(&mut self, emission: Emission) {
        self.plan(emission.at, What::Append(Box::new(emission)));
    }

    pub(crate) fn append(&mut self, emission: Emission) {
        self.ready.extend(self.doors.pass(emission));
        self.truth.lost = self.doors.lost;
    }
}
