//! The life of a definition: drafted, proposed, agreed, retired; who may say so, and what a kill leaves of it.

use crate::cluster::Installation;
use crate::living::{activate, catalogue, edit, in_force, say};
use crate::restart::{files, installed, trim, until};
use crate::run::{House, text};
use cx_kafka::{Ear, Heard};
use serde_json::{Value, json};
use std::time::Duration;

const YAML: &str = "application/yaml";

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A KPI's file as the house exports it.
fn exported(at: &Installation, house: &House, kpi: &str) -> String {
    at.good(&["get", "kpi", kpi, "--yaml", "--url", &house.url])
}

/// The command, told to this house, with its exit code and all that it said.
fn told(at: &Installation, house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let mut all = arguments.to_vec();
    all.extend(["--url", &house.url]);
    let output = at.done(&all);
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

fn propose(at: &Installation, house: &House, yaml: &str, more: &[&str]) -> (Option<i32>, String) {
    let file = at.data.path().join("orders.yaml");
    std::fs::write(&file, yaml).expect("written");
    let path = file.display().to_string();
    let mut arguments = vec!["propose", &path, "--as", "Eve", "--why", "only large ones"];
    arguments.extend(more);
    told(at, house, &arguments)
}

fn a_wrong_definition_is_refused_at_its_place(at: &Installation, house: &House, yaml: &str) {
    let wrong = yaml.replace("event.type", "event.tyqe");
    let (code, said) = propose(at, house, &wrong, &[]);
    let place = said.contains(":6:");
    assert!(
        code == Some(1) && place && said.contains('^') && said.contains("type"),
        "{said}"
    );
    let (status, problem) = house.post("/v1/definitions?by=Eve", YAML, wrong.as_bytes());
    assert_eq!(
        (status, list(&problem["faults"]).len()),
        (422, 1),
        "{problem}"
    );
    let untrue = yaml.replace("value: 1", "value: 7");
    let (code, said) = propose(at, house, &untrue, &[]);
    assert!(code == Some(1) && said.contains("expected 7"), "{said}");
    assert_eq!(house.get("/v1/definitions")["proposals"], json!([]));
}

/// Signs what is proposed for orders; the exit code and what was said.
fn sign(
    at: &Installation,
    house: &House,
    definition: &str,
    who: &str,
    more: &[&str],
) -> (Option<i32>, String) {
    let mut all = vec!["sign", "orders", "--definition", definition, "--as", who];
    all.extend(more);
    told(at, house, &all)
}

/// Everything that the open house says of people's words.
fn words(house: &House) -> Value {
    let all = house.get("/v1/definitions");
    json!([all["proposals"], all["log"], all["retired"]])
}

/// Eve drafts and proposes a definition of orders; its hash.
fn proposed(at: &Installation, house: &House, yaml: &str) -> String {
    let (code, said) = propose(at, house, yaml, &["--draft"]);
    assert!(code == Some(0) && said.contains("is draft"), "{said}");
    let draft = house.get("/v1/definitions")["proposals"][0].clone();
    let hash = draft["definition"].as_str().expect("a hash").to_owned();
    let (code, said) = sign(at, house, &hash, "Cleo Martin", &["--role", "business"]);
    assert!(code == Some(1) && said.contains("draft of Eve"), "{said}");
    let (code, said) = propose(at, house, yaml, &[]);
    assert!(
        code == Some(0) && said.contains("is proposed") && said.contains("kpis/orders.yaml"),
        "{said}"
    );
    assert!(
        said.contains("meaning was Orders placed., becomes Orders that were placed."),
        "{said}"
    );
    let (code, said) = propose(at, house, yaml, &[]);
    assert!(
        code == Some(1) && said.contains("Eve has proposed this"),
        "{said}"
    );
    hash
}

/// Both owners sign a proposal, and nobody else may.
fn agreed(at: &Installation, house: &House, hash: &str) {
    let (code, said) = sign(at, house, &hash[..8], "Ben Ito", &["--role", "business"]);
    assert!(
        code == Some(1)
            && said.contains("business owner is commerce.lead")
            && said.contains("Cleo Martin may sign"),
        "{said}"
    );
    let (code, said) = sign(at, house, &hash[..8], "Cleo Martin", &[]);
    assert!(code == Some(0) && said.contains("is proposed"), "{said}");
    let (code, said) = sign(at, house, &hash[..8], "Ben Ito", &[]);
    assert!(code == Some(0) && said.contains("is agreed"), "{said}");
}

/// The files say what was agreed: activated, it is in force.
fn activated(at: &Installation, house: &House, hash: &str) {
    let all = house.get("/v1/definitions");
    assert_eq!(
        (
            &all["files"]["kpis"][0]["state"],
            &all["proposals"][0]["in_files"]
        ),
        (&json!("agreed"), &json!(true))
    );
    let files = all["files"]["hash"].as_str().expect("a hash").to_owned();
    let (code, said) = told(
        at,
        house,
        &[
            "activate",
            &files[..10],
            "--as",
            "Cleo Martin",
            "--why",
            "agreed",
        ],
    );
    assert!(
        code == Some(0) && said.contains("set 2 holds from"),
        "{said}"
    );
    in_force(house, 2);
    let orders = house.get("/v1/kpis/orders");
    assert_eq!(
        (&orders["definition"], &orders["governed"]["state"]),
        (&json!(hash), &json!("agreed"))
    );
    let acts: Vec<Value> = list(&orders["governed"]["log"])
        .iter()
        .map(|a| a["act"].clone())
        .collect();
    assert_eq!(
        acts,
        ["activated", "signed", "signed", "proposed", "drafted"]
    );
    assert_eq!(
        house.get("/v1/definitions")["proposals"],
        json!([]),
        "it is in force"
    );
}

#[test]
fn a_proposal_is_checked_and_signed_by_its_owners_and_holds_once_its_file_says_the_same() {
    let mut at = installed(1);
    let catalog = catalogue(&mut at);
    let house = at.serve();
    let before = exported(&at, &house, "orders");
    let home = catalog.path().join("kpis/orders.yaml");
    assert_eq!(
        before,
        std::fs::read_to_string(&home).expect("there"),
        "to the letter"
    );
    a_wrong_definition_is_refused_at_its_place(&at, &house, &before);

    let yaml = before.replace("Orders placed.", "Orders that were placed.");
    let hash = proposed(&at, &house, &yaml);
    agreed(&at, &house, &hash);
    let again = at.good(&["get", "definitions", &hash, "--yaml", "--url", &house.url]);
    assert_eq!(again, yaml, "to the letter");
    assert_eq!(
        std::fs::read_to_string(&home).expect("there"),
        before,
        "its file is its home"
    );
    assert_eq!(
        house.get("/v1/kpis/orders")["governed"]["state"],
        "proposed"
    );

    let known = words(&house);
    drop(house);
    let house = at.serve();
    assert_eq!(words(&house), known, "after kill -9");
    std::fs::write(&home, &again).expect("written");
    activated(&at, &house, &hash);

    // Any change of the file, and nobody has signed that yet.
    edit(catalog.path(), "orders", "decimals: 0", "decimals: 1");
    let changed = house.get("/v1/definitions")["files"]["kpis"][0].clone();
    assert_eq!(
        (&changed["kpi"], &changed["state"]),
        (&json!("orders"), &json!("proposed"))
    );
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

fn retire(at: &Installation, house: &House, kpi: &str, who: &str) -> (Option<i32>, String) {
    told(
        at,
        house,
        &["retire", kpi, "--as", who, "--why", "nobody looks"],
    )
}

#[test]
fn what_somebody_uses_is_not_retired_and_what_is_retired_comes_back_with_its_set_only() {
    let mut at = installed(1);
    let catalog = catalogue(&mut at);
    let house = at.serve();
    let (code, said) = retire(&at, &house, "service_level_voice", "Ada Nowak");
    assert!(
        code == Some(1)
            && said.contains("board care (")
            && said.contains("take it out there first"),
        "{said}"
    );
    let body = house.get("/v1/kpis/orders")["definition"].clone();
    let word = json!({"word": "retire", "kpi": "orders", "definition": body, "by": "Ben Ito"});
    let (status, problem) = say(&house, &word);
    let used: Vec<String> = list(&problem["used"])
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        status == 409 && used.contains(&"\"derived KPI orders_per_customer\"".to_owned()),
        "{problem}"
    );
    let (code, said) = retire(&at, &house, "survey_response_rate", "Ben Ito");
    assert!(code == Some(1) && said.contains("may retire it"), "{said}");
    let (code, said) = retire(&at, &house, "survey_response_rate", "Dev Patel");
    assert!(
        code == Some(0)
            && said.contains("survey_response_rate is gone")
            && said.contains("remove kpis/survey_response_rate.yaml"),
        "{said}"
    );
    in_force(&house, 2);
    let gone = house.get("/v1/kpis/survey_response_rate");
    assert_eq!(gone["status"], 404, "{gone}");
    let known = words(&house);
    assert_eq!(known[2][0]["retired"]["by"], "Dev Patel", "{known}");
    drop(house);

    let house = at.serve();
    assert_eq!(words(&house), known, "after kill -9");
    let files = house.get("/v1/definitions")["files"].clone();
    assert_eq!(files["changes"], json!(["survey_response_rate is new"]));
    let again = files["again"][0].as_str().unwrap_or_default();
    assert!(
        again.contains("was retired: remove kpis/survey_response_rate.yaml"),
        "{files}"
    );
    let (code, said) = told(&at, &house, &["roll-back", "1", "--as", "Dev Patel"]);
    assert!(code == Some(0) && said.contains("set 3"), "{said}");
    in_force(&house, 3);
    assert_eq!(
        house.get("/v1/kpis/survey_response_rate")["kpi"],
        "survey_response_rate"
    );
    let all = house.get("/v1/definitions");
    assert_eq!(
        (&all["retired"], &all["log"][0]["act"]),
        (&json!([]), &json!("rolled_back"))
    );
    drop(catalog);
    let (last, good) = house.stop();
    assert!(good && last["ok"] == true, "{last}");
}

/// Of the control records of a kind, offset and data.
fn controls(at: &Installation, kind: &str) -> Vec<(i64, Value)> {
    let mut ear = Ear::connect(&at.settings(), &at.interactions(), &[0]).expect("the broker");
    let (low, _) = ear.bounds(0).expect("a log");
    ear.start(&[(0, low)]).expect("from its beginning");
    let (mut all, mut ended) = (Vec::new(), false);
    while !ended {
        let heard = ear.poll(Duration::from_millis(200), &mut |heard| match heard {
            Heard::Record(record) => {
                let value = record.value.unwrap_or_default();
                let event: Value = serde_json::from_slice(value).unwrap_or_default();
                if record.control.is_some() && event["type"] == kind {
                    all.push((record.offset, event["data"].clone()));
                }
            }
            Heard::End { .. } => ended = true,
        });
        heard.expect("the broker");
    }
    all
}

#[test]
fn a_reader_whose_logs_beginning_is_gone_knows_the_active_set_from_its_being_said_again() {
    let mut at = installed(1);
    let catalog = catalogue(&mut at);
    let house = at.serve();
    edit(
        catalog.path(),
        "orders",
        "Orders placed.",
        "Orders that were placed.",
    );
    let (status, said) = activate(&house);
    assert_eq!(status, 202, "{said}");
    in_force(&house, 2);
    let orders = house.get("/v1/kpis/orders")["definition"].clone();
    let hash = said["hash"].clone();
    drop(house);
    let house = at.serve();
    let active = json!({"number": 2, "hash": hash});
    let again = || {
        let said = controls(&at, "cx.control.active_set.v1").into_iter();
        said.filter(|(_, data)| *data == active)
            .map(|(offset, _)| offset)
            .next()
    };
    until(&house, "/healthz", "said again", |_| again().is_some());
    drop(house);
    // Neither state nor the activations are left.
    files(&at, 0)
        .iter()
        .for_each(|file| std::fs::remove_file(file).expect("there"));
    trim(&at, &[(0, again().expect("said"))]);
    assert!(controls(&at, "cx.control.activation.v1").is_empty());
    let house = at.serve();
    in_force(&house, 2);
    assert_eq!(house.get("/v1/kpis/orders")["definition"], orders);
    assert!(
        controls(&at, "cx.control.activation.v1").is_empty(),
        "nobody activates anew what is active"
    );
    let dead = house.get("/healthz")["dead_letters"].clone();
    assert_eq!(dead, json!({}), "{dead}");
}
