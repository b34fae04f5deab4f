//! In: the alerts of a KPI file. Out: faults of form. Never knows: how an alert is judged.

use super::Checker;
use crate::raw::{RawAlert, RawKpi};
use serde_saphyr::Spanned;

impl Checker<'_, '_> {
    pub(super) fn alerts(&mut self, raw: &RawKpi) {
        for alert in &raw.alerts {
            self.alert(raw, alert);
        }
    }

    fn alert(&mut self, raw: &RawKpi, alert: &RawAlert) {
        if !["P1", "P2", "P3"].contains(&alert.priority.value.as_str()) {
            self.fault(
                &alert.priority,
                format!("unknown priority {:?}", alert.priority.value),
                "write P1, P2 or P3",
            );
        }
        if !raw.windows.iter().any(|w| w.value == alert.window.value) {
            let windows: Vec<&str> = raw.windows.iter().map(|w| w.value.as_str()).collect();
            self.fault(
                &alert.window,
                format!("the KPI has no window {:?}", alert.window.value),
                format!("it has {}", windows.join(", ")),
            );
        }
        let texts = [
            (&alert.when, "when"),
            (&alert.clear, "clear"),
            (&alert.next_step, "next_step"),
        ];
        for (text, what) in texts {
            self.line(text, what, 300);
        }
        for (text, what) in [(&alert.owner, "owner"), (&alert.cause, "cause")] {
            if let Some(text) = text {
                self.line(text, what, 80);
            }
        }
        for notify in &alert.notify {
            self.line(&notify.to, "to", 80);
        }
        let waits = alert.notify.iter().filter_map(|n| n.untaken_after.as_ref());
        for text in alert.duration.iter().chain(waits) {
            self.duration(text);
        }
    }

    fn duration(&mut self, text: &Spanned<String>) {
        let number = text.value.strip_suffix(['s', 'm', 'h']);
        let good = number.is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0 && n <= 86_400));
        if !good {
            self.fault(
                text,
                format!("{:?} is no duration", text.value),
                "write a number and s, m or h, e.g. 60s",
            );
        }
    }
}
