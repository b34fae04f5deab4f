//! In: YAML. Kept: nothing. Out: what a board file says, with places.
//! Never knows: whether its cells exist.

use crate::form::Form;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The fields of a board file.
pub(crate) const FORM: Form = Form {
    what: "a board",
    required: &[
        ("board", "write board: name_in_addresses"),
        ("title", "write title: words in the header"),
        ("zone", "write zone: Europe/Warsaw or another IANA zone"),
        ("tiles", "write tiles: with label, kpi, window, range, foot"),
    ],
    optional: &["rail"],
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBoard {
    pub(crate) board: Spanned<String>,
    pub(crate) title: Spanned<String>,
    pub(crate) zone: Spanned<String>,
    pub(crate) tiles: Vec<RawTile>,
    #[serde(default)]
    pub(crate) rail: RawRail,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTile {
    pub(crate) label: Spanned<String>,
    pub(crate) kpi: Spanned<String>,
    pub(crate) window: Spanned<String>,
    #[serde(default)]
    pub(crate) dims: BTreeMap<String, Spanned<String>>,
    pub(crate) range: Spanned<[f64; 2]>,
    pub(crate) foot: Spanned<String>,
    #[serde(default)]
    pub(crate) sources: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRail {
    pub(crate) sources: Option<RawCell>,
    pub(crate) dead_letters: Option<RawCell>,
    #[serde(default)]
    pub(crate) overdue: Vec<RawCell>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCell {
    pub(crate) label: Option<Spanned<String>>,
    pub(crate) kpi: Spanned<String>,
    pub(crate) window: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) dims: BTreeMap<String, Spanned<String>>,
}
