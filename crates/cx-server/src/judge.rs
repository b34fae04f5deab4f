//! In: parts of all partitions. Kept: the roll-up. Out: sealed seconds to history and hub, to the hub at
//! most one a frame interval; live values once a second where none could be sealed for 3 s.
//! Never knows: Kafka, sockets.
//!
//! After engines were thrown away their roll-up goes too; seconds that it had sealed are sealed again and
//! compared, not shown again.

use crate::alerts::{self, Bench};
use crate::clock;
use crate::common::Common;
use crate::history::{Final, writer};
use crate::moments::Moments;
use crate::partition::Handed;
use cx_engine::{self as engine, Part, Rollup};
use cx_gateway::Hub;
use cx_model::value::Sealed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};

/// How old the first sealed second is that is no history any more, s.
const LIVE_S: i64 = 1;
/// How long without a seal until live values go out, ms.
const NOT_SEALED_MS: i64 = 3_000;

/// Runs until all workers are gone.
pub(crate) fn run(
    handed: &Receiver<Handed>,
    common: &Common,
    rollup: &Mutex<Rollup>,
    (hub, writer): (&Arc<Hub>, &SyncSender<writer::Handed>),
) {
    let mut judge = Judge {
        common,
        writer,
        hub,
        life: 0,
        before: None,
        shown: i64::MIN,
        bench: Bench::new(common),
    };
    let mut sealed_at = clock::now();
    let mut live_at = clock::now();
    let mut caught_up = false;
    let mut moments = Moments::new(common.partitions);
    loop {
        let mut newest = None;
        match handed.recv_timeout(moments.wait(&common.rhythm, clock::now())) {
            Ok(first) => {
                let mut rollup = rollup.lock().expect("no holder panics");
                for one in std::iter::once(first).chain(handed.try_iter()) {
                    match one {
                        Handed::Part(life, part) => {
                            newest = judge.part(&mut rollup, (life, part)).or(newest);
                        }
                        Handed::Final(life, one) => judge.finish(&mut rollup, (life, &one)),
                        Handed::Moment(moment) => moments.take(moment),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        judge.bench.hand_over();
        let now = clock::now();
        moments.give((&common.rhythm, hub), (&common.sets, rollup), now);
        // A seal of long ago is history being folded: screens get only the newest.
        if let Some(sealed) = newest {
            sealed_at = now;
            hub.publish(&sealed, now.0);
            // Until the log is caught up with, frames show history, not what has just happened.
            caught_up |= now.second() - sealed.s <= LIVE_S;
            if caught_up {
                common.screen.shown(sealed.s, clock::now());
            }
        } else if now.since(sealed_at) > NOT_SEALED_MS && now.since(live_at) >= 1_000 {
            live_at = now;
            let live = {
                let rollup = rollup.lock().expect("no holder panics");
                rollup.live_set().zip(rollup.live())
            };
            if let Some((number, live)) = live {
                hub.publish(&common.sets.widen(number, live), now.0);
            }
        }
    }
}

/// What the judge knows of lives.
struct Judge<'j> {
    common: &'j Common,
    /// Where whole minutes are kept.
    writer: &'j SyncSender<writer::Handed>,
    hub: &'j Hub,
    /// The life whose parts count.
    life: u32,
    /// The roll-up of the life before, while what it sealed is sealed again.
    before: Option<Rollup>,
    /// The newest second that was sealed by any life.
    shown: i64,
    /// Where alerts are judged.
    bench: Bench<'j>,
}

impl Judge<'_> {
    /// Whether what an engine of some life handed over counts; the roll-up is that life's then and knows
    /// the set.
    fn counts(&mut self, rollup: &mut Rollup, (life, set): (u32, u32)) -> bool {
        if life > self.life {
            self.life = life;
            let fresh = self.common.rollup();
            self.before = Some(std::mem::replace(rollup, fresh));
        } else if life < self.life {
            return false;
        }
        if set > rollup.set().number {
            let plans = self.common.sets.plans();
            plans.iter().for_each(|plan| rollup.learn(plan));
        }
        true
    }

    /// Takes a minute that became final in one partition; what became final in all goes to history.
    fn finish(&mut self, rollup: &mut Rollup, (life, one): (u32, &engine::Final)) {
        if !self.counts(rollup, (life, one.set)) {
            return;
        }
        if let Some(minute) = rollup.handle_final(one) {
            let parts = self.common.sets.among_all(minute.set, &minute.parts);
            let end = minute.end;
            self.common
                .history
                .finish(Final { end, parts }, self.writer);
        }
    }

    /// Takes a part of an engine of some life; the second it seals, if nobody has seen it yet.
    fn part(&mut self, rollup: &mut Rollup, (life, part): (u32, Part)) -> Option<Sealed> {
        if !self.counts(rollup, (life, part.set)) {
            return None;
        }
        let sealed = rollup.handle_part(part)?;
        let number = rollup.set().number;
        let own = sealed.clone();
        let sealed = self.common.sets.widen(number, sealed);
        if let Some(set) = self.common.sets.show(number) {
            tracing::info!(
                set = number,
                hash = set.compiled().hash,
                "definition changed"
            );
            let alerts = alerts::cells(set.compiled());
            self.hub.change(set.boards.clone(), alerts);
        }
        self.common.history.seal(&sealed, self.writer);
        if sealed.s > self.shown {
            self.shown = sealed.s;
            self.bench.seal(number, &own);
            if self.before.take().is_some() {
                self.common.revival.back(&sealed, clock::now());
            }
            return Some(sealed);
        }
        let again = self.before.as_ref().and_then(|b| {
            let number = b.set_at(sealed.s)?.number;
            Some(
                self.common
                    .sets
                    .widen(number, b.sealed_at(sealed.s)?.clone()),
            )
        });
        if let Some(again) = again {
            let equal = (&again.values, &again.offsets) == (&sealed.values, &sealed.offsets);
            self.common.revival.twice(equal);
        }
        None
    }
}
