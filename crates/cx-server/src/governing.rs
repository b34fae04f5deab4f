//! In: what people say of definitions. Kept: what was said. Out: acts in `cx.actions`, sets in
//! `cx.definitions`; the state of every definition. Never knows: HTTP, engines.
//!
//! A signature is over a definition's hash: whatever changes in it, nobody has signed that yet. The home of
//! a definition is its file: a file can propose and never sign, and what is proposed beside it never
//! overwrites it.

mod owners;
mod proposals;
mod told;
mod words;

pub(crate) use told::{governed, shown, states};
pub(crate) use words::Words;

use crate::cast::{self, CAST};
use crate::cloud::Event;
use crate::common::Common;
use crate::definitions::{self, differing, fixed};
use crate::glossary;
use crate::{clock, preview, whole};
use cx_catalog::compiled::Compiled;
use cx_catalog::definition::{Formula, Kpi};
use cx_catalog::{Catalog, load_texts};
use cx_gateway::{Governed, Governing, Role, Word};
use cx_model::time::{SECOND, Timestamp};
use cx_model::value::Sealed;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::{ACTIVATED, DRAFTED, OPEN, PROPOSED, RETIRED, SIGNED, Signature};

/// Beyond the clamp, ms: until then every partition's owner has written the activation.
const AHEAD_MS: i64 = 30 * SECOND;

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

/// A proposal with its text, by its definition's hash.
pub(crate) fn proposal(common: &Common, definition: &str) -> Option<Value> {
    let found = common.words.proposal(definition)?;
    let mut told = told::proposal(common, &found);
    told["yaml"] = found.yaml.into();
    Some(told)
}

/// What the files' definitions, or one that somebody proposed, would say now, had they always held; one
/// look at a time.
pub(crate) async fn preview(
    common: &Arc<Common>,
    (files, definition): (&Path, Option<String>),
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
    let text = match definition {
        None => None,
        Some(hash) => match common.words.proposal(&hash) {
            Some(found) => Some(found.yaml),
            None => return Governed::Unfit(format!("nobody proposes the definition {hash}")),
        },
    };
    let (house, files) = (Arc::clone(common), files.to_path_buf());
    let counted = tokio::task::spawn_blocking(move || {
        let catalog = match text {
            None => proposals::of_files(&house, &files)?,
            Some(yaml) => proposals::of_text(&house, &yaml)?.1,
        };
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
    let _one = common.words.writing.lock().await;
    let done = match &deed.word {
        Word::Sign {
            kpi,
            definition,
            role,
        } => sign(common, files, (kpi, definition, *role), &deed).await,
        Word::Write { yaml, draft } => write_down(common, (yaml, *draft), &deed).await,
        Word::Propose { kpi, definition } => offer(common, (kpi, definition), &deed).await,
        Word::Retire { kpi, definition } => retire(common, (kpi, definition), &deed).await,
        Word::Activate { hash } => of_files(common, files, hash, &deed).await,
        Word::RollBack { set } => back(common, *set, &deed).await,
    };
    done.unwrap_or_else(|why| why)
}

/// Two of the cast sign every shipped definition, as anybody could; what came of it, in words.
pub(crate) async fn signed_by_the_cast(common: &Arc<Common>) -> String {
    let set = common.sets.shown();
    let mut signatures = 0;
    for kpi in &set.definitions {
        for side in [Role::Business, Role::Technical] {
            let owner = match side {
                Role::Business => &kpi.owners.business,
                Role::Technical => &kpi.owners.technical,
            };
            let deed = |by: &str| Governing {
                word: Word::Sign {
                    kpi: kpi.kpi.clone(),
                    definition: kpi.hash.clone(),
                    role: side,
                },
                by: by.to_owned(),
                roles: None,
                why: "as shipped".to_owned(),
            };
            if let Some(by) = cast::holders(owner).first() {
                let said = govern(common, Path::new(""), deed(by)).await;
                signatures += usize::from(matches!(said, Governed::Written(_)));
            }
        }
    }
    format!(
        "{} definitions, {signatures} signatures of the demo's people: {}",
        set.definitions.len(),
        CAST.map(|person| person.name).join(", ")
    )
}

async fn sign(
    common: &Arc<Common>,
    files: &Path,
    (kpi, definition, role): (&str, &str, Role),
    deed: &Governing,
) -> Result<Governed, Governed> {
    let known = offered(common, files, (kpi, definition)).await?;
    let (all, roles) = (&common.words.signers, roles(common, deed));
    let owner = owners::signs(&known.owners, role, (&deed.by, &roles), all);
    let owner = owner.map_err(|why| Governed::NotYours(format!("{kpi}: {why}")))?;
    let signatures = common.words.signatures(definition);
    if let Some(again) = signatures.iter().find(|s| s.by == deed.by) {
        let role = json!(again.role);
        return unfit(format!(
            "{} has signed this definition already, as {role}; two different people sign, in two roles",
            deed.by
        ));
    }
    let signature = Signature {
        role,
        owner: owner.to_owned(),
        by: deed.by.clone(),
        why: deed.why.clone(),
        at: clock::now().to_rfc3339(),
        demo: deed.roles.is_none(),
    };
    let data = json!({"kpi": kpi, "definition": definition, "signature": signature});
    write(common, SIGNED, data).await?;
    let signatures = common.words.signatures(definition);
    Ok(Governed::Written(json!({
        "kpi": kpi, "definition": definition, "state": words::state(&signatures), "signatures": signatures,
    })))
}

/// A definition that may be signed: in force, coming, proposed by somebody or by a file.
async fn offered(
    common: &Arc<Common>,
    files: &Path,
    (kpi, definition): (&str, &str),
) -> Result<Kpi, Governed> {
    let (shown, last) = (common.sets.shown(), common.sets.last());
    let now = told::of(&shown, kpi);
    let held = now.iter().cloned().chain(told::of(&last, kpi));
    if let Some(known) = held.into_iter().find(|k| k.hash == definition) {
        return Ok(known);
    }
    let wrote = common.words.proposal(definition).filter(|p| p.kpi == kpi);
    if let Some(found) = wrote {
        if found.draft {
            return Err(Governed::Unfit(format!(
                "{kpi}: {definition} is a draft of {}: it is signed once it is proposed",
                found.by
            )));
        }
        let why = || Governed::Unfit(format!("{kpi}: other definitions no longer allow it"));
        return proposals::kpi(&last, &found).ok_or_else(why);
    }
    let read = in_files(common, files).await;
    let of_files = read.as_ref().ok();
    let of_files = of_files.and_then(|c| told::named(c).find(|k| k.kpi == kpi).cloned());
    match (of_files, now) {
        (Some(found), _) if found.hash == definition => Ok(found),
        (_, Some(now)) => Err(Governed::Unfit(format!(
            "{kpi} has the definition {} by now: read it before you sign it",
            now.hash
        ))),
        (Some(found), None) => Err(Governed::Unfit(format!(
            "{kpi} is proposed by its file as {}: read it before you sign it",
            found.hash
        ))),
        (None, None) => Err(Governed::Unfit(format!("there is no KPI {kpi:?}"))),
    }
}

/// Keeps a definition that stands in no file, as a draft or as a proposal.
async fn write_down(
    common: &Arc<Common>,
    (yaml, draft): (&str, bool),
    deed: &Governing,
) -> Result<Governed, Governed> {
    let (house, text) = (Arc::clone(common), yaml.to_owned());
    let read = tokio::task::spawn_blocking(move || proposals::of_text(&house, &text)).await;
    let (kpi, _) = read.map_err(lost)?.map_err(Governed::Faults)?;
    let last = common.sets.last();
    if told::of(&last, &kpi.kpi).is_some_and(|now| now.hash == kpi.hash) {
        return unfit(format!(
            "{} is in force with this very definition: nothing to propose",
            kpi.kpi
        ));
    }
    let open = common.words.proposals();
    let same = open
        .iter()
        .find(|p| p.definition == kpi.hash && p.draft == draft);
    if let Some(same) = same {
        return unfit(format!(
            "{} has proposed this definition already: sign it, or change it",
            same.by
        ));
    }
    if open.len() >= OPEN && open.iter().all(|p| p.kpi != kpi.kpi) {
        return unfit(format!("{OPEN} proposals are open: retire some"));
    }
    let kind = if draft { DRAFTED } else { PROPOSED };
    let data = json!({
        "kpi": kpi.kpi, "definition": kpi.hash, "by": deed.by, "role": role(common, deed), "why": deed.why, "yaml": yaml,
    });
    write(common, kind, data).await?;
    Ok(answer(common, &kpi.hash))
}

/// A draft is offered to its owners.
async fn offer(
    common: &Common,
    (kpi, definition): (&str, &str),
    deed: &Governing,
) -> Result<Governed, Governed> {
    let found = common.words.proposal(definition).filter(|p| p.kpi == kpi);
    match found {
        Some(found) if found.draft => {
            let data = json!({"kpi": kpi, "definition": definition, "by": deed.by, "role": role(common, deed), "why": deed.why});
            write(common, PROPOSED, data).await?;
            Ok(answer(common, definition))
        }
        Some(_) => unfit(format!("{kpi}: {definition} is proposed already")),
        None => unfit(format!("{kpi}: there is no draft {definition}")),
    }
}

fn answer(common: &Common, definition: &str) -> Governed {
    let found = common.words.proposal(definition);
    let mut told = found.map_or(Value::Null, |found| told::proposal(common, &found));
    let home = told["home"].as_str().unwrap_or_default();
    told["next"] = format!(
        "its owners sign it; it counts once {home} says the same and the files are activated"
    )
    .into();
    Governed::Written(told)
}

/// A proposal goes; what is in force goes with a set of its own, unless somebody uses it.
async fn retire(
    common: &Arc<Common>,
    (kpi, definition): (&str, &str),
    deed: &Governing,
) -> Result<Governed, Governed> {
    let (all, roles) = (&common.words.signers, roles(common, deed));
    let somebody = (deed.by.as_str(), roles.as_slice());
    let mut data = json!({
        "kpi": kpi, "definition": definition, "by": deed.by, "role": role(common, deed), "why": deed.why,
    });
    let not_yours = |why: String| Governed::NotYours(format!("{kpi}: {why}"));
    let last = common.sets.last();
    if let Some(found) = common.words.proposal(definition).filter(|p| p.kpi == kpi) {
        // Whoever wrote it may take it back.
        if found.by != deed.by
            && let Some(known) = proposals::kpi(&last, &found)
        {
            owners::retires(&known.owners, somebody, all).map_err(not_yours)?;
        }
        write(common, RETIRED, data.clone()).await?;
        data["state"] = "retired".into();
        return Ok(Governed::Written(data));
    }
    let Some(now) = told::of(&last, kpi) else {
        return unfit(format!("there is no KPI {kpi:?}"));
    };
    if now.hash != definition {
        return unfit(format!(
            "{kpi} has the definition {} by now: read it before you retire it",
            now.hash
        ));
    }
    let owner = owners::retires(&now.owners, somebody, all).map_err(not_yours)?;
    data["role"] = owner.into();
    let used = users(&now, &last);
    if !used.is_empty() {
        let why = format!(
            "{kpi} is used by {}: take it out there first",
            used.join(", ")
        );
        return Err(Governed::Used(why, used));
    }
    let catalog = proposals::without(&last, kpi).map_err(Governed::Faults)?;
    let home = proposals::home(&last, kpi);
    let mut written = activate(common, catalog, (RETIRED, data)).await?;
    if let Governed::Written(told) = &mut written {
        told["state"] = "retired".into();
        told["next"] =
            format!("remove {home}: as long as it is there, the files propose {kpi} anew").into();
    }
    Ok(written)
}

/// What cannot do without a KPI, in words.
fn users(kpi: &Kpi, set: &crate::sets::Set) -> Vec<String> {
    let boards = set.compiled().boards.iter();
    let boards = boards.filter_map(|b| glossary::used(kpi, b)).map(|used| {
        let tiles: Vec<&str> = used.tiles.iter().map(|t| t.label.as_str()).collect();
        match (tiles.is_empty(), used.rail) {
            (false, _) => format!("board {} ({})", used.board, tiles.join(", ")),
            (true, true) => format!("board {} (its rail)", used.board),
            (true, false) => format!("board {}", used.board),
        }
    });
    let made_of = set.definitions.iter().filter(|other| match &other.formula {
        Formula::Derived { metrics, .. } => metrics.iter().any(|m| m.name == kpi.kpi),
        Formula::Simple { .. } | Formula::Ratio { .. } | Formula::Observed { .. } => false,
    });
    boards
        .chain(made_of.map(|other| format!("derived KPI {}", other.kpi)))
        .collect()
}

async fn of_files(
    common: &Arc<Common>,
    files: &Path,
    hash: &str,
    deed: &Governing,
) -> Result<Governed, Governed> {
    let catalog = in_files(common, files).await?;
    if catalog.hash != hash {
        return unfit(format!(
            "the files have hash {} by now, not {hash}: read what they propose again",
            catalog.hash
        ));
    }
    let data = json!({"by": deed.by, "role": role(common, deed), "why": deed.why});
    activate(common, catalog, (ACTIVATED, data)).await
}

async fn back(common: &Arc<Common>, set: u32, deed: &Governing) -> Result<Governed, Governed> {
    let Some(old) = common.sets.get(set) else {
        return unfit(format!("there is no set {set}"));
    };
    let catalog = load_texts(&old.catalog.texts);
    let catalog = catalog.map_err(|faults| Governed::Faults(proposals::told(faults)))?;
    let data = json!({"by": deed.by, "role": role(common, deed), "why": deed.why, "back_to": set});
    activate(common, catalog, (ACTIVATED, data)).await
}

async fn in_files(common: &Arc<Common>, files: &Path) -> Result<Catalog, Governed> {
    let (house, files): (_, PathBuf) = (Arc::clone(common), files.to_path_buf());
    let read = tokio::task::spawn_blocking(move || proposals::of_files(&house, &files)).await;
    read.map_err(lost)?.map_err(Governed::Faults)
}

/// The next set; whoever activates it says so in the act `kind`, whose data get what follows.
async fn activate(
    common: &Common,
    catalog: Catalog,
    (kind, mut data): (&str, Value),
) -> Result<Governed, Governed> {
    let last = common.sets.last();
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
    let ahead = common.set.limits.clamp_ms + AHEAD_MS;
    let from = Timestamp((clock::now().0 + ahead).div_euclid(SECOND) * SECOND + SECOND);
    data["set"] = (last.plan.number() + 1).into();
    data["hash"] = catalog.hash.as_str().into();
    data["effective_from"] = from.to_rfc3339().into();
    data["changes"] = differing(&last.catalog, &catalog).into();
    // First the definitions: an act that names them must find them.
    let written = definitions::write(common, &catalog, from).await;
    written.map_err(|error| Governed::Unavailable(error.to_string()))?;
    common.learn(catalog, from);
    write(common, kind, data.clone()).await?;
    Ok(Governed::Written(data))
}

/// Writes an act down, and takes note of it once the broker has it.
async fn write(common: &Common, kind: &str, data: Value) -> Result<(), Governed> {
    let event = Event::new(common.actions.next_id(), kind, clock::now(), data);
    let (topic, value) = (&common.topics.actions, event.bytes());
    let sent = common.producer.send_acked(topic, 0, None, &value, None);
    let sent = sent.await;
    sent.map_err(|error| Governed::Unavailable(error.to_string()))?;
    common.words.note(&event);
    Ok(())
}

/// What somebody answers for.
fn roles(common: &Common, deed: &Governing) -> Vec<String> {
    let cast = || common.words.signers.roles(&deed.by);
    deed.roles.clone().unwrap_or_else(cast)
}

/// The role that somebody is called by; empty where nobody knows them.
fn role(common: &Common, deed: &Governing) -> String {
    roles(common, deed).into_iter().next().unwrap_or_default()
}

fn unfit(words: String) -> Result<Governed, Governed> {
    Err(Governed::Unfit(words))
}

fn lost(error: tokio::task::JoinError) -> Governed {
    Governed::Unavailable(error.to_string())
}
