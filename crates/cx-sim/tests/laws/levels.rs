//! The six meanings of a service level on one vector, folded by the real engine.

use crate::fold::{catalog, fold};
use crate::world::tick;
use cx_engine::Step;
use cx_model::record::TimestampKind;
use cx_model::time::{SECOND, Timestamp};
use cx_model::window::Window;
use cx_sim::slow::LogRecord;

const BEGIN: i64 = 1_767_225_600_000;

/// 1,000 answered, 860 of them within 20 s; 60 abandoned: 10 within 5 s, 10 more within 20 s,
/// 40 later.
fn vector() -> Vec<LogRecord> {
    let groups = [
        (860, "answered", "handled", 20_000),
        (140, "answered", "handled", 20_001),
        (10, "ended", "abandoned", 5_000),
        (10, "ended", "abandoned", 20_000),
        (40, "ended", "abandoned", 20_001),
    ];
    let mut log = Vec::new();
    for (many, kind, outcome, wait_ms) in groups {
        for i in 0..many {
            let at = Timestamp(BEGIN + i64::try_from(log.len()).expect("few") * 100);
            let json = serde_json::json!({
                "specversion": "1.0", "source": "contact-centre",
                "id": format!("{kind}-{outcome}-{wait_ms}-{i}"),
                "type": format!("cx.contact.{kind}.v1"), "time": at.to_rfc3339(),
                "data": {"channel": "voice_call", "outcome": outcome, "wait_ms": wait_ms},
            });
            log.push(record(at, json.to_string().into_bytes(), None));
        }
    }
    let end = Timestamp(BEGIN + 120 * SECOND);
    log.push(record(end, Vec::new(), Some(1)));
    log
}

fn record(timestamp: Timestamp, value: Vec<u8>, clock: Option<u64>) -> LogRecord {
    LogRecord {
        timestamp,
        timestamp_kind: TimestampKind::LogAppend,
        value,
        control: clock.map(tick),
    }
}

#[test]
fn six_meanings_of_a_service_level_give_six_numbers_on_the_same_contacts() {
    let catalog = catalog();
    let set = catalog.compile(1);
    let (sealed, engines) = fold(&catalog, &vec![vector()], Step::Second);
    assert_eq!(engines[0].account().applied, 1_060);
    let last = sealed.values().next_back().expect("sealed");
    let expected = [8302, 8600, 8113, 8269, 8208, 8190];
    for (i, value) in expected.into_iter().enumerate() {
        let name = format!("service_level_sl{}", i + 1);
        let wanted =
            |c: &&cx_model::value::CellInfo| *c.key.kpi == *name && c.key.window == Window::M15;
        let cell = set.cells.iter().find(wanted).expect("shipped");
        assert_eq!((cell.scale, &*cell.unit), (2, "percent"), "{name}");
        let at = set
            .cells
            .iter()
            .position(|c| c.key == cell.key)
            .expect("there");
        assert_eq!(last.values[at].value, Some(value), "{name}");
    }
}
