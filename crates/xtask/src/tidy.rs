//! The laws of the house that no other tool checks. In: the repository. Kept: nothing.
//! Out: everything that breaks them, at once. Never knows: behaviour.

mod manifests;
mod modules;
mod text;

use crate::run::root;
use std::path::{Path, PathBuf};

/// What may stand at the top of the repository.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "deploy",
    "load-tests",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "schemas",
];

/// What is there but not ours: built, fetched, or kept by other programs.
const NOT_OURS: &[&str] = &[".git", "dist", "node_modules", "target"];

/// Our files below a folder whose names end in one of `ends`.
fn files(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("a folder of ours").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, ends));
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Files of all members of the workspace.
fn crates(ends: &[&str]) -> Vec<PathBuf> {
    let folders = ["crates", "load-tests"].map(|folder| root().join(folder));
    folders.iter().flat_map(|f| files(f, ends)).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a text file of ours")
}

/// A path as people write it: from the root.
fn short(path: &Path) -> String {
    let root = root();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Fails with all complaints, one per line.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn only_what_was_agreed_stands_at_the_top() {
    let entries = root().read_dir().expect("the root").flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let strange = names.filter(|n| !TOP.contains(&n.as_str()) && !NOT_OURS.contains(&n.as_str()));
    none(
        strange
            .map(|n| format!("{n}: not among the agreed entries of the root"))
            .collect(),
    );
}

#[test]
fn the_engines_clippy_file_repeats_the_roots() {
    let engine = read(&root().join("crates/cx-engine/clippy.toml"));
    let root = read(&root().join("clippy.toml"));
    assert!(
        engine.starts_with(&root),
        "clippy reads the nearest file and does not merge"
    );
    assert!(
        engine.contains("disallowed-types"),
        "the engine's own bans are gone"
    );
}
