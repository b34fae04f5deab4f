//! Installations of a test's own on the cluster that the environment names.

use crate::run::{House, text, watchfloor};
use cx_kafka::{ClientSettings, Topics};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// The cluster.
pub(crate) fn bootstrap() -> String {
    std::env::var("WATCHFLOOR_TEST_KAFKA").unwrap_or_else(|_| {
        panic!("no cluster: `cargo xtask kafka up`, then set WATCHFLOOR_TEST_KAFKA=127.0.0.1:39092")
    })
}

/// Settings, secrets and topics that nobody else uses; its topics go with it.
pub(crate) struct Installation {
    pub(crate) bootstrap: String,
    pub(crate) prefix: String,
    pub(crate) partitions: u32,
    pub(crate) data: tempfile::TempDir,
    /// Further `WATCHFLOOR_…` settings.
    pub(crate) more: Vec<(&'static str, String)>,
    /// What the test's own clients need beside the address.
    pub(crate) properties: Vec<(&'static str, String)>,
}

impl Installation {
    /// Without topics yet.
    pub(crate) fn bare(partitions: u32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            bootstrap: bootstrap(),
            prefix: format!("test-{}-{number}.", std::process::id()),
            partitions,
            data: tempfile::tempdir().expect("a folder"),
            more: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// With topics, made by `watchfloor topics create`.
    pub(crate) fn new(partitions: u32) -> Self {
        let made = Self::bare(partitions);
        made.good(&["topics", "create"]);
        made
    }

    pub(crate) fn interactions(&self) -> String {
        format!("{}cx.interactions", self.prefix)
    }

    pub(crate) fn settings(&self) -> ClientSettings {
        let plain = ClientSettings::broker(&self.bootstrap);
        let all = self.properties.iter();
        all.fold(plain, |settings, (name, value)| {
            settings.with(name, value).expect("allowed")
        })
    }

    /// The binary with this installation's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = watchfloor(arguments);
        command
            .env("WATCHFLOOR_ADDRESS", "127.0.0.1:0")
            .env("WATCHFLOOR_DATA", self.data.path())
            .env("WATCHFLOOR_KAFKA_BOOTSTRAP", &self.bootstrap)
            .env("WATCHFLOOR_KAFKA_PREFIX", &self.prefix)
            .env("WATCHFLOOR_KAFKA_PARTITIONS", self.partitions.to_string())
            .envs(self.more.iter().map(|(name, value)| (*name, value)));
        command
    }

    pub(crate) fn done(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// Runs to its end, which must be good; what it said.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let output = self.done(arguments);
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{error}");
        out
    }

    /// Runs to its end, which must be bad: exit code 1, and an error that says all of `words`.
    pub(crate) fn refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.done(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        for words in words {
            assert!(error.contains(words), "{words:?} is not in\n{error}");
        }
    }

    pub(crate) fn serve(&self) -> House {
        House::start(&mut self.command(&["serve", "--json"]))
    }
}

/// Sends lines with `watchfloor send`; what it says to programs.
pub(crate) fn sent(at: &Installation, lines: &[u8]) -> Value {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(lines).expect("written");
    let path = file.path().to_str().expect("text");
    let out = at.good(&["send", path, "--json"]);
    serde_json::from_str(out.lines().last().expect("a line")).expect("JSON")
}

impl Drop for Installation {
    fn drop(&mut self) {
        let names = [
            "cx.interactions",
            "cx.dead-letters",
            "cx.definitions",
            "cx.actions",
            "cx.alerts",
            "cx.decisions",
        ];
        let names = names.map(|name| format!("{}{name}", self.prefix));
        let names = names.each_ref().map(String::as_str);
        let gone = Topics::open(&self.settings()).map(|topics| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(topics.delete(&names))
        });
        // A test that killed its broker leaves nothing to remove.
        drop(gone);
    }
}
