//! In: a folder of definitions. Kept: nothing. Out: a checked [`Catalog`], or all its faults.
//! Never knows: how numbers are counted.

use crate::board::{self, RawBoard};
use crate::calendar::{self, Calendars, ReplyTarget};
use crate::check::{self, Declared, sha256};
use crate::definition::Kpi;
use crate::derived::{Said, Tying};
use crate::diagnostic::{Diagnostic, Page};
use crate::form::Form;
use crate::limits::{self, RawLimits};
use crate::raw::{CHANNELS, RawChannels, RawSource, SOURCE, Source};
use cx_model::limits::Limits;
use cx_model::window::Window;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The meaning of the fold itself; a new one is a new set.
pub const FOLD_VERSION: u32 = 6;

/// Longest target of a reply, seconds.
const REPLY_TARGET_S: u32 = 2_592_000;
/// Largest definition file, bytes.
const FILE_BYTES: u64 = 256 * 1024;
/// Most calendars whose business days are counted.
const DAYS: usize = 8;
/// Most files of one kind.
const FILES: usize = 2_000;

/// All definitions of one installation, checked.
#[derive(Debug)]
pub struct Catalog {
    /// KPIs counted from the log, by technical name, ascending.
    pub kpis: Vec<Kpi>,
    /// KPIs measured by processes, by technical name, ascending.
    pub observed: Vec<Kpi>,
    /// Registered channels.
    pub channels: Vec<String>,
    /// By channel, how soon a customer's message should be answered.
    pub reply_targets: BTreeMap<String, ReplyTarget>,
    /// Business hours and days by name.
    pub calendars: Calendars,
    /// Declared sources by name, ascending.
    pub sources: Vec<Source>,
    /// Bounds.
    pub limits: Limits,
    /// SHA-256 over limits, fold version, channels with targets, sources, calendars and KPI hashes, 64 hex digits.
    pub hash: String,
    /// All its files by name below the folder, to the letter: it can be read again from them.
    pub texts: BTreeMap<String, String>,
    /// What is worth knowing and stops nothing, e.g. a window that has no effect yet.
    pub notes: Vec<Diagnostic>,
    pub(crate) boards: Vec<RawBoard>,
}

/// Reads and checks `channels.yaml`, `limits.yaml` and `calendars/` (if there are any), `sources/`, `kpis/` and `boards/` of a folder.
///
/// # Errors
/// Every fault of every file.
pub fn load(dir: &Path) -> Result<Catalog, Vec<Diagnostic>> {
    read(dir, None)
}

/// As [`load`], from the texts of a catalogue's files.
///
/// # Errors
/// As [`load`].
pub fn load_texts(texts: &BTreeMap<String, String>) -> Result<Catalog, Vec<Diagnostic>> {
    read(Path::new(""), Some(texts))
}

fn read(dir: &Path, kept: Option<&BTreeMap<String, String>>) -> Result<Catalog, Vec<Diagnostic>> {
    let mut reader = Reader {
        dir,
        kept,
        texts: BTreeMap::new(),
        faults: Vec::new(),
        notes: Vec::new(),
    };
    let limits = reader.limits();
    let calendars = reader.calendars();
    let (channels, reply_targets) = reader.channels(&calendars);
    let sources = reader.sources();
    let declared = Declared {
        channels: channels.clone(),
        sources: sources.iter().map(|s| s.source.clone()).collect(),
        calendars,
    };
    let (all, refused) = reader.kpis(&declared);
    let (observed, kpis): (Vec<Kpi>, Vec<Kpi>) =
        all.into_iter().partition(|k| check::observed(&k.formula));
    let boards = reader.boards(&kpis, &refused, &sources);
    reader.days(&kpis);
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    let hashes: Vec<&str> = kpis
        .iter()
        .chain(&observed)
        .map(|k| k.hash.as_str())
        .collect();
    let all = serde_json::to_vec(&(
        limits,
        FOLD_VERSION,
        &channels,
        &reply_targets,
        &sources,
        &declared.calendars,
        hashes,
    ));
    Ok(Catalog {
        hash: sha256(&all.expect("a catalogue is plain data")),
        kpis,
        observed,
        channels,
        reply_targets,
        calendars: declared.calendars,
        sources,
        limits,
        texts: reader.texts,
        notes: reader.notes,
        boards,
    })
}

struct Reader<'r> {
    dir: &'r Path,
    /// Texts to read instead of files, by name below the folder.
    kept: Option<&'r BTreeMap<String, String>>,
    /// Those that were read.
    texts: BTreeMap<String, String>,
    faults: Vec<Diagnostic>,
    notes: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn limits(&mut self) -> Limits {
        let file = self.dir.join("limits.yaml");
        let mut all = Limits::default();
        let there = match self.kept {
            Some(kept) => kept.contains_key("limits.yaml"),
            None => file.exists(),
        };
        if there {
            self.one(&file, &limits::FORM, |raw: RawLimits, page| {
                all = limits::limits(&raw, page);
            });
        }
        all
    }

    fn calendars(&mut self) -> Calendars {
        let mut all = Calendars::new();
        if self.kept.is_none() && !self.dir.join("calendars").exists() {
            return all;
        }
        for file in self.files("calendars") {
            self.one(&file, &calendar::FORM, |raw, page| {
                let Some(found) = calendar::read(&raw, page) else {
                    return;
                };
                if all.contains_key(&found.calendar) {
                    let message = format!("the calendar {} stands in two files", found.calendar);
                    page.fault(raw.calendar.referenced, message, "rename one");
                }
                all.insert(found.calendar.clone(), Arc::new(found));
            });
        }
        all
    }

    /// Panes of a day lie in as many rings of sums as there are different days.
    fn days(&mut self, kpis: &[Kpi]) {
        let with = kpis.iter().filter(|k| k.windows.contains(&Window::Day));
        let mut days: Vec<Option<&str>> = Vec::new();
        for kpi in with {
            let day = kpi.calendar.as_ref().map(|c| c.calendar.as_str());
            if !days.contains(&day) {
                days.push(day);
            }
            if days.len() > DAYS {
                let message = format!("more than {DAYS} calendars whose day is counted");
                let fix = "let KPIs share calendars, or take 24h instead of day";
                return self.fault(Path::new(&kpi.file), message, fix);
            }
        }
    }

    fn channels(&mut self, calendars: &Calendars) -> (Vec<String>, BTreeMap<String, ReplyTarget>) {
        let file = self.dir.join("channels.yaml");
        let mut targets = BTreeMap::new();
        let mut channels: Vec<String> = Vec::new();
        self.one(&file, &CHANNELS, |raw: RawChannels, page| {
            for c in raw.channels {
                let name = c.channel;
                if !check::technical(&name.value, 48) {
                    let message = format!("{:?} is no channel name", name.value);
                    page.fault(
                        name.referenced,
                        message,
                        "use lower-case letters, digits and _",
                    );
                }
                if !["owned", "earned", "paid"].contains(&c.medium.value.as_str()) {
                    let message = format!("unknown medium {:?}", c.medium.value);
                    page.fault(c.medium.referenced, message, "write owned, earned or paid");
                }
                if channels.contains(&name.value) {
                    let message = format!("the channel {} stands twice", name.value);
                    page.fault(name.referenced, message, "remove one");
                }
                if let Some(target) = &c.reply_target_s {
                    if !(1..=REPLY_TARGET_S).contains(&target.value) {
                        page.fault(
                            target.referenced,
                            "reply_target_s is out of bounds",
                            format!("write 1 to {REPLY_TARGET_S} seconds (30 days)"),
                        );
                    }
                    let calendar = c.calendar.as_ref();
                    let calendar = calendar.and_then(|c| calendar::named(c, calendars, page));
                    let seconds = target.value;
                    targets.insert(name.value.clone(), ReplyTarget { seconds, calendar });
                } else if let Some(calendar) = &c.calendar {
                    let message = "a channel without reply_target_s promises nothing";
                    let fix = "write reply_target_s: 14400 beside it, or remove the calendar";
                    page.fault(calendar.referenced, message, fix);
                }
                channels.push(name.value);
            }
        });
        (channels, targets)
    }

    fn sources(&mut self) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        for file in self.files("sources") {
            self.one(&file, &SOURCE, |raw: RawSource, page| {
                if raw.source.value.trim().is_empty() || raw.owner.value.trim().is_empty() {
                    let at = raw.source.referenced;
                    page.fault(at, "source and owner must say something", "write a name");
                }
                if !(1..=86_400).contains(&raw.freshness_s.value) {
                    let at = raw.freshness_s.referenced;
                    page.fault(
                        at,
                        "freshness_s is out of bounds",
                        "write 1 to 86400 seconds",
                    );
                }
                if sources.iter().any(|s| s.source == raw.source.value) {
                    let message = format!("the source {} stands in two files", raw.source.value);
                    page.fault(raw.source.referenced, message, "remove one");
                }
                sources.push(Source {
                    source: raw.source.value,
                    owner: raw.owner.value,
                    freshness_s: raw.freshness_s.value,
                });
            });
        }
        sources.sort_by(|a, b| a.source.cmp(&b.source));
        sources
    }

    /// Good KPIs ascending, and the names of those that were refused.
    fn kpis(&mut self, declared: &Declared) -> (Vec<Kpi>, Vec<String>) {
        let mut kpis: BTreeMap<String, Kpi> = BTreeMap::new();
        let mut derived = BTreeMap::new();
        let mut refused = Vec::new();
        for file in self.files("kpis") {
            let Some(text) = self.text(&file) else {
                continue;
            };
            let name = file.display().to_string();
            match check::read(&name, &text, declared) {
                Err(faults) => {
                    self.faults.extend(faults);
                    refused.extend(named(&text));
                }
                Ok((kpi, raw, notes)) => {
                    self.notes.extend(notes);
                    let at = raw.kpi.referenced;
                    if let Some(first) = kpis.get(&kpi.kpi) {
                        let mut page = Page::new(&name, &text);
                        let message = format!("the KPI {} is also in {}", kpi.kpi, first.file);
                        page.fault(at, message, "rename one or remove one");
                        self.faults.extend(page.faults);
                    } else {
                        if raw.kind.value == "derived" {
                            let file = name.clone();
                            derived.insert(kpi.kpi.clone(), Said { file, text, raw });
                        }
                        kpis.insert(kpi.kpi.clone(), kpi);
                    }
                }
            }
        }
        let mut tying = Tying {
            kpis: &mut kpis,
            refused: &refused,
            faults: Vec::new(),
        };
        tying.tie(&derived);
        self.faults.extend(tying.faults);
        (kpis.into_values().collect(), refused)
    }

    fn boards(&mut self, kpis: &[Kpi], refused: &[String], sources: &[Source]) -> Vec<RawBoard> {
        let mut boards: Vec<RawBoard> = Vec::new();
        for file in self.files("boards") {
            self.one(&file, &board::FORM, |raw: RawBoard, page| {
                board::check(&raw, (kpis, refused, sources), page);
                if boards.iter().any(|b| b.board.value == raw.board.value) {
                    let message = format!("the board {} stands in two files", raw.board.value);
                    page.fault(raw.board.referenced, message, "rename one");
                }
                boards.push(raw);
            });
        }
        boards
    }

    fn one<T: serde::de::DeserializeOwned>(
        &mut self,
        file: &Path,
        form: &Form,
        take: impl FnOnce(T, &mut Page<'_>),
    ) {
        let Some(text) = self.text(file) else {
            return;
        };
        let name = file.display().to_string();
        let mut page = Page::new(&name, &text);
        if let Some(raw) = page.read(form) {
            take(raw, &mut page);
        }
        self.faults.extend(page.faults);
        self.notes.extend(page.notes);
    }

    fn fault(&mut self, file: &Path, message: String, fix: &str) {
        let file = file.display().to_string();
        self.faults.push(Diagnostic::of_file(&file, message, fix));
    }

    fn text(&mut self, file: &Path) -> Option<String> {
        let name = file.strip_prefix(self.dir).unwrap_or(file);
        let name = name.display().to_string();
        let text = match self.kept {
            Some(kept) => kept.get(&name).cloned(),
            None => self.file(file),
        };
        if let Some(text) = &text {
            self.texts.insert(name, text.clone());
        }
        text
    }

    fn file(&mut self, file: &Path) -> Option<String> {
        if std::fs::metadata(file).is_ok_and(|m| m.len() > FILE_BYTES) {
            let message = format!("the file is larger than {FILE_BYTES} bytes");
            self.fault(file, message, "split it");
            return None;
        }
        match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(e) => {
                let fix = "give the folder that holds kpis/, boards/, sources/ and channels.yaml";
                self.fault(file, format!("the file cannot be read: {e}"), fix);
                None
            }
        }
    }

    /// The YAML files of a folder by name; a missing folder and files of other kinds are faults.
    fn files(&mut self, kind: &str) -> Vec<PathBuf> {
        if let Some(kept) = self.kept {
            let names = kept.keys().map(PathBuf::from);
            return names.filter(|name| name.starts_with(kind)).collect();
        }
        let folder = self.dir.join(kind);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                let message = format!("the folder cannot be read: {e}");
                self.fault(&folder, message, "make the folder; it may be empty");
                return Vec::new();
            }
        };
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        let hidden = |p: &PathBuf| {
            let name = p.file_name().map(|n| n.to_string_lossy().into_owned());
            name.is_none_or(|n| n.starts_with('.'))
        };
        files.retain(|p| !hidden(p));
        files.sort();
        for other in files.iter().filter(|p| !yaml(p)) {
            let message = "only .yaml and .yml files are read here".to_owned();
            self.fault(other, message, "rename the file or move it away");
        }
        files.retain(|p| yaml(p));
        if files.len() > FILES {
            let message = format!("more than {FILES} files");
            self.fault(&folder, message, "remove some");
            files.truncate(FILES);
        }
        files
    }
}

fn yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yaml" || e == "yml")
}

/// The technical name a refused file claims, so that boards are not blamed for its faults.
fn named(text: &str) -> Option<String> {
    let line = text.lines().find_map(|l| l.strip_prefix("kpi:"))?;
    let name = line.split('#').next().unwrap_or_default();
    Some(name.trim().trim_matches(['"', '\'']).to_owned())
}
