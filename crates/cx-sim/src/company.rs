//! In: a configuration. Kept: what will happen next, in order of time. Out: emissions.
//! Never knows: real time; the caller paces.
//!
//! Web sessions walk from page to order; contacts queue for agents in voice and chat. The story:
//! payments fail for some minutes, those hit reach for chat within a minute and for the telephone
//! a little later, the queues grow, and all recovers.

use crate::agenda::{Channel, What};
use crate::chance::Chance;
use crate::emission::Emission;
use crate::ledger::Truth;
use crate::queue::{Contact, Queue, agents};
use crate::source::Doors;
use crate::story::Story;
use cx_model::time::{MINUTE, SECOND, Timestamp};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// How the company is.
#[derive(Debug, Clone)]
pub struct Config {
    /// Same seed, same company.
    pub seed: u64,
    /// People it knows.
    pub customers: usize,
    /// Mean events per second, all together.
    pub rate_per_s: f64,
    /// When it opens.
    pub start: Timestamp,
    /// When payments begin to fail; `None`: never.
    pub incident_at: Option<Timestamp>,
    /// Duplicates, disorder, late and malformed events.
    pub faults: bool,
}

const PAGES: [&str; 4] = ["/", "/new", "/sale", "/help"];
const QUEUES: [&str; 3] = ["service", "sales", "billing"];

/// A simulated company; endless.
pub struct Company {
    config: Config,
    chance: Chance,
    agenda: BinaryHeap<Reverse<(Timestamp, u64, What)>>,
    order: u64,
    next_id: u64,
    lanes: BTreeMap<(Channel, usize), Queue>,
    pub(crate) ready: std::collections::VecDeque<Emission>,
    truth: Truth,
    pub(crate) now: Timestamp,
    pub(crate) doors: Doors,
    pub(crate) story: Story,
    worried: bool,
}

impl Company {
    /// Opens the company at its start, with some people already on the line.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut lanes = BTreeMap::new();
        for queue in 0..QUEUES.len() {
            let scale = config.rate_per_s / 40.0;
            lanes.insert((Channel::Voice, queue), Queue::new(agents(13.0 * scale)));
            lanes.insert((Channel::Chat, queue), Queue::new(agents(13.0 * scale)));
        }
        let mut company = Self {
            chance: Chance::new(config.seed),
            agenda: BinaryHeap::new(),
            order: 0,
            next_id: 0,
            lanes,
            ready: std::collections::VecDeque::new(),
            truth: Truth::default(),
            now: config.start,
            doors: Doors::default(),
            story: Story::new(config.incident_at),
            worried: false,
            config,
        };
        let start = company.config.start;
        company.plan(start, What::Session);
        company.plan(start, What::Arrival(Channel::Voice));
        company.plan(start, What::Arrival(Channel::Chat));
        if let Some(at) = company.config.incident_at {
            company.plan(at, What::Outage);
        }
        company
    }

    /// When the next record is appended.
    pub fn peek_at(&mut self) -> Timestamp {
        self.fill();
        self.ready.front().map_or(self.config.start, |e| e.at)
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
            let Some(Reverse((at, _, what))) = self.agenda.pop() else {
                return;
            };
            self.now = at;
            self.happen(at, what);
        }
    }

    pub(crate) fn plan(&mut self, at: Timestamp, what: What) {
        self.order += 1;
        self.agenda.push(Reverse((at, self.order, what)));
    }

    fn happen(&mut self, at: Timestamp, what: What) {
        match what {
            What::Session => self.session(at),
            What::Step {
                customer,
                session,
                step,
            } => self.step(at, customer, session, step),
            What::Arrival(channel) => self.arrival(at, channel),
            What::Contact {
                customer,
                channel,
                topic,
            } => self.contact(at, customer, channel, topic),
            What::Patience { lane, contact } => self.patience(at, lane, contact),
            What::Done {
                lane,
                contact,
                customer,
                wait,
                talk,
            } => {
                self.done(at, lane, contact, (&customer, wait, talk));
            }
            What::AgentFree { lane } => {
                self.lane(lane).agent_free();
                self.serve(at, lane);
            }
            What::Emit(late) => self.append(Emission { at, ..*late }),
            What::Outage => {
                let next = self.story.begins(at);
                self.plan(next, What::Outage);
                self.worry(at);
            }
            What::Worry => {
                self.worried = false;
                self.worried_contact(at);
                self.worry(at);
            }
        }
    }

    fn lane(&mut self, lane: (Channel, usize)) -> &mut Queue {
        self.lanes.get_mut(&lane).expect("all lanes exist")
    }

    /// People worry for as long as payments fail.
    fn worry(&mut self, at: Timestamp) {
        if self.worried || !self.story.failing(at) {
            return;
        }
        self.worried = true;
        let per_s = 0.5 * self.config.rate_per_s / 40.0;
        let next = at.plus(self.chance.exponential(1_000.0 / per_s));
        self.plan(next, What::Worry);
    }

    /// Worried people reach for chat at once, for the telephone after a minute.
    fn worried_contact(&mut self, at: Timestamp) {
        let share = self.story.worry(at);
        if !self.chance.yes(share) {
            return;
        }
        let customer = self.chance.below(self.config.customers);
        let (channel, delay) = if self.chance.yes(0.6) {
            (Channel::Chat, 0)
        } else {
            (Channel::Voice, self.chance.exponential(60_000.0))
        };
        let topic = "payment";
        self.plan(
            at.plus(delay),
            What::Contact {
                customer,
                channel,
                topic,
            },
        );
    }

    /// A visit begins; about nine of ten events are the shop's.
    fn session(&mut self, at: Timestamp) {
        let next = at.plus(
            self.chance
                .exponential(8_000.0 / self.config.rate_per_s * 1.0),
        );
        self.plan(next, What::Session);
        let customer = self.chance.skewed(self.config.customers);
        self.next_id += 1;
        let session = self.next_id;
        self.web(at, customer, session, "cx.session.started.v1", json!({}));
        self.plan(
            at,
            What::Step {
                customer,
                session,
                step: 0,
            },
        );
    }

    /// Steps: 0–5 pages, 6 cart, 7 checkout, 8 address, 9 delivery, 10 payment.
    fn step(&mut self, at: Timestamp, customer: usize, session: u64, step: u8) {
        let pause = self.chance.lognormal(20_000.0, 1.1);
        let (kind, data, goes_on) = match step {
            0..=5 => {
                let page = PAGES[self.chance.below(PAGES.len())];
                let product = step % 2 == 1;
                let kind = if product {
                    "cx.commerce.product_viewed.v1"
                } else {
                    "cx.view.page_viewed.v1"
                };
                (
                    kind,
                    json!({"page": page}),
                    if step == 5 { 0.16 } else { 0.86 },
                )
            }
            6 => (
                "cx.commerce.cart_item_added.v1",
                json!({"quantity": 1}),
                0.62,
            ),
            7 => ("cx.commerce.checkout_started.v1", json!({}), 0.86),
            8 => return self.checkout(at, customer, session, ("address", 0.01, 9)),
            9 => return self.checkout(at, customer, session, ("delivery", 0.01, 10)),
            _ => return self.payment(at, customer, session),
        };
        self.web(at, customer, session, kind, data);
        if self.chance.yes(goes_on) {
            self.plan(
                at.plus(pause),
                What::Step {
                    customer,
                    session,
                    step: step + 1,
                },
            );
        }
    }

    fn checkout(
        &mut self,
        at: Timestamp,
        customer: usize,
        session: u64,
        (name, fails, next): (&str, f64, u8),
    ) {
        let failed = self.chance.yes(fails);
        let outcome = if failed { "failed" } else { "ok" };
        let data = json!({"step": name, "outcome": outcome});
        self.web(at, customer, session, "cx.commerce.checkout_step.v1", data);
        let pause = self.chance.lognormal(15_000.0, 0.8);
        let step = if failed { next - 1 } else { next };
        self.plan(
            at.plus(pause),
            What::Step {
                customer,
                session,
                step,
            },
        );
    }

    fn payment(&mut self, at: Timestamp, customer: usize, session: u64) {
        let failed = self.chance.yes(self.story.failure(at));
        let outcome = if failed { "failed" } else { "ok" };
        let minute = self.truth.minute(at.minute());
        minute.payments += 1;
        minute.payments_failed += i64::from(failed);
        let data = json!({"step": "payment", "outcome": outcome, "channel": "web"});
        self.emit(
            at,
            &name_of(customer),
            "payments",
            "cx.commerce.checkout_step.v1",
            data,
        );
        if failed {
            let data = json!({"reason": "card_declined", "channel": "web"});
            self.emit(
                at,
                &name_of(customer),
                "payments",
                "cx.commerce.payment_failed.v1",
                data,
            );
            self.complain(at, customer);
            if self.chance.yes(0.5) {
                let pause = self.chance.lognormal(20_000.0, 0.8);
                self.plan(
                    at.plus(pause),
                    What::Step {
                        customer,
                        session,
                        step: 10,
                    },
                );
            }
            return;
        }
        let amount = self.chance.lognormal(6_400.0, 0.6).clamp(300, 200_000);
        let minute = self.truth.minute(at.minute());
        minute.orders += 1;
        minute.revenue_minor += amount;
        let data =
            json!({"order_id": format!("o-{session}"), "amount_minor": amount, "currency": "EUR"});
        self.web(at, customer, session, "cx.commerce.order_placed.v1", data);
    }

    /// Who could not pay reaches for chat within a minute, for the telephone a little later.
    fn complain(&mut self, at: Timestamp, customer: usize) {
        let (mean, channel) = if self.chance.yes(0.5) {
            (30_000.0, Channel::Chat)
        } else {
            (80_000.0, Channel::Voice)
        };
        let delay = self.chance.exponential(mean);
        let topic = "payment";
        self.plan(
            at.plus(delay),
            What::Contact {
                customer,
                channel,
                topic,
            },
        );
    }

    fn arrival(&mut self, at: Timestamp, channel: Channel) {
        let per_s = self.config.rate_per_s / 40.0
            * if channel == Channel::Voice {
                0.055
            } else {
                0.06
            };
        let next = at.plus(self.chance.exponential(1_000.0 / per_s));
        self.plan(next, What::Arrival(channel));
        let customer = self.chance.below(self.config.customers);
        self.contact(at, customer, channel, "delivery");
    }

    fn contact(&mut self, at: Timestamp, customer: usize, channel: Channel, topic: &'static str) {
        let queue = if topic == "payment" {
            2
        } else {
            self.chance.below(QUEUES.len())
        };
        self.next_id += 1;
        let (id, customer) = (self.next_id, name_of(customer));
        self.truth.minute(at.minute()).queued += 1;
        let data = json!({"topic": topic});
        self.contact_event(at, (channel, queue), (id, &customer), ("queued", data));
        let patience = self.chance.exponential(180_000.0);
        self.plan(
            at.plus(patience),
            What::Patience {
                lane: (channel, queue),
                contact: id,
            },
        );
        self.lane((channel, queue)).come(Contact {
            id,
            customer,
            queued_at: at,
        });
        self.serve(at, (channel, queue));
    }

    fn serve(&mut self, at: Timestamp, lane: (Channel, usize)) {
        while let Some(contact) = self.lane(lane).serve() {
            let at = at.plus(i64::try_from(self.chance.below(3_000)).unwrap_or(0));
            let wait = at.since(contact.queued_at);
            self.truth.minute(at.minute()).answered += 1;
            let who = (contact.id, contact.customer.as_str());
            let value = self.contact_bytes(at, lane, who, ("answered", json!({"wait_ms": wait})));
            self.later(Emission {
                at,
                source: lane.0.source(),
                key: contact.customer.clone(),
                value,
            });
            let talk = self.chance.lognormal(420_000.0, 0.77);
            let done = What::Done {
                lane,
                contact: contact.id,
                customer: contact.customer,
                wait,
                talk,
            };
            self.plan(at.plus(talk), done);
        }
    }

    fn patience(&mut self, at: Timestamp, lane: (Channel, usize), contact: u64) {
        let Some(gone) = self.lane(lane).leave(contact) else {
            return;
        };
        self.truth.minute(at.minute()).abandoned += 1;
        let wait = at.since(gone.queued_at);
        let data = json!({"outcome": "abandoned", "wait_ms": wait, "ended_by": "customer"});
        self.contact_event(at, lane, (gone.id, &gone.customer), ("ended", data));
    }

    fn done(
        &mut self,
        at: Timestamp,
        lane: (Channel, usize),
        id: u64,
        (customer, wait, talk): (&str, i64, i64),
    ) {
        let data =
            json!({"outcome": "handled", "wait_ms": wait, "talk_ms": talk, "ended_by": "customer"});
        self.contact_event(at, lane, (id, customer), ("ended", data));
        let wrap_up = self.chance.lognormal(60_000.0, 0.5);
        self.plan(at.plus(wrap_up), What::AgentFree { lane });
    }

    fn contact_event(
        &mut self,
        at: Timestamp,
        lane: (Channel, usize),
        who: (u64, &str),
        what: (&str, Value),
    ) {
        let value = self.contact_bytes(at, lane, who, what);
        self.deliver(Emission {
            at,
            source: lane.0.source(),
            key: who.1.to_owned(),
            value,
        });
    }

    fn contact_bytes(
        &mut self,
        at: Timestamp,
        lane: (Channel, usize),
        who: (u64, &str),
        (step, mut data): (&str, Value),
    ) -> Vec<u8> {
        let channel = lane.0;
        data["channel"] = channel.name().into();
        data["contact_id"] = format!("{}-{}", channel.name(), who.0).into();
        data["queue"] = QUEUES[lane.1].into();
        self.bytes(
            at,
            who.1,
            channel.source(),
            &format!("cx.contact.{step}.v1"),
            data,
        )
    }

    fn web(&mut self, at: Timestamp, customer: usize, session: u64, kind: &str, mut data: Value) {
        data["channel"] = "web".into();
        data["session_id"] = format!("s-{session}").into();
        self.emit(at, &name_of(customer), "web-shop", kind, data);
    }

    fn emit(
        &mut self,
        at: Timestamp,
        customer: &str,
        source: &'static str,
        kind: &str,
        data: Value,
    ) {
        let value = self.bytes(at, customer, source, kind, data);
        self.deliver(Emission {
            at,
            source,
            key: customer.to_owned(),
            value,
        });
    }

    fn bytes(
        &mut self,
        at: Timestamp,
        customer: &str,
        source: &str,
        kind: &str,
        mut data: Value,
    ) -> Vec<u8> {
        self.next_id += 1;
        self.truth.events += 1;
        data["direction"] = "inbound".into();
        data["actor"] = "customer".into();
        data["identities"] =
            json!([{"ns": "customer_id", "value": customer, "state": "authenticated"}]);
        let event = json!({
            "specversion": "1.0", "id": format!("e-{}", self.next_id), "source": source,
            "type": kind, "time": at.to_rfc3339(), "subject": customer,
            "datacontenttype": "application/json", "data": data,
        });
        event.to_string().into_bytes()
    }

    /// Appends an event, sometimes late, twice, or with a broken neighbour.
    fn deliver(&mut self, emission: Emission) {
        if !self.config.faults {
            self.append(emission);
            return;
        }
        let at = emission.at;
        if self.chance.yes(0.005) {
            self.truth.duplicates += 1;
            let again = self.chance.exponential(5_000.0);
            self.later(Emission {
                at: at.plus(again),
                ..emission.clone()
            });
        }
        if self.chance.yes(0.0005) {
            self.truth.malformed += 1;
            let value = emission.value[..emission.value.len() / 2].to_vec();
            self.later(Emission {
                at: at.plus(1),
                value,
                ..emission.clone()
            });
        }
        if self.chance.yes(0.03) {
            let delay = self.chance.lognormal(20_000.0, 1.4).min(50 * MINUTE);
            self.later(Emission {
                at: at.plus(delay.max(SECOND)),
                ..emission
            });
        } else {
            self.append(emission);
        }
    }

    pub(crate) fn later(&mut self, emission: Emission) {
        self.plan(emission.at, What::Emit(Box::new(emission)));
    }

    pub(crate) fn append(&mut self, emission: Emission) {
        self.ready.extend(self.doors.pass(emission));
    }
}

fn name_of(customer: usize) -> String {
    format!("customer:{customer}")
}
