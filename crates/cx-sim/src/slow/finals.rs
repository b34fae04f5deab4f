//! In: whole logs, one minute. Kept: nothing. Out: what every KPI holds of that minute as it stood when it
//! became final. Never knows: panes, windows; what came before the last record that counts.

use super::attempts::Change;
use super::meaning::{Named, Outcome};
use super::part::{nothing, tally};
use super::scope::{scoped, scopes};
use super::versions::Version;
use super::{SlowModel, conditions};
use cx_catalog::definition::{Agg, Formula, Kpi, Measure};
use cx_model::frame::WireParts;
use cx_model::time::Timestamp;
use cx_model::window::Window;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A KPI and its dimension values: all of its windows share the parts.
pub type Minute = (String, BTreeMap<String, String>);

/// Seconds of a minute.
const MINUTE: i64 = 60;

impl SlowModel<'_> {
    /// Numerator, denominator and n of the minute that ended at second `end`, from the records that came
    /// before its end + lateness, under the set that held there then; `None` for a KPI that has no parts of
    /// a minute or was not counted all of it. No minute where partitions were not of one set.
    #[must_use]
    pub fn minute(&self, end: i64) -> Option<BTreeMap<Minute, Option<WireParts>>> {
        let at = Timestamp::from_second(end).plus(self.limits.lateness_ms);
        let s = -(-at.0).div_euclid(1_000);
        let set = self.sets.only(s)?;
        let before = self.logs.iter().map(|log| {
            let later = log.iter().position(|r| r.log_time >= at);
            &log[..later.unwrap_or(log.len())]
        });
        let before: Vec<&[Named]> = before.collect();
        let span = Timestamp::from_second(end - MINUTE)..Timestamp::from_second(end);
        let mut minute = BTreeMap::new();
        for kpi in set {
            let version = self.sets.version(kpi, s);
            let has = adds_up(kpi) && version.judges_all(span.start);
            let decided: Vec<Vec<Change<'_>>> = conditions::measures(kpi)
                .into_iter()
                .map(|m| self.changes((&version, m), &before, s))
                .collect();
            for dims in scopes(&kpi.dimensions) {
                let one = |m: &Measure, decided: &[Change<'_>]| {
                    self.of_minute((&version, m), (&before, decided), &span, &dims)
                };
                let parts = has.then(|| match &kpi.formula {
                    Formula::Simple { measure } => {
                        let (sum, n) = one(measure, &decided[0]);
                        let average = matches!(measure.agg, Agg::Average { .. });
                        (sum, average.then_some(n), n)
                    }
                    Formula::Ratio {
                        numerator,
                        denominator,
                    } => {
                        let (above, _) = one(numerator, &decided[0]);
                        let (below, n) = one(denominator, &decided[1]);
                        (above, Some(below), n)
                    }
                    Formula::Observed { .. } | Formula::Derived { .. } => {
                        unreachable!("adds nothing up")
                    }
                });
                minute.insert((kpi.kpi.clone(), dims), parts);
            }
        }
        Some(minute)
    }

    /// Sum and n of one measure.
    fn of_minute(
        &self,
        (version, m): (&Version<'_>, &Measure),
        (before, decided): (&[&[Named]], &[Change<'_>]),
        span: &Range<Timestamp>,
        dims: &BTreeMap<String, String>,
    ) -> (i64, i64) {
        let dimensions = &version.kpi.dimensions;
        if matches!(m.agg, Agg::CountReplies { .. } | Agg::Attempts { .. }) {
            let here = |c: &&Change<'_>| span.contains(&c.time) && scoped(c.by, dimensions, dims);
            let n = decided.iter().filter(here).map(|c| c.count).sum();
            return (n, n);
        }
        let records = m.agg == Agg::CountRecords;
        let conditions = self.conditions(version.kpi, m);
        let mut part = nothing(m);
        for r in before.iter().flat_map(|log| log.iter()) {
            let time = if records { r.log_time } else { r.time };
            let counts = (records || r.outcome == Outcome::Applied) && span.contains(&time);
            if counts
                && version.judges(r, records)
                && self.matches(&conditions, m, r)
                && scoped(r, dimensions, dims)
            {
                tally(m, r, &mut part, &mut BTreeSet::new());
            }
        }
        match m.agg {
            Agg::Sum { .. } | Agg::Average { .. } => (part.value.unwrap_or(0), part.n),
            Agg::Count
            | Agg::CountRecords
            | Agg::Min { .. }
            | Agg::Max { .. }
            | Agg::Percentile { .. }
            | Agg::CountDistinct
            | Agg::CountChannels { .. }
            | Agg::CountNumbered { .. }
            | Agg::CountReplies { .. }
            | Agg::Attempts { .. }
            | Agg::Gauge { .. }
            | Agg::Oldest { .. } => (part.n, part.n),
        }
    }
}

/// Whether a KPI is made of plain sums, and some window of it of minutes or less.
fn adds_up(kpi: &Kpi) -> bool {
    let measures = conditions::measures(kpi);
    let sums = measures.iter().all(|m| match m.agg {
        Agg::Count
        | Agg::CountRecords
        | Agg::Sum { .. }
        | Agg::Average { .. }
        | Agg::CountReplies { .. }
        | Agg::Attempts { .. } => true,
        Agg::Min { .. }
        | Agg::Max { .. }
        | Agg::Percentile { .. }
        | Agg::CountDistinct
        | Agg::CountChannels { .. }
        | Agg::CountNumbered { .. }
        | Agg::Gauge { .. }
        | Agg::Oldest { .. } => false,
    });
    let short = [Window::M1, Window::M5, Window::M15, Window::H1];
    !measures.is_empty() && sums && kpi.windows.iter().any(|w| short.contains(w))
}
