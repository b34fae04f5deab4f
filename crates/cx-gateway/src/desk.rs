//! In: nothing. Kept: nothing. Out: what the gateway asks of the house.
//! Never knows: how the house answers.

use crate::actions::{Acted, Action};
use crate::alerts::AlertPage;
use crate::definitions::{Governed, Governing};
use crate::lineage::Lineage;
use crate::recount::Recounts;
use crate::stage::Stage;
use bytes::Bytes;
use cx_model::frame::WireParts;
use cx_model::reject::Rejected;
use cx_model::value::{Board, CellInfo, Sealed};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The house, as the gateway sees it.
pub trait Desk: Send + Sync + 'static {
    /// All boards.
    fn boards(&self) -> Vec<Arc<Board>>;
    /// The newest sealed second.
    fn newest(&self) -> Option<Sealed>;
    /// A sealed second among the last 120.
    fn sealed_at(&self, s: i64) -> Option<Sealed>;
    /// A whole minute of the past; `None` where it is not kept.
    fn past(&self, s: i64) -> BoxFuture<'static, Result<Option<Past>, String>>;
    /// Values of cells (indices into [`Sealed::values`]) at whole minutes of a span, or at the newest
    /// ones.
    fn trend(&self, cells: Vec<usize>, span: Option<Span>) -> BoxFuture<'static, Trend>;
    /// For each cell the final parts of the seconds before each end; `None` where there are none.
    fn finals(&self, asked: Finals) -> BoxFuture<'static, Vec<Vec<Option<WireParts>>>> {
        let none = vec![vec![None; asked.ends.len()]; asked.cells.len()];
        Box::pin(async { none })
    }
    /// What of the past is kept.
    fn kept(&self) -> Kept;
    /// The kept second that is nearest to another.
    fn nearest(&self, s: i64) -> Option<i64>;
    /// All cells of all sets, in the order of [`Sealed::values`]; later sets only add some at the end.
    fn cells(&self) -> Arc<[CellInfo]>;
    /// Whether the active set lacks one of them.
    fn retired(&self, cell: usize) -> bool {
        let _never = cell;
        false
    }
    /// Sets, their definitions' changes in words, what the files propose, signatures.
    fn definitions(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    /// What people have said of a KPI's definition: its state, signatures and versions.
    fn governed(&self, kpi: &str) -> serde_json::Value {
        let _nobody = kpi;
        serde_json::Value::Null
    }
    /// By KPI in force whether its definition is `proposed` or `agreed`.
    fn states(&self) -> BTreeMap<String, &'static str> {
        BTreeMap::new()
    }
    /// What somebody proposes beside the files, with its text as `yaml`, by the definition's hash.
    fn proposal(&self, definition: &str) -> Option<serde_json::Value> {
        let _nobody = definition;
        None
    }
    /// What the files' definitions, or a proposed one, would say at the newest sealed second, had they
    /// always held.
    fn preview(&self, definition: Option<String>) -> BoxFuture<'static, Governed> {
        let _nobody = definition;
        let words = "this house has no definitions of its own".to_owned();
        Box::pin(async { Governed::Unfit(words) })
    }
    /// Takes somebody's word about definitions.
    fn govern(&self, deed: Governing) -> BoxFuture<'static, Governed> {
        let _nobody = deed;
        let words = "this house has no definitions of its own".to_owned();
        Box::pin(async { Governed::Unfit(words) })
    }
    /// The value of a KPI that processes measure, scaled; the outer `None` for any other KPI, the
    /// inner before anything was measured.
    fn observed(&self, kpi: &str) -> Option<Option<i64>> {
        let _counted = kpi;
        None
    }
    /// All KPI definitions as JSON (see [`Entry`](crate::Entry)), by technical name, ascending.
    fn kpis(&self) -> Arc<serde_json::Map<String, serde_json::Value>>;
    /// The file that defines a KPI, to the letter.
    fn file(&self, kpi: &str) -> Option<String>;
    /// What to write instead of a name that is not among the known ones.
    fn instead(&self, name: &str, known: &[&str]) -> String;
    /// Why a number is what it is. May take some seconds; its bounds are the house's.
    fn why(&self, doubt: Doubt) -> BoxFuture<'static, Lineage>;
    /// How the house is.
    fn health(&self) -> Health;
    /// Whether it answers with current numbers.
    fn ready(&self) -> Ready;
    /// OpenMetrics lines of the house.
    fn metrics(&self) -> String;
    /// The machine's clock, ms since the epoch.
    fn now_ms(&self) -> i64;
    /// `embedded` or `kafka`.
    fn broker(&self) -> &'static str;
    /// The opaque id that stands for a customer id.
    fn customer_id(&self, name: &str) -> String;
    /// What is kept of a customer, by opaque id.
    fn customer(&self, id: &str) -> Option<serde_json::Value>;
    /// Where a presenter's gestures go; `None`: the house is no demo.
    fn stage(&self) -> Option<Arc<dyn Stage>> {
        None
    }
    /// Who counts the log again; `None`: the house has no log.
    fn recounts(&self) -> Option<Arc<dyn Recounts>> {
        None
    }
    /// What needs somebody; with `all` also what needed somebody before, as far as it is remembered.
    fn alerts(&self, all: bool) -> AlertPage {
        let _none = all;
        AlertPage {
            s: None,
            alerts: Vec::new(),
            maintenance: Vec::new(),
            cast: Vec::new(),
            you: None,
        }
    }
    /// Takes events in; per event whether it was written or why not.
    fn ingest(&self, events: Vec<Bytes>) -> BoxFuture<'static, Vec<Accepted>>;
    /// Writes down what a person does; the log makes it so.
    fn act(&self, action: Action) -> BoxFuture<'static, Acted>;
}

/// A number that somebody doubts.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// Its place among [`Desk::cells`].
    pub cell: usize,
    /// The second it was read at.
    pub sealed: Sealed,
}

/// A sealed second of the past.
#[derive(Debug, Clone)]
pub struct Past {
    /// Its values, in the order of the active set's cells.
    pub sealed: Sealed,
    /// Cells (indices into its values) that were not counted then under their present definitions.
    pub unknown: Arc<[usize]>,
}

/// Minutes that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: i64,
    /// The last second.
    pub to: i64,
    /// Only multiples of it, s.
    pub step: i64,
}

/// Values at whole minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trend {
    /// The minutes that are kept.
    pub s: Vec<i64>,
    /// For each cell its values there.
    pub values: Vec<Vec<Option<i64>>>,
}

/// Final parts that are asked for: numerator, denominator and n as they were counted when they became final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finals {
    /// Cells, as indices into [`Sealed::values`].
    pub cells: Vec<usize>,
    /// Whole minutes or quarters of an hour: their ends.
    pub ends: Vec<i64>,
    /// How long each is, s.
    pub step: i64,
}

/// What of the past is kept, in seconds since 1970; each from its first to its last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Sealed seconds in memory.
    pub seconds: Option<(i64, i64)>,
    /// Whole minutes.
    pub minutes: Option<(i64, i64)>,
    /// Quarters of an hour.
    pub quarters: Option<(i64, i64)>,
    /// Whether a restart leaves them.
    pub durable: bool,
}

/// What became of one event at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Written to the log.
    Yes,
    /// Not a valid event.
    Refused(Rejected),
    /// The broker did not take it; the sender must try again.
    Unavailable(String),
}

/// Answer of `/readyz`.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// Whether current numbers are served.
    pub ready: bool,
    /// Why not, in words.
    pub why: String,
    /// How far reading has come, where the log is still being read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovering: Option<Recovering>,
    /// Records that the numbers lack, until somebody acknowledges it.
    pub data_gaps: Vec<DataGap>,
    /// What a person must mend, in words: nothing is lost yet.
    pub alarms: Vec<String>,
}

/// How far the log is read after a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovering {
    /// Records read since the start.
    pub read: u64,
    /// Records there were to read, as far as is known.
    pub of: u64,
    /// The first as a share of the second, 0 to 100.
    pub percent: u64,
    /// How long it still takes at this pace, seconds; absent before there is a pace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_s: Option<u64>,
    /// Partitions that are still being loaded or read.
    pub partitions: Vec<u32>,
}

/// Records that were gone from the log before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DataGap {
    /// The partition.
    pub partition: u32,
    /// The first offset missed.
    pub from: i64,
    /// The offset after the last one missed.
    pub to: i64,
}

/// Answer of `/healthz`.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// `embedded` or `kafka`.
    pub broker: &'static str,
    /// What that means for the data.
    pub broker_note: &'static str,
    /// Newest sealed second.
    pub sealed: Option<i64>,
    /// Partitions that keep the next second from being sealed.
    pub waiting_for: Vec<u32>,
    /// Law 10, partition by partition.
    pub partitions: serde_json::Value,
    /// Snapshots: newest of each partition, failures, files set aside; null where none are kept.
    pub snapshots: serde_json::Value,
    /// Sealed history: how much, from when on, what went wrong.
    pub history: serde_json::Value,
    /// Dead letters by reason.
    pub dead_letters: serde_json::Value,
    /// Unregistered types, channels and sources with their counts.
    pub unregistered: serde_json::Value,
}
