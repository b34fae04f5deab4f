//! In: nothing. Kept: one record, its name and what the conditions said of it. Out: that.
//! Never knows: windows, values.

use cx_model::reject::Reason;
use cx_model::time::Timestamp;
use std::collections::BTreeMap;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    Duplicate,
    Late,
    DeadLettered,
    Control,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::DeadLettered => "dead_lettered",
            Self::Control => "control",
        }
    }
}

/// The value of one attribute that has its declared type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// What a valid event says, by names.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) kind: String,
    pub(super) subject: Option<String>,
    pub(super) time: Option<Timestamp>,
    pub(super) data: BTreeMap<String, Datum>,
}

impl Said {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.data.get(name)? {
            Datum::Text(text) => Some(text),
            Datum::Bool(_) | Datum::Int(_) | Datum::Double(_) => None,
        }
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.data.get(name)? {
            Datum::Int(i) => Some(*i),
            Datum::Bool(_) | Datum::Text(_) | Datum::Double(_) => None,
        }
    }
}

/// One record with its name.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) offset: i64,
    /// Log time after this record moved it (or did not, for a jump).
    pub(super) log_time: Timestamp,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    /// The event, if its bytes were one, also where it was refused.
    pub(super) event: Option<Said>,
    /// Event time, clamped; log time where there is no event.
    pub(super) time: Timestamp,
    /// Per measure, in the order of [`super::measure::list`]: its conditions are true.
    pub(super) matched: Vec<bool>,
}

impl Fact {
    /// Applied or late: contacts and sources take it.
    pub(super) fn taken(&self) -> bool {
        matches!(self.outcome, Outcome::Applied | Outcome::Late)
    }

    pub(super) fn reason_name(&self) -> &'static str {
        self.reason.map_or("", Reason::name)
    }
}
