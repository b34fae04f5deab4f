//! In: records with their names, one measure. Kept: nothing. Out: what counts of promised replies and of
//! attempts at a second. Never knows: how they are walked through.

use super::attempts::{self, Change};
use super::conversations;
use super::meaning::Named;
use super::part::{Part, nothing};
use super::scope::{panes, scoped};
use super::versions::Version;
use super::{Scene, SlowModel, conditions};
use cx_catalog::definition::{Agg, Kpi, Measure};
use cx_model::time::Timestamp;
use cx_model::window::Window;
use std::collections::BTreeMap;

impl SlowModel<'_> {
    /// What counts when it is decided: promised replies, and attempts.
    pub(super) fn decided(
        &self,
        (kpi, m): (&Kpi, &Measure),
        window: Window,
        dims: &BTreeMap<String, String>,
        scene: &Scene<'_, '_>,
        s: i64,
    ) -> Part {
        let reach = (window != Window::Now).then(|| panes((kpi, m), window, s));
        let mut part = nothing(m);
        let all = conditions::measures(kpi);
        let at = all.iter().position(|other| std::ptr::eq(*other, m));
        for c in &scene.decided[at.expect("one of its own")] {
            if !scoped(c.by, &kpi.dimensions, dims) {
                continue;
            }
            if let Some((panes, width)) = &reach {
                let pane = c.time.second().div_euclid(*width);
                let end = Timestamp::from_second((pane + 1) * width);
                if !panes.contains(&pane) {
                    continue;
                }
                let late = end.plus(self.limits.lateness_ms) <= c.log_time;
                part.restated += i64::from(late);
            }
            part.n += c.count;
        }
        part.value = Some(part.n);
        part
    }

    /// All that counts of promised replies or attempts, whatever window and breakdown.
    pub(super) fn changes<'r>(
        &self,
        (version, m): (&Version<'_>, &Measure),
        before: &[&'r [Named]],
        s: i64,
    ) -> Vec<Change<'r>> {
        let kpi = version.kpi;
        let number = |text: &str| self.programs[text].0;
        let filter: Vec<usize> = kpi.filter.iter().map(|f| number(f)).collect();
        let conditions = self.conditions(kpi, m);
        let of = |log: &'r [Named]| {
            if let Agg::CountReplies { of } = &m.agg {
                let all = conversations::replies(log, s, *of, &self.limits).into_iter();
                return all
                    .filter(|c| version.judges(c.by, false) && self.matches(&conditions, m, c.by))
                    .collect();
            }
            let Agg::Attempts { of, journey } = &m.agg else {
                return Vec::new();
            };
            let (base, conversion) = (number(&journey.base), number(&journey.conversion));
            attempts::changes(log, s, (journey, *of), |r| {
                let holds = self.holds(r);
                let all = filter.iter().all(|f| holds[*f]);
                let judged = version.judges(r, false);
                [all && holds[base] && judged, all && holds[conversion]]
            })
        };
        before.iter().flat_map(|log| of(log)).collect()
    }
}
