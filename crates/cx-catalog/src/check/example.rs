//! In: the examples of a KPI file. Out: examples as plain data, or faults.
//! Never knows: what an engine would say to them.

use super::{Checker, LATER};
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
    /// Whole seconds after the last event, at least one, at most a day.
    fn after(&mut self, text: &Spanned<String>) -> Option<u32> {
        let units = [("s", 1), ("m", 60), ("h", 3_600)];
        let seconds = units.iter().find_map(|(unit, seconds)| {
            let number = text.value.strip_suffix(unit)?.parse::<u32>().ok()?;
            number.checked_mul(*seconds)
        });
        let found = seconds.filter(|s| (1..=86_400).contains(s));
        if found.is_none() {
            self.fault(
                text,
                format!(
                    "an example cannot be read {:?} after its last event",
                    text.value
                ),
                "write 1s to 24h, e.g. after: 90s",
            );
        }
        found
    }

    /// A window the KPI names is either told already or has no effect yet.
    fn no_window(&mut self, raw: &RawKpi, example: &RawExample, windows: &[Window]) {
        let name = example.window.value.as_str();
        let named = raw.windows.iter().any(|w| w.value == name);
        let names: Vec<&str> = windows.iter().map(|w| w.name()).collect();
        let message = if named && LATER.contains(&name) {
            format!("the window {name} is known but has no effect yet")
        } else if named || names.is_empty() {
            return;
        } else {
            format!("the KPI has no window {name:?}")
        };
        self.fault(
            &example.window,
            message,
            format!("take one of {}", names.join(", ")),
        );
    }
}

/// Does the dimension have that value, `all` and `other` included?
pub(crate) fn has_value(dimension: &Dimension, value: &str) -> bool {
    value == "all" || value == "other" || dimension.values.iter().any(|v| v == value)
}
