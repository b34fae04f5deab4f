//! In: nothing. Kept: the tally. Out: `test`, `check` and `fix`: the steps and their order.
//! Never knows: how a step works.

use crate::run::{cargo, heard, passed};
use crate::tally::Tally;
use crate::{demo, kafka, page, python, tools, wall};
use anyhow::Result;
use std::path::PathBuf;
use std::time::Duration;

/// Nothing here should take half an hour; what does, hangs.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// `cargo xtask check`: the inner loop.
pub(crate) fn check() -> bool {
    let mut tally = Tally::default();
    style(&mut tally);
    tally.tests("fast tests and the laws of the house", || {
        let arguments = [
            "test",
            "--quiet",
            "--workspace",
            "--lib",
            "--bins",
            "--no-fail-fast",
        ];
        heard(cargo(&arguments), LIMIT)
    });
    tally.close()
}

/// `cargo xtask test`: everything. A failed step does not hide the others, but steps that cannot
/// run without it are not tried.
pub(crate) fn test() -> bool {
    let mut tally = Tally::default();
    if !tally.step("tools", tools::install) {
        return tally.close();
    }
    let page = display(&mut tally);
    style(&mut tally);
    if tally.step("the recount's packages", python::install) {
        tally.tests("the recount's own tests", || python::tests(LIMIT));
    }
    let (variable, path) = python::environment();
    tally.tests("cargo test", || {
        let all = ["test", "--workspace", "-j2", "--no-fail-fast"];
        let mut tests = cargo(&all);
        tests.env(variable, &path);
        heard(tests, LIMIT)
    });
    if tally.step("clients and validators", page::install_clients) {
        tally.tests("the contract against programs of others", || {
            let all = ["test", "--package", "cx-gateway", "--test", "clients"];
            let mut tests = cargo(&all);
            tests.env(variable, &path);
            heard(tests, LIMIT)
        });
    }
    tally.tests("the house over a real Apache Kafka", || {
        kafka::during((1, true), |cluster| {
            let mut tests = cargo(&["test", "--package", "cx-server", "--test", "kafka"]);
            tests
                .envs(cluster.environment())
                .envs(screen())
                .env(variable, &path)
                .env("WATCHFLOOR_TEST_S3", tools::s3()?);
            heard(tests, LIMIT)
        })
    });
    if tally.step("release build", demo::release) {
        tally.step("a bounded demo run keeps its accounting", wall::bounded);
        if page {
            tally.tests("the wall in Chromium", wall::look);
            tally.tests("the door of a closed house in Chromium", wall::door);
        }
    }
    tally.close()
}

/// `cargo xtask sim`: the law's own test over as many seeds as asked, in a release build.
pub(crate) fn sim(seed: u64, seeds: u64) -> Result<bool> {
    let mut run = cargo(&["test", "--release", "--quiet", "--package", "cx-server"]);
    run.args(["--test", "snapshots", "--", "--nocapture", "many_lives"])
        .env("WATCHFLOOR_SIM_SEED", seed.to_string())
        .env("WATCHFLOOR_SIM_SEEDS", seeds.to_string());
    passed(run)
}

/// `cargo xtask chaos`: the test of the same name with as many kills as asked, on a cluster of its own.
pub(crate) fn chaos(seed: u64, kills: u32, brokers: u16) -> Result<bool> {
    page::install()?;
    page::build()?;
    python::install()?;
    let (variable, path) = python::environment();
    kafka::during((brokers, false), |cluster| {
        let mut run = cargo(&["test", "--release", "--quiet", "--package", "cx-server"]);
        run.args(["--test", "kafka", "--", "--nocapture", "chaos"])
            .envs(cluster.environment())
            .envs(screen())
            .env(variable, &path)
            .env("WATCHFLOOR_XTASK", std::env::current_exe()?)
            .env("WATCHFLOOR_CHAOS_BROKERS", brokers.to_string())
            .env("WATCHFLOOR_CHAOS_SEED", seed.to_string())
            .env("WATCHFLOOR_CHAOS_KILLS", kills.to_string());
        if let Some(port) = cluster.own {
            run.env("WATCHFLOOR_CHAOS_PORT", port.to_string());
        }
        passed(run)
    })
}

/// The Chromium in which tests look at the wall.
fn screen() -> Option<(&'static str, PathBuf)> {
    tools::chromium().map(|path| ("WATCHFLOOR_TEST_CHROMIUM", path))
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
    let mut schemas = cargo(&["test", "--quiet", "--workspace", "schema"]);
    schemas.env("UPDATE_SCHEMAS", "1");
    Ok(passed(cargo(&clippy))? & passed(schemas)? & passed(cargo(&["fmt", "--all"]))?)
}

/// Before the Rust steps: the release build takes the built page into the program.
fn display(tally: &mut Tally) -> bool {
    if !tally.step("display: packages", page::install) {
        return false;
    }
    tally.step("display: types", || passed(page::script("check")));
    tally.tests("display: tests", || heard(page::script("test"), LIMIT));
    tally.step("display: build", page::build)
}

fn style(tally: &mut Tally) {
    tally.step("format", || passed(cargo(&["fmt", "--all", "--check"])));
    tally.step("clippy", || {
        let strict = ["--", "-D", "warnings"];
        let clippy = |targets: &[&str]| {
            let all = [&["clippy", "--quiet", "--workspace"], targets, &strict];
            passed(cargo(&all.concat()))
        };
        // Tests that need a cluster or programs of others are no part of all targets, whatever stands beside it.
        let apart = ["--test", "kafka", "--test", "clients", "--test", "autobahn"];
        Ok(clippy(&["--all-targets"])? & clippy(&apart)?)
    });
}
