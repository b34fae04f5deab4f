//! In: acts about definitions, in the order of `cx.actions`. Kept: signatures by definition, proposals that are
//! open, who activated which set, the newest acts. Out: the same. Never knows: topics, what a definition means.

use crate::access::signers::Signers;
use crate::cloud::Event;
use cx_gateway::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

pub(super) const SIGNED: &str = "cx.action.definition_signed.v1";
pub(super) const DRAFTED: &str = "cx.action.definition_drafted.v1";
pub(super) const PROPOSED: &str = "cx.action.definition_proposed.v1";
pub(super) const RETIRED: &str = "cx.action.definition_retired.v1";
pub(super) const ACTIVATED: &str = "cx.action.definitions_activated.v1";
/// Signatures of one definition that are kept: more say nothing new.
const SIGNATURES: usize = 16;
/// Acts that are remembered; `cx.actions` has them all.
const LOG: usize = 2_000;
/// Proposals that are open at once.
pub(super) const OPEN: usize = 100;

/// Somebody's word that a definition is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signature {
    /// For which side.
    pub(super) role: Role,
    /// Which of the definition's owners they are.
    #[serde(rename = "as", default, skip_serializing_if = "String::is_empty")]
    pub(super) owner: String,
    pub(super) by: String,
    pub(super) why: String,
    pub(super) at: String,
    /// Nobody proved who they are: void once access control is on.
    pub(super) demo: bool,
}

/// A definition that somebody wrote beside the files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Proposal {
    pub(super) kpi: String,
    pub(super) definition: String,
    pub(super) by: String,
    #[serde(default)]
    pub(super) why: String,
    /// The file, to the letter.
    pub(super) yaml: String,
    #[serde(skip)]
    pub(super) at: String,
    /// Not offered to its owners yet.
    #[serde(skip)]
    pub(super) draft: bool,
}

/// Nothing, or every fault.
type Sound = Result<(), Vec<String>>;

#[derive(Debug, Default)]
struct Said {
    signatures: BTreeMap<String, Vec<Signature>>,
    /// By set's number: who, why, when.
    activations: BTreeMap<u64, Value>,
    /// By KPI: the last one says what its writer wants.
    proposals: BTreeMap<String, Proposal>,
    log: VecDeque<Value>,
}

/// What people have said of definitions.
#[derive(Debug)]
pub(crate) struct Words {
    said: Mutex<Said>,
    /// Who can say it. Where they prove who they are, what the cast of the open mode signed is void.
    pub(crate) signers: Signers,
    /// Whether the files' definitions of a hash are sound: pages ask again and again.
    looked: Mutex<Option<(String, Sound)>>,
    /// One act is checked and written at a time: what it was checked against holds when it is written.
    pub(super) writing: tokio::sync::Mutex<()>,
    pub(super) previewing: tokio::sync::Mutex<()>,
}

impl Words {
    pub(crate) fn of(signers: Signers) -> Self {
        Self {
            said: Mutex::default(),
            signers,
            looked: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            previewing: tokio::sync::Mutex::default(),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("no holder panics")
    }

    /// What was found about a hash, or is found now.
    pub(super) fn looked(&self, hash: &str, look: impl FnOnce() -> Sound) -> Sound {
        let mut looked = self.looked.lock().expect("no holder panics");
        match looked.as_ref().filter(|(known, _)| known == hash) {
            Some((_, sound)) => sound.clone(),
            None => looked.insert((hash.to_owned(), look())).1.clone(),
        }
    }

    /// Takes an act; those of other kinds are somebody else's.
    pub(super) fn note(&self, event: &Event<Value>) {
        let mut said = self.said();
        let data = &event.data;
        let act = match event.kind.as_str() {
            SIGNED => {
                if !self.signers.proved() || data["signature"]["demo"] == false {
                    said.sign(data);
                }
                "signed"
            }
            DRAFTED | PROPOSED => {
                let draft = event.kind == DRAFTED;
                said.propose(data, (&event.time, draft));
                if draft { "drafted" } else { "proposed" }
            }
            RETIRED => {
                said.take_back(data["definition"].as_str().unwrap_or_default());
                said.activate(data);
                if data["set"].is_u64() {
                    "retired"
                } else {
                    "took_back"
                }
            }
            ACTIVATED => {
                said.activate(data);
                if data["back_to"].is_u64() {
                    "rolled_back"
                } else {
                    "activated"
                }
            }
            _ => return,
        };
        said.remember(act, &event.time, data);
    }

    pub(super) fn signatures(&self, definition: &str) -> Vec<Signature> {
        let said = self.said();
        said.signatures.get(definition).cloned().unwrap_or_default()
    }

    /// Who activated a set, why, and when.
    pub(super) fn activation(&self, number: u32) -> Option<Value> {
        self.said().activations.get(&number.into()).cloned()
    }

    /// What is open, by KPI.
    pub(super) fn proposals(&self) -> Vec<Proposal> {
        self.said().proposals.values().cloned().collect()
    }

    /// The proposal with a definition's hash.
    pub(super) fn proposal(&self, definition: &str) -> Option<Proposal> {
        let said = self.said();
        let mut all = said.proposals.values();
        all.find(|p| p.definition == definition).cloned()
    }

    /// The acts that are remembered, the newest first; with `kpi` those about it.
    pub(super) fn log(&self, kpi: Option<&str>, most: usize) -> Vec<Value> {
        let said = self.said();
        let about = |entry: &&Value| kpi.is_none_or(|kpi| concerns(entry, kpi));
        said.log
            .iter()
            .rev()
            .filter(about)
            .take(most)
            .cloned()
            .collect()
    }
}

impl Said {
    fn sign(&mut self, data: &Value) {
        let hash = data["definition"].as_str().unwrap_or_default().to_owned();
        if let Ok(signature) = serde_json::from_value(data["signature"].clone()) {
            let all = self.signatures.entry(hash).or_default();
            if all.len() < SIGNATURES {
                all.push(signature);
            }
        }
    }

    /// Of a draft that is offered now only the hash is said again.
    fn propose(&mut self, data: &Value, (at, draft): (&str, bool)) {
        if let Ok(mut proposal) = serde_json::from_value::<Proposal>(data.clone()) {
            (proposal.at, proposal.draft) = (at.to_owned(), draft);
            if self.proposals.len() < OPEN || self.proposals.contains_key(&proposal.kpi) {
                self.proposals.insert(proposal.kpi.clone(), proposal);
            }
        } else {
            let mut all = self.proposals.values_mut();
            if let Some(known) = all.find(|p| data["definition"] == *p.definition) {
                known.draft = draft;
            }
        }
    }

    fn take_back(&mut self, definition: &str) {
        self.proposals.retain(|_, p| p.definition != definition);
    }

    fn activate(&mut self, data: &Value) {
        if let Some(number) = data["set"].as_u64() {
            self.activations.insert(number, data.clone());
        }
    }

    fn remember(&mut self, act: &str, at: &str, data: &Value) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        let signature = &data["signature"];
        let either = |a: &Value, b: &Value| if a.is_null() { b.clone() } else { a.clone() };
        let said = |name: &str| either(&data[name], &signature[name]);
        let as_whom = either(&signature["as"], &data["role"]);
        let mut entry = json!({
            "at": at, "act": act, "by": said("by"), "as": as_whom, "why": said("why"),
            "side": signature["role"], "kpi": data["kpi"], "definition": data["definition"],
            "set": data["set"], "back_to": data["back_to"], "changes": data["changes"],
        });
        if let Some(fields) = entry.as_object_mut() {
            fields.retain(|_, value| !value.is_null() && value != "");
        }
        self.log.push_back(entry);
    }
}

/// Whether an act is about a KPI, by name or by what it changed.
fn concerns(entry: &Value, kpi: &str) -> bool {
    let changes = entry["changes"].as_array().into_iter().flatten();
    let mut changes = changes.filter_map(Value::as_str);
    entry["kpi"] == kpi || changes.any(|words| about(words, kpi))
}

/// Whether a sentence of what changed is about a KPI.
pub(super) fn about(words: &str, kpi: &str) -> bool {
    let rest = words.strip_prefix(kpi);
    rest.is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(" is "))
}

/// `agreed` once two different people signed for the two sides, else `proposed`.
pub(super) fn state(signatures: &[Signature]) -> &'static str {
    let of = |role| signatures.iter().filter(move |s| s.role == role);
    let agreed = of(Role::Business).any(|b| of(Role::Technical).any(|t| t.by != b.by));
    if agreed { "agreed" } else { "proposed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cx_gateway::access::Access;
    use cx_model::time::Timestamp;
    use std::sync::Arc;

    fn words() -> Words {
        Words::of(Signers::of(&Arc::new(Access::open())))
    }

    fn act(words: &Words, kind: &str, data: Value) {
        let event = Event::new("1".to_owned(), kind, Timestamp::from_second(7), data);
        words.note(&event);
    }

    fn sign(words: &Words, definition: &str, role: &str, by: &str) {
        let signature = json!({"role": role, "by": by, "why": "", "at": "", "demo": true});
        let data = json!({"kpi": "orders", "definition": definition, "signature": signature});
        act(words, SIGNED, data);
    }

    fn wrote(words: &Words, kind: &str, definition: &str) {
        let data =
            json!({"kpi": "orders", "definition": definition, "by": "Ada", "yaml": "kpi: orders"});
        act(words, kind, data);
    }

    #[test]
    fn a_definition_is_agreed_by_two_people_for_two_sides_and_another_hash_by_nobody() {
        let words = words();
        sign(&words, "a", "business", "Ada");
        assert_eq!(state(&words.signatures("a")), "proposed");
        sign(&words, "a", "technical", "Ada");
        assert_eq!(state(&words.signatures("a")), "proposed", "one person");
        sign(&words, "a", "technical", "Ben");
        assert_eq!(state(&words.signatures("a")), "agreed");
        assert_eq!(state(&words.signatures("b")), "proposed", "any change");
    }

    #[test]
    fn a_draft_is_offered_later_and_a_later_word_about_the_kpi_takes_its_place() {
        let words = words();
        wrote(&words, DRAFTED, "a");
        assert!(words.proposal("a").expect("kept").draft);
        act(
            &words,
            PROPOSED,
            json!({"kpi": "orders", "definition": "a", "by": "Ada"}),
        );
        let offered = words.proposal("a").expect("kept");
        assert!(!offered.draft && offered.yaml == "kpi: orders");
        wrote(&words, PROPOSED, "b");
        assert!(words.proposal("a").is_none() && words.proposal("b").is_some());
        act(
            &words,
            RETIRED,
            json!({"kpi": "orders", "definition": "b", "by": "Ada"}),
        );
        assert!(words.proposals().is_empty());
        let acts: Vec<Value> = words.log(Some("orders"), 9);
        let acts: Vec<&str> = acts.iter().filter_map(|a| a["act"].as_str()).collect();
        assert_eq!(acts, ["took_back", "proposed", "proposed", "drafted"]);
    }

    #[test]
    fn an_activation_is_in_the_log_of_what_it_changed() {
        let words = words();
        let changes = json!(["orders: target goes", "orders_per_customer is new"]);
        act(
            &words,
            ACTIVATED,
            json!({"set": 2, "by": "Ada", "changes": changes}),
        );
        for (kpi, known) in [("orders", 1), ("orders_per_customer", 1), ("order", 0)] {
            assert_eq!(words.log(Some(kpi), 9).len(), known, "{kpi}");
        }
        assert_eq!(words.activation(2).expect("known")["by"], "Ada");
    }

    #[test]
    fn only_so_many_proposals_are_open_at_once() {
        let words = words();
        for i in 0..=OPEN {
            let (kpi, definition) = (format!("k{i}"), format!("{i}"));
            let data = json!({"kpi": kpi, "definition": definition, "by": "Ada", "yaml": ""});
            act(&words, PROPOSED, data);
        }
        assert_eq!(words.proposals().len(), OPEN);
    }
}
