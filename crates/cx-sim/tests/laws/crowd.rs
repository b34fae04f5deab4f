//! Many customers who come, are away for hours and come again: what is kept of the recently seen is given
//! back meanwhile, and no count may notice.

use crate::fold::{catalog, fold};
use crate::snapshot::{Cutting, check};
use cx_engine::Step;
use cx_model::record::TimestampKind;
use cx_model::time::{HOUR, SECOND, Timestamp};
use cx_sim::slow::{LogRecord, SlowModel};
use serde_json::json;
use std::sync::Arc;

const BEGIN: Timestamp = Timestamp(1_800_000_000_000);
/// More than two chunks of rows.
const CROWD: i64 = 700;

fn viewed(customer: i64, at: Timestamp) -> LogRecord {
    let event = json!({
        "specversion": "1.0", "id": format!("{customer}-{}", at.0), "source": "web-shop",
        "type": "cx.view.page_viewed.v1", "subject": format!("c-{customer}"),
        "time": at.to_rfc3339(), "data": {"channel": "web"},
    });
    LogRecord {
        timestamp: at,
        timestamp_kind: TimestampKind::LogAppend,
        value: event.to_string().into_bytes(),
        control: None,
    }
}

/// A crowd, three hours in which one customer comes every minute, then some of the crowd and others.
fn log() -> Vec<LogRecord> {
    let came = (0..CROWD).map(|c| viewed(c, BEGIN.plus(c * 10)));
    let quiet = (1..180).map(|minute| viewed(-1, BEGIN.plus(minute * 60 * SECOND)));
    let again = (0..400).map(|c| viewed(CROWD - 300 + c, BEGIN.plus(3 * HOUR + c * 100)));
    let end = viewed(-1, BEGIN.plus(3 * HOUR + 60 * SECOND));
    came.chain(quiet).chain(again).chain([end]).collect()
}

#[test]
fn a_crowd_that_comes_again_after_hours_is_counted_once_each() {
    let (catalog, logs) = (catalog(), vec![log()]);
    let (sealed, engines) = fold(&catalog, &logs, Step::Second);
    let kept = |name: &str| {
        let mut tables = engines[0].tables().into_iter();
        tables.find(|t| t.0 == name).expect("a table").1
    };
    assert_eq!((kept("customers"), kept("distinct")), (801, 401));
    let kpis = catalog.kpis.iter().filter(|k| k.kpi == "active_customers");
    let kpis: Vec<_> = kpis.cloned().collect();
    let slow = SlowModel::new(&kpis, catalog.limits, &catalog.reply_targets, &logs);
    let set = catalog.compile(1);
    for at in [5, 60, 3_600, 10_800, 10_830, 10_860] {
        let s = BEGIN.second() + at;
        for (cell, recounted) in slow.at(s) {
            let here = |c: &cx_model::value::CellInfo| {
                (&*c.key.kpi, c.key.window, &c.key.dims) == (&*cell.0, cell.1, &cell.2)
            };
            let index = set.cells.iter().position(here).expect("a cell");
            assert_eq!(sealed[&s].values[index], recounted, "{cell:?} after {at} s");
        }
    }
}

#[test]
fn law_6_a_cut_while_the_crowd_is_away_leaves_its_return_the_same() {
    let set = Arc::new(catalog().compile(1));
    let log = log();
    for at in [0.3, 0.6, 0.68, 0.7, 0.9] {
        for pace in [1, 40] {
            let cutting = Cutting {
                at,
                pace,
                announced: false,
            };
            check(&set, &log, &cutting).unwrap_or_else(|e| panic!("{cutting:?}: {e}"));
        }
    }
}
