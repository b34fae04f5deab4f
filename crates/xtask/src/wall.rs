//! In: the built program. Kept: one demo while Chromium looks at it, and an issuer where people come from one.
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

/// A running program and its address; dropping it ends it, however we leave.
struct Running(Child, String);

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
    seen(watchfloor(DEMO), &["e2e/wall.mjs"], &[])
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
    let issuer = Running::issuer()?;
    let secret = folder.join("client-secret");
    std::fs::write(&secret, "e2e client: secret & more\n")?;
    let secret = secret.display().to_string();
    let keys = format!("{}/jwks", issuer.1);
    let settings = [
        ("OIDC_ISSUER", issuer.1.as_str()),
        ("OIDC_CLIENT_ID", "watchfloor"),
        ("OIDC_CLIENT_SECRET_FILE", &secret),
        ("OIDC_SCOPES", "cx"),
        ("OIDC_ROLE_CLAIM", "cx_roles"),
        ("OIDC_BOARDS_CLAIM", "cx_boards"),
        ("OIDC_LABEL", "the test issuer"),
        ("OIDC_ASK", "the service desk"),
        ("TOKENS_ISSUER", issuer.1.as_str()),
        ("TOKENS_AUDIENCE", "urn:watchfloor"),
        ("TOKENS_KEYS", &keys),
        ("TOKENS_NAME_CLAIM", "cx_name"),
        ("TOKENS_ROLE_CLAIM", "cx_roles"),
        ("TOKENS_BOARDS_CLAIM", "cx_boards"),
        // Its tokens do not say from when they hold.
        ("TOKENS_NBF", "optional"),
    ];
    let mut demo = watchfloor(DEMO);
    demo.args(["--closed", &shown]);
    for (name, value) in settings {
        demo.env(format!("WATCHFLOOR_ACCESS_{name}"), value);
    }
    seen(demo, &["e2e/door.mjs"], &[NAME, PASSWORD, &issuer.1])
}

/// What a script in Chromium says of a demo.
fn seen(demo: Command, script: &[&str], more: &[&str]) -> Result<(bool, String)> {
    let chromium = tools::chromium().context("Chromium is missing")?;
    let demo = Running::start(demo)?;
    let line = [script, &[&demo.1], more].concat();
    let mut script = program(&page::folder(), "node", &line);
    script.env("CHROMIUM", chromium);
    let seen = heard(script, LOOK)?;
    demo.interrupt()?;
    Ok(seen)
}

impl Running {
    fn start(mut program: Command) -> Result<Self> {
        let mut running = Self(program.stdout(Stdio::piped()).spawn()?, String::new());
        running.1 = address(&mut running.0)?;
        Ok(running)
    }

    /// An issuer of others, which people and programs come from; it also ends with its standard input.
    fn issuer() -> Result<Self> {
        let mut issuer = program(&page::folder(), "node", &["e2e/issuer.mjs"]);
        issuer.stdin(Stdio::piped()).stderr(Stdio::null());
        Self::start(issuer)
    }

    fn interrupt(mut self) -> Result<()> {
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

impl Drop for Running {
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
    let names = ["http://127.0.0.1:", "http://localhost:"];
    let from = names.iter().find_map(|name| line.find(name))?;
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
        assert_eq!(
            url("http://localhost:1").as_deref(),
            Some("http://localhost:1")
        );
        assert_eq!(url("see https://example.org/"), None);
    }
}
