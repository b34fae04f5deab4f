//! In: emissions about to be appended. Kept: nothing. Out: the same, sometimes twice, late, broken
//! or out of order. Never knows: what they say.

use crate::agenda::What;
use crate::company::Company;
use crate::emission::Emission;
use crate::source::name::{APP, MAIL, MESSAGING, SHOP, SOCIAL, SURVEYS};
use cx_model::time::{HOUR, MINUTE, SECOND, Timestamp};

/// What goes wrong, as probabilities per event where nothing else is said. Each on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// The same record again, seconds later.
    pub duplicates: f64,
    /// Another event under the id of an earlier one (page views only).
    pub collisions: f64,
    /// Appended seconds or a few minutes after its neighbours.
    pub out_of_order: f64,
    /// Per visit: the device's clock is hours off (page and product views only).
    pub clocks_off: f64,
    /// Appended more than 30 minutes after it happened (what devices and far systems send).
    pub late: f64,
    /// A broken copy of the record beside it.
    pub malformed: f64,
    /// One source that falls silent and then catches up.
    pub outage: Option<SourceOutage>,
}

/// A source that is stopped for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceOutage {
    /// Which, e.g. `payments`; one that does not exist is never stopped.
    pub source: &'static str,
    /// When it stops.
    pub at: Timestamp,
    /// For how long, ms. Beyond ten minutes its oldest records are lost.
    pub lasts_ms: i64,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn calm() -> Self {
        Self {
            duplicates: 0.0,
            collisions: 0.0,
            out_of_order: 0.0,
            clocks_off: 0.0,
            late: 0.0,
            malformed: 0.0,
            outage: None,
        }
    }

    /// What goes wrong on any day; no source stops.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            duplicates: 0.005,
            collisions: 0.0002,
            out_of_order: 0.03,
            clocks_off: 0.001,
            late: 0.0005,
            malformed: 0.0003,
            outage: None,
        }
    }
}

/// Sources whose records pass through networks of others.
const FAR: [&str; 6] = [SHOP, APP, MAIL, MESSAGING, SOCIAL, SURVEYS];

impl Company {
    /// Appends a record, or what the faults make of it.
    pub(crate) fn deliver(&mut self, emission: Emission) {
        let faults = self.config.faults;
        let at = emission.at;
        if self.chance.yes(faults.duplicates) {
            self.truth.duplicates += 1;
            let again = at.plus(self.chance.exponential(5_000.0));
            self.later(Emission {
                at: again,
                ..emission.clone()
            });
        }
        if self.chance.yes(faults.malformed) {
            self.truth.malformed += 1;
            let value = emission.value[..emission.value.len() / 2].to_vec();
            let at = at.plus(1);
            self.later(Emission {
                at,
                value,
                ..emission.clone()
            });
        }
        // Devices and far systems lag by minutes; what runs in the house, by a second or two.
        let far = FAR.contains(&emission.source);
        let delay = if far && self.chance.yes(faults.late) {
            self.truth.late += 1;
            31 * MINUTE + self.chance.exponential(480_000.0).min(20 * MINUTE)
        } else if self.chance.yes(faults.out_of_order) {
            let most = if far { 25 * MINUTE } else { 3 * SECOND };
            self.chance.lognormal(8_000.0, 1.3).clamp(SECOND, most)
        } else {
            self.append(emission);
            return;
        };
        self.later(Emission {
            at: at.plus(delay),
            ..emission
        });
    }

    /// How far a visit's device clock is off, ms; mostly 0.
    pub(crate) fn clock_off(&mut self) -> i64 {
        if !self.chance.yes(self.config.faults.clocks_off) {
            return 0;
        }
        let hours = 1 + i64::try_from(self.chance.below(5)).unwrap_or(0);
        let ahead = self.chance.yes(0.3);
        (if ahead { hours } else { -hours }) * HOUR + MINUTE
    }

    /// Enters the outage of a source in the book.
    pub(crate) fn plan_source_outage(&mut self) {
        if let Some(outage) = self.config.faults.outage {
            self.plan(outage.at, What::SourceStops(outage.source));
            let end = outage.at.plus(outage.lasts_ms);
            self.plan(end, What::SourceStarts(outage.source));
        }
    }
}
