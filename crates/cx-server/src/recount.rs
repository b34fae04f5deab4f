//! In: a log and definitions, an address. Kept: nothing. Out: every number of one second as the log has
//! it, and the first that a running house says otherwise. Never knows: engines.

pub(crate) mod count;
mod door;
pub(crate) mod dump;
pub(crate) mod kafka;
pub(crate) mod log;
pub(crate) mod told;
pub(crate) mod verdict;

use crate::check::{complain, say};
use crate::common::Topics;
use crate::config::Config;
use crate::definitions;
use crate::get::House;
use crate::secrets;
use crate::token;
use anyhow::{Context as _, bail, ensure};
use count::{Asked, Meaning, Step, UnknownSet, count};
use cx_catalog::{Catalog, load_texts};
use dump::{Dump, Writer};
use indicatif::{ProgressBar, ProgressStyle};
use kafka::Kafka;
use log::{Head, Log, Take};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use told::Report;
use verdict::{Told, verdict};

/// The shipped settings, where nothing else is said.
const SETTINGS: &str = "deploy/watchfloor.yaml";

/// How a recount ended, as an exit code says it.
pub(crate) const EQUAL: u8 = 0;
pub(crate) const DIFFERS: u8 = 1;
pub(crate) const UNSAID: u8 = 2;

/// What `watchfloor recount` was told.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// `HOST:PORT` of a broker, or a file.
    pub(crate) from: String,
    /// Folder of definitions.
    pub(crate) catalog: PathBuf,
    /// A running house.
    pub(crate) against: Option<String>,
    /// Holds an API key for it.
    pub(crate) token_file: Option<PathBuf>,
    /// Settings of the installation: prefix, TLS, SASL.
    pub(crate) config: Option<PathBuf>,
    pub(crate) prefix: Option<String>,
    pub(crate) s: Option<i64>,
    /// `P:NEXT,…`
    pub(crate) offsets: Option<String>,
    /// The installation's folder: its keys.
    pub(crate) data: Option<PathBuf>,
    /// Of a file that does not say it.
    pub(crate) partitions: Option<u32>,
    /// Write what is read there.
    pub(crate) dump: Option<PathBuf>,
    pub(crate) json: bool,
}

/// Recounts and prints; the exit code.
pub(crate) fn run(options: &Options) -> u8 {
    match recount(options) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("watchfloor recount: {error:#}"));
            let unknown = error.downcast_ref::<UnknownSet>().is_some();
            if unknown { DIFFERS } else { UNSAID }
        }
    }
}

fn recount(options: &Options) -> anyhow::Result<u8> {
    let catalog = cx_catalog::load(&options.catalog);
    let catalog = catalog.map_err(|faults| {
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", texts.join("\n\n"))
    })?;
    let keys = options.data.as_deref().map(secrets::found).transpose()?;
    let against = options.against.as_deref();
    let told = match against {
        Some(url) => {
            let token = token::read(options.token_file.as_deref())?;
            Some(door::told(&House::at(url, token), options.s)?)
        }
        None => None,
    };
    let mut log = opened(options)?;
    let (sets, why) = sets(catalog, &log.head().definitions, options);
    let sets: Vec<&Catalog> = sets.iter().collect();
    let meaning = Meaning::among(&sets, 0);
    let asked = match &told {
        Some(told) => Asked {
            s: Some(told.s),
            offsets: Some(told.offsets.clone()),
        },
        None => Asked {
            s: options.s,
            offsets: offsets(options, log.head())?,
        },
    };
    let bar = Bar::new();
    let counted = count((&meaning, keys.as_ref()), &mut *log, &asked, &mut |step| {
        bar.tell(step);
        Ok(())
    });
    bar.end();
    let counted = counted.map_err(|error| match error.downcast::<UnknownSet>() {
        Ok(unknown) => anyhow::Error::new(unknown).context(why),
        Err(error) => error,
    })?;
    // The second is told in the words of the set that was in force then.
    let meaning = Meaning::among(&sets, counted.set as usize - 1);
    if let Some(told) = &told {
        same_set(told, &sets, counted.set)?;
    }
    // Offsets that were only written down are compared as a house's would be.
    let differs = told.is_none() && asked.offsets.is_some_and(|o| o != counted.offsets);
    let compared = told.map(|told| (verdict(&meaning, &told, &counted), told));
    let report = Report {
        meaning: &meaning,
        counted: &counted,
        against: compared.as_ref().map(|(verdict, told)| (told, verdict)),
        signed: keys.is_some(),
    };
    let ok = report.ok();
    if options.json {
        say(&report.json().to_string());
    } else {
        say(&report.text());
    }
    if differs {
        complain(&format!(
            "the second rests on offsets {}, not on those that were given",
            verdict::vector(&counted.offsets)
        ));
    }
    let nothing = compared.is_some_and(|(verdict, _)| verdict.proves_nothing());
    Ok(match (ok && !differs, nothing) {
        (true, _) => EQUAL,
        (false, true) => UNSAID,
        (false, false) => DIFFERS,
    })
}

/// Definitions of all sets that were written down, from set 1 on, where the folder's are one of them; else
/// the folder's alone. And why there are no more.
fn sets(files: Catalog, written: &[Value], options: &Options) -> (Vec<Catalog>, String) {
    let folder = options.catalog.display();
    let (mut sets, mut why) = (Vec::new(), String::new());
    for (number, set) in (1_u64..).zip(written) {
        let read = if set["set"] != number {
            Err(anyhow::anyhow!("it is missing"))
        } else if set["hash"] == *files.hash
            && let Ok(again) = load_texts(&files.texts)
        {
            Ok(again)
        } else {
            definitions::later(set).map(|(catalog, _)| catalog)
        };
        match read {
            Ok(catalog) => sets.push(catalog),
            Err(error) => {
                why = format!("set {number} of cx.definitions: {error:#}");
                break;
            }
        }
    }
    if sets.iter().any(|set| set.hash == files.hash) {
        let all = sets.len();
        let why = if why.is_empty() {
            format!("cx.definitions holds {all} sets")
        } else {
            why
        };
        return (sets, why);
    }
    let why = match written.len() {
        0 => format!("only the definitions in {folder} are known"),
        all => format!("the definitions in {folder} are none of the {all} sets in cx.definitions"),
    };
    (vec![files], why)
}

/// A house lists the definitions of the set that it shows, of which an older second tells nothing: that is
/// no difference.
fn same_set(told: &Told, sets: &[&Catalog], set: u32) -> anyhow::Result<()> {
    let lists = |catalog: &&&Catalog| {
        let hashes = catalog.kpis.iter();
        let hashes = hashes.map(|k| (k.kpi.clone(), k.hash.clone()));
        hashes.collect::<BTreeMap<_, _>>() == told.definitions
    };
    let listed = sets.iter().rposition(|catalog| lists(&catalog));
    if let Some(listed) = listed.filter(|listed| listed + 1 != set as usize)
        && !lists(&&sets[set as usize - 1])
    {
        bail!(
            "second {} was judged by set {set}, Watchfloor tells the numbers of set {} by now: ask for a later second",
            told.s,
            listed + 1
        );
    }
    Ok(())
}

/// The log, and a copy of what is read of it where one is asked for.
fn opened(options: &Options) -> anyhow::Result<Box<dyn Log>> {
    let log: Box<dyn Log> = if Path::new(&options.from).is_file() {
        Box::new(Dump::open(Path::new(&options.from), options.partitions)?)
    } else {
        let port = options.from.rsplit_once(':');
        let broker = port.is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        ensure!(
            broker,
            "{}: no such file, and no host:port of a broker",
            options.from
        );
        let config = settings(options)?;
        let topics = Topics::new(&config.kafka.prefix);
        let client = config.kafka.client()?;
        let kafka = Kafka::open(&client, &topics.interactions, false)?;
        // A log may stand alone: then the folder's definitions are all that is known.
        let sets = definitions::read(&client, &topics.definitions).unwrap_or_else(|error| {
            complain(&format!("watchfloor recount: later sets: {error:#}"));
            BTreeMap::new()
        });
        Box::new(kafka.judged_by(sets.into_values().collect()))
    };
    Ok(match &options.dump {
        None => log,
        Some(path) => Box::new(Copied {
            path: path.clone(),
            log,
        }),
    })
}

fn settings(options: &Options) -> anyhow::Result<Config> {
    let shipped = Path::new(SETTINGS);
    let file = match &options.config {
        Some(file) => Some(file.as_path()),
        None => shipped.is_file().then_some(shipped),
    };
    let mut config = match file {
        Some(file) => Config::load(file)?,
        None => Config::of_environment(&options.from)?,
    };
    config.kafka.bootstrap.clone_from(&options.from);
    if let Some(prefix) = &options.prefix {
        config.kafka.prefix.clone_from(prefix);
    }
    Ok(config)
}

/// `--offsets`, which name every partition.
fn offsets(options: &Options, head: &Head) -> anyhow::Result<Option<Vec<i64>>> {
    let Some(text) = &options.offsets else {
        return Ok(None);
    };
    ensure!(options.s.is_some(), "--offsets goes with --s");
    let mut all = vec![None; head.partitions as usize];
    for pair in text.split([',', ' ']).filter(|pair| !pair.is_empty()) {
        let pair = pair.split_once(':');
        let read = pair.and_then(|(p, next)| Some((p.parse::<usize>().ok()?, next.parse().ok()?)));
        let slot = read.and_then(|(p, next)| Some((all.get_mut(p)?, next)));
        let (slot, next) = slot.with_context(|| {
            format!(
                "--offsets {text:?}: write partition:offset,… for each of {} partitions",
                head.partitions
            )
        })?;
        *slot = Some(next);
    }
    let all: Option<Vec<i64>> = all.into_iter().collect();
    let missing = || format!("--offsets must name all {} partitions", head.partitions);
    all.with_context(missing).map(Some)
}

/// A log that is written to a file while it is read.
struct Copied {
    log: Box<dyn Log>,
    path: PathBuf,
}

impl Log for Copied {
    fn head(&self) -> &Head {
        self.log.head()
    }

    fn read(&mut self, until: Option<&[i64]>, take: Take<'_>) -> anyhow::Result<()> {
        let mut writer = Writer::begin(&self.path, self.log.head())?;
        self.log.read(until, &mut |record| {
            writer.record(record)?;
            take(record)
        })?;
        writer.end()
    }
}

/// How far it is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let shown = std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{spinner} {msg} {human_pos} {wide_bar} {eta}");
        bar.set_style(style.expect("a template of ours"));
        Self(bar)
    }

    fn tell(&self, step: Step) {
        match step {
            Step::Reading { read, of } => {
                self.0.set_message("reading records");
                if let Some(of) = of {
                    self.0.set_length(of);
                }
                self.0.set_position(read);
            }
            Step::Counting { records } => {
                self.0.set_message("counting over records");
                self.0.set_position(records);
            }
        }
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
