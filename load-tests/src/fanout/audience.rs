//! In: an address. Kept: many displays in one thread, some of which can be made to sleep. Out: how old frames
//! were when they arrived, and who holds what is right. Never knows: whose server it is.

use super::line::Line;
use crate::clock;
use anyhow::{Context as _, Result};
use cx_client::View;
use cx_model::frame::ServerFrame;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::task::LocalSet;

/// So many are opened at a time.
const AT_ONCE: usize = 256;
const AGAIN: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a sleeper that acknowledges does so while it is awake.
const ACK: Duration = Duration::from_secs(1);
/// The receive buffer of a sleeper that does not acknowledge, bytes (the kernel doubles it).
const NARROW: u32 = 2_048;

/// Who looks.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) count: usize,
    /// The first so many sleep when they are told to; every second of them acknowledges.
    pub(crate) sleepers: usize,
    pub(crate) cadence: &'static str,
}

/// What the displays do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Look,
    Sleep,
    /// All hang up and come back.
    Return,
    Over,
}

/// What was seen of all but the sleepers while it was noted, and what became of those who slept or returned.
#[derive(Debug, Default)]
pub(crate) struct Log {
    noting: bool,
    /// Age of each frame when it was read, microseconds.
    pub(crate) ages: Vec<i64>,
    pub(crate) bytes: u64,
    /// A frame as it came.
    pub(crate) frame: String,
    /// Sleepers whose first frame made after waking was right, and how many bytes of older frames one of them read
    /// before it at most: of those who do not acknowledge, of those who do.
    pub(crate) woken: u64,
    pub(crate) stale: [u64; 2],
    /// When each of those who came back was right again.
    pub(crate) back: Vec<Instant>,
    /// A frame whose digest was verified: the same bytes are right for all.
    verified: String,
}

/// Displays that run.
pub(crate) struct Audience {
    phase: watch::Sender<Phase>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

struct Shared {
    plan: Plan,
    open: AtomicU64,
    log: Mutex<Log>,
}

impl Audience {
    /// Opens the displays and waits until each has had its first frame.
    ///
    /// # Errors
    /// One that cannot be opened.
    pub(crate) fn open(plan: Plan) -> Result<Self> {
        let (phase, told) = watch::channel(Phase::Look);
        let shared = Arc::new(Shared {
            plan,
            open: AtomicU64::new(0),
            log: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || look(&theirs, &told));
        let mut audience = Self {
            phase,
            shared,
            thread: Some(thread),
        };
        let count = audience.shared.plan.count as u64;
        audience.until("all displays are open", |shared| {
            shared.open.load(Ordering::Relaxed) == count
        })?;
        Ok(audience)
    }

    /// Waits until something holds of what is shared.
    fn until(&mut self, what: &str, holds: impl Fn(&Shared) -> bool) -> Result<()> {
        let begun = clock::instant();
        while !holds(&self.shared) {
            if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                self.end()?;
            }
            anyhow::ensure!(begun.elapsed() < PATIENCE, "{what}: not within 60 s");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What was seen in so long.
    ///
    /// # Errors
    /// A display that was closed.
    pub(crate) fn note(&mut self, how_long: Duration) -> Result<Log> {
        let fresh = Log {
            noting: true,
            ..Log::default()
        };
        *self.log() = fresh;
        std::thread::sleep(how_long);
        let log = std::mem::take(&mut *self.log());
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.end()?;
        }
        Ok(log)
    }

    pub(crate) fn sleep(&self) {
        self.phase.send_replace(Phase::Sleep);
    }

    /// Wakes the sleepers and waits until each holds what is right.
    ///
    /// # Errors
    /// A wrong digest; one that hears nothing new.
    pub(crate) fn wake(&mut self) -> Result<Log> {
        *self.log() = Log::default();
        self.phase.send_replace(Phase::Look);
        let all = self.shared.plan.sleepers as u64;
        self.until("all sleepers are right again", |shared| {
            shared.log().woken == all
        })?;
        Ok(std::mem::take(&mut *self.log()))
    }

    /// All hang up at once and come back: when each was right again, after the moment of hanging up.
    ///
    /// # Errors
    /// A wrong digest; one that cannot come back.
    pub(crate) fn come_back(&mut self) -> Result<Vec<Duration>> {
        *self.log() = Log::default();
        let begun = clock::instant();
        self.phase.send_replace(Phase::Return);
        let count = self.shared.plan.count;
        self.until("all are back", |shared| shared.log().back.len() == count)?;
        let back = std::mem::take(&mut self.log().back);
        Ok(back.into_iter().map(|at| at - begun).collect())
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.shared.log()
    }

    /// Ends them.
    ///
    /// # Errors
    /// What went wrong with one of them.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.phase.send_replace(Phase::Over);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let ended = thread.join();
        ended.map_err(|_| anyhow::anyhow!("the displays panicked"))?
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        drop(self.end());
    }
}

fn look(shared: &Arc<Shared>, told: &watch::Receiver<Phase>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let doors = Rc::new(Semaphore::new(AT_ONCE));
        let mut displays = Vec::new();
        for index in 0..shared.plan.count {
            let display = Display {
                shared: Arc::clone(shared),
                doors: Rc::clone(&doors),
                told: told.clone(),
                index,
                view: View::default(),
            };
            displays.push(tokio::task::spawn_local(display.run()));
        }
        for display in displays {
            display.await??;
        }
        Ok(())
    })
}

struct Display {
    shared: Arc<Shared>,
    doors: Rc<Semaphore>,
    told: watch::Receiver<Phase>,
    index: usize,
    /// Kept by sleepers alone: whoever is always awake is told what everybody is.
    view: View,
}

impl Display {
    fn sleeps(&self) -> bool {
        self.index < self.shared.plan.sleepers
    }

    fn acknowledges(&self) -> bool {
        self.sleeps() && self.index % 2 == 1
    }

    async fn run(mut self) -> Result<()> {
        let mut line = self.open().await?;
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        let mut ack = tokio::time::interval(ACK);
        let (sleeps, acknowledges) = (self.sleeps(), self.acknowledges());
        // Since when it is awake again, until it is right again; and bytes read meanwhile.
        let mut woken = None;
        loop {
            tokio::select! {
                biased;
                _ = self.told.changed() => {
                    let phase = *self.told.borrow_and_update();
                    match phase {
                        Phase::Look => {}
                        Phase::Over => return Ok(()),
                        Phase::Sleep if sleeps => {
                            drop(self.told.changed().await);
                            woken = Some((clock::micros(), 0));
                        }
                        Phase::Sleep => {}
                        Phase::Return => {
                            drop(line);
                            line = self.open().await?;
                            self.shared.log().back.push(clock::instant());
                        }
                    }
                }
                _ = ack.tick(), if acknowledges && self.view.seq > 0 => {
                    let (seq, g) = (self.view.seq, &self.view.digest);
                    line.say(&format!(r#"{{"op":"ack","id":1,"seq":{seq},"g":"{g}"}}"#)).await?;
                }
                text = line.next() => {
                    let text = text.with_context(|| format!("display {}", self.index))?;
                    if sleeps {
                        self.view.apply(&serde_json::from_str(text)?)?;
                        self.shared.awake(&mut woken, text, usize::from(acknowledges));
                    } else {
                        self.shared.note(text);
                    }
                }
            }
        }
    }

    /// Opens a line, subscribes, and takes the first frame.
    async fn open(&mut self) -> Result<Line> {
        let doors = Rc::clone(&self.doors);
        let _place = doors.acquire().await?;
        let Plan {
            address, cadence, ..
        } = self.shared.plan;
        let receive = (self.sleeps() && !self.acknowledges()).then_some(NARROW);
        let opened = async {
            let mut line = loop {
                // Who returns at once may find the places of those who left still taken.
                match Line::open(address, receive).await {
                    Ok(line) => break line,
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            };
            let (board, ack) = (super::served::BOARD, self.acknowledges());
            line.say(&format!(
                r#"{{"op":"sub","id":1,"board":"{board}","cadence":"{cadence}","ack":{ack}}}"#
            ))
            .await?;
            let first = line.next().await?;
            if self.sleeps() {
                self.view.apply(&serde_json::from_str(first)?)?;
            } else {
                self.shared.prove(first)?;
            }
            anyhow::Ok(line)
        };
        let opened = tokio::time::timeout(PATIENCE, opened).await;
        opened.context("a display does not open")?
    }
}

impl Shared {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().expect("no holder panics")
    }

    /// Verifies the digest of a snapshot, once for all who get the same bytes. What begins otherwise is a peer's.
    fn prove(&self, text: &str) -> Result<()> {
        let mut log = self.log();
        if text.starts_with(r#"{"op":"view""#) && log.verified != text {
            let frame: ServerFrame = serde_json::from_str(text)?;
            View::default().apply(&frame)?;
            text.clone_into(&mut log.verified);
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        let mut log = self.log();
        if !log.noting {
            return;
        }
        if let Some((moment, _)) = moment(text) {
            log.ages.push(clock::micros() - moment);
            log.bytes += text.len() as u64;
            if log.frame.is_empty() {
                text.clone_into(&mut log.frame);
            }
        }
    }

    /// A sleeper has applied a frame, so its digest was right: was it made after waking?
    fn awake(&self, woken: &mut Option<(i64, u64)>, text: &str, kind: usize) {
        let (Some((since, stale)), Some((moment, _))) = (woken.as_mut(), moment(text)) else {
            return;
        };
        if moment < *since {
            *stale += text.len() as u64;
            return;
        }
        let mut log = self.log();
        log.woken += 1;
        log.stale[kind] = log.stale[kind].max(*stale);
        *woken = None;
    }
}

/// The moment in a frame of values, microseconds, and where it stands.
pub(crate) fn moment(text: &str) -> Option<(i64, std::ops::Range<usize>)> {
    const BEFORE: &str = r#""v":[[1,"#;
    let from = text.find(BEFORE)? + BEFORE.len();
    let to = from + text[from..].find(',')?;
    Some((text[from..to].parse().ok()?, from..to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_values_says_when_it_was_made() {
        let text = r#"{"op":"d","id":1,"seq":9,"v":[[1,1763805731412345,0],[7,3,0]],"g":"00"}"#;
        let (micros, at) = moment(text).expect("a moment");
        assert_eq!(
            (micros, &text[at]),
            (1_763_805_731_412_345, "1763805731412345")
        );
        assert_eq!(moment(r#"{"op":"hb","seq":9}"#), None);
    }
}
