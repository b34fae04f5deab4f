//! Writing.

use super::{broker, put, read};
use cx_kafka::{ClientSettings, Ear, Error, Full, Producer};
use cx_model::ids::partition_of;
use std::time::Duration;

#[test]
fn a_full_queue_says_so_and_loses_nothing_that_it_took() {
    let (_broker, settings, _) = broker(1);
    let settings = settings
        .with("queue.buffering.max.messages", "50")
        .expect("is free to set");
    let producer = Producer::open(&settings).expect("opens");
    let mut refusals = 0;
    for n in 1..=2_000_i64 {
        while let Err(Full) = producer.send("t", Some(0), None, b"x", &[], Some(n)) {
            refusals += 1;
            // Room comes when the broker answers.
            producer.flush(Duration::from_secs(10)).expect("delivered");
        }
    }
    producer.flush(Duration::from_secs(10)).expect("delivered");
    assert!(refusals > 0, "the queue was never full");
    assert_eq!((producer.failed(), producer.in_flight()), (0, 0));

    let mut ear = Ear::open(&settings, "t", &[(0, 0)]).expect("opens");
    let (seen, _) = read(&mut ear, 1).expect("reads");
    let times: Vec<i64> = seen.iter().map(|s| s.timestamp).collect();
    let all: Vec<i64> = (1..=2_000).collect();
    assert!(times == all, "{} of 2,000, or out of order", times.len());
}

#[test]
fn deliveries_are_counted() {
    let (_broker, _, producer) = broker(1);
    for n in 0..3 {
        put(&producer, 0, b"x", n);
    }
    assert_eq!((producer.delivered(), producer.failed()), (3, 0));
}

#[test]
fn a_key_alone_goes_where_java_clients_and_we_put_it() {
    let (_broker, settings, producer) = broker(5);
    for n in 0..40_u32 {
        let key = format!("customer-{n}");
        let sent = producer.send("t", None, Some(key.as_bytes()), b"x", &[], Some(0));
        sent.expect("room in the queue");
    }
    producer.flush(Duration::from_secs(10)).expect("delivered");
    let starts: Vec<(u32, i64)> = (0..5).map(|p| (p, 0)).collect();
    let mut ear = Ear::open(&settings, "t", &starts).expect("opens");
    let (seen, _) = read(&mut ear, 5).expect("reads");
    assert_eq!(seen.len(), 40);
    for record in seen {
        let key = record.key.expect("has a key");
        let key = std::str::from_utf8(&key).expect("text");
        assert_eq!(record.partition, partition_of(key, 5), "{key}");
    }
}

#[tokio::test]
async fn an_acknowledged_record_says_where_it_landed() {
    let (_broker, _, producer) = broker(2);
    for expected in [(1, 0), (1, 1)] {
        let landed = producer.send_acked("t", 1, None, b"x", Some(0)).await;
        assert_eq!(landed.expect("delivered"), expected);
    }
}

#[tokio::test]
async fn a_record_too_large_is_refused_at_once_and_counted() {
    let (_broker, _, producer) = broker(1);
    let huge = vec![0; 10_000_000];
    let error = producer.send_acked("t", 0, None, &huge, None).await;
    assert!(
        matches!(error, Err(Error::NotDelivered { .. })),
        "{error:?}"
    );
    assert_eq!(producer.send("t", Some(0), None, &huge, &[], None), Ok(()));
    assert_eq!(producer.failed(), 2);
}

#[tokio::test]
async fn a_silent_broker_is_named_after_the_wait() {
    let settings = ClientSettings::broker("127.0.0.1:1").with_patience(Duration::from_millis(300));
    let producer = Producer::open(&settings).expect("connecting comes later");
    let error = producer.send_acked("t", 0, None, b"x", None).await;
    let text = error.expect_err("nothing listens on port 1").to_string();
    assert!(
        text.contains("127.0.0.1:1") && text.contains("0.3 s"),
        "{text}"
    );
    let left = producer.flush(Duration::from_millis(10));
    let text = left.expect_err("still queued").to_string();
    assert!(text.contains("1 records are left"), "{text}");
}
