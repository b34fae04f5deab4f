//! In: a lineage. Kept: nothing. Out: the same as text for a terminal. Never knows: where it came from.

use crate::show;
use cx_gateway::{Account, Ingredient, Lineage, Partition, Sample, Samples};
use cx_model::time::Timestamp;

/// The whole of it, section by section.
pub(crate) fn lineage(told: &Lineage) -> String {
    let sections = [
        head(told),
        show::table(&parts(told), &[]),
        made_of(told),
        marks(told),
        format!(
            "the log it rests on, as of that second:\n{}",
            partitions(&told.partitions)
        ),
        samples(&told.samples),
    ];
    let full: Vec<String> = sections.into_iter().filter(|s| !s.is_empty()).collect();
    full.join("\n\n")
}

fn head(told: &Lineage) -> String {
    let dims = match show::dims(&told.dims) {
        dims if dims.is_empty() => String::new(),
        dims => format!(", {dims}"),
    };
    format!(
        "{} ({}), {}{dims}\n{} at sealed second {} ({})\n{}\n{}",
        told.business_name,
        told.kpi,
        told.window,
        told.shown,
        told.s,
        Timestamp::from_second(told.s).to_rfc3339(),
        told.worked,
        told.freshness.words
    )
}

fn parts(told: &Lineage) -> Vec<Vec<String>> {
    let parts = &told.parts;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = Vec::new();
    if told.made_of.is_empty() {
        rows.push(row("numerator", parts.numerator.to_string()));
    }
    let denominator = parts.denominator;
    rows.extend(denominator.map(|d| row("denominator", d.to_string())));
    rows.push(row("n", parts.n.to_string()));
    if told.made_of.is_empty() {
        rows.push(row(
            "restated",
            format!(
                "{} above the line, {} below",
                parts.restated_numerator, parts.restated_denominator
            ),
        ));
    }
    let covers = told.covers.as_ref();
    rows.extend(covers.map(|c| {
        let words = format!("{} to {}, in panes of {} s", c.from, c.to, c.pane_s);
        row("covers", words)
    }));
    rows.push(row("definition", told.definition.clone()));
    rows
}

/// What a derived number was calculated from.
fn made_of(told: &Lineage) -> String {
    if told.made_of.is_empty() {
        return String::new();
    }
    let row = |i: &Ingredient| {
        let of = format!("{}, {} {}", i.kpi, i.window, show::dims(&i.dims));
        vec![i.name.clone(), i.shown.clone(), of.trim_end().to_owned()]
    };
    let rows: Vec<Vec<String>> = told.made_of.iter().map(row).collect();
    format!("calculated from:\n{}", show::table(&rows, &[1]))
}

fn marks(told: &Lineage) -> String {
    let lines = told
        .marks
        .iter()
        .map(|m| format!("{}: {}", m.mark, m.meaning));
    lines.collect::<Vec<_>>().join("\n")
}

/// One row per partition, and their sum.
fn partitions(all: &[Partition]) -> String {
    let names = [
        "partition",
        "next_offset",
        "start",
        "applied",
        "duplicates",
        "late",
        "dead_lettered",
        "control",
        "gaps",
        "lost",
    ];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    let terms = |a: &Account| {
        [
            a.start,
            a.applied,
            a.duplicates,
            a.late,
            a.dead_lettered,
            a.control,
            a.gaps,
            a.lost,
        ]
    };
    let mut sums = [0; 8];
    let mut next = 0;
    for p in all {
        let mut row = vec![p.partition.to_string(), p.next_offset.to_string()];
        next += p.next_offset;
        if let Some(account) = &p.account {
            let terms = terms(account);
            row.extend(terms.map(|n| n.to_string()));
            sums.iter_mut().zip(terms).for_each(|(sum, n)| *sum += n);
            row.extend(
                account
                    .data_gap
                    .map(|(from, to)| format!("data gap {from} to {to}")),
            );
            if !account.holds {
                row.push("DOES NOT ADD UP".to_owned());
            }
        }
        rows.push(row);
    }
    let sum = ["sum".to_owned(), next.to_string()];
    rows.push(sum.into_iter().chain(sums.map(|n| n.to_string())).collect());
    show::table(&rows, &[1, 2, 3, 4, 5, 6, 7, 8, 9])
}

fn samples(samples: &Samples) -> String {
    let mut text = String::new();
    let below = samples.denominator.as_deref().unwrap_or_default();
    for (words, list) in [
        ("above the line", &*samples.numerator),
        ("below the line", below),
    ] {
        if !list.is_empty() {
            let rows: Vec<Vec<String>> = list.iter().map(sample).collect();
            text += &format!(
                "newest records that count {words}:\n{}\n\n",
                show::table(&rows, &[])
            );
        }
    }
    text + &samples.note
}

fn sample(of: &Sample) -> Vec<String> {
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "\u{2014}".to_owned());
    vec![
        of.time.clone(),
        word(&of.source),
        word(&of.id),
        word(&of.kind),
        format!("{}:{}", of.partition, of.offset),
        word(&of.customer),
        of.outcome.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_summed_and_what_does_not_add_up_is_loud() {
        let account = |applied: i64, holds: bool| Account {
            start: 0,
            applied,
            duplicates: 1,
            late: 0,
            dead_lettered: 0,
            control: 0,
            gaps: 0,
            lost: 0,
            holds,
            data_gap: (!holds).then_some((3, 5)),
        };
        let partition = |partition: u32, next_offset: i64, account| Partition {
            partition,
            next_offset,
            account,
        };
        let text = partitions(&[
            partition(0, 10, Some(account(9, true))),
            partition(1, 20, Some(account(18, false))),
            partition(2, 5, None),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].contains("data gap 3 to 5") && lines[2].ends_with("DOES NOT ADD UP"));
        let sum: Vec<&str> = lines[4].split_whitespace().collect();
        assert_eq!(sum[..5], ["sum", "35", "0", "27", "2"]);
    }
}
