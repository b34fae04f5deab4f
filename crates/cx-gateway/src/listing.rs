//! In: a board. Kept: the ids given out. Out: which cells are
//! there and where their values stand. Never knows: values, views.

use crate::view::{wire_cell, wire_info};
use cx_model::frame::{WireCell, WireInfo};
use cx_model::value::{Board, CellInfo, CellKey, CellValue, Layout, Sealed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cell with its id.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) id: u32,
    pub(crate) key: CellKey,
    pub(crate) wire: WireCell,
    /// Where seconds hold its value.
    pub(crate) place: usize,
}

/// The cells of a board as they are now; another one when cells come or go.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) board: Arc<Board>,
    pub(crate) cells: Vec<Listed>,
    /// KPIs whose definition changed when this listing came.
    pub(crate) redefined: Vec<String>,
}

/// Gives ids out: small, and none twice.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    ids: BTreeMap<CellKey, u32>,
    last: u32,
}

impl Roster {
    /// Lists a board's cells: known ones keep their id, the others get new ones.
    pub(crate) fn list(&mut self, board: &Arc<Board>) -> Listing {
        let mut ids = BTreeMap::new();
        let mut cells = Vec::new();
        for (info, place) in board.cells.iter().zip(&board.source_index) {
            let known = self.ids.get(&info.key).copied();
            let id = known.unwrap_or_else(|| {
                self.last += 1;
                self.last
            });
            ids.insert(info.key.clone(), id);
            cells.push(Listed {
                id,
                key: info.key.clone(),
                wire: wire_cell(id, info),
                place: *place,
            });
        }
        let redefined = self.redefined(&ids);
        self.ids = ids;
        Listing {
            board: Arc::clone(board),
            cells,
            redefined,
        }
    }

    /// KPIs that were and are there, under another definition.
    fn redefined(&self, now: &BTreeMap<CellKey, u32>) -> Vec<String> {
        let definitions = |of: &BTreeMap<CellKey, u32>| -> BTreeMap<Arc<str>, Arc<str>> {
            let all = of.keys();
            all.map(|k| (Arc::clone(&k.kpi), Arc::clone(&k.definition)))
                .collect()
        };
        let (old, new) = (definitions(&self.ids), definitions(now));
        let changed = |kpi: &Arc<str>, is: &Arc<str>| old.get(kpi).is_some_and(|was| was != is);
        let changed = new.iter().filter(|(kpi, is)| changed(kpi, is));
        changed.map(|(kpi, _)| kpi.to_string()).collect()
    }
}

impl Listing {
    /// The ids of the board's cells, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.cells.iter().map(|cell| cell.id)
    }

    /// The layout with the ids of today; the board's own says places + 1.
    pub(crate) fn layout(&self) -> Layout {
        let mut layout = self.board.layout.clone();
        let ids: Vec<u32> = self.ids().collect();
        let today = |cell: &mut u32| {
            let place = usize::try_from(*cell).ok().and_then(|c| c.checked_sub(1));
            *cell = place.and_then(|p| ids.get(p)).copied().unwrap_or(*cell);
        };
        let tiles = layout.tiles.iter_mut().map(|t| &mut t.cell);
        let sources = layout.rail.sources.iter_mut().map(|r| &mut r.cell);
        let overdue = layout.rail.overdue.iter_mut().map(|r| &mut r.cell);
        let dead = layout.rail.dead_letters.iter_mut().map(|r| &mut r.cell);
        tiles
            .chain(sources)
            .chain(overdue)
            .chain(dead)
            .for_each(today);
        layout
    }

    /// Where seconds hold the cell of that id.
    pub(crate) fn place_of(&self, id: u32) -> Option<usize> {
        let cell = self.cells.iter().find(|cell| cell.id == id);
        cell.map(|cell| cell.place)
    }

    /// What a reader needs to understand a cell's integers.
    pub(crate) fn infos(&self) -> impl Iterator<Item = (u32, &CellInfo, WireInfo)> {
        let own = self.ids().zip(&self.board.cells);
        own.map(|(id, info)| (id, info, wire_info(info)))
    }
}

/// The value at a place of a second.
pub(crate) fn value_at(sealed: &Sealed, place: usize) -> CellValue {
    sealed.values.get(place).copied().unwrap_or_default()
}
