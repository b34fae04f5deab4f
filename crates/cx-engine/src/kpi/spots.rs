//! In: seconds of events, log time. Kept: where the last ones lie: the next one mostly lies there too. Out: where a
//! second lies in the panes of each grain. Never knows: what is added there.

use super::grain::{self, GRAINS};
use super::panes::{Panes, Spot};
use cx_model::time::Timestamp;
use std::ops::Range;

/// So many of the finest panes are remembered: events of one time come mixed with those of a little before.
const KEPT: usize = 4;

/// Where one second lies in the panes of each grain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spots {
    pub(crate) panes: [Option<Spot>; GRAINS],
    /// A bit for each grain whose pane was final already.
    pub(crate) restates: u8,
}

/// The spots of all seconds of one finest pane, while log time lies here.
struct Known {
    pane: i64,
    while_in: Range<Timestamp>,
    spots: Spots,
}

/// Those of late.
#[derive(Default)]
pub(crate) struct Finder([Option<Known>; KEPT]);

impl Finder {
    /// The rings of panes moved.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Where something of this second is added.
    pub(crate) fn find(
        &mut self,
        (panes, lateness_ms): (&[Panes; GRAINS], i64),
        second: i64,
        log_time: Timestamp,
    ) -> Spots {
        // All widths are multiples of the finest.
        let pane = second.div_euclid(grain::ALL[0].width);
        let at = usize::try_from(pane).unwrap_or_default() % KEPT;
        match &self.0[at] {
            Some(k) if k.pane == pane && k.while_in.contains(&log_time) => k.spots,
            _ => {
                let known = look((panes, lateness_ms), pane, log_time);
                self.0[at].insert(known).spots
            }
        }
    }
}

fn look((panes, lateness_ms): (&[Panes; GRAINS], i64), pane: i64, log_time: Timestamp) -> Known {
    let second = pane * grain::ALL[0].width;
    let mut spots = Spots::default();
    let mut while_in = Timestamp(i64::MIN)..Timestamp(i64::MAX);
    for (i, panes) in panes.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
        let width = grain::ALL[i].width;
        let pane = second.div_euclid(width);
        let is_final_at = Timestamp::from_second((pane + 1) * width).plus(lateness_ms);
        if is_final_at <= log_time {
            spots.restates |= 1 << i;
            while_in.start = while_in.start.max(is_final_at);
        } else {
            while_in.end = while_in.end.min(is_final_at);
        }
        spots.panes[i] = panes.spot(pane);
    }
    Known {
        pane,
        while_in,
        spots,
    }
}
