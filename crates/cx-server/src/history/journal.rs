//! In: what the writer of history meets. Kept: counts, and what must be mended. Out: words and numbers for
//! alarms, health and metrics. Never knows: files.

use super::store::{Difference, Opened};
use cx_model::time::Timestamp;
use std::sync::{Mutex, MutexGuard};

/// How keeping goes.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Noted>);

/// What was met since the start.
#[derive(Debug, Default, Clone)]
pub(crate) struct Noted {
    /// Attempts to write that failed.
    pub(crate) failures: u64,
    /// Why the newest attempt failed; `None` after one that did not.
    pub(crate) failing: Option<String>,
    /// Minutes that were sealed twice with other numbers; the newest of them.
    pub(crate) differences: u64,
    differs: Option<String>,
    /// Minutes that found no room on their way to the writer.
    pub(crate) missed: u64,
    /// Minutes that were kept and could not be read.
    pub(crate) unread: u64,
    /// Files that cannot be used, and why.
    pub(crate) aside: Vec<(String, String)>,
    /// Up to here minutes went only because of the limit of bytes.
    pub(crate) early: Option<i64>,
}

impl Journal {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().expect("no holder panics")
    }

    pub(crate) fn read(&self) -> Noted {
        self.noted().clone()
    }

    pub(crate) fn opened(&self, opened: &Opened) {
        for (file, why) in &opened.cut {
            tracing::warn!(file, why, "an unfinished end of history was cut off");
        }
        for (file, why) in opened.aside.iter().chain(&opened.left) {
            tracing::error!(file, why, "a file of history cannot be used whole");
        }
        let mut noted = self.noted();
        noted.aside.extend_from_slice(&opened.aside);
        noted.aside.extend_from_slice(&opened.left);
        drop(noted);
        for s in &opened.differences {
            let difference = Difference { s: *s, cells: None };
            self.differs(&difference);
        }
    }

    pub(crate) fn failed(&self, why: &str) {
        let mut noted = self.noted();
        noted.failures += 1;
        // Tried again every second: the log hears it once.
        if noted.failing.is_none() {
            tracing::error!(why, "history cannot be written; sealing goes on");
        }
        noted.failing = Some(why.to_owned());
    }

    pub(crate) fn well(&self) {
        if self.noted().failing.take().is_some() {
            tracing::info!("history is written again");
        }
    }

    pub(crate) fn differs(&self, difference: &Difference) {
        let at = time(difference.s);
        let what = match difference.cells {
            Some(0) => "offsets differ".to_owned(),
            Some(cells) => format!("{cells} numbers differ"),
            None => "it is not the same".to_owned(),
        };
        tracing::error!(at, what, "a minute was sealed again with other numbers");
        let mut noted = self.noted();
        noted.differences += 1;
        noted.differs = Some(format!("{at}: {what}"));
    }

    pub(crate) fn missed(&self, s: i64) {
        tracing::error!(at = time(s), "a sealed minute is not in the history");
        self.noted().missed += 1;
    }

    pub(crate) fn unread(&self, minutes: usize) {
        self.noted().unread += minutes as u64;
    }

    pub(crate) fn gone_early(&self, through: i64) {
        let mut noted = self.noted();
        if noted.early.is_none() {
            let through = time(through);
            tracing::warn!(through, "history.max_mib is reached: older minutes go");
        }
        noted.early = noted.early.max(Some(through));
    }

    /// What a person must mend.
    pub(crate) fn alarms(&self) -> Vec<String> {
        let noted = self.noted();
        let failing = noted.failing.iter().cloned();
        let aside = noted.aside.iter().map(|(file, why)| {
            format!("the history file {file} could not be used whole ({why}); some minutes of the past may be missing")
        });
        let differs = noted.differs.iter().map(|newest| {
            format!(
                "{} minutes of history were sealed again with other numbers, the newest {newest}; the first ones are kept; if the log was made anew, move its history away too",
                noted.differences
            )
        });
        failing.chain(aside).chain(differs).collect()
    }
}

fn time(s: i64) -> String {
    Timestamp::from_second(s).to_rfc3339()
}
