//! In: nothing. Kept: nothing. Out: what a conversion says: from which event to which, of whom, within how
//! long. Never knows: how attempts are kept.

use crate::cel;
use serde::Serialize;

/// From an event to another of the same entity, within a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Journey {
    /// Whose attempts: one of these has them one by one.
    pub entity: Entity,
    /// CEL condition on the event that begins an attempt.
    pub base: String,
    /// CEL condition on the event that converts it.
    pub conversion: String,
    /// How long after its beginning an attempt is decided, seconds.
    pub within_s: u32,
    /// What further events do that could begin an attempt.
    pub attempts: Repeat,
    /// Attributes that both events must say the same of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constant: Vec<String>,
    /// Attributes of which the second event must say something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

impl Journey {
    /// How it stands in a file.
    pub(crate) fn exact(&self, of: Attempts) -> String {
        format!(
            "{} attempts of each {} ({}), from where {} to where {} within {} s",
            of.name(),
            self.entity.name(),
            self.attempts.name(),
            self.base,
            self.conversion,
            self.within_s
        )
    }

    /// A phrase of it.
    pub(crate) fn phrase(&self, of: Attempts) -> String {
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!(", {what} {}", names.join(" and ")),
        };
        format!(
            "the number of {} attempts, which an event of a {} begins where {} and a later one of the same {} converts within {} s where {}{}{}",
            of.name(),
            self.entity.name(),
            cel::words(&self.base),
            self.entity.name(),
            self.within_s,
            cel::words(&self.conversion),
            list("with the same", &self.constant),
            list("with another", &self.changed),
        )
    }
}

/// Who or what makes attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// `subject` of the event.
    Customer,
    /// `data.case_id`
    Case,
    /// `data.contact_id`
    Contact,
    /// `data.conversation_id`
    Conversation,
    /// `data.order_id`
    Order,
    /// `data.session_id`
    Session,
}

impl Entity {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Customer,
        Self::Case,
        Self::Contact,
        Self::Conversation,
        Self::Order,
        Self::Session,
    ];

    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Case => "case",
            Self::Contact => "contact",
            Self::Conversation => "conversation",
            Self::Order => "order",
            Self::Session => "session",
        }
    }

    /// The attribute that names it; `None`: the event's subject.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Customer => None,
            Self::Case => Some("case_id"),
            Self::Contact => Some("contact_id"),
            Self::Conversation => Some("conversation_id"),
            Self::Order => Some("order_id"),
            Self::Session => Some("session_id"),
        }
    }
}

/// Totals or uniques: what a further event does that could begin an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It begins another attempt.
    Every,
    /// Nothing, until the first attempt is decided.
    First,
    /// The attempt begins anew with it, unless it was converted.
    Last,
}

impl Repeat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Every, Self::First, Self::Last];

    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

/// Which attempts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempts {
    /// Decided ones that were converted.
    Converted,
    /// Decided ones that were not.
    Dropped,
    /// All whose time is over.
    Decided,
    /// Those that are neither converted nor over.
    Undecided,
}

impl Attempts {
    fn name(self) -> &'static str {
        match self {
            Self::Converted => "converted",
            Self::Dropped => "unconverted",
            Self::Decided => "decided",
            Self::Undecided => "undecided",
        }
    }
}

/// Which replies are counted, by what became of their promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Replies {
    /// Met or breached.
    #[serde(rename = "reply.decided")]
    Decided,
    /// Met.
    #[serde(rename = "reply.met")]
    Met,
}

impl Replies {
    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Decided => "reply.decided",
            Self::Met => "reply.met",
        }
    }

    /// What they are, in the plural.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Decided => {
                "replies that were due or came before, each at the time of the reply or, where none came in time, of its promise"
            }
            Self::Met => "replies that came before they were due",
        }
    }
}
