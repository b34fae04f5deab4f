//! Runs the binary.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// How long the program may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The repository, where the shipped catalogue's paths begin.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn watchfloor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfloor"));
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// For how long a test has waited.
#[expect(clippy::disallowed_methods, reason = "tests give up after a while")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("made");
            copy(&entry.path(), &target);
        } else {
            let bytes = std::fs::copy(entry.path(), target).expect("copied");
            assert!(bytes > 0);
        }
    }
}

/// A house that runs; dropping it kills it, as `kill -9` does.
pub(crate) struct House {
    child: Child,
    lines: Receiver<String>,
    /// `http://127.0.0.1:PORT`, `https` where it has certificates.
    pub(crate) url: String,
    /// Its broker on this machine.
    pub(crate) bootstrap: String,
}

impl House {
    /// Starts a command and waits until its wall is live.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::started(command, "is live at")
    }

    /// Starts a command and waits until it says this, with its address.
    pub(crate) fn started(command: &mut Command, until: &str) -> Self {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it runs");
        let (tell, lines) = sync_channel(1_000);
        let out = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut house = Self {
            child,
            lines,
            url: String::new(),
            bootstrap: String::new(),
        };
        while !house.hears(until) {}
        house
    }

    /// Reads one line; whether it is the one that is waited for, which names the address.
    fn hears(&mut self, until: &str) -> bool {
        let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
            drop(self.child.kill());
            panic!("the wall did not come up: {}", self.errors());
        };
        let word = |begins: &str| {
            let word = line.split_whitespace().find(|w| w.starts_with(begins));
            word.map(|w| w.trim_end_matches(['/', ':', ',', ';']).to_owned())
        };
        if self.bootstrap.is_empty() {
            self.bootstrap = word("127.0.0.1:").unwrap_or_default();
        }
        let found = line.contains(until);
        if found {
            let address = word("http").expect("an address");
            self.url = address.trim_end_matches("/readyz").to_owned();
        }
        found
    }

    /// What it said on standard error, to its end.
    fn errors(&mut self) -> String {
        let mut errors = String::new();
        let stderr = self.child.stderr.take();
        drop(stderr.map(|mut e| e.read_to_string(&mut errors)));
        errors
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Ends it as Ctrl-C does; its last line and whether it ended well.
    pub(crate) fn stop(mut self) -> (Value, bool) {
        self.signal("INT");
        let (status, errors) = self.wait();
        assert!(!errors.contains("panicked"), "{errors}");
        let last = self.lines.iter().last().expect("a last line");
        let last = serde_json::from_str(&last).expect("JSON");
        (last, status.success())
    }

    /// Waits for its end; how it ended, and its errors.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let errors = self.errors();
        (self.child.wait().expect("it ends"), errors)
    }

    /// POST; the status and the JSON.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::new_with_config(config.build());
        let request = agent.post(format!("{}{path}", self.url));
        let answer = request.header("content-type", kind).send(body);
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().read_to_string().expect("text");
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// GET as JSON, whatever the status.
    pub(crate) fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.page(path)).expect("JSON")
    }

    /// GET as text, whatever the status.
    pub(crate) fn page(&self, path: &str) -> String {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::new_with_config(config.build());
        let answer = agent.get(format!("{}{path}", self.url)).call();
        let body = answer.expect("an answer").into_body().read_to_string();
        body.expect("text")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
