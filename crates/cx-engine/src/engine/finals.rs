//! In: passed seconds. Kept: nothing. Out: minutes that became final, once each and in order, whichever
//! seconds are emitted. Never knows: other partitions.

use super::Engine;
use crate::effect::{Effect, Final};
use crate::kpi::finals::MINUTE;
use cx_model::time::Timestamp;

impl Engine {
    /// Log time comes to second `s`: every minute that becomes final by then is handed over as it stands
    /// at its end + lateness, after all that is due by then. Of a silence of which no second is emitted
    /// only minutes that had ended before it, and the last one.
    pub(super) fn finish(&mut self, s: i64) {
        let lateness = self.plan.set.limits.lateness_ms;
        let late = -(-lateness).div_euclid(1_000);
        let before = self.passed;
        let whole = |s: i64| s.div_euclid(MINUTE) * MINUTE;
        let mut end = whole(before - late) + MINUTE;
        while end + late <= s {
            let at = end + late;
            if end > before && at <= s - MINUTE {
                end = whole(s - late);
                continue;
            }
            self.fire_until(Timestamp::from_second(at));
            self.come(at);
            self.meter.advance(at);
            let one = Final {
                partition: self.config.partition,
                end,
                set: self.plan.number(),
                since: self.sets.since.clone(),
                values: self.meter.minute(end),
            };
            self.effects.push_back(Effect::Final(one));
            self.passed = at;
            end += MINUTE;
        }
        self.passed = s;
    }
}
