//! In: server frames. Kept: cells and values of one board. Out: a digest that was verified.
//! Never knows: where frames come from.

use cx_model::frame::{ServerFrame, WireCell, WireValue};
use cx_model::value::{CellKey, cell_hash, digest_text};
use cx_model::window::Window;
use std::collections::BTreeMap;

/// One board as a client holds it.
#[derive(Debug, Clone, Default)]
pub struct View {
    cells: BTreeMap<u32, CellKey>,
    values: BTreeMap<u32, (Option<i64>, u8)>,
    /// The server's life.
    pub epoch: String,
    /// Sequence number of the last frame applied.
    pub seq: u64,
    /// Newest sealed second.
    pub s: Option<i64>,
    /// Digest of what is held, verified.
    pub digest: String,
}

/// What a view cannot accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What is held is not what the server holds: subscribe again without `since`.
    #[error("digest mismatch at seq {seq}: the server says {server}, this view holds {ours}")]
    Mismatch {
        /// Sequence number.
        seq: u64,
        /// The server's digest.
        server: String,
        /// Ours.
        ours: String,
    },
    /// A value for a cell that was never announced.
    #[error("a value came for cell {cell}, which was not announced")]
    Unannounced {
        /// Cell id.
        cell: u32,
    },
    /// A window this client does not know.
    #[error("unknown window {window:?}")]
    Window {
        /// Its name.
        window: String,
    },
}

impl View {
    /// Applies a frame and verifies the digest; true where the frame changed what is held.
    ///
    /// # Errors
    /// [`Error`].
    pub fn apply(&mut self, frame: &ServerFrame) -> Result<bool, Error> {
        match frame {
            ServerFrame::View {
                mode,
                epoch,
                seq,
                s,
                cells,
                values,
                g,
                ..
            } => {
                if mode == "snapshot" {
                    *self = Self::default();
                }
                self.epoch.clone_from(epoch);
                self.announce(cells)?;
                self.take(values, *seq, *s, g)
            }
            ServerFrame::D { seq, s, v, g, .. } => self.take(v, *seq, *s, g),
            ServerFrame::Hb { seq, s, g, .. } => {
                self.take(&[], *seq, *s, g)?;
                Ok(false)
            }
            ServerFrame::End { .. } | ServerFrame::Error { .. } | ServerFrame::Bye { .. } => {
                Ok(false)
            }
        }
    }

    /// The value and state of a cell.
    #[must_use]
    pub fn value(&self, cell: u32) -> Option<(Option<i64>, u8)> {
        self.values.get(&cell).copied()
    }

    /// All values by cell.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<u32, (Option<i64>, u8)> {
        &self.values
    }

    fn announce(&mut self, cells: &[WireCell]) -> Result<(), Error> {
        for (id, kpi, window, dims, info) in cells {
            let window = Window::parse(window).ok_or_else(|| Error::Window {
                window: window.clone(),
            })?;
            let key = CellKey {
                kpi: kpi.as_str().into(),
                definition: info.definition.as_str().into(),
                window,
                dims: dims.clone(),
            };
            self.cells.insert(*id, key);
        }
        Ok(())
    }

    fn take(
        &mut self,
        values: &[WireValue],
        seq: u64,
        s: Option<i64>,
        g: &str,
    ) -> Result<bool, Error> {
        for (cell, value, state) in values {
            if !self.cells.contains_key(cell) {
                return Err(Error::Unannounced { cell: *cell });
            }
            self.values.insert(*cell, (*value, *state));
        }
        self.seq = seq;
        self.s = s.or(self.s);
        let sum = self.cells.iter().fold(0_u64, |sum, (id, key)| {
            let (value, state) = self.values.get(id).copied().unwrap_or_default();
            sum.wrapping_add(cell_hash(key, value, state))
        });
        self.digest = digest_text(sum);
        if self.digest == g {
            return Ok(!values.is_empty());
        }
        let (server, ours) = (g.to_owned(), self.digest.clone());
        Err(Error::Mismatch { seq, server, ours })
    }
}
