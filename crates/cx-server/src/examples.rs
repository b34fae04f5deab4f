//! In: a catalogue and the worked examples of its KPIs. Kept: nothing. Out: what differs.
//! Never knows: Kafka; each example runs through a real engine of one partition.

use cx_catalog::Catalog;
use cx_catalog::compiled::{Compiled, combos};
use cx_catalog::definition::{Example, Kpi};
use cx_engine::{Config, Content, Delivery, Effect, Engine, Part, Plan, Rollup, Step};
use cx_model::decode::decode;
use cx_model::ids::HashKey;
use cx_model::record::TimestampKind;
use cx_model::time::{SECOND, Timestamp};
use cx_model::value::{CellValue, Sealed};
use std::sync::Arc;

/// Examples begin at this second (a whole hour, so that panes are aligned): 2026-01-01T00:00Z.
const BEGIN: i64 = 1_767_225_600;

/// Runs all examples of some KPIs of a catalogue; one line per difference.
pub(crate) fn run(catalog: &Catalog, kpis: &[Kpi]) -> (usize, Vec<String>) {
    let mut differences = Vec::new();
    let mut ran = 0;
    for kpi in kpis {
        let plan = Plan::new(Arc::new(catalog.compile_alone(&kpi.kpi)));
        let plan = Arc::new(plan);
        for (i, example) in kpi.examples.iter().enumerate() {
            ran += 1;
            if let Err(why) = check(&plan, kpi, example) {
                differences.push(format!(
                    "{}: {}, example {}: {why}",
                    kpi.file,
                    kpi.kpi,
                    i + 1
                ));
            }
        }
    }
    (ran, differences)
}

fn check(plan: &Arc<Plan>, kpi: &Kpi, example: &Example) -> Result<(), String> {
    let after = i64::from(example.after_s.unwrap_or(1));
    let sealed = fold(plan, &example.events, after)?;
    let cell = cell_of(plan.set(), kpi, example, &sealed)?;
    let shown = |v: Option<i64>| v.map_or("nothing".to_owned(), |v| decimal(v, kpi.decimals));
    if cell.value != example.value {
        return Err(format!(
            "expected {}, got {} (numerator {}, denominator {:?}, n {})",
            shown(example.value),
            shown(cell.value),
            cell.numerator,
            cell.denominator,
            cell.n
        ));
    }
    match example.n {
        Some(n) if n != cell.n => Err(format!("expected n {n}, got {}", cell.n)),
        Some(_) | None => Ok(()),
    }
}

/// A scaled integer as people write it.
pub(crate) fn decimal(value: i64, decimals: u8) -> String {
    let unit = 10_u64.pow(u32::from(decimals));
    let (whole, rest) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let sign = if value < 0 { "-" } else { "" };
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    format!(
        "{sign}{whole}.{rest:0width$}",
        width = usize::from(decimals)
    )
}

/// What is sealed so many seconds after the last event. That second alone is emitted: no value depends on it.
fn fold(plan: &Arc<Plan>, events: &[serde_json::Value], after: i64) -> Result<Sealed, String> {
    let config = Config {
        partition: 0,
        partitions: 1,
        start_offset: 0,
        gaps_are_losses: false,
        hash_key: HashKey(1, 2),
    };
    let set = plan.set();
    let mut engine = Engine::new(config, Arc::clone(plan));
    engine.set_step(Step::Minute);
    for (i, event) in events.iter().enumerate() {
        let offset = i64::try_from(i).map_err(|_| "too many events".to_owned())?;
        let at = Timestamp::from_second(BEGIN + offset);
        let bytes = merged(event, i, at)?;
        let decoded =
            decode(&bytes, &set.slots, &set.limits).map_err(|r| format!("event {}: {r}", i + 1))?;
        let delivery = Delivery {
            offset,
            timestamp: at,
            timestamp_kind: TimestampKind::Create,
            content: Content::Event(&decoded),
        };
        engine.handle_record(&delivery);
        newest(&mut engine)?;
    }
    let last = BEGIN + i64::try_from(events.len()).unwrap_or(0) - 1 + after;
    engine.handle_timeout(Timestamp((last - 1) * SECOND));
    engine.set_step(Step::Second);
    engine.handle_timeout(Timestamp(last * SECOND));
    let mut rollup = Rollup::of(plan, 1);
    newest(&mut engine)?
        .and_then(|part| rollup.handle_part(part))
        .filter(|sealed| sealed.s == last)
        .ok_or_else(|| "the example needs at least one event".to_owned())
}

/// What the engine emitted last.
fn newest(engine: &mut Engine) -> Result<Option<Part>, String> {
    let mut newest = None;
    while let Some(effect) = engine.next_effect() {
        match effect {
            Effect::Part(part) => newest = Some(part),
            // No value holds one.
            Effect::Decision(_) | Effect::Final(_) => {}
            Effect::DeadLetter { offset, rejected } => {
                return Err(format!("event {} is refused: {rejected}", offset + 1));
            }
        }
    }
    Ok(newest)
}

/// The event merged over the default event.
fn merged(event: &serde_json::Value, i: usize, at: Timestamp) -> Result<Vec<u8>, String> {
    let mut all = serde_json::json!({
        "specversion": "1.0", "id": format!("example-{i}"), "source": "example",
        "subject": "c-1", "time": at.to_rfc3339(), "data": {},
    });
    let (Some(all), Some(given)) = (all.as_object_mut(), event.as_object()) else {
        return Err(format!("event {} is not a mapping", i + 1));
    };
    all.extend(given.iter().map(|(k, v)| (k.clone(), v.clone())));
    serde_json::to_vec(all).map_err(|e| e.to_string())
}

fn cell_of(
    set: &Compiled,
    kpi: &Kpi,
    example: &Example,
    sealed: &Sealed,
) -> Result<CellValue, String> {
    let compiled = set
        .kpis
        .iter()
        .find(|k| *k.kpi == *kpi.kpi)
        .ok_or("the KPI is not in the set")?;
    let cells = compiled.windows.len() * combos(&compiled.dimensions);
    let mut wanted = (compiled.first_cell..compiled.first_cell + cells).filter(|i| {
        let key = &set.cells[*i].key;
        key.window == example.window
            && key
                .dims
                .iter()
                .all(|(name, value)| example.dims.get(name).map_or("all", String::as_str) == value)
    });
    let index = wanted
        .next()
        .ok_or("no cell has this window and these dimension values")?;
    sealed
        .values
        .get(index)
        .copied()
        .ok_or_else(|| "no value for the cell".to_owned())
}
