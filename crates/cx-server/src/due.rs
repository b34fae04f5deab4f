//! In: a catalogue's calendar, a moment, a duration. Kept: nothing. Out: when something is due, step by step,
//! on the terminal. Never knows: a running house; the answer follows from the files alone.

use crate::check::say;
use anyhow::{Context as _, bail};
use cx_catalog::calendar::{Calendar, duration};
use cx_catalog::load;
use cx_model::time::Timestamp;
use std::path::Path;
use std::time::Duration;

/// What is asked of a calendar.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Asked {
    /// Show this calendar instead: its hours, and with --from and --after when something is due.
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// From when on, e.g. 2026-12-23T15:00:00Z.
    #[arg(long, value_name = "TIME", requires = "after")]
    from: Option<String>,
    /// After how much business time (30s, 45m, 4h).
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration, requires = "from")]
    after: Option<Duration>,
}

impl Asked {
    /// The calendar that is asked for.
    pub(crate) fn name(&self) -> Option<&str> {
        self.calendar.as_deref()
    }
}

/// Shows a calendar, and how a due time comes about.
///
/// # Errors
/// A catalogue that is refused; no such calendar; a time that is none.
pub(crate) fn run(dir: &Path, name: &str, asked: &Asked) -> anyhow::Result<bool> {
    let catalog = match load(dir) {
        Ok(catalog) => catalog,
        Err(faults) => bail!("{}\n\n{} faults in all", faults[0], faults.len()),
    };
    let known: Vec<&str> = catalog.calendars.keys().map(String::as_str).collect();
    let found = catalog.calendars.get(name);
    let calendar = found.with_context(|| {
        format!(
            "there is no calendar {name}; there are: {}",
            known.join(", ")
        )
    })?;
    calendar.told().iter().for_each(|line| say(line));
    if let (Some(from), Some(after)) = (&asked.from, asked.after) {
        let start = Timestamp::parse_rfc3339(from).map_err(anyhow::Error::msg)?;
        let ms = i64::try_from(after.as_millis()).context("the duration is too long")?;
        steps(calendar, start, ms).iter().for_each(|line| say(line));
    }
    Ok(true)
}

/// A line for each stretch of time until the due time.
fn steps(calendar: &Calendar, start: Timestamp, ms: i64) -> Vec<String> {
    let steps = calendar.explain(start, ms);
    let line = |step: &cx_catalog::calendar::Step| {
        let long = duration(step.to.since(step.from));
        let [from, to] = &step.wall;
        if step.open {
            let left = duration(step.left_ms);
            format!("  {from} to {to}: {long} of business time, {left} to go")
        } else {
            format!("  {from} to {to}: closed for {long}")
        }
    };
    let head = format!("{} of business time from {start}:", duration(ms));
    let due = calendar.due(start, ms);
    let end = due.map_or("never due".to_owned(), |due| format!("due at {due}"));
    let lines = steps.iter().map(line);
    [head].into_iter().chain(lines).chain([end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_time_is_told_step_by_step() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        let catalog = load(&dir).expect("the shipped one is right");
        let start = Timestamp::parse_rfc3339("2026-12-23T17:30:00Z").expect("a time");
        let told = steps(&catalog.calendars["default"], start, 4 * 3_600_000);
        let expected = [
            "4 h of business time from 2026-12-23T17:30:00.000Z:",
            "  Wed 2026-12-23 18:30:00 to Wed 2026-12-23 20:00:00: 1 h 30 min of business time, 2 h 30 min to go",
            "  Wed 2026-12-23 20:00:00 to Thu 2026-12-24 08:00:00: closed for 12 h",
            "  Thu 2026-12-24 08:00:00 to Thu 2026-12-24 10:30:00: 2 h 30 min of business time, 0 s to go",
            "due at 2026-12-24T09:30:00.000Z",
        ];
        assert_eq!(told, expected);
    }
}
