//! In: requests for alerts. Kept: nothing. Out: what needs somebody, as JSON. Never knows: how it is judged.

use crate::access::principal::Who;
use crate::access::seen::Seen;
use crate::access::{Access, Right};
use crate::actions::Scope;
use crate::desk::Desk;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// State bit of an alert's cell: its limit is passed; without it what raised it is over.
pub const RAISED: u8 = 1;
/// State bit: somebody took it.
pub const TAKEN: u8 = 2;
/// State bit: somebody shelved it.
pub const SHELVED: u8 = 4;
/// State bit: there is maintenance.
pub const MUTED: u8 = 8;
/// State bit: somebody says that what lay behind it is done.
pub const RESOLVED: u8 = 16;

/// The bits above these count what people did about it, modulo 8: so every act is a change.
pub const ACTS: u8 = 32;

/// What `/v1/alerts` answers.
#[derive(Debug, Clone, Serialize)]
pub struct AlertPage {
    /// The newest sealed second: shelves end by it.
    pub s: Option<i64>,
    /// Open alerts: raised ones, and those that are over and nobody closed yet. By priority, untaken
    /// first, oldest first. With `?all=true` all that are remembered, newest first.
    pub alerts: Vec<AlertView>,
    /// Maintenance that is not over.
    pub maintenance: Vec<Maintenance>,
    /// Who can do something about alerts: where access is open anybody can act as one of them, where it is
    /// closed they are whom an alert can be handed over to. Empty for who may do nothing about them.
    pub cast: Vec<Person>,
    /// Who asks, where access is closed and they may do something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub you: Option<Person>,
}

/// One alert.
#[derive(Debug, Clone, Serialize)]
pub struct AlertView {
    /// Its id.
    pub alert: String,
    /// `raised`, `cleared` or `withdrawn` (the definition is gone).
    pub state: &'static str,
    /// P1, P2 or P3.
    pub priority: String,
    /// Business name of the KPI.
    pub title: String,
    /// KPI, definition, window, dimension values, index: which limit of which number.
    pub kpi: String,
    /// SHA-256 of the definition.
    pub definition: String,
    /// Window.
    pub window: String,
    /// Dimension values by name; `all` is the total.
    pub dims: BTreeMap<String, String>,
    /// Which of the KPI's alerts, from 0.
    pub index: usize,
    /// What raises it.
    pub when: String,
    /// What clears it.
    pub clear: String,
    /// Unit of the value.
    pub unit: String,
    /// The value is scaled by 10^scale.
    pub scale: u8,
    /// The sealed second at which it was raised.
    pub raised: i64,
    /// The value then.
    pub value: Option<i64>,
    /// The number of observations then.
    pub n: i64,
    /// The sealed second at which it was cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<i64>,
    /// Who acts.
    pub owner: String,
    /// Alerts of one cause are shown as one.
    pub cause: String,
    /// What to do first.
    pub next_step: String,
    /// Whom its definition lets know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notified>,
    /// Who cares for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Deed>,
    /// Who put it aside, why, until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shelved: Option<Deed>,
    /// Who says that it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Deed>,
    /// Why it says nothing: the maintenance's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<String>,
    /// The last 20 things that people did.
    pub acts: Vec<Deed>,
}

/// A receiver of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notified {
    /// Its name in the server's configuration.
    pub to: String,
    /// Told only where nobody took the alert for so long, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untaken_after_s: Option<u32>,
    /// Whether the configuration says where it is; without an address it is told nothing.
    pub address: bool,
}

/// One thing that somebody did about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// `taken`, `handed_over`, `shelved`, `unshelved`, `resolved`.
    pub what: &'static str,
    /// Who cares for it now, or did it.
    pub by: String,
    /// In which role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When, seconds since 1970.
    pub at: i64,
    /// Until when, where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// Alerts that say nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Maintenance {
    /// Id of the act.
    pub maintenance: String,
    /// Which.
    pub scope: Scope,
    /// From when on, seconds since 1970.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// Who declared it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Somebody who can do something about alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Role: of the cast as `team.role`, else what they are here.
    pub role: String,
}

impl Person {
    /// By name and role.
    #[must_use]
    pub fn of(name: &str, role: &str) -> Self {
        let (name, role) = (name.to_owned(), role.to_owned());
        Self { name, role }
    }
}

/// `GET /v1/alerts`.
pub(crate) async fn show(
    State(desk): State<Arc<dyn Desk>>,
    State(access): State<Arc<Access>>,
    Extension(who): Who,
    RawQuery(query): RawQuery,
) -> Response {
    let all = match query.as_deref().unwrap_or_default() {
        "" | "all=false" => false,
        "all=true" => true,
        other => {
            let detail = format!("{other:?} is not expected here");
            return Problem::new(StatusCode::BAD_REQUEST, "unknown query", detail)
                .at("all", "query", "write ?all=true or leave the query out")
                .into_response();
        }
    };
    let mut page = desk.alerts(all);
    let seen = Seen::by(desk.as_ref(), &who);
    page.alerts.retain(|alert| seen.has_kpi(&alert.kpi));
    if !who.boards.are_all() {
        page.maintenance.retain(|m| match &m.scope {
            Scope::Kpi(kpi) => seen.has_kpi(kpi),
            Scope::Cause(_) | Scope::Source(_) => false,
        });
    }
    if !who.is_open() {
        let may = who.may(Right::Act);
        page.cast = if may { access.actors() } else { Vec::new() };
        page.you = may.then(|| Person::of(&who.name, who.role.name()));
    }
    Json(page).into_response()
}
