//! Runs the binary.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
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

/// Runs it to its end.
pub(crate) fn done(arguments: &[&str]) -> Output {
    watchfloor(arguments).output().expect("it runs")
}

/// For how long a test has waited.
#[expect(clippy::disallowed_methods, reason = "tests give up after a while")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A demo that runs; dropping it kills it.
pub(crate) struct Demo {
    child: Child,
    lines: Receiver<String>,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The embedded broker.
    pub(crate) bootstrap: String,
}

impl Demo {
    pub(crate) fn start(more: &[&str]) -> Self {
        let arguments = ["demo", "--address", "127.0.0.1:0", "--json"];
        let mut command = watchfloor(&arguments);
        let mut child = command
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let (tell, lines) = sync_channel(1_000);
        let out = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let word = |line: &str, begins: &str| {
            let word = line.split_whitespace().find(|w| w.starts_with(begins));
            word.unwrap_or_else(|| panic!("{line} names no {begins}"))
                .trim_end_matches(['/', ':', ',', ';'])
                .to_owned()
        };
        let next = || lines.recv_timeout(PATIENCE).expect("it says something");
        let bootstrap = word(&next(), "127.0.0.1:");
        let url = word(&next(), "http://");
        Self {
            child,
            lines,
            url,
            bootstrap,
        }
    }

    /// Ends it as Ctrl-C does; its last line and whether it ended well.
    pub(crate) fn stop(mut self) -> (Value, bool) {
        let kill = format!("kill -INT {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
        let good = self.child.wait().expect("it ends").success();
        let mut errors = String::new();
        let stderr = self.child.stderr.take();
        drop(stderr.map(|mut e| e.read_to_string(&mut errors)));
        assert!(!errors.contains("panicked"), "{errors}");
        let last = self.lines.iter().last().expect("a last line");
        (serde_json::from_str(&last).expect("JSON"), good)
    }

    /// GET as JSON, whatever the status.
    pub(crate) fn get(&self, path: &str) -> Value {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::new_with_config(config.build());
        let answer = agent.get(format!("{}{path}", self.url)).call();
        let body = answer.expect("an answer").into_body().read_to_string();
        serde_json::from_str(&body.expect("text")).expect("JSON")
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
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
