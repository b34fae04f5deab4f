//! In: nothing. Kept: nothing. Out: what a checked definition says, as plain data.
//! Never knows: YAML text, closures, how a number is counted.

use crate::across::Across;
pub use crate::alert::{Alert, Notify, Priority};
use crate::calendar::Calendar;
use crate::journey::{Attempts, Journey, Replies};
use crate::numbered::Numbered;
use cx_model::window::Window;
use serde::Serialize;
use std::sync::Arc;

/// One KPI, complete and checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpi {
    /// Technical name: lower-case letters, digits and `_`, at most 48.
    pub kpi: String,
    /// Business name, at most 40 characters.
    pub business_name: String,
    /// One line of meaning.
    pub meaning: String,
    /// Type and measures.
    pub formula: Formula,
    /// CEL condition on every measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Breakdowns, at most two.
    pub dimensions: Vec<Dimension>,
    /// Windows.
    pub windows: Vec<Window>,
    /// Whose business day the window `day` is; `None`: UTC's, or there is no such window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Arc<Calendar>>,
    /// `percent`, `count`, `points`, `seconds` or an ISO 4217 code.
    pub unit: String,
    /// Decimals shown, 0 to 4; the value is scaled by 10^decimals.
    pub decimals: u8,
    /// Which way is good.
    pub direction: Direction,
    /// Target, scaled by 10^decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<i64>,
    /// Who answers for meaning and for data.
    pub owners: Owners,
    /// Limits, each with what to do when it is passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// Worked examples that run as tests.
    pub examples: Vec<Example>,
    /// SHA-256 of all of the above as canonical JSON, 64 hex digits; of a derived one with the hashes
    /// of what it is made of.
    #[serde(skip)]
    pub hash: String,
    /// File it came from, for messages.
    #[serde(skip)]
    pub file: String,
    /// The file's text, to the letter.
    #[serde(skip)]
    pub text: String,
}

/// MetricFlow's type words, as far as they are understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Formula {
    /// One measure.
    Simple {
        /// The measure.
        measure: Measure,
    },
    /// Numerator ÷ denominator (× 100 where the unit is percent).
    Ratio {
        /// Above the line.
        numerator: Measure,
        /// Below the line.
        denominator: Measure,
    },
    /// Arithmetic over other KPIs, as the screens show them.
    Derived {
        /// `+ - * /`, brackets, numbers and names of `metrics`.
        expr: String,
        /// The KPIs it is made of.
        metrics: Vec<Metric>,
        /// Name of the metric whose `n` counts; `None`: the least of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        n: Option<String>,
    },
    /// Measured by the clocks of processes: outside the log, the laws and every digest.
    Observed {
        /// What is measured.
        of: Observed,
    },
}

/// One KPI that another is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// Its technical name.
    pub name: String,
    /// Its name in the expression, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl Metric {
    /// Its name in the expression.
    #[must_use]
    pub fn word(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// What processes measure of themselves. YAML: `observed: {of: event_to_screen}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// Age of the oldest event that a frame shows for the first time, when it goes to the screens;
    /// the greatest of the last minute, ms.
    EventToScreen,
    /// Records of the log that no engine has taken yet.
    ConsumerLag,
}

impl Observed {
    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EventToScreen => "event_to_screen",
            Self::ConsumerLag => "consumer_lag",
        }
    }
}

/// What is counted, over which events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// How.
    pub agg: Agg,
    /// CEL condition, beside the KPI's filter.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// MetricFlow's aggregations, and the two for open objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "agg", rename_all = "snake_case")]
pub enum Agg {
    /// Number of applied events.
    Count,
    /// Number of records of the log by what became of them (`record.outcome`, `record.reason`),
    /// counted at log time. YAML: `{agg: count, of: record}`.
    CountRecords,
    /// Sum of an integer attribute. YAML: `{agg: sum, of: data.amount_minor}`.
    Sum {
        /// Attribute name without `data.`, or `fact.` and the name of a fact.
        of: String,
    },
    /// Sum ÷ number of events that carry the attribute.
    Average {
        /// Attribute name without `data.`, or `fact.` and the name of a fact.
        of: String,
    },
    /// Least value of an integer attribute. YAML: `{agg: min, of: data.wait_ms}`.
    Min {
        /// Attribute name without `data.`.
        of: String,
    },
    /// Greatest value of an integer attribute. YAML: `{agg: max, of: data.wait_ms}`.
    Max {
        /// Attribute name without `data.`.
        of: String,
    },
    /// The value that so many of 1,000 observations do not exceed (nearest rank), from an integer
    /// histogram with an error below 0.8 %. YAML: `{agg: percentile, of: data.wait_ms, percentile: 0.9}`.
    Percentile {
        /// Attribute name without `data.`, or `fact.` and the name of a fact.
        of: String,
        /// Of 1,000: 1 to 999.
        per_mille: u16,
    },
    /// Distinct customers. YAML: `{agg: count_distinct, of: customer}`.
    CountDistinct,
    /// Customers across channels. YAML: `{agg: count_distinct, of: customer.channels}`.
    CountChannels {
        /// What of them.
        of: Across,
        /// The registered channels.
        channels: Vec<String>,
    },
    /// Replies that were promised, by what became of the promise. YAML: `{agg: count, of: reply.met}`.
    CountReplies {
        /// Which.
        of: Replies,
    },
    /// What sources number, by the log time of its records. YAML: `{agg: count, of: sequence.expected}`.
    CountNumbered {
        /// Which.
        of: Numbered,
        /// The sources, ascending.
        sources: Vec<String>,
    },
    /// Attempts of a conversion.
    Attempts {
        /// Which.
        of: Attempts,
        /// From where to where.
        journey: Arc<Journey>,
    },
    /// Open objects now. YAML: `gauge: {of: contact.waiting}`.
    Gauge {
        /// Which objects.
        of: Object,
    },
    /// Age of the oldest object, `s` minus the least start. YAML: `oldest: {of: source.last_event}`.
    Oldest {
        /// Which objects.
        of: Object,
    },
}

/// Objects the engine keeps and their measurable states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Object {
    /// Contacts in a queue: queued, not yet answered, dequeued or ended.
    #[serde(rename = "contact.waiting")]
    ContactWaiting,
    /// Conversations with a message of the customer that nobody answered.
    #[serde(rename = "conversation.unanswered")]
    ConversationUnanswered,
    /// Of them, those whose reply is past due.
    #[serde(rename = "conversation.overdue")]
    ConversationOverdue,
    /// Cases that were opened or reopened and not resolved or merged since.
    #[serde(rename = "case.open")]
    CaseOpen,
    /// Declared sources by their newest event time.
    #[serde(rename = "source.last_event")]
    SourceLastEvent,
}

impl Object {
    /// The word in a KPI file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContactWaiting => "contact.waiting",
            Self::ConversationUnanswered => "conversation.unanswered",
            Self::ConversationOverdue => "conversation.overdue",
            Self::CaseOpen => "case.open",
            Self::SourceLastEvent => "source.last_event",
        }
    }
}

/// A breakdown with its declared values; everything else is `other`, the total is `all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dimension {
    /// Name in cells, e.g. `channel`.
    pub name: String,
    /// Declared values.
    pub values: Vec<String>,
    /// Of a combination: its attributes, whose values stand in `values` joined by `/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// Of ages: where one band ends and the next begins, seconds, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bounds_s: Vec<u32>,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Neither.
    None,
}

impl Direction {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::None => "none",
        }
    }
}

/// Two owners, as `team.role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owners {
    /// Answers for the meaning.
    pub business: String,
    /// Answers for the data.
    pub technical: String,
}

/// Events and the value they must give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Each merged over a default event, one second apart (`type`, `subject`, `source`, `data`).
    pub events: Vec<serde_json::Value>,
    /// How long after the last event the value is read, seconds; `None`: one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_s: Option<u32>,
    /// Window the value is read in.
    pub window: Window,
    /// Dimension values; absent ones are `all`.
    pub dims: std::collections::BTreeMap<String, String>,
    /// Expected value, scaled by 10^decimals; `None` for an empty one.
    pub value: Option<i64>,
    /// Expected n, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<i64>,
}
