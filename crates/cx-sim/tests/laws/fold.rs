//! Runs logs through real engines and the roll-up. In: logs. Kept: nothing. Out: sealed seconds.
//! Never knows: what they should say.

use crate::world::Logs;
use cx_catalog::calendar::ReplyTarget;
use cx_catalog::compiled::Compiled;
use cx_catalog::{Catalog, load};
use cx_engine::{Config, Content, Decision, Delivery, Effect, Engine, Plan, Rollup, Step};
use cx_model::decode::decode;
use cx_model::ids::HashKey;
use cx_model::limits::Limits;
use cx_model::value::Sealed;
use cx_sim::slow::LogRecord;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Key of all hashes in the laws.
pub(crate) const KEY: HashKey = HashKey(7, 9);

/// The shipped catalogue, with replies due so soon that small worlds miss some.
pub(crate) fn catalog() -> Catalog {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    let mut catalog = load(&dir).unwrap_or_else(|f| panic!("{}", f[0]));
    catalog.reply_targets = [("chat", 7), ("web", 40), ("voice_call", 2_000)]
        .map(|(channel, seconds)| (channel.to_owned(), ReplyTarget::from(seconds)))
        .into();
    catalog
}

/// A set without KPIs, for laws that read none.
pub(crate) fn lean(catalog: &Catalog, limits: Limits) -> Arc<Compiled> {
    let mut set = catalog.compile(1);
    set.limits = limits;
    set.kpis.clear();
    set.order.clear();
    set.measures.clear();
    set.cells.clear();
    set.boards.clear();
    Arc::new(set)
}

/// Folds logs; the decisions of every partition in order, and its engine.
pub(crate) fn decisions(
    set: &Arc<Compiled>,
    logs: &Logs,
    step: Step,
) -> Vec<(Vec<Decision>, Engine)> {
    let partitions = u32::try_from(logs.len()).expect("few");
    let folded = (0_u32..).zip(logs).map(|(p, log)| {
        let mut engine = engine(set, p, partitions);
        engine.set_step(step);
        let mut decisions = Vec::new();
        for (offset, record) in (0_i64..).zip(log) {
            deliver(&mut engine, set, offset, record);
            while let Some(effect) = engine.next_effect() {
                if let Effect::Decision(decision) = effect {
                    decisions.push(decision);
                }
            }
        }
        (decisions, engine)
    });
    folded.collect()
}

/// Folds logs; every sealed second and the engines.
pub(crate) fn fold(
    catalog: &Catalog,
    logs: &Logs,
    step: Step,
) -> (BTreeMap<i64, Sealed>, Vec<Engine>) {
    let set = Arc::new(catalog.compile(1));
    let partitions = u32::try_from(logs.len()).expect("few");
    let mut rollup = Rollup::new(Arc::clone(&set), partitions);
    let mut engines = Vec::new();
    let mut parts = Vec::new();
    for (p, log) in (0_u32..).zip(logs) {
        let mut engine = engine(&set, p, partitions);
        engine.set_step(step);
        for (offset, record) in (0_i64..).zip(log) {
            deliver(&mut engine, &set, offset, record);
            while let Some(effect) = engine.next_effect() {
                if let Effect::Part(part) = effect {
                    parts.push(part);
                }
            }
        }
        engines.push(engine);
    }
    parts.sort_by_key(|p| p.s);
    let sealed = parts.into_iter().filter_map(|p| rollup.handle_part(p));
    (sealed.map(|s| (s.s, s)).collect(), engines)
}

/// Several sets, one after the other.
pub(crate) struct Sets {
    plans: Vec<Arc<Plan>>,
}

impl Sets {
    pub(crate) fn of(catalogs: &[Catalog]) -> Self {
        let mut plans: Vec<Arc<Plan>> = Vec::new();
        for (number, catalog) in (1..).zip(catalogs) {
            let plan = match plans.last() {
                None => Plan::new(Arc::new(catalog.compile(number))),
                Some(before) => {
                    let slots = before.set().slots.clone();
                    Plan::after(before, Arc::new(catalog.compile_after(number, slots)))
                }
            };
            plans.push(Arc::new(plan));
        }
        Self { plans }
    }

    pub(crate) fn plans(&self) -> &[Arc<Plan>] {
        &self.plans
    }

    pub(crate) fn plan(&self, number: u32) -> &Plan {
        &self.plans[number as usize - 1]
    }

    /// The last one, by whose slots events of all are decoded.
    pub(crate) fn last(&self) -> &Compiled {
        self.plans.last().expect("at least one").set()
    }

    pub(crate) fn config(&self, partition: u32, partitions: u32) -> Config {
        Config {
            partition,
            partitions,
            start_offset: 0,
            gaps_are_losses: false,
            hash_key: KEY,
        }
    }

    pub(crate) fn teach(&self, engine: &mut Engine) {
        self.plans.iter().for_each(|plan| engine.learn(plan));
    }

    /// An engine that has seen nothing and was told of all sets.
    pub(crate) fn engine(&self, partition: u32, partitions: u32) -> Engine {
        let config = self.config(partition, partitions);
        let mut engine = Engine::new(config, Arc::clone(&self.plans[0]));
        self.teach(&mut engine);
        engine
    }
}

/// Folds logs in which sets are activated; every sealed second with the number of its set.
pub(crate) fn fold_sets(
    sets: &Sets,
    logs: &Logs,
    step: Step,
) -> (BTreeMap<i64, (u32, Sealed)>, Vec<Engine>) {
    let partitions = u32::try_from(logs.len()).expect("few");
    let mut rollup = Rollup::new(Arc::clone(sets.plan(1).set()), partitions);
    sets.plans().iter().for_each(|plan| rollup.learn(plan));
    let (mut engines, mut parts) = (Vec::new(), Vec::new());
    for (p, log) in (0_u32..).zip(logs) {
        let mut engine = sets.engine(p, partitions);
        engine.set_step(step);
        for (offset, record) in (0_i64..).zip(log) {
            deliver(&mut engine, sets.last(), offset, record);
            while let Some(effect) = engine.next_effect() {
                if let Effect::Part(part) = effect {
                    parts.push(part);
                }
            }
        }
        engines.push(engine);
    }
    parts.sort_by_key(|p| p.s);
    let mut sealed = BTreeMap::new();
    for part in parts {
        if let Some(one) = rollup.handle_part(part) {
            sealed.insert(one.s, (rollup.set().number, one));
        }
    }
    (sealed, engines)
}

/// An engine that has seen nothing.
pub(crate) fn engine(set: &Arc<Compiled>, partition: u32, partitions: u32) -> Engine {
    let config = Config {
        partition,
        partitions,
        start_offset: 0,
        gaps_are_losses: false,
        hash_key: KEY,
    };
    Engine::new(config, Arc::new(Plan::new(Arc::clone(set))))
}

/// Hands one record in.
pub(crate) fn deliver(engine: &mut Engine, set: &Compiled, offset: i64, record: &LogRecord) {
    let decoded;
    let content = match &record.control {
        Some(control) => Content::Control(control.clone()),
        None => {
            decoded = decode(&record.value, &set.slots, &set.limits);
            match &decoded {
                Ok(event) => Content::Event(event),
                Err(rejected) => Content::Rejected(rejected.clone()),
            }
        }
    };
    engine.handle_record(&Delivery {
        offset,
        timestamp: record.timestamp,
        timestamp_kind: record.timestamp_kind,
        content,
    });
}

/// The shown values of every sealed second.
pub(crate) fn values(sealed: &BTreeMap<i64, Sealed>) -> BTreeMap<i64, Vec<Option<i64>>> {
    sealed
        .iter()
        .map(|(s, v)| (*s, v.values.iter().map(|c| c.value).collect()))
        .collect()
}
