//! In: a sealed second. Kept: nothing. Out: every number of it as OpenMetrics lines, as the screens show
//! it. Never knows: who reads them; what processes measure of themselves.

use crate::examples::decimal;
use crate::metrics::Page;
use cx_model::value::{CellInfo, CellKey, CellValue, Sealed};
use std::fmt::Write as _;

/// Most numbers on one page; a catalogue of more is cut off there, and the page says by how many.
const MOST: usize = 20_000;
/// Digits of a definition's hash: enough to tell two of them apart.
const SHORT: usize = 12;
/// Labels of ours; a breakdown of that name has `dim_` before it.
const OURS: [&str; 3] = ["kpi", "window", "definition"];

/// Puts the numbers of a sealed second on the page; a number without a value is absent, not zero.
pub(crate) fn put(page: &mut Page, cells: &[CellInfo], sealed: &Sealed) {
    page.gauge(
        "sealed_second",
        "The sealed second of all numbers below, seconds since 1970.",
        sealed.s,
    );
    let all = || cells.iter().zip(sealed.values.iter()).take(MOST);
    let left = cells.len().saturating_sub(MOST);
    page.gauge("kpi_left_out", "Numbers that have no room below.", left);
    page.family(
        "kpi",
        "gauge",
        "Every KPI at the sealed second, in its unit, to the last digit that screens show.",
    );
    for (cell, value) in all() {
        if let Some(scaled) = value.value {
            page.value("kpi", &labels(&cell.key), decimal(scaled, cell.scale));
        }
    }
    page.family(
        "kpi_state",
        "gauge",
        "State bits of a KPI: 1 warming, 2 restated, 4 records missing, 8 limited; absent where none is set.",
    );
    let marked = |(_, value): &(&CellInfo, &CellValue)| value.state != 0;
    for (cell, value) in all().filter(marked) {
        page.value("kpi_state", &labels(&cell.key), value.state);
    }
}

/// `{kpi="…",window="…",channel="…",definition="…"}`
fn labels(key: &CellKey) -> String {
    let mut text = format!("{{kpi=\"{}\",window=\"{}\"", key.kpi, key.window.name());
    for (name, value) in &key.dims {
        let before = if OURS.contains(&name.as_str()) {
            "dim_"
        } else {
            ""
        };
        write!(text, ",{before}{name}=\"{}\"", escaped(value)).expect("a string takes all");
    }
    let short = key.definition.get(..SHORT).unwrap_or(&key.definition);
    write!(text, ",definition=\"{short}\"}}").expect("a string takes all");
    text
}

/// A label's value as the text format wants it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_model::window::Window;
    use std::collections::BTreeMap;

    fn cell(dims: &[(&str, &str)]) -> CellInfo {
        let dims = dims.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        CellInfo {
            key: CellKey {
                kpi: "revenue".into(),
                definition: "0123456789abcdef".into(),
                window: Window::M15,
                dims: dims.collect::<BTreeMap<_, _>>(),
            },
            unit: "EUR".into(),
            scale: 2,
            target: None,
            direction: "up",
            business_name: "Revenue".into(),
            meaning: "".into(),
            kind: "simple",
        }
    }

    #[test]
    fn a_number_is_its_decimal_and_one_without_a_value_is_absent() {
        let cells = [
            cell(&[("channel", "a \"b\"\\\n"), ("window", "x")]),
            cell(&[("channel", "all")]),
        ];
        let value = |value, state| CellValue {
            value,
            state,
            ..CellValue::default()
        };
        let sealed = Sealed {
            s: 1_767_225_600,
            sealed: true,
            offsets: vec![1].into(),
            values: vec![value(Some(-5), 0), value(None, 3)].into(),
            final_through: 0,
            waiting_for: Vec::new(),
        };
        let mut page = Page::default();
        put(&mut page, &cells, &sealed);
        let text = page.text();
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        let expected = [
            "watchfloor_sealed_second 1767225600",
            "watchfloor_kpi_left_out 0",
            r#"watchfloor_kpi{kpi="revenue",window="15m",channel="a \"b\"\\\n",dim_window="x",definition="0123456789ab"} -0.05"#,
            r#"watchfloor_kpi_state{kpi="revenue",window="15m",channel="all",definition="0123456789ab"} 3"#,
        ];
        assert_eq!(lines, expected);
    }
}
