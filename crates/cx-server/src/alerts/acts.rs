//! In: acts about alerts. Kept: nothing. Out: them as they stand in `cx.actions`, and back.
//! Never knows: which alerts there are.

use cx_gateway::{AlertAct, Scope};
use cx_model::time::{MINUTE, Timestamp};
use serde::{Deserialize, Serialize};

/// What an act about alerts says, beside who and why; the kind of the event says which it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Deeds {
    /// Maintenance from a second until another.
    Declare { scope: Scope, from: i64, until: i64 },
    /// Maintenance ends.
    End { maintenance: String },
    /// Handed over, or shelved until a second, or plain.
    Of(Of),
}

/// An act about one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Of {
    pub(crate) alert: String,
    pub(crate) verb: Verb,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
}

/// What is done about one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    Taken,
    HandedOver,
    Shelved,
    Unshelved,
    Resolved,
}

impl Verb {
    /// The word on a screen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::HandedOver => "handed_over",
            Self::Shelved => "shelved",
            Self::Unshelved => "unshelved",
            Self::Resolved => "resolved",
        }
    }
}

/// The type of the event that says it.
pub(crate) fn kind(deeds: &Deeds) -> String {
    match deeds {
        Deeds::Declare { .. } => "cx.action.maintenance_declared.v1".to_owned(),
        Deeds::End { .. } => "cx.action.maintenance_ended.v1".to_owned(),
        Deeds::Of(of) => format!("cx.action.alert_{}.v1", of.verb.name()),
    }
}

/// An act as it will stand, if it is done now.
pub(crate) fn fit(act: AlertAct, now: Timestamp) -> Deeds {
    let plain = |alert, verb| {
        Deeds::Of(Of {
            alert,
            verb,
            to: None,
            until: None,
        })
    };
    match act {
        AlertAct::Take { alert } => plain(alert, Verb::Taken),
        AlertAct::Unshelve { alert } => plain(alert, Verb::Unshelved),
        AlertAct::Resolve { alert } => plain(alert, Verb::Resolved),
        AlertAct::HandOver { alert, to } => Deeds::Of(Of {
            alert,
            verb: Verb::HandedOver,
            to: Some(to),
            until: None,
        }),
        AlertAct::Shelve { alert, minutes } => Deeds::Of(Of {
            alert,
            verb: Verb::Shelved,
            to: None,
            until: Some(now.plus(i64::from(minutes) * MINUTE).second()),
        }),
        AlertAct::DeclareMaintenance { scope, from, until } => Deeds::Declare {
            scope,
            from: from.second(),
            until: until.second(),
        },
        AlertAct::EndMaintenance { maintenance } => Deeds::End { maintenance },
    }
}
