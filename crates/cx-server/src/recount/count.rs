//! In: a log, definitions, a second. Kept: nothing. Out: every number of that second, counted from the
//! log's first record by the slow model, and from where on that proves something.
//! Never knows: engines, panes; what anybody else says of the second.

use super::log::Log;
use super::verdict::Number;
use crate::keyring::Keyring;
use anyhow::{bail, ensure};
use cx_catalog::Catalog;
use cx_catalog::calendar::ReplyTarget;
use cx_catalog::definition::Kpi;
use cx_model::attribute::SlotTable;
use cx_model::control::{Act, Control};
use cx_model::limits::Limits;
use cx_model::record::Record;
use cx_model::reject::Reason;
use cx_model::time::{MINUTE, Timestamp};
use cx_sim::slow::{Cell, Reading, SlowModel};
use serde_json::json;
use std::collections::BTreeMap;

/// What a log is judged by.
pub(crate) struct Meaning {
    pub(crate) kpis: Vec<Kpi>,
    /// Measured by processes, so that no log can give them.
    pub(crate) observed: Vec<Kpi>,
    pub(crate) hash: String,
    limits: Limits,
    reply_targets: BTreeMap<String, ReplyTarget>,
    slots: SlotTable,
    /// KPIs and hashes of all sets that the log may activate, from set 1 on.
    sets: Vec<(Vec<Kpi>, String)>,
}

impl Meaning {
    pub(crate) fn of(catalog: &Catalog) -> Self {
        Self::among(&[catalog], 0)
    }

    /// The one at a place among all sets, for a second at which it is in force.
    pub(crate) fn among(catalogs: &[&Catalog], at: usize) -> Self {
        let catalog = catalogs[at];
        let mut slots = SlotTable::default();
        for catalog in catalogs {
            slots = catalog.compile_after(1, slots).slots;
        }
        let sets = catalogs.iter().map(|c| (c.kpis.clone(), c.hash.clone()));
        Self {
            sets: sets.collect(),
            kpis: catalog.kpis.clone(),
            observed: catalog.observed.clone(),
            hash: catalog.hash.clone(),
            limits: catalog.limits,
            reply_targets: catalog.reply_targets.clone(),
            slots,
        }
    }

    /// As if these definitions had held under every set of the log.
    pub(crate) fn always(catalog: &Catalog, hashes: Vec<String>) -> Self {
        let sets = hashes.into_iter().map(|h| (catalog.kpis.clone(), h));
        Self {
            sets: sets.collect(),
            ..Self::of(catalog)
        }
    }

    fn reading(&self, partitions: u32) -> Reading {
        let hashes: Vec<String> = self.sets.iter().map(|(_, hash)| hash.clone()).collect();
        Reading::new(self.limits, self.slots.clone(), partitions).among(&hashes)
    }

    fn judge(&self, reading: Reading) -> SlowModel<'_> {
        let sets = self.sets.iter().map(|(kpis, _)| &**kpis);
        SlowModel::under(sets.collect(), &self.reply_targets, reading)
    }

    /// The KPI of that name.
    pub(crate) fn kpi(&self, name: &str) -> Option<&Kpi> {
        self.kpis.iter().find(|k| k.kpi == name)
    }
}

/// The most that an attempt may take, ms.
const LONGEST_MS: i64 = 28 * 24 * 60 * MINUTE;

/// Which second, and the offsets it is said to rest on. Without a second: the newest one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) s: Option<i64>,
    pub(crate) offsets: Option<Vec<i64>>,
}

/// How far a recount has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Records are read.
    Reading { read: u64, of: Option<u64> },
    /// Numbers are counted.
    Counting { records: u64 },
}

/// What the log says of one second.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) s: i64,
    /// Number of the set that is in force then.
    pub(crate) set: u32,
    /// By partition, the offset after the last record before the second.
    pub(crate) offsets: Vec<i64>,
    /// By partition, the first offset that was still there.
    pub(crate) from: Vec<i64>,
    pub(crate) records: u64,
    pub(crate) cells: BTreeMap<Cell, Number>,
    /// Records that somebody may have counted are not there to be counted again.
    pub(crate) incomplete: bool,
    /// The set that was activated is another one than these definitions are.
    pub(crate) other_set: Option<String>,
    start: Option<Start>,
}

/// When the log begins, where its true beginning is gone.
#[derive(Debug, Clone, Copy)]
struct Start {
    at: Timestamp,
    /// For how long what happened before may still show: in names of records, and in what is open.
    repeats_ms: i64,
    objects_ms: i64,
}

impl Counted {
    /// Whether the log that is left proves this number.
    pub(crate) fn proves(&self, kpi: &Kpi, cell: &Cell) -> bool {
        let Some(start) = self.start else {
            return true;
        };
        let Some(memory_ms) = start.memory_ms(kpi) else {
            return false;
        };
        let begins = Timestamp::from_second(self.s - cell.1.seconds()).plus(-MINUTE);
        begins >= start.at.plus(memory_ms)
    }

    /// From which second on windows may begin that can be proven, where the log's beginning is gone:
    /// those over records, and those over what is open for longer.
    pub(crate) fn holds_from(&self) -> Option<(Timestamp, Timestamp)> {
        let start = self.start?;
        Some((
            start.at.plus(start.repeats_ms),
            start.at.plus(start.objects_ms),
        ))
    }
}

impl Start {
    /// For how long after the start a number may rest on what is gone; `None`: for ever. Judged by the
    /// words of the definition: a kind that is not known here gets the longer time.
    fn memory_ms(&self, kpi: &Kpi) -> Option<i64> {
        let words = json!([kpi.formula, kpi.filter]).to_string();
        let has = |word: &str| words.contains(word);
        // What a derived one is made of is said by other definitions: nothing is claimed here.
        if has("source.last_event") || has(r#""type":"derived""#) {
            return None;
        }
        let known = has(r#""type":"simple""#) || has(r#""type":"ratio""#);
        if has(r#""agg":"attempts""#) {
            // An attempt that began before may have kept others from beginning.
            return Some(self.objects_ms + 2 * LONGEST_MS);
        }
        let open = has(r#""agg":"count_replies""#)
            || has(r#""agg":"gauge""#)
            || has(r#""agg":"oldest""#)
            || has("fact.");
        Some(if known && !open {
            self.repeats_ms
        } else {
            self.objects_ms
        })
    }
}

/// One log on its way through the slow model.
struct Walk<'w> {
    keys: Option<&'w Keyring>,
    topic: String,
    gaps_are_losses: bool,
    reading: Reading,
    /// By partition, the offsets of its records.
    offsets: Vec<Vec<i64>>,
    next: Vec<i64>,
    records: u64,
    incomplete: bool,
    other_set: Option<String>,
    /// KPIs and hashes of the sets that are known, from set 1 on.
    sets: &'w [(Vec<Kpi>, String)],
    /// By partition, the place of the first record that names another one, and which.
    unknown: Vec<Option<(usize, u32, String)>>,
}

impl Walk<'_> {
    fn take(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let steers = self.steers(record)?;
        if let Some(Ok(control)) = &steers {
            self.judged_by(control, record);
        }
        let partition = record.partition as usize;
        let hole = record.offset > self.next[partition];
        self.incomplete |= hole && self.gaps_are_losses;
        self.next[partition] = record.offset + 1;
        self.offsets[partition].push(record.offset);
        self.records += 1;
        self.reading.record(record, steers);
        Ok(())
    }

    /// Takes note of a set that the log names and that is not known.
    fn judged_by(&mut self, control: &Control, record: &Record<'_>) {
        let (Act::Activate { number, hash, .. } | Act::Restate(number, hash)) = &control.act else {
            return;
        };
        let index = (*number as usize).checked_sub(1);
        let known = index.and_then(|index| self.sets.get(index));
        if known.is_some_and(|(_, ours)| ours == hash) {
            return;
        }
        if *number <= 1 {
            self.other_set.get_or_insert_with(|| hash.clone());
            return;
        }
        let partition = record.partition as usize;
        let place = self.offsets[partition].len();
        self.unknown[partition].get_or_insert_with(|| (place, *number, hash.clone()));
    }

    /// What a control record says, or why it is none; `None` for anything else.
    fn steers(&self, record: &Record<'_>) -> anyhow::Result<Option<Result<Control, Reason>>> {
        if record.control.is_none() {
            return Ok(None);
        }
        let said = match self.keys {
            Some(keys) => keys.read(&self.topic, record)?,
            None => Keyring::on_trust(record),
        };
        Ok(Some(said.map_err(|rejected| rejected.reason)))
    }
}

/// Counts one second of a log. `keys`: `None` takes control records on trust. `tell` hears how far it
/// has come, and can end it.
///
/// # Errors
/// A log that cannot be read or does not hold the second; those of `tell`.
pub(crate) fn count(
    (meaning, keys): (&Meaning, Option<&Keyring>),
    log: &mut dyn Log,
    asked: &Asked,
    tell: &mut dyn FnMut(Step) -> anyhow::Result<()>,
) -> anyhow::Result<Counted> {
    let head = log.head().clone();
    if let Some(offsets) = &asked.offsets {
        ensure!(
            offsets.len() == head.partitions as usize,
            "the second rests on {} partitions, {} has {}",
            offsets.len(),
            head.topic,
            head.partitions
        );
    }
    let reading = meaning.reading(head.partitions);
    let mut walk = Walk {
        keys,
        topic: head.topic.clone(),
        gaps_are_losses: head.gaps_are_losses,
        reading: match asked.s {
            Some(s) => reading.only(s),
            None => reading,
        },
        offsets: vec![Vec::new(); head.partitions as usize],
        next: head.lows.clone(),
        records: 0,
        incomplete: head.lows.iter().any(|low| *low > 0),
        other_set: None,
        sets: &meaning.sets,
        unknown: vec![None; head.partitions as usize],
    };
    let of = head.length;
    log.read(asked.offsets.as_deref(), &mut |record| {
        walk.take(record)?;
        if walk.records.is_multiple_of(1_000) {
            tell(Step::Reading {
                read: walk.records,
                of,
            })?;
        }
        Ok(())
    })?;
    tell(Step::Counting {
        records: walk.records,
    })?;
    let Walk {
        reading,
        offsets,
        records,
        incomplete,
        other_set,
        unknown,
        ..
    } = walk;
    let model = meaning.judge(reading);
    known(&model, asked, &unknown, &offsets)?;
    let s = second(&model, asked, head.partitions)?;
    let rests = rests(&model, s, &offsets, &head.lows);
    if let Some(wanted) = &asked.offsets {
        reached(&rests, wanted, &offsets)?;
    }
    let cells = model.at(s).into_iter();
    Ok(Counted {
        s,
        set: model.set_at(s),
        offsets: rests.into_iter().map(|(next, _)| next).collect(),
        start: start(meaning, &model, &head.lows),
        from: head.lows,
        records,
        cells: cells.map(|(cell, value)| (cell, value.into())).collect(),
        incomplete,
        other_set,
    })
}

/// A second that rests on records after an activation of definitions which nobody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownSet {
    pub(crate) number: u32,
    pub(crate) hash: String,
    /// Partition and offset of the records that name it or a later one, in each partition the first.
    pub(crate) named_at: Vec<(usize, i64)>,
    /// The last second that rests on none of what follows them.
    pub(crate) last: i64,
}

impl std::fmt::Display for UnknownSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.named_at.iter().map(|(p, o)| format!("{p}:{o}"));
        write!(
            f,
            "set {} (hash {}) is not known, which the log names at offsets {}. The proof holds for records before these, so up to second {} (--s {}): of later seconds no number can be proven",
            self.number,
            self.hash.get(..12).unwrap_or(&self.hash),
            at.collect::<Vec<_>>().join(" "),
            self.last,
            self.last
        )
    }
}

impl std::error::Error for UnknownSet {}

/// The second must rest on nothing that a set may judge which is not known.
fn known(
    model: &SlowModel<'_>,
    asked: &Asked,
    unknown: &[Option<(usize, u32, String)>],
    offsets: &[Vec<i64>],
) -> Result<(), UnknownSet> {
    let all = unknown.iter().enumerate();
    let all: Vec<(usize, &(usize, u32, String))> = all
        .filter_map(|(partition, one)| Some((partition, one.as_ref()?)))
        .collect();
    let seconds = all
        .iter()
        .map(|(partition, (place, ..))| model.records(*partition)[*place].log_time.second());
    let first = all.iter().min_by_key(|(_, (_, number, _))| *number);
    let (Some(last), Some((_, (_, number, hash)))) = (seconds.min(), first) else {
        return Ok(());
    };
    if asked.s.is_some_and(|s| s <= last) {
        return Ok(());
    }
    let named_at = all.iter().map(|(p, (place, ..))| (*p, offsets[*p][*place]));
    Err(UnknownSet {
        number: *number,
        hash: hash.clone(),
        named_at: named_at.collect(),
        last,
    })
}

/// The second that is asked for, or the newest one that all partitions have passed.
fn second(model: &SlowModel<'_>, asked: &Asked, partitions: u32) -> anyhow::Result<i64> {
    let (mut begins, mut ends) = (i64::MIN, i64::MAX);
    for partition in 0..partitions as usize {
        let records = model.records(partition);
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            bail!("nothing is sealed: partition {partition} has no record");
        };
        begins = begins.max(first.log_time.second());
        ends = ends.min(last.log_time.second());
    }
    ensure!(
        begins <= ends,
        "nothing is sealed: one partition begins at second {begins}, another ends at {ends}"
    );
    let s = asked.s.unwrap_or(ends);
    ensure!(
        s >= begins && (s <= ends || asked.offsets.is_some()),
        "second {s} is not sealed: the log's seconds are {begins} to {ends}"
    );
    Ok(s)
}

/// By partition, the offset after the last record before the second, and whether a later one passes it.
fn rests(model: &SlowModel<'_>, s: i64, offsets: &[Vec<i64>], lows: &[i64]) -> Vec<(i64, bool)> {
    let one = |(partition, (offsets, low)): (usize, (&Vec<i64>, &i64))| {
        let records = model.records(partition);
        let passing = records
            .iter()
            .position(|r| r.log_time >= Timestamp::from_second(s));
        let before = &offsets[..passing.unwrap_or(offsets.len())];
        (
            before.last().map_or(*low, |last| last + 1),
            passing.is_some(),
        )
    };
    offsets.iter().zip(lows).enumerate().map(one).collect()
}

/// The log must hold what the second is said to rest on; whether it really does is another question.
fn reached(rests: &[(i64, bool)], wanted: &[i64], offsets: &[Vec<i64>]) -> anyhow::Result<()> {
    for (partition, ((next, passed), wanted)) in rests.iter().zip(wanted).enumerate() {
        let read = offsets[partition].last().is_some_and(|last| last >= wanted);
        ensure!(
            *passed || read,
            "partition {partition}: the log ends at offset {next}, before the record at {wanted} that ends the second"
        );
    }
    Ok(())
}

fn start(meaning: &Meaning, model: &SlowModel<'_>, lows: &[i64]) -> Option<Start> {
    let gone = lows.iter().enumerate().filter(|(_, low)| **low > 0);
    let first = gone.filter_map(|(partition, _)| model.records(partition).first());
    let at = first.map(|r| r.log_time).max()?;
    let limits = meaning.limits;
    // What is gone may have been stamped ahead, and then it is remembered for longer.
    let repeats_ms = limits.future_ms + limits.clamp_ms + (limits.repeat_minutes + 1) * MINUTE;
    // What was asked before is due no later than what could be asked last.
    let last = at.plus(limits.future_ms);
    let due = meaning.reply_targets.values().filter_map(|t| t.due(last));
    let target = due.max().map_or(0, |due| due.since(at));
    let objects_ms = limits.contact_open_ms + target;
    Some(Start {
        at,
        repeats_ms,
        objects_ms: repeats_ms + objects_ms,
    })
}
