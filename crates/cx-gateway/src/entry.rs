//! In: nothing. Kept: nothing. Out: how `/v1/kpis` tells a definition (`schemas/kpi-entry.schema.json`).
//! Never knows: how definitions are checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One KPI of the glossary: business name and technical name, meaning, exact formula, owners, use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Technical name.
    pub kpi: String,
    /// Business name.
    pub business_name: String,
    /// One line of meaning.
    pub meaning: String,
    /// Type and measures, as the definition has them.
    pub formula: Value,
    /// The formula for people.
    pub said: SaidFormula,
    /// CEL condition on every measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Breakdowns.
    pub dimensions: Vec<Breakdown>,
    /// Windows, as the definition lists them.
    pub windows: Vec<String>,
    /// `percent`, `count`, `seconds` or an ISO 4217 code.
    pub unit: String,
    /// Decimals shown; values and target are scaled by 10^decimals.
    pub decimals: u8,
    /// `up`, `down` or `none`: which way is good.
    pub direction: String,
    /// Target, scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<i64>,
    /// Who answers for it.
    pub owners: Owners,
    /// Its alerts, as `kpis.md` says them, delays and holds in seconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Value>,
    /// Worked examples that run as tests.
    pub examples: Vec<Value>,
    /// SHA-256 of the definition, 64 hex digits.
    pub definition: String,
    /// Name of its file in the catalogue.
    pub file: String,
    /// Boards that show it.
    pub used: Vec<Use>,
}

/// A formula as the definition says it, and as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaidFormula {
    /// Over its parts: `numerator ÷ denominator × 100`.
    pub formula: String,
    /// `[part, text]`: filter and measures as they are written.
    pub parts: Vec<(String, String)>,
    /// In plain English.
    pub sentence: String,
}

/// A breakdown; everything but the declared values is `other`, the total is `all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Breakdown {
    /// Name in cells.
    pub name: String,
    /// Declared values.
    pub values: Vec<String>,
}

/// Two owners, as `team.role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owners {
    /// Answers for the meaning.
    pub business: String,
    /// Answers for the data.
    pub technical: String,
}

/// A board that shows a KPI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    /// Name in addresses.
    pub board: String,
    /// Words in its header.
    pub title: String,
    /// Tiles that show it.
    pub tiles: Vec<UsedTile>,
    /// Whether a row of the rail rests on it.
    pub rail: bool,
    /// How many cells of the board are its.
    pub cells: usize,
}

/// A tile that shows a KPI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedTile {
    /// Words on the tile.
    pub label: String,
    /// Cell id on its board.
    pub cell: u32,
    /// Window.
    pub window: String,
    /// Dimension values; `all` is the total.
    pub dims: BTreeMap<String, String>,
}
