//! In: YAML. Kept: nothing. Out: what a file says, with places, before it is checked.
//! Never knows: whether it makes sense.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawKpi {
    pub(crate) kpi: Spanned<String>,
    pub(crate) business_name: Spanned<String>,
    pub(crate) meaning: Spanned<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Spanned<String>,
    pub(crate) filter: Option<Spanned<String>>,
    pub(crate) measure: Option<RawMeasure>,
    pub(crate) gauge: Option<RawObject>,
    pub(crate) oldest: Option<RawObject>,
    pub(crate) numerator: Option<RawMeasure>,
    pub(crate) denominator: Option<RawMeasure>,
    #[serde(default)]
    pub(crate) dimensions: Vec<Spanned<RawDimension>>,
    pub(crate) windows: Vec<Spanned<String>>,
    pub(crate) unit: Spanned<String>,
    pub(crate) decimals: Spanned<u8>,
    pub(crate) direction: Spanned<String>,
    pub(crate) target: Option<Spanned<f64>>,
    pub(crate) owners: RawOwners,
    pub(crate) status: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) alerts: Vec<RawAlert>,
    pub(crate) examples: Spanned<Vec<RawExample>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMeasure {
    pub(crate) agg: Spanned<String>,
    pub(crate) of: Option<Spanned<String>>,
    #[serde(rename = "where")]
    pub(crate) condition: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawObject {
    pub(crate) of: Spanned<String>,
    #[serde(rename = "where")]
    pub(crate) condition: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum RawDimension {
    Name(String),
    Declared { name: String, values: Vec<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOwners {
    pub(crate) business: Spanned<String>,
    pub(crate) technical: Spanned<String>,
}

/// Checked for form; judged when alerts exist.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAlert {
    pub(crate) priority: Spanned<String>,
    pub(crate) window: Spanned<String>,
    #[serde(rename = "when")]
    pub(crate) _when: String,
    #[serde(rename = "clear")]
    pub(crate) _clear: String,
    #[serde(rename = "for", default)]
    pub(crate) _duration: Option<String>,
    #[serde(rename = "cause")]
    pub(crate) _cause: Option<String>,
    #[serde(rename = "next_step")]
    pub(crate) _next_step: String,
    #[serde(rename = "notify", default)]
    pub(crate) _notify: Vec<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExample {
    pub(crate) events: Vec<serde_json::Value>,
    pub(crate) window: Spanned<String>,
    #[serde(default)]
    pub(crate) dims: BTreeMap<String, String>,
    pub(crate) value: Option<f64>,
    pub(crate) n: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawChannels {
    pub(crate) channels: Vec<RawChannel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawChannel {
    pub(crate) channel: String,
    #[serde(rename = "sync")]
    pub(crate) _sync: bool,
}

/// One source of events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// CloudEvents `source`.
    pub source: String,
    /// Who mends it.
    pub owner: String,
    /// How old its newest event may be, seconds.
    pub freshness_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBoard {
    pub(crate) board: Spanned<String>,
    pub(crate) title: String,
    pub(crate) zone: String,
    pub(crate) tiles: Vec<RawTile>,
    #[serde(default)]
    pub(crate) rail: RawRail,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTile {
    pub(crate) label: Spanned<String>,
    pub(crate) kpi: Spanned<String>,
    pub(crate) window: Spanned<String>,
    #[serde(default)]
    pub(crate) dims: BTreeMap<String, String>,
    pub(crate) range: [i64; 2],
    pub(crate) foot: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRail {
    pub(crate) sources: Option<RawRailCell>,
    pub(crate) dead_letters: Option<RawRailCell>,
    #[serde(default)]
    pub(crate) overdue: Vec<RawRailCell>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRailCell {
    #[serde(default)]
    pub(crate) label: String,
    pub(crate) kpi: Spanned<String>,
    #[serde(default)]
    pub(crate) window: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) dims: BTreeMap<String, String>,
}
