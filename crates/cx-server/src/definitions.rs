//! In: the catalogue of files. Kept: nothing. Out: set 1 in `cx.definitions`, or the sets that are there;
//! later ones, written down before anything follows from them. Never knows: what a definition means.

use crate::common::Common;
use crate::examples::decimal;
use crate::{show, whole};
use anyhow::{Context as _, bail, ensure};
use cx_catalog::definition::Kpi;
use cx_catalog::said::said;
use cx_catalog::{Catalog, load_texts};
use cx_kafka::ClientSettings;
use cx_model::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the broker may take to hold a set.
const FLUSH: Duration = Duration::from_secs(10);

fn key(number: u32) -> String {
    format!("set-{number}")
}

/// A set as it stands in `cx.definitions`: by its hash, with the texts that it is read again from.
fn record(common: &Common, number: u32, catalog: &Catalog, from: Option<Timestamp>) -> Value {
    json!({
        "set": number, "hash": catalog.hash, "partitions": common.partitions,
        "effective_from": from.map(Timestamp::to_rfc3339),
        "kpis": catalog.kpis, "observed": catalog.observed, "limits": catalog.limits,
        "files": catalog.texts,
    })
}

/// Whoever finds `cx.definitions` empty writes set 1 there. Else the sets are those of the topic, and files
/// that differ from the last one are a proposal.
///
/// # Errors
/// A broker that does not answer; a set 1 that cannot be read again and is not the files'.
pub(crate) fn first(common: &Common, catalog: &Catalog) -> anyhow::Result<()> {
    let topic = &common.topics.definitions;
    let found = read(&common.settings, topic)?;
    let Some(first) = found.get(&1) else {
        let set = record(common, 1, catalog, None).to_string();
        let key = key(1);
        let sent = common.producer.send(
            topic,
            Some(0),
            Some(key.as_bytes()),
            set.as_bytes(),
            &[],
            None,
        );
        sent.context("writing set 1")?;
        return Ok(common.producer.flush(FLUSH)?);
    };
    let pinned = first["partitions"].as_u64();
    ensure!(
        pinned == Some(common.partitions.into()),
        "{topic} was begun with {} partitions, the configuration says {}: the count decides where a customer lives and can never change; correct kafka.partitions, or take new topics (kafka.prefix)",
        pinned.unwrap_or(0),
        common.partitions
    );
    let hash = first["hash"].as_str().unwrap_or_default();
    let ours = &common.set.hash;
    if hash != ours {
        bail!(
            "{topic} holds a set 1 with hash {}, this release reads its files as {}: its limits or the engine's fold version differ; go on with the release that wrote it, or take new topics (kafka.prefix)",
            short(hash),
            short(ours)
        );
    }
    for (number, set) in found.range(2..) {
        let (catalog, from) = later(set).with_context(|| format!("set {number} in {topic}"))?;
        common.learn(catalog, from);
    }
    let last = common.sets.last();
    if last.compiled().hash != catalog.hash {
        tracing::warn!(
            set = last.plan.number(),
            differing = differing(&last.catalog, catalog).join("; "),
            "the files propose other definitions than those in force; GET /v1/definitions shows them, POST /v1/definitions activates them"
        );
    }
    Ok(())
}

/// Set 1 of an installation: the topic's where it holds one, else the files'.
///
/// # Errors
/// A broker that does not answer; a set that is not the files' and has no texts.
pub(crate) fn begun(
    settings: &ClientSettings,
    topic: &str,
    files: &Catalog,
) -> anyhow::Result<Catalog> {
    let found = read(settings, topic)?;
    let Some(first) = found.get(&1).filter(|set| set["hash"] != *files.hash) else {
        let again = load_texts(&files.texts);
        return again.map_err(|_| anyhow::anyhow!("the files cannot be read twice"));
    };
    later(first).map(|(catalog, _)| catalog).with_context(|| format!(
        "{topic} holds a set 1 with hash {}, the files have {}; every number in the log was judged by set 1, so put the files back, or give the new definitions topics of their own (kafka.prefix)",
        short(first["hash"].as_str().unwrap_or_default()),
        short(&files.hash)
    ))
}

/// A set that follows the last one, written before anybody activates it.
///
/// # Errors
/// The broker did not take it.
pub(crate) async fn write(
    common: &Common,
    catalog: &Catalog,
    from: Timestamp,
) -> anyhow::Result<()> {
    let number = common.sets.last().plan.number() + 1;
    let set = record(common, number, catalog, Some(from)).to_string();
    let topic = &common.topics.definitions;
    let key = key(number);
    let sent = common
        .producer
        .send_acked(topic, 0, Some(key.as_bytes()), set.as_bytes(), None);
    sent.await?;
    Ok(())
}

/// Reads the sets that this process does not know yet: another one may have written them.
///
/// # Errors
/// A broker that does not answer, a set that cannot be read.
pub(crate) fn refresh(common: &Common) -> anyhow::Result<()> {
    let known = common.sets.last().plan.number();
    let topic = &common.topics.definitions;
    for (number, set) in read(&common.settings, topic)?.range(known + 1..) {
        let (catalog, from) = later(set).with_context(|| format!("set {number} in {topic}"))?;
        common.learn(catalog, from);
    }
    Ok(())
}

/// All sets of the topic; of one number the first is believed.
///
/// # Errors
/// A broker that does not answer, a record that is no JSON.
pub(crate) fn read(settings: &ClientSettings, topic: &str) -> anyhow::Result<BTreeMap<u32, Value>> {
    let mut found = BTreeMap::new();
    whole::read(settings, topic, &mut |record| {
        let set: Value = serde_json::from_slice(record.value.unwrap_or_default())
            .with_context(|| format!("offset {} of {topic} is no JSON", record.offset))?;
        let number = set["set"].as_u64().and_then(|n| u32::try_from(n).ok());
        if let Some(number) = number {
            found.entry(number).or_insert(set);
        }
        Ok(())
    })?;
    Ok(found)
}

/// A set read again from the texts that were kept with it.
///
/// # Errors
/// Texts that are not there, or that this release reads otherwise.
pub(crate) fn later(set: &Value) -> anyhow::Result<(Catalog, Timestamp)> {
    let texts: BTreeMap<String, String> =
        serde_json::from_value(set["files"].clone()).context("its files are not kept with it")?;
    let catalog = load_texts(&texts).map_err(|faults| {
        let fault = faults.first().map(ToString::to_string);
        anyhow::anyhow!("this release cannot read it: {}", fault.unwrap_or_default())
    })?;
    let hash = set["hash"].as_str().unwrap_or_default();
    ensure!(
        catalog.hash == hash,
        "it has hash {}, this release reads it as {}: the fold version differs",
        short(hash),
        short(&catalog.hash)
    );
    let from = set["effective_from"].as_str().map(Timestamp::parse_rfc3339);
    let from = from.transpose().map_err(anyhow::Error::msg)?;
    Ok((catalog, from.unwrap_or_default()))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What differs from one catalogue to the next, in words.
pub(crate) fn differing(before: &Catalog, now: &Catalog) -> Vec<String> {
    let (old, new) = (named(before), named(now));
    let mut words = Vec::new();
    for (name, kpi) in &new {
        words.extend(changed(old.get(name).copied(), kpi));
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    words.extend(gone.map(|name| format!("{name} is gone")));
    words
}

fn named(catalog: &Catalog) -> BTreeMap<&str, &Kpi> {
    let kpis = catalog.kpis.iter().chain(&catalog.observed);
    kpis.map(|kpi| (kpi.kpi.as_str(), kpi)).collect()
}

/// What differs from one definition of a KPI to the next, in words; nothing where it says the same.
pub(crate) fn changed(before: Option<&Kpi>, now: &Kpi) -> Vec<String> {
    let name = &now.kpi;
    match before {
        None => vec![format!("{name} is new")],
        Some(before) => fields(&told(before), &told(now))
            .map(|words| format!("{name}: {words}"))
            .collect(),
    }
}

/// A definition field by field, its formula and target as people say them.
fn told(kpi: &Kpi) -> Value {
    let mut fields = serde_json::to_value(kpi).expect("a definition is plain data");
    let words = |all: &Value, told: fn(&Value) -> String| {
        let all = all.as_array().into_iter().flatten();
        Value::from(all.map(told).collect::<Vec<_>>().join(", "))
    };
    fields["windows"] = words(&fields["windows"], plain);
    fields["dimensions"] = words(&fields["dimensions"], dimension);
    let alerts = fields["alerts"].take();
    for (i, one) in (1..).zip(alerts.as_array().into_iter().flatten()) {
        for (name, value) in one.as_object().into_iter().flatten() {
            let (name, value) = of_alert(name, value);
            fields[format!("alert {i}, {name},")] = value.into();
        }
    }
    fields["owners"] = format!("{} and {}", kpi.owners.business, kpi.owners.technical).into();
    for example in fields["examples"].as_array_mut().into_iter().flatten() {
        // Another number of decimals makes no other example.
        let value = example["value"].as_i64().map(|v| decimal(v, kpi.decimals));
        example["value"] = value
            .map(|v| match v.split_once('.') {
                Some((whole, rest)) => format!("{whole}.{}", rest.trim_end_matches('0')),
                None => format!("{v}."),
            })
            .into();
    }
    let said = said(kpi);
    let parts = said.parts.iter();
    let parts: Vec<String> = parts.map(|p| format!("{}: {}", p.part, p.text)).collect();
    fields["formula"] = format!("{} ({})", said.formula, parts.join("; ")).into();
    if kpi.target.is_some() {
        fields["target"] = show::value(kpi.target, &kpi.unit, kpi.decimals).into();
    }
    fields
}

/// `queue (service, sales)`.
fn dimension(dimension: &Value) -> String {
    let values = dimension["values"].as_array().into_iter().flatten();
    let values: Vec<String> = values.map(plain).collect();
    format!("{} ({})", plain(&dimension["name"]), values.join(", "))
}

/// A field of an alert by its name in the file, and as people say it.
fn of_alert(name: &str, value: &Value) -> (String, String) {
    if let Some(name) = name.strip_suffix("_s") {
        return (name.to_owned(), format!("{value} s"));
    }
    let receivers = value.as_array().into_iter().flatten().map(|n| {
        let late = n["untaken_after_s"].as_u64();
        let late = late.map_or_else(String::new, |s| format!(" where untaken after {s} s"));
        format!("{}{late}", plain(&n["to"]))
    });
    let said = if value.is_array() {
        receivers.collect::<Vec<_>>().join(", ")
    } else {
        plain(value)
    };
    (name.to_owned(), said)
}

/// A value in a sentence: texts without their quotes.
fn plain(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

/// One sentence for each field that differs.
fn fields<'v>(was: &'v Value, is: &'v Value) -> impl Iterator<Item = String> + 'v {
    let names = |v: &'v Value| v.as_object().into_iter().flat_map(|o| o.keys());
    let mut all: Vec<&String> = names(was).chain(names(is)).collect();
    all.sort();
    all.dedup();
    let differ = all.into_iter().filter(|name| was.get(name) != is.get(name));
    differ.map(move |name| match (was.get(name), is.get(name)) {
        _ if name == "examples" => "its worked examples are others".to_owned(),
        (Some(Value::String(was)), Some(is)) if was.is_empty() => {
            format!("{name} {} is added", plain(is))
        }
        (Some(was), Some(Value::String(is))) if is.is_empty() => {
            format!("{name} {} goes", plain(was))
        }
        (Some(was), Some(is)) => format!("{name} was {}, becomes {}", plain(was), plain(is)),
        (None, Some(is)) => format!("{name} {} is added", plain(is)),
        (Some(was), None) => format!("{name} {} goes", plain(was)),
        (None, None) => String::new(),
    })
}

/// Why one catalogue cannot follow another while the house runs; `None` where it can.
pub(crate) fn fixed(before: &Catalog, now: &Catalog) -> Option<&'static str> {
    let plain = |c: &Catalog| serde_json::to_value(c.limits).expect("plain data");
    if plain(before) != plain(now) {
        return Some(
            "limits.yaml: tables are made when a partition begins; limits cannot change while the log goes on",
        );
    }
    if before.channels != now.channels || before.reply_targets != now.reply_targets {
        return Some(
            "channels.yaml: customers and reply deadlines are kept by channel; channels cannot change while the log goes on",
        );
    }
    let names = |c: &Catalog| {
        c.sources
            .iter()
            .map(|s| s.source.clone())
            .collect::<Vec<_>>()
    };
    (names(before) != names(now))
        .then_some("sources/: ages are kept by source; sources cannot change while the log goes on")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_catalog::load;
    use std::path::Path;

    fn shipped() -> Catalog {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
        load(&dir).unwrap_or_else(|faults| panic!("{}", faults[0]))
    }

    fn with(name: &str, from: &str, to: &str) -> Catalog {
        let mut texts = shipped().texts;
        let file = texts.get_mut(name).expect("there");
        assert!(file.contains(from), "{name} has no {from:?}");
        *file = file.replace(from, to);
        load_texts(&texts).unwrap_or_else(|faults| panic!("{}", faults[0]))
    }

    #[test]
    fn a_catalogue_is_read_again_from_its_texts_with_the_same_hash() {
        let shipped = shipped();
        let again = load_texts(&shipped.texts).expect("right");
        assert_eq!(again.hash, shipped.hash);
        assert_eq!(differing(&shipped, &again), Vec::<String>::new());
    }

    #[test]
    fn what_differs_is_told_in_words() {
        let changed = with(
            "kpis/orders.yaml",
            "Orders placed.",
            "Orders placed at last.",
        );
        let words = ["orders: meaning was Orders placed., becomes Orders placed at last."];
        assert_eq!(differing(&shipped(), &changed), words);
        let changed = with("kpis/service_level_voice.yaml", "target: 80", "target: 85");
        let words = differing(&shipped(), &changed).join("; ");
        assert!(words.contains("target was 80.0"), "{words}");
        let changed = with("kpis/service_level_voice.yaml", "value < 75", "value < 70");
        let words = differing(&shipped(), &changed).join("; ");
        assert!(
            words.ends_with(
                ": alert 1, when, was value < 75 && n >= 20, becomes value < 70 && n >= 20"
            ),
            "{words}"
        );
        let changed = with(
            "kpis/survey_response_rate.yaml",
            "decimals: 1",
            "decimals: 2",
        );
        let words = ["survey_response_rate: decimals was 1, becomes 2"];
        assert_eq!(differing(&shipped(), &changed), words);
    }

    #[test]
    fn a_kpi_that_a_board_uses_cannot_be_removed_unnoticed() {
        let mut texts = shipped().texts;
        texts
            .remove("kpis/service_level_voice.yaml")
            .expect("there");
        let faults = load_texts(&texts).expect_err("a board shows it");
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let words = words.join("\n");
        assert!(
            words.contains("boards/") && words.contains("service_level_voice"),
            "{words}"
        );
    }

    #[test]
    fn channels_sources_and_limits_cannot_change_alive_and_the_reason_is_told() {
        let mut texts = shipped().texts;
        texts.insert("limits.yaml".to_owned(), "customers: 7\n".to_owned());
        let other = load_texts(&texts).expect("right");
        let why = fixed(&shipped(), &other).expect("limits differ");
        assert!(why.contains("limits.yaml"), "{why}");
        assert_eq!(fixed(&shipped(), &shipped()), None);
    }
}
