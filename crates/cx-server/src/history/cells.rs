//! In: the cells of a set. Kept: their names, and where each stands among those of another set. Out: the
//! same. Never knows: values.

use cx_model::frame::WireParts;
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

    /// By cell a number that all windows of a KPI and combination share; how many there are. More cells at
    /// the end change none of them.
    fn groups(&self) -> (Vec<usize>, usize) {
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        let groups = self.keys.iter().map(|key| {
            // Only dimension values may hold a bar.
            let mut ends = key.match_indices('|').map(|(at, _)| at);
            let (_, definition, window) = (ends.next(), ends.next(), ends.next());
            let before = definition.map_or(&**key, |at| &key[..at]);
            let after = window.map_or("", |at| &key[at..]);
            let next = known.len();
            *known.entry((before, after)).or_insert(next)
        });
        (groups.collect(), known.len())
    }
}

/// The cells of a segment, seen from the set that is active now.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) cells: Cells,
    /// For each of our cells its place in theirs; `None` where they are the same.
    ours: Option<Vec<Option<usize>>>,
    /// For each of their cells its place among final parts, and how many places there are.
    groups: (Vec<usize>, usize),
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
            groups: cells.groups(),
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

    /// Parts by cell as they are kept, once for all windows.
    pub(crate) fn grouped(&self, parts: &[Option<WireParts>]) -> Vec<Option<WireParts>> {
        let (groups, many) = &self.groups;
        let mut kept = vec![None; *many];
        for (group, parts) in groups.iter().zip(parts) {
            kept[*group] = kept[*group].or(*parts);
        }
        kept
    }

    /// What is kept of our cell.
    pub(crate) fn of_group(&self, kept: &[Option<WireParts>], cell: usize) -> Option<WireParts> {
        let group = self.groups.0.get(self.place(cell)?)?;
        kept.get(*group).copied().flatten()
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
