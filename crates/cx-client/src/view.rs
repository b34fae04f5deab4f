//! In: server frames. Kept: cells and values of one board. Out: a digest that was verified.
//! Never knows: where frames come from.

mod alarms;

use crate::Error;
use alarms::Alarms;
use cx_model::frame::{ServerFrame, Since, WireAlerts, WireCell, WireInfo, WireParts, WireValue};
use cx_model::value::{CellKey, cell_hash_of, digest_text};
use cx_model::window::Window;
use std::collections::BTreeMap;

/// One board as a client holds it. After an error it holds nothing that may be shown: go on with a
/// diff since [`View::verified`], or start a new one from a snapshot.
#[derive(Debug, Clone, Default)]
pub struct View {
    cells: BTreeMap<u32, Cell>,
    values: BTreeMap<u32, (Option<i64>, u8)>,
    parts: BTreeMap<u32, WireParts>,
    sum: u64,
    alarms: Alarms,
    verified: u64,
    /// The server's life.
    pub epoch: String,
    /// Sequence number of the last frame applied.
    pub seq: u64,
    /// Newest sealed second.
    pub s: Option<i64>,
    /// False: the values held are live ones and prove nothing.
    pub sealed: bool,
    /// Digest of what is held, verified.
    pub digest: String,
}

#[derive(Debug, Clone)]
struct Cell {
    key: CellKey,
    info: WireInfo,
    prefix: String,
    hash: u64,
}

impl View {
    /// Applies a frame and verifies the digest; true where the frame carried values.
    ///
    /// # Errors
    /// [`Error::Mismatch`], [`Error::Unannounced`], [`Error::Window`], [`Error::Epoch`].
    pub fn apply(&mut self, frame: &ServerFrame) -> Result<bool, Error> {
        match frame {
            ServerFrame::View {
                mode,
                epoch,
                seq,
                s,
                sealed,
                cells,
                gone,
                values,
                parts,
                g,
                alerts,
                ..
            } => {
                self.open(mode, epoch)?;
                self.remove(gone);
                self.announce(cells)?;
                self.sealed = *sealed;
                let alerted = self.alert(alerts.as_ref(), *seq)?;
                Ok(self.take((values, parts), *seq, *s, g)? || alerted)
            }
            ServerFrame::D {
                seq,
                s,
                sealed,
                cells,
                gone,
                v,
                parts,
                g,
                alerts,
                ..
            } => {
                self.remove(gone);
                self.announce(cells)?;
                // Live by choice names no second, live for want of a seal says so.
                self.sealed = sealed.unwrap_or(s.is_some());
                let alerted = self.alert(alerts.as_ref(), *seq)?;
                Ok(self.take((v, parts), *seq, *s, g)? || alerted)
            }
            ServerFrame::Hb { seq, s, g, .. } => self.take((&[], &[]), *seq, *s, g),
            ServerFrame::Lagged { .. }
            | ServerFrame::Note { .. }
            | ServerFrame::End { .. }
            | ServerFrame::Why { .. }
            | ServerFrame::Error { .. }
            | ServerFrame::Bye { .. } => Ok(false),
        }
    }

    /// The value and state of a cell.
    #[must_use]
    pub fn value(&self, cell: u32) -> Option<(Option<i64>, u8)> {
        self.values.get(&cell).copied()
    }

    /// Numerator, denominator and n of a cell, where the subscription asked for parts.
    #[must_use]
    pub fn parts(&self, cell: u32) -> Option<WireParts> {
        self.parts.get(&cell).copied()
    }

    /// Where this view can go on from after a mismatch: a diff since then brings what was lost.
    #[must_use]
    pub fn verified(&self) -> Since {
        Since {
            epoch: self.epoch.clone(),
            seq: self.verified,
        }
    }

    /// All values by cell.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<u32, (Option<i64>, u8)> {
        &self.values
    }

    /// Which number a cell is, and what its integers mean.
    #[must_use]
    pub fn cell(&self, cell: u32) -> Option<(&CellKey, &WireInfo)> {
        self.cells.get(&cell).map(|c| (&c.key, &c.info))
    }

    /// Alerts that are not at rest: their cell, the second raised, state bits. Verified.
    pub fn alerts(&self) -> impl Iterator<Item = (&CellKey, i64, u8)> {
        self.alarms.open()
    }

    fn alert(&mut self, alerts: Option<&WireAlerts>, seq: u64) -> Result<bool, Error> {
        alerts.map_or(Ok(false), |alerts| self.alarms.apply(alerts, seq))
    }

    fn open(&mut self, mode: &str, epoch: &str) -> Result<(), Error> {
        if mode == "snapshot" {
            *self = Self::default();
        } else if self.epoch != epoch {
            let (ours, theirs) = (self.epoch.clone(), epoch.to_owned());
            return Err(Error::Epoch { ours, theirs });
        }
        epoch.clone_into(&mut self.epoch);
        Ok(())
    }

    fn announce(&mut self, cells: &[WireCell]) -> Result<(), Error> {
        for (id, kpi, window, dims, info) in cells {
            let key = key(kpi, window, dims, info)?;
            let prefix = key.digest_prefix();
            let hash = cell_hash_of(&prefix, None, 0, None);
            let info = info.clone();
            let cell = Cell {
                key,
                info,
                prefix,
                hash,
            };
            let old = self.cells.insert(*id, cell).map_or(0, |old| old.hash);
            self.sum = self.sum.wrapping_sub(old).wrapping_add(hash);
            self.values.insert(*id, (None, 0));
        }
        Ok(())
    }

    fn remove(&mut self, gone: &[u32]) {
        for id in gone {
            if let Some(cell) = self.cells.remove(id) {
                self.sum = self.sum.wrapping_sub(cell.hash);
                self.values.remove(id);
                self.parts.remove(id);
            }
        }
    }

    fn take(
        &mut self,
        (values, parts): (&[WireValue], &[WireParts]),
        seq: u64,
        s: Option<i64>,
        g: &str,
    ) -> Result<bool, Error> {
        for (i, (id, value, state)) in values.iter().enumerate() {
            let cell = self.cells.get_mut(id);
            let cell = cell.ok_or(Error::Unannounced { cell: *id })?;
            let parts = parts.get(i).copied();
            if let Some(parts) = parts {
                self.parts.insert(*id, parts);
            }
            let hash = cell_hash_of(&cell.prefix, *value, *state, parts);
            self.sum = self.sum.wrapping_sub(cell.hash).wrapping_add(hash);
            cell.hash = hash;
            self.values.insert(*id, (*value, *state));
        }
        self.seq = seq;
        self.s = s.or(self.s);
        self.digest = digest_text(self.sum);
        if self.digest == g {
            self.verified = seq;
            return Ok(!values.is_empty());
        }
        let (server, ours) = (g.to_owned(), self.digest.clone());
        Err(Error::Mismatch { seq, server, ours })
    }
}

fn key(
    kpi: &str,
    window: &str,
    dims: &BTreeMap<String, String>,
    info: &WireInfo,
) -> Result<CellKey, Error> {
    let known = Window::parse(window).ok_or_else(|| Error::Window {
        window: window.to_owned(),
    })?;
    Ok(CellKey {
        kpi: kpi.into(),
        definition: info.definition.as_str().into(),
        window: known,
        dims: dims.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(id: u32, queue: &str) -> WireCell {
        let info = WireInfo {
            unit: "count".to_owned(),
            scale: 0,
            target: None,
            direction: "down".to_owned(),
            definition: "d".repeat(64),
        };
        let dims = BTreeMap::from([("queue".to_owned(), queue.to_owned())]);
        (id, "waiting".to_owned(), "now".to_owned(), dims, info)
    }

    fn digest(values: &[(&str, Option<i64>, u8)]) -> String {
        let sum = values.iter().fold(0_u64, |sum, (queue, value, state)| {
            let prefix = format!("waiting|{}|now|queue={queue}|", "d".repeat(64));
            sum.wrapping_add(cell_hash_of(&prefix, *value, *state, None))
        });
        digest_text(sum)
    }

    fn view(
        mode: &str,
        epoch: &str,
        cells: Vec<WireCell>,
        v: Vec<WireValue>,
        g: String,
    ) -> ServerFrame {
        ServerFrame::View {
            id: 1,
            mode: mode.to_owned(),
            epoch: epoch.to_owned(),
            seq: 5,
            s: Some(100),
            sealed: true,
            cells,
            gone: Vec::new(),
            values: v,
            parts: Vec::new(),
            g,
            alerts: None,
        }
    }

    fn delta(seq: u64, v: Vec<WireValue>, g: String) -> ServerFrame {
        let (s, sealed, now) = (Some(101), None, None);
        let waiting_for = Vec::new();
        ServerFrame::D {
            id: 1,
            seq,
            s,
            sealed,
            now,
            waiting_for,
            cells: Vec::new(),
            gone: Vec::new(),
            v,
            parts: Vec::new(),
            g,
            alerts: None,
        }
    }

    fn started() -> View {
        let mut started = View::default();
        let cells = vec![cell(1, "all"), cell(2, "sales")];
        let g = digest(&[("all", Some(7), 0), ("sales", None, 1)]);
        let values = vec![(1, Some(7), 0), (2, None, 1)];
        assert!(
            started
                .apply(&view("snapshot", "e", cells, values, g))
                .unwrap()
        );
        started
    }

    #[test]
    fn holds_a_snapshot_and_what_changes() {
        let mut view = started();
        let g = digest(&[("all", Some(7), 0), ("sales", Some(3), 0)]);
        assert!(view.apply(&delta(6, vec![(2, Some(3), 0)], g)).unwrap());
        assert_eq!((view.seq, view.s), (6, Some(101)));
        assert_eq!(view.value(2), Some((Some(3), 0)));
    }

    #[test]
    fn tells_a_value_that_went_missing() {
        let mut view = started();
        let g = digest(&[("all", Some(8), 0), ("sales", Some(3), 0)]);
        let error = view.apply(&delta(6, vec![(2, Some(3), 0)], g)).unwrap_err();
        assert!(matches!(error, Error::Mismatch { seq: 6, .. }), "{error}");
    }

    #[test]
    fn takes_cells_that_come_and_lets_go_of_those_that_are_gone() {
        let mut view = started();
        let g = digest(&[("all", Some(7), 0), ("night", Some(2), 0)]);
        let mut frame = delta(6, vec![(3, Some(2), 0)], g);
        if let ServerFrame::D { cells, gone, .. } = &mut frame {
            (*cells, *gone) = (vec![cell(3, "night")], vec![2, 9]);
        }
        view.apply(&frame).unwrap();
        assert_eq!((view.value(2), view.value(3)), (None, Some((Some(2), 0))));
    }

    #[test]
    fn a_diff_since_the_last_proof_mends_a_frame_that_was_lost() {
        let mut held = started();
        let g = digest(&[("all", Some(8), 0), ("sales", Some(3), 0)]);
        held.apply(&delta(7, vec![(2, Some(3), 0)], g.clone()))
            .unwrap_err();
        assert_eq!((held.seq, held.verified().seq), (7, 5));
        let values = vec![(1, Some(8), 0), (2, Some(3), 0)];
        assert!(held.apply(&view("diff", "e", vec![], values, g)).unwrap());
    }

    #[test]
    fn takes_no_value_for_a_cell_it_does_not_know() {
        let error = started().apply(&delta(6, vec![(9, None, 0)], String::new()));
        assert!(matches!(error, Err(Error::Unannounced { cell: 9 })));
    }

    #[test]
    fn takes_no_diff_of_another_life() {
        let error = started().apply(&view("diff", "f", vec![], vec![], String::new()));
        assert!(matches!(error, Err(Error::Epoch { .. })));
    }

    #[test]
    fn forgets_everything_at_a_snapshot() {
        let mut held = started();
        let g = digest(&[("all", Some(1), 0)]);
        let again = view(
            "snapshot",
            "f",
            vec![cell(1, "all")],
            vec![(1, Some(1), 0)],
            g,
        );
        held.apply(&again).unwrap();
        assert_eq!(held.values().len(), 1);
    }
}
