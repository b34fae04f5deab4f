//! In: how much memory the process uses. Kept: whether reading waits for it. Out: whether to read on,
//! what a person must do. Never knows: what the memory is for.
//!
//! Memory decides how much is read, never a value: what is kept, and who gives way, is in the activated
//! set's limits, so that a replay on another machine gives the same numbers.

use cx_model::time::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Reading stops at this share of the setting, %.
const STOP_AT: u64 = 80;
/// It goes on below this share, %.
const GO_ON_BELOW: u64 = 75;
/// How long between two looks, ms.
const EVERY_MS: i64 = 100;
const MIB: u64 = 1 << 20;

/// The process's memory against what it may use.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What the process may use, MiB.
    most_mib: u64,
    /// What it used at the last look, bytes.
    resident: AtomicU64,
    looked: AtomicI64,
    full: AtomicBool,
}

impl Memory {
    /// Of a setting, in MiB; 0 for all that the machine, or its control group, has.
    pub(crate) fn new(setting_mib: u64) -> Self {
        let most_mib = match setting_mib {
            0 => machine().unwrap_or(u64::MAX) / MIB,
            mib => mib,
        };
        Self {
            most_mib,
            resident: AtomicU64::default(),
            looked: AtomicI64::new(i64::MIN),
            full: AtomicBool::default(),
        }
    }

    /// Whether reading must wait. Any thread may ask as often as it likes.
    pub(crate) fn full(&self, now: Timestamp) -> bool {
        let looked = Timestamp(self.looked.load(Ordering::Relaxed));
        if now.since(looked) >= EVERY_MS {
            self.looked.store(now.0, Ordering::Relaxed);
            self.note(resident().unwrap_or(0));
        }
        self.full.load(Ordering::Relaxed)
    }

    fn note(&self, resident: u64) {
        self.resident.store(resident, Ordering::Relaxed);
        let share = |percent| self.most_mib.saturating_mul(MIB) / 100 * percent;
        let was = self.full.load(Ordering::Relaxed);
        let full = resident >= share(if was { GO_ON_BELOW } else { STOP_AT });
        if full != was {
            self.full.store(full, Ordering::Relaxed);
            let used = resident / MIB;
            tracing::warn!(used_mib = used, reading = !full, "memory");
        }
    }

    /// Bytes used at the last look, and most that may be.
    pub(crate) fn used(&self) -> (u64, u64) {
        let most = self.most_mib.saturating_mul(MIB);
        (self.resident.load(Ordering::Relaxed), most)
    }

    /// What to say while reading waits.
    pub(crate) fn alarm(&self) -> Option<String> {
        let used = self.resident.load(Ordering::Relaxed) / MIB;
        self.full.load(Ordering::Relaxed).then(|| {
            format!(
                "{used} of {} MiB of memory are used: reading stopped at {STOP_AT} %, nothing is lost; raise memory_mib, or run fewer partitions here",
                self.most_mib
            )
        })
    }
}

/// Resident memory of this process, bytes; `None` where the system does not say.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    kib(&status, "VmRSS:")
}

/// What the machine has, or less where a control group says so, bytes.
fn machine() -> Option<u64> {
    let groups = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = |file| std::fs::read_to_string(file).ok()?.trim().parse().ok();
    let groups = groups.into_iter().filter_map(limit);
    let all = std::fs::read_to_string("/proc/meminfo").ok();
    let all = all.and_then(|all| kib(&all, "MemTotal:"));
    groups.chain(all).min()
}

/// The line of a name in one of the kernel's tables, in bytes.
fn kib(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_at_four_fifths_and_goes_on_at_three_quarters() {
        let memory = Memory::new(100);
        let check = |mib: u64, full: bool| {
            memory.note(mib * MIB);
            assert_eq!(memory.alarm().is_some(), full, "{mib}");
        };
        check(79, false);
        check(80, true);
        check(76, true);
        check(74, false);
        check(79, false);
    }

    #[test]
    fn the_kernel_says_what_this_process_uses_and_what_there_is() {
        let memory = Memory::new(0);
        assert!(!memory.full(Timestamp(1)), "a test is small");
        let (used, most) = memory.used();
        assert!(used > MIB && used < most, "{used} of {most}");
        let told = "VmPeak:\t  9 kB\nVmRSS:\t     1234 kB\n";
        assert_eq!(kib(told, "VmRSS:"), Some(1_234 * 1_024));
        assert_eq!(kib(told, "VmSwap:"), None);
    }
}
