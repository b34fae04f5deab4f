use super::*;
use crate::config::Config;
use crate::faults::Faults;
use crate::source::name::{PAYMENTS, SHOP};
use cx_model::time::MINUTE;
use serde_json::Value;

const T: Timestamp = Timestamp(1_800_000_000_000);

fn company(seed: u64) -> Company {
    let mut company = Company::new(Config {
        seed,
        customers: 5_000,
        rate_per_s: 40.0,
        start: T,
        incident_at: None,
        diurnal: false,
        faults: Faults::calm(),
    });
    until(&mut company, 30);
    company
}

/// Everything up to a minute after the start.
fn until(company: &mut Company, minute: i64) -> Vec<Emission> {
    let mut emissions = Vec::new();
    while company.peek_at() < T.plus(minute * MINUTE) {
        emissions.push(company.next_emission());
    }
    emissions
}

/// Share of payments that failed, in percent.
fn failed(emissions: &[Emission]) -> i64 {
    let of = |outcome: &str| {
        let step = emissions.iter().filter(|e| {
            let event: Value = serde_json::from_slice(&e.value).unwrap();
            event["data"]["step"] == "payment" && event["data"]["outcome"] == outcome
        });
        i64::try_from(step.count()).unwrap()
    };
    let (bad, good) = (of("failed"), of("ok"));
    bad * 100 / (bad + good).max(1)
}

#[test]
fn payments_that_are_broken_fail_until_they_are_mended() {
    let mut company = company(1);
    company.break_payments(T.plus(30 * MINUTE));
    assert!(company.payments_failing(T.plus(31 * MINUTE)));
    let broken = failed(&until(&mut company, 40));
    assert!((20..50).contains(&broken), "{broken} %");
    company.mend_payments(T.plus(40 * MINUTE));
    assert!(!company.payments_failing(T.plus(41 * MINUTE)));
    let mended = failed(&until(&mut company, 60));
    assert!(mended < 8, "{mended} %");
}

#[test]
fn a_stopped_source_is_silent_and_catches_up_with_its_own_times() {
    let mut company = company(2);
    assert!(company.stop_source(PAYMENTS));
    assert_eq!(company.stopped(), [PAYMENTS]);
    let silent = until(&mut company, 34);
    assert!(silent.iter().all(|e| e.source != PAYMENTS));
    assert!(silent.iter().any(|e| e.source == SHOP));
    assert!(company.start_source(PAYMENTS) && company.stopped().is_empty());
    let burst: Vec<Emission> = until(&mut company, 35)
        .into_iter()
        .filter(|e| e.source == PAYMENTS)
        .collect();
    let old = burst.iter().filter(|e| {
        let event: Value = serde_json::from_slice(&e.value).unwrap();
        let time = Timestamp::parse_rfc3339(event["time"].as_str().unwrap()).unwrap();
        e.at.since(time) > MINUTE
    });
    assert!(old.count() > 10, "{} of payments", burst.len());
    assert!(burst.is_sorted_by_key(|e| e.at));
}

#[test]
fn sources_that_do_not_exist_can_be_neither_stopped_nor_started() {
    let mut company = company(3);
    assert!(!company.stop_source("fax") && !company.start_source("fax"));
    assert!(company.sources().contains(&SHOP));
}
