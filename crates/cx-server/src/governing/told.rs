//! In: sets, what people said, what the files propose. Kept: nothing. Out: all of it as JSON.
//! Never knows: HTTP, who asks.

use super::proposals::{self, home};
use super::words::{Proposal, state};
use crate::cast::Person;
use crate::common::Common;
use crate::definitions::{changed, differing, fixed};
use crate::sets::Set;
use cx_catalog::Catalog;
use cx_catalog::definition::{Kpi, Owners};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Acts in one answer.
const LOG: usize = 200;

/// A KPI's state, signatures, versions and proposals, and what was done about it.
pub(crate) fn governed(common: &Common, kpi: &str) -> Value {
    let shown = common.sets.shown();
    let Some(now) = of(&shown, kpi) else {
        return Value::Null;
    };
    let mut versions: Vec<Value> = Vec::new();
    let mut before: Option<Kpi> = None;
    for set in common.sets.all() {
        let here = of(&set, kpi);
        let hash = |k: &Option<Kpi>| k.as_ref().map(|k| k.hash.clone());
        if hash(&here) != hash(&before) {
            let first = versions.is_empty();
            let changes = here.as_ref().map_or_else(
                || vec![format!("{kpi} is gone")],
                |here| changed(before.as_ref(), here),
            );
            versions.push(json!({
                "set": set.plan.number(), "definition": hash(&here),
                "effective_from": from(&set),
                "changes": if first && set.plan.number() == 1 { Vec::new() } else { changes },
                "activated": common.words.activation(set.plan.number()),
            }));
            before = here;
        }
    }
    let signatures = common.words.signatures(&now.hash);
    let open = open(common);
    let open = open.iter().filter(|p| p.kpi == kpi);
    json!({
        "state": state(&signatures), "signatures": signatures, "versions": versions,
        "may": may(common, &now.owners), "home": home(&shown, kpi),
        "proposals": open.map(|p| proposal(common, p)).collect::<Vec<_>>(),
        "log": common.words.log(Some(kpi), LOG),
    })
}

/// By KPI in force, `proposed` or `agreed`.
pub(crate) fn states(common: &Common) -> BTreeMap<String, &'static str> {
    let shown = common.sets.shown();
    let of = |k: &Kpi| (k.kpi.clone(), state(&common.words.signatures(&k.hash)));
    shown.definitions.iter().map(of).collect()
}

/// All sets, what the files and people propose, what is retired, who did what.
pub(crate) fn shown(common: &Common, files: &Path) -> Value {
    let in_force = common.sets.shown().plan.number();
    let all = common.sets.all();
    let sets = all.iter().enumerate().map(|(i, set)| {
        let number = set.plan.number();
        let before = i.checked_sub(1).map(|b| &all[b]);
        let changes = before.map(|b| differing(&b.catalog, &set.catalog));
        let state = match number.cmp(&in_force) {
            std::cmp::Ordering::Less => "past",
            std::cmp::Ordering::Equal => "in_force",
            std::cmp::Ordering::Greater => "coming",
        };
        json!({
            "set": number, "hash": set.compiled().hash, "state": state,
            "effective_from": from(set), "changes": changes.unwrap_or_default(),
            "activated": common.words.activation(number),
        })
    });
    let sets: Vec<Value> = sets.collect();
    let shown = common.sets.shown();
    let definitions = shown.definitions.iter().map(|k| {
        json!({
            "kpi": k.kpi, "business_name": k.business_name, "definition": k.hash,
            "state": state(&common.words.signatures(&k.hash)), "owners": k.owners,
            "home": home(&shown, &k.kpi),
        })
    });
    let definitions: Vec<Value> = definitions.collect();
    let read = proposals::of_files(common, files);
    let proposals = open(common);
    let proposals = proposals.iter().map(|p| {
        let mut told = proposal(common, p);
        let same = |k: &Kpi| k.hash == p.definition;
        told["in_files"] = read.as_ref().is_ok_and(|c| named(c).any(same)).into();
        told
    });
    let cast = common.words.signers.cast().iter();
    let cast = cast
        .map(|Person { name, roles, side }| json!({"name": name, "roles": roles, "side": side}));
    json!({
        "sets": sets, "definitions": definitions, "proposals": proposals.collect::<Vec<_>>(), "retired": retired(common),
        "files": of_files(common, read), "log": common.words.log(None, LOG),
        "cast": cast.collect::<Vec<_>>(),
    })
}

fn of_files(common: &Common, read: Result<Catalog, Vec<String>>) -> Value {
    let last = common.sets.last();
    let catalog = match read {
        Ok(catalog) => catalog,
        Err(faults) => {
            return json!({"hash": null, "changes": [], "kpis": [], "cannot": null, "faults": faults});
        }
    };
    let gone = retired(common);
    let gone: Vec<&str> = gone.iter().filter_map(|r| r["kpi"].as_str()).collect();
    let again = named(&catalog).filter(|k| gone.contains(&k.kpi.as_str()));
    let again = again.map(|k| {
        let (kpi, home) = (&k.kpi, home(&last, &k.kpi));
        format!("{kpi} was retired: remove {home} to leave it so, or activate the files to bring it back")
    });
    let kpis = named(&catalog).filter_map(|now| {
        let before = of(&last, &now.kpi);
        let other = before.as_ref().is_none_or(|before| before.hash != now.hash);
        other.then(|| definition(common, before.as_ref(), now))
    });
    json!({
        "hash": catalog.hash, "changes": differing(&last.catalog, &catalog),
        "kpis": kpis.collect::<Vec<_>>(), "again": again.collect::<Vec<_>>(),
        "cannot": fixed(&last.catalog, &catalog), "faults": [],
    })
}

/// A proposal as programs and people read it; its text stands at its own address.
pub(crate) fn proposal(common: &Common, proposal: &Proposal) -> Value {
    let last = common.sets.last();
    let before = of(&last, &proposal.kpi);
    let mut told = proposals::kpi(&last, proposal).map_or_else(
        || {
            let why = "other definitions no longer allow it: propose it anew";
            json!({"kpi": proposal.kpi, "definition": proposal.definition, "state": "proposed", "cannot": why})
        },
        |now| definition(common, before.as_ref(), &now),
    );
    if proposal.draft {
        told["state"] = "draft".into();
    }
    told["home"] = home(&last, &proposal.kpi).into();
    told["by"] = proposal.by.as_str().into();
    told["why"] = proposal.why.as_str().into();
    told["at"] = proposal.at.as_str().into();
    told
}

fn definition(common: &Common, before: Option<&Kpi>, now: &Kpi) -> Value {
    let signatures = common.words.signatures(&now.hash);
    let mut changes = changed(before, now);
    if changes.is_empty() {
        changes.push(format!("{}: what it is made of changes", now.kpi));
    }
    json!({
        "kpi": now.kpi, "business_name": now.business_name, "definition": now.hash,
        "state": state(&signatures), "signatures": signatures, "changes": changes,
        "may": may(common, &now.owners),
    })
}

/// Who is known to have the role of each owner.
fn may(common: &Common, owners: &Owners) -> Value {
    let all = &common.words.signers;
    let side = |owner: &String| json!({"owner": owner, "people": all.holders(owner)});
    json!({"business": side(&owners.business), "technical": side(&owners.technical)})
}

/// Proposals that are not in force.
fn open(common: &Common) -> Vec<Proposal> {
    let last = common.sets.last();
    let mut all = common.words.proposals();
    all.retain(|p| of(&last, &p.kpi).is_none_or(|k| k.hash != p.definition));
    all
}

/// KPIs that an earlier set counted and the last one does not, and who took them out.
fn retired(common: &Common) -> Vec<Value> {
    let all = common.sets.all();
    let Some(last) = all.last() else {
        return Vec::new();
    };
    let mut gone: BTreeMap<String, (Kpi, Arc<Set>)> = BTreeMap::new();
    for pair in all.windows(2) {
        let went = pair[0].definitions.iter();
        let went = went.filter(|k| of(&pair[1], &k.kpi).is_none());
        gone.extend(went.map(|k| (k.kpi.clone(), (k.clone(), Arc::clone(&pair[1])))));
    }
    let still = gone
        .into_values()
        .filter(|(k, _)| of(last, &k.kpi).is_none());
    let told = still.map(|(k, set)| {
        json!({
            "kpi": k.kpi, "business_name": k.business_name, "definition": k.hash, "state": "retired",
            "set": set.plan.number(), "effective_from": from(&set),
            "retired": common.words.activation(set.plan.number()),
        })
    });
    told.collect()
}

pub(super) fn of(set: &Set, kpi: &str) -> Option<Kpi> {
    set.definitions.iter().find(|k| k.kpi == kpi).cloned()
}

/// All definitions of a catalogue.
pub(super) fn named(catalog: &Catalog) -> impl Iterator<Item = &Kpi> {
    catalog.kpis.iter().chain(&catalog.observed)
}

fn from(set: &Set) -> Option<String> {
    (set.plan.number() > 1).then(|| set.effective_from.to_rfc3339())
}
