//! A gateway on a free port, a house fed by hand, and a plain HTTP client.

use crate::contract;
use crate::minutes;
use crate::theatre::Theatre;
use bytes::Bytes;
use cx_gateway::{
    Accepted, Acted, Action, Config, DataGap, Deed, Desk, Doubt, Finals, Freshness, Gateway,
    Health, Hub, Kept, Limits, Lineage, Partition, Parts, Past, Ready, Recounts, Recovering,
    Samples, Span, Stage, Trend, bind,
};
use cx_model::frame::WireParts;
use cx_model::reject::{Reason, Rejected};
use cx_model::value::{Board, CellInfo, CellKey, CellValue, Layout, Rail, Sealed, Tile};
use cx_model::window::Window;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub(crate) const EPOCH: &str = "7f3a91";

pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Arc<Hub>,
    pub(crate) house: Arc<House>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct House {
    boards: Vec<Arc<Board>>,
    sealed: Mutex<Vec<Sealed>>,
    pub(crate) taken: Mutex<Vec<Bytes>>,
    pub(crate) acts: Mutex<Vec<Action>>,
    pub(crate) away: AtomicBool,
    /// Questions wait for it while `slow` is set.
    pub(crate) told: Arc<Notify>,
    pub(crate) slow: AtomicBool,
    /// What stands beside its numbers.
    pub(crate) recovering: Mutex<Option<Recovering>>,
    pub(crate) gaps: Mutex<Vec<DataGap>>,
    /// Set where the house is a demo.
    pub(crate) theatre: Mutex<Option<Arc<Theatre>>>,
    pub(crate) recounts: Mutex<Option<Arc<dyn Recounts>>>,
}

/// A board of `n` counts; the cell with id 1 has a tile and a target.
pub(crate) fn board(name: &str, n: usize) -> Arc<Board> {
    let cell = |i: usize| CellInfo {
        key: CellKey {
            kpi: "waiting".into(),
            definition: "b".repeat(64).into(),
            window: Window::Now,
            dims: BTreeMap::from([("queue".to_owned(), format!("q{i}"))]),
        },
        unit: "count".into(),
        scale: 0,
        target: (i == 0).then_some(10),
        direction: "down",
        business_name: "Waiting".into(),
        meaning: "Contacts that wait.".into(),
        kind: "simple",
    };
    let tile = Tile {
        label: "Waiting".to_owned(),
        cell: 1,
        foot: "target 10".to_owned(),
        range: [0, 100],
        sources: Vec::new(),
    };
    Arc::new(Board {
        name: name.to_owned(),
        title: format!("{name} wall"),
        zone: "Europe/Warsaw".to_owned(),
        cells: (0..n).map(cell).collect(),
        source_index: (0..n).collect(),
        layout: Layout {
            tiles: vec![tile],
            rail: Rail::default(),
        },
    })
}

pub(crate) fn sealed(s: i64, values: &[i64]) -> Sealed {
    let value = |v: &i64| CellValue {
        value: Some(*v),
        numerator: *v,
        n: *v,
        ..CellValue::default()
    };
    Sealed {
        s,
        sealed: true,
        offsets: Arc::new([10, 20]),
        values: values.iter().map(value).collect(),
        final_through: s - 120,
        waiting_for: Vec::new(),
    }
}

fn lineage(info: &CellInfo, doubt: &Doubt) -> Lineage {
    let value = doubt.sealed.values[doubt.cell];
    let offsets = (0..).zip(doubt.sealed.offsets.iter());
    Lineage {
        kpi: info.key.kpi.to_string(),
        business_name: info.business_name.to_string(),
        definition: info.key.definition.to_string(),
        window: info.key.window.name().to_owned(),
        dims: info.key.dims.clone(),
        unit: info.unit.to_string(),
        scale: info.scale,
        s: doubt.sealed.s,
        value: value.value,
        shown: String::new(),
        state: value.state,
        parts: Parts {
            numerator: value.numerator,
            denominator: value.denominator,
            n: value.n,
            restated_numerator: 0,
            restated_denominator: 0,
        },
        worked: String::new(),
        made_of: Vec::new(),
        covers: None,
        partitions: offsets
            .map(|(partition, next)| Partition {
                partition,
                next_offset: *next,
                account: None,
            })
            .collect(),
        marks: Vec::new(),
        freshness: Freshness {
            age_ms: 0,
            final_through: doubt.sealed.final_through,
            words: String::new(),
        },
        samples: Samples::default(),
    }
}

impl Rig {
    /// A gateway with one board `care` of `cells` cells, and a smaller one, `sales`.
    pub(crate) fn start(cells: usize) -> Self {
        Self::limited(cells, Limits::default())
    }

    /// As [`Rig::start`], with other limits.
    pub(crate) fn limited(cells: usize, limits: Limits) -> Self {
        Self::like(cells, |gateway| gateway.with_limits(limits))
    }

    /// As [`Rig::start`], the gateway set up by the test.
    pub(crate) fn like(cells: usize, set_up: impl FnOnce(Gateway) -> Gateway) -> Self {
        let boards = vec![board("care", cells), board("sales", 1)];
        let hub = Arc::new(Hub::new(EPOCH.to_owned(), boards.clone()));
        let house = Arc::new(House {
            boards,
            ..House::default()
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let gateway = set_up(
            bind(Config {
                address,
                closed: false,
            })
            .unwrap(),
        );
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel();
        let desk = Arc::clone(&house) as Arc<dyn Desk>;
        let served = tokio::spawn(gateway.serve(desk, Arc::clone(&hub), async move {
            drop(stopped.await);
        }));
        Self {
            address,
            hub,
            house,
            stop: Some(stop),
            served,
        }
    }

    /// Seals a second with these values.
    pub(crate) fn seal(&self, s: i64, values: &[i64]) {
        let sealed = sealed(s, values);
        self.house.sealed.lock().unwrap().push(sealed.clone());
        self.hub.publish(&sealed, s * 1_000);
    }

    /// Publishes live values, as the house does where nothing could be sealed.
    pub(crate) fn live(&self, s: i64, values: &[i64]) {
        let mut live = sealed(s, values);
        (live.sealed, live.waiting_for) = (false, vec![3]);
        self.hub.publish(&live, s * 1_000 + 500);
    }

    /// Gives what the engines hold at a moment, as the house does for live views.
    pub(crate) fn moment(&self, s: i64, ms: i64, values: &[i64]) {
        let mut moment = sealed(s, values);
        moment.sealed = false;
        self.hub.live(&moment, s * 1_000 + ms);
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"").await
    }

    /// One request on a connection of its own, with `Host` unless one is given.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        let address = self.address;
        let asked = tokio::task::spawn_blocking(move || exchange(address, &request));
        let reply = asked.await.unwrap();
        contract::check(method, path, &reply);
        reply
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// The head as it came.
    pub(crate) raw: String,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The problem, after a look at its form.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let kind = "content-type: application/problem+json";
        assert!(self.head.contains(kind), "{}", self.head);
        let problem = self.json();
        for field in ["type", "title", "detail"] {
            let text = problem[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{field} is missing in {problem}");
        }
        for error in problem["errors"].as_array().unwrap() {
            for field in ["field", "place", "fix"] {
                assert!(error[field].is_string(), "{field} is missing in {error}");
            }
        }
        problem
    }
}

fn exchange(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    stream.write_all(request).unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).unwrap();
    let raw = String::from_utf8(raw).unwrap();
    let (head, text) = raw.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        head: head.to_ascii_lowercase(),
        raw: head.to_owned(),
        text: text.to_owned(),
    }
}

impl House {
    /// The newest sealed second.
    pub(crate) fn seconds(&self) -> i64 {
        self.newest().map_or(0, |newest| newest.s)
    }
}

impl Desk for House {
    fn boards(&self) -> Vec<Arc<Board>> {
        self.boards.clone()
    }

    fn newest(&self) -> Option<Sealed> {
        self.sealed.lock().unwrap().last().cloned()
    }

    fn sealed_at(&self, s: i64) -> Option<Sealed> {
        let all = self.sealed.lock().unwrap();
        all.iter().rev().take(120).find(|x| x.s == s).cloned()
    }

    /// Whole minutes before the last 120 seconds; at 600 the second cell was not counted yet.
    fn past(&self, s: i64) -> BoxFuture<'static, Result<Option<Past>, String>> {
        let all = self.sealed.lock().unwrap();
        let found = all.iter().find(|x| x.s == s && s % 60 == 0).cloned();
        let past = found.map(|sealed| Past {
            sealed,
            unknown: if s == 600 { [1].into() } else { [].into() },
        });
        let away = self.away.load(Ordering::Relaxed);
        Box::pin(async move {
            if away {
                return Err("the disk is away".to_owned());
            }
            Ok(past)
        })
    }

    fn trend(&self, cells: Vec<usize>, span: Option<Span>) -> BoxFuture<'static, Trend> {
        Box::pin(async move { minutes::trend(&cells, span) })
    }

    fn finals(&self, asked: Finals) -> BoxFuture<'static, Vec<Vec<Option<WireParts>>>> {
        Box::pin(async move { minutes::finals(&asked) })
    }

    fn kept(&self) -> Kept {
        let all = self.sealed.lock().unwrap();
        let range = |all: &[Sealed]| Some((all.first()?.s, all.last()?.s));
        let minutes: Vec<Sealed> = all.iter().filter(|x| x.s % 60 == 0).cloned().collect();
        Kept {
            seconds: range(&all[all.len().saturating_sub(120)..]),
            minutes: range(&minutes),
            quarters: None,
            durable: true,
        }
    }

    fn nearest(&self, s: i64) -> Option<i64> {
        let all = self.sealed.lock().unwrap();
        let last = all.len().saturating_sub(120);
        let kept = all.iter().enumerate();
        let kept = kept.filter(|(i, x)| *i >= last || x.s % 60 == 0);
        kept.map(|(_, x)| x.s).min_by_key(|x| x.abs_diff(s))
    }

    fn cells(&self) -> Arc<[CellInfo]> {
        self.boards[0].cells.clone().into()
    }

    fn kpis(&self) -> Arc<Map<String, Value>> {
        let one = |kpi: &str, name: &str, meaning: &str| {
            let entry = json!({"kpi": kpi, "business_name": name, "meaning": meaning});
            (kpi.to_owned(), entry)
        };
        let all = [
            one("lag", "Records not taken", "What no engine has read."),
            one("orders", "Orders", "Orders that customers placed."),
            one("waiting", "Waiting", "Contacts that wait."),
        ];
        Arc::new(all.into_iter().collect())
    }

    fn observed(&self, kpi: &str) -> Option<Option<i64>> {
        (kpi == "lag").then_some(Some(3))
    }

    fn file(&self, kpi: &str) -> Option<String> {
        Some(format!("# to the letter\nkpi: {kpi}\n"))
    }

    fn instead(&self, name: &str, known: &[&str]) -> String {
        format!("not {name} but {}", known.join(" or "))
    }

    fn why(&self, doubt: Doubt) -> BoxFuture<'static, Lineage> {
        let lineage = lineage(&self.boards[0].cells[doubt.cell], &doubt);
        let told = self
            .slow
            .load(Ordering::Relaxed)
            .then(|| Arc::clone(&self.told));
        Box::pin(async move {
            if let Some(told) = told {
                told.notified().await;
            }
            lineage
        })
    }

    fn health(&self) -> Health {
        Health {
            status: "ok",
            broker: "embedded",
            broker_note: "nothing is kept",
            sealed: self.newest().map(|n| n.s),
            waiting_for: Vec::new(),
            partitions: json!([]),
            snapshots: Value::Null,
            history: Value::Null,
            dead_letters: json!({}),
            unregistered: json!({}),
        }
    }

    fn ready(&self) -> Ready {
        let ready = self.newest().is_some();
        let why = if ready { "" } else { "nothing is sealed yet" };
        Ready {
            ready,
            why: why.to_owned(),
            recovering: self.recovering.lock().unwrap().clone(),
            data_gaps: self.gaps.lock().unwrap().clone(),
            alarms: Vec::new(),
        }
    }

    fn metrics(&self) -> String {
        "# TYPE house_is_there gauge\nhouse_is_there 1\n".to_owned()
    }

    fn customer_id(&self, name: &str) -> String {
        format!("{:032x}", name.len())
    }

    fn customer(&self, id: &str) -> Option<Value> {
        (id == format!("{:032x}", 11)).then(|| json!({"customer": id, "events": 3}))
    }

    fn now_ms(&self) -> i64 {
        1_763_805_731_412
    }

    fn broker(&self) -> &'static str {
        "embedded"
    }

    fn recounts(&self) -> Option<Arc<dyn Recounts>> {
        self.recounts.lock().unwrap().clone()
    }

    fn stage(&self) -> Option<Arc<dyn Stage>> {
        let theatre = self.theatre.lock().unwrap().clone()?;
        Some(theatre)
    }

    /// Refuses what has no `id`, as the house would.
    fn ingest(&self, events: Vec<Bytes>) -> BoxFuture<'static, Vec<Accepted>> {
        let away = self.away.load(Ordering::Relaxed);
        let outcome = |event: &Bytes| {
            let value: Value = serde_json::from_slice(event).unwrap_or_default();
            if away {
                Accepted::Unavailable("the broker is away".to_owned())
            } else if value["id"].is_string() {
                Accepted::Yes
            } else {
                let (reason, fix) = (Reason::MissingAttribute, "add an id");
                Accepted::Refused(Rejected::new(reason, "id", fix))
            }
        };
        let outcomes = events.iter().map(outcome).collect();
        self.taken.lock().unwrap().extend(events);
        Box::pin(async { outcomes })
    }

    /// Knows one gap, which ends at offset 120.
    fn act(&self, action: Action) -> BoxFuture<'static, Acted> {
        let fits = match action.deed {
            Deed::AcknowledgeDataGap { through, .. } => through == 120,
            Deed::Alert(_) => true,
        };
        let acted = if self.away.load(Ordering::Relaxed) {
            Acted::Unavailable("the broker is away".to_owned())
        } else if fits {
            let mut acts = self.acts.lock().unwrap();
            acts.push(action);
            let id = format!("act-{}", acts.len());
            Acted::Written { id, offset: 7 }
        } else {
            Acted::Unfit("there is no such gap".to_owned())
        };
        Box::pin(async { acted })
    }
}
