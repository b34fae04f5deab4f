//! In: one partition's records. Kept: all of them. Out: what became of each record, word for word as
//! DESIGN 2 says. Never knows: KPIs.

use cx_model::control::{Act, Control};
use cx_model::ids::partition_of;
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::reject::Reason;
use cx_model::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Applied,
    /// It had been seen.
    Duplicate,
    /// It was older than the horizon.
    Late,
    /// It steered.
    Control,
    /// It was refused.
    DeadLettered(Reason),
}

impl Outcome {
    /// The word of `record.outcome`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Control => "control",
            Self::DeadLettered(_) => "dead_lettered",
        }
    }

    /// The word of `record.reason`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::DeadLettered(reason) => reason.name(),
            Self::Applied | Self::Duplicate | Self::Late | Self::Control => "",
        }
    }
}

/// Number of a later set, and the second from which it holds.
pub(super) type Begun = (u32, i64);

/// A record with what became of it.
#[derive(Debug, Clone)]
pub struct Named {
    pub(super) partition: usize,
    /// Log time after it moved it.
    pub log_time: Timestamp,
    /// Event time, clamped; log time where it is no event.
    pub time: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// What the steps before it say of it, by name without `fact.`.
    pub facts: BTreeMap<&'static str, i64>,
    /// Until when its answer was promised, where it is a message of a customer.
    pub(super) due: Option<Timestamp>,
    /// The event as JSON; null where it is none, and where no question can need it.
    pub event: Value,
    /// CloudEvents `source` of the event.
    pub(super) source: Option<Arc<str>>,
    /// Which conditions hold for it, by their numbers, once somebody asked.
    pub(super) holds: OnceLock<Vec<bool>>,
}

/// Minutes of log time after which ids that nothing can repeat any more are let go.
const FORGET_MINUTES: i64 = 10;

/// What steps of objects are named.
const STEPS: [&str; 3] = ["cx.contact.", "cx.conversation.", "cx.case."];

/// What a record is before it has a name.
pub(super) enum Content {
    /// An event as JSON, and the time it states.
    Event(Value, Option<Timestamp>),
    /// A control record with a right signature.
    Control(Control),
    /// Neither.
    Refused(Reason),
}

/// Names the records of one partition, one after the other.
pub(super) struct Namer {
    /// Partition, and how many there are.
    place: (u32, u32),
    limits: Limits,
    named: Vec<Named>,
    /// Minute of log time under which an id is filed.
    filed: BTreeMap<String, i64>,
    forgot: i64,
    counter: Option<u64>,
    set: u32,
    /// Hashes of the sets by number, from 1 on.
    hashes: Vec<String>,
    since: Vec<Begun>,
    /// The sources heard so far.
    sources: BTreeSet<Arc<str>>,
    /// Events of before are not looked at any more, but for the steps of what may still be open.
    from: Timestamp,
}

impl Namer {
    pub(super) fn new(place: (u32, u32), limits: Limits) -> Self {
        Self {
            place,
            limits,
            named: Vec::new(),
            filed: BTreeMap::new(),
            forgot: 0,
            counter: None,
            set: 0,
            hashes: Vec::new(),
            since: Vec::new(),
            sources: BTreeSet::new(),
            from: Timestamp(i64::MIN),
        }
    }

    /// What was logged before and is no step of an object is not asked for.
    pub(super) fn only(&mut self, from: Timestamp) {
        self.from = from;
    }

    /// The next record.
    pub(super) fn take(&mut self, (timestamp, kind): (Timestamp, TimestampKind), content: Content) {
        let before = self.named.last().map(|r| r.log_time);
        let rises =
            matches!(&content, Content::Control(c) if self.counter.is_none_or(|n| c.counter > n));
        let far = before.is_some_and(|b| timestamp.since(b) > self.limits.future_ms);
        let jump = far && kind == TimestampKind::Create && !rises;
        let log_time = match before {
            Some(b) if jump => b,
            Some(b) => b.max(timestamp),
            None => timestamp,
        };
        let mut one = Named {
            partition: self.place.0 as usize,
            log_time,
            time: log_time,
            outcome: Outcome::DeadLettered(Reason::Jump),
            facts: BTreeMap::new(),
            due: None,
            event: Value::Null,
            source: None,
            holds: OnceLock::new(),
        };
        match content {
            Content::Event(event, stated) => {
                one.source = event["source"].as_str().map(|name| self.source(name));
                one.event = event;
                if !jump {
                    one.outcome = self.event(&mut one, stated);
                }
            }
            Content::Control(control) if !jump => {
                one.outcome = self.control(&control, (log_time, rises));
            }
            Content::Refused(reason) if !jump => one.outcome = Outcome::DeadLettered(reason),
            Content::Control(_) | Content::Refused(_) => {}
        }
        let kind = one.event["type"].as_str().unwrap_or_default();
        let step = STEPS.iter().any(|family| kind.starts_with(family));
        if one.log_time < self.from && !step {
            one.event = Value::Null;
        }
        self.named.push(one);
    }

    fn source(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.sources.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.sources.insert(Arc::clone(&new));
        new
    }

    pub(super) fn among(&mut self, hashes: &[String]) {
        self.hashes = hashes.to_vec();
    }

    /// All records with their names, and when later sets began to hold.
    pub(super) fn done(self) -> (Vec<Named>, Vec<Begun>) {
        (self.named, self.since)
    }

    /// Whether a set follows: the next one, known by its hash, and none is still to come.
    fn follows(&mut self, (number, hash): (u32, &String), from: Timestamp, now: Timestamp) -> bool {
        if number != self.set + 1 {
            return false;
        }
        if number > 1 {
            let known = self.hashes.get(number as usize - 1) == Some(hash);
            // It holds from the first second that log time passes entirely.
            let coming = self.since.last().is_some_and(|(_, s)| now.second() <= *s);
            if !known || coming {
                return false;
            }
            let stated = -(-from.0).div_euclid(1_000);
            let unheard = (now.0 + self.limits.clamp_ms).div_euclid(1_000) + 1;
            self.since.push((number, stated.max(unheard)));
        }
        self.set = number;
        true
    }

    /// Whether the active set is said again; for who heard of none, it begins.
    fn restates(&mut self, (number, hash): (u32, &String), now: Timestamp) -> bool {
        let known = self.hashes.get(number as usize - 1) == Some(hash);
        if self.set == 0 && known {
            let unheard = (now.0 + self.limits.clamp_ms).div_euclid(1_000) + 1;
            self.since.extend((2..=number).map(|n| (n, unheard)));
            self.set = number;
        }
        known && self.set == number
    }

    fn control(&mut self, control: &Control, (now, rises): (Timestamp, bool)) -> Outcome {
        if !rises {
            return Outcome::DeadLettered(Reason::ControlReplayed);
        }
        if let Act::Activate {
            number,
            hash,
            effective_from,
        } = &control.act
            && !self.follows((*number, hash), *effective_from, now)
        {
            return Outcome::DeadLettered(Reason::ControlInvalid);
        }
        if let Act::Restate(number, hash) = &control.act
            && !self.restates((*number, hash), now)
        {
            return Outcome::DeadLettered(Reason::ControlInvalid);
        }
        self.counter = Some(control.counter);
        Outcome::Control
    }

    fn event(&mut self, one: &mut Named, stated: Option<Timestamp>) -> Outcome {
        let limits = self.limits;
        let stated = stated.unwrap_or(one.log_time);
        if stated.since(one.log_time) > limits.future_ms {
            return Outcome::DeadLettered(Reason::Future);
        }
        let (partition, partitions) = self.place;
        if one.event["subject"]
            .as_str()
            .is_some_and(|s| partition_of(s, partitions) != partition)
        {
            return Outcome::DeadLettered(Reason::Misplaced);
        }
        if self.repeated(one, stated) {
            return Outcome::Duplicate;
        }
        one.time = if stated.since(one.log_time) > limits.clamp_ms {
            one.log_time
        } else {
            stated
        };
        if one.log_time.since(one.time) > limits.horizon_ms {
            Outcome::Late
        } else {
            Outcome::Applied
        }
    }

    fn repeated(&mut self, one: &Named, stated: Timestamp) -> bool {
        let text = |name: &str| one.event[name].as_str().unwrap_or_default();
        let id = format!("{}\u{0}{}", text("source"), text("id"));
        let minute = one.log_time.minute();
        let seen = |filed: i64| minute - filed <= self.limits.repeat_minutes;
        if self.filed.get(&id).is_some_and(|filed| seen(*filed)) {
            return true;
        }
        if minute - self.forgot >= FORGET_MINUTES {
            self.forgot = minute;
            self.filed.retain(|_, filed| seen(*filed));
        }
        self.filed.insert(id, minute.max(stated.minute()));
        false
    }
}
