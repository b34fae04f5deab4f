//! In: a dump and seconds. Kept: nothing. Out: what the recount prints. Never knows: what it should.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The hash key of all logs here, as the recount takes it.
pub(crate) const KEY: (u64, u64) = (7, 9);

/// `WATCHFLOOR_PYTHON`, the one that `cargo xtask test` made, or the machine's.
fn python(root: &Path) -> PathBuf {
    let named = std::env::var_os("WATCHFLOOR_PYTHON").map(PathBuf::from);
    let made = Some(root.join("target/python/bin/python3")).filter(|p| p.exists());
    named.or(made).unwrap_or_else(|| PathBuf::from("python3"))
}

/// Runs the recount.
pub(crate) fn recount(catalog: &Path, dump: &Path, seconds: &[i64]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let seconds: Vec<String> = seconds.iter().map(ToString::to_string).collect();
    let mut command = Command::new(python(&root));
    command
        .current_dir(root.join("load-tests/recount"))
        .args(["-B", "-m", "recount", "--json", "--hash-key"])
        .arg(format!("{},{}", KEY.0, KEY.1))
        .arg("--catalog")
        .arg(catalog)
        .arg("--log")
        .arg(dump)
        .args(["--s", &seconds.join(",")]);
    let done = command.output().unwrap_or_else(|e| {
        panic!("python3 cannot be run ({e}): install Python 3.11 or newer with PyYAML, or name one in WATCHFLOOR_PYTHON")
    });
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "the recount failed; it needs Python 3.11 or newer with PyYAML (`cargo xtask test` makes one), or name one in WATCHFLOOR_PYTHON:\n{said}"
    );
    serde_json::from_slice(&done.stdout).expect("the recount prints JSON")
}
