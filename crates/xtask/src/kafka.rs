//! In: how many brokers, which port. Kept: a real Apache Kafka of plain processes, its data below
//! `target/kafka/PORT`. Out: its address. Never knows: what is written to it.

mod jars;
mod node;
mod ready;
mod secure;

use crate::run::{now, say};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;
use node::Node;
use secure::Secure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

/// Names an existing cluster; then none is started.
const EXISTING: &str = "WATCHFLOOR_TEST_KAFKA";
/// Names the folder of its TLS authority, user and password.
const EXISTING_SECURE: &str = "WATCHFLOOR_TEST_KAFKA_SECURE";
/// Port of `kafka up`.
const PORT: u16 = 39_092;
/// Port of clusters that steps start for themselves, so that a developer's own stays as it is.
/// Below those that systems give to clients: a broker that is ended under test must find its ports free again.
const OWN_PORT: u16 = 29_292;
/// How long a cluster may take to answer: three brokers on two busy cores.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);

/// `cargo xtask kafka …`.
#[derive(Subcommand)]
pub(crate) enum Kafka {
    /// Start Apache Kafka (it is fetched with Maven) and wait until it answers.
    Up {
        /// One broker, or three that replicate.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
        brokers: u16,
        /// Port of the first broker.
        #[arg(long, default_value_t = PORT, value_parser = clap::value_parser!(u16).range(1024..=65_000))]
        port: u16,
        /// Forget the data of earlier runs.
        #[arg(long)]
        fresh: bool,
        /// Listen for TLS with SASL too, ten ports higher.
        #[arg(long)]
        secure: bool,
    },
    /// Kill one broker at once, as a power cut would; `up` starts it again with its data.
    Kill {
        /// Its cluster's port.
        #[arg(long)]
        port: u16,
        /// Its number.
        #[arg(long, default_value_t = 1)]
        broker: u16,
    },
    /// End the brokers that `up` started; their data stays.
    Down {
        /// Only the cluster at this port.
        #[arg(long)]
        port: Option<u16>,
    },
}

/// What kind of cluster is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) brokers: u16,
    pub(crate) port: u16,
    pub(crate) fresh: bool,
    pub(crate) secure: bool,
}

/// A cluster that answers.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// `host:port` of its brokers, with commas.
    pub(crate) bootstrap: String,
    /// Folder with `ca.pem`, `user`, `password` and `bootstrap` of its secure listener.
    pub(crate) secure: Option<PathBuf>,
    /// The port by which its brokers may be killed, where it is nobody else's.
    pub(crate) own: Option<u16>,
}

impl Cluster {
    /// What tests and benches find it by.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let secure = self.secure.as_ref();
        let folder = secure.map(|f| (EXISTING_SECURE, f.display().to_string()));
        let cluster = (EXISTING, self.bootstrap.clone());
        std::iter::once(cluster).chain(folder).collect()
    }
}

/// Runs a command of `cargo xtask kafka`.
pub(crate) fn run(command: &Kafka) -> Result<bool> {
    match *command {
        Kafka::Up {
            brokers,
            port,
            fresh,
            secure,
        } => {
            let cluster = up(&Wish {
                brokers,
                port,
                fresh,
                secure,
            })?;
            say(&format!("Kafka answers at {}", cluster.bootstrap));
            if let Some(folder) = cluster.secure {
                say(&format!("TLS with SASL: see {}", folder.display()));
            }
        }
        Kafka::Kill { port, broker } => kill(port, broker)?,
        Kafka::Down { port } => down(port)?,
    }
    Ok(true)
}

/// The one that `up` starts when nothing more is said.
///
/// # Errors
/// Those of [`up`].
pub(crate) fn plain() -> Result<Cluster> {
    up(&Wish {
        brokers: 1,
        port: PORT,
        fresh: false,
        secure: false,
    })
}

/// Starts a cluster, unless it runs already, and waits until it answers.
///
/// # Errors
/// What is missing, a busy port, the last words of a broker that died.
pub(crate) fn up(wish: &Wish) -> Result<Cluster> {
    let folder = jars::home().join(wish.port.to_string());
    let running = nodes_in(&folder)
        .iter()
        .filter(|n| n.runs().is_some())
        .count();
    let some = running > 0 && running < usize::from(wish.brokers) && !wish.fresh;
    if running > 0 && !some {
        return already(wish, &folder, running);
    }
    let class_path = jars::class_path()?;
    if wish.fresh && folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let nodes = nodes(wish, &folder);
    let down: Vec<Node> = nodes
        .iter()
        .filter(|n| n.runs().is_none())
        .cloned()
        .collect();
    for node in &down {
        node.require_ports(wish.secure)?;
    }
    let secure = Secure::user(&folder)?;
    let cluster = identity(&folder, wish.brokers)?;
    let bootstrap = |port: fn(&Node) -> u16| {
        let all = nodes.iter().map(|n| format!("127.0.0.1:{}", port(n)));
        all.collect::<Vec<_>>().join(",")
    };
    drop(fs::remove_file(secure.folder.join("bootstrap")));
    if wish.secure {
        secure.certify()?;
        fs::write(
            secure.folder.join("bootstrap"),
            bootstrap(Node::secure_port),
        )?;
    }
    start(
        (&nodes, &down),
        &class_path,
        &cluster,
        (&secure, wish.secure),
    )?;
    Ok(Cluster {
        bootstrap: bootstrap(Node::port),
        secure: wish.secure.then_some(secure.folder),
        own: None,
    })
}

/// Ends the cluster at a port, or all of them.
///
/// # Errors
/// A broker that cannot be ended.
pub(crate) fn down(port: Option<u16>) -> Result<()> {
    let home = jars::home();
    let folders: Vec<PathBuf> = match port {
        Some(port) => vec![home.join(port.to_string())],
        None => inside(&home),
    };
    let mut ended = 0;
    for node in folders.iter().flat_map(|folder| nodes_in(folder)) {
        if node.runs().is_some() {
            node.stop()?;
            ended += 1;
        }
    }
    say(&format!("{ended} brokers ended"));
    Ok(())
}

/// Kills one broker.
fn kill(port: u16, broker: u16) -> Result<()> {
    let folder = jars::home().join(port.to_string());
    let node = nodes_in(&folder).into_iter().find(|n| n.number == broker);
    let node = node.filter(|n| n.runs().is_some());
    let node = node.with_context(|| format!("no broker {broker} runs at port {port}"))?;
    node.kill()
}

/// Does something while a cluster of some brokers runs: the one that `WATCHFLOOR_TEST_KAFKA` names, or one of our
/// own with no earlier data, which is ended whatever happens.
///
/// # Errors
/// Those of [`up`], those of the work, a broker that cannot be ended.
pub(crate) fn during<T>(
    (brokers, secure): (u16, bool),
    work: impl FnOnce(&Cluster) -> Result<T>,
) -> Result<T> {
    if let Ok(bootstrap) = std::env::var(EXISTING) {
        let secure = std::env::var_os(EXISTING_SECURE).map(PathBuf::from);
        return work(&Cluster {
            bootstrap,
            secure,
            own: None,
        });
    }
    let wish = Wish {
        brokers,
        port: OWN_PORT,
        fresh: true,
        secure,
    };
    // One that was left by a run that was cut off has data.
    down(Some(OWN_PORT))?;
    let own = |cluster| Cluster {
        own: Some(OWN_PORT),
        ..cluster
    };
    let done = up(&wish).and_then(|cluster| work(&own(cluster)));
    down(Some(OWN_PORT))?;
    done
}

fn already(wish: &Wish, folder: &Path, running: usize) -> Result<Cluster> {
    let port = wish.port;
    let end = format!("end it first: cargo xtask kafka down --port {port}");
    let has_secure = folder.join("secure/bootstrap").exists();
    ensure!(
        !wish.fresh,
        "Kafka runs at port {port} already; to forget its data, {end}"
    );
    ensure!(
        running == usize::from(wish.brokers) && ready::brokers(port) == Some(running),
        "{running} brokers run at port {port} already, {} wanted; {end}",
        wish.brokers
    );
    ensure!(
        !wish.secure || has_secure,
        "Kafka runs at port {port} without TLS; {end}"
    );
    say(&format!(
        "Kafka runs already: {running} brokers at port {port}"
    ));
    let nodes = nodes(wish, folder);
    let all = nodes.iter().map(|n| format!("127.0.0.1:{}", n.port()));
    Ok(Cluster {
        bootstrap: all.collect::<Vec<_>>().join(","),
        secure: has_secure.then(|| folder.join("secure")),
        own: None,
    })
}

/// Starts those that are down, and waits for all.
fn start(
    (all, down): (&[Node], &[Node]),
    class_path: &str,
    cluster: &str,
    (secure, listens): (&Secure, bool),
) -> Result<()> {
    // A start of Java each: all at once.
    let formats = down
        .iter()
        .map(|n| n.format(class_path, cluster, secure, listens));
    let formats = formats.collect::<Result<Vec<Child>>>()?;
    for (node, child) in down.iter().zip(formats) {
        node.formatted(child)?;
    }
    let answered = down
        .iter()
        .map(|n| n.start(class_path))
        .collect::<Result<Vec<Child>>>()
        .and_then(|mut children| wait(all, down, &mut children));
    if answered.is_err() {
        for node in down {
            node.stop()?;
        }
    }
    answered
}

/// Until every broker knows all of them, or one died.
fn wait(nodes: &[Node], started: &[Node], children: &mut [Child]) -> Result<()> {
    let begun = now();
    loop {
        for (node, child) in started.iter().zip(children.iter_mut()) {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "broker {} ended ({status}):\n{}",
                    node.number,
                    node.tail("broker.log")
                );
            }
        }
        if nodes
            .iter()
            .all(|n| ready::brokers(n.port()) == Some(nodes.len()))
        {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let logs = nodes.iter().map(|n| n.tail("broker.log"));
            bail!(
                "Kafka does not answer after {} s:\n{}",
                PATIENCE.as_secs(),
                logs.collect::<Vec<_>>().join("\n")
            );
        }
        std::thread::sleep(LOOK);
    }
}

/// The cluster's id, made once; its data belongs to as many brokers as wrote it.
fn identity(folder: &Path, brokers: u16) -> Result<String> {
    let file = folder.join("cluster");
    if let Ok(text) = fs::read_to_string(&file) {
        let (id, of) = text
            .split_once(' ')
            .context("target/kafka/…/cluster is damaged")?;
        ensure!(
            of.trim() == brokers.to_string(),
            "the data in {} is that of {} brokers; say --fresh to forget it",
            folder.display(),
            of.trim()
        );
        return Ok(id.to_owned());
    }
    // 22 characters of base64url are 16 bytes; hexadecimal digits are among its letters, and the
    // last one may only carry two bits: A, Q, g or w.
    let id = format!("{}A", &secure::random()?[..21]);
    fs::write(file, format!("{id} {brokers}"))?;
    Ok(id)
}

fn nodes(wish: &Wish, folder: &Path) -> Vec<Node> {
    let node = |number| Node {
        number,
        of: wish.brokers,
        base: wish.port,
        folder: folder.join(format!("broker-{number}")),
    };
    (1..=wish.brokers).map(node).collect()
}

/// The brokers that were ever started in a folder.
fn nodes_in(folder: &Path) -> Vec<Node> {
    let node = |number| Node {
        number,
        of: 3,
        base: 0,
        folder: folder.join(format!("broker-{number}")),
    };
    (1..=3).map(node).filter(|n| n.folder.exists()).collect()
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.is_dir()).collect()
}
