//! The end, and addresses that are not served.

use crate::rig::Rig;
use crate::wire::Wire;
use cx_gateway::{Config, Error, bind};
use cx_model::frame::ServerFrame;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const SUB: &str = r#"{"op":"sub","id":1,"board":"care"}"#;

#[tokio::test]
async fn says_bye_to_all_and_ends_within_two_seconds() {
    let mut rig = Rig::start(2);
    rig.seal(100, &[1, 2]);
    let mut wires = Vec::new();
    for _ in 0..5 {
        wires.push(Wire::watching(&rig, SUB).await);
    }
    let begun = Instant::now();
    rig.stop.take().unwrap().send(()).unwrap();
    let mut delays = BTreeSet::new();
    for wire in &mut wires {
        let frame = wire.hear_values().await;
        let ServerFrame::Bye { reason, retry_ms } = frame else {
            panic!("{frame:?}");
        };
        assert_eq!(reason, "draining");
        assert!((500..5_000).contains(&retry_ms), "{retry_ms}");
        delays.insert(retry_ms);
        let close = wire.closing().await;
        assert_eq!(
            (u16::from(close.code), close.reason.as_str()),
            (1_012, "draining")
        );
    }
    assert_eq!(delays.len(), 5, "returns are spread: {delays:?}");
    rig.served.await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(rig.hub.connections(), 0);
}

#[tokio::test]
async fn a_reader_that_sleeps_does_not_keep_the_door() {
    let mut rig = Rig::start(2_000);
    let mut slow = Wire::with_receive_buffer(&rig, 4_096).await;
    slow.say(SUB).await;
    let mut fast = Wire::watching(&rig, SUB).await;
    rig.seal(100, &[1; 2_000]);
    fast.hear_values().await;
    let begun = Instant::now();
    rig.stop.take().unwrap().send(()).unwrap();
    fast.closing().await;
    rig.served.await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(2_300),
        "{:?}",
        begun.elapsed()
    );
    drop(slow);
}

#[tokio::test]
async fn serves_this_machine_only_and_says_why() {
    for address in ["0.0.0.0:0", "10.1.2.3:7700", "[::]:0"] {
        let address = address.parse().unwrap();
        let error = bind(Config {
            address,
            closed: false,
        })
        .err()
        .expect("not served");
        assert!(matches!(error, Error::OpenToOthers { .. }));
        let text = error.to_string();
        assert!(
            text.contains("whoever reaches it could do everything; set access.mode to closed"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn names_the_next_free_port_where_one_is_busy() {
    let rig = Rig::start(1);
    let address = rig.address;
    let error = bind(Config {
        address,
        closed: false,
    })
    .err()
    .expect("the port is taken");
    let Error::PortBusy { free, .. } = &error else {
        panic!("{error}");
    };
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_ne!(*free, address);
    assert!(std::net::TcpListener::bind(free).is_ok(), "{free} is free");
}
