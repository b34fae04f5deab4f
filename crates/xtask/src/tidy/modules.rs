//! No file that nobody includes: rustc does not see it, so neither does any other check.

use super::{crates, none, short};
use std::path::{Path, PathBuf};

/// Folders in which cargo takes each file for a program of its own.
const SEVERAL_ROOTS: &[&str] = &["tests", "benches", "examples", "bin"];

/// The files one of which must say `mod NAME;`, and the name. `None`: a root, or no module.
fn parents(path: &Path) -> Option<(Vec<PathBuf>, String)> {
    let folder = path.parent()?;
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    if stem == "mod" {
        return Some((
            including(folder.parent()?),
            folder.file_name()?.to_str()?.to_owned(),
        ));
    }
    let in_root = SEVERAL_ROOTS.iter().any(|root| folder.ends_with(root));
    let is_root = stem == "main" || (stem == "lib" && folder.ends_with("src"));
    // Cargo finds the files directly in tests/, benches/, examples/ and bin/ by itself.
    if is_root || stem == "build" || in_root {
        return None;
    }
    Some((including(folder), stem))
}

/// Files that may declare the modules of a folder. In `tests/` and the like each file is a root.
fn including(folder: &Path) -> Vec<PathBuf> {
    let each_is_a_root = SEVERAL_ROOTS.iter().any(|root| folder.ends_with(root));
    if let (true, Ok(entries)) = (each_is_a_root, folder.read_dir()) {
        return entries.flatten().map(|entry| entry.path()).collect();
    }
    let here = ["mod.rs", "lib.rs", "main.rs"].map(|name| folder.join(name));
    here.into_iter()
        .chain([folder.with_extension("rs")])
        .collect()
}

fn declares(text: &str, name: &str) -> bool {
    let end = format!("mod {name};");
    text.lines().map(str::trim).any(|line| {
        line.strip_suffix(&end)
            .is_some_and(|before| before.is_empty() || before.ends_with(' '))
    })
}

#[test]
fn every_file_is_included_by_somebody() {
    let wrong = crates(&[".rs"]).into_iter().filter_map(|path| {
        let (parents, name) = parents(&path)?;
        let included = parents
            .iter()
            .filter_map(|parent| std::fs::read_to_string(parent).ok())
            .any(|text| declares(&text, &name));
        (!included).then(|| format!("{}: no `mod {name};` includes it", short(&path)))
    });
    none(wrong.collect());
}

#[test]
fn a_module_is_looked_for_where_rust_would() {
    let at = |path: &str| parents(Path::new(path));
    let (files, name) = at("c/src/kpi/cells.rs").expect("a module");
    assert_eq!(name, "cells");
    assert!(files.contains(&PathBuf::from("c/src/kpi.rs")));
    assert!(files.contains(&PathBuf::from("c/src/kpi/mod.rs")));
    assert_eq!(at("c/src/kpi/mod.rs").expect("a module").1, "kpi");
    assert_eq!(at("c/tests/it/ear.rs").expect("a module").1, "ear");
    for root in [
        "c/src/lib.rs",
        "c/src/main.rs",
        "c/build.rs",
        "c/tests/laws.rs",
        "c/tests/it/main.rs",
    ] {
        assert_eq!(at(root), None, "{root}");
    }
    assert!(declares("#[cfg(test)]\nmod tests;", "tests"));
    assert!(declares("pub(crate) mod ear;", "ear"));
    assert!(!declares("// mod ear;x\nmod near;", "ear"));
}
