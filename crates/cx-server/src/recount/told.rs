//! In: a recount and how it compares. Kept: nothing. Out: words for people, JSON for programs.
//! Never knows: how it was counted.

use super::count::{Counted, Meaning};
use super::verdict::{Difference, Told, Verdict, judged, vector};
use crate::show;
use cx_model::time::Timestamp;
use serde_json::{Value, json};

/// Everything that can be said.
pub(crate) struct Report<'r> {
    pub(crate) meaning: &'r Meaning,
    pub(crate) counted: &'r Counted,
    /// What somebody else says, and how that compares.
    pub(crate) against: Option<(&'r Told, &'r Verdict)>,
    /// Signatures of control records were checked.
    pub(crate) signed: bool,
}

impl Report<'_> {
    /// A table of all numbers, and what they rest on.
    pub(crate) fn text(&self) -> String {
        let Counted {
            s,
            offsets,
            records,
            ..
        } = self.counted;
        let mut lines = vec![
            self.table(),
            String::new(),
            format!(
                "second {s} ({}), offsets {}",
                Timestamp::from_second(*s).to_rfc3339(),
                vector(offsets)
            ),
            format!(
                "recounted {records} records from {}; {}",
                self.begins(),
                self.trust()
            ),
        ];
        lines.extend(self.holds());
        if !self.meaning.observed.is_empty() {
            let outside: Vec<&str> = self.outside().collect();
            lines.push(format!(
                "outside the proof, measured by processes: {}",
                outside.join(", ")
            ));
        }
        if self.counted.set > 1 {
            lines.push(format!("set {} is in force", self.counted.set));
        }
        if let Some(hash) = &self.counted.other_set {
            let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
            lines.push(format!(
                "the log is judged by set {}, these definitions are {}",
                short(hash),
                short(&self.meaning.hash)
            ));
        }
        lines.extend(self.end());
        lines.join("\n")
    }

    /// One object.
    pub(crate) fn json(&self) -> Value {
        let Counted {
            s,
            offsets,
            from,
            records,
            cells,
            ..
        } = self.counted;
        let all = cells.iter().map(|(cell, value)| {
            let mut one = json!(value);
            one["kpi"] = cell.0.as_str().into();
            one["window"] = cell.1.name().into();
            one["dims"] = json!(cell.2);
            if let Some(kpi) = self.meaning.kpi(&cell.0) {
                one["provable"] = self.counted.proves(kpi, cell).into();
            }
            one
        });
        let mut out = json!({
            "name": "recount", "ok": self.ok(), "s": s, "offsets": offsets, "from": from, "records": records,
            "signatures": if self.signed { "checked" } else { "on trust" },
            "holds_from": self.counted.holds_from().map(|(records, open)| {
                json!({"records": records.to_rfc3339(), "open": open.to_rfc3339()})
            }),
            "outside": self.outside().collect::<Vec<_>>(), "set": self.meaning.hash, "set_number": self.counted.set,
            "other_set": self.counted.other_set, "cells": all.collect::<Vec<_>>(),
        });
        if let Some((_, verdict)) = self.against {
            out["numbers"] = verdict.numbers.into();
            out["equal"] = verdict.equal.into();
            out["not_provable"] = verdict.unproven.into();
            out["differences"] = verdict.differences().map(Difference::json).collect();
        }
        out
    }

    /// Whether it agrees, or there was nothing to agree with.
    pub(crate) fn ok(&self) -> bool {
        self.against.is_none_or(|(_, verdict)| verdict.agrees())
    }

    fn table(&self) -> String {
        let cells = self.counted.cells.iter();
        let rows: Vec<Vec<String>> = cells
            .map(|(cell, value)| {
                let kpi = self.meaning.kpi(&cell.0);
                let (unit, scale) = kpi.map_or(("", 0), |k| (k.unit.as_str(), k.decimals));
                let provable = kpi.is_none_or(|k| self.counted.proves(k, cell));
                let word = match self.against {
                    Some((told, _)) => {
                        let both = [told.cells.get(cell).copied(), Some(*value)];
                        judged(self.meaning, self.counted, cell, both).name()
                    }
                    None if provable => "",
                    None => "not provable",
                };
                vec![
                    cell.0.clone(),
                    cell.1.name().to_owned(),
                    show::dims(&cell.2),
                    show::value(value.value, unit, scale),
                    format!("n {}", value.n),
                    show::state(value.state),
                    word.to_owned(),
                ]
            })
            .collect();
        show::table(&rows, &[3, 4])
    }

    fn begins(&self) -> String {
        begins(&self.counted.from)
    }

    fn trust(&self) -> &'static str {
        if self.signed {
            "signatures of control records checked"
        } else {
            "control records taken on trust"
        }
    }

    fn holds(&self) -> Option<String> {
        let (records, open) = self.counted.holds_from()?;
        Some(format!(
            "the log's beginning is gone: the proof holds for windows that begin after {} over records, after {} over what is open; the age of a source is outside it",
            records.to_rfc3339(),
            open.to_rfc3339()
        ))
    }

    fn outside(&self) -> impl Iterator<Item = &str> {
        self.meaning.observed.iter().map(|k| k.kpi.as_str())
    }

    fn end(&self) -> Vec<String> {
        let Some((_, verdict)) = self.against else {
            return vec![format!("{} numbers", self.counted.cells.len())];
        };
        let differs = verdict.differences();
        let differs = differs.map(|d| format!("DIFFERS: {}", d.words(self.meaning)));
        differs.chain([score(verdict)]).collect()
    }
}

/// `481 of 481 numbers are equal`, and how many cannot be proven.
pub(crate) fn score(verdict: &Verdict) -> String {
    let provable = verdict.numbers - verdict.unproven;
    let score = format!("{} of {provable} numbers are equal", verdict.equal);
    match verdict.unproven {
        0 => score,
        n => format!("{score}, {n} rest on records that are gone"),
    }
}

/// From which offset the log was read.
pub(crate) fn begins(from: &[i64]) -> String {
    if from.iter().all(|low| *low == 0) {
        "offset 0".to_owned()
    } else {
        format!("offsets {}", vector(from))
    }
}
