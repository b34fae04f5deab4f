//! In: records of some partitions, from one Kafka client on this thread. Kept: those partitions.
//! Out: how far each has come, the control records that are due. Never knows: KPIs, screens.

use crate::clock;
use crate::common::Common;
use crate::decided;
use crate::moments::Moment;
use crate::outbox::Outbox;
use crate::pace::ahead;
use crate::partition::{Handed, Outs, Owned};
use crate::start;
use crate::watchdog::Watchdog;
use cx_kafka::{Ear, Run};
use cx_model::time::{MINUTE, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How far behind the owner's clock the slowest partition may be while clock records are written:
/// a clock that ran ahead of it would leave the roll-up too much to hold, ms.
const CLOCK_NEAR_MS: i64 = 45 * MINUTE;

/// How long a poll waits for a record.
const POLL: Duration = Duration::from_millis(20);

/// One thread's partitions.
struct Worker {
    common: Arc<Common>,
    ear: Ear,
    /// By partition; others have the rest.
    owned: Vec<Option<Owned>>,
    outs: Outs,
    outbox: Outbox,
    watchdog: Watchdog,
    /// The stretch at whose beginning it said what its engines hold.
    told: Option<i64>,
}

/// Runs until told to stop, in as many lives as there are; an error stops the house.
///
/// # Errors
/// Kafka's final errors, a log that is not the one of the snapshots, a control record signed with
/// an unknown key, an effect that no broker will ever take.
pub(crate) fn run(common: &Arc<Common>, partitions: &[u32], outs: &Outs) -> anyhow::Result<()> {
    while !common.stop.load(Ordering::Relaxed) {
        let life = common.revival.life();
        let outs = Outs {
            life,
            ..outs.clone()
        };
        let Some(mut worker) = Worker::begin(Arc::clone(common), partitions, outs)? else {
            return Ok(());
        };
        while !common.stop.load(Ordering::Relaxed) && common.revival.life() == life {
            worker.turn()?;
        }
        if common.revival.life() == life {
            worker.outbox.hand_over(common);
        }
    }
    Ok(())
}

impl Worker {
    /// Loads its partitions one after the other; `None` where the house stopped meanwhile.
    fn begin(common: Arc<Common>, partitions: &[u32], outs: Outs) -> anyhow::Result<Option<Self>> {
        // What an earlier life of this process sent is seen by the one that reads on.
        let mark = common.effects.mark();
        while outs.life > 0 && !common.effects.handed_over(mark) {
            if common.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut ear = Ear::connect(&common.settings, &common.topics.interactions, partitions)?;
        let mut owned: Vec<Option<Owned>> = (0..common.partitions).map(|_| None).collect();
        let mut starts = Vec::new();
        let decided = decided::highest(&common, partitions)?;
        for partition in partitions {
            if common.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let bounds = ear.bounds(*partition)?;
            let begun = start::begin(&common, *partition, bounds)?;
            common
                .ledger
                .begins(*partition, begun.engine.account().next);
            common.ledger.ends(*partition, bounds.1);
            starts.push((*partition, begun.from));
            owned[*partition as usize] = Some(Owned::new(
                &common,
                *partition,
                begun,
                decided.get(partition).copied(),
            ));
        }
        ear.start(&starts)?;
        Ok(Some(Self {
            watchdog: Watchdog::new(clock::now()),
            told: None,
            common,
            ear,
            owned,
            outs,
            outbox: Outbox::default(),
        }))
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        let Self {
            common,
            ear,
            owned,
            outs,
            outbox,
            ..
        } = self;
        let mut fault = None;
        // Once for all that one poll hands over: some milliseconds.
        let now = clock::now();
        let wait = common.rhythm.next(now).map_or(POLL, |next| POLL.min(next));
        ear.poll_runs(wait, &mut |heard| {
            if fault.is_none()
                && let Err(e) = take((common, now), owned, (outs, outbox), heard)
            {
                fault = Some(e);
            }
        })?;
        match fault {
            Some(fault) => Err(fault),
            None => self.tick(),
        }
    }

    /// Waits and goes on, writes the control records that are due, and copies every account for
    /// the readers.
    fn tick(&mut self) -> anyhow::Result<()> {
        let now = clock::now();
        self.tell(now)?;
        if self.outbox.is_due(now) {
            self.outbox.hand_over(&self.common);
        }
        let producers = [&self.common.effects, &self.common.producer];
        for producer in producers {
            let lost = producer.lost();
            anyhow::ensure!(
                lost == 0,
                "{lost} records that follow from the log were not taken by the broker and never will be; the house stops so that nothing counts as done: {}",
                producer.lost_why().unwrap_or_default()
            );
        }
        self.common.outputs.look(producers, now);
        let full = self.common.memory.full(now);
        let live = self.common.live.load(Ordering::Acquire);
        let mut progress = (false, 0);
        for (partition, owned) in (0..).zip(&mut self.owned) {
            let Some(owned) = owned else {
                continue;
            };
            let engine = &owned.engine;
            let (log_time, next) = (engine.log_time(), engine.account().next);
            self.common.ledger.advanced(partition, next);
            let copy = (engine.account().clone(), log_time, engine.sizes());
            self.common.ledger.note(partition, copy);
            if let Some(end) = self.ear.end(partition) {
                self.common.ledger.ends(partition, end);
                progress.0 |= end > next && !owned.paused;
            }
            progress.1 += next;
            let slowest = self.common.pace.note(partition, log_time, owned.at_end);
            // Whoever is where the clock is does not catch up, and need not wait.
            let wait = full || (ahead(log_time, slowest) && !owned.is_near(now));
            if wait != owned.paused {
                owned.paused = wait;
                if wait {
                    self.ear.pause(partition)?;
                } else {
                    self.ear.resume(partition)?;
                }
            }
            let near = slowest.is_none_or(|t| now.since(t) < CLOCK_NEAR_MS);
            let known = self.common.actions.acknowledged(partition);
            if live
                && near
                && let Some(control) = owned.due(now, &self.common.sets, known)
                && self.common.control(partition, &control, now)
            {
                owned.wrote(now, &control);
            }
        }
        let (more, position) = progress;
        if self.watchdog.stuck(now, more, position) {
            self.reopen();
        }
        Ok(())
    }

    /// Says what its engines hold, once in each stretch of the rhythm that somebody looks at.
    fn tell(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let stretch = self.common.rhythm.stretch(now);
        let Some(stretch) = stretch.filter(|stretch| Some(*stretch) != self.told) else {
            return Ok(());
        };
        self.told = Some(stretch);
        let owned = (0..).zip(&mut self.owned);
        let held = owned.filter_map(|(partition, owned)| {
            let owned = owned.as_mut()?;
            Some((partition, owned.moment(now)))
        });
        let moment = Moment {
            life: self.outs.life,
            stretch,
            held: held.collect(),
        };
        Ok(self.outs.judge.send(Handed::Moment(moment))?)
    }

    /// A client that stands still although its log goes on is replaced by a new one.
    fn reopen(&mut self) {
        self.common.ledger.reopened();
        match self.ear.reopen() {
            Ok(()) => {
                tracing::warn!("no records came although there are some: a new client reads on");
                let owned = self.owned.iter_mut().flatten();
                owned.for_each(|owned| owned.paused = false);
            }
            Err(error) => {
                tracing::warn!(%error, "no records come although there are some; the client stays");
            }
        }
    }
}

fn take(
    (common, now): (&Common, Timestamp),
    owned: &mut [Option<Owned>],
    outs: (&Outs, &mut Outbox),
    heard: Run<'_>,
) -> anyhow::Result<()> {
    let partition = match heard {
        Run::Records(records) => records.first().map(|record| record.partition),
        Run::End { partition, .. } => Some(partition),
    };
    let owned = partition.and_then(|partition| owned.get_mut(partition as usize));
    let Some(owned) = owned.and_then(Option::as_mut) else {
        return Ok(());
    };
    match heard {
        Run::Records(records) => owned.records((common, now), outs, records),
        Run::End { .. } => {
            owned.at_end = true;
            Ok(())
        }
    }
}
