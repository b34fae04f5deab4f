//! In: checked definitions. Kept: closures and dense numbers. Out: what an engine runs.
//! Never knows: YAML; the engine's state.

use crate::across::Across;
use crate::alert::CompiledAlert;
use crate::calendar::{Calendar, ReplyTarget, day_start};
use crate::cel::Reads;
use crate::definition::Object;
use crate::expr::Expr;
use crate::fact::{Fact, Facts};
use crate::journey::{Attempts, Repeat, Replies};
use crate::numbered::Numbered;
use cx_model::attribute::SlotTable;
use cx_model::event::{Event, Slot};
use cx_model::limits::Limits;
use cx_model::value::{Board, CellInfo};
use cx_model::window::Window;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What a condition may look at.
#[derive(Clone, Copy)]
pub struct View<'v, 'a> {
    /// The event; absent for records that are no events.
    pub event: Option<&'v Event<'a>>,
    /// What became of the record: `applied`, `duplicate`, `late`, `dead_lettered`, `control`.
    pub outcome: &'static str,
    /// Why it was dead-lettered, else empty.
    pub reason: &'static str,
    /// What the engine found out about it.
    pub facts: &'v Facts,
}

/// A compiled condition. `None` is a CEL error (a missing or mistyped attribute): false, counted.
pub type Predicate = Box<dyn Fn(View<'_, '_>) -> Option<bool> + Send + Sync>;

/// The same, for sets that share a measure.
pub type Shared = Arc<dyn Fn(View<'_, '_>) -> Option<bool> + Send + Sync>;

/// Where a dimension's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionSource {
    /// An attribute slot.
    Slot(usize),
    /// The event's `source`.
    EventSource,
    /// The event's `type`.
    EventType,
    /// `record.reason`.
    RecordReason,
    /// `record.outcome`.
    RecordOutcome,
    /// How long the object is open: no record says it.
    Age,
    /// The values of so many slots, joined by `/`; each has one, or there is none.
    Joint([usize; JOINT], usize),
}

/// Most attributes of a combination.
pub const JOINT: usize = 3;

impl DimensionSource {
    /// What a record says there; `None` where it says nothing.
    #[must_use]
    pub fn value<'v>(self, view: View<'v, '_>) -> Option<Cow<'v, str>> {
        let plain = match (self, view.event) {
            (Self::RecordReason, _) => Some(view.reason),
            (Self::RecordOutcome, _) => Some(view.outcome),
            (Self::Slot(slot), Some(event)) => event.slot(slot).text(),
            (Self::EventSource, Some(event)) => Some(&*event.source),
            (Self::EventType, Some(event)) => Some(&*event.kind),
            (Self::Joint(slots, many), Some(event)) => return joined(event, &slots[..many]),
            (Self::Age, _)
            | (Self::Slot(_) | Self::EventSource | Self::EventType | Self::Joint(..), None) => None,
        };
        plain.map(Cow::Borrowed)
    }

    /// What of an event it looks at.
    #[must_use]
    pub fn reads(self) -> Reads {
        match self {
            Self::Slot(slot) => Reads::slot(slot),
            Self::Joint(slots, many) => slots[..many]
                .iter()
                .map(|slot| Reads::slot(*slot))
                .fold(Reads::default(), Reads::and),
            Self::EventSource => Reads {
                source: true,
                ..Reads::default()
            },
            Self::EventType | Self::RecordReason | Self::RecordOutcome | Self::Age => {
                Reads::default()
            }
        }
    }
}

/// What an event says in all of these slots.
fn joined<'v>(event: &'v Event<'_>, slots: &[usize]) -> Option<Cow<'v, str>> {
    let each = |slot: &usize| match event.slot(*slot) {
        Slot::Text(text) => Some(Cow::Borrowed(&**text)),
        Slot::Int(number) => Some(number.to_string().into()),
        Slot::Bool(said) => Some(if *said { "true" } else { "false" }.into()),
        Slot::Missing | Slot::Mistyped | Slot::Double(_) => None,
    };
    match slots {
        [one] => each(one),
        many => {
            let all: Option<Vec<Cow<'_, str>>> = many.iter().map(each).collect();
            all.map(|all| all.join("/").into())
        }
    }
}

/// A breakdown: value index 0..n are the declared values, n is `other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledDimension {
    /// Name in cells.
    pub name: String,
    /// Where the value comes from.
    pub source: DimensionSource,
    /// Declared values to index.
    pub index: BTreeMap<String, usize>,
    /// Declared values in order.
    pub values: Vec<String>,
    /// Of ages: where one band ends and the next begins, ms, ascending.
    pub bounds_ms: Vec<i64>,
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The integers of an attribute slot.
    Slot(usize),
    /// A fact.
    Fact(Fact),
}

/// How a measure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompiledAgg {
    /// Applied events, by event time.
    Count,
    /// Records, by log time.
    CountRecords,
    /// Sum of integers, by event time.
    Sum {
        /// Of what.
        of: Of,
    },
    /// As `Sum`; the value divides by the number of events that had one.
    Average {
        /// Of what.
        of: Of,
    },
    /// Least of the slot's integers, by event time.
    Min {
        /// Attribute slot.
        slot: usize,
    },
    /// Greatest of the slot's integers, by event time.
    Max {
        /// Attribute slot.
        slot: usize,
    },
    /// The value that so many of 1,000 observations do not exceed, by event time.
    Percentile {
        /// Of what.
        of: Of,
        /// Of 1,000.
        per_mille: u16,
    },
    /// Distinct customers, by event time.
    CountDistinct,
    /// Customers across channels, by event time.
    Channels(Across),
    /// Promised replies, at the reply or the due time.
    Replies(Replies),
    /// What sources number, by log time.
    Numbered(Numbered),
    /// Attempts of a journey (index into [`Compiled::journeys`]), at their due time.
    Attempts(Attempts, usize),
    /// Open objects at the second.
    Gauge(Object),
    /// Age of the oldest object at the second.
    Oldest(Object),
}

/// One measure of one KPI.
#[derive(Clone)]
pub struct CompiledMeasure {
    /// KPI, formula with the measure's place in it, filter and breakdowns: where these are the same in
    /// two sets, what was counted under one holds under the other, in windows that both have; `day` by
    /// the same calendar.
    pub identity: Arc<str>,
    /// Filter, condition and breakdowns: measures for which these are the same count the same events,
    /// whatever KPI they are of.
    pub events: Arc<str>,
    /// How it counts.
    pub agg: CompiledAgg,
    /// KPI filter and measure condition in one. Gauges and ages evaluate it on the event that
    /// put the object into its state.
    pub condition: Shared,
    /// The event types that can make the condition true; `None`: any. Conservative.
    pub types: Option<Vec<String>>,
    /// What the condition and the breakdowns look at.
    pub reads: Reads,
    /// Whether no single record tells what is counted: it takes facts, or what became of something.
    pub kept: bool,
    /// Of what sources number: the sources, ascending; of customers across channels: the channels.
    pub names: Arc<[String]>,
    /// Breakdowns.
    pub dimensions: Vec<CompiledDimension>,
    /// Windows it is needed in.
    pub windows: Vec<Window>,
    /// Whose day the window `day` is; `None`: UTC's.
    pub calendar: Option<Arc<Calendar>>,
}

impl CompiledMeasure {
    /// The panes that a window covers at a second, with their length in seconds; `None` for a state at
    /// the second itself. Distinct customers are counted by minutes.
    #[must_use]
    pub fn panes(&self, window: Window, s: i64) -> Option<(RangeInclusive<i64>, i64)> {
        let width = match (self.agg, window) {
            (_, Window::Now) => return None,
            (CompiledAgg::CountDistinct, Window::M5) => Window::M15.pane_seconds(),
            (_, window) => window.pane_seconds(),
        };
        let newest = (s - 1).div_euclid(width);
        if window == Window::Day {
            let first = day_began(self.calendar.as_deref(), s).div_euclid(width);
            return Some((first..=newest, width));
        }
        Some((newest - window.seconds() / width + 1..=newest, width))
    }
}

/// The second at which the business day began that is shown at second `s`.
#[must_use]
pub fn day_began(calendar: Option<&Calendar>, s: i64) -> i64 {
    match calendar {
        Some(calendar) => calendar.day_start(s - 1),
        None => day_start(&[], s - 1),
    }
}

/// How a KPI's value comes from its measures (indices into [`Compiled::measures`]).
#[derive(Debug, Clone, PartialEq)]
pub enum CompiledFormula {
    /// Count, sum, extreme, percentile, gauge or distinct as it is; sums of money are minor units.
    Value(usize),
    /// Sum ÷ count of one measure.
    Average(usize),
    /// Milliseconds of age, shown in seconds.
    Age(usize),
    /// Numerator ÷ denominator.
    Ratio(usize, usize),
    /// Arithmetic over values of other KPIs.
    Derived(Arc<CompiledDerived>),
}

/// A derived KPI, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledDerived {
    /// What is calculated; its names are indices into `metrics`.
    pub expr: Expr,
    /// What it is made of.
    pub metrics: Vec<CompiledMetric>,
    /// Index of the metric whose `n` counts; `None`: the least of them.
    pub n: Option<usize>,
}

/// One KPI that another is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledMetric {
    /// Its decimals.
    pub scale: u8,
    /// By the derived KPI's cells, in their order: the cell that stands for it.
    pub cells: Vec<usize>,
}

impl CompiledFormula {
    /// The measure above the line, and the one below it where there is one; none of a derived KPI.
    #[must_use]
    pub fn measures(&self) -> Vec<usize> {
        match self {
            Self::Value(m) | Self::Average(m) | Self::Age(m) => vec![*m],
            Self::Ratio(above, below) => vec![*above, *below],
            Self::Derived(_) => Vec::new(),
        }
    }
}

/// One KPI, ready to run.
#[derive(Debug, Clone)]
pub struct CompiledKpi {
    /// Technical name.
    pub kpi: Arc<str>,
    /// How its value is made.
    pub formula: CompiledFormula,
    /// Multiplier above the line as (numerator, denominator): percent (100, 1), money in minor
    /// units (1, 100), milliseconds in seconds (1, 1000), else (1, 1).
    pub factor: (i64, i64),
    /// Decimals.
    pub scale: u8,
    /// Breakdowns (the same for all its measures).
    pub dimensions: Vec<CompiledDimension>,
    /// Windows.
    pub windows: Vec<Window>,
    /// Whose day the window `day` is; `None`: UTC's.
    pub calendar: Option<Arc<Calendar>>,
    /// Index of its first cell in [`Compiled::cells`]; cells follow window by window, and within
    /// a window by [`combos`] of the dimensions.
    pub first_cell: usize,
}

/// From an event to another of the same entity, ready to run.
#[derive(Clone)]
pub struct CompiledJourney {
    /// What it is, by a hash of its definition.
    pub name: String,
    /// Slot of the entity's id; `None`: the customer's.
    pub entity: Option<usize>,
    /// Whether an event begins an attempt, and the types that can.
    pub base: Shared,
    /// See `base`; `None`: any.
    pub base_types: Option<Vec<String>>,
    /// Whether an event converts attempts, and the types that can.
    pub conversion: Shared,
    /// See `conversion`; `None`: any.
    pub conversion_types: Option<Vec<String>>,
    /// From an attempt's beginning to its decision, ms.
    pub within_ms: i64,
    /// What further events do that could begin an attempt.
    pub repeat: Repeat,
    /// Slots of which both events must say the same.
    pub constant: Vec<usize>,
    /// Slots of which the second must say something else.
    pub changed: Vec<usize>,
}

/// One activated set, compiled.
pub struct Compiled {
    /// Set number.
    pub number: u32,
    /// SHA-256 over limits, fold version, channels and all definitions, 64 hex digits.
    pub hash: String,
    /// Attributes in use.
    pub slots: SlotTable,
    /// Bounds.
    pub limits: Limits,
    /// KPIs by technical name, ascending.
    pub kpis: Vec<CompiledKpi>,
    /// Their positions in the order in which to calculate: derived ones after what they are made of.
    pub order: Vec<usize>,
    /// Measures.
    pub measures: Vec<CompiledMeasure>,
    /// Journeys that attempts are counted of.
    pub journeys: Vec<CompiledJourney>,
    /// All cells of all KPIs.
    pub cells: Vec<CellInfo>,
    /// Alerts of all KPIs, in their order.
    pub alerts: Vec<CompiledAlert>,
    /// Declared sources (CloudEvents `source`), ascending.
    pub sources: Vec<String>,
    /// Registered channels.
    pub channels: Vec<String>,
    /// For each of them, how soon a customer's message should be answered.
    pub reply_targets: Vec<Option<ReplyTarget>>,
    /// Boards.
    pub boards: Vec<Board>,
}

/// Number of combinations of dimension values, with `all` and `other` for each dimension.
///
/// Combination of value indices `v0, v1`: `((v0 + 1) × (n1 + 2)) + (v1 + 1)`, where `all` counts
/// as −1 and `other` as n. So 0 is the total of totals.
#[must_use]
pub fn combos(dimensions: &[CompiledDimension]) -> usize {
    dimensions.iter().map(|d| d.values.len() + 2).product()
}
