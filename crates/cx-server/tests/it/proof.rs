//! The proof: what a WebSocket client holds, what HTTP says and what a recount of the whole log
//! finds are equal at the same sealed seconds.

use crate::run::House;
use cx_catalog::definition::Kpi;
use cx_catalog::{Catalog, load_texts};
use cx_client::BoardStream;
use cx_kafka::{ClientSettings, Ear, Heard};
use cx_model::attribute::SlotTable;
use cx_model::control::{Act, Control};
use cx_model::record::Record;
use cx_model::time::Timestamp;
use cx_model::vocabulary::{TOPIC_DEFINITIONS, TOPIC_INTERACTIONS};
use cx_model::window::Window;
use cx_sim::slow::{LogRecord, Reading, SlowModel};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

/// A whole topic as it stands, each partition in the order of its offsets.
fn read(
    settings: &ClientSettings,
    topic: &str,
    partitions: u32,
    take: &mut dyn FnMut(&Record<'_>),
) {
    let starts: Vec<(u32, i64)> = (0..partitions).map(|p| (p, 0)).collect();
    let mut ear = Ear::open(settings, topic, &starts).expect("the broker");
    let mut ended = BTreeSet::new();
    while ended.len() < partitions as usize {
        let heard = ear.poll(Duration::from_millis(100), &mut |heard| match heard {
            Heard::Record(record) => take(&record),
            Heard::End { partition, .. } => drop(ended.insert(partition)),
        });
        heard.expect("the log");
    }
}

/// The sets that the log may activate, as they were written down beside it; of one number the first is
/// believed.
fn sets(log: &Log<'_>) -> Vec<Catalog> {
    let topic = log.topic.replace(TOPIC_INTERACTIONS, TOPIC_DEFINITIONS);
    let mut found: BTreeMap<u64, Catalog> = BTreeMap::new();
    read(&log.settings, &topic, 1, &mut |record| {
        let set: Value = serde_json::from_slice(record.value.unwrap_or_default()).expect("JSON");
        let texts: BTreeMap<String, String> =
            serde_json::from_value(set["files"].clone()).expect("texts");
        let catalog = load_texts(&texts).unwrap_or_else(|faults| panic!("{}", faults[0]));
        assert_eq!(set["hash"], catalog.hash.as_str());
        let number = set["set"].as_u64().expect("a number");
        found.entry(number).or_insert(catalog);
    });
    assert!(!found.is_empty() && found.keys().copied().eq((1..).take(found.len())));
    found.into_values().collect()
}

/// What a control record says; its signature is taken on trust.
fn control(header: &[u8], value: &[u8]) -> Control {
    let text = std::str::from_utf8(header).expect("a header of ours");
    let counter = text.split(';').next().expect("a counter");
    let event: Value = serde_json::from_slice(value).expect("JSON");
    let data = &event["data"];
    let number = || u32::try_from(data["number"].as_u64().expect("a number")).expect("small");
    let hash = || data["hash"].as_str().expect("a hash").to_owned();
    let act = match event["type"].as_str().expect("a type") {
        "cx.control.clock.v1" => Act::Clock,
        "cx.control.activation.v1" => {
            let from = data["effective_from"].as_str();
            let from = from.map(|from| Timestamp::parse_rfc3339(from).expect("a time"));
            Act::Activate {
                number: number(),
                hash: hash(),
                effective_from: from.unwrap_or_default(),
            }
        }
        "cx.control.active_set.v1" => Act::Restate(number(), hash()),
        "cx.control.data_gap_acknowledged.v1" => Act::Acknowledge {
            through: data["through"].as_i64().expect("an offset"),
        },
        other => panic!("{other} is none of ours"),
    };
    Control {
        counter: counter.parse().expect("a number"),
        act,
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

/// Counts the whole log anew, under the sets that it activates, and looks at it.
pub(crate) fn recounted<T>(log: &Log<'_>, look: impl FnOnce(&SlowModel<'_>) -> T) -> T {
    let sets = sets(log);
    let counted = |set: &Catalog| -> Vec<Kpi> {
        let kpis = set.kpis.iter().filter(|k| k.kpi != "source_age");
        kpis.cloned().collect()
    };
    let kpis: Vec<Vec<Kpi>> = sets.iter().map(counted).collect();
    let slots = SlotTable::default();
    let slots = sets
        .iter()
        .fold(slots, |slots, set| set.compile_after(1, slots).slots);
    let hashes: Vec<String> = sets.iter().map(|set| set.hash.clone()).collect();
    let mut reading = Reading::new(sets[0].limits, slots, log.partitions).among(&hashes);
    read(&log.settings, log.topic, log.partitions, &mut |r| {
        let value = r.value.unwrap_or_default();
        let record = LogRecord {
            timestamp: r.timestamp,
            timestamp_kind: r.timestamp_kind,
            value: value.to_vec(),
            control: r.control.map(|header| control(header, value)),
        };
        reading.plain(r.partition, &record);
    });
    let kpis = kpis.iter().map(Vec::as_slice).collect();
    look(&SlowModel::under(kpis, &sets[0].reply_targets, reading))
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
