//! In: what a command decided at the start. Kept: what all threads of the house share.
//! Out: control records and dead letters to Kafka. Never knows: KPIs, screens.

use crate::access::signers::Signers;
use crate::actions::Actions;
use crate::alerts::Alerts;
use crate::clock;
use crate::governing::Words;
use crate::history::kept::History;
use crate::keyring::Keyring;
use crate::ledger::Ledger;
use crate::memory::Memory;
use crate::moments::Rhythm;
use crate::observed::Screen;
use crate::outputs::Outputs;
use crate::pace::Pace;
use crate::people::Directory;
use crate::revival::Revival;
use crate::sets::Sets;
use crate::snapshots::kept::Snapshots;
use crate::tape::Tape;
use crate::webhook::{Receiver, Webhooks};
use cx_catalog::Catalog;
use cx_catalog::compiled::Compiled;
use cx_engine::Rollup;
use cx_gateway::access::Access;
use cx_kafka::{ClientSettings, Full, Producer};
use cx_model::control::Control;
use cx_model::ids::{HashKey, partition_of};
use cx_model::record::TimestampKind;
use cx_model::reject::Rejected;
use cx_model::time::Timestamp;
use cx_model::vocabulary::{
    HEADER_CONTROL, TOPIC_ACTIONS, TOPIC_ALERTS, TOPIC_DEAD_LETTERS, TOPIC_DECISIONS,
    TOPIC_DEFINITIONS, TOPIC_INTERACTIONS,
};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The topics of one installation: agreed names behind its prefix.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    pub(crate) interactions: String,
    pub(crate) dead_letters: String,
    pub(crate) definitions: String,
    pub(crate) actions: String,
    pub(crate) decisions: String,
    pub(crate) alerts: String,
}

impl Topics {
    pub(crate) fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            interactions: named(TOPIC_INTERACTIONS),
            dead_letters: named(TOPIC_DEAD_LETTERS),
            definitions: named(TOPIC_DEFINITIONS),
            actions: named(TOPIC_ACTIONS),
            decisions: named(TOPIC_DECISIONS),
            alerts: named(TOPIC_ALERTS),
        }
    }
}

impl Topics {
    /// All of them.
    pub(crate) fn all(&self) -> [&str; 6] {
        [
            &self.interactions,
            &self.dead_letters,
            &self.definitions,
            &self.actions,
            &self.decisions,
            &self.alerts,
        ]
    }
}

/// The secrets of one installation.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Keys of control records.
    pub(crate) keys: Keyring,
    /// The one that signs.
    pub(crate) key_id: String,
    /// Key of the hashes that stand for customers.
    pub(crate) hash_key: HashKey,
}

/// What all threads share.
pub(crate) struct Common {
    /// Who may do what.
    pub(crate) access: Arc<Access>,
    /// Set 1: limits, channels and sources are its for ever.
    pub(crate) set: Arc<Compiled>,
    pub(crate) sets: Sets,
    pub(crate) topics: Topics,
    pub(crate) partitions: u32,
    /// Who stamps the records of `cx.interactions`.
    pub(crate) stamps: TimestampKind,
    pub(crate) settings: ClientSettings,
    /// Of what people, definitions and clocks say.
    pub(crate) producer: Producer,
    /// Of what follows from records: decisions and dead letters.
    pub(crate) effects: Producer,
    pub(crate) secrets: Secrets,
    pub(crate) embedded: bool,
    /// The whole log, where the broker does not keep it.
    pub(crate) tape: Option<Tape>,
    /// `None`: the broker keeps nothing either.
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) history: History,
    pub(crate) actions: Actions,
    pub(crate) words: Words,
    pub(crate) alerts: Alerts,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) outputs: Outputs,
    pub(crate) memory: Memory,
    pub(crate) revival: Revival,
    /// How often somebody looks at live values.
    pub(crate) rhythm: Rhythm,
    /// When this life of the house began.
    pub(crate) begun: Timestamp,
    /// Control records may be written: whoever writes history has written it in full.
    pub(crate) live: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) ledger: Ledger,
    pub(crate) pace: Pace,
    pub(crate) people: Directory,
    pub(crate) screen: Screen,
    /// Set once where the house is a demo.
    pub(crate) stage: OnceLock<Arc<dyn cx_gateway::Stage>>,
}

/// What a refused record held.
#[derive(Default)]
pub(crate) struct Original<'o> {
    pub(crate) key: Option<&'o [u8]>,
    pub(crate) value: &'o [u8],
    /// Those that say what the value is.
    pub(crate) headers: Vec<(&'o str, &'o [u8])>,
}

/// What is known of the place a record is put.
pub(crate) struct Foundation {
    /// Set 1.
    pub(crate) catalog: Catalog,
    pub(crate) topics: Topics,
    pub(crate) partitions: u32,
    pub(crate) stamps: TimestampKind,
    pub(crate) settings: ClientSettings,
    pub(crate) secrets: Secrets,
    pub(crate) embedded: bool,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) history: History,
    /// Whom alerts tell.
    pub(crate) receivers: BTreeMap<String, Option<Receiver>>,
    /// What the process may use, MiB; 0 for all there is.
    pub(crate) memory_mib: u64,
    /// Who may do what.
    pub(crate) access: Arc<Access>,
}

impl Common {
    /// # Errors
    /// A producer that librdkafka refuses.
    pub(crate) fn open(foundation: Foundation) -> anyhow::Result<Self> {
        let partitions = foundation.partitions;
        let topic = &foundation.topics.interactions;
        let tape = foundation.embedded.then(|| Tape::new(topic, partitions));
        let sets = Sets::new(foundation.catalog);
        Ok(Self {
            set: Arc::clone(sets.last().compiled()),
            sets,
            tape,
            producer: Producer::open(&foundation.settings)?,
            effects: Producer::open_patient(&foundation.settings)?,
            topics: foundation.topics,
            partitions,
            stamps: foundation.stamps,
            settings: foundation.settings,
            secrets: foundation.secrets,
            embedded: foundation.embedded,
            snapshots: foundation.snapshots,
            history: foundation.history,
            actions: Actions::default(),
            words: Words::of(Signers::of(&foundation.access)),
            access: foundation.access,
            alerts: Alerts::default(),
            webhooks: Arc::new(Webhooks::new(foundation.receivers)),
            outputs: Outputs::default(),
            revival: Revival::default(),
            rhythm: Rhythm::default(),
            memory: Memory::new(foundation.memory_mib),
            begun: clock::now(),
            live: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            ledger: Ledger::new(partitions),
            pace: Pace::new(partitions),
            people: Directory::default(),
            screen: Screen::default(),
            stage: OnceLock::new(),
        })
    }

    /// Knows one more set.
    pub(crate) fn learn(&self, catalog: Catalog, from: Timestamp) {
        let set = self.sets.add(catalog, from);
        self.history.grow(&set.compiled().hash, &self.sets.cells());
    }

    /// A roll-up that has seen nothing and knows all sets.
    pub(crate) fn rollup(&self) -> Rollup {
        let mut rollup = Rollup::new(Arc::clone(&self.set), self.partitions);
        self.sets.plans().iter().for_each(|plan| rollup.learn(plan));
        rollup
    }

    /// Where an event belongs: with its customer; without one, where its repeats would go.
    pub(crate) fn home(&self, subject: Option<&str>, id: &str) -> u32 {
        partition_of(subject.unwrap_or(id), self.partitions)
    }

    /// Signs and writes a control record; false where Kafka's queue is full.
    pub(crate) fn control(&self, partition: u32, control: &Control, at: Timestamp) -> bool {
        let topic = &self.topics.interactions;
        let place = (topic.as_str(), partition, self.stamps);
        let secrets = &self.secrets;
        let signed = secrets.keys.sign(&secrets.key_id, place, control, at);
        let signed = signed.expect("the signing key is in the ring");
        let headers = [(HEADER_CONTROL, signed.header.as_bytes())];
        let stamp = Some(signed.timestamp.0);
        let sent = self
            .producer
            .send(topic, Some(partition), None, &signed.value, &headers, stamp);
        sent.is_ok()
    }

    /// Writes original bytes aside, with why and from where in the headers.
    ///
    /// # Errors
    /// [`Full`]: nothing was written, try again.
    pub(crate) fn dead_letter(
        &self,
        original: &Original<'_>,
        rejected: &Rejected,
        origin: &str,
        at: Timestamp,
    ) -> Result<(), Full> {
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("cx-reason", rejected.reason.name().as_bytes()),
            ("cx-place", rejected.place.as_bytes()),
            ("cx-detail", rejected.detail.as_bytes()),
            ("cx-origin", origin.as_bytes()),
        ];
        headers.extend(&original.headers);
        let (topic, stamp) = (&self.topics.dead_letters, Some(at.0));
        let Original { key, value, .. } = *original;
        self.effects
            .send(topic, Some(0), key, value, &headers, stamp)
    }
}
