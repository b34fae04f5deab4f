//! In: a program and its arguments. Kept: nothing. Out: how it ended, and what it printed.
//! Never knows: why it runs.

use anyhow::{Context as _, Result};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Prints a line.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap_or_default()
}

/// The folder of the display.
pub(crate) fn display() -> PathBuf {
    root().join("crates/cx-gateway/display")
}

/// Where cargo builds to.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program in a folder, with its arguments.
pub(crate) fn program(folder: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).args(arguments);
    command
}

/// Runs with the terminal passed through; whether it succeeded.
pub(crate) fn passed(mut command: Command) -> Result<bool> {
    let name = format!("{command:?}");
    Ok(command
        .status()
        .with_context(|| format!("cannot run {name}"))?
        .success())
}

/// Runs, prints and keeps what it prints on standard output; and whether it succeeded.
pub(crate) fn heard(mut command: Command) -> Result<(bool, String)> {
    let name = format!("{command:?}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let mut text = String::new();
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line?;
            say(&line);
            text += &line;
            text.push('\n');
        }
    }
    Ok((child.wait()?.success(), text))
}

/// Whether a program can be started.
pub(crate) fn there(name: &str) -> bool {
    let quiet = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|s| s.success())
}
