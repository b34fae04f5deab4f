//! In: the alerts of a KPI file. Out: checked alerts, or faults. Never knows: how an alert is judged.

use super::{Checker, technical};
use crate::alert::{Alert, Notify, Priority};
use crate::cel::Fault;
use crate::definition::{Agg, Dimension, Formula, Object};
use crate::diagnostic::did_you_mean;
use crate::raw::{RawAlert, RawKpi, RawNotify};
use crate::threshold::{Kind, Subject, Threshold};
use cx_model::window::Window;
use serde_saphyr::Spanned;

/// Most alerts of one KPI.
const ALERTS: usize = 8;
/// Most receivers of one alert.
const RECEIVERS: usize = 4;
/// Longest delay, hold or wait, s.
const LONGEST_S: u32 = 86_400;

/// What the rest of the file says that an alert builds on: windows that are counted, breakdowns, target.
type Around<'a> = (&'a [Window], &'a [Dimension], Option<i64>);

/// What the conditions of a KPI's alerts can look at.
pub(crate) fn subject(formula: &Formula, scale: u8, target: Option<i64>) -> Subject {
    let of_sources = Agg::Oldest {
        of: Object::SourceLastEvent,
    };
    let kind = match formula {
        Formula::Ratio { .. } => Kind::Ratio,
        Formula::Simple { measure } if measure.agg == of_sources => Kind::Sources,
        Formula::Simple { .. } | Formula::Derived { .. } | Formula::Observed { .. } => Kind::Plain,
    };
    Subject {
        scale,
        target,
        kind,
    }
}

impl Checker<'_, '_> {
    /// The alerts that are right.
    pub(super) fn alerts(
        &mut self,
        raw: &RawKpi,
        around: Around<'_>,
        formula: &Formula,
    ) -> Vec<Alert> {
        if let Some(more) = raw.alerts.get(ALERTS) {
            let message = format!("more than {ALERTS} alerts of one KPI");
            self.fault(&more.priority, message, "nobody could tell them apart");
        }
        let subject = subject(formula, raw.decimals.value, around.2);
        let all = raw.alerts.iter();
        all.filter_map(|alert| self.alert(raw, alert, around, subject))
            .collect()
    }

    fn alert(
        &mut self,
        raw: &RawKpi,
        alert: &RawAlert,
        (windows, dimensions, _): Around<'_>,
        subject: Subject,
    ) -> Option<Alert> {
        self.line(&alert.next_step, "next_step", 120);
        let owner = alert.owner.as_ref().unwrap_or(&raw.owners.business);
        self.line(owner, "owner", 80);
        let cause = alert.cause.as_ref().unwrap_or(&raw.kpi);
        self.name(cause, "cause");
        let priority = self.priority(&alert.priority);
        let window = self.alert_window(raw, alert, windows);
        self.by(alert.by.as_ref(), dimensions);
        self.limits(alert, subject);
        let notify = alert.notify.iter();
        let notify = notify.map(|n| self.notify(n)).collect();
        if let Some(more) = alert.notify.get(RECEIVERS) {
            let message = format!("more than {RECEIVERS} receivers of one alert");
            self.fault(&more.to, message, "let one of them pass it on");
        }
        Some(Alert {
            for_s: alert.duration.as_ref().map_or(0, |d| self.duration(d)),
            hold_s: alert.hold.as_ref().map_or(0, |d| self.duration(d)),
            priority: priority?,
            window: window?,
            by: alert.by.as_ref().map(|b| b.value.clone()),
            when: alert.when.value.clone(),
            clear: alert.clear.value.clone(),
            owner: owner.value.clone(),
            cause: cause.value.clone(),
            next_step: alert.next_step.value.clone(),
            notify,
        })
    }

    fn priority(&mut self, text: &Spanned<String>) -> Option<Priority> {
        match text.value.as_str() {
            "P1" => Some(Priority::P1),
            "P2" => Some(Priority::P2),
            "P3" => Some(Priority::P3),
            other => {
                let message = format!("unknown priority {other:?}");
                self.fault(text, message, "write P1, P2 or P3");
                None
            }
        }
    }

    fn alert_window(
        &mut self,
        raw: &RawKpi,
        alert: &RawAlert,
        counted: &[Window],
    ) -> Option<Window> {
        let name = &alert.window;
        let window = Window::parse(&name.value).filter(|w| counted.contains(w));
        if window.is_some() {
            return window;
        }
        let all: Vec<&str> = raw.windows.iter().map(|w| w.value.as_str()).collect();
        if all.contains(&name.value.as_str()) {
            // A window that is wrong was told where it stands.
            if !counted.is_empty() {
                let counted: Vec<&str> = counted.iter().map(|w| w.name()).collect();
                let message = format!("the window {} has no effect yet", name.value);
                let fix = format!("judge one that is counted: {}", counted.join(", "));
                self.fault(name, message, fix);
            }
        } else {
            let message = format!("the KPI has no window {:?}", name.value);
            self.fault(name, message, format!("it has {}", all.join(", ")));
        }
        None
    }

    fn by(&mut self, by: Option<&Spanned<String>>, dimensions: &[Dimension]) {
        let Some(by) = by else {
            return;
        };
        let known: Vec<&str> = dimensions.iter().map(|d| d.name.as_str()).collect();
        if !known.contains(&by.value.as_str()) {
            let message = format!("the KPI has no dimension {:?}", by.value);
            self.fault(by, message, did_you_mean(&by.value, known));
        }
    }

    /// `when` and `clear`, and that they leave each other room.
    fn limits(&mut self, alert: &RawAlert, subject: Subject) {
        let when = self.threshold(&alert.when, "when", subject);
        let clear = self.threshold(&alert.clear, "clear", subject);
        if let Some((when, clear)) = when.zip(clear)
            && when.overlaps(&clear)
        {
            let fix = format!(
                "leave room to what raises it, `{}`, so that it cannot flutter",
                alert.when.value
            );
            let message = "this clears the alert while it is raised";
            self.fault(&alert.clear, message, fix);
        }
    }

    fn threshold(
        &mut self,
        text: &Spanned<String>,
        what: &str,
        subject: Subject,
    ) -> Option<Threshold> {
        let before = self.page.faults.len();
        self.line(text, what, 300);
        if self.page.faults.len() > before {
            return None;
        }
        match Threshold::parse(&text.value, subject) {
            Ok(threshold) if threshold.possible() => Some(threshold),
            Ok(_) => {
                let fix = "write comparisons that one number can fulfil, with no more decimals than are shown";
                self.fault(text, "this can never hold", fix);
                None
            }
            Err(fault) => {
                self.inside(text, fault);
                None
            }
        }
    }

    /// A fault within a condition, at its own place.
    fn inside(&mut self, text: &Spanned<String>, fault: Fault) {
        let start = text.referenced.into();
        let Fault { offset, length, .. } = fault;
        let at = self.page.inside(start, &text.value, offset, length);
        self.page.fault(at, fault.message, fault.fix);
    }

    fn notify(&mut self, raw: &RawNotify) -> Notify {
        self.name(&raw.to, "to");
        Notify {
            to: raw.to.value.clone(),
            untaken_after_s: raw.untaken_after.as_ref().map(|t| self.duration(t)),
        }
    }

    fn name(&mut self, text: &Spanned<String>, what: &str) {
        if !technical(&text.value, 48) {
            let message = format!("{:?} is no name for {what}", text.value);
            let fix = "use lower-case letters, digits and _, at most 48";
            self.fault(text, message, fix);
        }
    }

    /// Seconds; 0 where it is a fault.
    fn duration(&mut self, text: &Spanned<String>) -> u32 {
        let value = text.value.as_str();
        let unit = [('s', 1), ('m', 60), ('h', 3_600)];
        let seconds = unit.into_iter().find_map(|(letter, unit)| {
            let number = value.strip_suffix(letter)?;
            number.parse::<u32>().ok()?.checked_mul(unit)
        });
        let good = seconds.filter(|s| (1..=LONGEST_S).contains(s));
        if good.is_none() {
            let message = format!("{value:?} is no duration of 1 s to 24 h");
            self.fault(text, message, "write a number and s, m or h, e.g. 60s");
        }
        good.unwrap_or(0)
    }
}
