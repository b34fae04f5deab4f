//! In: what a presenter does to the company while it runs. Kept: nothing. Out: a company to which
//! it has happened. Never knows: buttons.

use crate::agenda::What;
use crate::company::Company;
use crate::emission::Emission;
use crate::source::SOURCES;
use cx_model::time::Timestamp;

/// How far apart the records of a catch-up burst are appended, ms.
const BURST_MS: i64 = 2;

impl Company {
    /// Payments fail from `at` for 15 minutes, and people come because of it. While they fail
    /// already, they fail until 15 minutes after `at`.
    pub fn break_payments(&mut self, at: Timestamp) {
        if self.story.breaks(at) {
            let at = at.max(self.now);
            self.incident(at);
            // Worried people of an outage just over may still be on their way: one stream is enough.
            if !self.worried {
                self.worried = true;
                self.plan(at, What::Worry);
            }
        }
    }

    /// Payments work again from `at`; a scheduled outage later still comes.
    pub fn mend_payments(&mut self, at: Timestamp) {
        self.story.mended(at);
    }

    /// Whether payments fail at `at`; known up to the next scheduled outage.
    #[must_use]
    pub fn payments_failing(&self, at: Timestamp) -> bool {
        self.story.failing(at)
    }

    /// From now on nothing of that source is emitted; its newest 2,000 events of the last 10
    /// minutes are held back. Stopping it again changes nothing. False: no such source, or the
    /// last one that still sends (the company never falls silent).
    pub fn stop_source(&mut self, source: &str) -> bool {
        let stopped = self.doors.shut(source);
        let ready = std::mem::take(&mut self.ready);
        ready.into_iter().for_each(|e| self.append(e));
        stopped
    }

    /// What was held back comes as a burst, with the event times it had. Starting a source that
    /// runs changes nothing. False: no such source.
    pub fn start_source(&mut self, source: &str) -> bool {
        let now = self.now;
        let Some(held) = self.doors.open(source, now) else {
            return false;
        };
        for (n, emission) in (1..).zip(held) {
            let at = now.plus(n * BURST_MS);
            self.later(Emission { at, ..emission });
        }
        true
    }

    /// All sources.
    #[must_use]
    pub fn sources(&self) -> Vec<&'static str> {
        SOURCES.to_vec()
    }

    /// Sources that are stopped.
    #[must_use]
    pub fn stopped(&self) -> Vec<&'static str> {
        self.doors.stopped()
    }
}

#[cfg(test)]
mod tests;
