//! In: the machine's Python. Kept: an environment below `target` with what the recount needs. Out: its
//! path, and how the recount's own tests went. Never knows: what is recounted.

use crate::run::{heard, passed, program, root, say, target};
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Names the Python of every test that runs the recount.
const VARIABLE: &str = "WATCHFLOOR_PYTHON";
/// Good from 3.11 on, and only with what makes environments.
const GOOD: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
/// What the recount needs, one a line with its version.
const NEEDS: &str = "load-tests/recount/requirements.txt";

/// Whether this machine's Python can make an environment.
pub(crate) fn is_good() -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", GOOD]);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn folder() -> PathBuf {
    let folder = target().join("python");
    std::path::absolute(&folder).unwrap_or(folder)
}

/// What tests find the environment by.
pub(crate) fn environment() -> (&'static str, PathBuf) {
    (VARIABLE, folder().join("bin/python3"))
}

/// Makes the environment, if it is not there or other packages are needed now.
pub(crate) fn install() -> Result<bool> {
    let (folder, needs) = (folder(), root().join(NEEDS));
    let wanted = std::fs::read(&needs).with_context(|| format!("cannot read {NEEDS}"))?;
    let installed = folder.join("requirements.txt");
    if std::fs::read(&installed).is_ok_and(|has| has == wanted) {
        return Ok(true);
    }
    if !is_good() {
        bail!(
            "the recount needs Python 3.11 or newer with venv: on Debian apt-get install python3-venv"
        );
    }
    say("installing the recount's packages (pip) …");
    let (place, python) = (folder.display().to_string(), environment().1);
    let made = program(&root(), "python3", &["-m", "venv", "--clear", &place]);
    if !passed(made)? {
        bail!("python3 -m venv could not make {place}");
    }
    let pip = ["-m", "pip", "install", "--quiet", "--requirement", NEEDS];
    let python = python.display().to_string();
    if !passed(program(&root(), &python, &pip))? {
        bail!("pip could not install what {NEEDS} names");
    }
    std::fs::write(installed, wanted)?;
    Ok(true)
}

/// The recount's own tests.
pub(crate) fn tests(limit: Duration) -> Result<(bool, String)> {
    let python = environment().1.display().to_string();
    let folder = root().join("load-tests/recount");
    heard(program(&folder, &python, &["-B", "-m", "tests"]), limit)
}
