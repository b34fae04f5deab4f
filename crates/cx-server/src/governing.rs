//! In: what people say of definitions. Kept: signatures by definition, who activated which set. Out: acts
//! in `cx.actions`, sets in `cx.definitions`; the state of every definition. Never knows: HTTP, engines.
//!
//! A signature is over a definition's hash: whatever changes in it, nobody has signed that yet. A file can
//! propose and never sign.

use crate::cast::CAST;
use crate::cloud::Event;
use crate::common::Common;
use crate::definitions::{self, differing, fixed};
use crate::sets::Set;
use crate::webhook::stranger;
use crate::{clock, examples, preview, whole};
use cx_catalog::compiled::Compiled;
use cx_catalog::{Catalog, load, load_texts};
use cx_gateway::{Governed, Governing, Role, Word};
use cx_model::time::{SECOND, Timestamp};
use cx_model::value::Sealed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

const SIGNED: &str = "cx.action.definition_signed.v1";
const ACTIVATED: &str = "cx.action.definitions_activated.v1";
/// Beyond the clamp, ms: until then every partition's owner has written the activation.
const AHEAD_MS: i64 = 30 * SECOND;
/// Signatures of one definition that are kept: more say nothing new.
const SIGNATURES: usize = 16;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Signature {
    role: Role,
    by: String,
    why: String,
    at: String,
    /// Nobody proved who they are: void once access control is on.
    demo: bool,
}

#[derive(Debug, Default)]
struct Said {
    /// By definition's hash.
    signatures: BTreeMap<String, Vec<Signature>>,
    /// By set's number: who, why, when.
    activations: BTreeMap<u64, Value>,
}

/// What people have said of definitions.
#[derive(Debug, Default)]
pub(crate) struct Words {
    said: Mutex<Said>,
    /// Access is closed: what the cast of the open mode signed is void.
    closed: bool,
    /// One set is written at a time.
    writing: tokio::sync::Mutex<()>,
    previewing: tokio::sync::Mutex<()>,
}

impl Words {
    pub(crate) fn new(closed: bool) -> Self {
        Self {
            closed,
            ..Self::default()
        }
    }

    fn note(&self, event: &Event<Value>) {
        let mut said = self.said.lock().expect("no holder panics");
        let data = &event.data;
        match event.kind.as_str() {
            SIGNED => {
                let hash = data["definition"].as_str().unwrap_or_default().to_owned();
                let void = self.closed && data["signature"]["demo"] != false;
                if let Ok(signature) = serde_json::from_value(data["signature"].clone())
                    && !void
                {
                    let all = said.signatures.entry(hash).or_default();
                    if all.len() < SIGNATURES {
                        all.push(signature);
                    }
                }
            }
            ACTIVATED => {
                if let Some(number) = data["set"].as_u64() {
                    said.activations.insert(number, data.clone());
                }
            }
            _ => {}
        }
    }

    fn signatures(&self, hash: &str) -> Vec<Signature> {
        let said = self.said.lock().expect("no holder panics");
        said.signatures.get(hash).cloned().unwrap_or_default()
    }

    fn activation(&self, number: u32) -> Option<Value> {
        let said = self.said.lock().expect("no holder panics");
        said.activations.get(&number.into()).cloned()
    }
}

/// Reads what was said before.
///
/// # Errors
/// A broker that does not answer, a topic that is missing.
pub(crate) fn remember(common: &Common) -> anyhow::Result<()> {
    let topic = &common.topics.actions;
    whole::read(&common.settings, topic, &mut |record| {
        // Acts of other kinds, and of later releases, are somebody else's.
        if let Ok(event) = serde_json::from_slice(record.value.unwrap_or_default()) {
            common.words.note(&event);
        }
        Ok(())
    })
}

/// `agreed` once two different people signed in the two roles.
fn state(signatures: &[Signature]) -> &'static str {
    let of = |role| signatures.iter().filter(move |s| s.role == role);
    let agreed = of(Role::Business).any(|b| of(Role::Technical).any(|t| t.by != b.by));
    if agreed { "agreed" } else { "proposed" }
}

/// A KPI's state, signatures and versions.
pub(crate) fn governed(common: &Common, kpi: &str) -> Value {
    let shown = common.sets.shown();
    let hash = |set: &Set| {
        let found = set.definitions.iter().find(|k| k.kpi == kpi);
        found.map(|k| k.hash.clone())
    };
    let Some(now) = hash(&shown) else {
        return Value::Null;
    };
    let mut versions: Vec<Value> = Vec::new();
    let mut before: Option<Arc<Set>> = None;
    let mut last = None;
    for set in common.sets.all() {
        let here = hash(&set);
        if here != last {
            let changes = before.as_ref().map(|b| changes_of(b, &set, kpi));
            versions.push(json!({
                "set": set.plan.number(), "definition": here,
                "effective_from": from(&set), "changes": changes.unwrap_or_default(),
                "activated": common.words.activation(set.plan.number()),
            }));
            last = here;
        }
        before = Some(set);
    }
    let signatures = common.words.signatures(&now);
    json!({"state": state(&signatures), "signatures": signatures, "versions": versions})
}

fn changes_of(before: &Set, now: &Set, kpi: &str) -> Vec<String> {
    let (named, other) = (format!("{kpi}: "), format!("{kpi} is "));
    let all = differing(&before.catalog, &now.catalog);
    let own = all
        .into_iter()
        .filter(|w| w.starts_with(&named) || w.starts_with(&other));
    own.collect()
}

fn from(set: &Set) -> Option<String> {
    (set.plan.number() > 1).then(|| set.effective_from.to_rfc3339())
}

/// All sets, and what the files propose.
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
    let proposal = match proposed(common, files) {
        Ok(catalog) => {
            let last = common.sets.last();
            json!({
                "hash": catalog.hash, "changes": differing(&last.catalog, &catalog),
                "cannot": fixed(&last.catalog, &catalog), "faults": [],
            })
        }
        Err(faults) => json!({"hash": null, "changes": [], "cannot": null, "faults": faults}),
    };
    json!({"sets": sets, "files": proposal})
}

/// The catalogue of the files, its examples run.
fn proposed(common: &Common, files: &Path) -> Result<Catalog, Vec<String>> {
    let told = |faults: Vec<cx_catalog::Diagnostic>| -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    };
    let catalog = load(files).map_err(told)?;
    // A demo has nobody to tell.
    let told = |to: &str| common.stage.get().is_some() || common.webhooks.knows(to);
    if let Some(fault) = stranger(&catalog.kpis, told) {
        return Err(vec![fault]);
    }
    let (_, differences) = examples::run(&Arc::new(catalog.compile(1)), &catalog.kpis);
    if differences.is_empty() {
        Ok(catalog)
    } else {
        Err(differences)
    }
}

/// What the files' definitions would say now, had they always held; one look at a time.
pub(crate) async fn preview(
    common: &Arc<Common>,
    files: &Path,
    newest: Option<(Arc<Compiled>, Sealed)>,
) -> Governed {
    let Ok(_one) = common.words.previewing.try_lock() else {
        return Governed::Unfit(
            "another preview is being counted: ask again in a moment".to_owned(),
        );
    };
    let Some((set, sealed)) = newest else {
        return Governed::Unfit("nothing is sealed yet; see /readyz".to_owned());
    };
    let (house, files) = (Arc::clone(common), files.to_path_buf());
    let counted = tokio::task::spawn_blocking(move || {
        let catalog = proposed(&house, &files)?;
        preview::rehearse(&house, (&set, &sealed), &catalog).map_err(|e| vec![format!("{e:#}")])
    });
    match counted.await {
        Ok(Ok(told)) => Governed::Written(told),
        Ok(Err(faults)) => Governed::Faults(faults),
        Err(error) => Governed::Unavailable(error.to_string()),
    }
}

/// Does what somebody says, or says why not.
pub(crate) async fn govern(common: &Arc<Common>, files: &Path, deed: Governing) -> Governed {
    match &deed.word {
        Word::Sign {
            kpi,
            definition,
            role,
        } => sign(common, (kpi, definition, *role), &deed).await,
        Word::Activate { hash } => {
            let (house, files) = (Arc::clone(common), files.to_path_buf());
            let read = tokio::task::spawn_blocking(move || proposed(&house, &files)).await;
            match read {
                Ok(Ok(catalog)) if catalog.hash == *hash => activate(common, catalog, &deed).await,
                Ok(Ok(catalog)) => Governed::Unfit(format!(
                    "the files have hash {} by now, not {hash}: read what they propose again",
                    catalog.hash
                )),
                Ok(Err(faults)) => Governed::Faults(faults),
                Err(error) => Governed::Unavailable(error.to_string()),
            }
        }
        Word::RollBack { set } => {
            let Some(old) = common.sets.get(*set) else {
                return Governed::Unfit(format!("there is no set {set}"));
            };
            match load_texts(&old.catalog.texts) {
                Ok(catalog) => activate(common, catalog, &deed).await,
                Err(faults) => Governed::Faults(faults.iter().map(ToString::to_string).collect()),
            }
        }
    }
}

/// Two of the cast sign every shipped definition, as anybody could; what came of it, in words.
pub(crate) async fn signed_by_the_cast(common: &Common) -> String {
    let set = common.sets.shown();
    let mut signatures = 0;
    for (i, kpi) in set.definitions.iter().enumerate() {
        for person in &CAST[i % 2 * 2..][..2] {
            let deed = Governing {
                word: Word::Sign {
                    kpi: kpi.kpi.clone(),
                    definition: kpi.hash.clone(),
                    role: person.side,
                },
                by: person.name.to_owned(),
                demo: true,
                why: "as shipped".to_owned(),
            };
            let said = sign(common, (&kpi.kpi, &kpi.hash, person.side), &deed).await;
            signatures += usize::from(matches!(said, Governed::Written(_)));
        }
    }
    format!(
        "{} definitions, {signatures} signatures of the demo's people: {}",
        set.definitions.len(),
        CAST.map(|person| person.name).join(", ")
    )
}

async fn sign(
    common: &Common,
    (kpi, definition, role): (&str, &str, Role),
    deed: &Governing,
) -> Governed {
    let set = common.sets.shown();
    let Some(known) = set.definitions.iter().find(|k| k.kpi == kpi) else {
        return Governed::Unfit(format!("there is no KPI {kpi:?}"));
    };
    if known.hash != definition {
        return Governed::Unfit(format!(
            "{kpi} has the definition {} by now: read it before you sign it",
            known.hash
        ));
    }
    let signatures = common.words.signatures(definition);
    if let Some(again) = signatures.iter().find(|s| s.by == deed.by) {
        let role = json!(again.role);
        return Governed::Unfit(format!(
            "{} has signed this definition already, as {role}; two different people sign, in two roles",
            deed.by
        ));
    }
    let signature = Signature {
        role,
        by: deed.by.clone(),
        why: deed.why.clone(),
        at: clock::now().to_rfc3339(),
        demo: deed.demo,
    };
    let data = json!({"kpi": kpi, "definition": definition, "signature": signature});
    match write(common, SIGNED, data).await {
        Ok(()) => Governed::Written(governed(common, kpi)),
        Err(error) => Governed::Unavailable(error.to_string()),
    }
}

async fn activate(common: &Common, catalog: Catalog, deed: &Governing) -> Governed {
    let _one = common.words.writing.lock().await;
    let last = common.sets.last();
    let unfit = |words: String| Governed::Unfit(words);
    if common.sets.shown().plan.number() != last.plan.number() {
        return unfit(format!(
            "set {} is not in force yet: it will be at {}",
            last.plan.number(),
            last.effective_from
        ));
    }
    if last.compiled().hash == catalog.hash {
        return unfit("these definitions are in force already".to_owned());
    }
    if let Some(why) = fixed(&last.catalog, &catalog) {
        return unfit(why.to_owned());
    }
    let number = last.plan.number() + 1;
    let ahead = common.set.limits.clamp_ms + AHEAD_MS;
    let from = Timestamp((clock::now().0 + ahead).div_euclid(SECOND) * SECOND + SECOND);
    let data = json!({
        "set": number, "hash": catalog.hash, "by": deed.by, "why": deed.why,
        "effective_from": from.to_rfc3339(), "changes": differing(&last.catalog, &catalog),
    });
    // First the definitions: an act that names them must find them.
    if let Err(error) = definitions::write(common, &catalog, from).await {
        return Governed::Unavailable(error.to_string());
    }
    common.learn(catalog, from);
    match write(common, ACTIVATED, data.clone()).await {
        Ok(()) => Governed::Written(data),
        Err(error) => Governed::Unavailable(error.to_string()),
    }
}

/// Writes an act down, and takes note of it once the broker has it.
async fn write(common: &Common, kind: &str, data: Value) -> anyhow::Result<()> {
    let event = Event::new(common.actions.next_id(), kind, clock::now(), data);
    let (topic, value) = (&common.topics.actions, event.bytes());
    let sent = common.producer.send_acked(topic, 0, None, &value, None);
    sent.await?;
    common.words.note(&event);
    Ok(())
}
