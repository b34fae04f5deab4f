//! In: what engines hold at the beginning of each stretch of the rhythm, while somebody looks at a live board.
//! Kept: the newest part of each partition, how many have answered in this stretch. Out: live values to
//! the hub, once in each stretch, as soon as all have answered. Never knows: views, sockets.

use crate::sets::Sets;
use cx_engine::{Part, Rollup};
use cx_gateway::Hub;
use cx_model::time::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long the judge waits for a part where nobody looks at live values.
const CALM: Duration = Duration::from_millis(200);
/// How long whoever does not answer is waited for at most, ms; half a stretch where that is less.
const PATIENCE_MS: i64 = 50;
/// The rhythm where nobody looks.
const NOBODY: i64 = 0;

/// The fastest rhythm that somebody looks at: judge and workers follow it. Stretches of it begin at the same
/// moments for all: they are counted from the epoch.
#[derive(Debug, Default)]
pub(crate) struct Rhythm(AtomicI64);

/// What the engines of one worker hold at the beginning of a stretch.
pub(crate) struct Moment {
    /// The life that they are in.
    pub(crate) life: u32,
    pub(crate) stretch: i64,
    /// Of each of its partitions; `None` where it holds no more than before.
    pub(crate) held: Vec<(u32, Option<Part>)>,
}

/// Moments of all partitions.
pub(crate) struct Moments {
    /// The life of the engines that they are of.
    life: u32,
    newest: Vec<Option<Part>>,
    /// A stretch, and how many partitions have answered in it.
    answered: (i64, usize),
    /// The stretch in which values were given last.
    given: Option<i64>,
}

impl Rhythm {
    /// The stretch in which a moment lies; `None` where nobody looks.
    pub(crate) fn stretch(&self, now: Timestamp) -> Option<i64> {
        let every = self.0.load(Ordering::Relaxed);
        (every != NOBODY).then(|| now.0.div_euclid(every))
    }

    /// How long until the next stretch begins.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Duration> {
        let every = self.0.load(Ordering::Relaxed);
        (every != NOBODY).then(|| ms(every - now.0.rem_euclid(every)))
    }
}

impl Moments {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            life: 0,
            newest: (0..partitions).map(|_| None).collect(),
            answered: (i64::MIN, 0),
            given: None,
        }
    }

    /// Takes what the engines of one worker hold.
    pub(crate) fn take(&mut self, moment: Moment) {
        if moment.life > self.life {
            self.life = moment.life;
            self.newest.fill(None);
            self.answered.1 = 0;
        }
        if moment.life < self.life {
            return;
        }
        if moment.stretch != self.answered.0 {
            self.answered = (moment.stretch, 0);
        }
        self.answered.1 += moment.held.len();
        for part in moment.held.into_iter().filter_map(|(_, part)| part) {
            let index = usize::try_from(part.partition).unwrap_or(usize::MAX);
            if let Some(newest) = self.newest.get_mut(index) {
                *newest = Some(part);
            }
        }
    }

    /// How long the judge may wait for what workers hand on.
    pub(crate) fn wait(&self, rhythm: &Rhythm, now: Timestamp) -> Duration {
        let every = rhythm.0.load(Ordering::Relaxed);
        if every == NOBODY {
            return CALM;
        }
        let (stretch, gone) = (now.0.div_euclid(every), now.0.rem_euclid(every));
        let given = self.given == Some(stretch);
        let left = patience(every) - gone + if given { every } else { 0 };
        CALM.min(ms(left.max(1)))
    }

    /// Gives the hub what is held, once in each stretch of the rhythm that somebody looks at.
    pub(crate) fn give(
        &mut self,
        (rhythm, hub): (&Rhythm, &Hub),
        (sets, rollup): (&Sets, &Mutex<Rollup>),
        now: Timestamp,
    ) {
        let every = hub.fastest().unwrap_or(NOBODY);
        rhythm.0.store(every, Ordering::Relaxed);
        if every == NOBODY || !self.due(every, now) {
            return;
        }
        self.given = Some(now.0.div_euclid(every));
        let rollup = rollup.lock().expect("no holder panics");
        let moment = rollup.at_moment(&self.newest);
        drop(rollup);
        if let Some((number, moment)) = moment {
            hub.live(&sets.widen(number, moment), now.0);
        }
    }

    /// Whether this stretch's values are to be given now.
    fn due(&self, every: i64, now: Timestamp) -> bool {
        let stretch = now.0.div_euclid(every);
        let all = self.answered == (stretch, self.newest.len());
        self.given != Some(stretch) && (all || now.0.rem_euclid(every) >= patience(every))
    }
}

/// How long after the beginning of a stretch values are given, whoever has answered, ms.
fn patience(every: i64) -> i64 {
    PATIENCE_MS.min(every / 2)
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker's answer for so many partitions.
    fn answer(life: u32, stretch: i64, partitions: u32) -> Moment {
        let held = (0..partitions).map(|partition| (partition, None)).collect();
        Moment {
            life,
            stretch,
            held,
        }
    }

    #[test]
    fn values_are_given_once_all_have_answered_in_the_stretch() {
        let mut moments = Moments::new(24);
        moments.take(answer(0, 20, 12));
        assert!(!moments.due(50, Timestamp(1_001)), "half of them answered");
        moments.take(answer(0, 20, 12));
        assert!(moments.due(50, Timestamp(1_001)));
        assert!(!moments.due(50, Timestamp(1_051)), "of the stretch before");
        moments.given = Some(20);
        assert!(!moments.due(50, Timestamp(1_002)), "given already");
    }

    #[test]
    fn whoever_does_not_answer_is_waited_for_until_the_middle_of_the_stretch() {
        let mut moments = Moments::new(24);
        let rhythm = Rhythm(AtomicI64::new(50));
        moments.take(answer(0, 20, 12));
        assert_eq!(moments.wait(&rhythm, Timestamp(1_010)), ms(15));
        assert!(!moments.due(50, Timestamp(1_024)));
        assert!(moments.due(50, Timestamp(1_025)));
        moments.given = Some(20);
        assert_eq!(moments.wait(&rhythm, Timestamp(1_026)), ms(49));
        assert!(!moments.due(1_000, Timestamp(2_049)));
        assert!(
            moments.due(1_000, Timestamp(2_050)),
            "not for half a second"
        );
    }

    #[test]
    fn answers_of_an_earlier_life_are_nobodys() {
        let mut moments = Moments::new(24);
        moments.take(answer(0, 20, 12));
        moments.take(answer(1, 20, 12));
        moments.take(answer(0, 20, 12));
        assert!(!moments.due(50, Timestamp(1_001)));
        moments.take(answer(1, 20, 12));
        assert!(moments.due(50, Timestamp(1_001)));
    }

    #[test]
    fn nobody_is_woken_where_nobody_looks() {
        let (rhythm, moments) = (Rhythm::default(), Moments::new(24));
        let now = Timestamp(1_000);
        assert_eq!((rhythm.stretch(now), rhythm.next(now)), (None, None));
        assert_eq!(moments.wait(&rhythm, now), CALM);
    }
}
