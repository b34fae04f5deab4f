//! Closed access as people meet it: commands that let somebody in, and a demo that asks who they are.

use crate::run::{House, now, text, watchfloor};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "canary-password-1";
/// A revocation has to be felt within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs a command with something on its standard input.
pub(crate) fn fed(line: &[&str], input: &str) -> Output {
    let mut command = watchfloor(line);
    command.stdin(Stdio::piped());
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("it runs");
    let written = child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes());
    // It may end before it asks.
    drop(written);
    child.wait_with_output().expect("it ends")
}

/// A folder of people and keys.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("a path")
    }

    /// The exit code, and all that was said.
    pub(crate) fn told(&self, line: &[&str], input: &str) -> (Option<i32>, String) {
        let mut all = line.to_vec();
        all.extend(["--data", self.path()]);
        let output = fed(&all, input);
        let said = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), said)
    }

    pub(crate) fn person(&self, name: &str, role: &str, more: &[&str]) {
        let line = [
            &["user", "add", name, "--role", role, "--boards", "*"],
            more,
        ]
        .concat();
        let (code, said) = self.told(&line, &format!("{PASSWORD}\n"));
        assert_eq!(code, Some(0), "{said}");
    }

    /// Makes a key; the file that holds it, and its text.
    pub(crate) fn key(&self, name: &str, role: &str) -> (String, String) {
        let line = [
            "key",
            "add",
            name,
            "--role",
            role,
            "--boards",
            "care",
            "--data",
            self.path(),
        ];
        let output = fed(&line, "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let key = text(&output.stdout).trim().to_owned();
        let file = self.0.path().join(name);
        std::fs::write(&file, format!("{key}\n")).expect("written");
        (file.to_str().expect("a path").to_owned(), key)
    }

    fn demo(&self) -> House {
        self.demo_with(&[])
    }

    /// With settings of the environment; as loud as it can be.
    pub(crate) fn demo_with(&self, settings: &[(&str, &str)]) -> House {
        let line = [
            "demo",
            "--address",
            "127.0.0.1:0",
            "--json",
            "--history",
            "5",
            "--story",
            "calm",
        ];
        let mut command = watchfloor(&line);
        command
            .args(["--closed", self.path()])
            .env("RUST_LOG", "trace")
            .envs(settings.iter().copied());
        House::start(&mut command)
    }
}

/// One request of a browser: status, `Set-Cookie`, body.
pub(crate) fn page(
    house: &House,
    method: &str,
    path: &str,
    (cookie, body): (&str, &str),
) -> (u16, String, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent = ureq::Agent::new_with_config(config.build());
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", house.url))
        .header("origin", &house.url)
        .header("cookie", cookie)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .expect("a request");
    let answer = agent.run(request).expect("an answer");
    let status = answer.status().as_u16();
    let set = answer.headers().get("set-cookie");
    let set = set.map_or_else(String::new, |set| text(set.as_bytes()));
    let set = set.split(';').next().unwrap_or_default().to_owned();
    let body = answer.into_body().read_to_string().expect("text");
    (status, set, body)
}

pub(crate) fn asked(house: &House, token: &str, line: &[&str]) -> (Option<i32>, String) {
    let mut all = line.to_vec();
    all.extend(["--url", &house.url]);
    if !token.is_empty() {
        all.extend(["--token-file", token]);
    }
    let output = fed(&all, "");
    (
        output.status.code(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

#[test]
fn people_are_let_in_changed_and_shown_out_by_commands() {
    let folder = Folder::new();
    let add = [
        "user", "add", "ada", "--role", "operator", "--boards", "care",
    ];
    let (code, said) = folder.told(&add, "short\n");
    assert!(
        code == Some(1) && said.contains("12 to 256 bytes"),
        "{said}"
    );
    let (code, said) = folder.told(&add, "");
    assert!(code == Some(1) && said.contains("standard input"), "{said}");
    let mut wrong = add.to_vec();
    wrong.extend(["--answers-for", "everything"]);
    let (code, said) = folder.told(&wrong, &format!("{PASSWORD}\n"));
    assert!(code == Some(1) && said.contains("TEAM.ROLE"), "{said}");
    folder.person("ada", "operator", &["--answers-for", "care.operations"]);
    let (code, said) = folder.told(&add, &format!("{PASSWORD}\n"));
    assert!(code == Some(1) && said.contains("user password"), "{said}");
    let (code, said) = folder.told(&["user", "role", "ada", "king"], "");
    assert!(
        code == Some(2) && said.contains("write one of viewer"),
        "{said}"
    );
    let (code, said) = folder.told(&["user", "role", "ada", "engineer"], "");
    assert_eq!((code, said.trim()), (Some(0), "ada is engineer"));
    let (_, said) = folder.told(&["user", "list", "--json"], "");
    let listed: Value = serde_json::from_str(&said).expect("JSON");
    let one = json!({"name": "ada", "role": "engineer", "boards": ["*"], "answers_for": ["care.operations"]});
    assert_eq!(listed["users"], json!([one]));
    let (_, said) = folder.told(&["user", "list"], "");
    assert!(
        said.contains("ada") && said.contains("all boards") && !said.contains("argon"),
        "{said}"
    );
    assert_eq!(folder.told(&["user", "remove", "ada"], "").0, Some(0));
    let (code, said) = folder.told(&["user", "remove", "ada"], "");
    assert!(code == Some(1) && said.contains("user list"), "{said}");
}

#[test]
fn a_closed_demo_lets_in_who_is_in_its_files_and_their_signatures_count() {
    let folder = Folder::new();
    folder.person("ada", "operator", &["--answers-for", "care.operations"]);
    let (token, key) = folder.key("reader", "viewer");
    let house = folder.demo();
    let (code, said) = asked(&house, "", &["get", "board", "care"]);
    assert!(
        code == Some(1) && said.contains("sign in at /sign-in"),
        "{said}"
    );
    let (code, said) = asked(&house, &token, &["get", "board", "care"]);
    assert!(code == Some(0) && said.contains("sealed"), "{said}");
    let (code, said) = asked(&house, &token, &["watch", "care", "--for", "2s", "--json"]);
    assert!(code == Some(0) && said.lines().count() > 1, "{said}");
    let (code, said) = asked(&house, &token, &["get", "board", "commerce"]);
    assert!(
        code == Some(1) && said.contains("boards of this credential are: care"),
        "{said}"
    );
    let take = ["alert", "take", "x", "--as", "Ada Nowak"];
    let (code, said) = asked(&house, &token, &take);
    assert!(code == Some(1) && !said.contains("done"), "{said}");

    // A key has a name of its own; without one it is asked for.
    let (code, said) = asked(&house, &token, &["alert", "take", "x"]);
    assert!(code == Some(1) && said.contains("no open alert"), "{said}");
    let (code, said) = asked(&house, "", &["alert", "take", "x"]);
    assert!(code == Some(2) && said.contains("--as <NAME>"), "{said}");

    let sign_in = json!({"name": "ada", "password": PASSWORD}).to_string();
    let (status, ada, _) = page(&house, "POST", "/v1/session", ("", &sign_in));
    assert_eq!(status, 200);
    let (_, _, kpi) = page(&house, "GET", "/v1/kpis/service_level_voice", (&ada, ""));
    let kpi: Value = serde_json::from_str(&kpi).expect("JSON");
    assert_eq!(
        kpi["governed"]["signatures"],
        json!([]),
        "the cast signs nothing here"
    );
    let word = json!({
        "word": "sign", "kpi": "service_level_voice", "definition": kpi["definition"],
        "role": "business", "by": "Mallory",
    });
    let (status, _, signed) = page(&house, "POST", "/v1/definitions", (&ada, &word.to_string()));
    assert_eq!(status, 202, "{signed}");
    let signed: Value = serde_json::from_str(&signed).expect("JSON");
    let one = &signed["signatures"][0];
    assert_eq!(
        (&one["by"], &one["as"], &one["demo"]),
        (&json!("ada"), &json!("care.operations"), &json!(false))
    );
    let technical = word.to_string().replace("business", "technical");
    assert_eq!(
        page(&house, "POST", "/v1/definitions", (&ada, &technical)).0,
        403,
        "an operator does not sign for data"
    );

    let (_, _, alerts) = page(&house, "GET", "/v1/alerts", (&ada, ""));
    let alerts: Value = serde_json::from_str(&alerts).expect("JSON");
    let one = json!({"name": "ada", "role": "operator"});
    assert_eq!((&alerts["you"], &alerts["cast"]), (&one, &json!([one])));

    let id = &key[..11];
    assert_eq!(folder.told(&["key", "revoke", id], "").0, Some(0));
    let begun = now();
    while asked(&house, &token, &["get", "board", "care"]).0 == Some(0) {
        assert!(begun.elapsed() < PATIENCE, "revoked within 5 s");
    }
    assert!(house.stop().1);
}

#[test]
fn no_secret_and_no_personal_data_stands_in_any_log() {
    let folder = Folder::new();
    folder.person("ada", "admin", &[]);
    let (token, key) = folder.key("sender", "engineer");
    let mut house = folder.demo();
    let sign_in = json!({"name": "ada", "password": PASSWORD}).to_string();
    let (_, ada, _) = page(&house, "POST", "/v1/session", ("", &sign_in));
    let wrong = json!({"name": "ada", "password": "canary-password-2"}).to_string();
    assert_eq!(page(&house, "POST", "/v1/session", ("", &wrong)).0, 401);
    let (_, _, pairing) = page(&house, "POST", "/v1/pairings", ("", ""));
    let pairing: Value = serde_json::from_str(&pairing).expect("JSON");
    let lookup = r#"{"customer_id": "canary-customer@example.com"}"#;
    page(&house, "POST", "/v1/customers/lookup", (&ada, lookup));
    page(
        &house,
        "POST",
        "/v1/customers/lookup",
        (&ada, r#"{"customer_id": ["canary-customer@example.com"]}"#),
    );
    page(
        &house,
        "POST",
        "/v1/events",
        (&ada, r#"{"email": "canary-customer@example.com"}"#),
    );
    page(&house, "GET", "/v1/stream?ticket=canary-ticket", (&ada, ""));
    page(
        &house,
        "GET",
        "/v1/boards?token=canary-query",
        ("__Host-watchfloor=canary-cookie", ""),
    );
    assert_eq!(asked(&house, &token, &["get", "board", "care"]).0, Some(0));
    house.signal("INT");
    let (_, said) = house.wait();
    assert!(
        said.contains("TRACE") || said.contains("DEBUG"),
        "the log is as loud as it can be: {said}"
    );
    let claim = pairing["claim"].as_str().expect("a claim");
    let session = ada.split('=').nth(1).expect("a secret");
    for secret in ["canary-", &key, &key[12..], claim, session] {
        assert!(!said.contains(secret), "{secret} stands in the log");
    }
    for file in ["users.json", "keys.json", "passes.json"] {
        let kept = std::fs::read_to_string(Path::new(folder.path()).join("access").join(file))
            .expect("kept");
        for secret in ["canary-", &key[12..], session] {
            assert!(!kept.contains(secret), "{secret} stands in {file}");
        }
    }
}
