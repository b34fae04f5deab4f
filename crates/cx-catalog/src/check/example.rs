//! In: the examples of a KPI file. Out: examples as plain data, or faults.
//! Never knows: what an engine would say to them.

use super::Checker;
use crate::definition::{Dimension, Example};
use crate::raw::{RawExample, RawKpi};
use cx_model::window::Window;
use serde_saphyr::Spanned;

impl Checker<'_, '_> {
    pub(super) fn examples(
        &mut self,
        raw: &RawKpi,
        windows: &[Window],
        dimensions: &[Dimension],
    ) -> Vec<Example> {
        if raw.examples.value.is_empty() && raw.observed.is_none() {
            self.fault(
                &raw.examples,
                "no example",
                "add one: events, window, value; it runs as a test",
            );
        }
        let mut examples = Vec::new();
        for example in &raw.examples.value {
            examples.extend(self.example((raw, example), windows, dimensions));
        }
        examples
    }

    fn example(
        &mut self,
        (raw, example): (&RawKpi, &RawExample),
        windows: &[Window],
        dimensions: &[Dimension],
    ) -> Option<Example> {
        if example.events.value.is_empty() {
            self.fault(
                &example.events,
                "an example needs at least one event",
                "write - {type: cx.…, data: {…}}",
            );
        }
        if let Some(i) = example.events.value.iter().position(|e| !e.is_object()) {
            self.fault(
                &example.events,
                format!("event {} of the example is no event", i + 1),
                "write {type: cx.…, data: {…}}",
            );
        }
        for (name, value) in &example.dims {
            let found = dimensions.iter().find(|d| d.name == *name);
            if !found.is_some_and(|d| has_value(d, &value.value)) {
                self.fault(
                    value,
                    format!("the KPI has no {name} = {}", value.value),
                    "take a declared dimension and one of its values, all or other",
                );
            }
        }
        let window = Window::parse(&example.window.value).filter(|w| windows.contains(w));
        if window.is_none() {
            self.no_window(raw, example, windows);
        }
        let after_s = example.after.as_ref().and_then(|a| self.after(a));
        let value = example.value.as_ref().map(|v| self.scaled(raw, v));
        Some(Example {
            events: example.events.value.clone(),
            after_s,
            window: window?,
            dims: example
                .dims
                .iter()
                .map(|(k, v)| (k.clone(), v.value.clone()))
                .collect(),
            value: value.flatten(),
            n: example.n,
        })
    }
}

impl Checker<'_, '_> {
    /// Whole seconds after the last event, at least one, at most 29 days.
    fn after(&mut self, text: &Spanned<String>) -> Option<u32> {
        let found = seconds(&text.value).filter(|s| (1..=29 * 86_400).contains(s));
        if found.is_none() {
            self.fault(
                text,
                format!(
                    "an example cannot be read {:?} after its last event",
                    text.value
                ),
                "write 1s to 29d, e.g. after: 90s",
            );
        }
        found
    }

    /// A window the KPI names is told already.
    fn no_window(&mut self, raw: &RawKpi, example: &RawExample, windows: &[Window]) {
        let name = example.window.value.as_str();
        let named = raw.windows.iter().any(|w| w.value == name);
        let names: Vec<&str> = windows.iter().map(|w| w.name()).collect();
        if named || names.is_empty() {
            return;
        }
        let message = format!("the KPI has no window {name:?}");
        self.fault(
            &example.window,
            message,
            format!("take one of {}", names.join(", ")),
        );
    }
}

/// `90s`, `30m`, `24h` or `7d` in seconds.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?.parse::<u32>().ok()?;
        number.checked_mul(*seconds)
    })
}

/// Does the dimension have that value, `all` and `other` included?
pub(crate) fn has_value(dimension: &Dimension, value: &str) -> bool {
    value == "all" || value == "other" || dimension.values.iter().any(|v| v == value)
}
