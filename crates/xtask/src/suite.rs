//! In: nothing. Kept: counts of what passed. Out: the developer commands.
//! Never knows: how a test works.

use crate::run::{display, heard, passed, program, root, say, target, there};
use anyhow::{Result, bail, ensure};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const CHROMIUM: &str = "/usr/bin/chromium";

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
}

impl Counts {
    /// Counts one step that has no tests of its own.
    fn step(&mut self, name: &str, good: Result<bool>) {
        let good = good.unwrap_or_else(|error| {
            say(&format!("{name}: {error:#}"));
            false
        });
        say(&format!(
            "== {name}: {}",
            if good { "passed" } else { "FAILED" }
        ));
        if good {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Adds up every `N passed; N failed` and `N passed, N failed` of a text.
    fn add(&mut self, text: &str) {
        for line in text.lines() {
            let words: Vec<&str> = line
                .split([' ', ';', ','])
                .filter(|w| !w.is_empty())
                .collect();
            for pair in words.windows(2) {
                let Ok(n) = pair[0].parse::<usize>() else {
                    continue;
                };
                match pair[1] {
                    "passed" => self.passed += n,
                    "failed" => self.failed += n,
                    _ => {}
                }
            }
        }
    }
}

/// `cargo xtask demo`.
pub(crate) fn demo(options: &[String]) -> Result<bool> {
    tools()?;
    build_display()?;
    say("building watchfloor (the first time takes some minutes) …");
    ensure!(release()?, "the build failed, see above");
    let options: Vec<&str> = std::iter::once("demo")
        .chain(options.iter().map(String::as_str))
        .filter(|o| *o != "--")
        .collect();
    let binary = target().join("release/watchfloor");
    passed(program(&root(), &binary.display().to_string(), &options))
}

/// `cargo xtask check`.
pub(crate) fn check() -> Result<bool> {
    let mut counts = Counts::default();
    style(&mut counts);
    let fast = ["test", "--quiet", "--workspace", "--lib", "--bins"];
    let (good, text) = heard(program(&root(), "cargo", &fast))?;
    counts.add(&text);
    counts.step("fast tests", Ok(good));
    Ok(counts.failed == 0)
}

/// `cargo xtask fix`.
pub(crate) fn fix() -> Result<bool> {
    let clippy = [
        "clippy",
        "--fix",
        "--allow-dirty",
        "--workspace",
        "--all-targets",
    ];
    Ok(passed(program(&root(), "cargo", &clippy))?
        && passed(program(&root(), "cargo", &["fmt", "--all"]))?)
}

/// `cargo xtask test`.
pub(crate) fn test() -> Result<bool> {
    tools()?;
    let mut counts = Counts::default();
    counts.step("Chromium is installed", chromium());
    counts.step("display builds", build_display().map(|()| true));
    for script in ["check", "test"] {
        let (good, text) = heard(program(&display(), "npm", &["run", "--silent", script]))?;
        if script == "test" {
            counts.add(&plain(&text));
        }
        counts.step(&format!("display: npm run {script}"), Ok(good));
    }
    style(&mut counts);
    let (good, text) = heard(program(
        &root(),
        "cargo",
        &["test", "--workspace", "-j2", "--no-fail-fast"],
    ))?;
    counts.add(&text);
    counts.step("cargo test", Ok(good));
    counts.step("release build", release());
    counts.step("a bounded demo run keeps law 10", bounded());
    counts.step(
        "the wall in Chromium equals the API",
        wall(&mut Counts::default()),
    );
    say(&format!(
        "{} passed, {} failed",
        counts.passed, counts.failed
    ));
    Ok(counts.failed == 0)
}

fn style(counts: &mut Counts) {
    let fmt = passed(program(&root(), "cargo", &["fmt", "--all", "--check"]));
    counts.step("format", fmt);
    let clippy = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "-j2",
        "--",
        "-D",
        "warnings",
    ];
    counts.step("clippy", passed(program(&root(), "cargo", &clippy)));
}

fn tools() -> Result<()> {
    let needed = [
        ("node", "nodejs (20 or newer)"),
        ("npm", "npm"),
        ("cc", "gcc"),
        ("c++", "g++"),
        ("make", "make"),
    ];
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(n, _)| !there(n))
        .map(|(_, p)| *p)
        .collect();
    if !missing.is_empty() {
        bail!(
            "missing: {}; on Debian: apt-get install nodejs npm gcc g++ make zlib1g-dev",
            missing.join(", ")
        );
    }
    Ok(())
}

fn chromium() -> Result<bool> {
    if Path::new(CHROMIUM).exists() {
        return Ok(true);
    }
    say("installing Chromium …");
    let installed = passed(program(&root(), "apt-get", &["update", "-q"]))?
        && passed(program(
            &root(),
            "apt-get",
            &["install", "-y", "-q", "chromium"],
        ))?;
    ensure!(
        installed,
        "Chromium is not here and could not be installed; on Debian: apt-get install chromium"
    );
    Ok(true)
}

fn build_display() -> Result<()> {
    let folder = display();
    if !folder.join("node_modules").exists() {
        say("installing the display's packages (npm ci) …");
        ensure!(
            passed(program(&folder, "npm", &["ci", "--no-fund", "--no-audit"]))?,
            "npm ci failed"
        );
    }
    say("building the display …");
    ensure!(
        passed(program(&folder, "npm", &["run", "--silent", "build"]))?,
        "the display does not build"
    );
    Ok(())
}

fn release() -> Result<bool> {
    let build = [
        "build",
        "--release",
        "--package",
        "cx-server",
        "--bin",
        "watchfloor",
    ];
    passed(program(&root(), "cargo", &build))
}

fn watchfloor(options: &[&str]) -> Command {
    program(
        &root(),
        &target().join("release/watchfloor").display().to_string(),
        options,
    )
}

fn bounded() -> Result<bool> {
    let demo = ["demo", "--address", "127.0.0.1:0", "--for", "10s", "--json"];
    let (good, text) = heard(watchfloor(&demo))?;
    Ok(good && text.contains("\"ok\":true"))
}

/// Starts the demo on a free port, lets Chromium compare the page with the API, stops it.
fn wall(counts: &mut Counts) -> Result<bool> {
    let demo = [
        "demo",
        "--address",
        "127.0.0.1:0",
        "--for",
        "180s",
        "--history",
        "30",
    ];
    let mut child = watchfloor(&demo).stdout(Stdio::piped()).spawn()?;
    let url = address(&mut child);
    let seen = match &url {
        Some(url) => heard(program(&display(), "node", &["e2e/wall.mjs", url])),
        None => bail!("the demo printed no address"),
    };
    child.kill()?;
    child.wait()?;
    let (good, text) = seen?;
    counts.add(&text);
    Ok(good && counts.failed == 0)
}

fn address(child: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let line = lines.find_map(|l| l.ok().filter(|l| l.contains("http://")))?;
    // The rest of its output is read and dropped, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    let url = line.split_whitespace().find(|w| w.starts_with("http://"))?;
    Some(url.trim_end_matches('/').to_owned())
}

/// A text without terminal colours.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut coloured = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => coloured = true,
            'm' if coloured => coloured = false,
            _ if coloured => {}
            _ => out.push(c),
        }
    }
    out.replace(" passed (", " (")
}
