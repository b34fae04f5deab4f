//! In: the machine. Kept: Autobahn's test suite below `target`, with the Python 2 that it still speaks. Out:
//! how our endpoint did. Never knows: what the cases are.

use crate::python;
use crate::run::{cargo, passed, program, root, say, target};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the suite's program to the test; whoever has one sets it.
const VARIABLE: &str = "WATCHFLOOR_WSTEST";
/// What the suite needs, one a line with its version.
const NEEDS: &str = "crates/cx-gateway/tests/autobahn/requirements.txt";
/// The last Debian with Python 2; its packages are unpacked below `target`, none is installed.
const DEBIAN: &str = "bullseye";
/// Whose signatures are believed.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const PACKAGES: [&str; 5] = [
    "libffi7",
    "libssl1.1",
    "libpython2.7-minimal",
    "libpython2.7-stdlib",
    "python2.7-minimal",
];
/// The last one that runs there, and what it builds packages with.
const PIP: &str = "pip==20.3.4";
const BUILDERS: &str = "setuptools==44.0.0\nwheel==0.37.1\n";

/// Runs that Python with the suite, wherever it is called.
const PYTHON: &str = r#"#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=$(echo "$here"/debian/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$libraries" PYTHONPATH="$here/packages"
exec "$here/debian/usr/bin/python2.7" -W ignore "$@"
"#;
const WSTEST: &str = r#"#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m autobahntestsuite.wstest "$@"
"#;

/// `cargo xtask autobahn`: sections 1 to 7 against our endpoint.
pub(crate) fn run() -> Result<bool> {
    let suite = match std::env::var_os(VARIABLE) {
        Some(named) => PathBuf::from(named),
        None => install().with_context(|| {
            format!("the suite cannot be installed; {VARIABLE} names one that is (wstest)")
        })?,
    };
    let mut test = cargo(&["test", "--quiet", "--package", "cx-gateway"]);
    test.args(["--test", "autobahn", "--", "--nocapture", "every_case"])
        .env(VARIABLE, suite);
    passed(test)
}

/// Where the suite is; it is put there on the first call and when its list changed.
fn install() -> Result<PathBuf> {
    let folder = target().join("autobahn");
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let needs = fs::read_to_string(root().join(NEEDS)).with_context(|| format!("no {NEEDS}"))?;
    let installed = folder.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|has| has == needs) {
        return Ok(folder.join("wstest"));
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    say("fetching Python 2.7 of Debian and Autobahn's test suite (once) …");
    unpack(&folder)?;
    script(&folder, "python", PYTHON)?;
    script(&folder, "wstest", WSTEST)?;
    pip(&folder, &needs)?;
    // A package that Python 3 would know as a namespace.
    fs::write(folder.join("packages/zope/__init__.py"), "")?;
    fs::write(&installed, needs)?;
    Ok(folder.join("wstest"))
}

/// Fetches the packages of that Debian from wherever this machine takes its own, and unpacks them.
fn unpack(folder: &Path) -> Result<()> {
    let targets = [
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
    ];
    let places = Command::new("apt-get").args(targets).output();
    let places = places.context("apt-get is Debian's; it is not here")?;
    let places = String::from_utf8(places.stdout)?;
    let place = places.lines().find(|place| !place.contains("security"));
    let place = place.context("this machine names no place for packages of Debian")?;
    let debs = folder.join("debs");
    fs::create_dir_all(debs.join("lists/partial"))?;
    let line = format!("deb [signed-by={KEYS}] {place} {DEBIAN} main\n");
    fs::write(debs.join("sources.list"), line)?;
    let apt = |words: &[&str]| {
        let at = |name: &str| format!("{name}={}", debs.display());
        let mut apt = program(&debs, "apt-get", &["-qq", "-o", "APT::Sandbox::User=root"]);
        apt.args(["-o", &(at("Dir::Etc::SourceList") + "/sources.list")])
            .args(["-o", "Dir::Etc::SourceParts=-"])
            .args(["-o", &(at("Dir::State::Lists") + "/lists")])
            .args(["-o", &at("Dir::Cache")])
            .args(words);
        passed(apt)
    };
    ensure!(
        apt(&["update"])?,
        "apt-get does not reach {DEBIAN} at {place}"
    );
    let download: Vec<&str> = ["download"].into_iter().chain(PACKAGES).collect();
    ensure!(apt(&download)?, "{DEBIAN} lacks {}", PACKAGES.join(" or "));
    for file in fs::read_dir(&debs)? {
        let file = file?.path();
        if file.extension().is_some_and(|kind| kind == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("-x").arg(&file).arg(folder.join("debian"));
            ensure!(passed(unpack)?, "{} cannot be unpacked", file.display());
        }
    }
    fs::remove_dir_all(debs)?;
    Ok(())
}

/// Installs the suite beside that Python, by the pip that still knows it.
fn pip(folder: &Path, needs: &str) -> Result<()> {
    python::install()?;
    let ours = python::environment().1.display().to_string();
    let fetch = ["-m", "pip", "download", "--quiet", "--no-deps", PIP];
    ensure!(passed(program(folder, &ours, &fetch))?, "no {PIP}");
    let mut wheels = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let Some(pip) = wheels.find(|path| path.extension().is_some_and(|kind| kind == "whl")) else {
        bail!("pip fetched no {PIP}");
    };
    let python = folder.join("python").display().to_string();
    for (name, list) in [("builders.txt", BUILDERS), ("needs.txt", needs)] {
        fs::write(folder.join(name), list)?;
        let mut install = program(folder, &python, &[]);
        install
            .arg(pip.join("pip"))
            .args(["install", "--quiet", "--no-deps", "--no-cache-dir"])
            .args(["--target", "packages", "--requirement", name]);
        ensure!(passed(install)?, "pip could not install what {name} names");
    }
    Ok(())
}

fn script(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
