//! `serve` and `send` where there is nothing to serve or send to.

use crate::run::{text, watchfloor};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// Runs a command with these settings; what it says as it fails.
fn fails(line: &[&str], settings: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = watchfloor(line);
    command
        .env("WATCHFLOOR_ADDRESS", "127.0.0.1:0")
        .env("WATCHFLOOR_DATA", data.path())
        .envs(settings.iter().copied());
    let output = command.output().expect("it runs");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

#[test]
fn a_broker_that_is_not_there_is_named_with_why_and_the_setting() {
    let error = fails(&["serve"], &[("WATCHFLOOR_KAFKA_BOOTSTRAP", "127.0.0.1:1")]);
    for words in ["127.0.0.1:1", "Connection refused", "kafka.bootstrap"] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_program_that_is_no_broker_is_told_from_one_that_is_away() {
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = web.local_addr().expect("bound").to_string();
    // Answers everybody as a web server would, until the test ends.
    std::thread::spawn(move || {
        for stream in web.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let mut asked = [0; 512];
            drop(stream.read(&mut asked));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let error = fails(
        &["topics", "check"],
        &[("WATCHFLOOR_KAFKA_BOOTSTRAP", &address)],
    );
    assert!(
        error.contains(&address) && error.contains("Invalid response"),
        "{error}"
    );
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named_with_the_setting() {
    let taken = tempfile::NamedTempFile::new().expect("a file");
    let below = taken.path().join("data");
    let error = fails(
        &["serve"],
        &[("WATCHFLOOR_DATA", below.to_str().expect("text"))],
    );
    assert!(
        error.contains("secrets") && error.contains("`data`"),
        "{error}"
    );
}

#[test]
fn a_configuration_that_is_missing_or_wrong_is_named_with_the_place() {
    let error = fails(&["serve", "--config", "/no/such.yaml"], &[]);
    assert!(
        error.contains("/no/such.yaml") && error.contains("--config"),
        "{error}"
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "address: 127.0.0.1:0\nkafak: {}\n").expect("written");
    let path = file.path().to_str().expect("text");
    let error = fails(&["topics", "create", "--config", path], &[]);
    assert!(
        error.contains(path) && error.contains("kafak") && error.contains("line 2"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named_before_any_broker_is_asked() {
    let error = fails(&["send", "/no/such.ndjson"], &[]);
    assert!(error.contains("cannot read /no/such.ndjson"), "{error}");
    assert!(!error.contains("broker"), "{error}");
}

#[test]
fn a_setting_that_librdkafka_does_not_know_is_named() {
    let settings = [("WATCHFLOOR_KAFKA_PROPERTIES", "security.protocl=ssl")];
    let error = fails(&["topics", "check"], &settings);
    assert!(error.contains("security.protocl"), "{error}");
}

#[test]
fn nobody_to_ask_is_said_with_what_to_start() {
    for line in [&["get", "kpi"][..], &["watch", "care"]] {
        let error = fails(line, &[("WATCHFLOOR_URL", "http://127.0.0.1:1")]);
        assert!(error.contains("127.0.0.1:1"), "{line:?}: {error}");
    }
}
