//! In: board files. Kept: what they say. Out: boards with cells of a compiled set.
//! Never knows: pixels.

mod check;
mod raw;

pub(crate) use check::check;
pub(crate) use raw::{FORM, RawBoard};

use crate::check::scale;
use crate::raw::Source;
use cx_model::value::{Board, CellInfo, Layout, Rail, RailCell, RailOverdue, RailSource, Tile};
use cx_model::window::Window;
use raw::{RawCell, RawTile};
use std::collections::{BTreeMap, BTreeSet};

/// Lays a checked board over the cells of a compiled set.
pub(crate) fn compile(raw: &RawBoard, cells: &[CellInfo], sources: &[Source]) -> Board {
    let builder = Builder {
        cells,
        chosen: Vec::new(),
    };
    builder.board(raw, sources)
}

struct Builder<'b> {
    cells: &'b [CellInfo],
    /// Indices into `cells`; a cell's id on the wire is its position here + 1.
    chosen: Vec<usize>,
}

impl Builder<'_> {
    fn board(mut self, raw: &RawBoard, sources: &[Source]) -> Board {
        let tiles = raw.tiles.iter().map(|t| self.tile(t)).collect();
        let rail = self.rail(raw, sources);
        for tile in &raw.tiles {
            self.breakdown(&tile.kpi.value, window(&tile.window.value));
        }
        Board {
            name: raw.board.value.clone(),
            title: raw.title.value.clone(),
            zone: raw.zone.value.clone(),
            cells: self.chosen.iter().map(|i| self.cells[*i].clone()).collect(),
            source_index: self.chosen,
            layout: Layout { tiles, rail },
        }
    }

    fn tile(&mut self, tile: &RawTile) -> Tile {
        let dims = tile
            .dims
            .iter()
            .map(|(k, v)| (k.as_str(), v.value.as_str()));
        let index = self.find(&tile.kpi.value, window(&tile.window.value), &dims.collect());
        let decimals = self.cells[index].scale;
        let [low, high] = tile.range.value;
        let scaled = |v| scale(v, decimals).expect("checked when the board was read");
        Tile {
            label: tile.label.value.clone(),
            cell: self.id(index),
            foot: tile.foot.value.clone(),
            range: [scaled(low), scaled(high)],
            sources: tile.sources.iter().map(|s| s.value.clone()).collect(),
        }
    }

    fn rail(&mut self, raw: &RawBoard, sources: &[Source]) -> Rail {
        let mut of_sources = Vec::new();
        for (cell, source) in raw
            .rail
            .sources
            .iter()
            .flat_map(|c| sources.iter().map(move |s| (c, s)))
        {
            let dims = BTreeMap::from([("source", source.source.as_str())]);
            let index = self.find(&cell.kpi.value, Window::Now, &dims);
            of_sources.push(RailSource {
                name: source.source.clone(),
                cell: self.id(index),
                owner: source.owner.clone(),
                freshness_s: source.freshness_s,
            });
        }
        let dead_letters = raw
            .rail
            .dead_letters
            .as_ref()
            .map(|c| RailCell { cell: self.cell(c) });
        let overdue = raw.rail.overdue.iter().map(|c| RailOverdue {
            label: c
                .label
                .as_ref()
                .map_or_else(String::new, |l| l.value.clone()),
            cell: self.cell(c),
        });
        Rail {
            overdue: overdue.collect(),
            sources: of_sources,
            dead_letters,
        }
    }

    fn cell(&mut self, raw: &RawCell) -> u32 {
        let name = raw.window.as_ref().map_or("now", |w| &w.value);
        let dims = raw.dims.iter().map(|(k, v)| (k.as_str(), v.value.as_str()));
        let index = self.find(&raw.kpi.value, window(name), &dims.collect());
        self.id(index)
    }

    /// All combinations of a tile's KPI and window that are not there yet.
    fn breakdown(&mut self, kpi: &str, window: Window) {
        let there: BTreeSet<usize> = self.chosen.iter().copied().collect();
        let wanted = |c: &CellInfo| *c.key.kpi == *kpi && c.key.window == window;
        let all = self.cells.iter().enumerate();
        let more = all.filter(|(i, c)| wanted(c) && !there.contains(i));
        self.chosen.extend(more.map(|(i, _)| i));
    }

    /// The cell of these dimension values; those left out are totals.
    fn find(&self, kpi: &str, window: Window, dims: &BTreeMap<&str, &str>) -> usize {
        let wanted = |c: &CellInfo| {
            let same = |(name, value): (&String, &String)| {
                dims.get(name.as_str()).copied().unwrap_or("all") == value
            };
            *c.key.kpi == *kpi && c.key.window == window && c.key.dims.iter().all(same)
        };
        let found = self.cells.iter().position(wanted);
        found.expect("checked when the board was read")
    }

    /// The wire id of a cell, which is on the board from now on.
    fn id(&mut self, index: usize) -> u32 {
        let there = self.chosen.iter().position(|i| *i == index);
        let position = there.unwrap_or_else(|| {
            self.chosen.push(index);
            self.chosen.len() - 1
        });
        u32::try_from(position + 1).expect("a board has few cells")
    }
}

fn window(name: &str) -> Window {
    Window::parse(name).expect("checked when the board was read")
}
