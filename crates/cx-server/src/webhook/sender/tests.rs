//! Messages to a real receiver on this machine.

use super::super::sign::Key;
use super::*;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver as Told, sync_channel};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Headers, lower-case, and body of one request.
type Request = (BTreeMap<String, String>, Vec<u8>);

/// A receiver that answers one status after the other, and what it hears.
fn receiver(statuses: &'static [&'static str]) -> (u16, Told<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (tell, told) = sync_channel(statuses.len());
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().expect("a request");
            let mut reader = BufReader::new(stream);
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            reader.read_line(&mut line).expect("a request line");
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a header");
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    break;
                };
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            let length = headers["content-length"].parse().expect("a length");
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let answer = format!(
                "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:{port}/other\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            reader
                .get_mut()
                .write_all(answer.as_bytes())
                .expect("answered");
            tell.send((headers, body)).expect("the test listens");
        }
    });
    (port, told)
}

fn webhooks(url: &str, allow_private: bool) -> Arc<Webhooks> {
    let receiver = Receiver {
        url: Url::parse(url).expect("an address"),
        key: Key::parse(SECRET).expect("a key"),
        allow_private,
    };
    Arc::new(Webhooks::new([("care".to_owned(), Some(receiver))].into()))
}

fn message(id: &str) -> Message {
    Message {
        id: id.to_owned(),
        to: "care".to_owned(),
        body: br#"{"type":"alert.raised"}"#.to_vec(),
    }
}

/// Delivers until nothing is on its way any more.
fn delivered(webhooks: &Arc<Webhooks>, again: &'static [Duration]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = || webhooks.waiting() == 0;
    runtime
        .expect("a runtime")
        .block_on(deliver(webhooks, again, done));
}

const AT_ONCE: &[Duration] = &[Duration::ZERO; 2];

#[test]
fn a_message_is_signed_and_sent_again_under_the_same_id_until_it_is_taken() {
    let (port, told) = receiver(&["503 Busy", "302 Found", "204 Taken"]);
    let webhooks = webhooks(&format!("http://127.0.0.1:{port}/cx"), true);
    webhooks.tell(message("a:raised"));
    delivered(&webhooks, AT_ONCE);
    let key = Key::parse(SECRET).expect("a key");
    for _ in 0..3 {
        let (headers, body) = told.try_recv().expect("a request");
        assert_eq!(headers["webhook-id"], "a:raised");
        let second = headers["webhook-timestamp"].parse().expect("seconds");
        assert_eq!(
            headers["webhook-signature"],
            key.sign("a:raised", second, &body)
        );
        assert_eq!(body, message("").body);
        assert_eq!(headers["content-type"], "application/json");
    }
    let fare = webhooks.fares()["care"].clone();
    assert_eq!((fare.taken, fare.failures, fare.given_up), (1, 2, 0));
    assert!(webhooks.alarms().is_empty());
}

#[test]
fn a_receiver_that_never_takes_it_is_given_up_and_told_to_a_person() {
    let (port, told) = receiver(&["500 No", "500 No", "500 No"]);
    let webhooks = webhooks(&format!("http://127.0.0.1:{port}/"), true);
    webhooks.tell(message("a:raised"));
    delivered(&webhooks, AT_ONCE);
    assert_eq!(told.try_iter().count(), 3);
    assert_eq!(webhooks.fares()["care"].given_up, 1);
    let alarm = "the receiver care was not told: it answered 500";
    assert_eq!(webhooks.alarms(), [alarm]);
}

#[test]
fn an_address_of_ours_is_never_connected_to_unless_it_is_allowed() {
    let (port, told) = receiver(&["204 Taken"]);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let webhooks = webhooks(&format!("http://{host}:{port}/"), false);
        webhooks.tell(message("a:raised"));
        delivered(&webhooks, &[]);
        let alarms = webhooks.alarms();
        assert!(alarms[0].contains("no public address"), "{alarms:?}");
    }
    assert!(told.try_recv().is_err(), "nobody knocked");
}

#[test]
fn beyond_what_may_wait_messages_are_dropped_and_counted() {
    let webhooks = webhooks("https://example.com/", false);
    for i in 0..1_003 {
        webhooks.tell(message(&i.to_string()));
    }
    assert_eq!((webhooks.waiting(), webhooks.dropped()), (1_000, 3));
}
