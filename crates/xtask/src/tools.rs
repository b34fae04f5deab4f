//! In: the machine. Kept: nothing. Out: which tools are missing and how to get them; or, for root,
//! the tools. Never knows: what they are used for.

use crate::python;
use crate::run::{passed, program, root, say};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, what it is, and the Debian package it comes from.
type Tool = (&'static str, &'static str, &'static str);

const TOOLS: &[Tool] = &[
    ("cargo", "Rust's package manager", "rustup"),
    ("node", "Node.js 20 or newer", "nodejs"),
    ("npm", "Node's package manager", "npm"),
    ("curl", "curl (a client of streams, for tests)", "curl"),
    ("cc", "a C compiler (for librdkafka)", "gcc"),
    ("c++", "a C++ compiler (librdkafka asks for it)", "g++"),
    ("make", "make (for librdkafka)", "make"),
    (
        "pkg-config",
        "pkg-config (finds the libraries)",
        "pkg-config",
    ),
];

/// Libraries that librdkafka is built with, by their names for pkg-config.
const LIBRARIES: &[Tool] = &[
    ("zlib", "zlib's headers", "zlib1g-dev"),
    ("openssl", "OpenSSL's headers", "libssl-dev"),
    ("libzstd", "zstd's headers", "libzstd-dev"),
];

/// Oldest Node.js the display builds with.
const NODE: u32 = 20;

/// Refuses when something is missing, with what and how to get it.
pub(crate) fn require() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return node_is_new_enough();
    }
    let lines = missing
        .iter()
        .map(|(n, what, _)| format!("\n  {n}: {what}"));
    let packages = missing.iter().map(|(_, _, package)| format!(" {package}"));
    bail!(
        "these tools are missing:{}\non Debian: apt-get install{}",
        lines.collect::<String>(),
        packages.collect::<String>()
    )
}

/// Installs what is missing (root on Debian only), Chromium too; then the same as [`require`].
pub(crate) fn install() -> Result<bool> {
    let missing = missing_for_tests();
    let mut packages: Vec<&str> = missing.iter().map(|(_, _, package)| *package).collect();
    if chromium().is_none() {
        packages.push("chromium");
    }
    if !packages.is_empty() {
        apt(&packages)?;
    }
    require()?;
    if chromium().is_none() {
        bail!(
            "Chromium is missing: on Debian `apt-get install chromium`, or set CHROMIUM to its path"
        );
    }
    Ok(true)
}

/// What a broker needs: Java and Maven.
const JAVA_TOOLS: &[Tool] = &[
    ("java", "Java 17 or newer", "default-jre-headless"),
    ("mvn", "Maven", "maven"),
];

/// What the independent recount runs in.
const PYTHON: Tool = (
    "python3",
    "Python 3.11 or newer with venv (for the recount)",
    "python3-venv",
);

/// Oldest Java that Apache Kafka 4 runs on.
const JAVA: u32 = 17;

/// Refuses when Apache Kafka could not be run, with what is missing and how to get it.
pub(crate) fn require_java() -> Result<()> {
    let missing: Vec<String> = JAVA_TOOLS
        .iter()
        .filter(|(name, ..)| first_line(name).is_none())
        .map(|(name, what, package)| format!("{name} ({what}, Debian package {package})"))
        .collect();
    if !missing.is_empty() {
        bail!(
            "Apache Kafka needs {}; on Debian: apt-get install default-jre-headless maven; or name a cluster that runs in WATCHFLOOR_TEST_KAFKA",
            missing.join(" and ")
        );
    }
    let version = first_line("java").unwrap_or_default();
    let number = version.split(' ').nth(1).unwrap_or_default();
    if major(number) < JAVA {
        bail!(
            "Java is {version}; Apache Kafka needs {JAVA} or newer: apt-get install default-jre-headless"
        );
    }
    Ok(())
}

/// A store that speaks S3, for tests; its version is pinned.
const S3: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";

/// What it is built with.
const GO: Tool = ("go", "Go", "golang-go");

/// Where that store is; it is built on the first call.
///
/// # Errors
/// No Go, no way to its module.
pub(crate) fn s3() -> Result<PathBuf> {
    let folder = crate::run::target().join("tools");
    let (built, version) = (folder.join("versitygw"), folder.join("versitygw.version"));
    if built.exists() && std::fs::read_to_string(&version).is_ok_and(|v| v == S3) {
        return Ok(built);
    }
    std::fs::create_dir_all(&folder)?;
    say("building the Versity S3 gateway with Go (once) …");
    let mut go = program(&root(), "go", &["install", S3]);
    go.env("GOBIN", &folder).env("GOFLAGS", "-p=2");
    if !passed(go)? {
        bail!("{S3} cannot be built, see above");
    }
    std::fs::write(version, S3)?;
    Ok(built)
}

/// Where Chromium is: `CHROMIUM`, or one of the usual names.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"]
        .map(|name| Path::new("/usr/bin").join(name));
    named.into_iter().chain(usual).find(|path| path.exists())
}

fn missing() -> Vec<Tool> {
    let absent = |tools: &'static [Tool]| {
        let all = tools.iter().copied();
        all.filter(|(name, ..)| first_line(name).is_none())
    };
    let mut missing: Vec<Tool> = absent(TOOLS).collect();
    missing.extend(LIBRARIES.iter().copied().filter(|(name, ..)| {
        let known = Command::new("pkg-config").args(["--exists", name]).status();
        !known.is_ok_and(|status| status.success())
    }));
    missing
}

/// What a test needs beyond a build.
fn missing_for_tests() -> Vec<Tool> {
    let java = JAVA_TOOLS.iter().copied();
    let java = java.filter(|(name, ..)| first_line(name).is_none());
    let cluster = std::env::var_os("WATCHFLOOR_TEST_KAFKA").is_some();
    let go = Command::new("go").arg("version").output();
    let go = (!go.is_ok_and(|o| o.status.success())).then_some(GO);
    let python = (!python::is_good()).then_some(PYTHON);
    let java = java.filter(|_| !cluster);
    java.chain(python).chain(go).chain(missing()).collect()
}

fn node_is_new_enough() -> Result<()> {
    let version = first_line("node").unwrap_or_default();
    if major(&version) >= NODE {
        return Ok(());
    }
    bail!(
        "Node.js is {version}, the display needs {NODE} or newer; Debian 13 has it (apt-get install nodejs npm), for Debian 12 take it from nodejs.org or nodesource.com"
    )
}

fn major(version: &str) -> u32 {
    let digits = version.trim_start_matches('v').split('.').next();
    digits.and_then(|d| d.parse().ok()).unwrap_or_default()
}

/// First line of `NAME --version`; `None` when the program is not there.
fn first_line(name: &str) -> Option<String> {
    let output = Command::new(name)
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|o| o.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().next().unwrap_or_default().to_owned())
}

fn apt(packages: &[&str]) -> Result<()> {
    let root_user = Command::new("id").arg("-u").output();
    if !root_user.is_ok_and(|o| o.stdout.trim_ascii() == b"0") {
        bail!(
            "missing: {0}; as root: apt-get install {0}",
            packages.join(" ")
        );
    }
    say(&format!("installing {} …", packages.join(" ")));
    let quiet = |arguments: &[&str]| {
        let mut command = program(&root(), "apt-get", arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        passed(command)
    };
    let install: Vec<&str> = ["install", "-y", "-qq", "--no-install-recommends"]
        .into_iter()
        .chain(packages.iter().copied())
        .collect();
    if !quiet(&["update", "-qq"])? || !quiet(&install)? {
        bail!("apt-get could not install {}", packages.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read_as_it_prints_them() {
        assert_eq!(major("v20.20.2"), 20);
        assert_eq!(major("v8.1.0"), 8);
        assert_eq!(major("not installed"), 0);
    }

    #[test]
    fn a_program_that_is_not_there_is_noticed() {
        assert_eq!(first_line("no-such-program-here"), None);
        assert!(first_line("cargo").is_some_and(|l| l.starts_with("cargo ")));
    }
}
