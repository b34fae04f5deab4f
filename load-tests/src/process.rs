//! In: the id of a process. Kept: nothing. Out: what it has cost so far, as Linux counts it.
//! Never knows: what it does.

use anyhow::{Context as _, Result};
use std::fs;

/// Linux counts CPU time for programs in hundredths of a second, whatever its own ticks are.
const TICKS_PER_S: f64 = 100.0;

/// CPU and memory of one process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// User and system, its ended children too, s.
    pub(crate) cpu_s: f64,
    /// Resident now, bytes.
    pub(crate) rss: u64,
    /// Resident at most so far, bytes.
    pub(crate) peak_rss: u64,
}

impl Cost {
    /// # Errors
    /// A process that has ended, a system without `/proc`.
    pub(crate) fn of(process: &str) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let (stat, status) = (read("stat")?, read("status")?);
        Self::read(&stat, &status).context("/proc says something else than it should")
    }

    fn read(stat: &str, status: &str) -> Option<Self> {
        // The name in brackets may hold spaces; the fields after it do not.
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).take(4);
        let ticks: f64 = ticks.filter_map(|t| t.parse::<f64>().ok()).sum();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name))?;
            let kib = line.split_whitespace().next()?;
            Some(kib.parse::<u64>().ok()? * 1_024)
        };
        Some(Self {
            cpu_s: ticks / TICKS_PER_S,
            rss: bytes("VmRSS:")?,
            peak_rss: bytes("VmHWM:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4 5 6 7 8 250 50 10 20 20 0 9";
        let cost = Cost::read(stat, "VmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n").expect("readable");
        assert_eq!(
            cost,
            Cost {
                cpu_s: 3.3,
                rss: 1 << 20,
                peak_rss: 2 << 20
            }
        );
    }

    #[test]
    fn this_process_costs_something() {
        assert!(Cost::of("self").expect("a process").rss > 0);
    }
}
