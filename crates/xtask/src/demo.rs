//! In: options of `watchfloor demo`. Kept: nothing. Out: the built program, run in our place.
//! Never knows: what the options mean.

use crate::run::{cargo, passed, say, watchfloor};
use crate::{page, tools};
use anyhow::{Context as _, Result, ensure};

/// `cargo xtask demo`. Returns only when the demo could not be started.
pub(crate) fn demo(options: &[String]) -> Result<bool> {
    tools::require()?;
    ensure!(page::build()?, "the display does not build, see above");
    say("building watchfloor (the first time takes some minutes) …");
    ensure!(release()?, "watchfloor does not build, see above");
    let options = options.iter().map(String::as_str).filter(|o| *o != "--");
    let all: Vec<&str> = std::iter::once("demo").chain(options).collect();
    become_it(watchfloor(&all))
}

/// Builds the program for release.
pub(crate) fn release() -> Result<bool> {
    let package = ["--package", "cx-server", "--bin", "watchfloor"];
    let arguments: Vec<&str> = ["build", "--release"].into_iter().chain(package).collect();
    passed(cargo(&arguments))
}

/// The program takes this process over: terminal, Ctrl-C and exit code are its own.
#[cfg(unix)]
fn become_it(mut command: std::process::Command) -> Result<bool> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).with_context(|| format!("cannot run {command:?}"))
}

#[cfg(not(unix))]
fn become_it(command: std::process::Command) -> Result<bool> {
    passed(command)
}
