//! The JSON Schema in `schemas/` is the one the code reads by.

use std::path::Path;

#[test]
fn the_page_of_facts_is_the_registry() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/facts.md");
    let made = cx_catalog::fact::facts_page();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, &made).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "schemas/facts.md is old: run the test with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn every_fact_stands_where_it_is_looked_for() {
    for info in cx_catalog::fact::FACTS {
        assert_eq!(info.fact.info().name, info.name);
        assert!(cx_model::vocabulary::EVENT_TYPES.contains(&info.yielded_by));
    }
    for kind in [
        cx_catalog::fact::CUSTOMER_MESSAGE,
        cx_catalog::fact::AGENT_MESSAGE,
        cx_catalog::fact::CONVERSATION_CLOSED,
    ] {
        assert!(cx_model::vocabulary::EVENT_TYPES.contains(&kind), "{kind}");
    }
}

#[test]
fn the_schema_of_a_kpi_file_is_the_written_one() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/kpi-definition.schema.json");
    let made = serde_json::to_string_pretty(&cx_catalog::kpi_schema()).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, &made).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "schemas/kpi-definition.schema.json is old: run the test with UPDATE_SCHEMAS=1"
    );
}
