//! In: a program and its arguments. Kept: nothing. Out: how it ended, and what it printed.
//! Never knows: why it runs.

use anyhow::{Context as _, Result};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a waiting broom looks.
const LOOK: Duration = Duration::from_millis(50);
/// How long the last words of a program that was ended are waited for.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Prints a line.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().unwrap_or(folder)
}

/// Where cargo builds to.
pub(crate) fn target() -> PathBuf {
    // A relative folder counts from where cargo was called, and so does ours.
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The time, for durations only.
#[expect(
    clippy::disallowed_methods,
    reason = "the broom tells people how long steps take; no number of the product depends on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A program in a folder, with its arguments.
pub(crate) fn program(folder: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).args(arguments);
    command
}

/// Cargo at the root, with at most two jobs unless the environment says otherwise.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(&root(), "cargo", arguments);
    if std::env::var_os("CARGO_BUILD_JOBS").is_none() {
        command.env("CARGO_BUILD_JOBS", "2");
    }
    command
}

/// The program built for release.
pub(crate) fn watchfloor(arguments: &[&str]) -> Command {
    let binary = target().join("release/watchfloor");
    program(&root(), &binary.display().to_string(), arguments)
}

/// Runs with the terminal passed through; whether it succeeded.
pub(crate) fn passed(mut command: Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    Ok(status.success())
}

/// Runs, prints and keeps what it prints on standard output; and whether it succeeded. A program
/// that takes longer than `limit` is ended with all that it started, and did not succeed.
pub(crate) fn heard(mut command: Command, limit: Duration) -> Result<(bool, String)> {
    let name = format!("{command:?}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let out = child.stdout.take().context("its output is piped")?;
    let text = Arc::new(Mutex::new(String::new()));
    let reader = std::thread::spawn({
        let text = Arc::clone(&text);
        move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                say(&line);
                *text.lock().expect("no holder panics") += &format!("{line}\n");
            }
        }
    });
    let status = ended(&mut child, limit)?;
    if status.is_none() {
        // Whoever is left holds the pipe, and a core that the next step needs.
        let all = with_descendants(child.id());
        let mut kill = program(&root(), "kill", &["-KILL"]);
        kill.args(all.iter().map(u32::to_string));
        passed(kill)?;
        child.wait()?;
        let limit = limit.as_secs();
        say(&format!("{name} took longer than {limit} s and was ended"));
    }
    // Whose parent was gone before is not found: it may hold the pipe for ever.
    let begun = now();
    while !reader.is_finished() && (status.is_some() || begun.elapsed() < LAST_WORDS) {
        std::thread::sleep(LOOK);
    }
    let text = text.lock().expect("no holder panics").clone();
    Ok((status.is_some_and(|status| status.success()), text))
}

/// A process and all that it started, as far as the machine tells.
fn with_descendants(id: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        // `pid (name) state ppid …`, and a name may hold anything.
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        let own = entry.file_name().to_string_lossy().parse::<u32>().ok();
        parents.extend(own.zip(parent));
    }
    let mut all = vec![id];
    let mut next = 0;
    while next < all.len() {
        let of = all[next];
        all.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == of)
                .map(|(own, _)| *own),
        );
        next += 1;
    }
    all
}

/// Waits for a child's end; `None` when it still runs after `limit`.
pub(crate) fn ended(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begun = now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) {
        let begun = now();
        let (good, text) = heard(program(&root(), "sh", &["-c", line]), LOOK * 10).unwrap();
        assert_eq!((good, text.as_str()), (false, "its words\n"));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_takes_too_long_is_ended_with_its_children_and_its_words_are_kept() {
        check("echo 'its words'; sleep 77 & sleep 77; echo late");
    }

    #[test]
    fn whoever_lost_its_parent_and_holds_the_pipe_is_not_waited_for() {
        check("echo 'its words'; (sleep 77 &); sleep 78");
    }
}
