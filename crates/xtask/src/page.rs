//! In: the display's sources. Kept: nothing. Out: `dist/`, built only when it is older than they
//! are. Never knows: what the page shows.

use crate::run::{passed, program, root, say};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the built page is made of.
const SOURCES: &[&str] = &[
    "glossary.html",
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "sign-in.html",
    "src",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

/// The folder of the display.
pub(crate) fn folder() -> PathBuf {
    root().join("crates/cx-gateway/display")
}

/// `npm run SCRIPT` of the display, its own words only.
pub(crate) fn script(name: &str) -> Command {
    program(&folder(), "npm", &["run", "--silent", name])
}

/// Installs the display's packages if they are not there or the lock file is newer.
pub(crate) fn install() -> Result<bool> {
    packages(folder(), "the display's packages")
}

/// Installs the clients and validators that the contract is held against.
pub(crate) fn install_clients() -> Result<bool> {
    let folder = root().join("crates/cx-gateway/tests/clients");
    packages(folder, "clients and validators for the contract")
}

/// Installs what `bench fanout` stands beside.
pub(crate) fn install_peers() -> Result<bool> {
    packages(root().join("load-tests/peers"), "Bun and ws")
}

fn packages(folder: PathBuf, what: &str) -> Result<bool> {
    let installed = folder.join("node_modules/.package-lock.json");
    if is_newer(&installed, &newest(&folder.join("package-lock.json"))) {
        return Ok(true);
    }
    say(&format!("installing {what} (npm ci) …"));
    passed(program(&folder, "npm", &["ci", "--no-fund", "--no-audit"]))
}

/// Builds the display if a source is newer than what was built.
pub(crate) fn build() -> Result<bool> {
    let folder = folder();
    let sources = SOURCES.iter().map(|s| newest(&folder.join(s))).max();
    if is_newer(&folder.join("dist/index.html"), &sources.flatten()) {
        say("the display is up to date");
        return Ok(true);
    }
    ensure!(install()?, "npm ci failed, see above");
    say("building the display …");
    passed(script("build"))
}

fn is_newer(built: &Path, source: &Option<SystemTime>) -> bool {
    newest(built).is_some_and(|built| source.is_some_and(|source| built >= source))
}

/// When a file, or the newest in a folder, was last changed; `None` when there is none.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    let entries = path.read_dir().ok()?.flatten();
    entries.filter_map(|entry| newest(&entry.path())).max()
}
