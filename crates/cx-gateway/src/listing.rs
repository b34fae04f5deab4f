//! In: a board, and cells that no sealed second holds. Kept: the ids given out. Out: which cells are
//! there and where their values stand. Never knows: values, views.

use crate::view::{wire_cell, wire_info};
use cx_model::frame::{WireCell, WireInfo};
use cx_model::value::{Board, CellInfo, CellKey, CellValue, Layout, Sealed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cell beside those that the sealed seconds hold, such as an alert: announced, changed and removed
/// like any other, and part of the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// Which cell.
    pub info: CellInfo,
    /// Its value now.
    pub value: CellValue,
}

/// Where a cell's value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the values of the second.
    Sealed(usize),
    /// Among the extras.
    Extra(usize),
}

/// A cell with its id.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) id: u32,
    pub(crate) key: CellKey,
    pub(crate) wire: WireCell,
    pub(crate) place: Place,
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
    pub(crate) fn list(&mut self, board: &Arc<Board>, extras: &[Extra]) -> Listing {
        let sealed = board.cells.iter().zip(&board.source_index);
        let sealed = sealed.map(|(info, at)| (info, Place::Sealed(*at)));
        let beside = extras.iter().enumerate();
        let beside = beside.map(|(i, extra)| (&extra.info, Place::Extra(i)));
        let mut ids = BTreeMap::new();
        let mut cells = Vec::new();
        for (info, place) in sealed.chain(beside) {
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
                place,
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
    /// The ids of the board's own cells, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        let own = self.cells.iter().take(self.board.cells.len());
        own.map(|cell| cell.id)
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

    /// Where the seconds hold the cell of that id; `None` for no cell and for one beside them.
    pub(crate) fn place_in_seconds(&self, id: u32) -> Option<usize> {
        let cell = self.cells.iter().find(|cell| cell.id == id)?;
        match cell.place {
            Place::Sealed(at) => Some(at),
            Place::Extra(_) => None,
        }
    }

    /// What a reader needs to understand a cell's integers, for the board's own cells.
    pub(crate) fn infos(&self) -> impl Iterator<Item = (u32, &CellInfo, WireInfo)> {
        let own = self.ids().zip(&self.board.cells);
        own.map(|(id, info)| (id, info, wire_info(info)))
    }
}

/// A second's values with those that stand beside them.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) sealed: &'a Sealed,
    pub(crate) extras: &'a [Extra],
}

impl Source<'_> {
    pub(crate) fn at(&self, place: Place) -> CellValue {
        let found = match place {
            Place::Sealed(at) => self.sealed.values.get(at).copied(),
            Place::Extra(at) => self.extras.get(at).map(|extra| extra.value),
        };
        found.unwrap_or_default()
    }
}
