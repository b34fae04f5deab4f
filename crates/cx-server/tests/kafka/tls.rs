//! A house with certificates, asked by our own commands.

use crate::cluster::{Installation, sent};
use crate::round_trip::events;
use crate::run::text;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::process::Output;

#[test]
fn commands_speak_tls_to_a_house_whose_certificate_they_believe() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]);
    let CertifiedKey { cert, signing_key } = made.expect("made");
    let [certificate, key] = [
        ("chain.pem", cert.pem()),
        ("key.pem", signing_key.serialize_pem()),
    ]
    .map(|(name, pem)| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path.to_str().expect("text").to_owned()
    });
    let mut at = Installation::new(1);
    at.more
        .push(("WATCHFLOOR_TLS_CERTIFICATE", certificate.clone()));
    at.refused(
        &["serve"],
        &["tls: name both files, certificate and key, or none"],
    );
    at.more.push(("WATCHFLOOR_TLS_KEY", key));
    let house = at.serve();
    assert!(house.url.starts_with("https://"), "{}", house.url);
    sent(&at, &events(6).0);
    let asked = |words: &[&str], believed: &str| -> Output {
        let mut command = at.command(words);
        command
            .args(["--url", &house.url])
            .env("SSL_CERT_FILE", believed);
        command.output().expect("it runs")
    };
    let got = asked(&["get", "board", "care"], &certificate);
    assert!(got.status.success(), "{}", text(&got.stderr));
    let watched = asked(&["watch", "care", "--json", "--for", "3s"], &certificate);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    assert!(
        text(&watched.stdout).contains("\"sealed\":true"),
        "{}",
        text(&watched.stdout)
    );
    for words in [
        &["get", "board", "care"][..],
        &["watch", "care", "--for", "3s"],
    ] {
        let refused = asked(words, "/dev/null");
        let said = text(&refused.stderr);
        assert!(
            !refused.status.success() && said.contains("certificate"),
            "{said}"
        );
    }
}
