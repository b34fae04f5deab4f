//! In: what the gateway asks. Kept: the shared parts of the running house. Out: answers.
//! Never knows: sockets.

use crate::common::{Common, Original};
use crate::people::opaque;
use crate::{actions, clock, condition, metrics, observed};
use bytes::Bytes;
use cx_catalog::Catalog;
use cx_catalog::definition::Kpi;
use cx_engine::Rollup;
use cx_gateway::{Accepted, Acted, Action, Desk, Health, Ready, Recounts, Stage};
use cx_model::decode::decode;
use cx_model::reject::{Reason, Rejected};
use cx_model::value::{Board, CellInfo, Sealed};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};

/// The running house.
pub(crate) struct House {
    pub(crate) common: Arc<Common>,
    pub(crate) rollup: Arc<Mutex<Rollup>>,
    pub(crate) boards: Vec<Arc<Board>>,
    pub(crate) kpis: Arc<Map<String, Value>>,
    pub(crate) observed: Vec<Kpi>,
    pub(crate) recounts: Arc<dyn Recounts>,
}

/// All definitions as the API shows them.
pub(crate) fn shown(catalog: &Catalog) -> Map<String, Value> {
    let one = |k: &Kpi| {
        let mut value = serde_json::to_value(k).expect("a definition is plain data");
        value["definition"] = k.hash.as_str().into();
        (k.kpi.clone(), value)
    };
    catalog
        .kpis
        .iter()
        .chain(&catalog.observed)
        .map(one)
        .collect()
}

impl House {
    fn rollup(&self) -> std::sync::MutexGuard<'_, Rollup> {
        self.rollup.lock().expect("no holder panics")
    }

    fn seal_age(&self) -> Option<i64> {
        self.rollup().newest().map(|s| clock::now().second() - s.s)
    }
}

impl Desk for House {
    fn boards(&self) -> Vec<Arc<Board>> {
        self.boards.clone()
    }

    fn newest(&self) -> Option<Sealed> {
        self.rollup().newest().cloned()
    }

    fn sealed_at(&self, s: i64) -> Option<Sealed> {
        self.rollup().sealed_at(s).cloned()
    }

    fn trend(&self, cells: &[usize]) -> (Vec<i64>, Vec<Vec<Option<i64>>>) {
        self.rollup().trend(cells)
    }

    fn cells(&self) -> &[CellInfo] {
        &self.common.set.cells
    }

    fn observed(&self, kpi: &str) -> Option<Option<i64>> {
        let kpi = self.observed.iter().find(|k| k.kpi == kpi)?;
        let common = &self.common;
        Some(observed::value(
            kpi,
            &common.screen,
            &common.ledger,
            clock::now(),
        ))
    }

    fn kpis(&self) -> Arc<Map<String, Value>> {
        Arc::clone(&self.kpis)
    }

    fn health(&self) -> Health {
        condition::health(&self.common, &self.rollup())
    }

    fn ready(&self) -> Ready {
        condition::ready(&self.common, self.seal_age())
    }

    fn metrics(&self) -> String {
        metrics::text(&self.common, self.newest().as_ref())
    }

    fn now_ms(&self) -> i64 {
        clock::now().0
    }

    fn broker(&self) -> &'static str {
        condition::broker(&self.common)
    }

    fn customer_id(&self, name: &str) -> String {
        opaque(self.common.secrets.hash_key.hash(&[name]))
    }

    fn customer(&self, id: &str) -> Option<Value> {
        self.common.people.show(id, &self.common.set.channels)
    }

    fn stage(&self) -> Option<Arc<dyn Stage>> {
        self.common.stage.get().cloned()
    }

    fn recounts(&self) -> Option<Arc<dyn Recounts>> {
        Some(Arc::clone(&self.recounts))
    }

    fn ingest(&self, events: Vec<Bytes>) -> BoxFuture<'static, Vec<Accepted>> {
        let all = events
            .into_iter()
            .map(|e| take(Arc::clone(&self.common), e));
        Box::pin(join_all(all.collect::<Vec<_>>()))
    }

    fn act(&self, action: Action) -> BoxFuture<'static, Acted> {
        let common = Arc::clone(&self.common);
        Box::pin(async move { actions::act(&common, action).await })
    }
}

/// Validates one event and writes it to its customer's partition; a refused one is put aside.
async fn take(common: Arc<Common>, bytes: Bytes) -> Accepted {
    let partition = match valid(&common, &bytes) {
        Ok(partition) => partition,
        Err(rejected) => {
            let original = Original {
                value: &bytes,
                ..Original::default()
            };
            let put = common.dead_letter(&original, &rejected, "http", clock::now());
            return match put {
                Ok(()) => Accepted::Refused(rejected),
                Err(full) => Accepted::Unavailable(full.to_string()),
            };
        }
    };
    let stamp = Some(clock::now().0);
    let key = partition.key.as_deref().map(str::as_bytes);
    let topic = &common.topics.interactions;
    let sent = common
        .producer
        .send_acked(topic, partition.number, key, &bytes, stamp);
    match sent.await {
        Ok(_) => Accepted::Yes,
        Err(error) => Accepted::Unavailable(error.to_string()),
    }
}

/// Where an event goes.
struct Place {
    number: u32,
    key: Option<String>,
}

fn valid(common: &Common, bytes: &[u8]) -> Result<Place, Rejected> {
    let event = decode(bytes, &common.set.slots, &common.set.limits)?;
    let now = clock::now();
    if event
        .time
        .is_some_and(|t| t.since(now) > common.set.limits.future_ms)
    {
        let detail = "time is more than an hour ahead: set the sender's clock";
        return Err(Rejected::new(Reason::Future, "time", detail));
    }
    let subject = event.subject.as_deref();
    Ok(Place {
        number: common.home(subject, &event.id),
        key: subject.map(str::to_owned),
    })
}
