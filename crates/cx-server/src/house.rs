//! In: what the gateway asks. Kept: the shared parts of the running house. Out: answers.
//! Never knows: sockets.

use crate::clock;
use crate::common::{Common, Original};
use crate::examples::decimal;
use crate::observed;
use crate::people::opaque;
use bytes::Bytes;
use cx_catalog::Catalog;
use cx_catalog::definition::Kpi;
use cx_engine::Rollup;
use cx_gateway::{Accepted, Desk, Health, Ready, Stage};
use cx_model::decode::decode;
use cx_model::reject::{Reason, Rejected};
use cx_model::value::{Board, CellInfo, Sealed};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

const EMBEDDED: &str = "embedded demo broker, in memory only: nothing is kept across restarts";
const KAFKA: &str = "Apache Kafka; a restart reads the log again from its first record";
/// How old the newest sealed second may be for the house to be ready, s.
const FRESH_S: i64 = 5;

/// The running house.
pub(crate) struct House {
    pub(crate) common: Arc<Common>,
    pub(crate) rollup: Arc<Mutex<Rollup>>,
    pub(crate) boards: Vec<Arc<Board>>,
    pub(crate) kpis: Arc<Map<String, Value>>,
    pub(crate) observed: Vec<Kpi>,
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
        let noted = self.common.ledger.read();
        let mut unregistered: Map<String, Value> = Map::new();
        for n in noted.values() {
            for (kind, names) in &n.account.unregistered {
                let entry = unregistered.entry(&**kind).or_insert_with(|| json!({}));
                for (name, count) in names {
                    let sum = entry[name.as_str()].as_i64().unwrap_or(0) + count;
                    entry[name.as_str()] = sum.into();
                }
            }
        }
        let partitions = noted.iter().map(|(p, n)| {
            let a = &n.account;
            json!({
                "partition": p, "start": a.start, "next": a.next, "applied": a.applied,
                "duplicates": a.duplicates, "late": a.late, "dead_lettered": a.dead_lettered,
                "control": a.control, "gaps": a.gaps, "holds": a.holds(),
                "log_time": n.log_time.map(|t| t.to_rfc3339()),
                "customers": n.customers, "contacts": n.contacts,
                "cel_errors": a.cel_errors, "limited": a.limited,
            })
        });
        let rollup = self.rollup();
        Health {
            status: "ok",
            broker: self.broker(),
            broker_note: if self.common.embedded {
                EMBEDDED
            } else {
                KAFKA
            },
            sealed: rollup.newest().map(|s| s.s),
            waiting_for: rollup.waiting_for(),
            partitions: partitions.collect(),
            dead_letters: json!(self.common.ledger.reasons()),
            unregistered: Value::Object(unregistered),
        }
    }

    fn ready(&self) -> Ready {
        if !self.common.live.load(Ordering::Acquire) {
            return Ready {
                ready: false,
                why: "history is being folded".to_owned(),
            };
        }
        match self.seal_age() {
            None => Ready {
                ready: false,
                why: format!(
                    "no second is sealed yet; {}",
                    self.common.ledger.reach().words()
                ),
            },
            Some(age) if age > FRESH_S => Ready {
                ready: false,
                why: format!(
                    "the newest sealed second is {age} s old; {}",
                    self.common.ledger.reach().words()
                ),
            },
            Some(_) => Ready {
                ready: true,
                why: "current numbers are served".to_owned(),
            },
        }
    }

    fn metrics(&self) -> String {
        let mut out = String::new();
        let noted = self.common.ledger.read();
        type Pick = fn(&cx_engine::Account) -> i64;
        let rows: [(&str, Pick); 8] = [
            ("records_applied", |a| a.applied),
            ("records_duplicate", |a| a.duplicates),
            ("records_late", |a| a.late),
            ("records_dead_lettered", |a| a.dead_lettered),
            ("records_control", |a| a.control),
            ("records_gap", |a| a.gaps),
            ("replies_breached", |a| a.breached),
            ("replies_met_after_all", |a| a.met),
        ];
        for (name, pick) in rows {
            let written = writeln!(out, "# TYPE watchfloor_{name} counter");
            written.expect("writing to a string cannot fail");
            for (p, n) in &noted {
                let value = pick(&n.account);
                writeln!(out, "watchfloor_{name}_total{{partition=\"{p}\"}} {value}")
                    .expect("writing to a string cannot fail");
            }
        }
        // What was not measured yet is absent, not zero.
        let screen = self.common.screen.age(clock::now());
        let screen = screen.map(|ms| decimal(ms, 3));
        let lag = self.common.ledger.lag().map(|n| n.to_string());
        for (name, value) in [
            ("event_to_screen_seconds", screen),
            ("consumer_lag_records", lag),
        ] {
            if let Some(value) = value {
                writeln!(
                    out,
                    "# TYPE watchfloor_{name} gauge\nwatchfloor_{name} {value}"
                )
                .expect("writing to a string cannot fail");
            }
        }
        let age = self.seal_age().unwrap_or(-1);
        writeln!(
            out,
            "# TYPE watchfloor_sealed_age_seconds gauge\nwatchfloor_sealed_age_seconds {age}"
        )
        .expect("writing to a string cannot fail");
        out
    }

    fn now_ms(&self) -> i64 {
        clock::now().0
    }

    fn broker(&self) -> &'static str {
        if self.common.embedded {
            "embedded"
        } else {
            "kafka"
        }
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

    fn ingest(&self, events: Vec<Bytes>) -> BoxFuture<'static, Vec<Accepted>> {
        let all = events
            .into_iter()
            .map(|e| take(Arc::clone(&self.common), e));
        Box::pin(join_all(all.collect::<Vec<_>>()))
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
