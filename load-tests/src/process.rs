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

/// What all cores have done since the machine began, s: worked, for whomever, and waited for work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    pub(crate) busy_s: f64,
    pub(crate) idle_s: f64,
}

impl Machine {
    /// # Errors
    /// A system without `/proc`.
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        Self::read(&stat).context("/proc/stat says something else than it should")
    }

    fn read(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks = fields.split_whitespace().map(|t| t.parse::<f64>().ok());
        let ticks: Vec<f64> = ticks.collect::<Option<_>>()?;
        // User and guests, nice, system, idle, waits for disks, interrupts, soft ones; then what the host took.
        let [user, nice, system, idle, disks, hard, soft, ..] = ticks[..] else {
            return None;
        };
        Some(Self {
            busy_s: (user + nice + system + hard + soft) / TICKS_PER_S,
            idle_s: (idle + disks) / TICKS_PER_S,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_cores_did_is_their_first_line() {
        let machine = Machine::read("cpu  100 20 30 400 50 6 4 9 0 0\ncpu0 1 1 1 1 1 1 1\n");
        let expected = Machine {
            busy_s: 1.6,
            idle_s: 4.5,
        };
        assert_eq!(machine, Some(expected));
        assert_eq!(Machine::read("cpu  100 20\n"), None);
    }

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
