//! Reading.

use super::{Seen, broker, noise, put, read};
use cx_kafka::{ClientSettings, Ear, Error, Heard};
use std::time::Duration;

fn text(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .map(|s| std::str::from_utf8(&s.value).expect("text"))
        .collect()
}

#[test]
fn a_record_comes_back_with_its_key_time_and_control_header() {
    let (_broker, settings, producer) = broker(1);
    let headers: &[(&str, &[u8])] = &[("other", b"x"), ("cx-control", b"1;k;00")];
    let sent = producer.send("t", Some(0), Some(b"anna"), b"one", headers, Some(1_000));
    sent.expect("room in the queue");
    producer.flush(Duration::from_secs(10)).expect("delivered");
    put(&producer, 0, b"two", 500);

    let mut ear = Ear::open(&settings, "t", &[(0, 0)]).expect("opens");
    let (seen, ended) = read(&mut ear, 1).expect("reads");
    let one = Seen {
        partition: 0,
        offset: 0,
        timestamp: 1_000,
        key: Some(b"anna".to_vec()),
        value: b"one".to_vec(),
        control: Some(b"1;k;00".to_vec()),
    };
    let two = Seen {
        offset: 1,
        timestamp: 500,
        key: None,
        value: b"two".to_vec(),
        control: None,
        ..one.clone()
    };
    assert_eq!(seen, [one, two]);
    assert_eq!(ended, [(0, 2)]);
}

#[test]
fn reading_begins_at_the_offset_asked_for() {
    let (_broker, settings, producer) = broker(1);
    for n in 0..5_i64 {
        put(&producer, 0, n.to_string().as_bytes(), n);
    }
    let mut ear = Ear::open(&settings, "t", &[(0, 3)]).expect("opens");
    let (seen, ended) = read(&mut ear, 1).expect("reads");
    assert_eq!(text(&seen), ["3", "4"]);
    assert_eq!(ended, [(0, 5)]);
}

#[test]
fn only_the_assigned_partitions_are_read_each_in_order() {
    let (_broker, settings, producer) = broker(3);
    for n in 0..6_u32 {
        put(&producer, n % 3, n.to_string().as_bytes(), 0);
    }
    let mut ear = Ear::open(&settings, "t", &[(0, 0), (2, 1)]).expect("opens");
    let (mut seen, mut ended) = read(&mut ear, 2).expect("reads");
    seen.sort();
    ended.sort_unstable();
    assert_eq!(text(&seen), ["0", "3", "5"]);
    assert_eq!(ended, [(0, 2), (2, 2)]);
}

#[test]
fn the_end_is_reported_for_an_empty_log_and_again_after_more() {
    let (_broker, settings, producer) = broker(1);
    let mut ear = Ear::open(&settings, "t", &[(0, 0)]).expect("opens");
    assert_eq!(read(&mut ear, 1).expect("reads").1, [(0, 0)]);
    put(&producer, 0, b"a", 0);
    let (seen, ended) = read(&mut ear, 1).expect("reads");
    assert_eq!((text(&seen), ended), (vec!["a"], vec![(0, 1)]));
}

#[test]
fn a_paused_partition_is_silent_and_loses_nothing() {
    let (_broker, settings, producer) = broker(2);
    let mut ear = Ear::open(&settings, "t", &[(0, 0), (1, 0)]).expect("opens");
    ear.pause(0).expect("is read here");
    put(&producer, 0, b"kept", 0);
    put(&producer, 1, b"heard", 0);
    let mut heard = Vec::new();
    for _ in 0..400 {
        let mut take = |h: Heard<'_>| {
            if let Heard::Record(r) = h {
                heard.push((r.partition, r.offset));
            }
        };
        ear.poll(Duration::from_millis(50), &mut take)
            .expect("reads");
        if !heard.is_empty() {
            break;
        }
    }
    assert_eq!(heard, [(1, 0)]);
    ear.resume(0).expect("is read here");
    let (seen, ended) = read(&mut ear, 1).expect("reads");
    assert_eq!((text(&seen), ended), (vec!["kept"], vec![(0, 1)]));
    assert!(matches!(ear.pause(7), Err(Error::NoPartition { .. })));
}

#[test]
fn a_record_of_900_kilobytes_passes() {
    let (_broker, settings, producer) = broker(1);
    let big = noise(900_000, 7);
    put(&producer, 0, &big, 0);
    let mut ear = Ear::open(&settings, "t", &[(0, 0)]).expect("opens");
    let (seen, _) = read(&mut ear, 1).expect("reads");
    assert!(seen.len() == 1 && seen[0].value == big, "one, unchanged");
}

#[test]
fn an_offset_beyond_the_log_is_refused_by_name() {
    let (_broker, settings, producer) = broker(2);
    put(&producer, 1, b"a", 0);
    let error = Ear::open(&settings, "t", &[(0, 0), (1, 500)])
        .err()
        .expect("the log ends at 1");
    assert_eq!(
        error.to_string(),
        "t: offset 500 of partition 1 is not in the log, which ends at 1; it comes from another \
         topic of that name, so start anew from 0"
    );
}

#[test]
fn an_offset_that_retention_removed_is_refused_by_name() {
    let (_broker, settings, producer) = broker(1);
    for n in 0..12 {
        put(&producer, 0, &noise(900_000, n), 0);
    }
    let error = Ear::open(&settings, "t", &[(0, 0)])
        .err()
        .expect("5 MiB are kept, 10 were written");
    let text = error.to_string();
    let start = "t: offset 0 of partition 0 is no longer in the log, which begins at ";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn falling_behind_retention_while_reading_stops_with_the_same_words() {
    let (_broker, settings, producer) = broker(1);
    let mut ear = Ear::open(&settings, "t", &[(0, 0)]).expect("opens");
    ear.pause(0).expect("is read here");
    for n in 0..12 {
        put(&producer, 0, &noise(900_000, n), 0);
    }
    ear.resume(0).expect("is read here");
    let error = read(&mut ear, 1).expect_err("offset 0 is gone");
    assert!(
        matches!(error, Error::OffsetGone { partition: 0, offset: 0, low, high: 12, .. } if low > 0),
        "{error}"
    );
}

#[test]
fn a_missing_topic_or_partition_is_refused_by_name() {
    let (_broker, settings, _producer) = broker(2);
    let error = |topic, partition| {
        Ear::open(&settings, topic, &[(partition, 0)])
            .err()
            .expect("is not there")
            .to_string()
    };
    assert_eq!(
        error("t", 2),
        "topic t has no partition 2, it has 2; correct the configured partition count"
    );
    let absent = error("absent", 0);
    assert!(
        absent.starts_with("topic absent does not exist"),
        "{absent}"
    );
}

#[test]
fn a_silent_broker_is_named_with_its_address_and_the_wait() {
    let settings =
        ClientSettings::broker("127.0.0.1:1").with_patience(Duration::from_millis(1_500));
    let error = Ear::open(&settings, "t", &[(0, 0)])
        .err()
        .expect("nothing listens on port 1")
        .to_string();
    let start = "no answer from the kafka broker at 127.0.0.1:1 within 1.5 s";
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn settings_our_promises_rest_on_cannot_be_changed() {
    let settings = ClientSettings::broker("127.0.0.1:1");
    let error = settings.clone().with("acks", "0").expect_err("is ours");
    assert!(error.to_string().contains("acks"), "{error}");
    let unknown = settings.with("no.such.setting", "1").expect("not ours");
    let error = Ear::open(&unknown, "t", &[]).err().expect("unknown");
    assert!(error.to_string().contains("no.such.setting"), "{error}");
}
