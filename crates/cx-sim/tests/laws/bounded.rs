//! Law 7: every table has a limit, and a counter for what it refused.

use crate::fold::{catalog, deliver, engine};
use crate::world::{SEEDS, logs, world};
use cx_engine::Account;
use cx_model::limits::Limits;
use cx_sim::slow::{LogRecord, Outcome, SlowModel};
use proptest::prelude::*;
use std::collections::BTreeSet;
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

/// Events of customers who came after the table was full, recounted from the log.
fn strangers(limits: Limits, log: &[LogRecord]) -> i64 {
    let catalog = catalog();
    let slow = SlowModel::new(
        &catalog.kpis,
        limits,
        &catalog.reply_targets,
        &[log.to_vec()],
    );
    let mut known = BTreeSet::new();
    let mut refused = 0;
    for record in slow.records(0) {
        let taken = matches!(record.outcome, Outcome::Applied | Outcome::Late);
        let Some(customer) = record.event["subject"].as_str().filter(|_| taken) else {
            continue;
        };
        if known.len() < limits.customers {
            known.insert(customer.to_owned());
        }
        refused += i64::from(!known.contains(customer));
    }
    refused
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn law_7_no_table_grows_beyond_its_limit_and_refusals_are_counted(
        seed in SEEDS,
        limits in tiny(),
    ) {
        let log = logs(&world(seed), 1, 4).remove(0);
        account(limits, &log)?;
        // With the repeat window whole, what became of each record is known from the log alone.
        let whole = Limits { repeats: 1_000, ..limits };
        let a = account(whole, &log)?;
        let refused = |name: &str| a.limited.get(name).copied().unwrap_or(0);
        prop_assert_eq!(refused("customers"), strangers(whole, &log));
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
