//! In: that somebody pressed the seal. Kept: how the last recount goes or went. Out: it, run beside
//! everything else on a thread of its own, one at a time. Never knows: HTTP, how a log is counted.

use crate::common::Common;
use crate::recount::count::{Asked, Meaning, Step, count};
use crate::recount::kafka::Kafka;
use crate::recount::log::Log;
use crate::recount::told::{begins, score};
use crate::recount::verdict::{Told, Verdict, verdict};
use anyhow::ensure;
use cx_catalog::compiled::Compiled;
use cx_engine::Rollup;
use cx_gateway::{NoRecount, Recount, Score};
use cx_model::value::Sealed;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// What one record takes at most while it is counted, bytes; most of them take far less.
const RECORD_BYTES: u64 = 3_000;

/// The recounts of one house.
pub(crate) struct Recounts {
    common: Arc<Common>,
    rollup: Arc<Mutex<Rollup>>,
    held: Arc<Mutex<Held>>,
}

/// The last recount.
struct Held {
    running: bool,
    told: Recount,
}

impl Recounts {
    pub(crate) fn new(common: &Arc<Common>, rollup: &Arc<Mutex<Rollup>>) -> Self {
        let words = "Nobody has recounted the log since this server began.";
        let held = Held {
            running: false,
            told: told("none", words.to_owned(), None),
        };
        Self {
            common: Arc::clone(common),
            rollup: Arc::clone(rollup),
            held: Arc::new(Mutex::new(held)),
        }
    }

    fn job(&self, (set, sealed): (Arc<Compiled>, Sealed)) -> Job {
        Job {
            meaning: self.common.sets.meaning(set.number),
            set,
            common: Arc::clone(&self.common),
            held: Arc::clone(&self.held),
            sealed,
        }
    }
}

impl cx_gateway::Recounts for Recounts {
    fn last(&self) -> Recount {
        self.held.lock().expect("no holder panics").told.clone()
    }

    fn begin(&self) -> Result<Recount, NoRecount> {
        let newest = {
            let rollup = self.rollup.lock().expect("no holder panics");
            let newest = rollup.newest().cloned();
            newest.map(|sealed| (Arc::clone(rollup.set()), sealed))
        };
        let not_yet = |why: &str| NoRecount::NotYet(why.to_owned());
        let sealed = newest.ok_or_else(|| not_yet("nothing is sealed yet; see /readyz"))?;
        let mut held = self.held.lock().expect("no holder panics");
        if held.running {
            return Err(NoRecount::Running);
        }
        let words = "Reading the log from its first record.";
        let begun = told("reading", words.to_owned(), Some(&sealed.1));
        let job = self.job(sealed);
        let thread = std::thread::Builder::new().name("recount".to_owned());
        let spawned = thread.spawn(move || job.run());
        spawned.map_err(|e| not_yet(&format!("no thread to count on: {e}")))?;
        held.running = true;
        held.told = begun.clone();
        Ok(begun)
    }
}

/// One recount.
struct Job {
    common: Arc<Common>,
    meaning: Meaning,
    /// The set of the second.
    set: Arc<Compiled>,
    held: Arc<Mutex<Held>>,
    sealed: Sealed,
}

impl Job {
    fn run(self) {
        let end = self.compared().unwrap_or_else(|error| {
            let words = format!("The log could not be recounted: {error:#}.");
            told("unsaid", words, Some(&self.sealed))
        });
        let mut held = self.held.lock().expect("no holder panics");
        held.told = end;
        held.running = false;
    }

    fn compared(&self) -> anyhow::Result<Recount> {
        let common = &self.common;
        let mut log = log(common)?;
        let theirs = self.theirs();
        let asked = Asked {
            s: Some(theirs.s),
            offsets: Some(theirs.offsets.clone()),
        };
        let keys = Some(&common.secrets.keys);
        let counted = count((&self.meaning, keys), &mut *log, &asked, &mut |step| {
            ensure!(!common.stop.load(Ordering::Relaxed), "the server stops");
            self.tell(step);
            Ok(())
        })?;
        let verdict = verdict(&self.meaning, &theirs, &counted);
        let mut words = format!(
            "Recounted {} records from {}: {}.",
            counted.records,
            begins(&counted.from),
            score(&verdict)
        );
        if let (true, Some((records, _))) = (verdict.proves_nothing(), counted.holds_from()) {
            words += &format!(
                " The log's beginning is gone: windows can be proven that begin after {}.",
                records.to_rfc3339()
            );
        }
        let difference = verdict.differences().next().map(|d| d.words(&self.meaning));
        if let Some(difference) = &difference {
            words += &format!(" First difference: {difference}.");
        }
        let state = state(&verdict);
        Ok(Recount {
            records: counted.records,
            of: Some(counted.records),
            score: Some(Score {
                numbers: verdict.numbers,
                equal: verdict.equal,
                not_provable: verdict.unproven,
            }),
            difference,
            ..told(state, words, Some(&self.sealed))
        })
    }

    /// What the house says of the second.
    fn theirs(&self) -> Told {
        let cells = &self.set.cells;
        let named = cells
            .iter()
            .zip(self.sealed.values.iter())
            .map(|(cell, value)| {
                let key = &cell.key;
                let name = (key.kpi.to_string(), key.window, key.dims.clone());
                (name, (*value).into())
            });
        let definitions = cells
            .iter()
            .map(|c| (c.key.kpi.to_string(), c.key.definition.to_string()));
        Told {
            s: self.sealed.s,
            offsets: self.sealed.offsets.to_vec(),
            cells: named.collect(),
            definitions: definitions.collect(),
        }
    }

    fn tell(&self, step: Step) {
        let mut held = self.held.lock().expect("no holder panics");
        let told = &mut held.told;
        match step {
            Step::Reading { read, of } => {
                (told.records, told.of) = (read, of);
                let of = of.map_or_else(String::new, |of| format!(" of {of}"));
                told.words = format!("Reading the log: {read}{of} records.");
            }
            Step::Counting { records } => {
                (told.state, told.records) = ("counting", records);
                let numbers = self.set.cells.len();
                told.words = format!("Counting {numbers} numbers over {records} records.");
            }
        }
    }
}

/// The log as anybody can read it; as the engines heard it, where the broker does not keep it.
///
/// # Errors
/// It cannot be read, or counting it would take more memory than there is.
pub(crate) fn log(common: &Common) -> anyhow::Result<Box<dyn Log>> {
    let topic = &common.topics.interactions;
    let log: Box<dyn Log> = match &common.tape {
        Some(tape) => Box::new(tape.log()),
        None => Box::new(Kafka::open(&common.settings, topic, false)?),
    };
    let length = log.head().length.unwrap_or(0);
    let (used, most) = common.memory.used();
    let free = most.saturating_sub(used) / 2;
    ensure!(
        length.saturating_mul(RECORD_BYTES) <= free,
        "it holds {length} records, more than this server has memory for; run watchfloor recount on another machine"
    );
    Ok(log)
}

fn state(verdict: &Verdict) -> &'static str {
    if verdict.differences().next().is_some() {
        "differs"
    } else if verdict.proves_nothing() {
        "unsaid"
    } else {
        "agrees"
    }
}

fn told(state: &'static str, words: String, sealed: Option<&Sealed>) -> Recount {
    let offsets = sealed.map(|s| s.offsets.iter().copied().enumerate().collect());
    Recount {
        state,
        words,
        s: sealed.map(|s| s.s),
        offsets: offsets.unwrap_or_default(),
        records: 0,
        of: None,
        score: None,
        difference: None,
    }
}
