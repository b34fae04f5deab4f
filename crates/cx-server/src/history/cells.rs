//! In: the cells of a set. Kept: their names, and where each stands among those of another set. Out: the
//! same. Never knows: values.

use cx_model::value::{CellInfo, CellValue};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Which numbers the minutes of a segment hold, in this order, and under which set they were counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// Hash of the set.
    pub set: String,
    /// `kpi|definition|window|dim=value,…|` of each cell.
    pub keys: Vec<String>,
}

impl Cells {
    /// Those of a set.
    #[must_use]
    pub fn of(set: &str, cells: &[CellInfo]) -> Self {
        Self {
            set: set.to_owned(),
            keys: cells.iter().map(|c| c.key.digest_prefix()).collect(),
        }
    }
}

/// The cells of a segment, seen from the set that is active now.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) cells: Cells,
    /// For each of our cells its place in theirs; `None` where they are the same.
    ours: Option<Vec<Option<usize>>>,
}

impl Columns {
    pub(crate) fn seen_from(ours: &Cells, cells: Cells) -> Arc<Self> {
        let places = (cells != *ours).then(|| {
            let theirs = cells.keys.iter().enumerate();
            let theirs: HashMap<&str, usize> = theirs.map(|(i, k)| (k.as_str(), i)).collect();
            let place = |key: &String| theirs.get(key.as_str()).copied();
            ours.keys.iter().map(place).collect()
        });
        Arc::new(Self {
            cells,
            ours: places,
        })
    }

    /// Whether the minutes were counted under the set that is active now.
    pub(crate) fn are_ours(&self) -> bool {
        self.ours.is_none()
    }

    /// Where our cell stands; `None` where they have none of its key.
    pub(crate) fn place(&self, cell: usize) -> Option<usize> {
        match &self.ours {
            None => Some(cell),
            Some(places) => places.get(cell).copied().flatten(),
        }
    }

    /// Their values in our order.
    pub(crate) fn arrange(
        &self,
        ours: usize,
        theirs: impl Fn(usize) -> Option<CellValue>,
    ) -> Vec<Option<CellValue>> {
        let one = |cell| self.place(cell).and_then(&theirs);
        (0..ours).map(one).collect()
    }
}
