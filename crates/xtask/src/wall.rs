//! In: the built program. Kept: one demo while Chromium looks at it. Out: what the script saw.
//! Never knows: what is on the page.

use crate::run::{ended, heard, program, target, watchfloor};
use crate::{page, tools};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// The demo runs on a port of its own choice and ends by itself if we die.
const DEMO: &[&str] = &[
    "demo",
    "--address",
    "127.0.0.1:0",
    "--for",
    "180s",
    "--history",
    "30",
];
/// How long the demo may take until it prints its address.
const START: Duration = Duration::from_secs(60);
/// How long Chromium may look.
const LOOK: Duration = Duration::from_secs(170);
/// How long a demo may take to stop.
const STOP: Duration = Duration::from_secs(15);

/// A running demo; dropping it ends it, however we leave.
struct Demo(Child);

/// A bounded run whose accounting must hold, in the one line of JSON that other programs read.
pub(crate) fn bounded() -> Result<bool> {
    let options = ["demo", "--address", "127.0.0.1:0", "--for", "20s", "--json"];
    let (good, text) = heard(watchfloor(&options), Duration::from_secs(120))?;
    let line = text.lines().last().unwrap_or_default();
    ensure!(
        line.starts_with('{') && line.contains("\"ok\":true"),
        "the last line is no JSON that says ok: {line}"
    );
    Ok(good)
}

/// Lets Chromium compare the page with the API; then the demo must end well on SIGINT.
pub(crate) fn look() -> Result<(bool, String)> {
    seen(&[], &["e2e/wall.mjs"], &[])
}

/// Lets Chromium sign in where access is closed, as somebody whom a command let in.
pub(crate) fn door() -> Result<(bool, String)> {
    const NAME: &str = "ada";
    const PASSWORD: &str = "seven brown otters";
    let folder = target().join("door");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let shown = folder.display().to_string();
    let role = ["--role", "admin", "--boards", "*", "--data", &shown];
    let line = [&["user", "add", NAME], &role[..]].concat();
    let mut adding = watchfloor(&line).stdin(Stdio::piped()).spawn()?;
    let mut input = adding.stdin.take().context("its input is piped")?;
    writeln!(input, "{PASSWORD}")?;
    drop(input);
    ensure!(adding.wait()?.success(), "nobody could be let in");
    seen(&["--closed", &shown], &["e2e/door.mjs"], &[NAME, PASSWORD])
}

/// What a script in Chromium says of a demo.
fn seen(options: &[&str], script: &[&str], more: &[&str]) -> Result<(bool, String)> {
    let chromium = tools::chromium().context("Chromium is missing")?;
    let mut demo = watchfloor(DEMO);
    let mut demo = Demo(demo.args(options).stdout(Stdio::piped()).spawn()?);
    let url = address(&mut demo.0)?;
    let line = [script, &[&url], more].concat();
    let mut script = program(&page::folder(), "node", &line);
    script.env("CHROMIUM", chromium);
    let seen = heard(script, LOOK)?;
    demo.interrupt()?;
    Ok(seen)
}

impl Demo {
    fn interrupt(&mut self) -> Result<()> {
        // The shell's own kill: the program `kill` is not on every machine.
        let kill = format!("kill -INT {}", self.0.id());
        let sent = Command::new("sh").args(["-c", &kill]).status()?;
        ensure!(sent.success(), "{kill} failed");
        match ended(&mut self.0, STOP)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("after Ctrl-C the demo ended with {status}"),
            None => bail!(
                "the demo did not end within {} s after Ctrl-C",
                STOP.as_secs()
            ),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Fails only where it has already ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The address in the first line that has one; the rest is read and dropped, so that the demo
/// never waits for a reader.
fn address(child: &mut Child) -> Result<String> {
    let out = child.stdout.take().context("its output is piped")?;
    let (tell, told) = sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(url) = url(&line) {
                // A second address finds no room and is not needed.
                drop(tell.try_send(url));
            }
        }
    });
    told.recv_timeout(START)
        .with_context(|| format!("the demo printed no address within {} s", START.as_secs()))
}

fn url(line: &str) -> Option<String> {
    let from = line.find("http://127.0.0.1:")?;
    let url = line[from..].split_whitespace().next()?;
    Some(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_sentence() {
        let line = "folded in 0.4 s; the wall is live at http://127.0.0.1:41237/  (Ctrl-C ends it)";
        assert_eq!(url(line).as_deref(), Some("http://127.0.0.1:41237"));
        assert_eq!(url("see https://example.org/"), None);
    }
}
