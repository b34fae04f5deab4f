//! In: the text of one definition, the set in force, the files. Kept: nothing. Out: what it would be, checked
//! as the files are, its examples run. Never knows: who wrote it.

use super::words::Proposal;
use crate::common::Common;
use crate::examples;
use crate::sets::Set;
use crate::webhook::stranger;
use cx_catalog::definition::Kpi;
use cx_catalog::{Catalog, Declared, Diagnostic, load, load_texts, parse_kpi};
use std::path::Path;

/// What faults of a text that is in no file yet are said of.
const BODY: &str = "the definition";

/// The catalogue of the files.
pub(super) fn of_files(common: &Common, files: &Path) -> Result<Catalog, Vec<String>> {
    let catalog = load(files).map_err(told)?;
    // Those in force came out when they were activated, and a hash covers the examples.
    let known = common.sets.last().compiled().hash == catalog.hash;
    let found = (!known).then(|| {
        common
            .words
            .looked(&catalog.hash, || sound(common, &catalog, &catalog.kpis))
    });
    found.unwrap_or(Ok(()))?;
    Ok(catalog)
}

/// The definition that a text says, and the catalogue in force with it.
pub(super) fn of_text(common: &Common, yaml: &str) -> Result<(Kpi, Catalog), Vec<String>> {
    let last = common.sets.last();
    let name = parse_kpi(BODY, yaml, &declared(&last.catalog))
        .map_err(told)?
        .kpi;
    let catalog = with(&last, &name, yaml)?;
    let mut all = catalog.kpis.iter().chain(&catalog.observed);
    let found = all.find(|kpi| kpi.kpi == name).cloned();
    let kpi = found.ok_or_else(|| vec![format!("{name} is not where it was put")])?;
    sound(common, &catalog, std::slice::from_ref(&kpi))?;
    Ok((kpi, catalog))
}

/// The definition of a proposal that was checked when it was made; `None` where other files no longer allow it.
pub(super) fn kpi(set: &Set, proposal: &Proposal) -> Option<Kpi> {
    let kpi = parse_kpi(BODY, &proposal.yaml, &declared(&set.catalog)).ok()?;
    // Of a derived one the hash covers what it is made of.
    let hash = proposal.definition.clone();
    Some(Kpi { hash, ..kpi })
}

/// The catalogue in force without a KPI.
pub(super) fn without(set: &Set, kpi: &str) -> Result<Catalog, Vec<String>> {
    let mut texts = set.catalog.texts.clone();
    texts.remove(&home(set, kpi));
    load_texts(&texts).map_err(told)
}

/// The file that a KPI lives in, or would.
pub(super) fn home(set: &Set, kpi: &str) -> String {
    let known = set.definitions.iter().find(|k| k.kpi == kpi);
    let file = known.and_then(|k| Path::new(&k.file).file_name());
    let file = file.map(|name| name.to_string_lossy().into_owned());
    format!("kpis/{}", file.unwrap_or_else(|| format!("{kpi}.yaml")))
}

fn with(set: &Set, kpi: &str, yaml: &str) -> Result<Catalog, Vec<String>> {
    let mut texts = set.catalog.texts.clone();
    texts.insert(home(set, kpi), yaml.to_owned());
    load_texts(&texts).map_err(told)
}

fn declared(catalog: &Catalog) -> Declared {
    Declared {
        channels: catalog.channels.clone(),
        sources: catalog.sources.iter().map(|s| s.source.clone()).collect(),
        calendars: catalog.calendars.clone(),
    }
}

/// Whether a catalogue names receivers that there are, and the examples of some of its KPIs come out.
fn sound(common: &Common, catalog: &Catalog, kpis: &[Kpi]) -> Result<(), Vec<String>> {
    // A demo has nobody to tell.
    let knows = |to: &str| common.stage.get().is_some() || common.webhooks.knows(to);
    if let Some(fault) = stranger(kpis, knows) {
        return Err(vec![fault]);
    }
    let (_, differences) = examples::run(catalog, kpis);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences)
    }
}

pub(super) fn told(faults: Vec<Diagnostic>) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}
