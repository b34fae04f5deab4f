//! In: how far the log is read and where it ends. Kept: a bar on a terminal. Out: words on how long
//! it still takes. Never knows: what is read.

use crate::check::complain;
use crate::clock;
use crate::ledger::Reach;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often a log file is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Reading a log that was there before the start.
pub(crate) struct Progress {
    bar: Option<indicatif::ProgressBar>,
    begun: Instant,
    told: Instant,
}

impl Progress {
    pub(crate) fn begin() -> Self {
        let now = clock::instant();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = indicatif::ProgressBar::new(0);
            let style = "reading the log {wide_bar} {human_pos} of {human_len} records, {eta} left";
            let style = indicatif::ProgressStyle::with_template(style);
            bar.set_style(style.expect("a template of ours"));
            bar
        });
        Self {
            bar,
            begun: now,
            told: now,
        }
    }

    /// Shows how far reading has come.
    pub(crate) fn tell(&mut self, reach: Reach) {
        if reach.end == 0 {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(reach.end);
            bar.set_position(reach.read);
        } else if self.told.elapsed() >= TOLD_EVERY {
            self.told = clock::instant();
            let left = self.left(reach);
            complain(&format!("reading the log: {}{left}", reach.words()));
        }
    }

    /// How long it has taken; the bar goes away.
    pub(crate) fn end(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.begun.elapsed()
    }

    fn left(&self, reach: Reach) -> String {
        let seconds = self.begun.elapsed().as_secs();
        let left = reach.end.saturating_sub(reach.read) * seconds;
        match left.checked_div(reach.read) {
            Some(left) => format!(", about {left} s left"),
            None => String::new(),
        }
    }
}
