//! In: one partition's records in order. Kept: that partition's state. Out: effects.
//! Never knows: wall clocks, other partitions, bytes.

mod attempts;
mod decisions;
mod finals;
mod sets;
mod snapshot;
mod steps;

pub use snapshot::{Block, Cut, Unfit};

use self::decisions::Place;
use self::sets::Sets;
use crate::account::Account;
use crate::effect::{Effect, Part};
use crate::kpi::meter::{Counted, Meter};
use crate::plan::Plan;
use crate::state::attempts::{self as attempted, Attempts};
use crate::state::cases::Cases;
use crate::state::contacts::Contacts;
use crate::state::conversations::Conversations;
use crate::state::customers::{CustomerReader, Customers, Room};
use crate::state::deadlines::Terms;
use crate::state::repeats::{Repeats, Seen as Known};
use crate::state::waiting::Lives;
use cx_catalog::compiled::View;
use cx_catalog::fact::Facts;
use cx_model::control::{Act, Control};
use cx_model::event::Event;
use cx_model::ids::{HashKey, partition_of};
use cx_model::record::TimestampKind;
use cx_model::reject::{Reason, Rejected};
use cx_model::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// What an engine is told once.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Its partition.
    pub partition: u32,
    /// How many there are; pinned.
    pub partitions: u32,
    /// First offset it will read.
    pub start_offset: i64,
    /// On the embedded broker every offset without a record is a lost record.
    pub gaps_are_losses: bool,
    /// Key of the hashes that stand for customers, contacts and event ids.
    pub hash_key: HashKey,
}

/// Which passed seconds are emitted. An input from the house; changes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Every second (of a longer silence only its last 120 and the whole minutes).
    Second,
    /// Whole minutes only: the partition is catching up.
    Minute,
}

/// One record, decoded.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Who set the timestamp.
    pub timestamp_kind: TimestampKind,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a record holds.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// A valid event; borrowed, for it is large.
    Event(&'a Event<'a>),
    /// A control record with a right signature.
    Control(Control),
    /// Neither.
    Rejected(Rejected),
}

/// One partition's mind.
pub struct Engine {
    config: Config,
    plan: Arc<Plan>,
    account: Account,
    step: Step,
    start: Option<Timestamp>,
    log_time: Timestamp,
    passed: i64,
    control_counter: Option<u64>,
    sets: Sets,
    repeats: Repeats,
    customers: Customers,
    contacts: Contacts,
    conversations: Conversations,
    attempts: Attempts,
    cases: Cases,
    /// Slot of `data.case_id`, where cases are counted.
    case_slot: Option<usize>,
    meter: Meter,
    /// As [`Engine::poll_timeout`], which every record asks.
    due: Option<Timestamp>,
    effects: VecDeque<Effect>,
    place: Place,
}

/// How long after its last step an open case is kept, ms of log time: 90 days.
const CASE_OPEN_MS: i64 = 90 * 24 * 60 * 60_000;
/// Most minutes and seconds emitted for one record, however long the silence before it.
const MINUTES_EMITTED: i64 = 180;
const SECONDS_EMITTED: i64 = 120;

impl Engine {
    /// An engine that has seen nothing; set 1 holds from the first offset on.
    #[must_use]
    pub fn new(config: Config, plan: Arc<Plan>) -> Self {
        let limits = plan.set.limits;
        let lives = Lives {
            open_ms: limits.contact_open_ms,
            closed_ms: limits.contact_closed_ms,
        };
        let terms = Terms {
            lateness_ms: limits.lateness_ms,
            horizon_ms: limits.horizon_ms,
        };
        Self {
            account: Account {
                start: config.start_offset,
                next: config.start_offset,
                ..Account::default()
            },
            step: Step::Second,
            start: None,
            log_time: Timestamp(0),
            passed: 0,
            control_counter: None,
            sets: Sets::none(),
            repeats: Repeats::new(limits.repeat_minutes, limits.repeats),
            customers: Customers::new(Room {
                most: limits.customers,
                idle_ms: limits.customer_idle_ms,
            }),
            contacts: Contacts::new(limits.contacts, lives),
            conversations: Conversations::new(limits.conversations, lives, terms),
            attempts: Attempts::new(attempted::MOST, terms),
            cases: Cases::new(
                limits.contacts,
                Lives {
                    open_ms: CASE_OPEN_MS,
                    closed_ms: limits.contact_closed_ms,
                },
            ),
            case_slot: plan.set.slots.slot("case_id"),
            meter: Meter::new(Arc::clone(&plan)),
            due: None,
            effects: VecDeque::new(),
            place: Place::of(config.start_offset),
            config,
            plan,
        }
    }

    /// A record came in. Its effects must be taken before the next one. A record below the next
    /// offset is refused and counted as stale.
    pub fn handle_record(&mut self, delivery: &Delivery<'_>) {
        if delivery.offset < self.account.next {
            self.account.stale += 1;
            return;
        }
        let gap = delivery.offset - self.account.next;
        self.account.gaps += gap;
        if gap > 0 && self.config.gaps_are_losses {
            self.account.miss(delivery.offset);
        }
        self.place.reach(delivery.offset);
        let (moved, jumped) = self.moved(delivery);
        self.handle_timeout(moved);
        self.account.next = delivery.offset + 1;
        let refused = if jumped {
            Err(jump())
        } else {
            self.named(delivery)
        };
        if let Err(rejected) = refused {
            self.dead_letter(delivery, rejected);
        }
        self.place = Place::of(self.account.next);
    }

    /// The records from the next offset up to `to` were never read and are gone from the log: values
    /// say so until somebody acknowledges it.
    pub fn lose(&mut self, to: i64) {
        if to > self.account.next {
            self.account.miss(to);
            self.account.lost += to - self.account.next;
            self.account.next = to;
            self.place = Place::of(to);
        }
    }

    /// Log time passed: fires what is due, emits the seconds that were passed. Never goes back.
    pub fn handle_timeout(&mut self, log_time: Timestamp) {
        let second = log_time.second();
        if self.start.is_none() {
            self.start = Some(log_time);
            self.log_time = log_time;
            self.passed = second - 1;
        }
        self.log_time = self.log_time.max(log_time);
        let oldest = second - MINUTES_EMITTED * 60;
        let mut s = (self.passed + 1).max(oldest);
        while s <= second {
            let near = self.step == Step::Second && second - s < SECONDS_EMITTED;
            if near || s.rem_euclid(60) == 0 {
                self.finish(s);
                self.fire_until(Timestamp::from_second(s));
                self.come(s);
                self.meter.advance(s);
                self.emit(s);
                s += 1;
            } else if self.step == Step::Second {
                s = (s.div_euclid(60) * 60 + 60)
                    .min(second - SECONDS_EMITTED + 1)
                    .max(s + 1);
            } else {
                s = s.div_euclid(60) * 60 + 60;
            }
        }
        if second > self.passed {
            self.finish(second);
            self.come(second);
            self.meter.advance(second);
        }
        self.fire_until(self.log_time);
        self.repeats.forget(self.log_time.minute());
    }

    /// The next deadline, in log time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }

    /// The next thing to do; `None` when there is nothing.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Which seconds to emit from now on.
    pub fn set_step(&mut self, step: Step) {
        self.step = step;
    }

    /// Where every offset went.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The partition's only now; `None` before the first record.
    #[must_use]
    pub fn log_time(&self) -> Option<Timestamp> {
        self.start.map(|_| self.log_time)
    }

    /// The highest control counter seen, 0 before the first.
    #[must_use]
    pub fn control_counter(&self) -> u64 {
        self.control_counter.unwrap_or(0)
    }

    /// A reader of this partition's customers, for any thread.
    #[must_use]
    pub fn customers(&self) -> CustomerReader {
        self.customers.reader()
    }

    /// Every bounded table: its name (as in [`Account::limited`]), how much it holds, and its limit.
    #[must_use]
    pub fn tables(&self) -> [(&'static str, usize, usize); 8] {
        let limits = self.plan.set.limits;
        [
            ("repeats", self.repeats.len(), limits.repeats),
            ("customers", self.customers.len(), limits.customers),
            ("contacts", self.contacts.len(), limits.contacts),
            (
                "conversations",
                self.conversations.len(),
                limits.conversations,
            ),
            ("lasting", self.meter.lasting(), limits.customers),
            ("cases", self.cases.len(), limits.contacts),
            ("attempts", self.attempts.len(), attempted::MOST),
            ("distinct", self.meter.recent(), limits.customers),
        ]
    }

    /// Sizes of the tables: customers, contacts.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.customers.len(), self.contacts.len())
    }

    /// Where log time goes with this record, and whether the record is refused as a jump.
    fn moved(&self, delivery: &Delivery<'_>) -> (Timestamp, bool) {
        let to = self.log_time.max(delivery.timestamp);
        if self.start.is_none() {
            return (delivery.timestamp, false);
        }
        let far = delivery.timestamp.since(self.log_time) > self.plan.set.limits.future_ms;
        let allowed = delivery.timestamp_kind == TimestampKind::LogAppend
            || matches!(&delivery.content, Content::Control(c) if self.rises(c));
        if far && !allowed {
            (self.log_time, true)
        } else {
            (to, false)
        }
    }

    fn rises(&self, control: &Control) -> bool {
        self.control_counter
            .is_none_or(|last| control.counter > last)
    }

    fn emit(&mut self, s: i64) {
        let part = self.part(s);
        self.effects.push_back(Effect::Part(part));
    }

    /// What the partition contributes at this moment: no second is passed by it, nothing is proven.
    #[must_use]
    pub fn moment(&self) -> Part {
        self.part(self.log_time.second())
    }

    fn part(&self, s: i64) -> Part {
        Part {
            partition: self.config.partition,
            s,
            next_offset: self.account.next,
            set: self.plan.number(),
            since: Arc::clone(&self.sets.since),
            start: self.start.unwrap_or_default(),
            counts: self.account.counts(),
            values: self.meter.components(),
            tallies: self.meter.tallies(),
        }
    }

    fn named(&mut self, delivery: &Delivery<'_>) -> Result<(), Rejected> {
        match &delivery.content {
            Content::Rejected(rejected) => Err(rejected.clone()),
            Content::Control(control) => self.control(control),
            Content::Event(event) => self.event(event),
        }
    }

    fn control(&mut self, control: &Control) -> Result<(), Rejected> {
        if !self.rises(control) {
            let detail = format!(
                "counter {} is not higher than {}",
                control.counter,
                self.control_counter()
            );
            return Err(Rejected::new(
                Reason::ControlReplayed,
                "header cx-control",
                detail,
            ));
        }
        match &control.act {
            Act::Clock => {}
            Act::Activate {
                number,
                hash,
                effective_from,
            } => self.activate(*number, hash, *effective_from)?,
            Act::Restate(number, hash) => self.restate(*number, hash)?,
            Act::Acknowledge { through } => self.account.acknowledge(*through),
        }
        self.control_counter = Some(control.counter);
        self.account.control += 1;
        self.note_outcome(None, "control", "");
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> Result<(), Rejected> {
        let limits = self.plan.set.limits;
        let stated = event.time.unwrap_or(self.log_time);
        let ahead = stated.since(self.log_time);
        if ahead > limits.future_ms {
            let detail = format!(
                "{stated} is more than an hour ahead of log time {}: set the sender's clock",
                self.log_time
            );
            return Err(Rejected::new(Reason::Future, "time", detail));
        }
        if let Some(customer) = &event.subject {
            let home = partition_of(customer, self.config.partitions);
            if home != self.config.partition {
                let detail = format!(
                    "this customer lives in partition {home}, not {}: key by subject, partitioner murmur2_random",
                    self.config.partition
                );
                return Err(Rejected::new(Reason::Misplaced, "subject", detail));
            }
        }
        let id = self.config.hash_key.hash(&[&event.source, &event.id]);
        let minute = self.log_time.minute().max(stated.minute());
        match self.repeats.note(id, minute) {
            Known::Before => {
                self.account.duplicates += 1;
                self.note_outcome(Some(event), "duplicate", "");
                return Ok(());
            }
            Known::Unfiled => self.account.limit("repeats"),
            Known::Never => {}
        }
        let time = if ahead > limits.clamp_ms {
            self.log_time
        } else {
            stated
        };
        let subject = event.subject.as_deref();
        let mut counted = Counted {
            event,
            kind: self.plan.names.kind(&event.kind),
            customer: subject.map(|s| self.config.hash_key.hash(&[s])),
            channel: None,
            row: None,
            time,
            log_time: self.log_time,
            facts: Facts::NONE,
        };
        let late = self.log_time.since(time) > limits.horizon_ms;
        let outcome = if late { "late" } else { "applied" };
        counted.facts = self.remember(&mut counted, outcome);
        if late {
            self.account.late += 1;
        } else {
            self.account.applied += 1;
            self.count(&counted);
        }
        self.attempt(&counted, late);
        self.note_outcome(Some(event), outcome, "");
        Ok(())
    }

    fn count(&mut self, counted: &Counted<'_, '_>) {
        let troubles = self.meter.count(counted);
        self.account.cel_errors += troubles.cel_errors;
        if troubles.limited {
            self.account.limit("distinct");
        }
    }

    fn dead_letter(&mut self, delivery: &Delivery<'_>, rejected: Rejected) {
        self.account.dead_lettered += 1;
        let event = if let Content::Event(event) = delivery.content {
            Some(event)
        } else {
            None
        };
        self.note_outcome(event, "dead_lettered", rejected.reason.name());
        self.effects.push_back(Effect::DeadLetter {
            offset: delivery.offset,
            rejected,
        });
    }

    fn note_outcome(
        &mut self,
        event: Option<&Event<'_>>,
        outcome: &'static str,
        reason: &'static str,
    ) {
        let view = View {
            event,
            outcome,
            reason,
            facts: &Facts::NONE,
        };
        self.account.cel_errors += self.meter.count_record(view, self.log_time);
    }
}

fn jump() -> Rejected {
    let detail = "the record's timestamp is more than an hour ahead of log time; write a clock record before a longer silence";
    Rejected::new(Reason::Jump, "record timestamp", detail)
}
