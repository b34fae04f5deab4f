//! In: a checked catalogue, its boards. Kept: nothing. Out: every definition as people look it up, with
//! the places that show it. Never knows: values.

use cx_catalog::Catalog;
use cx_catalog::definition::{Alert, Kpi};
use cx_catalog::said::said;
use cx_gateway::{Breakdown, Entry, Owners, SaidFormula, Use, UsedTile};
use cx_model::value::Board;
use cx_model::window::Window;
use serde_json::{Map, Value};
use std::path::Path;

/// All definitions by technical name.
pub(crate) fn entries(catalog: &Catalog, boards: &[Board]) -> Map<String, Value> {
    let all = catalog.kpis.iter().chain(&catalog.observed);
    let told = all.map(|k| {
        let entry = serde_json::to_value(entry(k, boards));
        (k.kpi.clone(), entry.expect("an entry is plain data"))
    });
    told.collect()
}

fn entry(kpi: &Kpi, boards: &[Board]) -> Entry {
    let plain = |value| serde_json::to_value(value).expect("a definition is plain data");
    let said = said(kpi);
    let dimensions = kpi.dimensions.iter().map(|d| Breakdown {
        name: d.name.clone(),
        values: d.values.clone(),
    });
    let parts = said.parts.into_iter().map(|p| (p.part, p.text));
    let examples = kpi.examples.iter().map(serde_json::to_value);
    // The folder is this machine's business.
    let file = Path::new(&kpi.file).file_name().unwrap_or_default();
    Entry {
        kpi: kpi.kpi.clone(),
        business_name: kpi.business_name.clone(),
        meaning: kpi.meaning.clone(),
        formula: plain(&kpi.formula),
        said: SaidFormula {
            formula: said.formula,
            parts: parts.collect(),
            sentence: said.sentence,
        },
        filter: kpi.filter.clone(),
        dimensions: dimensions.collect(),
        windows: names(&kpi.windows),
        unit: kpi.unit.clone(),
        decimals: kpi.decimals,
        direction: kpi.direction.name().to_owned(),
        target: kpi.target,
        owners: Owners {
            business: kpi.owners.business.clone(),
            technical: kpi.owners.technical.clone(),
        },
        alerts: kpi.alerts.iter().map(plain_alert).collect(),
        examples: examples
            .map(|e| e.expect("an example is plain data"))
            .collect(),
        definition: kpi.hash.clone(),
        file: file.to_string_lossy().into_owned(),
        used: boards.iter().filter_map(|b| used(kpi, b)).collect(),
    }
}

fn plain_alert(alert: &Alert) -> Value {
    serde_json::to_value(alert).expect("an alert is plain data")
}

fn names(windows: &[Window]) -> Vec<String> {
    windows.iter().map(|w| w.name().to_owned()).collect()
}

/// How a board shows a KPI; `None` where it does not.
pub(crate) fn used(kpi: &Kpi, board: &Board) -> Option<Use> {
    let own = |cell: u32| {
        let index = usize::try_from(cell).ok()?.checked_sub(1)?;
        let key = &board.cells.get(index)?.key;
        (*key.kpi == *kpi.kpi).then_some(key)
    };
    let cells = board.cells.iter().filter(|c| *c.key.kpi == *kpi.kpi);
    let tiles = board.layout.tiles.iter().filter_map(|tile| {
        let key = own(tile.cell)?;
        Some(UsedTile {
            label: tile.label.clone(),
            cell: tile.cell,
            window: key.window.name().to_owned(),
            dims: key.dims.clone(),
        })
    });
    let rail = &board.layout.rail;
    let rows = rail.sources.iter().map(|r| r.cell);
    let rows = rows.chain(rail.dead_letters.iter().map(|r| r.cell));
    let mut rows = rows.chain(rail.overdue.iter().map(|r| r.cell));
    let used = Use {
        board: board.name.clone(),
        title: board.title.clone(),
        tiles: tiles.collect(),
        rail: rows.any(|cell| own(cell).is_some()),
        cells: cells.count(),
    };
    (used.cells > 0).then_some(used)
}
