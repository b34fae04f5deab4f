//! TLS and SASL pass through the configuration; what is wrong with them is said.

use crate::cluster::{Installation, sent};
use crate::recount::until_ready;
use crate::round_trip::events;
use std::path::{Path, PathBuf};

/// Folder with `ca.pem`, `user`, `password` and `bootstrap` of the cluster's secure listener.
fn folder() -> PathBuf {
    let folder = std::env::var_os("WATCHFLOOR_TEST_KAFKA_SECURE").unwrap_or_else(|| {
        panic!("no secure cluster: `cargo xtask kafka up --secure`, then set WATCHFLOOR_TEST_KAFKA_SECURE to the folder it prints")
    });
    PathBuf::from(folder)
}

fn word(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("written by `kafka up --secure`");
    text.trim().to_owned()
}

/// An installation that speaks TLS and signs in by `mechanism`; its password comes from a file.
fn installation(mechanism: &str, ca: &Path, password: &Path) -> Installation {
    let folder = folder();
    let mut at = Installation::bare(2);
    at.bootstrap = word(&folder.join("bootstrap"));
    let settings = format!(
        "{}\n    security.protocol: sasl_ssl\n    ssl.ca.location: {}\n    sasl.mechanism: {mechanism}\n    sasl.username: {}\n    sasl.password: {{file: {}}}\n",
        "  properties:",
        ca.display(),
        word(&folder.join("user")),
        password.display(),
    );
    let shipped = crate::run::root().join("deploy/watchfloor.yaml");
    let shipped = std::fs::read_to_string(shipped).expect("shipped");
    let (before, _) = shipped.split_once("  properties:").expect("has properties");
    let file = at.data.path().join("watchfloor.yaml");
    std::fs::write(&file, format!("{before}{settings}")).expect("written");
    at.more
        .push(("WATCHFLOOR_CONFIG", file.display().to_string()));
    at
}

#[test]
fn a_cluster_with_tls_and_sasl_is_served_like_any_other() {
    let (ca, password) = (folder().join("ca.pem"), folder().join("password"));
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let at = installation(mechanism, &ca, &password);
        at.good(&["topics", "create"]);
        let house = at.serve();
        let (lines, _) = events(1);
        let told = sent(&at, &lines);
        until_ready(&house);
        let line = ["recount", "--from", &at.bootstrap, "--against", &house.url];
        assert!(at.good(&line).contains("numbers are equal"));
        let (last, good) = house.stop();
        assert!(good && last["ok"] == true, "{last}");
        assert!(told["sent"].as_u64() > Some(0), "{told}");
    }
}

#[test]
fn a_wrong_password_and_a_foreign_authority_are_told_from_a_broker_that_is_away() {
    let wrong = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(wrong.path(), "wrong").expect("written");
    let ca = folder().join("ca.pem");
    let at = installation("PLAIN", &ca, wrong.path());
    at.refused(
        &["topics", "check"],
        &["uthentication failed", "kafka.properties"],
    );
    let system = Path::new("/etc/ssl/certs/ca-certificates.crt");
    let at = installation("PLAIN", system, &folder().join("password"));
    at.refused(&["topics", "check"], &["certificate verify failed"]);
}
