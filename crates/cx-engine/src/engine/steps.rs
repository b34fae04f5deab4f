//! In: events that count or came late. Kept: what [`Engine`] keeps of customers, contacts,
//! conversations and sources. Out: facts; what fell due; decisions. Never knows: panes, offsets.

use super::Engine;
use crate::kpi::meter::Counted;
use crate::kpi::names::{CaseStep, ContactStep, ConversationStep, Step};
use crate::kpi::objects::Family;
use crate::state::contacts::Move;
use crate::state::conversations::Talk;
use crate::state::customers::{Customers, Refused, Seen};
use crate::state::deadlines::Promise;
use cx_catalog::compiled::View;
use cx_catalog::fact::{Fact, Facts};
use cx_model::attribute::{SLOT_AUTOMATED, SLOT_CHANNEL, SLOT_CONTACT, SLOT_CONVERSATION};
use cx_model::event::Slot;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;

/// What can fall due, in the order in which it fires at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Contact,
    Conversation,
    Attempt,
    Case,
}

impl Engine {
    /// Fires everything due at or before `log_time` in order of (due, kind, key): contacts that
    /// are forgotten, replies that are due, deadlines that are breached, conversations that are
    /// forgotten, attempts that are decided or forgotten.
    pub(super) fn fire_until(&mut self, log_time: Timestamp) {
        if self.due.is_none_or(|due| due > log_time) {
            return;
        }
        while let Some((_, kind)) = self.first_due() {
            if !self.fire(kind, log_time) {
                break;
            }
        }
        self.find_due();
    }

    /// Fires the first of a kind that is due; false where none is.
    fn fire(&mut self, kind: Due, log_time: Timestamp) -> bool {
        let (set, objects) = (&self.plan.set, &mut self.meter.objects);
        match kind {
            Due::Contact => {
                let Some((key, change)) = self.contacts.forget(log_time) else {
                    return false;
                };
                objects.change(set, Family::Contacts, key, &change);
            }
            Due::Case => {
                let Some((key, change)) = self.cases.forget(log_time) else {
                    return false;
                };
                objects.change(set, Family::Cases, key, &change);
            }
            Due::Attempt => {
                let Some(turned) = self.attempts.fire(log_time) else {
                    return false;
                };
                turned.iter().for_each(|t| self.turn(t));
            }
            Due::Conversation => {
                let Some(fired) = self.conversations.fire(log_time) else {
                    return false;
                };
                objects.change(set, Family::Conversations, fired.key, &fired.change);
                if let Some(ruled) = fired.ruled {
                    self.decide(fired.key, ruled);
                }
            }
        }
        true
    }

    /// What falls due first; of what falls due together, in the order of kinds.
    fn first_due(&self) -> Option<(Timestamp, Due)> {
        let dues = [
            (self.contacts.next_due(), Due::Contact),
            (self.conversations.next_due(), Due::Conversation),
            (self.attempts.next_due(), Due::Attempt),
            (self.cases.next_due(), Due::Case),
        ];
        dues.into_iter()
            .filter_map(|(due, kind)| Some((due?, kind)))
            .min()
    }

    /// After dues changed.
    pub(super) fn find_due(&mut self) {
        self.due = self.first_due().map(|(due, _)| due);
    }

    /// State that takes an event however late it is: customer, contact, source, registry.
    pub(super) fn remember(
        &mut self,
        counted: &mut Counted<'_, '_>,
        outcome: &'static str,
    ) -> Facts {
        let (event, kind) = (counted.event, &self.plan.names[counted.kind]);
        let step = kind.step;
        let channel = event.slot(SLOT_CHANNEL).text();
        let channel_index = channel.and_then(|name| self.plan.names.channel(name));
        counted.channel = channel_index;
        let source = self.plan.names.source(&event.source);
        let most = self.plan.set.limits.unregistered;
        for (what, name, known) in [
            ("type", Some(&*event.kind), kind.registered),
            ("channel", channel, channel_index.is_some()),
            ("source", Some(&*event.source), source.is_some()),
        ] {
            if let (Some(name), false) = (name, known) {
                self.account.unregistered(what, name, most);
            }
        }
        let view = View {
            event: Some(event),
            outcome,
            reason: "",
            facts: &Facts::NONE,
        };
        if let Some(source) = source {
            self.account.cel_errors += self.meter.source(source, counted.time, view);
        }
        if let Some(customer) = counted.customer {
            let seen = Seen {
                time: counted.time,
                contact: step == Some(Step::Contact(ContactStep::Queued)),
                channel: channel_index,
            };
            counted.row = self.customer(customer, seen);
        }
        match step {
            Some(Step::Contact(step)) => {
                let facts = self.contact(step, counted.time, view);
                self.find_due();
                facts
            }
            Some(Step::Conversation(step)) => {
                let facts = self.conversation(step, counted, view);
                self.find_due();
                facts
            }
            Some(Step::Case(step)) => {
                self.case(step, counted.time, view);
                Facts::NONE
            }
            None => Facts::NONE,
        }
    }

    /// Cases are kept where somebody counts them.
    fn case(&mut self, step: CaseStep, time: Timestamp, view: View<'_, '_>) {
        let slot = self.case_slot.filter(|_| self.meter.objects.counts_cases());
        let id = view
            .event
            .zip(slot)
            .and_then(|(e, slot)| e.slot(slot).text());
        let Some(id) = id else {
            return;
        };
        let key = self.config.hash_key.hash(&["case", id]);
        let opened = (step == CaseStep::Opened).then(|| {
            let (marks, errors) = self.meter.marks(Family::Cases, time, view);
            self.account.cel_errors += errors;
            marks
        });
        match self.cases.step(key, (time, self.log_time), opened) {
            Some(change) => {
                let objects = &mut self.meter.objects;
                objects.change(&self.plan.set, Family::Cases, key, &change);
            }
            None => self.account.limit("cases"),
        }
        self.find_due();
    }

    /// Takes note of a customer; where the meter keeps its minutes. Where there is no room, those who
    /// were not seen for long give way; if there are none, the event counts for no customer.
    fn customer(&mut self, customer: Key128, seen: Seen) -> Option<u32> {
        let meter = &mut self.meter;
        let mut note = |customers: &mut Customers| {
            customers.note(customer, seen, |known| meter.row(customer, known))
        };
        let mut noted = note(&mut self.customers);
        if noted.is_err() {
            let forgotten = self.customers.make_room(self.log_time);
            self.account.forgotten += i64::try_from(forgotten).expect("few customers");
            if forgotten > 0 {
                noted = note(&mut self.customers);
            }
        }
        noted.unwrap_or_else(|Refused| {
            self.account.limit("customers");
            None
        })
    }

    fn contact(&mut self, step: ContactStep, time: Timestamp, view: View<'_, '_>) -> Facts {
        let mut facts = Facts::NONE;
        let Some(id) = view.event.and_then(|e| e.slot(SLOT_CONTACT).text()) else {
            return facts;
        };
        let what = match step {
            ContactStep::Queued => {
                let (marks, errors) = self.meter.marks(Family::Contacts, time, view);
                self.account.cel_errors += errors;
                Move::Queued(marks)
            }
            ContactStep::Answered => Move::Answered,
            ContactStep::Dequeued => Move::Dequeued,
            ContactStep::Ended => Move::Ended,
        };
        let key = self.config.hash_key.hash(&["contact", id]);
        let Some(taken) = self.contacts.step(key, (time, self.log_time), what) else {
            self.account.limit("contacts");
            return facts;
        };
        let objects = &mut self.meter.objects;
        objects.change(&self.plan.set, Family::Contacts, key, &taken.change);
        facts.set(Fact::Wait, taken.wait_ms);
        facts
    }

    fn conversation(
        &mut self,
        step: ConversationStep,
        counted: &Counted<'_, '_>,
        view: View<'_, '_>,
    ) -> Facts {
        let mut facts = Facts::NONE;
        let Some(event) = view.event else {
            return facts;
        };
        let Some(id) = event.slot(SLOT_CONVERSATION).text() else {
            return facts;
        };
        let what = match step {
            ConversationStep::CustomerMessage => {
                let (marks, errors) = self.meter.marks(Family::Conversations, counted.time, view);
                self.account.cel_errors += errors;
                let promise = counted.channel.and_then(|channel| {
                    let target = self.plan.set.reply_targets[channel].as_ref();
                    let due = target.and_then(|target| target.due(counted.time));
                    due.map(|due| (due, channel))
                });
                let promise = promise.map(|(due, channel)| {
                    let (marks, errors) = self.meter.promised(counted.time, view);
                    self.account.cel_errors += errors;
                    Promise {
                        due,
                        customer: counted.customer,
                        channel,
                        marks,
                    }
                });
                Talk::Asked { promise, marks }
            }
            ConversationStep::AgentMessage => {
                if matches!(event.slot(SLOT_AUTOMATED), Slot::Bool(true)) {
                    return facts;
                }
                Talk::Replied
            }
            ConversationStep::Closed => Talk::Closed,
        };
        let key = self.config.hash_key.hash(&["conversation", id]);
        let times = (counted.time, self.log_time);
        let Some(taken) = self.conversations.step(key, times, what) else {
            self.account.limit("conversations");
            return facts;
        };
        if taken.lost {
            self.account.limit("unanswered");
        }
        if taken.unkept {
            self.account.limit("deadlines");
        }
        let objects = &mut self.meter.objects;
        objects.change(&self.plan.set, Family::Conversations, key, &taken.change);
        facts.set(Fact::FirstReply, taken.first_reply_ms);
        facts.set(Fact::Reply, taken.reply_ms);
        let target = counted
            .channel
            .and_then(|c| self.plan.set.reply_targets[c].as_ref());
        let calendar = target.and_then(|t| t.calendar.as_ref());
        let business = |ms: i64| match calendar {
            Some(calendar) => calendar.between(counted.time.plus(-ms), counted.time),
            None => ms,
        };
        facts.set(Fact::FirstReplyBusiness, taken.first_reply_ms.map(business));
        facts.set(Fact::ReplyBusiness, taken.reply_ms.map(business));
        for ruled in taken.ruled {
            self.decide(key, ruled);
        }
        self.met(&taken.kept, counted.time, self.log_time);
        facts
    }
}
