//! In: what processes measure of themselves. Kept: the last minute of it. Out: the values of KPIs
//! that no log can give. Never knows: the log's numbers; none of this enters a seal or a digest.

use crate::ledger::Ledger;
use cx_catalog::definition::{Formula, Kpi, Observed};
use cx_model::time::{MINUTE, SECOND, Timestamp};
use cx_model::value::scaled;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Most frames of a minute: one each 50 ms.
const KEPT: usize = 1_200;

/// How old events were when a frame first showed them.
#[derive(Debug, Default)]
pub(crate) struct Screen(Mutex<VecDeque<(Timestamp, i64)>>);

impl Screen {
    /// A frame of second `s` went to the screens: the oldest event it shows first was recorded as
    /// that second began.
    pub(crate) fn shown(&self, s: i64, now: Timestamp) {
        let age = now.since(Timestamp((s - 1) * SECOND));
        let mut frames = self.0.lock().expect("no holder panics");
        if frames.len() == KEPT {
            frames.pop_front();
        }
        frames.push_back((now, age));
    }

    /// The greatest age of the last minute, ms; of the last frame and since, where it is older.
    pub(crate) fn age(&self, now: Timestamp) -> Option<i64> {
        let frames = self.0.lock().expect("no holder panics");
        let (last, age) = *frames.back()?;
        let of_minute = frames.iter().filter(|(at, _)| now.since(*at) <= MINUTE);
        let greatest = of_minute.map(|(_, age)| *age).max();
        let waiting = age + now.since(last) - SECOND;
        Some(greatest.unwrap_or(age).max(waiting))
    }
}

/// The scaled value of an observed KPI; `None` for any other and before anything was measured.
pub(crate) fn value(kpi: &Kpi, screen: &Screen, ledger: &Ledger, now: Timestamp) -> Option<i64> {
    let Formula::Observed { of } = kpi.formula else {
        return None;
    };
    match of {
        Observed::EventToScreen => scaled(screen.age(now)?, SECOND, kpi.decimals),
        Observed::ConsumerLag => scaled(ledger.lag()?, 1, kpi.decimals),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_frame_of_the_last_minute_counts_and_silence_grows() {
        let screen = Screen::default();
        let at = |s: i64, ms: i64| Timestamp(s * SECOND + ms);
        assert_eq!(screen.age(at(100, 0)), None);
        screen.shown(100, at(100, 400));
        screen.shown(101, at(101, 150));
        assert_eq!(screen.age(at(101, 200)), Some(1_400));
        assert_eq!(screen.age(at(161, 0)), Some(60_000));
        screen.shown(170, at(170, 120));
        assert_eq!(screen.age(at(170, 200)), Some(1_120));
    }
}
