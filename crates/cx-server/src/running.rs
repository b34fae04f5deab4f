//! In: what all threads share, a bound gateway. Kept: the house's threads and rooms while they run.
//! Out: a served wall, an orderly end. Never knows: which broker it is, who writes the events.

use crate::check::{complain, say};
use crate::common::Common;
use crate::history::writer;
use crate::house::House;
use crate::partition::Outs;
use crate::progress::Progress;
use crate::recounts::Recounts;
use crate::snapshots::saver;
use crate::{alerts, clock, judge, webhook, worker};
use cx_gateway::{Desk, Gateway, Hub};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Parts on their way to the judge; beyond them workers wait.
const PARTS: usize = 4_096;
/// How long an orderly end may take; after it the process ends as it stands.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running house.
pub(crate) struct Running {
    common: Arc<Common>,
    hub: Arc<Hub>,
    desk: Arc<dyn Desk>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Running {
    /// Starts the workers and the judge.
    ///
    /// # Errors
    /// No threads to be had.
    pub(crate) fn start(common: &Arc<Common>, files: &Path) -> anyhow::Result<Self> {
        let boards = common.sets.shown().boards.clone();
        let epoch = format!("{:06x}", clock::now().0 & 0xff_ffff);
        let hub = Arc::new(Hub::new(epoch, boards));
        hub.watch(&alerts::cells(common.sets.shown().compiled()));
        let rollup = Arc::new(Mutex::new(common.rollup()));
        let desk = Arc::new(House {
            common: Arc::clone(common),
            rollup: Arc::clone(&rollup),
            files: files.to_path_buf(),
            looks: Arc::new(Semaphore::new(1)),
            recounts: Arc::new(Recounts::new(common, &rollup)),
        });
        let mut running = Self {
            common: Arc::clone(common),
            hub: Arc::clone(&hub),
            desk,
            threads: Vec::new(),
        };
        let (judge, judged) = sync_channel(PARTS);
        let (saver, cuts) = sync_channel(saver::WAITING);
        let workers = workers(common.partitions);
        for w in 0..workers {
            let owned: Vec<u32> = (w..common.partitions).step_by(workers as usize).collect();
            let outs = Outs {
                judge: judge.clone(),
                saver: saver.clone(),
                life: 0,
            };
            running.also(&format!("worker-{w}"), move |common| {
                worker::run(common, &owned, &outs)
            })?;
        }
        drop((judge, saver));
        running.also("saver", move |common| {
            if let Some(snapshots) = &common.snapshots {
                saver::run(&cuts, snapshots, &common.history, &common.stop);
            }
            Ok(())
        })?;
        let screens = Arc::clone(&hub);
        running.also("alerts", move |common| alerts::run(common, &screens))?;
        running.also("webhooks", |common| webhook::run(common))?;
        let (writer, minutes) = sync_channel(common.history.waiting());
        running.also("judge", move |common| {
            judge::run(&judged, common, &rollup, (&hub, &writer));
            Ok(())
        })?;
        running.also("historian", move |common| {
            writer::run(&minutes, &common.history, &common.stop);
            Ok(())
        })?;
        Ok(running)
    }

    /// One more thread of the house; if it cannot go on, the house stops with its error.
    ///
    /// # Errors
    /// No thread to be had.
    pub(crate) fn also(
        &mut self,
        name: &str,
        work: impl FnOnce(&Arc<Common>) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let common = Arc::clone(&self.common);
        let work = move || {
            let done = work(&common);
            if done.is_err() {
                common.stop.store(true, Ordering::Relaxed);
            }
            done
        };
        let thread = std::thread::Builder::new().name(name.to_owned());
        self.threads.push(thread.spawn(work)?);
        Ok(())
    }

    /// Serves until Ctrl-C, SIGTERM, `bound` after the wall is live, or a thread's error.
    /// `live` says in words what is live, once.
    pub(crate) async fn serve(
        &self,
        gateway: Gateway,
        bound: Option<Duration>,
        live: impl Fn(Duration) -> String,
    ) {
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let (desk, hub) = (Arc::clone(&self.desk), Arc::clone(&self.hub));
        let serving = tokio::spawn(gateway.serve(desk, hub, async move {
            drop(told.await);
        }));
        let mut progress = Progress::begin();
        let mut every = tokio::time::interval(Duration::from_millis(50));
        let interrupted = interrupted();
        tokio::pin!(interrupted);
        let mut ready = false;
        let mut deadline = None;
        loop {
            tokio::select! {
                () = &mut interrupted => break,
                _ = every.tick() => {}
            }
            let late = deadline.is_some_and(|d| clock::instant() >= d);
            if late || self.common.stop.load(Ordering::Relaxed) {
                break;
            }
            if !ready && self.desk.ready().ready {
                ready = true;
                deadline = bound.map(|b| clock::instant() + b);
                say(&live(progress.end()));
            } else if !ready {
                progress.tell(self.common.ledger.reach());
            }
        }
        drop(tell);
        drop(serving.await);
    }

    /// Stops everything in order; the frames that were sent. Where that takes too long (a client of
    /// Kafka may wait for a broker that says nothing) the process ends all the same, with exit code 1:
    /// a start goes on from the newest snapshots.
    ///
    /// # Errors
    /// The first error of a thread, or records that the broker did not take.
    pub(crate) fn stop(self) -> anyhow::Result<u64> {
        self.common.stop.store(true, Ordering::Relaxed);
        std::thread::Builder::new()
            .name("deadline".to_owned())
            .spawn(deadline)?;
        for thread in self.threads {
            match thread.join() {
                Ok(done) => done?,
                Err(_) => anyhow::bail!("a thread of the house panicked"),
            }
        }
        // A broker that says nothing may come back until the deadline.
        self.common.effects.flush(DEADLINE)?;
        self.common.producer.flush(DEADLINE)?;
        Ok(self.hub.frames())
    }
}

/// Does nothing where the process ends before.
fn deadline() {
    std::thread::sleep(DEADLINE);
    complain(&format!(
        "watchfloor: no orderly end within {} s, Kafka does not answer; ended as it stands, the next start goes on from the newest snapshots",
        DEADLINE.as_secs()
    ));
    std::process::exit(1);
}

/// One per core, and no more than there are partitions.
fn workers(partitions: u32) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores)
        .unwrap_or(u32::MAX)
        .clamp(1, partitions.max(1))
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        done = tokio::signal::ctrl_c() => if done.is_err() { std::future::pending::<()>().await },
        () = terminated => {}
    }
}
