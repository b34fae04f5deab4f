//! In: a rhythm. Kept: a gateway with one board of invented numbers. Out: the gateway alone, as a process of
//! its own. Never knows: who listens, Kafka, engines.
//!
//! The whole house would spend CPU and memory on events; here all that is spent is spent on displays. A cell
//! holds the moment of its publication in microseconds, so that whoever reads a frame knows how old it is.

use crate::clock;
use crate::report::say;
use anyhow::Result;
use clap::Args;
use cx_gateway::{
    Accepted, Acted, Action, Config, Desk, Doubt, Health, Hub, Kept, Lineage, Past, Ready, Span,
    Trend, bind,
};
use cx_model::value::{Board, CellInfo, CellKey, CellValue, Layout, Rail, Sealed};
use cx_model::window::Window;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The board's name.
pub(crate) const BOARD: &str = "fanout";
/// Cells that change with each frame; the first holds the moment.
const CHANGING: usize = 5;
/// It ends by itself.
pub(crate) const AT_MOST: Duration = Duration::from_secs(1_800);

/// What is served.
#[derive(Args)]
pub(crate) struct Options {
    /// Cells of the board.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(5..=2_000))]
    cells: u16,
    /// How often five of them change, ms.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(50..=1_000))]
    interval_ms: u16,
}

/// Serves until whoever started it lets go of its input.
///
/// # Errors
/// No address to listen at.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let board = board(usize::from(options.cells));
    let hub = Arc::new(Hub::new("fa0047".to_owned(), vec![Arc::clone(&board)]));
    let house = Arc::new(House {
        board,
        newest: Mutex::default(),
    });
    let runtime = tokio::runtime::Runtime::new()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let gateway = {
        let _inside = runtime.enter();
        bind(Config {
            address,
            closed: false,
        })?
    };
    say(&format!("http://{}", gateway.address()));
    let desk = Arc::clone(&house) as Arc<dyn Desk>;
    let interval = u64::from(options.interval_ms);
    runtime.spawn(feed(house, Arc::clone(&hub), interval));
    let over = async {
        drop(tokio::time::timeout(AT_MOST, super::let_go()).await);
    };
    runtime.block_on(gateway.serve(desk, hub, over));
    Ok(true)
}

/// Live values in that rhythm, a sealed second each second.
async fn feed(house: Arc<House>, hub: Arc<Hub>, interval_ms: u64) {
    let mut values = vec![CellValue::default(); house.board.cells.len()];
    let mut second = 0;
    for turn in 0_usize.. {
        let now = clock::micros();
        change(&mut values, turn, now);
        let now_ms = now / 1_000;
        let mut moment = Sealed {
            s: now_ms / 1_000,
            sealed: false,
            offsets: Arc::new([i64::try_from(turn).unwrap_or_default()]),
            values: values.as_slice().into(),
            final_through: now_ms / 1_000 - 120,
            waiting_for: Vec::new(),
        };
        hub.live(&moment, now_ms);
        if moment.s > second {
            second = moment.s;
            moment.sealed = true;
            *house.newest.lock().expect("no holder panics") = Some(moment.clone());
            hub.publish(&moment, now_ms);
        }
        tokio::time::sleep(until_next(interval_ms)).await;
    }
}

/// Until just after the next stretch of that length begins: a view takes one moment in each.
fn until_next(interval_ms: u64) -> Duration {
    let (now, stretch) = (clock::micros().unsigned_abs(), interval_ms * 1_000);
    Duration::from_micros(stretch - now % stretch + 1_000)
}

/// The moment, and four counts that walk over the board.
fn change(values: &mut [CellValue], turn: usize, now: i64) {
    let of = |value: i64| CellValue {
        value: Some(value),
        numerator: value,
        n: value,
        ..CellValue::default()
    };
    let others = values.len() - 1;
    values[0] = of(now);
    for step in 0..CHANGING - 1 {
        let at = 1 + (turn * (CHANGING - 1) + step) % others;
        let old = values[at].value.unwrap_or_default();
        // Four digits, always.
        values[at] = of(1_000 + (old + 1) % 9_000);
    }
}

fn board(cells: usize) -> Arc<Board> {
    let cell = |i: usize| CellInfo {
        key: CellKey {
            kpi: "waiting".into(),
            definition: "b".repeat(64).into(),
            window: Window::Now,
            dims: BTreeMap::from([("queue".to_owned(), format!("q{i}"))]),
        },
        unit: "count".into(),
        scale: 0,
        target: None,
        direction: "down",
        business_name: "Waiting".into(),
        meaning: "Contacts that wait.".into(),
        kind: "simple",
    };
    Arc::new(Board {
        name: BOARD.to_owned(),
        title: "Fan-out".to_owned(),
        zone: "UTC".to_owned(),
        cells: (0..cells).map(cell).collect(),
        source_index: (0..cells).collect(),
        layout: Layout {
            tiles: Vec::new(),
            rail: Rail::default(),
        },
    })
}

/// A house of numbers alone: no log, no history, no people.
struct House {
    board: Arc<Board>,
    newest: Mutex<Option<Sealed>>,
}

impl Desk for House {
    fn boards(&self) -> Vec<Arc<Board>> {
        vec![Arc::clone(&self.board)]
    }

    fn newest(&self) -> Option<Sealed> {
        self.newest.lock().expect("no holder panics").clone()
    }

    fn sealed_at(&self, s: i64) -> Option<Sealed> {
        self.newest().filter(|newest| newest.s == s)
    }

    fn past(&self, _: i64) -> BoxFuture<'static, Result<Option<Past>, String>> {
        Box::pin(async { Ok(None) })
    }

    fn trend(&self, _: Vec<usize>, _: Option<Span>) -> BoxFuture<'static, Trend> {
        Box::pin(async { Trend::default() })
    }

    fn kept(&self) -> Kept {
        Kept::default()
    }

    fn nearest(&self, _: i64) -> Option<i64> {
        self.newest().map(|newest| newest.s)
    }

    fn cells(&self) -> Arc<[CellInfo]> {
        self.board.cells.clone().into()
    }

    fn kpis(&self) -> Arc<Map<String, Value>> {
        Arc::default()
    }

    fn file(&self, _: &str) -> Option<String> {
        None
    }

    fn instead(&self, _: &str, known: &[&str]) -> String {
        format!("known are {}", known.join(", "))
    }

    /// A number of nothing: it comes from no log.
    fn why(&self, _: Doubt) -> BoxFuture<'static, Lineage> {
        Box::pin(std::future::pending())
    }

    fn health(&self) -> Health {
        Health {
            status: "ok",
            broker: self.broker(),
            broker_note: "no log, invented numbers",
            sealed: self.newest().map(|newest| newest.s),
            waiting_for: Vec::new(),
            partitions: Value::Null,
            snapshots: Value::Null,
            history: Value::Null,
            dead_letters: Value::Null,
            unregistered: Value::Null,
        }
    }

    fn ready(&self) -> Ready {
        Ready {
            ready: self.newest().is_some(),
            why: String::new(),
            recovering: None,
            data_gaps: Vec::new(),
            alarms: Vec::new(),
        }
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn now_ms(&self) -> i64 {
        clock::micros() / 1_000
    }

    fn broker(&self) -> &'static str {
        "none"
    }

    fn customer_id(&self, name: &str) -> String {
        name.to_owned()
    }

    fn customer(&self, _: &str) -> Option<Value> {
        None
    }

    fn ingest(&self, events: Vec<bytes::Bytes>) -> BoxFuture<'static, Vec<Accepted>> {
        let none = || Accepted::Unavailable("there is no log here".to_owned());
        Box::pin(async move { events.iter().map(|_| none()).collect() })
    }

    fn act(&self, _: Action) -> BoxFuture<'static, Acted> {
        Box::pin(async { Acted::Unavailable("there is no log here".to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_cells_change_each_time_and_the_first_is_the_moment() {
        let mut values = vec![CellValue::default(); 100];
        for turn in 0..60 {
            let before = values.clone();
            change(&mut values, turn, 1_000 + i64::try_from(turn).unwrap());
            let differ = before.iter().zip(&values).filter(|(a, b)| a != b).count();
            assert_eq!(differ, CHANGING);
        }
        assert_eq!(values[0].value, Some(1_059));
    }
}
