//! The proof: what a WebSocket client holds, what HTTP says and what a recount of the whole log
//! finds are equal at the same sealed seconds.

use crate::run::{House, root};
use cx_client::BoardStream;
use cx_kafka::{ClientSettings, Ear, Heard};
use cx_model::control::{Act, Control};
use cx_model::window::Window;
use cx_sim::slow::{LogRecord, SlowModel};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Sealed seconds that are compared.
const SECONDS: usize = 3;

/// What a screen holds at a sealed second: cell id to value and state.
type Held = BTreeMap<u32, (Option<i64>, u8)>;

/// A log to be recounted.
pub(crate) struct Log<'l> {
    pub(crate) settings: ClientSettings,
    pub(crate) topic: &'l str,
    pub(crate) partitions: u32,
}

/// Watches until some sealed seconds were seen; every update is verified by the client.
fn watched(house: &House) -> BTreeMap<i64, Held> {
    let url = format!("{}/v1/stream", house.url.replacen("http", "ws", 1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut stream = BoardStream::connect(&url, "care").await.expect("a stream");
        let mut seen = BTreeMap::new();
        while seen.len() < SECONDS {
            let update = tokio::time::timeout(Duration::from_secs(20), stream.next());
            let update = update.await.expect("in time").expect("verified");
            if let (true, Some(s)) = (update.sealed, update.s) {
                seen.insert(s, stream.view().values().clone());
            }
        }
        seen
    })
}

/// The whole log as it stands, partition by partition. Control records are taken on trust.
fn read(log: &Log<'_>) -> Vec<Vec<LogRecord>> {
    let starts: Vec<(u32, i64)> = (0..log.partitions).map(|p| (p, 0)).collect();
    let mut ear = Ear::open(&log.settings, log.topic, &starts).expect("the broker");
    let mut logs: Vec<Vec<LogRecord>> = (0..log.partitions).map(|_| Vec::new()).collect();
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < log.partitions as usize {
        let heard = ear.poll(Duration::from_millis(100), &mut |heard| match heard {
            Heard::Record(r) => {
                logs[r.partition as usize].push(LogRecord {
                    timestamp: r.timestamp,
                    timestamp_kind: r.timestamp_kind,
                    value: r.value.unwrap_or_default().to_vec(),
                    control: r.control.map(clock),
                });
            }
            Heard::End { partition, .. } => drop(ended.insert(partition)),
        });
        heard.expect("the log");
    }
    logs
}

fn clock(header: &[u8]) -> Control {
    let text = std::str::from_utf8(header).expect("a header of ours");
    let counter = text.split(';').next().expect("a counter");
    Control {
        counter: counter.parse().expect("a number"),
        act: Act::Clock,
    }
}

/// Cell id to its name in the recount.
pub(crate) fn names(board: &Value) -> BTreeMap<u32, (String, Window, BTreeMap<String, String>)> {
    let cells = board["cells"].as_array().expect("cells");
    let named = cells.iter().map(|cell| {
        let id: u32 = serde_json::from_value(cell[0].clone()).expect("an id");
        let window = cell[2].as_str().and_then(Window::parse).expect("a window");
        let dims = serde_json::from_value(cell[3].clone()).expect("dimensions");
        (
            id,
            (cell[1].as_str().expect("a name").to_owned(), window, dims),
        )
    });
    named.collect()
}

/// Counts the whole log anew and looks at it.
pub(crate) fn recounted<T>(log: &Log<'_>, look: impl FnOnce(&SlowModel<'_>) -> T) -> T {
    let logs = read(log);
    let catalog = cx_catalog::load(&root().join("deploy/catalog")).expect("right");
    let kpis: Vec<_> = catalog
        .kpis
        .iter()
        .filter(|k| k.kpi != "source_age")
        .cloned()
        .collect();
    look(&SlowModel::new(
        &kpis,
        catalog.limits,
        &catalog.reply_targets,
        &logs,
    ))
}

/// Holds a running house against its own log.
pub(crate) fn check(house: &House, log: &Log<'_>) {
    let seen = watched(house);
    let boards: BTreeMap<i64, Value> = seen
        .keys()
        .map(|s| (*s, house.get(&format!("/v1/boards/care?s={s}"))))
        .collect();
    let compared = recounted(log, |slow| {
        let mut compared = 0;
        for (s, held) in &seen {
            let board = &boards[s];
            let over_http: Vec<(u32, Option<i64>, u8)> =
                serde_json::from_value(board["values"].clone()).expect("values");
            let over_http: Held = over_http
                .into_iter()
                .map(|(id, v, st)| (id, (v, st)))
                .collect();
            assert_eq!(held, &over_http, "second {s}: the stream and HTTP");
            let recounted = slow.at(*s);
            for (id, name) in names(board) {
                let Some(cell) = recounted.get(&name) else {
                    continue;
                };
                assert_eq!(held[&id], (cell.value, cell.state), "second {s}, {name:?}");
                compared += i64::from(cell.n > 0);
            }
        }
        compared
    });
    assert!(compared > 30, "only {compared} cells had anything in them");
}
