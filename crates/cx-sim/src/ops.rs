//! In: the clock. Kept: what was asked of shop, app and payments since the last report. Out: every
//! source's heartbeat, requests and vitals, incidents. Never knows: customers.

use crate::agenda::What;
use crate::company::Company;
use crate::draft::Draft;
use crate::source::SOURCES;
use crate::source::name::{APP, OPS, PAYMENTS, SHOP};
use cx_model::time::{MINUTE, SECOND, Timestamp};

/// How long after payments began to fail the incident is opened, ms.
const NOTICED: i64 = 90 * SECOND;

impl Company {
    /// From the start on every source reports by the clock, each at its own beat of 20–30 s.
    pub(crate) fn start_clockwork(&mut self, at: Timestamp) {
        for source in 0..SOURCES.len() {
            let first = at.plus(self.chance.between(0, 20 * SECOND));
            self.plan(first, What::Beat(source));
        }
    }

    pub(crate) fn beat(&mut self, at: Timestamp, n: usize) {
        let next = at.plus(self.chance.between(20 * SECOND, 30 * SECOND));
        self.plan(next, What::Beat(n));
        let source = SOURCES[n];
        let draft = |kind| Draft::system(source, kind, source.to_owned());
        self.say(at, draft("ops.integration_heartbeat"));
        if ![SHOP, APP, PAYMENTS].contains(&source) {
            return;
        }
        let failure = if source == PAYMENTS {
            self.story.failure(at)
        } else {
            0.002
        };
        let requests = 20 + i64::try_from(self.chance.below(200)).unwrap_or(0);
        let failed = (0..requests).filter(|_| self.chance.yes(failure)).count();
        let slow = if self.story.failing(at) && source == PAYMENTS {
            4.0
        } else {
            1.0
        };
        let summary = draft("ops.request_summary")
            .with("requests", requests)
            .with("errors", failed)
            .with("duration_ms", self.chance.lognormal(180.0 * slow, 0.3));
        self.say(at.plus(200), summary);
        if source != PAYMENTS {
            let vitals = draft("ops.vitals")
                .with("lcp_ms", self.chance.lognormal(1_900.0, 0.35))
                .with("inp_ms", self.chance.lognormal(140.0, 0.4))
                .with("ttfb_ms", self.chance.lognormal(420.0, 0.4));
            self.say(at.plus(400), vitals);
        }
    }

    /// Operations notice an outage of payments, and note its end.
    pub(crate) fn incident(&mut self, at: Timestamp) {
        let id = format!("inc-{}", self.number());
        let draft = |kind| {
            Draft::system(OPS, kind, OPS.to_owned())
                .with("incident_id", id.clone())
                .with("topic", "payment")
        };
        let opened = draft("ops.incident_opened").with("reason", "payment provider times out");
        self.say(at.plus(NOTICED), opened);
        self.plan(at.plus(MINUTE), What::IncidentWatch(id));
    }

    /// Until payments work again, somebody looks every minute.
    pub(crate) fn watch(&mut self, at: Timestamp, id: String) {
        if self.story.failing(at) {
            self.plan(at.plus(MINUTE), What::IncidentWatch(id));
            return;
        }
        let closed = Draft::system(OPS, "ops.incident_closed", OPS.to_owned())
            .with("incident_id", id)
            .with("topic", "payment");
        self.say(at.plus(NOTICED), closed);
    }
}
