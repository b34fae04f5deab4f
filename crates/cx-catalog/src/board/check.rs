//! In: what a board file says, and the KPIs there are. Out: faults with places.
//! Never knows: cells and their ids.

use super::raw::{RawBoard, RawCell, RawTile};
use crate::check::{has_value, scale, technical};
use crate::definition::Kpi;
use crate::diagnostic::{Page, did_you_mean};
use crate::raw::Source;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// Most tiles of a board: what can be read from across a room.
const TILES: usize = 9;
/// Longest label.
const LABEL: usize = 18;

/// The KPIs there are, the names of those that were refused, and the declared sources.
type Known<'k> = (&'k [Kpi], &'k [String], &'k [Source]);
/// One number of the board as it was asked for.
type Asked<'a> = (
    &'a Spanned<String>,
    Option<&'a Spanned<String>>,
    &'a BTreeMap<String, Spanned<String>>,
);

pub(crate) fn check(raw: &RawBoard, known: Known<'_>, page: &mut Page<'_>) {
    head(raw, page);
    for tile in &raw.tiles {
        label(&tile.label, page);
        let asked = (&tile.kpi, Some(&tile.window), &tile.dims);
        if let Some(kpi) = cell(asked, known, page) {
            range(tile, kpi, page);
        }
        feeds(tile, &raw.rail.sources, known.2, page);
    }
    for row in &raw.rail.overdue {
        match &row.label {
            Some(text) => label(text, page),
            None => page.fault(
                row.kpi.referenced,
                "the row has no label",
                "write label: Voice",
            ),
        }
        of_rail(row, known, page);
    }
    if let Some(row) = &raw.rail.dead_letters {
        of_rail(row, known, page);
    }
    if let Some(row) = &raw.rail.sources {
        sources(row, known, page);
    }
}

fn head(raw: &RawBoard, page: &mut Page<'_>) {
    let name = &raw.board;
    if !technical(&name.value, 48) {
        page.fault(
            name.referenced,
            format!("{:?} is no board name", name.value),
            "use lower-case letters, digits and _, at most 48",
        );
    }
    if raw.title.value.trim().is_empty() {
        page.fault(raw.title.referenced, "the title is empty", "write it");
    }
    let zone = raw.zone.value.as_str();
    let good = |b: u8| b.is_ascii_alphanumeric() || b"/_+-".contains(&b);
    if !(zone == "UTC" || zone.contains('/')) || !zone.bytes().all(good) {
        page.fault(
            raw.zone.referenced,
            format!("{zone:?} is no IANA zone"),
            "write UTC or Area/City, e.g. Europe/Warsaw",
        );
    }
    let (message, fix) = match raw.tiles.len() {
        0 => ("the board has no tile", "write tiles: with at least one"),
        1..=TILES => return,
        _ => (
            "more than nine tiles",
            "make a second board: a wall has nine at most",
        ),
    };
    page.fault(name.referenced, message, fix);
}

fn label(text: &Spanned<String>, page: &mut Page<'_>) {
    let long = text.value.chars().count();
    if text.value.trim().is_empty() || long > LABEL {
        page.fault(
            text.referenced,
            format!("the label has {long} characters, {LABEL} at most and at least one"),
            "shorten it: it must be read from four metres",
        );
    }
}

fn range(tile: &RawTile, kpi: &Kpi, page: &mut Page<'_>) {
    let [low, high] = tile.range.value;
    let scaled = scale(low, kpi.decimals).zip(scale(high, kpi.decimals));
    if scaled.is_none_or(|(low, high)| low >= high) {
        page.fault(
            tile.range.referenced,
            format!("{low} to {high} is no range for {}", kpi.kpi),
            format!(
                "write [low, high] with at most {} decimals, low below high",
                kpi.decimals
            ),
        );
    }
}

/// A tile goes stale with its sources, whose ages the rail shows.
fn feeds(tile: &RawTile, rail: &Option<RawCell>, declared: &[Source], page: &mut Page<'_>) {
    for (i, source) in tile.sources.iter().enumerate() {
        let name = source.value.as_str();
        if !declared.iter().any(|s| s.source == name) {
            let fix = did_you_mean(name, declared.iter().map(|s| s.source.as_str()));
            page.fault(source.referenced, format!("unknown source {name}"), fix);
        } else if tile.sources[..i].iter().any(|s| s.value == name) {
            let message = format!("the source {name} stands here twice");
            page.fault(source.referenced, message, "write it once");
        } else if rail.is_none() {
            page.fault(
                source.referenced,
                "the age of the tile's sources is not on the board",
                "write rail: {sources: {kpi: source_age}}",
            );
        }
    }
}

fn of_rail(row: &RawCell, known: Known<'_>, page: &mut Page<'_>) {
    cell((&row.kpi, row.window.as_ref(), &row.dims), known, page);
}

/// The rail shows one row per declared source, so its KPI must have them all.
fn sources(row: &RawCell, known: Known<'_>, page: &mut Page<'_>) {
    let asked = (&row.kpi, row.window.as_ref(), &row.dims);
    let Some(kpi) = cell(asked, known, page) else {
        return;
    };
    let dimension = kpi.dimensions.iter().find(|d| d.name == "source");
    let all = |s: &Source| dimension.is_some_and(|d| d.values.contains(&s.source));
    let now = row.window.as_ref().is_none_or(|w| w.value == "now");
    if !known.2.iter().all(all) || !row.dims.is_empty() || !now {
        page.fault(
            row.kpi.referenced,
            format!("{} is not broken down by every declared source", kpi.kpi),
            "name a KPI with oldest: {of: source.last_event} and dimensions: [source], \
             without window and dims",
        );
    }
}

/// Does the number exist? Gives its KPI.
fn cell<'k>(
    (name, window, dims): Asked<'_>,
    known: Known<'k>,
    page: &mut Page<'_>,
) -> Option<&'k Kpi> {
    let (kpis, refused, _) = known;
    let Some(kpi) = kpis.iter().find(|k| k.kpi == name.value) else {
        if !refused.contains(&name.value) {
            let fix = did_you_mean(&name.value, kpis.iter().map(|k| k.kpi.as_str()));
            page.fault(name.referenced, format!("unknown KPI {}", name.value), fix);
        }
        return None;
    };
    let asked = window.map_or("now", |w| w.value.as_str());
    if !kpi.windows.iter().any(|w| w.name() == asked) {
        let windows: Vec<&str> = kpi.windows.iter().map(|w| w.name()).collect();
        let message = format!("{} has no window {asked}", kpi.kpi);
        let at = window.map_or(name.referenced, |w| w.referenced);
        page.fault(at, message, format!("it has {}", windows.join(", ")));
    }
    for (dim, value) in dims {
        let declared = kpi.dimensions.iter().find(|d| d.name == *dim);
        if let Some(declared) = declared {
            if !has_value(declared, &value.value) {
                let values = declared.values.iter().map(String::as_str);
                let fix = did_you_mean(&value.value, values.chain(["all", "other"]));
                let message = format!("{} has no {dim} {:?}", kpi.kpi, value.value);
                page.fault(value.referenced, message, fix);
            }
        } else {
            let fix = did_you_mean(dim, kpi.dimensions.iter().map(|d| d.name.as_str()));
            let message = format!("{} has no dimension {dim}", kpi.kpi);
            page.fault(value.referenced, message, fix);
        }
    }
    Some(kpi)
}
