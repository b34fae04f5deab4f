//! The same number four ways: HTTP, WebSocket, Prometheus and `watchfloor get` agree to the last digit
//! at one sealed second, for every KPI, window and breakdown that the log can give.

use crate::openmetrics::{Sample, read};
use crate::run::{House, copy, root, text, watchfloor};
use cx_client::BoardStream;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// KPI, window, breakdown; and the number as people read it, without its unit.
type Numbers = BTreeMap<(String, String, BTreeMap<String, String>), Option<String>>;

/// Tiles of one board.
const TILES: usize = 9;
/// Rounds of one frame a board, about a second each.
const ROUNDS: usize = 40;

/// The shipped definitions, and boards on which every number hangs; the boards' names.
pub(crate) fn everything(folder: &Path) -> Vec<String> {
    copy(&root().join("deploy/catalog"), folder);
    let catalog = cx_catalog::load(folder).expect("right");
    let all = catalog.kpis.iter();
    let all = all.flat_map(|k| k.windows.iter().map(move |w| (&k.kpi, w.name())));
    let all: Vec<(&String, &str)> = all.collect();
    let names = all.chunks(TILES).enumerate().map(|(i, tiles)| {
        let name = format!("all_{i}");
        let mut board = format!("board: {name}\ntitle: All\nzone: UTC\ntiles:\n");
        for (n, (kpi, window)) in tiles.iter().enumerate() {
            let tile = format!(
                "  - {{label: Tile {n}, kpi: {kpi}, window: {window}, range: [0, 100], foot: all}}"
            );
            writeln!(board, "{tile}").expect("a string takes all");
        }
        std::fs::write(folder.join(format!("boards/{name}.yaml")), board).expect("written");
        name
    });
    names.collect()
}

fn decimal(value: Option<i64>, scale: u8) -> Option<String> {
    let value = value?;
    let digits = format!("{:0>1$}", value.unsigned_abs(), usize::from(scale) + 1);
    let (whole, rest) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    let dot = if rest.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{dot}{rest}"))
}

fn held(stream: &BoardStream) -> Numbers {
    let values = stream.view().values().iter();
    let named = values.map(|(id, (value, _))| {
        let (key, info) = stream.view().cell(*id).expect("announced");
        let name = (
            key.kpi.to_string(),
            key.window.name().to_owned(),
            key.dims.clone(),
        );
        (name, decimal(*value, info.scale))
    });
    named.collect()
}

/// The samples of every KPI, and their second.
fn scraped(text: &str) -> (i64, Vec<Sample>) {
    let all = read(text);
    let s = all.iter().find(|s| s.name == "watchfloor_sealed_second");
    let s = s.expect("a sealed second").value.parse().expect("a number");
    let kpis = all.into_iter().filter(|s| s.name == "watchfloor_kpi");
    (s, kpis.collect())
}

/// What WebSocket and Prometheus say at one second that both of them told.
async fn at_one_second(house: &House, boards: &[String]) -> (i64, Numbers, Vec<Sample>) {
    let url = format!("{}/v1/stream", house.url.replacen("http", "ws", 1));
    let mut streams = Vec::new();
    for board in boards {
        streams.push(BoardStream::connect(&url, board).await.expect("a stream"));
    }
    let mut seen: BTreeMap<i64, Numbers> = BTreeMap::new();
    let mut boards_of: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let mut pages: BTreeMap<i64, Vec<Sample>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (board, stream) in streams.iter_mut().enumerate() {
            let update = tokio::time::timeout(Duration::from_secs(20), stream.next());
            let update = update.await.expect("in time").expect("verified");
            if let (true, Some(s)) = (update.sealed, update.s) {
                seen.entry(s).or_default().extend(held(stream));
                boards_of.entry(s).or_default().insert(board);
            }
        }
        let (s, page) = scraped(&house.page("/metrics"));
        pages.insert(s, page);
        let whole = |s: &&i64| boards_of.get(*s).is_some_and(|b| b.len() == boards.len());
        if let Some(s) = pages.keys().rev().find(whole).copied() {
            let page = pages.remove(&s).expect("found");
            return (s, seen.remove(&s).expect("found"), page);
        }
    }
    panic!(
        "no second was told both ways: {:?}, {:?}",
        boards_of,
        pages.keys()
    );
}

/// What HTTP says of one KPI.
fn over_http(house: &House, kpi: &str, s: i64) -> Numbers {
    let answer = house.get(&format!("/v1/kpis/{kpi}?s={s}"));
    assert_eq!(answer["s"], s, "{answer}");
    numbers(&answer)
}

fn numbers(answer: &Value) -> Numbers {
    let scale = answer["decimals"].as_u64().expect("a scale");
    let scale = u8::try_from(scale).expect("few");
    let values = answer["values"].as_array().expect("values").iter();
    let named = values.map(|v| {
        let text = |name: &str| v[name].as_str().expect("text").to_owned();
        let dims = serde_json::from_value(v["dims"].clone()).expect("dims");
        let kpi = answer["kpi"].as_str().expect("a name").to_owned();
        let value = decimal(v["value"].as_i64(), scale);
        ((kpi, text("window"), dims), value)
    });
    named.collect()
}

/// What `watchfloor get` prints of one KPI must be these numbers, for programs and for people.
fn printed(house: &House, kpi: &str, s: i64, expected: &Numbers) {
    let s = s.to_string();
    let line = ["get", "kpi", kpi, "--s", &s, "--url", &house.url];
    let said = |more: &[&str]| {
        let output = watchfloor(&[&line[..], more].concat()).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let json: Value = serde_json::from_str(&said(&["--json"])).expect("JSON");
    assert_eq!(numbers(&json), *expected);
    let shown = said(&[]);
    for ((_, window, dims), number) in expected {
        let has = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let named = dims
                .iter()
                .all(|(k, v)| words.contains(&format!("{k}={v}").as_str()));
            words.first() == Some(&window.as_str()) && named
        };
        let row = shown.lines().find(has);
        let row = row.unwrap_or_else(|| panic!("{kpi} {window} {dims:?}: {shown}"));
        let words: Vec<&str> = row.split_whitespace().collect();
        let number = number.as_deref().unwrap_or("\u{2014}");
        assert_eq!(words[1 + dims.len()], number, "{kpi}: {row}");
    }
}

/// Holds all four ways of a house against each other; how many numbers there are.
pub(crate) fn check(house: &House, boards: &[String]) -> usize {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (s, streamed, page) = runtime.block_on(at_one_second(house, boards));
    let listed = house.get("/v1/kpis");
    let listed = listed["kpis"].as_array().expect("KPIs").iter();
    let counted = listed.filter(|k| k["formula"]["type"] != "observed");
    let mut http = Numbers::new();
    let mut hashes = BTreeMap::new();
    for kpi in counted {
        let name = kpi["kpi"].as_str().expect("a name");
        let of_kpi = over_http(house, name, s);
        assert!(!of_kpi.is_empty(), "{name} has numbers");
        printed(house, name, s, &of_kpi);
        http.extend(of_kpi);
        hashes.insert(name, kpi["definition"].as_str().expect("a hash"));
    }
    assert_eq!(streamed, http, "second {s}: WebSocket, HTTP");
    let mut exposed = Numbers::new();
    for sample in &page {
        let mut dims = sample.labels.clone();
        let mut label = |name: &str| dims.remove(name).expect("a label of ours");
        let (kpi, window, definition) = (label("kpi"), label("window"), label("definition"));
        assert!(hashes[kpi.as_str()].starts_with(&definition), "{sample:?}");
        exposed.insert((kpi, window, dims), Some(sample.value.clone()));
    }
    let there = http.iter().filter(|(_, number)| number.is_some());
    let there: Numbers = there.map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(exposed, there, "second {s}: Prometheus, HTTP");
    assert!(there.len() > 100, "{} numbers have a value", there.len());
    http.len()
}
