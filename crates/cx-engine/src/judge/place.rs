//! In: an alert, a cell. Kept: nothing. Out: the name of what is judged, and ids that follow from it.
//! Never knows: values.

use cx_catalog::alert::CompiledAlert;
use cx_model::ids::HashKey;
use cx_model::value::CellKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No secret: ids must be the same for everybody who judges.
const KEY: HashKey = HashKey(0x616c_6572_7473_2e31, 0x7761_7463_6866_6c6f);

/// One limit of one number: what an alert is the alert of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Technical name of the KPI.
    pub kpi: String,
    /// SHA-256 of its definition, 64 hex digits.
    pub definition: String,
    /// Name of the window.
    pub window: String,
    /// Dimension values by name; `all` is the total.
    pub dims: BTreeMap<String, String>,
    /// Its place among the alerts of the KPI, from 0.
    pub alert: usize,
}

impl Place {
    pub(super) fn of(alert: &CompiledAlert, key: &CellKey) -> Self {
        Self {
            kpi: key.kpi.to_string(),
            definition: key.definition.to_string(),
            window: key.window.name().to_owned(),
            dims: key.dims.clone(),
            alert: alert.index,
        }
    }

    /// The id of what was raised here at a second: 32 hex digits.
    #[must_use]
    pub fn alert_id(&self, raised: i64) -> String {
        let (alert, raised) = (self.alert.to_string(), raised.to_string());
        let mut parts = vec![
            self.kpi.as_str(),
            self.definition.as_str(),
            self.window.as_str(),
            alert.as_str(),
            raised.as_str(),
        ];
        for (name, value) in &self.dims {
            parts.extend([name.as_str(), value.as_str()]);
        }
        KEY.hash(&parts).hex()
    }
}
