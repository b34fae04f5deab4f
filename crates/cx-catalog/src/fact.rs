//! In: nothing. Kept: the registry of facts. Out: their names, meanings, and the types of events
//! that can yield them. Never knows: how an engine finds them.

use cx_model::vocabulary::CONTACT_ANSWERED;
use std::fmt::Write;

/// A customer wrote in a conversation.
pub const CUSTOMER_MESSAGE: &str = "cx.conversation.customer_message.v1";
/// The company wrote in a conversation; a person unless `data.automated` is true.
pub const AGENT_MESSAGE: &str = "cx.conversation.agent_message.v1";
/// A conversation was closed.
pub const CONVERSATION_CLOSED: &str = "cx.conversation.closed.v1";

/// What the engine finds out about an event from the steps before it, as a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// `fact.wait_ms`
    Wait,
    /// `fact.first_reply_ms`
    FirstReply,
    /// `fact.reply_ms`
    Reply,
    /// `fact.first_reply_business_ms`
    FirstReplyBusiness,
    /// `fact.reply_business_ms`
    ReplyBusiness,
}

impl Fact {
    /// Its row of the registry.
    #[must_use]
    pub fn info(self) -> &'static FactInfo {
        &FACTS[self as usize]
    }
}

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct FactInfo {
    /// The fact.
    pub fact: Fact,
    /// Its name after `fact.`.
    pub name: &'static str,
    /// The type of the events that yield it.
    pub yielded_by: &'static str,
    /// Meaning, with unit and bounds.
    pub meaning: &'static str,
}

/// How many there are.
const ALL: usize = 5;

/// Every fact that definitions may name, in the order of [`Fact`].
#[rustfmt::skip]
pub static FACTS: [FactInfo; ALL] = [
    FactInfo {
        fact: Fact::Wait,
        name: "wait_ms",
        yielded_by: CONTACT_ANSWERED,
        meaning: "Time in the queue by our own reckoning, in milliseconds, >= 0: the answer less the newest \
                  time its contact was queued. Yielded by the first answer at or after that time.",
    },
    FactInfo {
        fact: Fact::FirstReply,
        name: "first_reply_ms",
        yielded_by: AGENT_MESSAGE,
        meaning: "Time until a person first replied in a conversation, in milliseconds, >= 0: the reply less \
                  the customer's first message. Yielded once per conversation, by the first reply in the log \
                  that is stamped at or after the customer's first message seen so far.",
    },
    FactInfo {
        fact: Fact::Reply,
        name: "reply_ms",
        yielded_by: AGENT_MESSAGE,
        meaning: "Time until a person replied, in milliseconds, >= 0: the reply less the oldest message of the \
                  customer that it answers. Yielded by every reply that answers one.",
    },
    FactInfo {
        fact: Fact::FirstReplyBusiness,
        name: "first_reply_business_ms",
        yielded_by: AGENT_MESSAGE,
        meaning: "As fact.first_reply_ms, counting business time only: that of the calendar of the reply's channel \
                  (channels.yaml); all time where the channel has none.",
    },
    FactInfo {
        fact: Fact::ReplyBusiness,
        name: "reply_business_ms",
        yielded_by: AGENT_MESSAGE,
        meaning: "As fact.reply_ms, counting business time only: that of the calendar of the reply's channel \
                  (channels.yaml); all time where the channel has none.",
    },
];

/// Looks up a fact by its name after `fact.`.
#[must_use]
pub fn find(name: &str) -> Option<&'static FactInfo> {
    FACTS.iter().find(|f| f.name == name)
}

/// The facts of one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts([Option<i64>; ALL]);

impl Facts {
    /// An event that yields none.
    pub const NONE: Self = Self([None; ALL]);

    /// The fact, where the event yields it.
    #[must_use]
    pub fn get(&self, fact: Fact) -> Option<i64> {
        self.0[fact as usize]
    }

    /// The event yields it, or does not.
    pub fn set(&mut self, fact: Fact, value: Option<i64>) {
        self.0[fact as usize] = value;
    }
}

/// The page `schemas/facts.md`.
#[must_use]
pub fn facts_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for f in FACTS {
        let row = writeln!(
            page,
            "| `fact.{}` | `{}` | {} |",
            f.name, f.yielded_by, f.meaning
        );
        row.expect("a string takes everything");
    }
    page + RULES
}

const INTRODUCTION: &str = "\
# Facts

A fact is what the engine finds out about an event from the steps before it in the log. In definitions it is used
like an attribute that is a whole number: `has(fact.first_reply_ms)`, `fact.first_reply_ms <= 60000`, and
`{agg: average, of: fact.first_reply_ms}`. Where an event does not yield it, it is missing, with the same errors as a
missing attribute. A condition that compares a fact is tried only on events of the type that yields it.

| fact | yielded by | what |
|---|---|---|
";

const RULES: &str = "
Facts are not known to measures `of: record` (a repeat has none) nor to gauges and ages (the event that begins a wait
yields none), and they have no `min` and `max`: what is derived can be restated, and an extreme cannot be taken back.
A fact counts at the time of the event that yields it. An event that comes later than the horizon still changes the
state, and its fact counts in no window.

## Contacts

Kept by `data.contact_id`: 35 min of log time after the last step where they ended, 24 h otherwise.
A contact waits if it was queued, has not ended, and was neither answered nor dequeued at or after the newest time it was queued.

## Cases

Kept by `data.case_id` where a definition counts them. A case is open from the newest time it was opened or reopened, unless it was resolved or merged at or after that time.
It is kept 90 days of log time after its last step while it is open, 35 min otherwise. `gauge: {of: case.open}` and `oldest: {of: case.open}` look at the event that opened it.

## Conversations

Kept by `data.conversation_id`. `cx.conversation.customer_message.v1` is a message of the customer;
`cx.conversation.agent_message.v1` is a reply unless `data.automated` is true; `cx.conversation.closed.v1` ends it.
Bots and automatic acknowledgements never reply, and an event without `data.conversation_id` is no step.

- A message is *unanswered* until a reply or an end that is stamped at or after it has been seen. A message that comes
  later than a reply stamped at or after it was answered all along.
- The conversation waits since its oldest unanswered message. At most eight are kept: of more, the newest but one
  goes (counted as `unanswered`), so that the oldest and the newest are always right.
- It is *overdue* from that message's time plus the `reply_target_s` of its channel in `deploy/catalog/channels.yaml`,
  counted in business time where the channel names a calendar; never where the channel has no target.
- It is forgotten 35 min of log time after its last step where it was closed and nothing is unanswered; else 24 h after its
  last step, or after its reply was due where that is later; never before its last deadline is decided and past restating.
- What is decided of deadlines, and which messages have one, is in `decisions.md`.

`gauge: {of: conversation.unanswered}`, `gauge: {of: conversation.overdue}` and `oldest: {of: conversation.unanswered}`
look at the conversation's oldest unanswered message: `where` and dimensions are those of that event.
";
