//! The laws of the house that no other tool checks. In: the repository. Kept: nothing.
//! Out: what breaks them. Never knows: behaviour.

use crate::run::root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ARROWS: &[(&str, &[&str])] = &[
    ("cx-model", &[]),
    ("cx-catalog", &["cx-model"]),
    ("cx-engine", &["cx-catalog", "cx-model"]),
    ("cx-kafka", &["cx-model"]),
    ("cx-gateway", &["cx-model"]),
    ("cx-client", &["cx-model"]),
    ("cx-sim", &["cx-catalog", "cx-engine", "cx-model"]),
];

fn files(folder: &Path, ends: &[&str], out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of ours")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "dist", ".git"].contains(&name.as_str()) {
            files(&path, ends, out);
        } else if ends.iter().any(|e| name.ends_with(e)) {
            out.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file of ours")
}

fn is_test(path: &Path) -> bool {
    path.components()
        .any(|c| c.as_os_str() == "tests" || c.as_os_str() == "e2e")
        || path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().contains("test"))
        || path.ends_with("xtask/src/tidy.rs")
}

/// The section of a manifest as (name, line)s.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let from = manifest
        .find(&format!("[{section}]"))
        .map_or("", |i| &manifest[i..]);
    from.lines()
        .skip(1)
        .take_while(|l| !l.starts_with('['))
        .filter_map(|l| Some(l.split(['.', ' ', '=']).next()?.to_owned()))
        .filter(|l| !l.is_empty())
        .collect()
}

#[test]
fn arrows_between_rooms_run_one_way() {
    for (room, allowed) in ARROWS {
        let manifest = read(&root().join("crates").join(room).join("Cargo.toml"));
        let found: BTreeSet<String> = dependencies(&manifest, "dependencies")
            .into_iter()
            .filter(|d| d.starts_with("cx-"))
            .collect();
        for arrow in &found {
            assert!(
                allowed.contains(&arrow.as_str()),
                "{room} must not know {arrow}"
            );
        }
    }
}

#[test]
fn only_one_room_knows_kafka_and_one_knows_sockets() {
    let mut manifests = Vec::new();
    files(&root().join("crates"), &["Cargo.toml"], &mut manifests);
    for (library, owner) in [("rdkafka", "cx-kafka"), ("axum", "cx-gateway")] {
        for manifest in &manifests {
            let names = dependencies(&read(manifest), "dependencies");
            let owned = manifest.to_string_lossy().contains(owner);
            assert!(
                owned || !names.iter().any(|n| n == library),
                "{} names {library}",
                manifest.display()
            );
        }
    }
}

#[test]
fn files_stay_short() {
    let mut all = Vec::new();
    files(
        &root().join("crates"),
        &[".rs", ".ts", ".svelte", ".mjs"],
        &mut all,
    );
    for path in all.iter().filter(|p| !is_test(p)) {
        let lines = read(path).lines().count();
        let most = if path.ends_with("main.rs") { 130 } else { 500 };
        assert!(
            lines <= most,
            "{} has {lines} lines, {most} at most",
            path.display()
        );
    }
    let map = root().join("crates/README.md");
    assert!(
        read(&map).lines().count() <= 150,
        "{} is longer than 150 lines",
        map.display()
    );
}

#[test]
fn nothing_is_left_open_or_switched_off() {
    let mut all = Vec::new();
    files(&root().join("crates"), &[".rs"], &mut all);
    let banned = [
        "macro_rules!",
        "todo!(",
        "unimplemented!(",
        "FIXME",
        "#[ignore",
        "#[allow(",
        "unbounded_channel",
    ];
    for path in all.iter().filter(|p| !p.ends_with("xtask/src/tidy.rs")) {
        let text = read(path);
        for word in banned {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
    let mut manifests = Vec::new();
    files(&root().join("crates"), &["Cargo.toml"], &mut manifests);
    for manifest in manifests {
        assert!(
            !read(&manifest).contains("[features]"),
            "{} has cargo features",
            manifest.display()
        );
    }
}
