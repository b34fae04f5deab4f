//! In: board files. Kept: what they say. Out: boards with cells of a compiled set.
//! Never knows: pixels.

use crate::definition::Kpi;
use crate::diagnostic::{Page, did_you_mean, place};
use crate::raw::{RawBoard, RawRailCell, Source};
use cx_model::value::{Board, CellInfo, Layout, Rail, RailCell, RailOverdue, RailSource, Tile};
use cx_model::window::Window;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// Boards whose every cell is known to exist.
#[derive(Default)]
pub(crate) struct RawBoards(Vec<(RawBoard, Vec<Source>)>);

type Wanted<'w> = (&'w str, Window, &'w BTreeMap<String, String>);

impl RawBoards {
    pub(crate) fn add(
        &mut self,
        raw: RawBoard,
        kpis: &[Kpi],
        sources: &[Source],
        page: &mut Page<'_>,
    ) {
        if raw.tiles.len() > 9 {
            page.fault(
                place(raw.board.referenced),
                "more than nine tiles".to_owned(),
                "a wall has nine at most: make a second board".to_owned(),
            );
        }
        for tile in &raw.tiles {
            if tile.label.value.chars().count() > 18 {
                page.fault(
                    place(tile.label.referenced),
                    "the label has more than 18 characters".to_owned(),
                    "shorten it: it must be read from four metres".to_owned(),
                );
            }
            known(kpis, (&tile.kpi, Some(&tile.window), &tile.dims), page);
        }
        for cell in raw
            .rail
            .overdue
            .iter()
            .chain(&raw.rail.sources)
            .chain(&raw.rail.dead_letters)
        {
            known(kpis, (&cell.kpi, cell.window.as_ref(), &cell.dims), page);
        }
        self.0.push((raw, sources.to_vec()));
    }

    /// The boards over the cells of a compiled set.
    pub(crate) fn compile(&self, cells: &[CellInfo]) -> Vec<Board> {
        self.0
            .iter()
            .map(|(raw, sources)| {
                Builder {
                    cells,
                    chosen: Vec::new(),
                }
                .board(raw, sources)
            })
            .collect()
    }
}

fn known(
    kpis: &[Kpi],
    (kpi, window, dims): (
        &Spanned<String>,
        Option<&Spanned<String>>,
        &BTreeMap<String, String>,
    ),
    page: &mut Page<'_>,
) {
    let Some(found) = kpis.iter().find(|k| k.kpi == kpi.value) else {
        let fix = did_you_mean(&kpi.value, kpis.iter().map(|k| k.kpi.as_str()));
        return page.fault(
            place(kpi.referenced),
            format!("unknown KPI {:?}", kpi.value),
            fix,
        );
    };
    let name = window.map_or("now", |w| w.value.as_str());
    if !found.windows.iter().any(|w| w.name() == name) {
        let windows: Vec<&str> = found.windows.iter().map(|w| w.name()).collect();
        let at = window.map_or(kpi.referenced, |w| w.referenced);
        page.fault(
            place(at),
            format!("{} has no window {name:?}", kpi.value),
            format!("it has {}", windows.join(", ")),
        );
    }
    for (dim, value) in dims {
        let declared = found.dimensions.iter().find(|d| d.name == *dim);
        if !declared.is_some_and(|d| value == "all" || value == "other" || d.values.contains(value))
        {
            page.fault(
                place(kpi.referenced),
                format!("{} has no {dim}={value}", kpi.value),
                "declare the value in the KPI's dimensions".to_owned(),
            );
        }
    }
}

struct Builder<'b> {
    cells: &'b [CellInfo],
    chosen: Vec<usize>,
}

impl Builder<'_> {
    fn board(mut self, raw: &RawBoard, sources: &[Source]) -> Board {
        let tiles: Vec<Tile> = raw
            .tiles
            .iter()
            .map(|tile| {
                let window = Window::parse(&tile.window.value).expect("checked");
                let cell = self.cell((&tile.kpi.value, window, &tile.dims));
                let factor =
                    10_i64.pow(u32::from(self.cells[self.chosen[cell as usize - 1]].scale));
                Tile {
                    label: tile.label.value.clone(),
                    cell,
                    foot: tile.foot.clone(),
                    range: tile.range.map(|r| r * factor),
                }
            })
            .collect();
        let rail = Rail {
            sources: raw
                .rail
                .sources
                .iter()
                .flat_map(|c| self.sources(c, sources))
                .collect(),
            dead_letters: raw
                .rail
                .dead_letters
                .as_ref()
                .map(|c| RailCell { cell: self.rail(c) }),
            overdue: raw
                .rail
                .overdue
                .iter()
                .map(|c| RailOverdue {
                    label: c.label.clone(),
                    cell: self.rail(c),
                })
                .collect(),
        };
        for tile in &raw.tiles {
            self.breakdown(&tile.kpi.value, &tile.window.value);
        }
        Board {
            name: raw.board.value.clone(),
            title: raw.title.clone(),
            zone: raw.zone.clone(),
            cells: self.chosen.iter().map(|i| self.cells[*i].clone()).collect(),
            source_index: self.chosen,
            layout: Layout { tiles, rail },
        }
    }

    fn rail(&mut self, raw: &RawRailCell) -> u32 {
        let window = raw
            .window
            .as_ref()
            .and_then(|w| Window::parse(&w.value))
            .unwrap_or(Window::Now);
        self.cell((&raw.kpi.value, window, &raw.dims))
    }

    fn sources(&mut self, raw: &RawRailCell, sources: &[Source]) -> Vec<RailSource> {
        sources
            .iter()
            .map(|s| {
                let dims = BTreeMap::from([("source".to_owned(), s.source.clone())]);
                let cell = self.cell((&raw.kpi.value, Window::Now, &dims));
                RailSource {
                    name: s.source.clone(),
                    cell,
                    owner: s.owner.clone(),
                }
            })
            .collect()
    }

    fn breakdown(&mut self, kpi: &str, window: &str) {
        for (i, cell) in self.cells.iter().enumerate() {
            if *cell.key.kpi == *kpi
                && cell.key.window.name() == window
                && !self.chosen.contains(&i)
            {
                self.chosen.push(i);
            }
        }
    }

    /// The wire id of a cell of this board; dimensions left out are totals.
    fn cell(&mut self, (kpi, window, dims): Wanted<'_>) -> u32 {
        let index = self.cells.iter().position(|c| {
            let total = |(name, value): (&String, &String)| {
                dims.get(name).map_or("all", String::as_str) == value
            };
            *c.key.kpi == *kpi && c.key.window == window && c.key.dims.iter().all(total)
        });
        let index = index.expect("checked when the board was read");
        let position = self
            .chosen
            .iter()
            .position(|i| *i == index)
            .unwrap_or_else(|| {
                self.chosen.push(index);
                self.chosen.len() - 1
            });
        u32::try_from(position + 1).expect("a board has few cells")
    }
}
