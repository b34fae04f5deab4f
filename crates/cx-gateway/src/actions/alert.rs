//! In: the forms of acts about alerts. Kept: nothing. Out: checked acts. Never knows: which alerts there are.

use super::{NAME, form, wrong};
use crate::problem::Problem;
use cx_model::time::{MINUTE, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Shortest and longest time an alert can be shelved for, minutes.
const SHELF: std::ops::RangeInclusive<u32> = 5..=480;
/// Longest maintenance, ms.
const MAINTENANCE: i64 = 7 * 24 * 60 * MINUTE;

/// What people do about alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertAct {
    /// They have seen it and care for it.
    Take {
        /// Id of the alert.
        alert: String,
    },
    /// Somebody else cares for it from now on.
    HandOver {
        /// Id of the alert.
        alert: String,
        /// Who, 1 to 64 characters.
        to: String,
    },
    /// It is put aside for a while; it returns by itself.
    Shelve {
        /// Id of the alert.
        alert: String,
        /// For how long, minutes, 5 to 480.
        minutes: u32,
    },
    /// It returns now.
    Unshelve {
        /// Id of the alert.
        alert: String,
    },
    /// What lay behind it is done. An alert that is still true stays until it clears.
    Resolve {
        /// Id of the alert.
        alert: String,
    },
    /// Alerts of a part of the company say nothing for a while.
    DeclareMaintenance {
        /// Which.
        scope: Scope,
        /// From when on.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// The maintenance is over.
    EndMaintenance {
        /// Id of the act that declared it.
        maintenance: String,
    },
}

/// Alerts that maintenance is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All alerts of a KPI.
    Kpi(String),
    /// All alerts of a cause.
    Cause(String),
    /// All alerts about one source.
    Source(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    alert: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandOver {
    alert: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelve {
    alert: String,
    minutes: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declare {
    scope: Scope,
    from: String,
    until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    maintenance: String,
}

/// The act of that name; `None`: it is none of these.
pub(super) fn read(
    name: &str,
    asked: Map<String, Value>,
    why: &str,
) -> Option<Result<AlertAct, Problem>> {
    let of = |asked, verb: &str| {
        let fix = format!(
            r#"write {{"action": "{verb}_alert", "alert": "the id that GET /v1/alerts says", "by": "your name"}}"#
        );
        form::<Of>(asked, &fix).map(|of| of.alert)
    };
    Some(match name {
        "take_alert" => of(asked, "take").map(|alert| AlertAct::Take { alert }),
        "unshelve_alert" => of(asked, "unshelve").map(|alert| AlertAct::Unshelve { alert }),
        "resolve_alert" => of(asked, "resolve").map(|alert| AlertAct::Resolve { alert }),
        "hand_over_alert" => hand_over(asked),
        "shelve_alert" => shelve(asked, why),
        "declare_maintenance" => declare(asked, why),
        "end_maintenance" => {
            let fix = r#"write {"action": "end_maintenance", "maintenance": "the id that GET /v1/alerts says", "by": "your name"}"#;
            form::<End>(asked, fix).map(|end| AlertAct::EndMaintenance {
                maintenance: end.maintenance,
            })
        }
        _ => return None,
    })
}

fn hand_over(asked: Map<String, Value>) -> Result<AlertAct, Problem> {
    let fix = r#"write {"action": "hand_over_alert", "alert": "…", "to": "who cares for it now", "by": "your name"}"#;
    let HandOver { alert, to } = form(asked, fix)?;
    let to = to.trim().to_owned();
    let good = (1..=NAME).contains(&to.chars().count()) && !to.chars().any(char::is_control);
    if !good {
        let detail = format!("to must be 1 to {NAME} printable characters");
        return Err(wrong("to", detail, fix));
    }
    Ok(AlertAct::HandOver { alert, to })
}

fn shelve(asked: Map<String, Value>, why: &str) -> Result<AlertAct, Problem> {
    let fix = r#"write {"action": "shelve_alert", "alert": "…", "minutes": 30, "why": "…", "by": "your name"}; it returns by itself"#;
    let Shelve { alert, minutes } = form(asked, fix)?;
    if !SHELF.contains(&minutes) {
        let detail = format!("{minutes} minutes are not 5 to 480");
        return Err(wrong("minutes", detail, fix));
    }
    reason(why, fix)?;
    Ok(AlertAct::Shelve { alert, minutes })
}

fn declare(asked: Map<String, Value>, why: &str) -> Result<AlertAct, Problem> {
    let fix = r#"write {"action": "declare_maintenance", "scope": {"source": "payments"}, "from": "2026-12-01T22:00:00Z", "until": "2026-12-02T02:00:00Z", "why": "…", "by": "your name"}; scope is kpi, cause or source"#;
    let Declare { scope, from, until } = form(asked, fix)?;
    let time = |field: &str, text: &str| {
        Timestamp::parse_rfc3339(text).map_err(|why| wrong(field, why.to_string(), fix))
    };
    let (from, until) = (time("from", &from)?, time("until", &until)?);
    if !(1..=MAINTENANCE).contains(&until.since(from)) {
        let detail = "maintenance ends after it begins, within 7 days";
        return Err(wrong("until", detail, fix));
    }
    reason(why, fix)?;
    Ok(AlertAct::DeclareMaintenance { scope, from, until })
}

fn reason(why: &str, fix: &str) -> Result<(), Problem> {
    if why.is_empty() {
        return Err(wrong("why", "somebody will ask why", fix));
    }
    Ok(())
}
