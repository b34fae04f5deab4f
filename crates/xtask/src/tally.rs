//! In: what steps and test programs print. Kept: counts, times. Out: `N passed, N failed`.
//! Never knows: how a test works.

use crate::run::{now, say};
use anyhow::Result;

/// What passed and what failed so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    /// Runs a step without tests of its own: it counts as one.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<bool>) -> bool {
        self.timed(name, || {
            let good = run()?;
            Ok((good, one(good)))
        })
    }

    /// Runs a step whose output holds test results: each test counts. A step that fails without a
    /// failed test (it did not compile, it was killed), or passes without any test, is one failure.
    pub(crate) fn tests(&mut self, name: &str, run: impl FnOnce() -> Result<(bool, String)>) {
        self.timed(name, || {
            let (good, text) = run()?;
            let found = judged(good, read(&text));
            Ok((found.failed == 0, found))
        });
    }

    fn timed(&mut self, name: &str, run: impl FnOnce() -> Result<(bool, Self)>) -> bool {
        say(&format!("\n== {name}"));
        let begun = now();
        let (good, found) = run().unwrap_or_else(|error| {
            say(&format!("{error:#}"));
            (false, one(false))
        });
        self.passed += found.passed;
        self.failed += found.failed;
        say(&format!(
            "== {name}: {} in {:.1} s ({} passed, {} failed)",
            if good { "ok" } else { "FAILED" },
            begun.elapsed().as_secs_f32(),
            found.passed,
            found.failed
        ));
        good
    }

    /// Prints the last line; whether all is well.
    pub(crate) fn close(self) -> bool {
        say(&format!("\n{} passed, {} failed", self.passed, self.failed));
        self.failed == 0
    }
}

/// A program's own count, corrected where it contradicts how the program ended.
fn judged(good: bool, mut found: Tally) -> Tally {
    if !good && found.failed == 0 {
        found.failed = 1;
    }
    if good && found.passed == 0 {
        found.failed += 1;
    }
    found
}

fn one(good: bool) -> Tally {
    Tally {
        passed: usize::from(good),
        failed: usize::from(!good),
    }
}

/// Adds up the lines in which cargo (`test result: …`), vitest (`Tests …`) and our own scripts
/// (`N passed, N failed`) say how their tests went; no other line counts.
pub(crate) fn read(text: &str) -> Tally {
    let mut sum = Tally::default();
    for line in text.lines() {
        let line = plain(line);
        let line = line.trim();
        let ours = line.split_once(" passed, ").is_some_and(|(passed, rest)| {
            is_number(passed) && rest.strip_suffix(" failed").is_some_and(is_number)
        });
        if !ours && !line.starts_with("test result: ") && !line.starts_with("Tests ") {
            continue;
        }
        let words: Vec<&str> = line
            .split([' ', ';', ','])
            .filter(|w| !w.is_empty())
            .collect();
        for pair in words.windows(2) {
            match (pair[0].parse::<usize>(), pair[1]) {
                (Ok(n), "passed") => sum.passed += n,
                (Ok(n), "failed") => sum.failed += n,
                _ => {}
            }
        }
    }
    sum
}

fn is_number(text: &str) -> bool {
    text.parse::<usize>().is_ok()
}

/// A line without terminal colours (`ESC [ … letter`).
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut out, part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        out += end.map_or("", |end| &part[end + 1..]);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, passed: usize, failed: usize) {
        assert_eq!(read(text), Tally { passed, failed }, "{text:?}");
    }

    #[test]
    fn cargos_results_are_added_up() {
        let text = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 17 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        check(text, 20, 2);
    }

    #[test]
    fn vitests_tests_count_and_its_files_do_not() {
        let text = "\u{1b}[2m Test Files \u{1b}[22m \u{1b}[1m\u{1b}[32m2 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (2)\u{1b}[39m\n\
            \u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m\u{1b}[2m | \u{1b}[22m\u{1b}[1m\u{1b}[32m5 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (6)\u{1b}[39m\n";
        check(text, 5, 1);
        check(
            " Test Files  2 passed (2)\n      Tests  5 passed (5)\n",
            5,
            0,
        );
    }

    #[test]
    fn our_own_last_line_counts_and_talk_about_tests_does_not() {
        check("30 passed, 1 failed\n", 30, 1);
        check(
            "ok   the last run had 5 passed, 0 failed\nall 4 passed\n",
            0,
            0,
        );
    }

    #[test]
    fn a_program_that_fails_without_a_failed_test_or_runs_none_is_a_failure() {
        let judge = |good, text| {
            let found = judged(good, read(text));
            (found.passed, found.failed)
        };
        assert_eq!(judge(true, "3 passed, 0 failed"), (3, 0));
        assert_eq!(judge(false, "3 passed, 1 failed"), (3, 1));
        assert_eq!(judge(false, "3 passed, 0 failed"), (3, 1));
        assert_eq!(judge(false, "error: could not compile"), (0, 1));
        assert_eq!(judge(true, "nothing to run"), (0, 1));
    }
}
