//! In: nothing. Kept: nothing. Out: the command that runs the recount, and what it says when it cannot
//! run. Never knows: what is recounted. Tests of two rooms begin with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `WATCHFLOOR_PYTHON`, the one that `cargo xtask test` makes, or the machine's.
fn python(root: &Path) -> PathBuf {
    let named = std::env::var_os("WATCHFLOOR_PYTHON").map(PathBuf::from);
    let made = Some(root.join("target/python/bin/python3")).filter(|p| p.exists());
    let found = named.or(made);
    found.unwrap_or_else(|| PathBuf::from("python3"))
}

/// Runs the recount over a catalogue; what it printed, whatever it found.
pub(crate) fn recount(root: &Path, catalog: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(python(root));
    command
        .current_dir(root.join("load-tests/recount"))
        .args(["-B", "-m", "recount", "--catalog"])
        .arg(catalog)
        .args(arguments);
    let needs = "it needs Python 3.11 or newer with load-tests/recount/requirements.txt: `cargo xtask test` makes one, WATCHFLOOR_PYTHON names another";
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("the recount cannot be run ({e}): {needs}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        !said.contains("ModuleNotFoundError"),
        "the recount cannot be run: {needs}\n{said}"
    );
    done
}
