//! The slow model over the same logs as the independent recount: what careless senders write, both
//! modes of CloudEvents, control records of every kind.

use crate::expected::{Fold, as_record, fold};
use crate::log::{Entry, Log, Steer, of_company, of_grid, of_world};
use crate::shipped;
use crate::world::SEEDS;
use cx_catalog::Catalog;
use cx_model::reject::Reason;
use cx_sim::slow::{Reading, SlowModel};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn read(reading: &mut Reading, partition: u32, entry: &Entry) {
    let steers = entry.steer.as_ref().map(|steer| match steer {
        Steer::Right(control) => Ok(control.clone()),
        Steer::Forged => Err(Reason::ControlForged),
    });
    as_record((partition, entry), |record| reading.record(record, steers));
}

/// Every cell of one second in the words of the recount, by its name.
fn cells(slow: &SlowModel<'_>, s: i64) -> BTreeMap<String, Value> {
    let all = slow.at(s).into_iter().map(|((kpi, window, dims), v)| {
        let name = json!([kpi, window.name(), dims]).to_string();
        let value = json!({
            "kpi": kpi, "window": window.name(), "dims": dims, "value": v.value, "state": v.state,
            "numerator": v.numerator, "denominator": v.denominator, "n": v.n,
        });
        (name, value)
    });
    all.collect()
}

fn check(name: &str, catalog: &Catalog, log: &Log) {
    let Fold { chosen, expected } = fold(&shipped(), log, 5);
    let partitions = u32::try_from(log.partitions.len()).expect("few");
    let slots = catalog.compile(1).slots;
    let mut reading = Reading::new(catalog.limits, slots, partitions);
    for (p, entries) in (0..).zip(&log.partitions) {
        entries.iter().for_each(|e| read(&mut reading, p, e));
    }
    let slow = SlowModel::of(&catalog.kpis, &catalog.reply_targets, reading);
    for (s, second) in chosen
        .iter()
        .zip(expected["seconds"].as_array().expect("seconds"))
    {
        let got = cells(&slow, *s);
        let all = second["cells"].as_array().expect("cells");
        assert_eq!(got.len(), all.len(), "{name}");
        for cell in all {
            let key = json!([cell["kpi"], cell["window"], cell["dims"]]).to_string();
            assert_eq!(got[&key], *cell, "{name}, second {s}: slow model, engine");
        }
    }
}

#[test]
fn the_slow_model_says_the_same_of_what_careless_senders_write() {
    let catalog = cx_catalog::load(&shipped()).expect("right");
    for seed in SEEDS {
        check(&format!("world {seed}"), &catalog, &of_world(seed));
    }
    for seed in 0..4 {
        check(&format!("grid {seed}"), &catalog, &of_grid(seed));
    }
    check("company", &catalog, &of_company());
}
