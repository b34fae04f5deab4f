//! Clients that take more than their share, on raw sockets: bounded, counted, and others go on.

use crate::rig::Rig;
use crate::wire::Wire;
use cx_gateway::Limits;
use cx_model::frame::ServerFrame;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;
/// Set in the process that has few descriptors.
const FEW: &str = "WATCHFLOOR_TEST_FEW_DESCRIPTORS";

fn strict() -> Limits {
    Limits {
        first_byte: Duration::from_millis(300),
        head: Duration::from_millis(600),
        answer: Duration::from_millis(600),
        subscribe: Duration::from_millis(300),
        ..Limits::default()
    }
}

async fn refused(rig: &Rig, reason: &str) -> u64 {
    let metrics = rig.get("/metrics").await.text;
    let line = format!("watchfloor_refusals_total{{reason=\"{reason}\"}} ");
    let found = metrics.lines().find_map(|l| l.strip_prefix(&line));
    found.map_or(0, |n| n.parse().unwrap())
}

/// Reads to the end, which must come in time.
async fn ended(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    drop(end.expect("the server ends it"));
    bytes
}

/// A WebSocket by hand: the upgrade is answered and nothing is read of what follows.
async fn upgraded(rig: &Rig) -> TcpStream {
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let head = format!(
        "GET /v1/stream HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        rig.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stream
}

#[tokio::test]
async fn an_answered_connection_may_be_silent_for_a_while_only_and_streams_go_on() {
    let idle = Duration::from_millis(1_500);
    let rig = Rig::limited(
        2,
        Limits {
            idle,
            ..Limits::default()
        },
    );
    rig.seal(100, &[1, 784]);
    let mut wire = Wire::watching(&rig, SUB).await;
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let request = format!("HEAD /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address);
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        // Heartbeats of a stream, while the other connection says nothing.
        assert!(matches!(wire.hear().await, ServerFrame::Hb { .. }));
    }
    ended(&mut stream).await;
    assert_eq!(refused(&rig, "idle").await, 1);
    assert!(matches!(wire.hear().await, ServerFrame::Hb { .. }));
}

/// The code of the close frame at the end of what the server said.
fn close_code(bytes: &[u8]) -> u16 {
    let mut rest = bytes;
    while let [head, length, after @ ..] = rest {
        let length = usize::from(*length);
        assert!(length < 126, "short frames only");
        if head & 0x0f == 8 {
            return u16::from_be_bytes([after[0], after[1]]);
        }
        rest = &after[length..];
    }
    panic!("no close frame in {bytes:?}");
}

/// A masked frame with an empty mask.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short frames only");
    [&[head, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn who_says_nothing_or_one_byte_at_a_time_loses_the_place() {
    let rig = Rig::limited(1, strict());
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    let mut slow = TcpStream::connect(rig.address).await.unwrap();
    let dripping = async {
        let mut every = tokio::time::interval(Duration::from_millis(40));
        loop {
            every.tick().await;
            if slow.write_all(b"G").await.is_err() {
                break;
            }
        }
    };
    timeout(Duration::from_secs(5), dripping)
        .await
        .expect("the server ends it");
    assert_eq!(ended(&mut silent).await, b"");
    assert_eq!(refused(&rig, "no_first_byte").await, 1);
    assert_eq!(refused(&rig, "slow_request").await, 1);
    let mut bodiless = TcpStream::connect(rig.address).await.unwrap();
    let head = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n";
    bodiless.write_all(head).await.unwrap();
    let answer = ended(&mut bodiless).await;
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    assert_eq!(refused(&rig, "slow_request").await, 2);
}

#[tokio::test]
async fn a_stream_that_was_opened_in_time_stays_and_one_that_wants_nothing_ends() {
    let rig = Rig::limited(1, strict());
    rig.seal(100, &[1]);
    let mut kept = Wire::watching(&rig, SUB).await;
    let mut idle = upgraded(&rig).await;
    assert_eq!(close_code(&ended(&mut idle).await), 4_410);
    assert!(matches!(kept.hear().await, ServerFrame::Hb { .. }));
}

#[tokio::test]
async fn an_address_has_so_many_places_and_gets_them_back() {
    let limits = Limits {
        per_address: 2,
        ..Limits::default()
    };
    let rig = Rig::limited(1, limits);
    rig.seal(100, &[1]);
    let mut first = Wire::watching(&rig, SUB).await;
    let second = Wire::watching(&rig, SUB).await;
    let mut third = TcpStream::connect(rig.address).await.unwrap();
    assert_eq!(ended(&mut third).await, b"");
    drop(second);
    // The place is free once the server has seen the end.
    first.hear().await;
    assert_eq!(refused(&rig, "too_many_of_an_address").await, 1);
}

#[tokio::test]
async fn floods_of_pings_and_messages_end_and_bad_text_is_named() {
    let rig = Rig::start(1);
    for (sent, code) in [
        (frame(0x89, b"").repeat(300), 4_429),
        (frame(0x81, b"\xff\xfe"), 1_007),
        (frame(0x83, b""), 1_002),
        (b"\x81\x02hi".to_vec(), 1_002),
    ] {
        let mut stream = upgraded(&rig).await;
        stream.write_all(&sent).await.unwrap();
        assert_eq!(close_code(&ended(&mut stream).await), code);
    }
}

#[tokio::test]
async fn a_flood_of_fragments_is_one_message_and_ends_with_it() {
    let rig = Rig::start(1);
    let mut stream = upgraded(&rig).await;
    stream.write_all(&frame(0x01, &[b'x'; 100])).await.unwrap();
    for _ in 0..1_000 {
        if stream.write_all(&frame(0x00, &[b'x'; 100])).await.is_err() {
            break;
        }
    }
    // A reset may come before the close frame is read: what was sent after it was not.
    let said = ended(&mut stream).await;
    assert!(said.is_empty() || close_code(&said) == 1_009);
    let metrics = rig.get("/metrics").await.text;
    let line = "watchfloor_streams_closed_total{reason=\"message_over_64_kib\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn the_door_survives_running_out_of_descriptors() {
    if std::env::var_os(FEW).is_some() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "limits::with_few_descriptors";
    let mut few = std::process::Command::new("sh");
    few.args(["-c", r#"ulimit -n 64; exec "$0" --exact "$1""#]);
    let done = few.arg(this).arg(name).env(FEW, "1").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn with_few_descriptors() {
    if std::env::var_os(FEW).is_none() {
        return;
    }
    let rig = Rig::start(1);
    rig.seal(100, &[1]);
    let mut wire = Wire::watching(&rig, SUB).await;
    // Both ends are in this process: at some point one of them gets no descriptor.
    let mut all = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect(rig.address) {
        all.push(stream);
        assert!(all.len() < 64);
    }
    while !matches!(wire.hear().await, ServerFrame::Hb { .. }) {}
    drop(all);
    while !matches!(wire.hear().await, ServerFrame::Hb { .. }) {}
    assert_eq!(rig.get("/healthz").await.status, 200);
    assert!(refused(&rig, "not_accepted").await > 0);
}
