//! In: a compiled set. Kept: per outcome of a record, which of its measures of records count it.
//! Out: them. Never knows: panes.
//!
//! Most conditions on records look at nothing but what became of the record. What a condition says
//! without an event it says with any: a part that needs one is an error, and `&&` and `||` are
//! definite only where no error can change them.

use cx_catalog::compiled::{Compiled, CompiledAgg, View};
use cx_catalog::fact::Facts;

/// Outcomes without a reason; a dead-lettered record is looked at closely.
pub(crate) const PLAIN: [&str; 4] = ["applied", "duplicate", "late", "control"];

/// Measures of records, by what became of the record.
pub(crate) struct Outcomes {
    plain: [Matching; PLAIN.len()],
    dead: Matching,
}

/// Measures that count every such record and have no breakdown, and those that must be asked.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    pub(crate) always: Vec<usize>,
    pub(crate) asked: Vec<usize>,
}

impl Outcomes {
    pub(crate) fn new(set: &Compiled) -> Self {
        let records = || {
            let all = set.measures.iter().enumerate();
            all.filter(|(_, m)| m.agg == CompiledAgg::CountRecords)
        };
        let plain = PLAIN.map(|outcome| {
            let mut matching = Matching::default();
            for (i, measure) in records() {
                let view = View {
                    event: None,
                    facts: &Facts::NONE,
                    outcome,
                    reason: "",
                };
                match (measure.condition)(view) {
                    Some(true) if measure.dimensions.is_empty() => matching.always.push(i),
                    Some(false) => {}
                    Some(true) | None => matching.asked.push(i),
                }
            }
            matching
        });
        Self {
            plain,
            dead: Matching {
                always: Vec::new(),
                asked: records().map(|(i, _)| i).collect(),
            },
        }
    }

    /// The measures that may count a record with this one of the [`PLAIN`] outcomes, or a dead-lettered one.
    pub(crate) fn of(&self, plain: Option<usize>) -> &Matching {
        plain.map_or(&self.dead, |plain| self.plain(plain))
    }

    /// As [`Self::of`].
    pub(crate) fn plain(&self, plain: usize) -> &Matching {
        &self.plain[plain]
    }
}
