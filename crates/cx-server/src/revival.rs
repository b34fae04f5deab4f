//! In: that somebody threw the engines away; what was sealed before and after it. Kept: which life the
//! engines are in, and how their return goes. Out: words about it. Never knows: gestures, Kafka.
//!
//! Only a demo does this on purpose: whatever is in memory goes without being saved, as kill -9 would
//! have it; the process stays, so that the wall can tell.

use crate::anew::Counted;
use cx_model::time::{SECOND, Timestamp};
use cx_model::value::Sealed;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// All lives of the engines in this process.
#[derive(Debug, Default)]
pub(crate) struct Revival {
    life: AtomicU32,
    told: Mutex<Told>,
}

/// How far a return has come.
#[derive(Debug, Clone, Default)]
struct Told {
    killed_at: Timestamp,
    /// Sealed seconds that were counted by both lives: with equal values, with others.
    twice: (usize, usize),
    /// The first second that only the new life sealed, and when.
    back: Option<(Timestamp, Sealed)>,
    recount: Option<Result<Counted, String>>,
}

/// What is to be said of the engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    KeptNowhere,
    Running,
    Reviving,
    Counting,
    Agrees,
    Differs,
}

impl State {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::KeptNowhere => "kept_nowhere",
            Self::Running => "running",
            Self::Reviving => "reviving",
            Self::Counting => "counting",
            Self::Agrees => "agrees",
            Self::Differs => "differs",
        }
    }
}

impl Revival {
    /// When the engines were thrown away last; the epoch before that.
    pub(crate) fn since(&self) -> Timestamp {
        self.told.lock().expect("no holder panics").killed_at
    }

    /// The life that the engines are in.
    pub(crate) fn life(&self) -> u32 {
        self.life.load(Ordering::Acquire)
    }

    /// Throws all engines away; false where they have not come back from the last time.
    pub(crate) fn kill(&self, now: Timestamp) -> bool {
        let mut told = self.told.lock().expect("no holder panics");
        if matches!(told.state(self.life()), State::Reviving | State::Counting) {
            return false;
        }
        *told = Told {
            killed_at: now,
            ..Told::default()
        };
        self.life.fetch_add(1, Ordering::Release);
        true
    }

    /// A second that the life before sealed too.
    pub(crate) fn twice(&self, equal: bool) {
        let mut told = self.told.lock().expect("no holder panics");
        let (equals, others) = &mut told.twice;
        *(if equal { equals } else { others }) += 1;
    }

    /// A second that no life before sealed.
    pub(crate) fn back(&self, sealed: &Sealed, now: Timestamp) {
        let mut told = self.told.lock().expect("no holder panics");
        told.back.get_or_insert_with(|| (now, sealed.clone()));
    }

    /// The second with which the engines are back.
    pub(crate) fn first(&self) -> Option<Sealed> {
        let told = self.told.lock().expect("no holder panics");
        told.back.as_ref().map(|(_, sealed)| sealed.clone())
    }

    pub(crate) fn recounted(&self, counted: Result<Counted, String>) {
        self.told.lock().expect("no holder panics").recount = Some(counted);
    }

    /// How the engines are, in a word and in a sentence.
    pub(crate) fn tell(&self) -> (State, String) {
        let told = self.told.lock().expect("no holder panics");
        let state = told.state(self.life());
        (state.clone(), told.words(&state))
    }
}

impl Told {
    fn state(&self, life: u32) -> State {
        match (&self.back, &self.recount) {
            _ if life == 0 => State::Running,
            (_, Some(Ok(counted))) if counted.differences == 0 && self.twice.1 == 0 => {
                State::Agrees
            }
            (_, Some(_)) => State::Differs,
            (Some(_), None) => State::Counting,
            (None, None) => State::Reviving,
        }
    }

    fn words(&self, state: &State) -> String {
        if *state == State::Running {
            return "The engine runs.".to_owned();
        }
        let Some((at, sealed)) = &self.back else {
            return "The engine was killed. It takes its newest snapshots and reads on from there."
                .to_owned();
        };
        let tenths = at.since(self.killed_at) * 10 / SECOND;
        let (equal, other) = self.twice;
        let mut back = format!("Killed, and back after {}.{} s.", tenths / 10, tenths % 10);
        if equal + other > 0 {
            let all = equal + other;
            back += &format!(" {equal} of {all} seconds that it had sealed came out the same.");
        }
        let at = Timestamp::from_second(sealed.s).to_rfc3339();
        let at = at.get(11..19).unwrap_or(&at);
        match &self.recount {
            None => format!("{back} The log is being counted anew."),
            Some(Err(error)) => format!("{back} The log could not be counted anew: {error}."),
            Some(Ok(c)) => format!(
                "{back} The whole log counted anew, {} records: {} of {} numbers are equal at {at} UTC.",
                c.records,
                c.cells - c.differences,
                c.cells
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Sealed {
        Sealed {
            s: 100,
            sealed: true,
            offsets: vec![3].into(),
            values: Vec::new().into(),
            final_through: 0,
            waiting_for: Vec::new(),
        }
    }

    #[test]
    fn a_return_is_told_step_by_step_and_one_difference_is_one_too_many() {
        let revival = Revival::default();
        let check = |state: State, words: &str| {
            let told = revival.tell();
            assert_eq!(told.0, state, "{told:?}");
            assert!(told.1.contains(words), "{told:?}");
        };
        check(State::Running, "runs");
        assert!(revival.kill(Timestamp(50_000)));
        assert!(!revival.kill(Timestamp(50_001)), "not back yet");
        check(State::Reviving, "newest snapshots");
        revival.twice(true);
        revival.back(&sealed(), Timestamp(51_730));
        check(State::Counting, "back after 1.7 s. 1 of 1 seconds");
        let counted = |differences| Counted {
            records: 12,
            cells: 7,
            differences,
        };
        revival.recounted(Ok(counted(1)));
        check(State::Differs, "6 of 7 numbers are equal at 00:01:40 UTC");
        revival.recounted(Ok(counted(0)));
        check(State::Agrees, "12 records: 7 of 7");
        revival.twice(false);
        check(State::Differs, "1 of 2 seconds");
        revival.recounted(Err("the log is gone".to_owned()));
        check(State::Differs, "could not be counted anew: the log is gone");
        assert!(revival.kill(Timestamp(60_000)), "again");
        check(State::Reviving, "killed");
    }
}
