//! In: a checked KPI, the cells of a set. Kept: nothing. Out: its alerts, as plain data and ready to be
//! judged. Never knows: YAML, time, who is told.

use crate::check::subject;
use crate::definition::Kpi;
use crate::raw::Source;
use crate::threshold::Threshold;
use cx_model::value::CellInfo;
use cx_model::window::Window;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Somebody must act now.
    P1,
    /// Somebody must act soon.
    P2,
    /// Somebody must look.
    P3,
}

impl Priority {
    /// The word in a file and on a screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
        }
    }
}

/// One limit of one KPI, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// How urgent.
    pub priority: Priority,
    /// Window of the number.
    pub window: Window,
    /// The dimension whose values are judged each by itself; `None`: the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Condition that raises it.
    pub when: String,
    /// Condition that clears it.
    pub clear: String,
    /// How long `when` must hold, seconds of log time, 0 to 86,400.
    pub for_s: u32,
    /// How long it stays raised at least, seconds of log time, 0 to 86,400.
    pub hold_s: u32,
    /// Who acts.
    pub owner: String,
    /// What probably lies behind it: alerts of one cause are shown as one.
    pub cause: String,
    /// What to do first.
    pub next_step: String,
    /// Whom to tell.
    pub notify: Vec<Notify>,
}

/// Whom to tell, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// Name of a receiver.
    pub to: String,
    /// Only where nobody took it for that long, seconds; `None`: at once, and when it clears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untaken_after_s: Option<u32>,
}

/// One alert, ready to be judged.
#[derive(Debug, Clone)]
pub struct CompiledAlert {
    /// Technical name of the KPI.
    pub kpi: Arc<str>,
    /// SHA-256 of its definition, 64 hex digits.
    pub definition: Arc<str>,
    /// Its place among the alerts of the KPI, from 0.
    pub index: usize,
    /// What it says.
    pub alert: Arc<Alert>,
    /// Condition that raises it.
    pub when: Threshold,
    /// Condition that clears it; where both hold, `when` does.
    pub clear: Threshold,
    /// The cells it looks at, each by itself.
    pub cells: Vec<JudgedCell>,
}

/// One cell that an alert looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedCell {
    /// Its index among the cells of the set.
    pub cell: usize,
    /// How old the newest event of its source may be, seconds, where it is of one source.
    pub freshness: Option<i64>,
}

/// The alerts of a KPI whose cells are among `cells`.
pub(crate) fn compile(kpi: &Kpi, cells: &[CellInfo], sources: &[Source]) -> Vec<CompiledAlert> {
    let subject = subject(&kpi.formula, kpi.decimals, kpi.target);
    let parsed = |text: &str| {
        let parsed = Threshold::parse(text, subject);
        parsed.expect("checked when the KPI was read")
    };
    let all = kpi.alerts.iter().enumerate();
    all.map(|(index, alert)| CompiledAlert {
        kpi: kpi.kpi.as_str().into(),
        definition: kpi.hash.as_str().into(),
        index,
        alert: Arc::new(alert.clone()),
        when: parsed(&alert.when),
        clear: parsed(&alert.clear),
        cells: judged(kpi, alert, cells, sources),
    })
    .collect()
}

/// The total, or one cell per value of a dimension whose others are total.
fn judged(kpi: &Kpi, alert: &Alert, cells: &[CellInfo], sources: &[Source]) -> Vec<JudgedCell> {
    let wanted = |c: &CellInfo| {
        let mut dims = c.key.dims.iter();
        *c.key.kpi == *kpi.kpi
            && c.key.window == alert.window
            && dims.all(|(name, value)| (alert.by.as_ref() == Some(name)) != (value == "all"))
    };
    let all = cells.iter().enumerate();
    let all = all.filter(|(_, c)| wanted(c));
    all.map(|(cell, info)| {
        let name = info.key.dims.get("source");
        let source = sources.iter().find(|s| Some(&s.source) == name);
        JudgedCell {
            cell,
            freshness: source.map(|s| i64::from(s.freshness_s)),
        }
    })
    .collect()
}
