//! The arrows between the rooms, as the manifests draw them.

use super::{crates, none, read, short};
use std::path::Path;

/// Who may know whom: DESIGN, section 8. `xtask` knows nobody.
const ARROWS: &[(&str, &[&str])] = &[
    ("cx-model", &[]),
    ("cx-catalog", &["cx-model"]),
    ("cx-engine", &["cx-catalog", "cx-model"]),
    ("cx-kafka", &["cx-model"]),
    ("cx-gateway", &["cx-model"]),
    ("cx-client", &["cx-model"]),
    ("cx-sim", &["cx-catalog", "cx-engine", "cx-model"]),
    (
        "cx-server",
        &[
            "cx-catalog",
            "cx-client",
            "cx-engine",
            "cx-gateway",
            "cx-kafka",
            "cx-model",
            "cx-sim",
        ],
    ),
    ("xtask", &[]),
    (
        "load-tests",
        &[
            "cx-catalog",
            "cx-client",
            "cx-engine",
            "cx-gateway",
            "cx-kafka",
            "cx-model",
            "cx-server",
            "cx-sim",
        ],
    ),
];

/// Rooms that may know more than they need so far.
const MAY_GROW: &[&str] = &["cx-server", "load-tests"];

/// Arrows that tests may add.
const TEST_ARROWS: &[(&str, &str)] = &[("cx-gateway", "cx-client")];

/// A library and the one room that may name it.
const OWNED: &[(&str, &str)] = &[("rdkafka", "cx-kafka"), ("axum", "cx-gateway")];

/// Every dependency of a manifest: (section, name).
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            // `[dependencies.name]` names one in its header.
            if let Some((kind, name)) = section.rsplit_once("dependencies.") {
                found.push((format!("{kind}dependencies"), name.to_owned()));
            }
        } else if section.ends_with("dependencies") && !line.starts_with('#') {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !name.is_empty() {
                found.push((section.clone(), name.to_owned()));
            }
        }
    }
    found
}

fn room(manifest: &Path) -> String {
    let folder = manifest.parent().and_then(Path::file_name);
    folder.unwrap_or_default().to_string_lossy().into_owned()
}

/// What is wrong with one room's dependencies.
fn complaints(room: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{room}: is not among the agreed rooms")];
    };
    let all = dependencies(manifest);
    let mut wrong = Vec::new();
    for (section, name) in &all {
        let test_only =
            section == "dev-dependencies" && TEST_ARROWS.contains(&(room, name.as_str()));
        if name.starts_with("cx-") && !allowed.contains(&name.as_str()) && !test_only {
            wrong.push(format!("{room}: must not know {name} ({section})"));
        }
        for (library, owner) in OWNED {
            if name == library && room != *owner {
                wrong.push(format!("{room}: only {owner} may name {library}"));
            }
        }
    }
    // Elsewhere a lost arrow means that a room has moved.
    for name in allowed.iter().filter(|_| !MAY_GROW.contains(&room)) {
        let arrow = ("dependencies".to_owned(), (*name).to_owned());
        if !all.contains(&arrow) {
            wrong.push(format!(
                "{room}: its arrow to {name} is gone; change DESIGN 8 first"
            ));
        }
    }
    if manifest.lines().any(|l| l.trim() == "[features]") {
        wrong.push(format!("{room}: cargo features are not used here"));
    }
    wrong
}

#[test]
fn arrows_between_rooms_are_exactly_the_agreed_ones() {
    let manifests = crates(&["Cargo.toml"]);
    assert_eq!(
        manifests.len(),
        ARROWS.len(),
        "rooms: {:?}",
        manifests.iter().map(|m| short(m))
    );
    let wrong = manifests
        .iter()
        .flat_map(|m| complaints(&room(m), &read(m)));
    none(wrong.collect());
}

#[test]
fn a_wrong_arrow_is_seen_in_every_way_to_write_it() {
    let sees = |room: &str, manifest: &str, words: &str| {
        let wrong = complaints(room, manifest).join("\n");
        assert!(wrong.contains(words), "{manifest:?} gives {wrong:?}");
    };
    sees(
        "cx-model",
        "[dependencies]\ncx-engine.workspace = true",
        "not know cx-engine",
    );
    sees(
        "cx-model",
        "[dev-dependencies]\ncx-sim = { path = \"x\" }",
        "not know cx-sim",
    );
    sees(
        "cx-model",
        "[dependencies.cx-sim]\npath = \"x\"",
        "not know cx-sim",
    );
    sees(
        "cx-model",
        "[target.'cfg(unix)'.dependencies]\nrdkafka = \"1\"",
        "only cx-kafka",
    );
    sees(
        "cx-client",
        "[dependencies]\nserde = \"1\"",
        "arrow to cx-model is gone",
    );
    sees("cx-model", "[features]\nfast = []", "cargo features");
    sees(
        "load-tests",
        "[dependencies]\naxum = \"1\"",
        "only cx-gateway may name axum",
    );
    sees("cx-shed", "", "not among the agreed rooms");
    let gateway =
        "[dependencies]\ncx-model = \"1\"\naxum = \"1\"\n[dev-dependencies]\ncx-client = \"1\"";
    assert_eq!(complaints("cx-gateway", gateway), [""; 0]);
}
