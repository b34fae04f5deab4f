//! In: the catalogue that the files propose, the newest sealed second. Kept: nothing. Out: what the KPIs it
//! changes would say at that second, had it always held, beside what they say. Never knows: HTTP, engines.

use crate::common::Common;
use crate::recount::count::{Asked, Counted, Meaning, count};
use crate::{recounts, show};
use anyhow::ensure;
use cx_catalog::Catalog;
use cx_catalog::compiled::Compiled;
use cx_catalog::definition::Kpi;
use cx_model::value::Sealed;
use cx_model::window::Window;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// Counts the log with the slow model under the proposed definitions.
///
/// # Errors
/// A log that cannot be read, or is larger than memory could hold.
pub(crate) fn rehearse(
    common: &Common,
    (set, sealed): (&Compiled, &Sealed),
    proposed: &Catalog,
) -> anyhow::Result<Value> {
    let known = common.sets.all();
    let hashes = known.iter().map(|set| set.compiled().hash.clone());
    let meaning = Meaning::always(proposed, hashes.collect());
    let mut log = recounts::log(common)?;
    let asked = Asked {
        s: Some(sealed.s),
        offsets: Some(sealed.offsets.to_vec()),
    };
    let keys = Some(&common.secrets.keys);
    let counted = count((&meaning, keys), &mut *log, &asked, &mut |_| {
        ensure!(!common.stop.load(Ordering::Relaxed), "the server stops");
        Ok(())
    })?;
    let shown = common.sets.shown();
    let mut rows = Vec::new();
    for kpi in &proposed.kpis {
        let before = shown.catalog.kpis.iter().find(|k| k.kpi == kpi.kpi);
        if before.is_some_and(|before| before.hash == kpi.hash) {
            continue;
        }
        for window in &kpi.windows {
            rows.push(json!({
                "kpi": kpi.kpi, "window": window.name(),
                "before": before.and_then(|k| now(k, *window, (set, sealed))),
                "after": then(kpi, *window, &counted),
            }));
        }
    }
    Ok(json!({"s": sealed.s, "from": counted.from, "records": counted.records, "rows": rows}))
}

/// What a KPI says over all, as people read it; `None` where it has no such window.
fn now(kpi: &Kpi, window: Window, (set, sealed): (&Compiled, &Sealed)) -> Option<String> {
    let total = set.cells.iter().position(|cell| {
        let key = &cell.key;
        *key.kpi == *kpi.kpi && key.window == window && key.dims.values().all(|v| v == "all")
    })?;
    let value = sealed.values.get(total)?.value;
    Some(show::value(value, &kpi.unit, kpi.decimals))
}

fn then(kpi: &Kpi, window: Window, counted: &Counted) -> Option<String> {
    let dims = kpi.dimensions.iter();
    let dims = dims.map(|d| (d.name.clone(), "all".to_owned())).collect();
    let number = counted.cells.get(&(kpi.kpi.clone(), window, dims))?;
    Some(show::value(number.value, &kpi.unit, kpi.decimals))
}
