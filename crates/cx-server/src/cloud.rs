//! In: what the house itself writes to its own topics. Kept: nothing. Out: structured CloudEvents.
//! Never knows: topics.

use cx_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A structured CloudEvent of the house.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event<D> {
    specversion: String,
    pub(crate) id: String,
    source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) time: String,
    datacontenttype: String,
    pub(crate) data: D,
}

impl<D: Serialize> Event<D> {
    pub(crate) fn new(id: String, kind: &str, at: Timestamp, data: D) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: "watchfloor".to_owned(),
            kind: kind.to_owned(),
            time: at.to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            data,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("what the house says is plain JSON")
    }
}
