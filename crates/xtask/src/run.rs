//! In: a program and its arguments. Kept: nothing. Out: how it ended, and what it printed.
//! Never knows: why it runs.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a waiting broom looks.
const LOOK: Duration = Duration::from_millis(50);

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
/// that takes longer than `limit` is ended.
pub(crate) fn heard(mut command: Command, limit: Duration) -> Result<(bool, String)> {
    let name = format!("{command:?}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let out = child.stdout.take().context("its output is piped")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            say(&line);
            text += &line;
            text.push('\n');
        }
        text
    });
    let Some(status) = ended(&mut child, limit)? else {
        child.kill()?;
        child.wait()?;
        bail!(
            "{name} took longer than {} s and was ended",
            limit.as_secs()
        );
    };
    let text = reader.join().unwrap_or_default();
    Ok((status.success(), text))
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
