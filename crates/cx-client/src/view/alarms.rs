//! In: what frames say of a board's alerts. Kept: their states. Out: those that are not at rest, verified.
//! Never knows: numbers.

use super::key;
use crate::Error;
use cx_model::frame::WireAlerts;
use cx_model::value::{CellKey, cell_hash_of, digest_text};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(super) struct Alarms(BTreeMap<u32, Alarm>);

#[derive(Debug, Clone)]
struct Alarm {
    key: CellKey,
    prefix: String,
    raised: Option<i64>,
    state: u8,
}

impl Alarms {
    /// True where a state was said.
    pub(super) fn apply(&mut self, alerts: &WireAlerts, seq: u64) -> Result<bool, Error> {
        let (cells, values, server) = alerts;
        for (id, kpi, window, dims, info) in cells {
            let key = key(kpi, window, dims, info)?;
            let alarm = Alarm {
                prefix: key.digest_prefix(),
                key,
                raised: None,
                state: 0,
            };
            self.0.insert(*id, alarm);
        }
        for (id, raised, state) in values {
            let alarm = self.0.get_mut(id);
            let alarm = alarm.ok_or(Error::Unannounced { cell: *id })?;
            (alarm.raised, alarm.state) = (*raised, *state);
        }
        let hash = |a: &Alarm| cell_hash_of(&a.prefix, a.raised, a.state, None);
        let sum = self.0.values().map(hash);
        let ours = digest_text(sum.fold(0_u64, u64::wrapping_add));
        if ours == *server {
            return Ok(!values.is_empty());
        }
        let server = server.clone();
        Err(Error::Mismatch { seq, server, ours })
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (&CellKey, i64, u8)> {
        let all = self.0.values();
        all.filter_map(|a| Some((&a.key, a.raised?, a.state)))
    }
}
