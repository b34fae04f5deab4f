//! In: what the gateway asks. Kept: the shared parts of the running house. Out: answers.
//! Never knows: sockets.

use crate::common::{Common, Original};
use crate::people::opaque;
use crate::{actions, clock, condition, governing, metrics, observed, past, samples, why};
use bytes::Bytes;
use cx_catalog::definition::{Formula, Kpi};
use cx_catalog::did_you_mean;
use cx_engine::Rollup;
use cx_gateway::alerts::AlertPage;
use cx_gateway::{
    Accepted, Acted, Action, Desk, Doubt, Finals, Governed, Governing, Health, Kept, Lineage, Past,
    Ready, Recounts, Span, Stage, Trend,
};
use cx_model::decode::decode;
use cx_model::frame::WireParts;
use cx_model::reject::{Reason, Rejected};
use cx_model::value::{Board, CellInfo, Sealed};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Most names that a hint lists.
const NAMED: usize = 40;

/// The running house.
pub(crate) struct House {
    pub(crate) common: Arc<Common>,
    pub(crate) rollup: Arc<Mutex<Rollup>>,
    /// The folder of the catalogue.
    pub(crate) files: PathBuf,
    /// Places for looks back into the log.
    pub(crate) looks: Arc<Semaphore>,
    pub(crate) recounts: Arc<dyn Recounts>,
}

impl House {
    fn rollup(&self) -> std::sync::MutexGuard<'_, Rollup> {
        self.rollup.lock().expect("no holder panics")
    }

    fn definition(&self, kpi: &str) -> Option<Kpi> {
        let set = self.common.sets.shown();
        set.definitions.iter().find(|k| k.kpi == kpi).cloned()
    }

    fn seal_age(&self) -> Option<i64> {
        self.rollup().newest().map(|s| clock::now().second() - s.s)
    }
}

impl Desk for House {
    fn boards(&self) -> Vec<Arc<Board>> {
        self.common.sets.shown().boards.clone()
    }

    fn newest(&self) -> Option<Sealed> {
        let rollup = self.rollup();
        let newest = rollup.newest()?.clone();
        Some(self.common.sets.widen(rollup.set().number, newest))
    }

    fn sealed_at(&self, s: i64) -> Option<Sealed> {
        let rollup = self.rollup();
        let (set, sealed) = (rollup.set_at(s)?.number, rollup.sealed_at(s)?.clone());
        Some(self.common.sets.widen(set, sealed))
    }

    fn past(&self, s: i64) -> BoxFuture<'static, Result<Option<Past>, String>> {
        let common = Arc::clone(&self.common);
        Box::pin(async move { past::minute(&common, s).await })
    }

    fn trend(&self, cells: Vec<usize>, span: Option<Span>) -> BoxFuture<'static, Trend> {
        let common = Arc::clone(&self.common);
        Box::pin(async move { past::trend(&common, cells, span).await })
    }

    fn finals(&self, asked: Finals) -> BoxFuture<'static, Vec<Vec<Option<WireParts>>>> {
        let common = Arc::clone(&self.common);
        Box::pin(async move { past::finals(&common, asked).await })
    }

    fn kept(&self) -> Kept {
        let seconds = {
            let rollup = self.rollup();
            rollup
                .oldest()
                .zip(rollup.newest())
                .map(|(a, b)| (a.s, b.s))
        };
        past::kept(&self.common, seconds)
    }

    fn nearest(&self, s: i64) -> Option<i64> {
        let second = self.rollup().nearest(s);
        let minute = self.common.history.nearest(s);
        let both = [second, minute].into_iter().flatten();
        both.min_by_key(|found| found.abs_diff(s))
    }

    fn cells(&self) -> Arc<[CellInfo]> {
        self.common.sets.cells()
    }

    fn retired(&self, cell: usize) -> bool {
        self.common.sets.retired(cell)
    }

    fn definitions(&self) -> Value {
        governing::shown(&self.common, &self.files)
    }

    fn governed(&self, kpi: &str) -> Value {
        governing::governed(&self.common, kpi)
    }

    fn states(&self) -> BTreeMap<String, &'static str> {
        governing::states(&self.common)
    }

    fn proposal(&self, definition: &str) -> Option<Value> {
        governing::proposal(&self.common, definition)
    }

    fn preview(&self, definition: Option<String>) -> BoxFuture<'static, Governed> {
        let (common, files) = (Arc::clone(&self.common), self.files.clone());
        let newest = {
            let rollup = self.rollup();
            let newest = rollup.newest().cloned();
            newest.map(|sealed| (Arc::clone(rollup.set()), sealed))
        };
        Box::pin(async move { governing::preview(&common, (&files, definition), newest).await })
    }

    fn govern(&self, deed: Governing) -> BoxFuture<'static, Governed> {
        let (common, files) = (Arc::clone(&self.common), self.files.clone());
        Box::pin(async move { governing::govern(&common, &files, deed).await })
    }

    fn observed(&self, kpi: &str) -> Option<Option<i64>> {
        let kpi = self.definition(kpi)?;
        if !matches!(kpi.formula, Formula::Observed { .. }) {
            return None;
        }
        let common = &self.common;
        Some(observed::value(
            &kpi,
            &common.screen,
            &common.ledger,
            clock::now(),
        ))
    }

    fn kpis(&self) -> Arc<Map<String, Value>> {
        Arc::clone(&self.common.sets.shown().kpis)
    }

    fn file(&self, kpi: &str) -> Option<String> {
        self.definition(kpi).map(|k| k.text)
    }

    fn instead(&self, name: &str, known: &[&str]) -> String {
        let hint = did_you_mean(name, known.iter().copied());
        if known.len() > NAMED && hint.starts_with("known are") {
            return format!(
                "{}, \u{2026}",
                did_you_mean(name, known[..NAMED].iter().copied())
            );
        }
        hint
    }

    fn why(&self, doubt: Doubt) -> BoxFuture<'static, Lineage> {
        let common = Arc::clone(&self.common);
        let counts = self.rollup().counts_at(doubt.sealed.s);
        let now = clock::now();
        // A place among all cells is one of all sets: at least one has it.
        let narrow = common.sets.narrow(doubt.cell, &doubt.sealed);
        let (set, cell, sealed) = narrow.unwrap_or_else(|| {
            let set = common.sets.shown();
            let sealed = set.narrowed(&doubt.sealed);
            (set, 0, sealed)
        });
        let doubt = Doubt { cell, sealed };
        let mut lineage = why::lineage(
            set.compiled(),
            &set.definitions,
            &doubt,
            counts.as_deref(),
            now,
        );
        let looks = Arc::clone(&self.looks);
        Box::pin(async move {
            lineage.samples = samples::find(common, looks, (set, doubt)).await;
            lineage
        })
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

    fn alerts(&self, all: bool) -> AlertPage {
        let cast = self.common.words.signers.cast();
        let webhooks = &self.common.webhooks;
        let reaches = |to: &str| webhooks.reaches(to);
        self.common.alerts.page(all, cast, reaches)
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
