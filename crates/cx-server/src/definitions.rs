//! In: the catalogue of files. Kept: nothing. Out: set 1 in `cx.definitions`, or the certainty that
//! it is there. Never knows: what a definition means.

use crate::common::Common;
use crate::whole;
use anyhow::{Context as _, bail, ensure};
use cx_catalog::Catalog;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the broker may take to hold set 1.
const FLUSH: Duration = Duration::from_secs(10);
/// Key of set 1 in `cx.definitions`.
const KEY: &[u8] = b"set-1";

/// Whoever finds `cx.definitions` empty writes set 1 there; else it must be the one of the files.
///
/// # Errors
/// A broker that does not answer; a set 1 that is not the files'.
pub(crate) fn first(common: &Common, catalog: &Catalog) -> anyhow::Result<()> {
    let topic = &common.topics.definitions;
    let Some(found) = read(common)? else {
        let set = json!({
            "set": 1, "hash": catalog.hash, "partitions": common.partitions,
            "kpis": catalog.kpis, "observed": catalog.observed, "limits": catalog.limits,
        });
        let set = set.to_string();
        let sent = common
            .producer
            .send(topic, Some(0), Some(KEY), set.as_bytes(), &[], None);
        sent.context("writing set 1")?;
        return Ok(common.producer.flush(FLUSH)?);
    };
    let pinned = found["partitions"].as_u64();
    ensure!(
        pinned == Some(common.partitions.into()),
        "{topic} was begun with {} partitions, the configuration says {}: the count decides where a customer lives and can never change; correct kafka.partitions, or take new topics (kafka.prefix)",
        pinned.unwrap_or(0),
        common.partitions
    );
    let hash = found["hash"].as_str().unwrap_or_default();
    if hash == catalog.hash {
        return Ok(());
    }
    bail!(
        "{topic} holds a set 1 with hash {}, the files have {}: {}; every number in the log was judged by set 1, so put the files back, or give the new definitions topics of their own (kafka.prefix). Changing a running set comes with activations",
        short(hash),
        short(&catalog.hash),
        differing(&found, catalog)
    );
}

/// Set 1 as it stands in the topic.
fn read(common: &Common) -> anyhow::Result<Option<Value>> {
    let mut found = None;
    whole::read(common, &common.topics.definitions, &mut |record| {
        if found.is_none() && record.key == Some(KEY) {
            found = Some(serde_json::from_slice(record.value.unwrap_or_default()));
        }
        Ok(())
    })?;
    let found = found.transpose();
    found.with_context(|| format!("set 1 in {} is no JSON", common.topics.definitions))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Which KPIs differ, in words.
fn differing(found: &Value, catalog: &Catalog) -> String {
    let empty = Vec::new();
    let theirs = found["kpis"].as_array().unwrap_or(&empty);
    let changed = catalog.kpis.iter().filter(|k| {
        let ours = serde_json::to_value(k).expect("a definition is plain data");
        !theirs.contains(&ours)
    });
    let gone = theirs.iter().filter_map(|k| k["kpi"].as_str());
    let gone = gone.filter(|name| catalog.kpis.iter().all(|k| k.kpi != *name));
    let names: Vec<&str> = changed.map(|k| k.kpi.as_str()).chain(gone).collect();
    if names.is_empty() {
        return "limits, sources, channels or the engine's fold version differ".to_owned();
    }
    format!("{} differ", names.join(", "))
}
