//! Definitions that are wrong, as `watchfloor check` and `watchfloor demo` meet them.

use crate::doors::done;
use crate::run::{copy, root, text};

/// The shipped catalogue with one file replaced.
fn with(file: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("deploy/catalog"), folder.path());
    std::fs::write(folder.path().join(file), content).expect("written");
    folder
}

/// Both commands refuse the folder, and say all of `expected`.
fn refused(folder: &tempfile::TempDir, expected: &[&str]) {
    let path = folder.path().to_str().expect("UTF-8");
    for line in [
        &["check", path][..],
        &["demo", "--address", "127.0.0.1:0", "--catalog", path],
    ] {
        let output = done(line);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line:?}: {error}");
        for words in expected {
            assert!(error.contains(words), "{words:?} is not in\n{error}");
        }
    }
}

const ORDERS: &str = include_str!("../../../../deploy/catalog/kpis/orders.yaml");

#[test]
fn the_shipped_catalogue_is_right() {
    let output = done(&["check", "deploy/catalog"]);
    let out = text(&output.stdout);
    assert!(
        output.status.success() && out.contains("all right"),
        "{out}"
    );
}

#[test]
fn broken_yaml_is_refused_with_place() {
    // One that nothing is calculated from: it is the only fault.
    let folder = with(
        "kpis/bounce_rate.yaml",
        "kpi: [bounce_rate\nunit: percent\n",
    );
    refused(&folder, &["bounce_rate.yaml:", "1 faults"]);
}

#[test]
fn a_condition_of_the_wrong_type_is_refused_with_a_caret() {
    let wrong = ORDERS.replace(r#"event.type == ""#, r#"data.amount_minor == ""#);
    assert_ne!(wrong, ORDERS);
    let folder = with("kpis/orders.yaml", &wrong);
    refused(&folder, &["orders.yaml:", "^", "data.amount_minor"]);
}

#[test]
fn an_example_that_does_not_come_out_is_refused() {
    let wrong = ORDERS.replace("value: ", "value: 7");
    assert_ne!(wrong, ORDERS);
    let folder = with("kpis/orders.yaml", &wrong);
    refused(&folder, &["orders", "example 1", "expected 71"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let output = done(&["check", "/no/such/folder"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/no/such/folder"));
}
