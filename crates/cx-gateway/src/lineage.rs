//! In: nothing. Kept: nothing. Out: why a number is what it is (`schemas/kpi-why.schema.json`).
//! Never knows: who found it out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything one number of one sealed second rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    /// Technical name.
    pub kpi: String,
    /// Business name.
    pub business_name: String,
    /// SHA-256 of the definition, 64 hex digits.
    pub definition: String,
    /// Window.
    pub window: String,
    /// Dimension values; `all` is the total.
    pub dims: BTreeMap<String, String>,
    /// `percent`, `count`, `seconds` or an ISO 4217 code.
    pub unit: String,
    /// The value is scaled by 10^scale.
    pub scale: u8,
    /// The second.
    pub s: i64,
    /// The scaled value, as on the screens; null where there is nothing to say.
    pub value: Option<i64>,
    /// The value with its unit, in words.
    pub shown: String,
    /// State bits.
    pub state: u8,
    /// What it is made of.
    pub parts: Parts,
    /// How the parts became the value, with the rounding.
    pub worked: String,
    /// Of a number that is calculated from others: those others, at the same second.
    pub made_of: Vec<Ingredient>,
    /// The stretch of event time; null for a state at the second itself, and for what is calculated
    /// from others.
    pub covers: Option<Covers>,
    /// Every partition of the log, up to which offset it is in the number.
    pub partitions: Vec<Partition>,
    /// What the state bits and an empty value mean.
    pub marks: Vec<Mark>,
    /// How old it is, and whether it may still change.
    pub freshness: Freshness,
    /// Some of the newest records that count.
    pub samples: Samples,
}

/// Integers before division and rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    /// Numerator, or the sum, or the count.
    pub numerator: i64,
    /// Denominator, where there is one.
    pub denominator: Option<i64>,
    /// How many observations the value rests on.
    pub n: i64,
    /// Additions to the numerator by events that came after their pane was final.
    pub restated_numerator: i64,
    /// The same for the denominator.
    pub restated_denominator: i64,
}

/// A number that another is calculated from; it has a lineage of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ingredient {
    /// Its name in the expression.
    pub name: String,
    /// Technical name.
    pub kpi: String,
    /// Window.
    pub window: String,
    /// Dimension values; `all` is the total.
    pub dims: BTreeMap<String, String>,
    /// Its value with its unit, in words.
    pub shown: String,
}

/// A stretch of event time; of log time where records are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Covers {
    /// Begin of its first pane, RFC 3339.
    pub from: String,
    /// The sealed second, RFC 3339.
    pub to: String,
    /// Length of a pane, s. The newest one is still being filled, so the stretch is shorter than the window
    /// by less than that.
    pub pane_s: i64,
}

/// One partition of the log at the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Partition {
    /// The partition.
    pub partition: u32,
    /// The number rests on exactly the records below this offset.
    pub next_offset: i64,
    /// What became of them; null where the second is no longer kept.
    pub account: Option<Account>,
}

/// `next_offset − start = applied + duplicates + late + dead_lettered + control + gaps + lost`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// First offset expected.
    pub start: i64,
    /// Records whose event counted.
    pub applied: i64,
    /// Repeats, which count once.
    pub duplicates: i64,
    /// Events older than the horizon, which no window takes.
    pub late: i64,
    /// Refused records.
    pub dead_lettered: i64,
    /// Control records.
    pub control: i64,
    /// Offsets that held no record.
    pub gaps: i64,
    /// Records that were gone before they were read.
    pub lost: i64,
    /// Whether the identity holds.
    pub holds: bool,
    /// Offsets whose records are missing, until somebody acknowledges it: from, and the one after the last.
    pub data_gap: Option<(i64, i64)>,
}

/// A mark beside the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// `empty`, `warming`, `restated`, `data_gap` or `limited`.
    pub mark: String,
    /// What it means.
    pub meaning: String,
}

/// How old a number is; taken from a process's clock, so it stands beside the number, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freshness {
    /// Age of the second when it was asked for, ms.
    pub age_ms: i64,
    /// Panes that ended at or before this second are final.
    pub final_through: i64,
    /// Both in words.
    pub words: String,
}

/// Records that counted, found again in the log when somebody asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Samples {
    /// Above the line, or in the one measure there is; newest first.
    pub numerator: Vec<Sample>,
    /// Below the line; null where there is no denominator.
    pub denominator: Option<Vec<Sample>>,
    /// How far back the log was read for them.
    pub looked: Vec<Looked>,
    /// How many records that were.
    pub records: u64,
    /// What limits them, or why none can be given.
    pub note: String,
}

/// A record that counted: names only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// `applied`, or what else became of a counted record: `dead_lettered: invalid_json`.
    pub outcome: String,
    /// CloudEvents `source`; null where the record is no event.
    pub source: Option<String>,
    /// CloudEvents `id`; null where the record is no event.
    pub id: Option<String>,
    /// CloudEvents `type`; null where the record is no event.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The time it counts at, RFC 3339.
    pub time: String,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: i64,
    /// Opaque id of its customer, see `/v1/customers/{id}`.
    pub customer: Option<String>,
}

/// A stretch of one partition that was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    /// The partition.
    pub partition: u32,
    /// First offset read.
    pub from: i64,
    /// The offset after the last one read.
    pub to: i64,
}
