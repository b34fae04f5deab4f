//! In: events that count or came late. Kept: nothing. Out: attempts begun, converted, decided; deadlines
//! that replies met or breached, into the measures that count them. Never knows: panes.

use super::Engine;
use crate::kpi::meter::Counted;
use crate::state::attempts::{Base, Stage, Turned};
use crate::state::deadlines::Promise;
use cx_catalog::compiled::{CompiledJourney, Shared, View};
use cx_catalog::journey::Replies;
use cx_model::event::Event;
use cx_model::ids::Key128;
use cx_model::time::Timestamp;
use std::sync::Arc;

impl Engine {
    /// The journeys that an event of this type can begin or convert.
    pub(super) fn attempt(&mut self, counted: &Counted<'_, '_>, late: bool) {
        if self.plan.names[counted.kind].stages.is_empty() {
            return;
        }
        let plan = Arc::clone(&self.plan);
        for stage in &plan.names[counted.kind].stages {
            let journey = &plan.set.journeys[stage.journey];
            let view = View {
                event: Some(counted.event),
                outcome: if late { "late" } else { "applied" },
                reason: "",
                facts: &counted.facts,
            };
            let mut holds = |wanted: bool, condition: &Shared| {
                let verdict = if wanted { condition(view) } else { Some(false) };
                self.account.cel_errors += i64::from(verdict.is_none());
                verdict == Some(true)
            };
            let converts = holds(stage.converts, &journey.conversion);
            // What came later than the horizon begins nothing: no pane could take it.
            let begins = holds(stage.begins && !late, &journey.base);
            let Some(key) = self
                .entity(journey, counted.event)
                .filter(|_| converts || begins)
            else {
                continue;
            };
            // Where no measure judges the event it begins nothing.
            let marks = || self.meter.begins(stage.journey, counted.time, view);
            let begins = begins.then(marks).flatten().map(|marks| Base {
                within_ms: journey.within_ms,
                repeat: journey.repeat,
                marks,
            });
            let said = self.texts("said", &journey.changed, counted.event);
            let taken = Stage {
                converts,
                begins,
                late,
            };
            let times = (counted.time, self.log_time);
            let (turned, room) = self.attempts.step((key, stage.journey), times, said, taken);
            if !room {
                self.account.limit("attempts");
            }
            turned.into_iter().for_each(|t| self.turn(&t));
            self.find_due();
        }
    }

    /// Whose attempt it is: entity and what both events must say the same of.
    fn entity(&self, journey: &CompiledJourney, event: &Event<'_>) -> Option<Key128> {
        let name = match journey.entity {
            None => event.subject.as_deref(),
            Some(slot) => event.slot(slot).text(),
        };
        let constant = journey.constant.iter();
        let constant = constant.map(|slot| event.slot(*slot).text().unwrap_or_default());
        let mut parts = vec!["attempt", journey.name.as_str(), name?];
        parts.extend(constant);
        Some(self.config.hash_key.hash(&parts))
    }

    /// What an event says of some attributes; 0 where there are none.
    fn texts(&self, what: &str, slots: &[usize], event: &Event<'_>) -> Key128 {
        if slots.is_empty() {
            return Key128(0);
        }
        let texts = slots.iter();
        let texts = texts.map(|slot| event.slot(*slot).text().unwrap_or_default());
        let parts: Vec<&str> = [what].into_iter().chain(texts).collect();
        self.config.hash_key.hash(&parts)
    }

    /// An attempt took a turn.
    pub(super) fn turn(&mut self, turned: &Turned) {
        self.meter.turn(turned);
    }

    /// Replies that met their promise, at the time of the reply.
    pub(super) fn met(&mut self, kept: &[Promise], at: Timestamp, now: Timestamp) {
        let recent = now.since(at) <= self.plan.set.limits.horizon_ms;
        for promise in kept.iter().filter(|_| recent) {
            for of in [Replies::Decided, Replies::Met] {
                self.meter.reply((of, &promise.marks), (at, now), 1);
            }
        }
    }
}
