//! The gateway with certificates: HTTP and streams over TLS, certificates that change, clients that do
//! not speak it.

use crate::rig::Rig;
use cx_client::View;
use cx_gateway::{Certificates, Limits};
use cx_model::frame::ServerFrame;
use futures_util::{SinkExt, StreamExt};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(5);

/// A folder with `chain.pem` and `key.pem`.
struct Files(TempDir);

impl Files {
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self(tempfile::tempdir().unwrap());
        let certificate = files.renew();
        (files, certificate)
    }

    /// Another certificate and its key.
    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.chain(), cert.pem()).unwrap();
        std::fs::write(self.key(), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    fn chain(&self) -> PathBuf {
        self.0.path().join("chain.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    fn read(&self) -> Result<Certificates, String> {
        Certificates::read(&self.chain(), &self.key()).map_err(|error| error.to_string())
    }

    fn rig(&self, limits: Limits) -> Rig {
        let certificates = self.read().unwrap();
        Rig::like(2, |gateway| {
            let gateway = gateway.with_limits(limits);
            let gateway = gateway.with_certificates(certificates);
            assert_eq!(gateway.scheme(), "https");
            gateway
        })
    }
}

/// A client that believes one certificate.
async fn connected(
    rig: &Rig,
    believed: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(rig.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
}

/// Asks for a path; head and body together.
async fn asked(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

/// How often a reason was counted.
async fn refused(rig: &Rig, certificate: &CertificateDer<'static>, reason: &str) -> u64 {
    let metrics = asked(&mut connected(rig, certificate).await.unwrap(), "/metrics").await;
    let line = format!("watchfloor_refusals_total{{reason=\"{reason}\"}} ");
    let found = metrics.lines().find_map(|l| l.strip_prefix(&line));
    found.map_or(0, |n| n.trim().parse().unwrap())
}

#[tokio::test]
async fn http_and_streams_go_over_tls_and_browsers_are_told_to_stay() {
    let (files, certificate) = Files::new();
    let rig = files.rig(Limits::default());
    rig.seal(100, &[1, 784]);
    let mut stream = connected(&rig, &certificate).await.unwrap();
    let answer = asked(&mut stream, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );

    let tls = connected(&rig, &certificate).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/v1/stream", tls)
        .await
        .unwrap();
    let sub = r#"{"op":"sub","id":1,"board":"care"}"#;
    socket.send(Message::text(sub)).await.unwrap();
    let mut view = View::default();
    for s in [100, 101] {
        let message = timeout(PATIENCE, socket.next()).await.unwrap();
        let text = message.unwrap().unwrap().into_text().unwrap();
        let frame: ServerFrame = serde_json::from_str(&text).unwrap();
        view.apply(&frame).unwrap();
        assert_eq!(view.s, Some(s), "{text}");
        rig.seal(101, &[1, 786]);
    }
}

#[tokio::test]
async fn a_page_of_the_same_address_over_tls_is_at_home_and_another_is_not() {
    let (files, certificate) = Files::new();
    let rig = files.rig(Limits::default());
    for (origin, status) in [("https://localhost", "200"), ("https://elsewhere", "403")] {
        let mut stream = connected(&rig, &certificate).await.unwrap();
        let request = format!(
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn changed_certificates_hold_for_new_connections_only() {
    let (files, first) = Files::new();
    let rig = files.rig(Limits::default());
    let mut old = connected(&rig, &first).await.unwrap();
    let second = files.renew();
    let begun = tokio::time::Instant::now();
    while connected(&rig, &second).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the new one holds");
        tokio::task::yield_now().await;
    }
    assert!(connected(&rig, &first).await.is_err());
    let answer = asked(&mut old, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_let_go_and_counted() {
    let (files, certificate) = Files::new();
    let limits = Limits {
        first_byte: Duration::from_millis(300),
        ..Limits::default()
    };
    let rig = files.rig(limits);
    let mut plain = TcpStream::connect(rig.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    for stream in [&mut plain, &mut silent] {
        let mut said = Vec::new();
        let ended = timeout(PATIENCE, stream.read_to_end(&mut said)).await;
        drop(ended.expect("it is let go"));
        assert!(!said.starts_with(b"HTTP"), "{said:?}");
    }
    assert_eq!(refused(&rig, &certificate, "no_tls").await, 1);
    assert_eq!(refused(&rig, &certificate, "no_first_byte").await, 1);
}

#[test]
fn files_that_are_no_certificate_or_no_key_of_it_are_named() {
    let (files, _) = Files::new();
    let (others, _) = Files::new();
    let fault = |files: &Files| files.read().expect_err("wrong");
    std::fs::copy(others.key(), files.key()).unwrap();
    let said = fault(&files);
    assert!(
        said.contains("key.pem: it is the key of another certificate"),
        "{said}"
    );
    std::fs::write(files.chain(), "").unwrap();
    let said = fault(&files);
    assert!(
        said.contains("chain.pem: no certificate is in it"),
        "{said}"
    );
    std::fs::remove_file(files.chain()).unwrap();
    let said = fault(&files);
    assert!(
        said.contains("chain.pem") && said.contains("No such file"),
        "{said}"
    );
}
