//! In: options of `watchfloor demo`. Kept: nothing. Out: the built program, run in our place.
//! Never knows: what the options mean.

use crate::run::{cargo, passed, say, watchfloor};
use crate::{kafka, page, tools};
use anyhow::{Context as _, Result, ensure};

/// `cargo xtask demo`. Returns only when the demo could not be started.
pub(crate) fn demo(options: &[String]) -> Result<bool> {
    tools::require()?;
    ensure!(page::build()?, "the display does not build, see above");
    say("building watchfloor (the first time takes some minutes) …");
    ensure!(release()?, "watchfloor does not build, see above");
    let options = options.iter().filter(|o| *o != "--").cloned();
    let options = on_kafka(options.collect())?;
    let options = options.iter().map(String::as_str);
    let all: Vec<&str> = std::iter::once("demo").chain(options).collect();
    become_it(watchfloor(&all))
}

/// `--kafka` without an address means a broker of ours, started if it does not run.
fn on_kafka(mut options: Vec<String>) -> Result<Vec<String>> {
    let Some(at) = options.iter().position(|o| o == "--kafka") else {
        return Ok(options);
    };
    let named = options.get(at + 1).is_some_and(|o| !o.starts_with("--"));
    if !named {
        say("starting Apache Kafka; it goes on after the demo: end it with cargo xtask kafka down");
        options.insert(at + 1, kafka::plain()?.bootstrap);
    }
    Ok(options)
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
