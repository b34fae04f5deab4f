//! In: sealed and final minutes, one after another. Kept: those that could not be written yet. Out: durable
//! minutes. Never knows: who seals, who reads.
//!
//! What fails is told and tried again; meanwhile minutes wait, and where too many do, the newest are
//! missed: sealing never waits.

use super::finals::Final;
use super::kept::{History, Shared};
use super::store::{Pen, Taken};
use crate::clock;
use cx_model::value::Sealed;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Minutes that are written together.
const TOGETHER: usize = 120;
/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the judge hands to the writer.
#[derive(Debug)]
pub(crate) enum Handed {
    Sealed(Sealed),
    Final(Final),
}

/// What is not written yet.
#[derive(Default)]
struct Waiting {
    sealed: VecDeque<Sealed>,
    finals: VecDeque<Final>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.sealed.len() + self.finals.len()
    }

    fn take(&mut self, one: Handed) {
        match one {
            Handed::Sealed(sealed) => self.sealed.push_back(sealed),
            Handed::Final(one) => self.finals.push_back(one),
        }
    }
}

/// Writes until nobody seals any more.
pub(crate) fn run(minutes: &Receiver<Handed>, history: &History, stop: &AtomicBool) {
    let Some(store) = begin(history, stop) else {
        return;
    };
    let mut pen = Pen::new(u64::try_from(clock::now().0).unwrap_or_default());
    let mut waiting = Waiting::default();
    loop {
        let ended = match minutes.recv_timeout(AGAIN) {
            Ok(first) => {
                waiting.take(first);
                let room = TOGETHER.saturating_sub(waiting.len());
                minutes
                    .try_iter()
                    .take(room)
                    .for_each(|one| waiting.take(one));
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        let mut written = waiting.len() == 0 || write(history, store, &mut pen, &mut waiting);
        // No more is taken in before these are written.
        while !written && !ended && waiting.len() >= TOGETHER && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(AGAIN);
            written = write(history, store, &mut pen, &mut waiting);
        }
        if ended || (!written && stop.load(Ordering::Relaxed)) {
            let finals = waiting.finals.iter().map(|one| one.end);
            let missed = waiting.sealed.iter().map(|m| m.s).chain(finals);
            missed.for_each(|s| history.journal.missed(s));
            return;
        }
    }
}

/// Reads what an earlier life kept, as often as it takes; `None` where the house ends before.
fn begin<'h>(history: &'h History, stop: &AtomicBool) -> Option<&'h Shared> {
    loop {
        match history.begin() {
            Ok(store) => return Some(store),
            Err(error) => history.journal.failed(&error.to_string()),
        }
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        std::thread::sleep(AGAIN);
    }
}

/// Whether all that waited is durable: final minutes before the sealed ones that came after them.
fn write(history: &History, store: &Shared, pen: &mut Pen, waiting: &mut Waiting) -> bool {
    let last = waiting.sealed.iter().map(|m| m.s).max();
    let mut taken = Taken::default();
    let finals = store.append_finals(pen, &mut waiting.finals, &mut taken);
    let written = finals.and_then(|()| store.append(pen, &mut waiting.sealed, &mut taken));
    for difference in &taken.differences {
        history.journal.differs(difference);
    }
    if let Err(error) = written {
        history.journal.failed(&error.to_string());
        return false;
    }
    last.into_iter().for_each(|s| history.passed(s));
    match store.tidy(pen) {
        Ok(early) => {
            early
                .into_iter()
                .for_each(|s| history.journal.gone_early(s));
            history.journal.well();
        }
        Err(error) => history.journal.failed(&error.to_string()),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::kept::Settings;
    use cx_catalog::compiled::Compiled;
    use cx_model::value::CellValue;
    use std::path::Path;
    use std::sync::mpsc::sync_channel;

    const BEGIN: i64 = 1_767_225_600;

    fn set() -> Compiled {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        let catalog = cx_catalog::load(&shipped).unwrap_or_else(|f| panic!("{}", f[0]));
        catalog.compile(1)
    }

    fn sealed(set: &Compiled, s: i64) -> Sealed {
        let value = CellValue {
            value: Some(s),
            n: 1,
            ..CellValue::default()
        };
        Sealed {
            s,
            sealed: true,
            offsets: [s].into(),
            values: vec![value; set.cells.len()].into(),
            final_through: s - 120,
            waiting_for: Vec::new(),
        }
    }

    /// What became final at a sealed minute: the one two minutes before.
    fn finished(set: &Compiled, s: i64) -> Final {
        Final {
            end: s - 120,
            parts: vec![Some((s, None, 1)); set.cells.len()],
        }
    }

    /// One life that seals minutes; what it knows at its end.
    fn live(set: &Compiled, data: Option<&Path>, minutes: std::ops::Range<i64>) -> History {
        let history = History::open(&Settings::default(), data, "topic", set);
        let history = history.expect("a folder");
        let (writer, received) = sync_channel(history.waiting());
        for i in minutes {
            history.finish(finished(set, BEGIN + i * 60), &writer);
            history.seal(&sealed(set, BEGIN + i * 60), &writer);
            history.seal(&sealed(set, BEGIN + i * 60 + 1), &writer);
        }
        drop(writer);
        run(&received, &history, &AtomicBool::new(false));
        history
    }

    fn check(history: &History, minutes: std::ops::Range<i64>) {
        let span = crate::history::Span {
            from: 0,
            to: i64::MAX,
            step: 60,
        };
        let expected: Vec<i64> = minutes.map(|i| BEGIN + i * 60).collect();
        let line = history.line(span, &[7]);
        assert_eq!(line.s, expected);
        assert_eq!(
            line.values[0],
            expected.iter().map(|s| Some(*s)).collect::<Vec<_>>()
        );
        let ends: Vec<i64> = expected.iter().map(|s| s - 120).collect();
        let parts = expected.iter().map(|s| Some((*s, None, 1)));
        assert_eq!(history.finals(&ends, 60, &[7]), [parts.collect::<Vec<_>>()]);
        let first = history.minute(BEGIN).expect("readable").expect("kept");
        assert_eq!(first.sealed.values[3].value, Some(BEGIN));
        assert_eq!(history.journal.alarms(), [""; 0]);
    }

    #[test]
    fn what_a_life_sealed_is_read_by_the_next_one_and_memory_alone_ends_with_its_process() {
        let set = set();
        let data = tempfile::tempdir().expect("a folder");
        check(&live(&set, Some(data.path()), 0..300), 0..300);
        let next = live(&set, Some(data.path()), 300..310);
        check(&next, 0..310);
        assert_eq!(next.newest_line(&[0]).s.len(), 180);
        assert_eq!(next.through(), BEGIN + 309 * 60);
        let alone = live(&set, None, 0..300);
        check(&alone, 0..300);
        assert!(next.outlives() && !alone.outlives());
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told_and_what_could_not_be_written_is_counted() {
        let set = set();
        let data = tempfile::tempdir().expect("a folder");
        live(&set, Some(data.path()), 0..3);
        let folder = data.path().join("history/topic");
        let history = History::open(&Settings::default(), Some(data.path()), "topic", &set);
        let history = history.expect("a folder");
        let store = history.begin().expect("readable");
        std::fs::remove_dir_all(&folder).expect("there");
        std::fs::write(&folder, "no folder").expect("written");
        let (writer, received) = sync_channel(history.waiting());
        history.finish(finished(&set, BEGIN + 180), &writer);
        history.seal(&sealed(&set, BEGIN + 180), &writer);
        drop(writer);
        let mut waiting = Waiting::default();
        received.iter().for_each(|one| waiting.take(one));
        let mut pen = Pen::new(9);
        assert!(!write(&history, store, &mut pen, &mut waiting));
        let alarm = history.journal.alarms().remove(0);
        assert!(alarm.contains("what was kept before is kept"), "{alarm}");
        assert!(!history.lacks(BEGIN + 600), "nobody waits for a bad disk");
        // It is read from memory all the same.
        assert_eq!(history.newest_line(&[0]).s.len(), 4);
        let parts = |history: &History| history.finals(&[BEGIN + 60], 60, &[0]).remove(0);
        assert_eq!(parts(&history), [None], "only once it is written");
        assert!(history.through() < BEGIN + 180, "a snapshot waits for both");
        std::fs::remove_file(&folder).expect("there");
        std::fs::create_dir(&folder).expect("made");
        assert!(write(&history, store, &mut pen, &mut waiting));
        assert_eq!(history.journal.alarms(), [""; 0]);
        assert_eq!(history.journal.read().failures, 1);
        assert_eq!(parts(&history), [Some((BEGIN + 180, None, 1))]);
        assert_eq!(history.through(), BEGIN + 180);
    }
}
