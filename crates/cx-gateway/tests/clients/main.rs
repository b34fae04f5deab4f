//! Programs of others: the published validators on the contract, and the examples of
//! `schemas/README.md` against a gateway. `cargo xtask test` installs what they need.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(dead_code, reason = "the rig serves the other tests too")]

#[path = "../it/contract.rs"]
mod contract;
#[path = "../it/minutes.rs"]
mod minutes;
#[path = "../it/rig.rs"]
mod rig;
#[path = "../it/schema.rs"]
mod schema;
#[path = "../it/theatre.rs"]
mod theatre;
#[path = "../it/wire.rs"]
mod wire;

use rig::Rig;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(120);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// The example in that language, at the address of the rig.
fn example(language: &str, rig: &Rig) -> String {
    let readme = folder().join("../../../../schemas/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let address = "127.0.0.1:7700";
    assert!(example.contains(address), "{example}");
    example.replace(address, &rig.address.to_string())
}

/// A program that says something a line.
struct Saying {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Saying {
    fn start(command: &mut Command) -> Self {
        let piped = command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = piped.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            lines,
            _child: child,
        }
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("a line in time").unwrap().expect("it goes on")
    }
}

/// The program tells the snapshot's two values, then the one that changes.
async fn tells_values(rig: &Rig, mut program: Saying) {
    let mut seqs = Vec::new();
    let mut told = Vec::new();
    for n in 0..3 {
        if n == 2 {
            rig.seal(101, &[1, 786]);
        }
        let line = program.line().await;
        let (seq, rest) = line.split_once(' ').unwrap();
        seqs.push(seq.parse::<u64>().unwrap());
        told.push(rest.to_owned());
    }
    assert_eq!(told, ["1 1", "2 784", "2 786"]);
    assert!(seqs[2] > seqs[0], "{seqs:?}");
}

fn python() -> OsString {
    std::env::var_os("WATCHFLOOR_PYTHON").unwrap_or_else(|| "python3".into())
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn the_published_validators_find_nothing_wrong_with_the_contract() {
    let mut node = Command::new("node");
    let checked = node.arg("contract.mjs").current_dir(folder()).output();
    let checked = timeout(PATIENCE, checked).await.unwrap().unwrap();
    let said = String::from_utf8(checked.stdout).unwrap();
    let faults = String::from_utf8(checked.stderr).unwrap();
    assert!(checked.status.success(), "{said}{faults}");
    assert!(
        said.contains("asyncapi 3.0.0") && said.contains("openapi 3.1"),
        "{said}"
    );
}

#[tokio::test]
async fn the_example_in_python_runs() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 784]);
    let mut python = Command::new(python());
    let program = Saying::start(python.args(["-c", &example("python", &rig)]));
    tells_values(&rig, program).await;
}

#[tokio::test]
async fn the_example_in_javascript_runs_and_resumes_by_itself() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 784]);
    let mut node = Command::new("node");
    let code = example("javascript", &rig);
    let program = node.args(["--input-type=module", "-e", &code]);
    tells_values(&rig, Saying::start(program.current_dir(folder()))).await;
}

#[tokio::test]
async fn the_example_in_go_runs() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 784]);
    let place = tempfile::tempdir().unwrap();
    let code = write(&place, "main.go", &example("go", &rig));
    let mut go = Command::new("go");
    let program = go.arg("run").arg(code).env("GOFLAGS", "-p=2");
    tells_values(&rig, Saying::start(program)).await;
}

#[tokio::test]
async fn the_example_with_curl_prints_a_frame_a_line() {
    let rig = Rig::start(2);
    rig.seal(100, &[1, 784]);
    let mut shell = Command::new("sh");
    let mut curl = Saying::start(shell.args(["-c", &example("sh", &rig)]));
    schema::check_server(&curl.line().await);
    rig.seal(101, &[1, 786]);
    let line = loop {
        let line = curl.line().await;
        schema::check_server(&line);
        if !line.contains(r#""op":"hb""#) {
            break line;
        }
    };
    assert!(line.contains(r#""v":[[2,786,0]]"#), "{line}");
}
