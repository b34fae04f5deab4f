//! In: a command line. Kept: nothing. Out: one command, run. Never knows: how a command works.

use crate::config::Config;
use crate::{check, deeds, demo, due, get, key, recount, send, serve, token, topics, user, watch};
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The customer-experience command center: one number, one meaning, on every screen, now, and
/// provably right.
#[derive(Parser)]
#[command(name = "watchfloor", version)]
pub struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read the log of an Apache Kafka cluster and serve boards, API and wall.
    Serve {
        #[command(flatten)]
        config: Configured,
        /// End after this long (30s, 5m) and print the accounting; without it, run until Ctrl-C.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        bound: Option<Duration>,
        /// End with one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run everything in one process: an in-memory broker, a simulated company, engine and wall.
    Demo(Demo),
    /// Check a folder of definitions and run their examples, without starting anything.
    Check {
        /// Folder with kpis/, boards/, sources/, calendars/ and channels.yaml.
        dir: PathBuf,
        #[command(flatten)]
        asked: due::Asked,
    },
    /// Send events: a file with one CloudEvent a line, or - for standard input.
    Send {
        /// The file, or -.
        file: PathBuf,
        #[command(flatten)]
        config: Configured,
        /// End with one line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a board as it changes, each update verified by its digest.
    Watch {
        /// The board, e.g. care.
        board: String,
        #[command(flatten)]
        house: Asked,
        /// End after this long (30s, 5m); without it, run until Ctrl-C.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        bound: Option<Duration>,
    },
    /// Ask a running house for one thing.
    Get {
        /// What kind of thing.
        what: get::What,
        /// Its name; without one, all of them.
        name: Option<String>,
        #[command(flatten)]
        of: get::Of,
        #[command(flatten)]
        house: Asked,
    },
    #[command(flatten)]
    Deed(deeds::Deed),
    /// Prove the numbers: count a log again from its first record, not by the engine but by a slow model
    /// without running sums, and compare with a running house. Exit code 0 equal or done, 1 differs, 2
    /// wrong usage or it cannot be said.
    Recount(Recount),
    /// Who may come in where access is closed.
    User {
        #[command(subcommand)]
        what: user::User,
        #[command(flatten)]
        at: Folder,
    },
    /// API keys of programs.
    Key {
        #[command(subcommand)]
        what: key::Keys,
        #[command(flatten)]
        at: Folder,
    },
    /// Make or check the Kafka topics of an installation.
    Topics {
        #[command(subcommand)]
        what: Topics,
    },
}

#[derive(Subcommand)]
enum Topics {
    /// Make the topics that are missing, then check all.
    Create(TopicsLine),
    /// Say everything about the topics that is not as it must be; change nothing.
    Check(TopicsLine),
}

#[derive(Args)]
struct TopicsLine {
    #[command(flatten)]
    config: Configured,
    /// Topics for a replayed history: records keep their writer's time and are kept for ever.
    #[arg(long)]
    history: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Configured {
    /// The installation's settings; every one also as WATCHFLOOR_….
    #[arg(
        long,
        global = true,
        default_value = "deploy/watchfloor.yaml",
        env = "WATCHFLOOR_CONFIG"
    )]
    config: PathBuf,
}

#[derive(Args)]
struct Folder {
    #[command(flatten)]
    config: Configured,
    /// The installation's folder; then the settings, which name it, are not read.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Which house, and how it is told.
#[derive(Args)]
pub(crate) struct Asked {
    /// Address of the house.
    #[arg(long, default_value = "http://127.0.0.1:7700", env = "WATCHFLOOR_URL")]
    pub(crate) url: String,
    /// A file with an API key, where access to the house is closed.
    #[arg(long, value_name = "FILE", env = "WATCHFLOOR_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
struct Recount {
    /// The log: a Kafka broker, or a file that --dump wrote.
    #[arg(long, value_name = "HOST:PORT|FILE")]
    from: String,
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog", env = "WATCHFLOOR_CATALOG")]
    catalog: PathBuf,
    /// Compare with this running house, at the sealed second that it answers with.
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// A file with an API key, where access to that house is closed.
    #[arg(long, value_name = "FILE", env = "WATCHFLOOR_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The installation's settings: prefix, TLS, SASL; without it deploy/watchfloor.yaml if there is one.
    #[arg(long, env = "WATCHFLOOR_CONFIG")]
    config: Option<PathBuf>,
    /// What stands before the topics' names; over the settings.
    #[arg(long)]
    prefix: Option<String>,
    /// The sealed second; without it, the newest one.
    #[arg(long, value_name = "SECOND")]
    s: Option<i64>,
    /// The offsets that the second must rest on, for every partition; with --s.
    #[arg(
        long,
        value_name = "P:NEXT,…",
        requires = "s",
        conflicts_with = "against"
    )]
    offsets: Option<String>,
    /// The installation's folder: with its keys signatures of control records are checked; without
    /// them they are taken on trust.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Partitions of the topic, for a file that does not say it.
    #[arg(long)]
    partitions: Option<u32>,
    /// Write the records there that are read.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Demo {
    /// Where to listen; loopback only, port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:7700", env = "WATCHFLOOR_ADDRESS")]
    address: SocketAddr,
    /// Folder of definitions.
    #[arg(long, default_value = "deploy/catalog", env = "WATCHFLOOR_CATALOG")]
    catalog: PathBuf,
    /// An Apache Kafka cluster (host:port) instead of the in-memory broker; the demo makes topics
    /// of its own there and removes them at its end.
    #[arg(long, value_name = "BOOTSTRAP")]
    kafka: Option<String>,
    /// End after this long (30s, 5m) and print the accounting; without it, run until Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    bound: Option<Duration>,
    /// Mean events per second of the simulated company.
    #[arg(long, default_value_t = 40.0, value_parser = rate)]
    rate: f64,
    /// People the company knows.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..=5_000_000))]
    customers: u32,
    /// Same seed, same company.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What happens: payments fail sixty seconds after the start, or nothing special.
    #[arg(long, value_parser = ["payments", "calm"], default_value = "payments")]
    story: String,
    /// Minutes of history folded before the wall opens.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(i64).range(1..=170))]
    history: i64,
    /// Ask everybody who they are: the people and keys of this folder may come in (user add --data DIR).
    #[arg(long, value_name = "DIR")]
    closed: Option<PathBuf>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Line {
    /// Runs the command; the exit code: 0 done, 1 failed or differs, 2 it cannot be said.
    ///
    /// # Errors
    /// Whatever keeps the command from being carried out.
    pub fn run(self) -> anyhow::Result<u8> {
        let done = match self.command {
            Command::Serve {
                config,
                bound,
                json,
            } => serve::run(&config.load()?, bound, json),
            Command::Demo(demo) => demo::run(&demo.options()),
            Command::Check { dir, asked } => match asked.name() {
                Some(name) => due::run(&dir, name, &asked),
                None => check::run(&dir),
            },
            Command::Send { file, config, json } => send::run(&config.load()?, &file, json),
            Command::Watch {
                board,
                house,
                bound,
            } => watch::run((&house.url, house.token()?), &board, bound, house.json),
            Command::Get {
                what,
                name,
                of,
                house,
            } => get::run(&house.at()?, what, name.as_deref(), &of, house.json),
            Command::Deed(deed) => deeds::run(deed),
            Command::User { what, at } => user::run(what, &at.data()?),
            Command::Key { what, at } => key::run(what, &at.data()?),
            Command::Recount(line) => return Ok(recount::run(&line.options())),
            Command::Topics {
                what: Topics::Create(line),
            } => topics::create(&line.load()?, line.json),
            Command::Topics {
                what: Topics::Check(line),
            } => topics::check(&line.load()?, line.json),
        };
        done.map(|good| u8::from(!good))
    }
}

impl Configured {
    fn load(&self) -> anyhow::Result<Config> {
        Config::load(&self.config)
    }
}

impl Folder {
    fn data(self) -> anyhow::Result<PathBuf> {
        let of_settings = || Ok(self.config.load()?.data);
        self.data.map_or_else(of_settings, Ok)
    }
}

impl Asked {
    fn token(&self) -> anyhow::Result<Option<String>> {
        token::read(self.token_file.as_deref())
    }

    pub(crate) fn at(&self) -> anyhow::Result<get::House<'_>> {
        Ok(get::House::at(&self.url, self.token()?))
    }
}

impl TopicsLine {
    fn load(&self) -> anyhow::Result<Config> {
        let mut config = self.config.load()?;
        config.kafka.history |= self.history;
        Ok(config)
    }
}

impl Recount {
    fn options(self) -> recount::Options {
        recount::Options {
            from: self.from,
            catalog: self.catalog,
            against: self.against,
            token_file: self.token_file,
            config: self.config,
            prefix: self.prefix,
            s: self.s,
            offsets: self.offsets,
            data: self.data,
            partitions: self.partitions,
            dump: self.dump,
            json: self.json,
        }
    }
}

impl Demo {
    fn options(self) -> demo::Options {
        demo::Options {
            address: self.address,
            catalog: self.catalog,
            kafka: self.kafka,
            bound: self.bound,
            rate: self.rate,
            customers: self.customers,
            seed: self.seed,
            incident: self.story == "payments",
            history_minutes: self.history,
            closed: self.closed,
            json: self.json,
        }
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_alphabetic()).len());
    let n: u64 = number
        .parse()
        .map_err(|_| "write a number and a unit, e.g. 30s or 5m".to_owned())?;
    match unit {
        "s" | "" => Ok(Duration::from_secs(n)),
        "m" => Ok(Duration::from_secs(n * 60)),
        "h" => Ok(Duration::from_secs(n * 3_600)),
        _ => Err(format!("unknown unit {unit:?}: write s, m or h")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if (0.1..=5_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("between 0.1 and 5000".to_owned())
    }
}
