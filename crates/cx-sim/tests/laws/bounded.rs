//! Law 7: every table has a limit, and a counter for what it refused.

use crate::fold::{catalog, deliver, engine, fold};
use crate::world::{SEEDS, logs, world};
use cx_engine::{Account, Step};
use cx_model::limits::Limits;
use cx_model::record::TimestampKind;
use cx_model::time::{MINUTE, Timestamp};
use cx_model::value::Sealed;
use cx_sim::slow::{LogRecord, Outcome, SlowModel};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn tiny() -> impl Strategy<Value = Limits> {
    let most = || 0_usize..7;
    (most(), most(), most(), most(), most()).prop_map(|m| Limits {
        repeats: m.0,
        customers: m.1,
        contacts: m.2,
        unregistered: m.3,
        conversations: m.4,
        ..Limits::default()
    })
}

/// Folds one log under limits, looking at every table after every record.
fn account(limits: Limits, log: &[LogRecord]) -> Result<Account, TestCaseError> {
    let mut catalog = catalog();
    catalog.limits = limits;
    let set = Arc::new(catalog.compile(1));
    let mut engine = engine(&set, 0, 1);
    for (offset, record) in (0_i64..).zip(log) {
        deliver(&mut engine, &set, offset, record);
        while engine.next_effect().is_some() {}
        for (table, len, most) in engine.tables() {
            prop_assert!(len <= most, "{table} holds {len} of {most}");
        }
        let a = engine.account();
        prop_assert!(a.holds(), "{a:?}");
        for names in a.unregistered.values() {
            prop_assert!(names.len() <= limits.unregistered + 1, "{names:?}");
        }
    }
    Ok(engine.account().clone())
}

/// Events of customers for whom there was no room, and customers who gave way, recounted from the log.
fn strangers(limits: Limits, log: &[LogRecord]) -> (i64, i64) {
    let catalog = catalog();
    let slow = SlowModel::new(
        &catalog.kpis,
        limits,
        &catalog.reply_targets,
        &[log.to_vec()],
    );
    let mut known: BTreeMap<String, i64> = BTreeMap::new();
    let (mut refused, mut forgotten) = (0, 0);
    for record in slow.records(0) {
        let taken = matches!(record.outcome, Outcome::Applied | Outcome::Late);
        let Some(customer) = record.event["subject"].as_str().filter(|_| taken) else {
            continue;
        };
        if !known.contains_key(customer) && known.len() >= limits.customers {
            let idle = record.log_time.plus(-limits.customer_idle_ms).minute();
            let mut minutes: Vec<i64> = known.values().copied().filter(|m| *m < idle).collect();
            minutes.sort_unstable();
            let quota = limits.customers.div_ceil(16).max(1);
            if let Some(through) = minutes.get(quota.min(minutes.len()).wrapping_sub(1)) {
                let before = known.len();
                known.retain(|_, seen| *seen > *through);
                forgotten += i64::try_from(before - known.len()).expect("few");
            }
        }
        if known.contains_key(customer) || known.len() < limits.customers {
            let seen = known.entry(customer.to_owned()).or_insert(i64::MIN);
            *seen = record.time.minute().max(*seen);
        } else {
            refused += 1;
        }
    }
    (refused, forgotten)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_7_no_table_grows_beyond_its_limit_and_refusals_are_counted(
        seed in SEEDS,
        limits in tiny(),
        idle_minutes in 0_i64..240,
    ) {
        let limits = Limits { customer_idle_ms: idle_minutes * MINUTE, ..limits };
        let log = logs(&world(seed), 1, 4).remove(0);
        account(limits, &log)?;
        // With the repeat window whole, what became of each record is known from the log alone.
        let whole = Limits { repeats: 1_000, ..limits };
        let a = account(whole, &log)?;
        let refused = |name: &str| a.limited.get(name).copied().unwrap_or(0);
        prop_assert_eq!((refused("customers"), a.forgotten), strangers(whole, &log));
        prop_assert_eq!(refused("repeats"), 0);
    }
}

#[test]
fn law_7_with_no_room_at_all_everything_is_refused_by_name() {
    let none = Limits {
        repeats: 0,
        customers: 0,
        contacts: 0,
        conversations: 0,
        unregistered: 0,
        ..Limits::default()
    };
    let log = logs(&world(1), 1, 4).remove(0);
    let a = account(none, &log).expect("bounded");
    let names: Vec<&str> = a.limited.keys().map(|name| &**name).collect();
    let all = [
        "cases",
        "contacts",
        "conversations",
        "customers",
        "distinct",
        "repeats",
    ];
    assert_eq!(names, all, "{a:?}");
    assert_eq!(a.limited["repeats"], a.applied + a.late);
    assert_eq!(a.duplicates, 0, "nothing is remembered");
    let roomy = account(Limits::default(), &log).expect("bounded");
    assert!(roomy.limited.is_empty(), "{roomy:?}");
}

/// An order over the most that an event can say, from a customer, at a second.
fn order(customer: u32, second: i64) -> LogRecord {
    let at = Timestamp(1_800_000_000_000 + second * 1_000);
    let event = serde_json::json!({
        "specversion": "1.0", "id": format!("{customer}-{second}"), "source": "web-shop",
        "type": "cx.commerce.order_placed.v1", "subject": format!("c-{customer}"), "time": at.to_rfc3339(),
        "data": {"channel": "web", "currency": "EUR", "amount_minor": i64::MAX},
    });
    LogRecord {
        timestamp: at,
        timestamp_kind: TimestampKind::LogAppend,
        value: event.to_string().into_bytes(),
        control: None,
    }
}

#[test]
fn amounts_beyond_64_bits_together_stop_nothing_and_leave_no_trace() {
    let catalog = catalog();
    let orders = || (0..40).map(|i| order(i, i64::from(i)));
    let home = |partition: u32, partitions: u32| {
        move |i: &u32| cx_model::ids::partition_of(&format!("c-{i}"), partitions) == partition
    };
    // Hours later something that costs nothing.
    let quiet = |p: u32, of: u32| {
        let somebody = (0..40).find(home(p, of)).expect("somebody");
        (1..8).map(move |n| {
            let mut record = order(somebody, n * 1_800);
            let text = String::from_utf8(record.value).expect("JSON");
            record.value = text.replace(&i64::MAX.to_string(), "0").into_bytes();
            record
        })
    };
    let one = vec![orders().chain(quiet(0, 1)).collect::<Vec<_>>()];
    let two: Vec<Vec<LogRecord>> = (0..2)
        .map(|p| {
            let here = (0..40).filter(home(p, 2));
            here.map(|i| order(i, i64::from(i)))
                .chain(quiet(p, 2))
                .collect()
        })
        .collect();
    let (whole, _) = fold(&catalog, &one, Step::Second);
    let (parts, _) = fold(&catalog, &two, Step::Second);
    let set = catalog.compile(1);
    let revenue = set.cells.iter().position(|c| &*c.key.kpi == "revenue");
    let revenue = revenue.expect("a cell");
    let at = |sealed: &BTreeMap<i64, Sealed>, second: i64| {
        sealed[&(1_800_000_000 + second)].values[revenue].value
    };
    assert_eq!(at(&whole, 1_800), at(&parts, 1_800));
    assert_eq!(at(&whole, 7 * 1_800), Some(0), "nothing is left of it");
    assert_eq!(at(&parts, 7 * 1_800), Some(0));
}
