//! Definitions that change while everything runs.

use crate::cluster::{Installation, sent};
use crate::restart::{installed, until, until_saved};
use crate::round_trip::events;
use crate::run::{House, copy, root};
use serde_json::{Value, json};
use std::path::Path;

/// A catalogue of its own whose stamps are believed for two seconds ahead: a change need not wait long.
pub(crate) fn catalogue(at: &mut Installation) -> tempfile::TempDir {
    let catalog = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), catalog.path());
    std::fs::write(catalog.path().join("limits.yaml"), "clamp_s: 2\n").expect("written");
    let path = catalog.path().display().to_string();
    at.more.push(("WATCHFLOOR_CATALOG", path));
    catalog
}

pub(crate) fn edit(catalog: &Path, kpi: &str, from: &str, to: &str) {
    let file = catalog.join(format!("kpis/{kpi}.yaml"));
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(text.contains(from), "{kpi} has no {from:?}");
    std::fs::write(file, text.replace(from, to)).expect("written");
}

pub(crate) fn say(house: &House, word: &Value) -> (u16, Value) {
    let body = word.to_string();
    house.post("/v1/definitions", "application/json", body.as_bytes())
}

pub(crate) fn activate(house: &House) -> (u16, Value) {
    let hash = house.get("/v1/definitions")["files"]["hash"].clone();
    say(
        house,
        &json!({"word": "activate", "hash": hash, "by": "Ada", "why": "a test"}),
    )
}

/// The seal is pressed: the slow model counts the whole log, and agrees.
fn recounted(house: &House) -> Value {
    let (status, begun) = house.post("/v1/recount", "application/json", b"");
    assert!(status < 300, "{begun}");
    let told = until(house, "/v1/recount", "recounted", |told| {
        !matches!(told["state"].as_str(), Some("reading" | "counting"))
    });
    assert_eq!(told["state"], "agrees", "{told}");
    told
}

pub(crate) fn in_force(house: &House, number: u64) {
    until(house, "/v1/definitions", "in force", |told| {
        told["sets"].as_array().is_some_and(|sets| {
            let set = sets.iter().find(|s| s["set"] == number);
            set.is_some_and(|s| s["state"] == "in_force")
        })
    });
}

fn a_wrong_file_is_told_with_its_place(house: &House, catalog: &Path) {
    edit(catalog, "orders", "event.type", "event.tyqe");
    let told = house.get("/v1/definitions");
    let fault = told["files"]["faults"][0].as_str().unwrap_or_default();
    assert!(
        fault.contains("orders.yaml") && fault.contains('^'),
        "{told}"
    );
    edit(catalog, "orders", "event.tyqe", "event.type");
}

fn the_preview_shows_fewer_orders_and_nothing_else(house: &House) {
    let preview = house.get("/v1/definitions/preview");
    let rows = preview["rows"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("{preview}"));
    let day = rows
        .iter()
        .find(|r| r["kpi"] == "orders" && r["window"] == "24h");
    let day = day.expect("orders change");
    let number = |of: &Value| {
        of.as_str()
            .and_then(|t| t.parse::<u64>().ok())
            .expect("a number")
    };
    let (all, large) = (number(&day["before"]), number(&day["after"]));
    assert!(0 < large && large < all, "{preview}");
    let others = rows.iter().all(|r| {
        r["kpi"] == "orders" || r["kpi"] == "orders_per_customer" || r["before"] == r["after"]
    });
    assert!(others, "only words change in the other one: {preview}");
}

#[test]
fn definitions_change_under_load_and_every_number_is_that_of_a_recount() {
    let mut at = installed(3);
    let catalog = catalogue(&mut at);
    let house = at.serve();
    // Enough for some orders.
    sent(&at, &events(28).0);
    let before = house.get("/v1/kpis/orders");
    a_wrong_file_is_told_with_its_place(&house, catalog.path());
    let where_large =
        "order_placed.v1\" && (data.amount_minor == 1000 || data.amount_minor > 6000)}";
    edit(catalog.path(), "orders", "order_placed.v1\"}", where_large);
    edit(
        catalog.path(),
        "active_customers",
        "meaning: ",
        "meaning: Once more, ",
    );
    until(&house, "/v1/kpis/orders", "orders are sealed", |orders| {
        orders["values"].as_array().is_some_and(|all| {
            let day = all.iter().find(|v| v["window"] == "24h");
            day.is_some_and(|day| day["value"].as_u64() > Some(3))
        })
    });
    the_preview_shows_fewer_orders_and_nothing_else(&house);

    let (status, said) = activate(&house);
    assert_eq!(status, 202, "{said}");
    let again = activate(&house);
    assert_eq!(again.0, 409, "{}", again.1);
    until_saved(&house, &at);
    drop(house);

    // The house was killed before the new set held: it goes on from its snapshots.
    let house = at.serve();
    in_force(&house, 2);
    sent(&at, &events(1).0);
    let orders = house.get("/v1/kpis/orders");
    assert_ne!(orders["definition"], before["definition"]);
    recounted(&house);

    let sign = |role: &str, by: &str| {
        let definition = &orders["definition"];
        say(
            &house,
            &json!({"word": "sign", "kpi": "orders", "definition": definition, "role": role, "by": by}),
        )
    };
    assert_eq!(sign("business", "Cleo Martin").0, 202);
    assert_eq!(
        sign("business", "Cleo Martin").0,
        409,
        "one person signs once"
    );
    let (status, said) = sign("technical", "Cleo Martin");
    let detail = said["detail"].as_str().unwrap_or_default();
    assert!(
        status == 403 && detail.contains("Ben Ito may sign"),
        "{said}"
    );
    let (status, said) = sign("technical", "Ben Ito");
    assert_eq!((status, &said["state"]), (202, &json!("agreed")), "{said}");

    let (status, said) = say(&house, &json!({"word": "roll_back", "set": 1, "by": "Ada"}));
    assert_eq!(status, 202, "{said}");
    in_force(&house, 3);
    let orders = house.get("/v1/kpis/orders");
    assert_eq!(orders["definition"], before["definition"]);
    assert_eq!(orders["governed"]["state"], "proposed", "{orders}");
    recounted(&house);
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}
