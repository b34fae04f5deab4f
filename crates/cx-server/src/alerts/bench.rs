//! In: sealed seconds. Kept: the judge, what Kafka has not been given yet. Out: verdicts in `cx.alerts`, each
//! once, and the judge's state once a minute. Never knows: who reads them.

use super::record;
use crate::common::Common;
use cx_catalog::compiled::Compiled;
use cx_engine::judge::Judge;
use cx_model::value::Sealed;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Most records that wait here while Kafka takes none; beyond them seconds are not judged, which proves
/// nothing and loses nothing: the first second judged after them says what is so.
const WAITING: usize = 1_000;

/// Where the judge sits.
pub(crate) struct Bench<'b> {
    common: &'b Common,
    judge: Judge,
    /// The set whose alerts he judges.
    set: Arc<Compiled>,
    minute: Option<i64>,
    waiting: VecDeque<Vec<u8>>,
}

impl<'b> Bench<'b> {
    /// Goes on from what the log of alerts said at the start.
    pub(crate) fn new(common: &'b Common) -> Self {
        let begin = common.alerts.begin.lock().expect("no holder panics");
        Self {
            judge: Judge::new(Arc::clone(&common.set), begin.clone()),
            set: Arc::clone(&common.set),
            common,
            minute: begin.through.map(|s| s.div_euclid(60)),
            waiting: VecDeque::new(),
        }
    }

    /// Judges a second under the set of a number, whose own values these are.
    pub(crate) fn seal(&mut self, number: u32, sealed: &Sealed) {
        self.change(number);
        let alerts = &self.common.alerts;
        if self.waiting.len() >= WAITING {
            alerts.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        for verdict in self.judge.handle_seal(sealed) {
            let value = record::verdict(verdict, &self.set);
            self.waiting.push_back(value);
        }
        alerts.s.fetch_max(sealed.s, Ordering::Relaxed);
        let minute = Some(sealed.s.div_euclid(60));
        if self.judge.through() == Some(sealed.s) && self.minute < minute {
            self.minute = minute;
            self.waiting.push_back(record::state(&self.judge.state()));
        }
        self.hand_over();
    }

    /// Goes on under another set: what it does not know any more is withdrawn with this second.
    fn change(&mut self, number: u32) {
        if self.set.number == number {
            return;
        }
        if let Some(set) = self.common.sets.get(number) {
            self.set = Arc::clone(set.compiled());
            self.judge = Judge::new(Arc::clone(&self.set), self.judge.state());
        }
    }

    /// Gives Kafka what it did not take before.
    pub(crate) fn hand_over(&mut self) {
        let topic = &self.common.topics.alerts;
        while let Some(value) = self.waiting.front() {
            let producer = &self.common.producer;
            if producer
                .send(topic, Some(0), None, value, &[], None)
                .is_err()
            {
                return;
            }
            self.waiting.pop_front();
        }
    }
}
