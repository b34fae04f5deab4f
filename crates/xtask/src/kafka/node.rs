//! In: one broker's place in its cluster. Kept: its folder, its process's id in a file. Out: a
//! formatted folder, a started and an ended broker. Never knows: the other brokers' state.

use super::secure::Secure;
use crate::run::{now, program};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SERVER: &str = include_str!("server.properties");
const LOG: &str = include_str!("log4j2.properties");
/// The class whose name proves that a process is a broker.
const MAIN: &str = "kafka.Kafka";
/// How long a broker may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);
/// Lines of a dead broker's log that are shown.
const LAST_WORDS: usize = 25;
/// From a broker's port to its controller's and its secure one.
const CONTROLLER: u16 = 100;
const SECURE: u16 = 10;

/// One broker: its number counts from 1.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) number: u16,
    pub(super) of: u16,
    /// The first broker's port; those of the others follow.
    pub(super) base: u16,
    pub(super) folder: PathBuf,
}

impl Node {
    pub(super) fn port(&self) -> u16 {
        self.base + self.number - 1
    }

    pub(super) fn secure_port(&self) -> u16 {
        self.port() + SECURE
    }

    /// Refuses a port that somebody else holds.
    ///
    /// # Errors
    /// Which port, and what to say instead.
    pub(super) fn require_ports(&self, secure: bool) -> Result<()> {
        let controller = self.port() + CONTROLLER;
        let ports = [
            Some(self.port()),
            Some(controller),
            secure.then(|| self.secure_port()),
        ];
        for port in ports.into_iter().flatten() {
            if let Err(e) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                bail!(
                    "port {port} of 127.0.0.1 cannot be used ({e}); end whoever holds it, or say --port with another"
                );
            }
        }
        Ok(())
    }

    /// Writes its files and begins to format its folder; nothing to do where that was done.
    ///
    /// # Errors
    /// A folder that cannot be written, Java that cannot be run.
    pub(super) fn format(
        &self,
        class_path: &str,
        cluster: &str,
        secure: &Secure,
        listens: bool,
    ) -> Result<Child> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join("log4j2.properties"), LOG)?;
        fs::write(
            self.properties_file(),
            self.properties(listens.then_some(secure)),
        )?;
        let mut command = self.java(class_path, "kafka.tools.StorageTool");
        command
            .args(["format", "--ignore-formatted", "-t", cluster, "-c"])
            .arg(self.properties_file())
            .args(secure.scram());
        self.told(&mut command, "format.log")
    }

    /// Waits for the formatting.
    ///
    /// # Errors
    /// The end of what it said.
    pub(super) fn formatted(&self, mut child: Child) -> Result<()> {
        if !child.wait()?.success() {
            bail!(
                "broker {}: its folder cannot be formatted:\n{}",
                self.number,
                self.tail("format.log")
            );
        }
        Ok(())
    }

    /// Starts the broker in a session of its own, so that it outlives this command and its Ctrl-C.
    ///
    /// # Errors
    /// No `setsid`, no Java.
    pub(super) fn start(&self, class_path: &str) -> Result<Child> {
        let java = self.java(class_path, MAIN);
        let mut command = program(&self.folder, "setsid", &[]);
        command
            .arg(java.get_program())
            .args(java.get_args())
            .arg(self.properties_file());
        let child = self.told(&mut command, "broker.log")?;
        fs::write(self.folder.join("pid"), child.id().to_string())?;
        Ok(child)
    }

    /// The id of its process, while it runs and is ours.
    pub(super) fn runs(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        let id = text.trim().parse().ok()?;
        let line = command_line(id)?;
        let ours = self.folder.display().to_string();
        (line.contains(MAIN) && line.contains(&ours)).then_some(id)
    }

    /// Ends the broker: asks, waits, and kills one that does not listen.
    ///
    /// # Errors
    /// A process that cannot be ended.
    pub(super) fn stop(&self) -> Result<()> {
        let begun = now();
        signal(self.runs(), "TERM")?;
        while self.runs().is_some() {
            if begun.elapsed() > GRACE {
                signal(self.runs(), "KILL")?;
            }
            if begun.elapsed() > GRACE * 2 {
                bail!("broker {} cannot be ended", self.number);
            }
            std::thread::sleep(LOOK);
        }
        drop(fs::remove_file(self.folder.join("pid")));
        Ok(())
    }

    /// Ends the broker without asking.
    ///
    /// # Errors
    /// A process that cannot be ended.
    pub(super) fn kill(&self) -> Result<()> {
        signal(self.runs(), "KILL")?;
        let begun = now();
        while self.runs().is_some() {
            if begun.elapsed() > GRACE {
                bail!("broker {} cannot be ended", self.number);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The end of one of its logs.
    pub(super) fn tail(&self, log: &str) -> String {
        let path = self.folder.join(log);
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LAST_WORDS);
        format!("{}\n(from {})", lines[from..].join("\n"), path.display())
    }

    fn properties_file(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn properties(&self, secure: Option<&Secure>) -> String {
        let voters: Vec<String> = (1..=self.of)
            .map(|n| format!("{n}@127.0.0.1:{}", self.base + n - 1 + CONTROLLER))
            .collect();
        let extra = secure.map(|_| format!(",SECURE://127.0.0.1:{}", self.secure_port()));
        let listeners = format!(
            "PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}{}",
            self.port(),
            self.port() + CONTROLLER,
            extra.unwrap_or_default()
        );
        let least = if self.of > 1 { self.of - 1 } else { 1 };
        let data = self.folder.join("data");
        format!(
            "{SERVER}node.id={}\nlisteners={listeners}\ncontroller.quorum.voters={}\nlog.dirs={}\n\
             default.replication.factor={of}\nmin.insync.replicas={least}\n\
             offsets.topic.replication.factor={of}\n\
             transaction.state.log.replication.factor={of}\ntransaction.state.log.min.isr={least}\n\
             share.coordinator.state.topic.replication.factor={of}\nshare.coordinator.state.topic.min.isr={least}\n{}",
            self.number,
            voters.join(","),
            data.display(),
            secure.map_or_else(String::new, Secure::properties),
            of = self.of,
        )
    }

    fn java(&self, class_path: &str, main: &str) -> Command {
        let log = self.folder.join("log4j2.properties");
        let mut command = Command::new("java");
        command
            .args([
                "-Xms256m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
            ])
            .arg(format!("-Dlog4j2.configurationFile={}", log.display()))
            .args(["-cp", class_path, main]);
        command
    }

    fn told(&self, command: &mut Command, log: &str) -> Result<Child> {
        let out = File::create(self.folder.join(log))?;
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))
    }
}

fn signal(id: Option<u32>, name: &str) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let mut shell = program(Path::new("/"), "sh", &["-c", &format!("kill -{name} {id}")]);
    // One that has just ended by itself is no error.
    shell.stderr(Stdio::null()).status()?;
    Ok(())
}

/// What a process was started with; `None` for one that ended.
fn command_line(id: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&line).into_owned());
    }
    let id = id.to_string();
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &id])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u16, of: u16) -> Node {
        let folder = PathBuf::from("/no/such/folder");
        Node {
            number,
            of,
            base: 39_092,
            folder,
        }
    }

    #[test]
    fn the_third_of_three_brokers_has_its_own_ports_and_all_voters() {
        let text = node(3, 3).properties(None);
        for line in [
            "node.id=3",
            "listeners=PLAINTEXT://127.0.0.1:39094,CONTROLLER://127.0.0.1:39194",
            "controller.quorum.voters=1@127.0.0.1:39192,2@127.0.0.1:39193,3@127.0.0.1:39194",
            "min.insync.replicas=2",
            "offsets.topic.replication.factor=3",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "{line} is missing in\n{text}"
            );
        }
        assert!(
            node(1, 1)
                .properties(None)
                .contains("\nmin.insync.replicas=1\n")
        );
    }

    #[test]
    fn a_secure_broker_listens_on_one_port_more() {
        let secure = Secure {
            folder: PathBuf::from("/s"),
            password: "secret".to_owned(),
        };
        let text = node(1, 1).properties(Some(&secure));
        assert!(text.contains(",SECURE://127.0.0.1:39102\n"), "{text}");
        assert!(text.contains("user_watchfloor=\"secret\";\n"), "{text}");
    }

    #[test]
    fn a_busy_port_is_named() {
        let held = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = held.local_addr().expect("bound").port();
        let wrong = Node { base, ..node(1, 1) }
            .require_ports(false)
            .expect_err("held");
        assert!(
            wrong.to_string().contains(&format!("port {base} ")),
            "{wrong}"
        );
    }

    #[test]
    fn a_process_that_is_no_broker_of_ours_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-node-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("pid"), std::process::id().to_string()).expect("a file");
        let broker = Node {
            folder: folder.clone(),
            ..node(1, 1)
        };
        assert_eq!(broker.runs(), None);
        broker.stop().expect("nothing to end");
        fs::remove_dir_all(folder).expect("our folder");
    }
}
