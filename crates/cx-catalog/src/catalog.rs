//! In: a folder of definitions. Kept: nothing. Out: a checked [`Catalog`], or all its faults.
//! Never knows: how numbers are counted.

use crate::board::RawBoards;
use crate::check::{Declared, parse_kpi, sha256};
use crate::definition::Kpi;
use crate::diagnostic::{Diagnostic, Page};
use crate::raw::{RawBoard, RawChannels, Source};
use cx_model::limits::Limits;
use std::path::{Path, PathBuf};

/// The meaning of the fold itself; a new one is a new set.
pub const FOLD_VERSION: u32 = 1;

/// All definitions of one installation, checked.
pub struct Catalog {
    /// KPIs by technical name, ascending.
    pub kpis: Vec<Kpi>,
    /// Registered channels.
    pub channels: Vec<String>,
    /// Declared sources by name, ascending.
    pub sources: Vec<Source>,
    /// Bounds.
    pub limits: Limits,
    /// SHA-256 over limits, fold version, channels, sources and KPI hashes, 64 hex digits.
    pub hash: String,
    pub(crate) boards: RawBoards,
}

/// Reads and checks `channels.yaml`, `sources/`, `kpis/` and `boards/` of a folder.
///
/// # Errors
/// Every fault of every file.
pub fn load(dir: &Path) -> Result<Catalog, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let channels = one::<RawChannels>(&dir.join("channels.yaml"), &mut faults);
    let channels: Vec<String> = channels.map_or_else(Vec::new, |c| {
        c.channels.into_iter().map(|c| c.channel).collect()
    });
    let mut sources: Vec<Source> = files(dir, "sources", &mut faults)
        .iter()
        .filter_map(|f| one(f, &mut faults))
        .collect();
    sources.sort_by(|a, b| a.source.cmp(&b.source));
    let declared = Declared {
        channels: channels.clone(),
        sources: sources.iter().map(|s| s.source.clone()).collect(),
    };
    let mut kpis: Vec<Kpi> = Vec::new();
    for file in files(dir, "kpis", &mut faults) {
        let Some(text) = text(&file, &mut faults) else {
            continue;
        };
        match parse_kpi(&file.display().to_string(), &text, &declared) {
            Ok(kpi) => kpis.push(kpi),
            Err(more) => faults.extend(more),
        }
    }
    kpis.sort_by(|a, b| a.kpi.cmp(&b.kpi));
    for pair in kpis.windows(2).filter(|p| p[0].kpi == p[1].kpi) {
        faults.push(fault(
            Path::new(&pair[1].file),
            format!("KPI {:?} is also in {}", pair[1].kpi, pair[0].file),
            "rename one",
        ));
    }
    let mut boards = RawBoards::default();
    for file in files(dir, "boards", &mut faults) {
        let Some(text) = text(&file, &mut faults) else {
            continue;
        };
        let name = file.display().to_string();
        let mut page = Page::new(&name, &text);
        if let Some(raw) = page.read::<RawBoard>() {
            boards.add(raw, &kpis, &sources, &mut page);
        }
        faults.extend(page.faults);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let limits = Limits::default();
    let hashes: Vec<&str> = kpis.iter().map(|k| k.hash.as_str()).collect();
    let all = serde_json::json!([FOLD_VERSION, limits, channels, sources, hashes]);
    let hash = sha256(all.to_string().as_bytes());
    Ok(Catalog {
        kpis,
        channels,
        sources,
        limits,
        hash,
        boards,
    })
}

fn fault(file: &Path, message: String, fix: &str) -> Diagnostic {
    Diagnostic {
        file: file.display().to_string(),
        line: 1,
        column: 1,
        message,
        fix: fix.to_owned(),
        source: String::new(),
    }
}

fn text(file: &Path, faults: &mut Vec<Diagnostic>) -> Option<String> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.len() <= 256 * 1024 => Some(text),
        Ok(_) => {
            faults.push(fault(
                file,
                "the file is larger than 256 KiB".to_owned(),
                "split it",
            ));
            None
        }
        Err(e) => {
            faults.push(fault(
                file,
                format!("cannot be read: {e}"),
                "give the folder that holds kpis/, boards/, sources/ and channels.yaml",
            ));
            None
        }
    }
}

fn one<T: serde::de::DeserializeOwned>(file: &Path, faults: &mut Vec<Diagnostic>) -> Option<T> {
    let text = text(file, faults)?;
    let name = file.display().to_string();
    let mut page = Page::new(&name, &text);
    let read = page.read();
    faults.extend(page.faults);
    read
}

fn files(dir: &Path, kind: &str, faults: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let folder = dir.join(kind);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) => {
            faults.push(fault(
                &folder,
                format!("cannot be read: {e}"),
                "make the folder; it may be empty",
            ));
            return Vec::new();
        }
    };
    let yaml = |p: &PathBuf| p.extension().is_some_and(|e| e == "yaml" || e == "yml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(yaml).collect();
    files.sort();
    files
}
