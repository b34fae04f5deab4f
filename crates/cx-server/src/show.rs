//! In: scaled integers with their unit and state. Kept: nothing. Out: words for a terminal.
//! Never knows: where numbers come from.

use crate::examples::decimal;
use cx_model::value::{DATA_GAP, LIMITED, RESTATED, WARMING};
use std::collections::BTreeMap;

/// A value as people read it: `78.4 %`, `12 s`, `1999.00 EUR`, a dash where there is nothing to say.
pub(crate) fn value(value: Option<i64>, unit: &str, scale: u8) -> String {
    let Some(value) = value else {
        return "\u{2014}".to_owned();
    };
    let number = decimal(value, scale);
    match unit {
        "count" => number,
        "percent" => format!("{number} %"),
        "seconds" => format!("{number} s"),
        // points, or a currency
        other => format!("{number} {other}"),
    }
}

/// State bits in words.
pub(crate) fn state(bits: u8) -> String {
    let words = [
        (WARMING, "warming"),
        (RESTATED, "restated"),
        (DATA_GAP, "data gap"),
        (LIMITED, "limited"),
    ];
    let set = words.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// `channel=chat queue=all`, or nothing for a KPI without breakdowns.
pub(crate) fn dims(dims: &BTreeMap<String, String>) -> String {
    let pairs = dims.iter().map(|(k, v)| format!("{k}={v}"));
    pairs.collect::<Vec<_>>().join(" ")
}

/// Columns as wide as their widest entry; numbers stand to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |c: usize| {
        rows.iter()
            .filter_map(|r| r.get(c))
            .map(|t| t.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|c| wide(c).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(c, text)| {
            let width = widths[c];
            if right.contains(&c) {
                format!("{text:>width$}")
            } else {
                format!("{text:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_unit_and_nothing_is_a_dash() {
        assert_eq!(value(Some(784), "percent", 1), "78.4 %");
        assert_eq!(value(Some(-32), "points", 0), "-32 points");
        assert_eq!(value(Some(-5), "EUR", 2), "-0.05 EUR");
        assert_eq!(value(None, "seconds", 0), "\u{2014}");
        assert_eq!(state(WARMING | RESTATED), "warming, restated");
    }

    #[test]
    fn numbers_of_a_table_end_on_one_edge() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(
            table(&[row("x", "1"), row("long", "22")], &[1]),
            "x      1\nlong  22"
        );
    }
}
