//! In: the types a KPI file is read into. Kept: nothing. Out: its JSON Schema.
//! Never knows: editors and programs that use it.

use crate::raw::RawKpi;

/// The JSON Schema of a KPI file: its form. What JSON Schema cannot say (CEL, units that fit,
/// declared values) is said by [`crate::parse_kpi`].
#[must_use]
pub fn kpi_schema() -> serde_json::Value {
    schemars::schema_for!(RawKpi).to_value()
}
