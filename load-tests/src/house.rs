//! In: the program `watchfloor`, a cluster. Kept: an installation of its own: data and topics.
//! Out: what the whole program costs until it has folded a topic. Never knows: how it does it.

use crate::clock;
use crate::process::Cost;
use anyhow::{Context as _, Result, bail, ensure};
use cx_kafka::{ClientSettings, Topics};
use cx_model::vocabulary::{
    TOPIC_ACTIONS, TOPIC_DEAD_LETTERS, TOPIC_DECISIONS, TOPIC_DEFINITIONS, TOPIC_INTERACTIONS,
};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Without progress for so long a round has failed.
const SILENCE: Duration = Duration::from_secs(60);
/// How long an ended program may take.
const GRACE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

/// One installation.
pub(crate) struct Installation {
    pub(crate) watchfloor: PathBuf,
    pub(crate) catalog: PathBuf,
    pub(crate) bootstrap: String,
    pub(crate) prefix: String,
    pub(crate) partitions: u32,
    /// Records keep their writer's time; else they have the broker's, as on a live topic.
    pub(crate) history: bool,
    pub(crate) data: tempfile::TempDir,
    /// How often it saves, s.
    pub(crate) every_s: u32,
}

/// One start of the program until it had folded everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded {
    pub(crate) wall_s: f64,
    pub(crate) cost: Cost,
    pub(crate) customers: u64,
}

/// Ended with its owner, whatever happens.
pub(crate) struct Running(Child);

/// A program that runs, for more than one question.
pub(crate) struct House {
    running: Running,
    address: String,
}

impl House {
    /// # Errors
    /// No answer, or none in JSON.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::new_with_config(config.build());
        let mut answer = agent.get(format!("{}{path}", self.address)).call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// Records that it has applied.
    ///
    /// # Errors
    /// As [`House::get`].
    pub(crate) fn applied(&self) -> Result<u64> {
        Ok(sum(&partitions(&self.address)?, "applied"))
    }

    /// Where its sockets are.
    ///
    /// # Errors
    /// An address that is none.
    pub(crate) fn socket(&self) -> Result<SocketAddr> {
        Ok(self.address.trim_start_matches("http://").parse()?)
    }

    /// # Errors
    /// A program that has ended.
    pub(crate) fn cost(&self) -> Result<Cost> {
        self.running.cost()
    }

    /// Ends it without a word.
    ///
    /// # Errors
    /// One that had ended before.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.running.0.kill()?;
        self.running.0.wait()?;
        Ok(())
    }
}

impl Installation {
    /// Name of its topic of interactions.
    pub(crate) fn topic(&self) -> String {
        format!("{}{TOPIC_INTERACTIONS}", self.prefix)
    }

    /// Makes its topics, with no end of retention where they hold the writers' time.
    ///
    /// # Errors
    /// The program's own words.
    pub(crate) fn topics(&self) -> Result<()> {
        let mut words = vec!["topics", "create"];
        words.extend(self.history.then_some("--history"));
        let output = self.program(&words).output();
        let output = output.with_context(|| format!("cannot run {}", self.watchfloor.display()))?;
        ensure!(
            output.status.success(),
            "topics create:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Starts the program, waits until it has folded so many records, takes its cost, ends it.
    ///
    /// # Errors
    /// A program that ends by itself, or makes no progress.
    pub(crate) fn fold(&self, events: u64) -> Result<Folded> {
        let begun = clock::instant();
        let mut serve = self.program(&["serve"]);
        let child = serve.stdout(Stdio::piped()).spawn();
        let mut running = Running(child.context("cannot run watchfloor serve")?);
        let address = running.address()?;
        let (mut last, mut moved_at) = (0, clock::instant());
        loop {
            std::thread::sleep(LOOK);
            if let Some(status) = running.0.try_wait()? {
                bail!("watchfloor serve ended by itself: {status}");
            }
            let partitions = partitions(&address)?;
            // Behind the last event may stand control records of its own.
            let next = sum(&partitions, "applied");
            if partitions.len() == self.partitions as usize && next >= events {
                ensure!(
                    next == events,
                    "{next} events were applied, {events} were written"
                );
                return Ok(Folded {
                    wall_s: begun.elapsed().as_secs_f64(),
                    cost: Cost::of(&running.0.id().to_string())?,
                    customers: sum(&partitions, "customers"),
                });
            }
            if next > last {
                (last, moved_at) = (next, clock::instant());
            }
            ensure!(
                moved_at.elapsed() < SILENCE,
                "{next} of {events} records folded, and no progress for {} s",
                SILENCE.as_secs()
            );
        }
    }

    /// Starts the program and waits until it says where it listens.
    ///
    /// # Errors
    /// A program that ends by itself.
    pub(crate) fn start(&self) -> Result<House> {
        let child = self.program(&["serve"]).stdout(Stdio::piped()).spawn();
        let mut running = Running(child.context("cannot run watchfloor serve")?);
        let address = running.address()?;
        Ok(House { running, address })
    }

    /// Takes its topics away; the cluster may be somebody's.
    ///
    /// # Errors
    /// The broker's words.
    pub(crate) fn remove(&self) -> Result<()> {
        let admin = Topics::open(&ClientSettings::broker(&self.bootstrap))?;
        let names = [
            TOPIC_INTERACTIONS,
            TOPIC_DEAD_LETTERS,
            TOPIC_DEFINITIONS,
            TOPIC_DECISIONS,
            TOPIC_ACTIONS,
        ];
        let all = names.map(|name| format!("{}{name}", self.prefix));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(admin.delete(&all.each_ref().map(String::as_str)))?;
        Ok(())
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.watchfloor);
        command
            .args(words)
            .env("WATCHFLOOR_ADDRESS", "127.0.0.1:0")
            .env("WATCHFLOOR_CATALOG", &self.catalog)
            .env("WATCHFLOOR_DATA", self.data.path())
            .env("WATCHFLOOR_KAFKA_BOOTSTRAP", &self.bootstrap)
            .env("WATCHFLOOR_KAFKA_PREFIX", &self.prefix)
            .env("WATCHFLOOR_KAFKA_PARTITIONS", self.partitions.to_string())
            .env("WATCHFLOOR_KAFKA_HISTORY", self.history.to_string())
            .env("WATCHFLOOR_SNAPSHOTS_EVERY_S", self.every_s.to_string())
            .stdin(Stdio::null());
        command
    }
}

impl Running {
    /// Starts a program that says where it listens; it hears the end of its input when its owner is gone.
    ///
    /// # Errors
    /// One that cannot be run, or ends before it listens.
    pub(crate) fn start(mut command: Command) -> Result<(Self, SocketAddr)> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = child.with_context(|| format!("cannot run {command:?}"))?;
        let mut running = Self(child);
        let address = running.address()?;
        Ok((running, address.trim_start_matches("http://").parse()?))
    }

    /// # Errors
    /// A program that has ended.
    pub(crate) fn cost(&self) -> Result<Cost> {
        Cost::of(&self.0.id().to_string())
    }

    /// Where it says that it listens.
    fn address(&mut self) -> Result<String> {
        let out = self.0.stdout.take().context("its output is piped")?;
        for line in BufReader::new(out).lines() {
            let line = line?;
            if let Some(at) = line.find("http://") {
                let address = line[at..].split_whitespace().next().unwrap_or_default();
                return Ok(address.trim_end_matches("/readyz").to_owned());
            }
        }
        bail!("watchfloor serve ended before it listened")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        let ask = format!("kill -TERM {}", self.0.id());
        drop(Command::new("sh").args(["-c", &ask]).status());
        let asked = clock::instant();
        while matches!(self.0.try_wait(), Ok(None)) {
            if asked.elapsed() > GRACE {
                drop(self.0.kill());
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn partitions(address: &str) -> Result<Vec<Value>> {
    let text = ureq::get(format!("{address}/healthz"))
        .call()?
        .body_mut()
        .read_to_string()?;
    let health: Value = serde_json::from_str(&text)?;
    let all = health["partitions"].as_array().cloned();
    all.with_context(|| format!("/healthz has no list of partitions: {health}"))
}

fn sum(partitions: &[Value], field: &str) -> u64 {
    partitions.iter().filter_map(|p| p[field].as_u64()).sum()
}

/// A path as the program finds it from any folder.
pub(crate) fn found(path: &Path) -> Result<PathBuf> {
    let whole = path.canonicalize();
    whole.with_context(|| format!("{} is not there", path.display()))
}
