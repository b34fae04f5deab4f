//! Alerts through kill -9: what was raised is raised once, what somebody took stays taken.

use crate::cluster::{Installation, sent};
use crate::restart::{installed, until, until_saved};
use crate::round_trip::now;
use crate::run::House;
use cx_kafka::{Ear, Heard};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Checkout steps that fail, of as many customers.
fn failing(step: &str) -> Vec<u8> {
    let event = |i: i32| {
        let event = json!({
            "specversion": "1.0", "id": format!("{step}-{i}"), "source": "payments",
            "type": "cx.commerce.checkout_step.v1", "time": now().to_rfc3339(),
            "subject": format!("customer:{i}"),
            "data": {"channel": "web", "step": step, "outcome": "failed"},
        });
        event.to_string() + "\n"
    };
    (0..25).map(event).collect::<String>().into_bytes()
}

/// The open alerts about a step of the checkout.
fn about<'a>(page: &'a Value, step: &str) -> Vec<&'a Value> {
    let all = page["alerts"].as_array().expect("a list").iter();
    all.filter(|a| a["kpi"] == "checkout_errors" && a["dims"]["step"] == step)
        .collect()
}

fn raised(house: &House, step: &str) -> Value {
    let page = until(house, "/v1/alerts", step, |page| {
        !about(page, step).is_empty()
    });
    let found = about(&page, step);
    assert_eq!(found.len(), 1, "{page}");
    found[0].clone()
}

fn take(house: &House, alert: &Value, by: &str) -> (u16, Value) {
    let act = json!({"action": "take_alert", "alert": alert, "by": by});
    house.post(
        "/v1/actions",
        "application/json",
        act.to_string().as_bytes(),
    )
}

/// Everything that `cx.alerts` holds.
fn records(at: &Installation) -> Vec<Value> {
    let topic = format!("{}cx.alerts", at.prefix);
    let mut ear = Ear::connect(&at.settings(), &topic, &[0]).expect("the broker");
    ear.start(&[(0, 0)]).expect("from its beginning");
    let (mut all, mut ended) = (Vec::new(), false);
    while !ended {
        let heard = ear.poll(Duration::from_millis(200), &mut |heard| match heard {
            Heard::Record(record) => {
                let value = record.value.unwrap_or_default();
                all.push(serde_json::from_slice(value).expect("JSON"));
            }
            Heard::End { .. } => ended = true,
        });
        heard.expect("the broker");
    }
    all
}

#[test]
fn after_kill_9_no_raise_is_lost_and_none_doubled_and_who_took_it_still_has_it() {
    let at = installed(2);
    let house = at.serve();
    sent(&at, &failing("payment"));
    let payment = raised(&house, "payment");
    let (status, written) = take(&house, &payment["alert"], "Ada");
    assert_eq!(status, 202, "{written}");
    let (status, problem) = take(&house, &payment["alert"], "Ben");
    assert_eq!(status, 409, "{problem}");
    let detail = problem["detail"].as_str().expect("words");
    assert!(detail.starts_with("Ada took it at "), "{detail}");
    until_saved(&house, &at);
    sent(&at, &failing("address"));
    // Killed while the other alert is on its way, wherever it is then.
    drop(house);
    let house = at.serve();
    let address = raised(&house, "address");
    let again = raised(&house, "payment");
    assert_eq!(again["alert"], payment["alert"]);
    assert_eq!(again["raised"], payment["raised"]);
    assert_eq!(again["taken"]["by"], "Ada");
    drop(house);
    let house = at.serve();
    let s = address["raised"].as_i64().expect("a second");
    let page = until(&house, "/v1/alerts", "some seconds more", |page| {
        page["s"].as_i64().is_some_and(|now| now > s + 8)
    });
    for (step, known) in [("payment", &payment), ("address", &address)] {
        let found = about(&page, step);
        assert_eq!(found.len(), 1, "{page}");
        assert_eq!(found[0]["alert"], known["alert"], "{step}");
    }
    let (_, good) = house.stop();
    assert!(good);
    alternating(&records(&at));
}

/// Each place is raised, then cleared, then raised; each id at most once for each.
fn alternating(records: &[Value]) {
    let mut open: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut states = 0;
    for record in records {
        let (kind, data) = (record["type"].as_str().expect("a type"), &record["data"]);
        if kind == "cx.alert.judged.v1" {
            states += 1;
            continue;
        }
        let id = record["id"].as_str().expect("an id").to_owned();
        assert!(seen.insert(id), "twice: {record}");
        let place = format!(
            "{} {} {} {}",
            data["kpi"], data["window"], data["dims"], data["alert"]
        );
        let alert = data["id"].to_string();
        if kind == "cx.alert.raised.v1" {
            let before = open.insert(place, alert);
            assert_eq!(before, None, "raised while it was: {record}");
        } else {
            assert_eq!(open.remove(&place), Some(alert), "{record}");
        }
    }
    assert!(states > 0 && seen.len() > 1, "{records:?}");
}
