//! In: what engines hold at this moment, while somebody looks at a live board. Kept: the newest part of
//! each partition. Out: live values to the hub, in the fastest rhythm that is looked at.
//! Never knows: views, sockets.

use crate::sets::Sets;
use cx_engine::{Part, Rollup};
use cx_gateway::Hub;
use cx_model::time::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long the judge waits for a part where nobody looks at live values.
const CALM: Duration = Duration::from_millis(200);
/// The rhythm where nobody looks.
const NOBODY: i64 = 0;

/// Moments of all partitions.
#[derive(Debug)]
pub(crate) struct Moments {
    /// The rhythm that is wanted, ms.
    every: AtomicI64,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    /// The life of the engines that they are of.
    life: u32,
    newest: Vec<Option<Part>>,
    given_at: Timestamp,
}

impl Moments {
    pub(crate) fn new(partitions: u32) -> Self {
        let parts = Parts {
            newest: (0..partitions).map(|_| None).collect(),
            ..Parts::default()
        };
        Self {
            every: AtomicI64::new(NOBODY),
            parts: Mutex::new(parts),
        }
    }

    /// Whether a partition whose last moment was noted then should note another.
    pub(crate) fn wants(&self, noted: Timestamp, now: Timestamp) -> bool {
        let every = self.every.load(Ordering::Relaxed);
        every != NOBODY && now.since(noted) >= every / 2
    }

    /// Takes what an engine of some life holds now.
    pub(crate) fn note(&self, life: u32, part: Part) {
        let mut parts = self.parts.lock().expect("no holder panics");
        if life > parts.life {
            parts.life = life;
            parts.newest.fill(None);
        }
        let index = usize::try_from(part.partition).unwrap_or(usize::MAX);
        if life == parts.life
            && let Some(newest) = parts.newest.get_mut(index)
        {
            *newest = Some(part);
        }
    }

    /// How long the judge may wait for the next part.
    pub(crate) fn wait(&self) -> Duration {
        let every = self.every.load(Ordering::Relaxed);
        let half = u64::try_from(every / 2).unwrap_or_default();
        if every == NOBODY {
            CALM
        } else {
            CALM.min(Duration::from_millis(half))
        }
    }

    /// Gives the hub what is held, once in each stretch of the rhythm that somebody looks at.
    pub(crate) fn give(&self, hub: &Hub, sets: &Sets, rollup: &Mutex<Rollup>, now: Timestamp) {
        let every = hub.fastest().unwrap_or(NOBODY);
        self.every.store(every, Ordering::Relaxed);
        if every == NOBODY {
            return;
        }
        let mut parts = self.parts.lock().expect("no holder panics");
        if now.0.div_euclid(every) == parts.given_at.0.div_euclid(every) {
            return;
        }
        parts.given_at = now;
        let rollup = rollup.lock().expect("no holder panics");
        let moment = rollup.at_moment(&parts.newest);
        drop(rollup);
        if let Some((number, moment)) = moment {
            hub.live(&sets.widen(number, moment), now.0);
        }
    }
}
