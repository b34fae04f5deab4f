//! The ear and the producer against the embedded broker.

use cx_kafka::{ClientSettings, Ear, Embedded, Error, Heard, Producer};
use cx_model::record::TimestampKind;
use std::time::{Duration, Instant};

type Seen = (u32, i64, i64, Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>);

fn read(ear: &mut Ear, ends: usize) -> Result<Vec<Seen>, Error> {
    let (mut seen, mut ended) = (Vec::new(), 0);
    let begun = Instant::now();
    while ended < ends && begun.elapsed() < Duration::from_secs(20) {
        ear.poll(Duration::from_millis(50), &mut |heard| match heard {
            Heard::Record(r) => {
                assert_eq!(r.timestamp_kind, TimestampKind::Create);
                seen.push((
                    r.partition,
                    r.offset,
                    r.timestamp.0,
                    r.key.map(<[u8]>::to_vec),
                    r.value.unwrap_or_default().to_vec(),
                    r.control.map(<[u8]>::to_vec),
                ));
            }
            Heard::End { .. } => ended += 1,
        })?;
    }
    Ok(seen)
}

#[test]
fn records_come_back_with_key_time_and_control_header_from_the_offset_asked_for() {
    let broker = Embedded::start(&[("t", 2)]).expect("starts");
    let settings = ClientSettings::embedded(broker.bootstrap());
    let producer = Producer::open(&settings).expect("opens");
    let big = vec![b'x'; 900_000];
    producer
        .send(
            "t",
            Some(0),
            Some(b"k"),
            b"one",
            &[("cx-control", b"c")],
            Some(1_000),
        )
        .expect("room");
    producer
        .send("t", Some(1), None, &big, &[], Some(2_000))
        .expect("room");
    producer.flush(Duration::from_secs(10)).expect("delivered");
    producer
        .send("t", Some(0), None, b"two", &[], Some(3_000))
        .expect("room");
    producer.flush(Duration::from_secs(10)).expect("delivered");

    let mut ear = Ear::open(&settings, "t", &[(0, 0), (1, 0)]).expect("opens");
    let mut seen = read(&mut ear, 2).expect("reads");
    seen.sort();
    assert_eq!(seen.len(), 3);
    assert_eq!(
        seen[0],
        (
            0,
            0,
            1_000,
            Some(b"k".to_vec()),
            b"one".to_vec(),
            Some(b"c".to_vec())
        )
    );
    assert_eq!(seen[1], (0, 1, 3_000, None, b"two".to_vec(), None));
    assert_eq!(seen[2].4.len(), 900_000);

    let mut later = Ear::open(&settings, "t", &[(0, 1)]).expect("opens");
    let seen = read(&mut later, 1).expect("reads");
    assert_eq!(seen.iter().map(|s| s.1).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_offset_that_is_not_in_the_log_is_an_error_that_says_so() {
    let broker = Embedded::start(&[("t", 1)]).expect("starts");
    let settings = ClientSettings::embedded(broker.bootstrap());
    let mut ear = Ear::open(&settings, "t", &[(0, 500)]).expect("opens");
    let error = read(&mut ear, 1).expect_err("offset 500 of an empty log");
    assert!(matches!(&error, Error::OffsetGone { .. }), "{error}");
}
